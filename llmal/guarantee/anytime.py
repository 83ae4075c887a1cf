"""An audit that may stop at any time: evidence that is valid however long it goes on."""

from __future__ import annotations

from functools import lru_cache
from math import log

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.audit import Audit, allowed_wrong
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.hypergeometric import log_cdf_above, log_choose, log_pmf
from llmal.guarantee.promises import (
    FIXED_POOL,
    condition_on_people,
    nothing_promised,
    percent,
    skipped_note,
    wrong_and_chance,
)

_STEPS = 20
_IN_ORDER = "The audit was labelled in its order of draw, and nothing of it was left out."


def certify_anytime(audit: Audit, *, epsilon: float, alpha: float) -> Certificate:
    """Keep the longest beginning of the order that the audit so far has cleared, step by step.

    For a beginning of u items, "more than B of them are wrong" is tested by a martingale
    (`log_evidence`) that exceeds 1/α at any time of the audit with a probability of at most α. The
    beginnings grow in steps of 5 % that nothing of the audit can change, and the walk ends before
    the first that is not cleared. So the audit may be looked at after every label and ended
    whenever what may stay is enough. What it costs: wrong labels that the audit has put right are
    not taken off.

    Args:
        audit: The audit so far, in order of draw.
        epsilon: The share of wrong labels that is allowed, of all that are delivered.
        alpha: With what probability the promise may fail.
    """
    rest = len(audit.order)
    wrong = allowed_wrong(epsilon, audit.items)
    allowed = audit.allowed(wrong)
    prefix, cleared_at = _walk(audit, allowed, alpha)
    holds = rest <= allowed or cleared_at > 0
    accepted, to_people = audit.split(prefix if holds else 0)
    condition = meaning = ""
    if holds:
        claim = (
            f"Of the {audit.items:,} labels delivered, at most {wrong:,} ({percent(epsilon)}) are "
            "wrong"
        )
        condition = condition_on_people(len(to_people))
        meaning = wrong_and_chance(audit, alpha)
    else:
        claim = nothing_promised(
            f"to keep wrong labels to {percent(epsilon)} of {audit.items:,} with probability "
            f"{percent(1 - alpha)}",
            audit,
            needed(rest, allowed, alpha),
        )
    return Certificate(
        mode="anytime",
        accepted=accepted,
        to_people=to_people,
        holds=holds,
        epsilon=epsilon,
        alpha=alpha,
        items=audit.items,
        audited=len(audit),
        wrong=int(audit.wrong.sum()),
        claim=claim,
        condition=condition,
        meaning=meaning,
        rests_on=(
            *FIXED_POOL,
            "The audit was labelled in its order of draw, and nothing of it was left out.",
            *skipped_note(audit),
        ),
        details={
            "rest": rest,
            "allowed": allowed,
            "prefix": prefix if holds else 0,
            "cleared_at": cleared_at,
            "needed": needed(rest, allowed, alpha),
            "stays": len(accepted) - audit.labelled,
        },
    )


def log_evidence(
    errors: NDArray[np.int64], drawn: NDArray[np.int64], size: int, allowed: int
) -> NDArray[np.float64]:
    """The logarithm of the evidence that at most `allowed` of `size` items are wrong.

    W_t = mean over D < D0 of P(d errors in t draws | D wrong) / P(d | D0 wrong), D0 = allowed + 1:
    a martingale if D0 are wrong, and smaller if more are. The mean is a hypergeometric tail: to
    choose t + 1 of size + 1 places is to choose which of D0 places hold the first d + 1.

    Args:
        errors: d, how many wrong items were drawn, after each of some numbers of draws.
        drawn: t, the numbers of draws; the two arrays are broadcast.
        size: How many items there are.
        allowed: How many may be wrong, fewer than there are.
    """
    mean = log_cdf_above(errors, size + 1, allowed + 1, drawn + 1) + (
        log_choose(size + 1, drawn + 1) - log_choose(size, drawn) - log(allowed + 1)
    )
    null = log_pmf(errors, size, allowed + 1, drawn)
    impossible = np.isneginf(null)
    # More errors than D0 refute the claim, fewer than D0 must bring prove it.
    proven = np.where(errors > allowed, -np.inf, np.inf)
    return np.asarray(np.where(impossible, proven, mean - np.where(impossible, 0.0, null)))


@lru_cache(maxsize=1024)
def needed(rest: int, allowed: int, alpha: float) -> int:
    """How many audited items without an error clear the whole."""
    if rest <= allowed:
        return 0
    most = 64
    while True:
        drawn = np.arange(1, min(rest, most) + 1)
        values = log_evidence(np.zeros(len(drawn), dtype=np.int64), drawn, rest, allowed)
        cleared = values >= -log(alpha)
        if cleared.any() or most >= rest:
            return int(drawn[np.argmax(cleared)])
        most *= 4


def _walk(audit: Audit, allowed: int, alpha: float) -> tuple[int, int]:
    """Where the walk ends, and after how many labels it could end there."""
    rest, drawn = len(audit.order), len(audit)
    prefix, at = min(allowed, rest), 0
    sizes = sorted({rest * step // _STEPS for step in range(1, _STEPS + 1)})
    for size in sizes[np.searchsorted(sizes, allowed, side="right") :]:
        inside = audit.places < size
        errors = np.cumsum(audit.wrong[inside])
        limits = _limits(size, allowed, alpha, min(size, _round_up(drawn)))
        passed = np.flatnonzero(errors <= limits[: len(errors)])
        if not len(passed):
            break
        prefix, at = size, max(at, int(np.flatnonzero(inside)[passed[0]]) + 1)
    return prefix, at


@lru_cache(maxsize=512)
def _limits(size: int, allowed: int, alpha: float, drawn: int) -> NDArray[np.int64]:
    """With how many errors the evidence is still enough, after 1, 2, … draws; -1 for none.

    The evidence falls as errors rise.
    """
    draws = np.arange(1, drawn + 1)[None, :]
    # Above the share that is to be refuted there is no evidence against it.
    errors = np.arange(min(allowed, drawn * (allowed + 1) // size + 1) + 1)[:, None]
    values = log_evidence(errors, draws, size, allowed)
    enough = (values >= -log(alpha)) & (errors <= draws)
    unbroken = np.logical_and.accumulate(enough, axis=0)
    return np.asarray(unbroken.sum(axis=0) - 1, dtype=np.int64)


def _round_up(drawn: int) -> int:
    """To a power of two, so that an audit that grows finds the limits where they were."""
    return 1 << (drawn - 1).bit_length() if drawn else 0
