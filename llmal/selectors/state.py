"""What a selector may know: a read-only view of one round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.core.records import Item
from llmal.errors import SelectionError
from llmal.selectors.checks import (
    Extent,
    check_labels,
    check_positions,
    check_rows,
    check_size,
    items_in,
)
from llmal.selectors.signals import SIGNALS, Signal, SignalKind, kind_of, with_made
from llmal.task.spaces import Single, Space

if TYPE_CHECKING:
    from llmal.pool import Pool
    from llmal.prompting.scorer import PromptScorer

Positions = NDArray[np.int64]
Rows = Callable[[Positions], Any]
"""Takes n positions in the pool and gives what belongs to each."""


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
        space: Space | None = None,
        forecasts: bool = False,
    ) -> None:
        self.forecasts = forecasts
        """Whether this state stands for those of all rounds to come, in a forecast: a selector says
        what it can cost in any of them."""
        self._size = check_size(size)
        self._pool = pool
        self._space: Space = Single(()) if space is None else space
        self._labelled = check_positions("labelled", labelled, self._size)
        self._labels = check_labels(
            labels, len(self._labelled), table=not self._space.rows_sum_to_one
        )
        free = np.ones(self._size, dtype=np.bool_)
        free[self._labelled] = False
        if exclude is not None:
            free[check_positions("exclude", exclude, self._size)] = False
        self._unlabelled: NDArray[np.int64] = np.flatnonzero(free).astype(np.int64, copy=False)
        self._unlabelled.flags.writeable = False
        self._suppliers: dict[Signal, Callable[..., Any]] = {}
        self._kept: dict[Signal, Any] = {}
        self._wider: RoundState | None = None
        self._rows: NDArray[np.int64] | None = None

    @classmethod
    def from_arrays(
        cls,
        *,
        embeddings: ArrayLike | None = None,
        probabilities: ArrayLike | None = None,
        uncertainty: ArrayLike | None = None,
        labelled: ArrayLike,
        labels: ArrayLike,
        size: int | None = None,
        features: ArrayLike | None = None,
        labelled_probabilities: ArrayLike | None = None,
        committee: ArrayLike | None = None,
        lm_scores: ArrayLike | None = None,
        likelihoods: ArrayLike | None = None,
        costs: ArrayLike | None = None,
        texts: Sequence[str] | None = None,
        predict: Callable[[NDArray[np.float32]], ArrayLike] | None = None,
        predict_items: Callable[[Sequence[Item]], ArrayLike] | None = None,
        scorer: PromptScorer | None = None,
        space: Space | None = None,
        others: Mapping[Signal, Any] | None = None,
    ) -> Self:
        """A round over arrays of your own, checked at once.

        What has a row for each unlabelled item may have one for each item of the pool instead.

        Args:
            embeddings: Shape (N, d). float32 is used as it is, a memory-map included; any other
                type is converted, which copies it.
            probabilities: Shape (N, C) or (U, C): one row for each item, or for each unlabelled
                item in the order of the pool.
            uncertainty: Shape (N,) or (U,): how unsure the answer to each item is. By default what
                `space` makes of the probabilities.
            labelled: Shape (L,): positions of the labelled items.
            labels: Shape (L,): their labels, as columns of the task.
            size: N. Without it, the number of rows of the embeddings or features, or else of the
                probabilities or scores, which then have a row for every item.
            features: Shape (N, d): the learner's own feature space. By default the embeddings.
            labelled_probabilities: Shape (L, C). By default taken from probabilities that have a
                row for every item.
            committee: Shape (T, N, C) or (T, U, C): probabilities from T members or passes.
            lm_scores: Shape (N, C) or (U, C): log-probabilities from a language model.
            likelihoods: Shape (N,) or (U,): mean log-probability per token of each text.
            costs: Shape (N,) or (U,): what a label of each item costs; above zero.
            texts: N texts.
            predict: Takes features, shape (n, d), and gives probabilities, shape (n, C).
            predict_items: Takes n items and gives probabilities, shape (n, C).
            scorer: The task and a language model.
            space: What an answer of the task is (`Task.space`); by default one label an item. Where
                an item takes several, `labels` has 0 or 1 for each, shape (L, C), each probability
                is one of its own, and `lm_scores` are log-odds.
            others: Signals that were added (`llmal.selectors.add_signal`), by name.

        Raises:
            ConfigError: There is no signal of a name in `others`.
            SelectionError: Shapes disagree; a position is out of range or repeated; embeddings
                are not finite; probabilities are negative or do not sum to one within 1e-3.
        """
        # The arguments are called like the signals.
        given = _signals_among(locals(), others)
        if size is None:
            pool_first = sorted(given, key=lambda name: SIGNALS[name].rows != "pool")
            size = items_in(
                (given[name], SIGNALS[name].axis)
                for name in pool_first
                if SIGNALS[name].rows in ("pool", "unlabelled")
            )
        state = cls(size=size, labelled=labelled, labels=labels, space=space)
        for name, values in given.items():
            state._kept[name] = state._checked(name, values)
            state._check_columns()
        if labelled_probabilities is None and probabilities is not None:
            rows = np.asarray(probabilities)
            if len(rows) == size:  # not read before they are asked for: they may be anything
                state._suppliers["labelled_probabilities"] = lambda labelled: rows[labelled]
        return state

    @classmethod
    def from_pool(
        cls,
        pool: Pool,
        *,
        labelled: ArrayLike,
        labels: ArrayLike,
        embeddings: Callable[[], ArrayLike] | None = None,
        features: Callable[[], ArrayLike] | None = None,
        probabilities: Rows | None = None,
        uncertainty: Rows | None = None,
        labelled_probabilities: Rows | None = None,
        committee: Rows | None = None,
        lm_scores: Rows | None = None,
        likelihoods: Rows | None = None,
        costs: Rows | None = None,
        predict: Callable[[NDArray[np.float32]], ArrayLike] | None = None,
        predict_items: Callable[[Sequence[Item]], ArrayLike] | None = None,
        scorer: Callable[[], PromptScorer] | None = None,
        exclude: ArrayLike | None = None,
        space: Space | None = None,
        forecasts: bool = False,
    ) -> Self:
        """A round over a pool, with signals that cost nothing until a selector asks for them.

        Args:
            pool: The pool; gives `size`, and items to selectors that read texts.
            labelled: Shape (L,): positions of the labelled items.
            labels: Shape (L,): their labels, as columns of the task.
            embeddings: Gives shape (N, d); called at most once.
            features: Gives shape (N, d); by default the embeddings.
            probabilities: Takes positions (n,) of unlabelled items and gives shape (n, C).
            uncertainty: Takes positions (n,) of unlabelled items and gives shape (n,); by default
                what `space` makes of the probabilities.
            labelled_probabilities: Takes the labelled positions (L,) and gives shape (L, C).
            committee: Takes positions (n,) and gives shape (T, n, C).
            lm_scores: Takes positions (n,) and gives shape (n, C).
            likelihoods: Takes positions (n,) and gives shape (n,).
            costs: Takes positions (n,) and gives shape (n,).
            predict: Takes features (n, d) and gives probabilities (n, C).
            predict_items: Takes n items and gives probabilities (n, C).
            scorer: Gives the task and the language model; called at most once.
            exclude: Positions set aside for this round: neither labelled nor unlabelled. A
                labelled one among them stays labelled.
            space: As for `from_arrays`.
            forecasts: Whether it stands for all rounds to come, in a forecast.
            forecasts: Whether it stands for all rounds to come, in a forecast.

        Raises:
            SelectionError: A position is out of range or repeated, or the lengths differ.
        """
        # The arguments are called like the signals.
        given = _signals_among(locals())
        state = cls(
            size=len(pool),
            labelled=labelled,
            labels=labels,
            exclude=exclude,
            pool=pool,
            space=space,
            forecasts=forecasts,
        )
        for name, supply in given.items():
            if SIGNALS[name].called:
                state._kept[name] = supply
            else:
                state._suppliers[name] = supply
        return state

    def among(self, rows: NDArray[np.int64]) -> RoundState:
        """The same round with fewer items to pick from: those at `rows` of `unlabelled`.

        Nothing is computed twice: what this state has is cut, and what it does not have yet is
        computed for these items alone. Positions stay those of the pool.

        Args:
            rows: Shape (n,): distinct rows of `unlabelled`, in any order; they are sorted.
        """
        narrower = RoundState.__new__(RoundState)
        narrower.forecasts = self.forecasts
        narrower._size, narrower._pool = self._size, self._pool
        narrower._labelled, narrower._labels = self._labelled, self._labels
        narrower._space = self._space
        narrower._rows = np.sort(rows).astype(np.int64, copy=False)
        narrower._unlabelled = self._unlabelled[narrower._rows]
        narrower._unlabelled.flags.writeable = False
        narrower._suppliers, narrower._kept, narrower._wider = {}, {}, self
        return narrower

    def standing_in(self, rows: NDArray[np.int64]) -> RoundState:
        """The same as `among`, for plans that are only looked at: these items stand for others, so
        that what is paid for of them says nothing, and the scorer counts at full price.
        """
        narrower = self.among(rows)
        if "scorer" in self.signals:
            narrower._suppliers["scorer"] = lambda: self.scorer.at_full_price()
        return narrower

    @property
    def size(self) -> int:
        """N: the number of items in the pool, those set aside included."""
        return self._size

    @property
    def labelled(self) -> NDArray[np.int64]:
        """Shape (L,): positions of the labelled items, in the order given."""
        return self._labelled

    @property
    def labels(self) -> NDArray[np.int64]:
        """Shape (L,): the label of each labelled item, as a column of the task; shape (L, C) of 0
        and 1, where an item takes several.
        """
        return self._labels

    @property
    def space(self) -> Space:
        """What an answer of the task is."""
        return self._space

    @property
    def unlabelled(self) -> NDArray[np.int64]:
        """Shape (U,): positions of the items that may be picked, ascending."""
        return self._unlabelled

    @property
    def signals(self) -> frozenset[Signal]:
        """Names of the signals that this round has, computed or not."""
        if self._wider is not None:
            return self._wider.signals
        found: set[Signal] = {*self._suppliers, *self._kept}
        if self._pool is not None:
            found.add("texts")
        if len(self._labelled):
            found.add("labels")
        return with_made(found)

    def signal(self, name: Signal) -> Any:
        """A signal by its name, such as one that was added; see `llmal.selectors.SIGNALS`.

        Raises:
            ConfigError: There is no such signal.
            SelectionError: The round has none, or it is not usable.
        """
        kind_of(name)
        return self._labels if name == "labels" else self._signal(name)

    def items(self, positions: NDArray[np.int64]) -> list[Item]:
        """The items at these positions of the pool, for selectors that read texts.

        Raises:
            SelectionError: The round has no texts.
        """
        if self._pool is not None:
            return self._pool.items(positions)
        texts = self._signal("texts")
        return [Item(str(place), texts[place]) for place in positions.tolist()]

    @property
    def embeddings(self) -> NDArray[np.float32]:
        """Shape (N, d), one row for each item of the pool; perhaps a memory-map.

        Raises:
            SelectionError: The round has none, or they are not usable. So do all signals.
        """
        return cast(NDArray[np.float32], self._signal("embeddings"))

    @property
    def features(self) -> NDArray[np.float32]:
        """Shape (N, d): where the learner separates its classes; by default the embeddings."""
        return cast(NDArray[np.float32], self._signal("features"))

    @property
    def probabilities(self) -> NDArray[np.floating[Any]]:
        """Shape (U, C), float32 or float64: row i belongs to item `unlabelled[i]`."""
        return cast(NDArray[np.floating[Any]], self._signal("probabilities"))

    @property
    def uncertainty(self) -> NDArray[np.float64]:
        """Shape (U,): how unsure the answer to each unlabelled item is, whatever an answer is; by
        default what the task's space makes of the probabilities.
        """
        return cast(NDArray[np.float64], self._signal("uncertainty"))

    @property
    def labelled_probabilities(self) -> NDArray[np.floating[Any]]:
        """Shape (L, C): row i belongs to item `labelled[i]`."""
        return cast(NDArray[np.floating[Any]], self._signal("labelled_probabilities"))

    @property
    def committee(self) -> NDArray[np.floating[Any]]:
        """Shape (T, U, C): probabilities from T members of a committee, or T dropout passes."""
        return cast(NDArray[np.floating[Any]], self._signal("committee"))

    @property
    def lm_scores(self) -> NDArray[np.floating[Any]]:
        """Shape (U, C), natural log: row i belongs to item `unlabelled[i]`."""
        return cast(NDArray[np.floating[Any]], self._signal("lm_scores"))

    @property
    def likelihoods(self) -> NDArray[np.float64]:
        """Shape (U,): mean log-probability per token of each text under the language model."""
        return cast(NDArray[np.float64], self._signal("likelihoods"))

    @property
    def costs(self) -> NDArray[np.float64]:
        """Shape (U,): what a label of each item costs; above zero."""
        return cast(NDArray[np.float64], self._signal("costs"))

    @property
    def scorer(self) -> PromptScorer:
        """The task, its labelling prompt and a language model."""
        return cast("PromptScorer", self._signal("scorer"))

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """The learner's probabilities, shape (n, C), for n rows of features, shape (n, d)."""
        return self._predicted(self._signal("predict")(features), len(features))

    def predict_items(self, items: Sequence[Item]) -> NDArray[np.floating[Any]]:
        """The learner's probabilities, shape (n, C), for n items, changed copies among them."""
        return self._predicted(self._signal("predict_items")(items), len(items))

    def _predicted(self, values: Any, count: int) -> NDArray[np.floating[Any]]:
        return check_rows("the predictions", values, count, self._space.rows_sum_to_one)

    def need(self, signals: frozenset[Signal], selector: str) -> None:
        """Say which selector cannot work, and why, before any signal is computed.

        Raises:
            SelectionError: The round lacks one of the signals.
        """
        for name in sorted(signals - self.signals):
            raise SelectionError(
                f"selector {selector} needs {name}, and this round has none",
                fix=kind_of(name).remedy,
            )

    def __repr__(self) -> str:
        signals = ", ".join(sorted(self.signals)) or "none"
        return (
            f"RoundState(size={self._size}, labelled={len(self._labelled)}, "
            f"unlabelled={len(self._unlabelled)}, signals: {signals})"
        )

    def _signal(self, name: Signal) -> Any:
        if name not in self._kept:
            if name not in self.signals:
                raise SelectionError(f"this round has no {name}", fix=SIGNALS[name].remedy)
            self._kept[name] = self._computed(name, SIGNALS[name])
            # It may hold a model, or the array before conversion.
            if SIGNALS[name].rows != "unlabelled":
                self._suppliers.pop(name, None)
            self._check_columns()
        return self._kept[name]

    def _computed(self, name: Signal, kind: SignalKind) -> Any:
        if self._wider is not None and name not in self._suppliers:
            of_unlabelled = kind.rows == "unlabelled"
            if not of_unlabelled:
                return self._wider._signal(name)
            if self._wider._is_supplied(name):
                assert self._rows is not None
                return self._wider._part(name, self._rows)
        if name not in self._suppliers:
            if kind.make is None:
                raise SelectionError(
                    f"the {name} of this round stand in its pool",
                    fix="read them by state.items(positions)",
                )
            made = kind.make(self)
            # Another signal as it stands has been checked.
            known = any(made is kept for kept in self._kept.values())
            return made if known else self._checked(name, made)
        supply = self._suppliers[name]
        if kind.rows == "unlabelled":
            return self._checked(name, supply(self._unlabelled))
        if kind.rows == "labelled":
            return self._checked(name, supply(self._labelled))
        return self._checked(name, supply())

    def _is_supplied(self, name: Signal) -> bool:
        """Whether it is there, computed or with a supplier of its own."""
        there = name in self._kept or name in self._suppliers
        return there or (self._wider is not None and self._wider._is_supplied(name))

    def _part(self, name: Signal, rows: NDArray[np.int64]) -> Any:
        """Some rows of a signal that has one for each unlabelled item."""
        if name in self._kept:
            return self._kept[name].take(rows, axis=SIGNALS[name].axis)
        if self._wider is not None:
            assert self._rows is not None
            return self._wider._part(name, self._rows[rows])
        positions = self._unlabelled[rows]
        return self._checked(name, self._suppliers[name](positions), positions)

    def _checked(self, name: Signal, values: Any, unlabelled: Positions | None = None) -> Any:
        check = SIGNALS[name].check
        if check is None:
            return values
        extent = Extent(
            self._size,
            self._unlabelled if unlabelled is None else unlabelled,
            len(self._labelled),
            self._space.rows_sum_to_one,
        )
        return check(name, values, extent)

    def _check_columns(self) -> None:
        columns = {
            name: kept.shape[-1] for name, kept in self._kept.items() if SIGNALS[name].columns
        }
        first, *others = columns.items() or [("", 0)]
        for name, width in others:
            if width != first[1]:
                raise SelectionError(
                    f"{first[0]} have {first[1]} columns and {name} {width}",
                    fix="both need one column for each label of the task",
                )


def _signals_among(
    arguments: Mapping[str, Any], others: Mapping[Signal, Any] | None = None
) -> dict[Signal, Any]:
    """The signals that a function was given, among its arguments and in a mapping of others.

    Raises:
        ConfigError: One of the others is no signal.
    """
    for name in others or ():
        kind_of(name)
    own = {name: arguments[name] for name in SIGNALS if name in arguments and name != "labels"}
    named = {**own, **(others or {})}
    return {name: value for name, value in named.items() if value is not None}
