"""An audit as rules take it: checked, so that nothing is promised from one that can't carry it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import ConfigError, DataError

_IMPROBABLE = 1e-9
"""An audit whose places in the order are less likely than this was not drawn uniformly."""
_ENOUGH_TO_TELL = 20


@dataclass(frozen=True, eq=False)
class Audit:
    """Items that no person has labelled, in their order, and what people say of some of them.

    Attributes:
        items: N, how many labels are delivered in all.
        order: Positions of the M items that no person has labelled, most trusted first.
        audited: Positions, in order of draw, shape (m,).
        wrong: Which of them are wrong, shape (m,). One that a person skipped is.
        skipped: Which of them a person skipped, shape (m,).
        places: Where each stands in the order, shape (m,): 0 is the most trusted.
    """

    items: int
    order: NDArray[np.int64]
    audited: NDArray[np.int64]
    wrong: NDArray[np.bool_]
    skipped: NDArray[np.bool_]
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.audited)

    def split(self, prefix: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What may stay and what people have to label, if the first `prefix` of the order stay.

        Audited items are done wherever they stand, unless they were skipped.
        """
        stays = np.arange(len(self.order)) < prefix
        stays[self.places] = ~self.skipped
        return self.order[stays], self.order[~stays]

    @property
    def labelled(self) -> int:
        """How many items people have labelled in it."""
        return int((~self.skipped).sum())

    @property
    def unit(self) -> str:
        """What was drawn."""
        return "items"

    def allowed(self, wrong: int) -> int:
        """How many of what was drawn may be wrong, so that no more than `wrong` items are."""
        return wrong


def allowed_wrong(epsilon: float, items: int) -> int:
    """⌊εN⌋, with ε taken as it is written: 0.29 of 100 is 29."""
    return int(Fraction(str(float(epsilon))) * items)


def check_rates(epsilon: float, alpha: float) -> None:
    """Refuse shares that mean nothing.

    Raises:
        ConfigError: One is out of its range.
    """
    if not 0 <= epsilon < 1:
        raise ConfigError(
            f"epsilon is {epsilon}",
            fix="give the share of labels that may be wrong, at least 0 and below 1, such as 0.05",
        )
    if not 0 < alpha <= 0.5:
        raise ConfigError(
            f"alpha is {alpha}",
            fix="give the probability that the promise may fail, above 0 and at most 0.5, "
            "such as 0.05",
        )


def check_audit(
    order: ArrayLike,
    audited: ArrayLike,
    wrong: ArrayLike,
    *,
    items: int | None = None,
    skipped: ArrayLike | None = None,
    planned: ArrayLike | None = None,
    used: ArrayLike | None = None,
) -> Audit:
    """Take an audit in, and refuse one from which nothing can be promised.

    Args:
        order: Positions of the items that no person has labelled, most trusted first.
        audited: Positions of the audited ones, in order of draw.
        wrong: Which of these are wrong.
        items: How many labels are delivered in all; the length of `order` where it is not given.
        skipped: Which of the audited a person skipped.
        planned: The audit as it was drawn, longer or as long.
        used: Positions of items whose labels by people were used for prompts, demonstrations,
            calibration, training or the score.

    Raises:
        DataError: It can't carry a promise, and why.
    """
    order, audited = _positions(order, "order"), _positions(audited, "audited")
    _refuse_twice(order, "the order")
    _refuse_twice(audited, "the audit")
    wrong = _flags(wrong, audited, "wrong")
    skipped = _flags(
        np.zeros(len(audited), bool) if skipped is None else skipped, audited, "skipped"
    )
    items = len(order) if items is None else items
    if items < len(order):
        raise DataError(
            f"items is {items}, and the order has {len(order)}",
            fix="items counts all labels that are delivered, those by people included",
        )
    places = _places(order, audited)
    if planned is not None:
        _refuse_other_draw(audited, _positions(planned, "planned"))
    elif len(audited) >= _ENOUGH_TO_TELL:
        _refuse_not_uniform(places, len(order))
    if used is not None:
        both = np.intersect1d(audited, _positions(used, "used"))
        if len(both):
            raise DataError(
                f"the audit's label of position {both[0]} was used for something else "
                f"({len(both)} such in all)",
                fix="an audit counts only if nothing was made with its labels: audit other items",
            )
    return Audit(items, order, audited, wrong | skipped, skipped, places)


def check_frozen(frozen: str | None, fingerprint: str | None) -> None:
    """Refuse labels or an order that are not those of when the audit was drawn.

    Raises:
        DataError: The two fingerprints differ.
    """
    if frozen is not None and fingerprint is not None and frozen != fingerprint:
        raise DataError(
            f"labels, score or order are not those that the audit was drawn for "
            f"({fingerprint}, not {frozen})",
            fix="draw and label a new audit, or certify what was frozen",
        )


def _positions(values: ArrayLike, name: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer) or (array < 0).any():
        raise DataError(
            f"{name} holds something else than positions", fix="give whole numbers from 0, in a row"
        )
    return np.asarray(array, dtype=np.int64)


def _flags(values: ArrayLike, audited: NDArray[np.int64], name: str) -> NDArray[np.bool_]:
    array = np.asarray(values)
    if array.shape != audited.shape:
        raise DataError(
            f"{name} has shape {array.shape}, and {len(audited)} items were audited",
            fix="give one truth value for each",
        )
    if array.size and not np.isin(array, (0, 1)).all():
        raise DataError(f"{name} holds something else than truth values", fix="give booleans")
    return np.asarray(array, dtype=np.bool_)


def _refuse_twice(positions: NDArray[np.int64], what: str) -> None:
    values, counts = np.unique(positions, return_counts=True)
    if (counts > 1).any():
        raise DataError(
            f"position {values[counts > 1][0]} is in {what} more than once", fix="name each once"
        )


def _places(order: NDArray[np.int64], audited: NDArray[np.int64]) -> NDArray[np.int64]:
    by_position = np.argsort(order)
    found = np.searchsorted(order[by_position], audited)
    odd = np.ones(len(audited), bool)
    inside = found < len(order)
    odd[inside] = order[by_position[found[inside]]] != audited[inside]
    if odd.any():
        raise DataError(
            f"the audited position {audited[odd][0]} is not in the order ({int(odd.sum())} such)",
            fix="an audit is drawn from the items that no person had labelled, and from no others",
        )
    return np.asarray(by_position[found], dtype=np.int64)


def _refuse_other_draw(audited: NDArray[np.int64], planned: NDArray[np.int64]) -> None:
    same = len(audited) <= len(planned) and bool((planned[: len(audited)] == audited).all())
    if not same:
        raise DataError(
            "the audited items are not the first ones of the planned draw",
            fix="audit what was drawn, in that order, and leave nothing out; an item that a person "
            "can't label is named in `skipped`",
        )


def _refuse_not_uniform(places: NDArray[np.int64], rest: int) -> None:
    from scipy.stats import kstest  # slow to import, and no command but few comes here

    if kstest((places + 0.5) / rest, "uniform").pvalue < _IMPROBABLE:
        raise DataError(
            f"the {len(places)} audited items are no uniform draw from the order: their places in "
            "it gather where chance would not put them",
            fix="an audit of the doubtful or of the sure items alone promises nothing; draw one "
            "uniformly",
        )
