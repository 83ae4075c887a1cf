"""The learner of a run: trained on the labels so far, tested, and asked for probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from llmal.calibration.measures import negative_log_likelihood
from llmal.core.records import Answer, Item
from llmal.embed.pool_matrix import Texts
from llmal.embed.protocol import Embedder
from llmal.errors import SelectionError
from llmal.learners.protocol import (
    CommitteeLearner,
    EmbeddingLearner,
    Learner,
    ProbabilityLearner,
    thresholds_of,
)
from llmal.learners.soft_labels import SoftLabels
from llmal.pool import Pool
from llmal.pool.text_column import TextColumn
from llmal.task import Task
from llmal.task.spaces.thresholds import decide

CHUNK = 8192
_AT_ONCE = 512
"""Items that are embedded between two marks of progress."""
REFERENCE_ITEMS = 1000

Progress = Callable[[str, int, int], None]
"""Told what is under way, how much of it is done, and out of how much."""


@dataclass(frozen=True)
class _Material:
    """What a learner is trained on, n rows: items of the pool, then further texts.

    Attributes:
        inputs: An array (n, d), or n texts.
        targets: Shape (n,) or (n, C).
        shares: Shape (n, C), or None.
    """

    inputs: Any
    targets: NDArray[np.int64]
    shares: NDArray[np.float64] | None

    def inputs_of(self, rows: NDArray[np.int64]) -> Any:
        """The inputs of some rows."""
        if isinstance(self.inputs, np.ndarray):
            return self.inputs[rows]
        return [self.inputs[row] for row in rows.tolist()]


class Trainer:
    """Fits a learner and measures it.

    Args:
        task: Fixes the columns: probabilities have one for every label of the task, also for
            labels not seen yet (with probability zero).
        pool: The pool of N items.
        learner: Trained from scratch at every `fit`.
        embedder: Needed by learners over embeddings and by selectors that ask for them.
        test: The test set, if there is one; its gold column must be complete.
        matrix_file: Where the pool's embeddings are kept.
        usable: The items of the pool that may be trained on; by default all.
        seed: Chooses the reference items, on which entropy and agreement are measured.
        on_progress: Told of long steps.
    """

    def __init__(
        self,
        task: Task,
        pool: Pool,
        learner: Learner,
        *,
        embedder: Embedder | None,
        test: Pool | None,
        matrix_file: Path,
        seed: int,
        usable: Pool | None = None,
        on_progress: Progress | None = None,
    ) -> None:
        self.task = task
        self.learner = learner
        self.fitted = False
        self._pool = pool
        self._usable = pool if usable is None else usable
        self._test = test
        self._embedder = embedder
        self._matrix_file = matrix_file
        self._matrix: NDArray[np.float32] | None = None
        self._field_matrices: tuple[NDArray[np.float32], ...] | None = None
        self._test_inputs: Any = None
        self._columns: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._features: NDArray[np.float32] | None = None
        self._seed = seed
        self._said = on_progress or (lambda what, done, total: None)
        rng = np.random.default_rng([seed, 0x5EF])
        size = min(REFERENCE_ITEMS, len(pool))
        self._reference = np.sort(rng.choice(len(pool), size=size, replace=False))
        self._reference_inputs: Any = None
        self._last_predictions: NDArray[np.int64] | None = None

    @property
    def embedder(self) -> Embedder:
        """The embedder; only asked for where the run was checked to have one."""
        assert self._embedder is not None
        return self._embedder

    def embeddings(self) -> NDArray[np.float32]:
        """The embeddings of the whole pool, a memory-map of shape (N, d)."""
        if self._matrix is None:
            self._matrix = self._embedded(self._pool, self._matrix_file, "embedding the pool")
        return self._matrix

    def field_embeddings(self) -> tuple[NDArray[np.float32], ...]:
        """Those of each text of a pair by itself, two maps as of `embeddings`; none where a text is
        no pair.
        """
        names = self._pool.text_columns
        if self._field_matrices is None:
            self._field_matrices = tuple(
                self._embedded(
                    TextColumn(self._pool, name),
                    self._matrix_file.with_suffix(f".{place}{self._matrix_file.suffix}"),
                    f"embedding {name!r} of the pool",
                )
                for place, name in enumerate(names if len(names) == 2 else (), start=1)
            )
        return self._field_matrices

    def _embedded(self, texts: Texts, path: Path, step: str) -> NDArray[np.float32]:
        from llmal.embed import embed_pool

        return embed_pool(
            texts,
            self.embedder,
            path,
            chunk=_AT_ONCE,
            on_progress=lambda done, total: self._said(step, done, total),
        )

    def _inputs(self, positions: NDArray[np.int64]) -> Any:
        if self.learner.input == "texts":
            return self._pool.texts(positions)
        # Of much of the pool: told of, and kept in the run directory as it is worked out.
        if self._matrix is not None or len(positions) > max(REFERENCE_ITEMS, len(self._pool) // 4):
            return np.asarray(self.embeddings()[positions])
        return self.embedder.embed(self._pool.texts(positions))

    def fit(
        self,
        positions: NDArray[np.int64],
        columns: NDArray[np.int64],
        extra: Sequence[tuple[str, int]] = (),
        shares: NDArray[np.float64] | None = None,
        *,
        extra_weight: float = 1.0,
    ) -> None:
        """Train from scratch.

        Args:
            positions: Labelled items of the pool, shape (L,).
            columns: Their answers as targets of the task's space: columns, shape (L,), or where an
                item takes several labels 0 and 1, shape (L, C).
            extra: Further texts with their labels' columns: synthetic items.
            shares: Shape (L, C): how probable each label is for each item, for a learner that is
                to be told; None where all labels are sure.
            extra_weight: Weight of each further text beside an item of the pool; above 0.
        """
        order = np.argsort(positions)
        material = self._material(positions[order], columns[order], extra, shares, order)
        weights = np.ones(len(material.targets))
        weights[len(positions) :] = extra_weight
        self._fit(material, np.arange(len(weights)), weights)

    def _material(
        self,
        positions: NDArray[np.int64],
        targets: NDArray[np.int64],
        extra: Sequence[tuple[str, int]],
        shares: NDArray[np.float64] | None,
        order: NDArray[np.int64],
    ) -> _Material:
        inputs = self._inputs(positions)
        if extra:
            texts = [text for text, _ in extra]
            if self.learner.input == "texts":
                inputs = [*inputs, *texts]
            else:
                inputs = np.concatenate([inputs, self.embedder.embed(texts)])
            targets = np.concatenate([targets, [column for _, column in extra]])
        if shares is not None:
            sure = np.eye(shares.shape[1])[targets[len(shares) :]]
            shares = np.concatenate([shares[order], sure])
        return _Material(inputs, targets, shares)

    def _fit(
        self, material: _Material, rows: NDArray[np.int64], weights: NDArray[np.float64]
    ) -> None:
        """Train on some rows, each with its weight, shapes (n,)."""
        # A learner that is told of no weights is that of llmal before it had any, to the last bit.
        given = None if (weights == 1).all() else weights
        inputs = material.inputs_of(rows)
        if material.shares is None:
            self.learner.fit(inputs, material.targets[rows], sample_weight=given)
        else:
            table = material.shares[rows]
            known = SoftLabels(table, np.arange(table.shape[1]))
            self.learner.fit(inputs, known, sample_weight=given)
        self._features = None
        self._columns = np.asarray(self.learner.classes_, dtype=np.int64)
        self.fitted = True

    def cross_fit(
        self,
        positions: NDArray[np.int64],
        columns: NDArray[np.int64],
        folds: NDArray[np.int64],
        extra: Sequence[tuple[str, int]],
        weights: NDArray[np.float64],
        shares: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Probabilities of labels by learners that were not shown them. The learner is not fitted
        afterwards.

        Args:
            positions: Labelled items of the pool, shape (L,).
            columns: Their labels' columns, shape (L,).
            folds: Shape (L,): the fold of each, from 0; those of -1 are trained on in every one.
            extra: S further texts with their labels' columns.
            weights: Shape (V, F, S): what each further text weighs beside an item of the pool, in
                each of V variants, for the learner of each of F folds; 0 leaves it out.
            shares: As for `fit`.

        Returns:
            Shape (V, H, C), for the items with a fold in their order.
        """
        order = np.arange(len(positions))
        material = self._material(positions, columns, extra, shares, order)
        held = np.flatnonzero(folds >= 0)
        result = np.zeros((len(weights), len(held), len(self.task.labels)))
        done, trainings = 0, weights.shape[0] * weights.shape[1]
        for fold in range(weights.shape[1]):
            asked = np.flatnonzero(folds == fold)
            shown = np.flatnonzero(folds != fold)
            inputs = material.inputs_of(asked)
            place = np.searchsorted(held, asked)
            for variant, of_folds in enumerate(weights):
                of_extra = of_folds[fold]
                used = np.flatnonzero(of_extra > 0)
                rows = np.concatenate([shown, len(positions) + used])
                if len(asked) and len(rows):
                    self._fit(material, rows, np.concatenate([np.ones(len(shown)), of_extra[used]]))
                    result[variant, place] = self._predict(inputs)
                done += 1
                self._said("learning from a part of the labels", done, trainings)
        self.fitted = False
        return result

    @property
    def reads_probabilities(self) -> bool:
        """Whether the learner is to be told how probable the labels are."""
        return isinstance(self.learner, ProbabilityLearner)

    @property
    def has_features(self) -> bool:
        """Whether the learner has a feature space of its own."""
        return isinstance(self.learner, EmbeddingLearner)

    def features(self) -> NDArray[np.float32]:
        """Where the learner separates its classes, for the whole pool: a memory-map, shape (N, d).

        The embeddings, for a learner that has no space of its own. Computed once for each fit.
        """
        if not isinstance(self.learner, EmbeddingLearner):
            return self.embeddings()
        if self._features is None:
            path = self._matrix_file.with_name("features.npy")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)  # an older map may still be open
            size = len(self._pool)
            for start in range(0, size, CHUNK):
                part = np.arange(start, min(start + CHUNK, size))
                rows = self.learner.embed(self._inputs(part))
                if self._features is None:
                    self._features = npy.open_memmap(  # type: ignore[no-untyped-call]
                        path, mode="w+", dtype=np.float32, shape=(size, rows.shape[1])
                    )
                assert self._features is not None
                self._features[part] = rows
                self._said("features of the pool", start + len(part), size)
        assert self._features is not None
        return self._features

    def committee(self, positions: NDArray[np.int64], members: int) -> NDArray[np.float32]:
        """Probabilities from each member of a committee, shape (members, len(positions), C).

        Raises:
            SelectionError: The learner has none.
        """
        if not isinstance(self.learner, CommitteeLearner):
            raise SelectionError(
                f"the learner {type(self.learner).__name__} has no committee",
                fix="use linear or prompt_tuned, or a selector without a committee",
            )
        asked = self.learner.committee(members, self._seed)
        result = np.zeros((members, len(positions), len(self.task.labels)), dtype=np.float32)
        for start in range(0, len(positions), CHUNK):
            part = slice(start, start + CHUNK)
            inputs = self._inputs(positions[part])
            for number, member in enumerate(asked):
                result[number, part, self._columns] = member(inputs).T
        return result

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities over the task's labels from embeddings, changed ones among them."""
        return self._predict(features)

    def predict_items(self, items: Sequence[Item]) -> NDArray[np.float64]:
        """Probabilities over the task's labels for items that need not be of the pool."""
        texts = [one.text for one in items]
        return self._predict(texts if self.learner.input == "texts" else self.embedder.embed(texts))

    def probabilities(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Probabilities over the task's labels, shape (len(positions), C), float32."""
        result = np.zeros((len(positions), len(self.task.labels)), dtype=np.float32)
        if len(positions) > CHUNK and self.learner.input == "embeddings":
            self.embeddings()
        for start in range(0, len(positions), CHUNK):
            part = positions[start : start + CHUNK]
            result[start : start + CHUNK] = self._predict(self._inputs(part))
            if len(positions) > CHUNK:
                self._said("predicting", start + len(part), len(positions))
        return result

    def _predict(self, inputs: Any) -> NDArray[np.float64]:
        given = self.learner.predict_proba(inputs)
        result = np.zeros((len(given), len(self.task.labels)))
        result[:, self._columns] = given
        return result

    @property
    def is_tested(self) -> bool:
        """Whether there is a test set."""
        return self._test is not None

    def measure(self) -> dict[str, float | int | None]:
        """Figures of the fitted learner for the round.

        Accuracy and macro F1 on the test set, if there is one, and log-loss, or where an item takes
        several labels micro and sample F1; mean entropy (natural log) on the reference items of the
        pool, and Cohen's kappa of the predictions there with those of the last call.
        """
        figures: dict[str, float | int | None] = {
            "accuracy": None,
            "macro_f1": None,
            "nll": None,
            "test_items": None,
        }
        if self._test is not None:
            given = self._predict(self._inputs_of_test())
            figures.update(self._figures_on_test(given))
            if self.task.space.rows_sum_to_one:
                figures["nll"] = float(negative_log_likelihood(given, self._gold_of_test()))
            figures["test_items"] = len(self._test)
        if self._reference_inputs is None:
            self._reference_inputs = self._inputs(self._reference)
        given = self._predict(self._reference_inputs)
        figures["mean_entropy"] = float(self.task.space.entropy(given).mean())
        predicted = self._decided(given)
        figures["agreement"] = (
            None
            if self._last_predictions is None
            else _kappa(self._last_predictions.ravel(), predicted.ravel())
        )
        self._last_predictions = predicted
        return figures

    def _inputs_of_test(self) -> Any:
        assert self._test is not None
        if self._test_inputs is None:
            texts = self._test.texts()
            texts_only = self.learner.input == "texts"
            self._test_inputs = texts if texts_only else self.embedder.embed(texts)
        return self._test_inputs

    def _gold_of_test(self) -> NDArray[np.int64]:
        assert self._test is not None
        return self._targets(self._test.gold())

    def _targets(self, gold: Sequence[Answer | None]) -> NDArray[np.int64]:
        return self.task.space.targets(answer for answer in gold if answer is not None)

    def _measured(self, predicted: NDArray[np.int64], gold: NDArray[np.int64]) -> dict[str, float]:
        """Figures beside gold; accuracy is that of whole answers, whatever an answer is."""
        figures = dict(self.task.space.measures(predicted, gold))
        figures.setdefault("accuracy", figures.get("subset_accuracy", 0.0))
        return figures

    def positions_with_gold(self) -> NDArray[np.int64]:
        """The items that may be trained on and have a gold answer, as positions of the pool."""
        has_gold = np.array([gold is not None for gold in self._usable.gold()], dtype=bool)
        return self._pool.positions(self._usable[has_gold].ids())

    def fit_on_gold(self, positions: NDArray[np.int64]) -> None:
        """Train from scratch on items of the pool with their gold answers, shape (L,)."""
        self.fit(positions, self._targets(self._pool.gold(positions)))

    def measure_on_test(self) -> dict[str, float]:
        """Figures of the fitted learner on the test set, which there must be."""
        return self._figures_on_test(self._predict(self._inputs_of_test()))

    def _figures_on_test(self, given: NDArray[np.float64]) -> dict[str, float]:
        return self._measured(self._decided(given), self._gold_of_test())

    def _decided(self, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
        """The answers that the learner gives, as targets."""
        return decide(self.task.space, probabilities, thresholds_of(self.learner))


def _kappa(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Cohen's kappa; 1 where both always say the same one thing."""
    observed = float((a == b).mean())
    values = np.union1d(a, b)
    expected = float(sum((a == v).mean() * (b == v).mean() for v in values))
    return 1.0 if expected >= 1 else (observed - expected) / (1 - expected)
