"""The share of right labels among those that stay: in this pool, or in a stream of items."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.special import bdtr, betaincinv

from llmal.guarantee.audit import Audit, allowed_wrong
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.hypergeometric import cdf
from llmal.guarantee.promises import FIXED_POOL, VOID, chance, percent, skipped_note

STEPS = 20
"""In how many steps the walk goes down the whole order."""
_FEWEST = 30

_STREAM = (
    "The items are independent draws from the stream that the promise is about, and those to come "
    "are drawn from the same one.",
    "Labels, score and thresholds were frozen before the audit was drawn; labels of future items "
    "are made in the same way.",
    "No label of the audit was used for prompts, demonstrations, calibration, training or the "
    "score.",
)


_GROWING = (
    "One order of draw was drawn by the seed after labels, score and order were frozen, and people "
    "were asked by it about each part of the order that was tested, leaving nothing out.",
    "How many labels people may give at most, and which parts of the order are tested one after "
    "the other, was fixed before the first was asked for.",
    *FIXED_POOL[1:],
)

Kind = Literal["uniform", "growing", "future"]
"""A uniform audit of a pool, one that asks where the walk stands, or a uniform one for a stream."""

_RESTS_ON: dict[Kind, tuple[str, ...]] = {
    "uniform": FIXED_POOL,
    "growing": _GROWING,
    "future": _STREAM,
}


def certify_accepted_precision(
    audit: Audit, *, epsilon: float, alpha: float, future: bool, start: int | None
) -> Certificate:
    """Keep the longest beginning of the order of which at most a share ε is wrong.

    Fixed-sequence testing (Bauer 1991; Jung et al. 2025, "Trust or Escalate"): beginnings of the
    order, 5 % longer each, are tested one after the other at level α, and the walk ends before the
    first that fails. Which ones are tested may not depend on what the audit shows: they are places
    in the order (for this pool), or thresholds that are the scores of items that were not audited
    (for future items; of these thresholds the audited items are an independent sample). In this
    pool the count of wrong ones is tested by the hypergeometric distribution, for future items by
    Clopper and Pearson.

    What is promised is the precision of the labels before any of them is put right.

    Args:
        audit: The audit of a uniform sample.
        epsilon: The share of wrong ones among what is accepted: 1 − precision.
        alpha: With what probability the promise may fail.
        future: Promise it of future items from the same stream, and not of this pool.
        start: How many audited items the first beginning has in expectation; by default as many as
            pass with two errors (with one, where that were more than half of the audit), and 30 and
            a quarter of the audit at least.
    """
    first = first_size(len(audit), epsilon, alpha) if start is None else start
    prefix, drawn, errors = 0, 0, 0
    for size in _sizes(audit, max(first, 1), future=future):
        inside = audit.places < size
        n, d = int(inside.sum()), int(audit.wrong[inside].sum())
        if not _passes(n, d, size, epsilon, alpha, future=future):
            break
        prefix, drawn, errors = size, n, d
    return precision_certificate(
        audit,
        prefix=prefix,
        drawn=drawn,
        errors=errors,
        epsilon=epsilon,
        alpha=alpha,
        kind="future" if future else "uniform",
    )


def precision_certificate(
    audit: Audit,
    *,
    prefix: int,
    drawn: int,
    errors: int,
    epsilon: float,
    alpha: float,
    kind: Kind,
) -> Certificate:
    """The certificate for a beginning of the order that was reached.

    Args:
        audit: The audit.
        prefix: How many items of the order were reached, 0 for none.
        drawn: How many audited ones among them were tested.
        errors: How many of these were wrong.
        epsilon: The share of wrong ones among what is accepted.
        alpha: With what probability the promise may fail.
        kind: How the audit was drawn, and of what it is promised.
    """
    rest, future = len(audit.order), kind == "future"
    holds = prefix > 0 or rest == 0
    accepted, to_people = audit.split(prefix)
    needed = fewest_accepted(epsilon, alpha, errors=0)
    meaning = ""
    if holds:
        claim, meaning = _statement(audit, prefix, epsilon, alpha, kind)
    else:
        claim = (
            f"Nothing is promised: to keep wrong labels among the accepted ones to "
            f"{percent(epsilon)} with probability {percent(1 - alpha)} takes at least {needed:,} "
            f"audited items among the surest without an error, and the {len(audit):,} audited ones "
            f"of {rest:,} did not show it"
        )
    bound = float(betaincinv(errors + 1, drawn - errors, 1 - alpha)) if drawn > errors else 1.0
    return Certificate(
        mode="accepted_precision",
        accepted=accepted,
        to_people=to_people,
        holds=holds,
        epsilon=epsilon,
        alpha=alpha,
        items=audit.items,
        audited=len(audit),
        wrong=int(audit.wrong.sum()),
        claim=claim,
        meaning=meaning,
        rests_on=_RESTS_ON[kind] + skipped_note(audit),
        details={
            "rest": rest,
            "prefix": prefix,
            "audited_in_prefix": drawn,
            "wrong_in_prefix": errors,
            # Of a count that was looked at again and again it would be no bound.
            **({} if kind == "growing" else {"clopper_pearson": bound}),
            "future": future,
            "needed": needed,
            "stays": len(accepted) - audit.labelled,
        },
    )


def _statement(
    audit: Audit, prefix: int, epsilon: float, alpha: float, kind: Kind
) -> tuple[str, str]:
    """What is promised of a beginning that was reached, and what its words mean."""
    about = (
        "of the labels that the same system gives to future items with at least the score of the "
        f"last one that is accepted here (place {prefix:,} of {len(audit.order):,} in the order)"
        if kind == "future"
        else f"of the {prefix:,} first labels of the order, which may stay,"
    )
    word = (
        f"The procedure that says so breaks its word with a probability of at most {percent(alpha)}"
    )
    match kind:
        case "future":
            random = f"{word}; items and audit are random. It is void if the stream changes."
        case "uniform":
            random = f"{chance(audit, alpha)} It is a count over these labels together. {VOID}"
        case "growing":
            random = (
                f"{word}. The items, their labels, their order and what people would say are taken "
                "as fixed: the one thing that is random is the order in which the "
                f"{len(audit.order):,} items that no person had labelled were drawn. The "
                f"{len(audit):,} that were audited ({int(audit.wrong.sum()):,} of them were wrong) "
                "are the first ones of it within the parts of the order that were tested. It is a "
                f"count over these labels together. {VOID}"
            )
    return (
        f"Not more than {percent(epsilon)} {about} are wrong, before any of them is put right",
        f"A label is wrong if it is not the one that the people of record would give. {random}",
    )


def first_size(drawn: int, epsilon: float, alpha: float) -> int:
    """How many audited items the first beginning has in expectation, where nobody says."""
    size = fewest_accepted(epsilon, alpha, errors=2)
    if size > drawn // 2:
        size = fewest_accepted(epsilon, alpha, errors=1)
    return max(size, drawn // 4)


@lru_cache(maxsize=1024)
def fewest_accepted(epsilon: float, alpha: float, *, errors: int) -> int:
    """How many audited items among the accepted ones pass with so many errors.

    30 at least, and no more than 100,000.
    """
    sizes = np.arange(errors + 1, 100_001)
    passed = bdtr(errors, sizes, epsilon) <= alpha
    return max(_FEWEST, int(sizes[np.argmax(passed)]) if passed.any() else len(sizes))


def _passes(n: int, d: int, size: int, epsilon: float, alpha: float, *, future: bool) -> bool:
    if future:
        return n > 0 and float(bdtr(d, n, epsilon)) <= alpha
    return cdf(d, size, allowed_wrong(epsilon, size) + 1, n) <= alpha


def _sizes(audit: Audit, first: int, *, future: bool) -> list[int]:
    """The beginnings that are tested, the shortest first."""
    rest, drawn = len(audit.order), len(audit)
    if not drawn:
        return []
    if not future:
        return _steps(-(-first * rest // drawn), rest)
    audited = np.zeros(rest, np.bool_)
    audited[audit.places] = True
    others = np.flatnonzero(~audited)
    steps = _steps(-(-first * len(others) // drawn), len(others))
    return [int(others[step - 1]) + 1 for step in steps]


def _steps(start: int, end: int) -> list[int]:
    return sorted({*range(min(start, end), end, max(1, end // STEPS)), end} - {0})
