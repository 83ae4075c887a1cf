"""What a round's positions and signals must look like, and the sentence said when they do not."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.embed.chunks import chunks
from llmal.errors import SelectionError

SUM_TOLERANCE = 1e-3
"""How far from one the probabilities of an item may sum: float16 keeps three decimals."""


@dataclass(frozen=True)
class Extent:
    """How far a round reaches, which arrays about it must match.

    Attributes:
        size: N: items in the pool.
        unlabelled: Shape (U,): positions of the items that may be picked.
        labelled: L: labelled items.
        whole: Whether the probabilities of an item sum to one.
    """

    size: int
    unlabelled: NDArray[np.int64]
    labelled: int = 0
    whole: bool = True


def check_size(size: Any) -> int:
    """The number of items, as an int of at least zero."""
    number = _integer(size)
    if number is None or number < 0:
        raise SelectionError(f"size is {size!r}", fix="it must be the number of items")
    return number


def check_count(k: Any, unlabelled: int) -> int:
    """The number of picks asked for, as an int between one and the unlabelled items left."""
    count = _integer(k)
    if count is None or count < 1:
        raise SelectionError(f"asked for {k!r} items", fix="ask for a whole number, at least one")
    if count > unlabelled:
        raise SelectionError(f"asked for {count} items, but only {unlabelled} are unlabelled")
    return count


def items_in(present: Iterable[tuple[Any, int]]) -> int:
    """Number of items when it is not given: the rows of the first signal there is.

    Args:
        present: Signals, each with the axis that has its rows.
    """
    for values, axis in present:
        try:
            return len(values[0]) if axis else len(values)
        except (TypeError, IndexError):
            break
    raise SelectionError(
        "cannot tell how many items there are", fix="pass size, embeddings or probabilities"
    )


def check_positions(name: str, values: ArrayLike, size: int) -> NDArray[np.int64]:
    """Distinct positions in the pool: a read-only int64 copy, shape (n,), in the order given."""
    positions = _integers(name, values, "positions in the pool")
    if not positions.size:
        return positions
    outside = (positions < 0) | (positions >= size)
    if outside.any():
        raise SelectionError(
            f"{name} holds position {positions[outside.argmax()]}, but there are {size} items",
            fix="positions run from 0 to size - 1; pass size if the arrays do not cover all items",
        )
    distinct, counts = np.unique(positions, return_counts=True)
    if len(distinct) < len(positions):
        raise SelectionError(f"{name} holds position {distinct[counts.argmax()]} more than once")
    return positions


def check_labels(values: ArrayLike, labelled: int, *, table: bool = False) -> NDArray[np.int64]:
    """One integer for each labelled item: a read-only int64 copy, shape (L,).

    With `table`, where an item takes several labels, 0 or 1 for each of them, shape (L, C).
    """
    if table:
        return _label_table(values, labelled)
    labels = _integers("labels", values, "columns of the task")
    if len(labels) != labelled:
        raise SelectionError(f"there are {labelled} labelled positions and {len(labels)} labels")
    return labels


def _label_table(values: ArrayLike, labelled: int) -> NDArray[np.int64]:
    given = _array("labels", values)
    if not labelled and not given.size:
        given = given.reshape(0, given.shape[1] if given.ndim == 2 else 0)
    if given.ndim != 2 or len(given) != labelled or not np.isin(given, (0, 1)).all():
        raise SelectionError(
            f"labels of shape {given.shape} stand beside {labelled} labelled positions, and items "
            "take several labels",
            fix="give 0 or 1 for each label of each labelled item",
        )
    copied = given.astype(np.int64)
    copied.flags.writeable = False
    return copied


def check_embeddings(name: str, values: Any, extent: Extent) -> NDArray[np.float32]:
    """Finite float32, shape (N, d); a float32 array or memory-map is used as it is, read-only."""
    given = _matrix(name, values)
    if len(given) != extent.size:
        raise SelectionError(f"{name} have {len(given)} rows, but there are {extent.size} items")
    if given.shape[1] == 0:
        raise SelectionError(f"{name} have no columns")
    with np.errstate(over="ignore"):  # what float32 cannot hold is reported as infinite below
        embeddings = given.astype(np.float32, copy=False)
    for part in chunks(*embeddings.shape):
        finite = np.isfinite(embeddings[part])
        if not finite.all():
            _refuse_row(name, embeddings, part.start + int(finite.all(axis=1).argmin()))
    return _read_only(embeddings)


def check_probabilities(name: str, values: Any, extent: Extent) -> NDArray[np.floating[Any]]:
    """Rows that sum to one, shape (U, C), aligned with `unlabelled`; float32 or float64.

    Where an item takes several labels (not `whole`), each number is a probability of its own. Rows
    of items that are not unlabelled are dropped unseen: nothing depends on them.
    """
    given = _scores(name, values, extent.size, len(extent.unlabelled))
    probabilities, shown = _of_unlabelled(given, extent)
    _check_rows(name, probabilities, shown, whole=extent.whole)
    return _read_only(probabilities)


def check_rows(name: str, values: Any, count: int, whole: bool) -> NDArray[np.floating[Any]]:
    """Rows that sum to one, shape (count, C), in the order of the items that they belong to."""
    given = _scores(name, values, count, count)
    _check_rows(name, given, None, whole=whole)
    return _read_only(given)


def check_committee(name: str, values: Any, extent: Extent) -> NDArray[np.floating[Any]]:
    """Rows that sum to one, shape (T, U, C), for at least one member."""
    given = _array(name, values)
    if given.ndim != 3 or not len(given):
        raise SelectionError(
            f"{name} must have the shape (members, items, labels), not {given.shape}"
        )
    members = [check_probabilities(name, one, extent) for one in given]
    if given.dtype == members[0].dtype and members[0].shape == given.shape[1:]:
        return _read_only(given)
    return _read_only(np.stack(members))


def check_texts(name: str, values: Any, extent: Extent) -> Sequence[str]:
    """As many texts as there are items."""
    if len(values) != extent.size:
        raise SelectionError(f"there are {len(values)} {name}, but {extent.size} items")
    texts: Sequence[str] = values
    return texts


def check_numbers(
    name: str, values: Any, extent: Extent, *, positive: bool = False
) -> NDArray[np.float64]:
    """Finite numbers, shape (U,), aligned with `unlabelled`; above zero, where they must be."""
    given = _array(name, values)
    if given.ndim != 1 or len(given) not in (extent.size, len(extent.unlabelled)):
        raise SelectionError(
            f"{name} have the shape {given.shape}, but there are {extent.size} items, "
            f"{len(extent.unlabelled)} of them unlabelled",
            fix="give a number for each of the one or the other",
        )
    if given.dtype.kind not in "fiu":
        raise SelectionError(f"{name} must be real numbers, not {given.dtype}")
    rows, shown = _of_unlabelled(given, extent)
    numbers = rows.astype(np.float64)
    usable = np.isfinite(numbers) & ((numbers > 0) | (not positive))
    if not usable.all():
        first = int(usable.argmin())
        row = first if shown is None else int(shown[first])
        raise SelectionError(
            f"{name} hold {numbers[first]:g}, first in row {row}",
            fix="they must be finite and above zero" if positive else "they must be finite",
        )
    return _read_only(numbers)


def _check_rows(
    name: str,
    probabilities: NDArray[np.floating[Any]],
    shown: NDArray[np.int64] | None,
    *,
    whole: bool,
) -> None:
    """Refuse rows that are no probabilities; `shown` gives the row to name for each."""
    if whole:
        _check_sums(name, probabilities, shown)
        return
    for part in chunks(*probabilities.shape):
        usable = ((probabilities[part] >= 0) & (probabilities[part] <= 1)).all(axis=1)
        if not usable.all():
            first = part.start + int(usable.argmin())
            row = first if shown is None else int(shown[first])
            _refuse_row(name, probabilities, first, shown=row)
            raise SelectionError(
                f"{name} of row {row} lie outside 0 to 1",
                fix="log-odds belong in lm_scores",
            )


def _check_sums(
    name: str, probabilities: NDArray[np.floating[Any]], shown: NDArray[np.int64] | None
) -> None:
    """Refuse rows that are no distributions; `shown` gives the row to name for each."""
    for part in chunks(*probabilities.shape):
        block = probabilities[part]
        with np.errstate(invalid="ignore", over="ignore"):
            totals = block @ np.ones(block.shape[1], dtype=block.dtype)
            usable = np.abs(totals - 1) <= SUM_TOLERANCE
        if usable.all() and block.min() >= 0:
            continue
        first = part.start + int((usable & (block >= 0).all(axis=1)).argmin())
        row = first if shown is None else int(shown[first])
        worst = probabilities[first]
        _refuse_row(name, probabilities, first, shown=row)
        if worst.min() < 0:
            raise SelectionError(f"{name} are negative, first in row {row}")
        raise SelectionError(
            f"{name} of row {row} sum to {worst.sum():.4g}",
            fix="each row must sum to one; log-probabilities belong in lm_scores",
        )


def check_lm_scores(name: str, values: Any, extent: Extent) -> NDArray[np.floating[Any]]:
    """Log-probabilities, shape (U, C), aligned with `unlabelled`; minus infinity is log 0."""
    given = _scores(name, values, extent.size, len(extent.unlabelled))
    scores, shown = _of_unlabelled(given, extent)
    for part in chunks(*scores.shape):
        block = scores[part]
        usable = block < np.inf  # false for NaN too
        if not usable.all():
            first = part.start + int(usable.all(axis=1).argmin())
            row = first if shown is None else int(shown[first])
            what = "NaN" if np.isnan(scores[first]).any() else "plus infinity"
            raise SelectionError(f"{name} contain {what}, first in row {row}")
    return _read_only(scores)


def _of_unlabelled(
    given: NDArray[Any], extent: Extent
) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
    """The rows of unlabelled items, and what to call each row; None for its own number."""
    if len(given) == len(extent.unlabelled):
        return given, None
    return given[extent.unlabelled], extent.unlabelled


def _integer(value: Any) -> int | None:
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _array(name: str, values: Any) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError:
        raise SelectionError(f"{name} have rows of different lengths") from None


def _integers(name: str, values: ArrayLike, meaning: str) -> NDArray[np.int64]:
    given = _array(name, values)
    if given.ndim != 1:
        raise SelectionError(f"{name} must have one dimension, not the shape {given.shape}")
    if given.dtype.kind not in "iu" and given.size:
        fix = "numpy.flatnonzero turns a mask into positions" if given.dtype.kind == "b" else None
        raise SelectionError(f"{name} must be integers ({meaning}), not {given.dtype}", fix=fix)
    copied = given.astype(np.int64)
    copied.flags.writeable = False
    return copied


def _matrix(name: str, values: Any) -> NDArray[Any]:
    given = _array(name, values)
    if given.ndim != 2:
        raise SelectionError(f"{name} must have two dimensions, not the shape {given.shape}")
    if given.dtype.kind not in "fiu":
        raise SelectionError(f"{name} must be real numbers, not {given.dtype}")
    return given


def _scores(name: str, values: Any, size: int, unlabelled: int) -> NDArray[np.floating[Any]]:
    given = _matrix(name, values)
    if len(given) not in (size, unlabelled):
        raise SelectionError(
            f"{name} have {len(given)} rows, but there are {size} items, {unlabelled} of them "
            "unlabelled",
            fix="give a row for each of the one or the other",
        )
    if given.shape[1] < 2:
        raise SelectionError(f"{name} have {given.shape[1]} column(s), but a task has two or more")
    if given.dtype == np.float16:
        return given.astype(np.float32)
    if given.dtype in (np.float32, np.float64):
        return given
    return given.astype(np.float64)


def _refuse_row(name: str, values: NDArray[Any], row: int, shown: int | None = None) -> None:
    shown = row if shown is None else shown
    if np.isnan(values[row]).any():
        raise SelectionError(f"{name} contain NaN, first in row {shown}")
    if np.isinf(values[row]).any():
        raise SelectionError(f"{name} contain an infinite value, first in row {shown}")


def _read_only(values: NDArray[Any]) -> NDArray[Any]:
    view = values.view()
    view.flags.writeable = False
    return view
