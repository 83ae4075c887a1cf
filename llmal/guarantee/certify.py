"""From an audit to a promise: which labels may stay, which go to people, and what is promised."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from llmal.errors import ConfigError
from llmal.guarantee.audit import check_audit, check_frozen, check_rates
from llmal.guarantee.certificate import Certificate, Mode
from llmal.guarantee.pool_error import certify_pool_error


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
) -> Certificate:
    """Say which labels may stay, so that the promise of the mode is kept.

    Args:
        order: Positions of the M items that no person has labelled, most trusted first, ties
            broken; frozen before the audit was drawn.
        audited: Positions of the audited ones, in order of draw, shape (m,).
        wrong: Which of these are wrong, shape (m,): a person says something else.
        epsilon: The share of wrong labels that is allowed.
        alpha: With what probability the promise may fail.
        mode: What is promised.
        looks: How many items have been audited in all at each planned look, rising.
        items: N, how many labels are delivered in all, where people have labelled items before
            that are not in `order`: labels by people are right by definition, so the rest may have
            all ε·N wrong labels.
        skipped: Which of the audited ones a person skipped, shape (m,); they count as wrong.
        planned: The audit as it was drawn; `audited` must be its beginning.
        used: Positions whose labels by people were used to make labels, score or order.
        frozen: The fingerprint of labels and order when the audit was drawn.
        fingerprint: The fingerprint of labels and order now.

    Raises:
        DataError: The audit can't carry a promise, and why.
        ConfigError: An argument is out of its range.
    """
    check_rates(epsilon, alpha)
    check_frozen(frozen, fingerprint)
    audit = check_audit(
        order, audited, wrong, items=items, skipped=skipped, planned=planned, used=used
    )
    if mode == "pool_error":
        return certify_pool_error(audit, epsilon=epsilon, alpha=alpha, looks=looks)
    raise ConfigError(f"there is no mode {mode!r}")
