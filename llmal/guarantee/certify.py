"""From an audit to a promise: which labels may stay, which go to people, and what is promised."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from llmal.errors import ConfigError
from llmal.guarantee.accepted_precision import certify_accepted_precision
from llmal.guarantee.anytime import certify_anytime
from llmal.guarantee.audit import Audit, check_audit, check_frozen, check_rates
from llmal.guarantee.certificate import Certificate, Mode
from llmal.guarantee.estimate_only import certify_estimate_only
from llmal.guarantee.fdr import certify_fdr
from llmal.guarantee.groups import group_audit
from llmal.guarantee.largest_promise import LargestPromise, find_largest_promise
from llmal.guarantee.pool_error import certify_pool_error
from llmal.guarantee.recall import ClassFound, certify_recall
from llmal.guarantee.repeated import repeated_audit


def certify(
    order: ArrayLike,
    audited: ArrayLike,
    wrong: ArrayLike,
    *,
    epsilon: float = 0.05,
    alpha: float = 0.05,
    mode: Mode = "pool_error",
    looks: Sequence[int] | None = None,
    items: int | None = None,
    skipped: ArrayLike | None = None,
    planned: ArrayLike | None = None,
    used: ArrayLike | None = None,
    frozen: str | None = None,
    fingerprint: str | None = None,
    groups: ArrayLike | None = None,
    texts: ArrayLike | None = None,
    found: ClassFound | None = None,
    future: bool = False,
    start: int | None = None,
    of: str | None = None,
) -> Certificate:
    """Say which labels may stay, so that the promise of the mode is kept.

    Args:
        order: Positions of the M items that no person has labelled, most trusted first, ties
            broken; frozen before the audit was drawn.
        audited: Positions of the audited ones, in order of draw, shape (m,).
        wrong: Which of these are wrong, shape (m,): a person says something else.
        epsilon: The share of wrong labels that is allowed.
        alpha: With what probability the promise may fail.
        mode: What is promised. "pool_error": at most ε·N of all labels are wrong, with planned
            looks or one; of a part of the pool, such as what was given a class, it is the precision
            of that class. "looks": the same with alpha shared equally among the looks.
            "anytime": the same, and the audit may stop at any time. "accepted_precision": at most
            ε of the labels that stay are wrong, here or in future. "recall": at most ε of the
            items of a class are missed. "fdr": at most ε of what stays, on average over audits.
            "estimate_only": nothing; the accuracy is estimated.
        looks: How many items have been audited in all at each planned look, rising.
        items: N, how many labels are delivered in all, where people have labelled items before
            that are not in `order`: labels by people are right by definition, so the rest may have
            all ε·N wrong labels.
        skipped: Which of the audited ones a person skipped, shape (m,); they count as wrong.
        planned: The audit as it was drawn; `audited` must be its beginning.
        used: Positions whose labels by people were used to make labels, score or order.
        frozen: The fingerprint of labels and order when the audit was drawn.
        fingerprint: The fingerprint of labels and order now.
        groups: The group of each position, where near-duplicates are drawn together: the audit has
            whole groups, and looks count groups.
        texts: The text of each position, where items with the same text are drawn one by one and a
            person's label of one goes to all of them: they need no other.
        found: For recall: what is known of the items that were given the class.
        future: For accepted_precision: promise it of future items, and not of this pool.
        start: For accepted_precision: how many audited items the first step has in expectation.
        of: What the labels are labels of, for the words of the promise: a class, where `order` is
            the part of the pool that was given it (its precision), or not given it (its recall).

    Raises:
        DataError: The audit can't carry a promise, and why.
        ConfigError: An argument is out of its range.
    """
    check_rates(epsilon, alpha)
    check_frozen(frozen, fingerprint)
    audit: Audit = check_audit(
        order, audited, wrong, items=items, skipped=skipped, planned=planned, used=used
    )
    _refuse_arguments(mode, looks=looks, groups=groups, texts=texts, found=found, future=future,
                      start=start)  # fmt: skip
    if groups is not None:
        audit = group_audit(audit, groups)
    elif texts is not None:
        audit = repeated_audit(audit, texts)
    match mode:
        case "pool_error" | "looks":
            return certify_pool_error(
                audit, epsilon=epsilon, alpha=alpha, looks=looks, mode=mode, of=of
            )
        case "anytime":
            return certify_anytime(audit, epsilon=epsilon, alpha=alpha)
        case "accepted_precision":
            return certify_accepted_precision(
                audit, epsilon=epsilon, alpha=alpha, future=future, start=start
            )
        case "recall":
            if found is None:
                raise ConfigError(
                    "recall is a share of all items of the class, and it is not known how many "
                    "were found",
                    fix="give found=ClassFound(...)",
                )
            return certify_recall(
                audit, epsilon=epsilon, alpha=alpha, looks=looks, found=found, of=of
            )
        case "fdr":
            return certify_fdr(audit, epsilon=epsilon)
        case "estimate_only":
            return certify_estimate_only(audit, epsilon=epsilon, alpha=alpha)
    raise ConfigError(f"there is no mode {mode!r}", fix=f"take one of {', '.join(_TAKES)}")


_TAKES: dict[str, frozenset[str]] = {
    "pool_error": frozenset({"looks", "groups", "texts"}),
    "looks": frozenset({"looks", "groups", "texts"}),
    "anytime": frozenset({"groups"}),
    "accepted_precision": frozenset({"future", "start"}),
    "recall": frozenset({"looks", "groups", "found"}),
    "fdr": frozenset(),
    "estimate_only": frozenset(),
}


def _refuse_arguments(mode: str, **arguments: object) -> None:
    if mode not in _TAKES:
        raise ConfigError(f"there is no mode {mode!r}", fix=f"take one of {', '.join(_TAKES)}")
    for name, value in arguments.items():
        if value is not None and value is not False and name not in _TAKES[mode]:
            modes = ", ".join(one for one, names in _TAKES.items() if name in names)
            raise ConfigError(f"mode {mode} does not take {name}", fix=f"{name} is for {modes}")


def largest_promise(
    order: ArrayLike,
    audited: ArrayLike,
    wrong: ArrayLike,
    *,
    epsilon: float = 0.05,
    alpha: float = 0.05,
    looks: Sequence[int] | None = None,
    items: int | None = None,
    skipped: ArrayLike | None = None,
    planned: ArrayLike | None = None,
    used: ArrayLike | None = None,
    reviewed_wrong: int = 0,
    anytime: bool = False,
) -> LargestPromise:
    """Say what may be promised of all labels as they are, if people can't label what is left.

    Arguments are those of `certify`; `reviewed_wrong` counts labels outside the audit that people
    have since found wrong and put right. With `anytime` it may be told at any time of the audit and
    again and again; without it once, or at the planned looks. See `LargestPromise` for what may be
    quoted.

    Raises:
        DataError: The audit can't carry a promise, and why.
        ConfigError: An argument is out of its range.
    """
    check_rates(epsilon, alpha)
    audit = check_audit(
        order, audited, wrong, items=items, skipped=skipped, planned=planned, used=used
    )
    if anytime and looks is not None:
        raise ConfigError(
            "the largest promise is asked for at planned looks and at any time",
            fix="give looks or anytime, not both",
        )
    return find_largest_promise(
        audit,
        epsilon=epsilon,
        alpha=alpha,
        looks=looks,
        reviewed_wrong=reviewed_wrong,
        anytime=anytime,
    )
