"""What a selector may know: a read-only view of one round."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import SelectionError
from llmal.selectors.checks import (
    check_embeddings,
    check_labels,
    check_lm_scores,
    check_positions,
    check_probabilities,
    check_size,
)

if TYPE_CHECKING:
    from llmal.pool import Pool

Signal = Literal["embeddings", "probabilities", "lm_scores"]

_REMEDIES: Mapping[Signal, str] = {
    "embeddings": "give the run an embedder, or the round embeddings=",
    "probabilities": "give the run a learner or a language model, or the round probabilities=",
    "lm_scores": "give the run a language model, or the round lm_scores=",
}


class RoundState:
    """A read-only view of a round: what is labelled, what is not, and signals about the items.

    Made by `from_arrays` or `from_pool`. A signal is computed when it is first asked for, checked
    once and kept. With N items in the pool, L labelled, U unlabelled, C labels and d dimensions,
    the state itself holds the L positions and labels and the U positions, nothing else.
    """

    def __init__(
        self,
        *,
        size: int,
        labelled: ArrayLike,
        labels: ArrayLike,
        exclude: ArrayLike | None = None,
        pool: Pool | None = None,
        suppliers: Mapping[Signal, Callable[[], Any]] | None = None,
    ) -> None:
        self._size = check_size(size)
        self._pool = pool
        self._labelled = check_positions("labelled", labelled, self._size)
        self._labels = check_labels(labels, len(self._labelled))
        free = np.ones(self._size, dtype=np.bool_)
        free[self._labelled] = False
        if exclude is not None:
            free[check_positions("exclude", exclude, self._size)] = False
        self._unlabelled: NDArray[np.int64] = np.flatnonzero(free).astype(np.int64, copy=False)
        self._unlabelled.flags.writeable = False
        self._suppliers = dict(suppliers or {})
        self._kept: dict[Signal, NDArray[Any]] = {}

    @classmethod
    def from_arrays(
        cls,
        *,
        embeddings: ArrayLike | None = None,
        probabilities: ArrayLike | None = None,
        labelled: ArrayLike,
        labels: ArrayLike,
        size: int | None = None,
        lm_scores: ArrayLike | None = None,
    ) -> Self:
        """A round over arrays of your own, checked at once.

        Args:
            embeddings: Shape (N, d). float32 is used as it is, a memory-map included; any other
                type is converted, which copies it.
            probabilities: Shape (N, C) or (U, C): one row for each item, or for each unlabelled
                item in the order of the pool.
            labelled: Shape (L,): positions of the labelled items.
            labels: Shape (L,): their labels, as columns of the task.
            size: N. Without it, the number of rows of the embeddings, or else of the
                probabilities or scores, which then have a row for every item.
            lm_scores: Shape (N, C) or (U, C): log-probabilities from a language model.

        Raises:
            SelectionError: Shapes disagree; a position is out of range or repeated; embeddings
                are not finite; probabilities are negative or do not sum to one within 1e-3.
        """
        given: dict[Signal, Any] = {
            "embeddings": embeddings,
            "probabilities": probabilities,
            "lm_scores": lm_scores,
        }
        present: dict[Signal, Any] = {name: v for name, v in given.items() if v is not None}
        if size is None:
            size = _rows(present)
        suppliers = {name: _supplying(values) for name, values in present.items()}
        state = cls(size=size, labelled=labelled, labels=labels, suppliers=suppliers)
        for name in present:
            state._signal(name)
        return state

    @classmethod
    def from_pool(
        cls,
        pool: Pool,
        *,
        labelled: ArrayLike,
        labels: ArrayLike,
        embeddings: Callable[[], ArrayLike] | None = None,
        probabilities: Callable[[NDArray[np.int64]], ArrayLike] | None = None,
        lm_scores: Callable[[NDArray[np.int64]], ArrayLike] | None = None,
        exclude: ArrayLike | None = None,
    ) -> Self:
        """A round over a pool, with signals that cost nothing until a selector asks for them.

        Args:
            pool: The pool; what `size` and, for selectors that read texts, `pool` give.
            labelled: Shape (L,): positions of the labelled items.
            labels: Shape (L,): their labels, as columns of the task.
            embeddings: Gives shape (N, d); called at most once, as are the others.
            probabilities: Takes the unlabelled positions (U,) and gives shape (U, C).
            lm_scores: Takes the unlabelled positions (U,) and gives shape (U, C).
            exclude: Positions set aside for this round: neither labelled nor unlabelled. A
                labelled one among them stays labelled.

        Raises:
            SelectionError: A position is out of range or repeated, or the lengths differ.
        """
        state = cls(size=len(pool), labelled=labelled, labels=labels, exclude=exclude, pool=pool)
        unlabelled = state.unlabelled
        if embeddings is not None:
            state._suppliers["embeddings"] = embeddings
        if probabilities is not None:
            state._suppliers["probabilities"] = lambda: probabilities(unlabelled)
        if lm_scores is not None:
            state._suppliers["lm_scores"] = lambda: lm_scores(unlabelled)
        return state

    @property
    def size(self) -> int:
        """N: the number of items in the pool, those set aside included."""
        return self._size

    @property
    def pool(self) -> Pool:
        """The pool, for selectors that read texts.

        Raises:
            SelectionError: The round was made from arrays.
        """
        if self._pool is None:
            raise SelectionError("this round has no pool", fix="make it with RoundState.from_pool")
        return self._pool

    @property
    def labelled(self) -> NDArray[np.int64]:
        """Shape (L,): positions of the labelled items, in the order given."""
        return self._labelled

    @property
    def labels(self) -> NDArray[np.int64]:
        """Shape (L,): the label of each labelled item, as a column of the task."""
        return self._labels

    @property
    def unlabelled(self) -> NDArray[np.int64]:
        """Shape (U,): positions of the items that may be picked, ascending."""
        return self._unlabelled

    @property
    def signals(self) -> frozenset[str]:
        """Names of the signals that this round has, computed or not."""
        return frozenset(self._suppliers) | frozenset(self._kept)

    @property
    def embeddings(self) -> NDArray[np.float32]:
        """Shape (N, d), one row for each item of the pool; perhaps a memory-map.

        Raises:
            SelectionError: The round has none, or they are not usable.
        """
        return self._signal("embeddings")

    @property
    def probabilities(self) -> NDArray[np.floating[Any]]:
        """Shape (U, C), float32 or float64: row i belongs to item `unlabelled[i]`.

        Raises:
            SelectionError: The round has none, or they are not usable.
        """
        return self._signal("probabilities")

    @property
    def lm_scores(self) -> NDArray[np.floating[Any]]:
        """Shape (U, C), natural log: row i belongs to item `unlabelled[i]`.

        Raises:
            SelectionError: The round has none, or they are not usable.
        """
        return self._signal("lm_scores")

    def need(self, signals: frozenset[str], selector: str) -> None:
        """Say which selector cannot work, and why, before any signal is computed.

        Raises:
            SelectionError: The round lacks one of the signals.
        """
        for name in sorted(signals - self.signals):
            remedy = next((fix for known, fix in _REMEDIES.items() if known == name), None)
            raise SelectionError(
                f"selector {selector} needs {name}, and this round has none", fix=remedy
            )

    def __repr__(self) -> str:
        signals = ", ".join(sorted(self.signals)) or "none"
        return (
            f"RoundState(size={self._size}, labelled={len(self._labelled)}, "
            f"unlabelled={len(self._unlabelled)}, signals: {signals})"
        )

    def _signal(self, name: Signal) -> NDArray[Any]:
        if name not in self._kept:
            if name not in self._suppliers:
                raise SelectionError(f"this round has no {name}", fix=_REMEDIES[name])
            values = self._suppliers[name]()
            if name == "embeddings":
                self._kept[name] = check_embeddings(values, self._size)
            elif name == "probabilities":
                self._kept[name] = check_probabilities(values, self._size, self._unlabelled)
            else:
                self._kept[name] = check_lm_scores(values, self._size, self._unlabelled)
            del self._suppliers[name]  # it may hold a model, or the array before conversion
            self._check_columns()
        return self._kept[name]

    def _check_columns(self) -> None:
        probabilities, scores = self._kept.get("probabilities"), self._kept.get("lm_scores")
        if probabilities is None or scores is None:
            return
        if probabilities.shape[1] != scores.shape[1]:
            raise SelectionError(
                f"probabilities have {probabilities.shape[1]} columns and lm_scores "
                f"{scores.shape[1]}",
                fix="both need one column for each label of the task",
            )


def _supplying(values: Any) -> Callable[[], Any]:
    return lambda: values


def _rows(present: Mapping[Signal, Any]) -> int:
    """Number of items when it is not given: the rows of the first signal there is."""
    for values in present.values():
        try:
            return len(values)
        except TypeError:
            break
    raise SelectionError(
        "cannot tell how many items there are", fix="pass size, embeddings or probabilities"
    )
