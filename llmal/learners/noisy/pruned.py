"""Leaving out labels that are likely wrong, by confident learning."""

from __future__ import annotations

from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold

from llmal.errors import ConfigError, DataError
from llmal.learners.noisy.wrapped import WrappedLearner
from llmal.learners.one_vs_rest import is_indicator
from llmal.learners.protocol import Learner
from llmal.learners.soft_labels import SoftLabels
from llmal.learners.training_set import Targets, embeddings, targets, texts

Rule = Literal[
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_normalized_margin",
    "low_self_confidence",
]


class Pruned(WrappedLearner):
    """A learner that leaves out labels that are likely wrong (confident learning, 2021).

    Each item is given probabilities by a copy of the learner that was trained without it; cleanlab
    judges by these which labels are wrong, and the learner is trained on the others. That takes as
    many trainings more as there are folds. Items of classes that have fewer than two of them for
    training are kept unjudged.

    Soft labels are judged by their likeliest class, and learnt as they are.

    Args:
        learner: What is trained: a learner, its name, or a mapping of a name and options.
        folds: Trainings without some of the items; fewer where the smallest class is smaller.
        rule: cleanlab's `filter_by`.
        random_state: Shuffles the folds.

    Attributes:
        classes_: Classes seen in `fit`, sorted.
        kept_: Shape (n,): which items were learnt from.
        learner_: What was trained.

    Raises:
        ConfigError: cleanlab is not installed, or a parameter is not usable.
    """

    registered_as = "pruned"

    kept_: NDArray[np.bool_]

    def __init__(
        self,
        learner: Any,
        *,
        folds: int = 5,
        rule: Rule = "prune_by_noise_rate",
        random_state: int = 0,
    ) -> None:
        self.learner = learner
        self.folds = folds
        self.rule = rule
        self.random_state = random_state

    def fit(
        self, X: Any, y: ArrayLike | SoftLabels, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Judge the labels, and train on those that seem right.

        Args:
            X: n texts or embeddings, as the learner takes them.
            y: n label names or label columns, or soft labels.
            sample_weight: n weights of at least 0.

        Raises:
            DataError: X, y or the weights are not usable.
            ConfigError: A parameter is not usable, or cleanlab is not installed.
        """
        if not isinstance(self.folds, int) or self.folds < 2:
            raise ConfigError(f"folds is {self.folds!r}", fix="it must be a whole number above 1")
        if self.rule not in get_args(Rule):
            raise ConfigError(
                f"there is no rule {self.rule!r}", fix=f"use one of {', '.join(get_args(Rule))}"
            )
        if not isinstance(y, SoftLabels) and is_indicator(y):
            raise DataError(
                "labels of which an item takes several cannot be pruned",
                fix="fit the learner itself",
            )
        base = self._made()
        X = texts(X) if base.input == "texts" else embeddings(X)
        made = targets(len(X), y, sample_weight)
        kept = np.zeros(len(X), dtype=np.bool_)
        kept[made.kept] = self._right(base, X, made)
        weights = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, float)
        self.learner_ = base.fit(X, y, np.where(kept, weights, 0.0))
        self.kept_, self.classes_ = kept, self.learner_.classes_
        return self

    def _right(self, base: Learner, X: Any, made: Targets) -> NDArray[np.bool_]:
        """Which of the items of a weight keep their label, shape (m,)."""
        right = np.ones(len(made.kept), dtype=np.bool_)
        counts = np.bincount(made.codes, minlength=len(made.classes))
        judged = np.flatnonzero((counts >= 3)[made.codes])
        columns = np.unique(made.codes[judged])
        if len(columns) < 2:
            return right
        # Of the classes that are judged, one after the other.
        codes = np.searchsorted(columns, made.codes[judged])
        probabilities = self._out_of_fold(base, X, made, judged, codes)
        issues = _find_issues(codes, probabilities, self.rule)
        # A class that would vanish is one that nothing is known of.
        left = np.bincount(codes[~issues], minlength=len(columns))
        right[judged] = ~issues | (left == 0)[codes]
        return right

    def _out_of_fold(
        self,
        base: Learner,
        X: Any,
        made: Targets,
        judged: NDArray[np.int64],
        codes: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Probabilities of each judged item by a learner trained without it."""
        result = np.zeros((len(judged), int(codes.max()) + 1))
        folds = StratifiedKFold(
            min(self.folds, int(np.bincount(codes).min())),
            shuffle=True,
            random_state=self.random_state,
        )
        rows = made.kept[judged]
        for train, held_out in folds.split(rows, codes):
            weights = None if made.weights is None else made.weights[judged[train]]
            fitted = clone(base).fit(_pick(X, rows[train]), codes[train], weights)
            said = fitted.predict_proba(_pick(X, rows[held_out]))
            result[np.ix_(held_out, fitted.classes_)] = said
        return result


def _pick(X: Any, rows: NDArray[np.int64]) -> Any:
    return X[rows] if isinstance(X, np.ndarray) else [X[row] for row in rows]


def _find_issues(
    codes: NDArray[np.int64], probabilities: NDArray[np.float64], rule: Rule
) -> NDArray[np.bool_]:
    """Which labels cleanlab takes for wrong, shape (n,)."""
    try:
        from cleanlab.filter import find_label_issues
    except ImportError as error:
        raise ConfigError(
            "the learner pruned needs the package cleanlab",
            fix="pip install 'llmal[cleanlab]'",
        ) from error
    totals = probabilities.sum(axis=1, keepdims=True)
    probabilities = probabilities / np.where(totals > 0, totals, 1)
    found = find_label_issues(codes, probabilities, filter_by=rule, n_jobs=1)
    return np.asarray(found, dtype=np.bool_)
