"""Multinomial logistic regression on frozen embeddings."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import Tags

from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError, DataError
from llmal.learners.exporting.head import export_head
from llmal.learners.one_vs_rest import (
    Columns,
    Indicator,
    fit_columns,
    held_out_probabilities,
    indicator,
    is_indicator,
    log_losses,
)
from llmal.learners.soft_labels import SoftLabels
from llmal.learners.storage import (
    read_learner,
    read_tensors,
    require_fitted,
    saving,
    write_learner,
    write_tensors,
)
from llmal.learners.training_set import Targets, class_counts, classes_as_json, embeddings, targets
from llmal.task.spaces import SpaceKind
from llmal.task.spaces.thresholds import HALF, f1_thresholds

logger = logging.getLogger("llmal.learners")

C_GRID = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
DEFAULT_C = 30.0
FOLDS = 5
FEWEST_PER_CLASS = 3
FEWEST_ITEMS = 30
FEWEST_HELD_OUT = 10
FOLD_TOLERANCE = 1e-3
_CHECKED = {"assume_finite": True, "skip_parameter_validation": True}


class LinearHead(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Multinomial logistic regression with an L2 penalty, fitted by L-BFGS.

    With C="auto" the penalty is the one of least cross-validated log-loss over a grid from 0.1 to
    1000, which covers unit vectors from noisy to nearly separable labels; on a tie the smaller C.
    That takes at least 30 items and three of each class; below, C is 30. The folds are stratified
    (up to five, no more than the smallest class has members) and depend on `random_state` alone.

    Of a table of labels, shape (n, C), each column is fitted by itself, as scikit-learn's
    OneVsRestClassifier would, and its probabilities are its own. C="auto" is one penalty for all
    of them, that of the least held-out log-loss over all labels, for few items have a rare label.
    A label that few items have seldom reaches one half: with thresholds="f1" each label has one of
    its own, of the best F1 on held-out items (`f1_thresholds`). With fewer than ten items it is one
    half.

    An item of weight zero is left out, of the folds too. One class seen is predicted with
    probability one.

    Args:
        C: Inverse strength of the penalty, or "auto".
        max_iter: Most iterations of a fit; stopping there is logged as a warning.
        class_weight: None, "balanced" or a mapping, as in scikit-learn. A mapping's keys are
            classes as they stand in y.
        random_state: Shuffles the folds.
        thresholds: Of a table of labels, the probability above which a label is given, or "f1".

    Attributes:
        classes_: Classes seen in `fit`, sorted; of a table of labels its columns, 0 to C - 1.
        coef_: Shape (classes, d), float64. For two classes the first row is zero.
        intercept_: Shape (classes,).
        C_: The C that was used; of a table of labels one for each.
        multilabel_: Whether it was fitted on a table of labels.
        thresholds_: Shape (C,): probabilities above which a label of a table is given; else None.
        n_features_in_: d.
        n_iter_: Iterations of the last fit; of a table of labels the most of one.
        trained_on_: How many items of each class; None if it was saved before that was kept.
    """

    spaces: ClassVar[tuple[SpaceKind, ...]] = ("single", "multi")
    input: ClassVar[Literal["embeddings", "texts"]] = "embeddings"

    classes_: NDArray[Any]
    coef_: NDArray[np.float64]
    intercept_: NDArray[np.float64]
    C_: float | NDArray[np.float64]
    multilabel_: bool
    thresholds_: NDArray[np.float64] | None
    n_features_in_: int
    n_iter_: int
    trained_on_: list[int] | None
    _trained_on: tuple[NDArray[np.float64], Targets | Indicator]

    def __init__(
        self,
        C: float | Literal["auto"] = "auto",
        max_iter: int = 1000,
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        random_state: int = 0,
        thresholds: float | Literal["f1"] = "f1",
    ) -> None:
        self.C = C
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.random_state = random_state
        self.thresholds = thresholds

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def fit(
        self, X: Any, y: ArrayLike | SoftLabels, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train from scratch.

        Of soft labels every class counts with its share: an item is as many items as there are
        classes with a share, which takes that many times the memory.

        Args:
            X: Embeddings, shape (n, d), finite.
            y: n label names or label columns; soft labels; or a table, shape (n, C), of 1 where a
                label holds.
            sample_weight: n weights of at least 0.

        Raises:
            DataError: X, y or the weights are not usable.
            ConfigError: A parameter is not usable.
        """
        self._check_parameters()
        matrix = embeddings(X)
        self.multilabel_ = not isinstance(y, SoftLabels) and is_indicator(y)
        if self.multilabel_ and not isinstance(y, SoftLabels):
            table = indicator(len(matrix), y, sample_weight)
            self.n_features_in_ = matrix.shape[1]
            self.classes_ = np.arange(table.holds.shape[1])
            self.trained_on_ = table.holds.sum(axis=0).tolist()
            self._trained_on = matrix[table.kept], table
            self._fit_table(matrix[table.kept], table)
            return self
        self.thresholds_ = None
        made = targets(len(matrix), y, sample_weight)
        matrix = matrix[made.kept]
        self.classes_ = made.classes
        self.trained_on_ = class_counts(made)
        self.n_features_in_ = matrix.shape[1]
        self._trained_on = (matrix, made)
        if len(made.classes) == 1:
            self.C_ = DEFAULT_C if self.C == "auto" else float(self.C)
            self.coef_, self.intercept_ = np.zeros((1, matrix.shape[1])), np.zeros(1)
            self.n_iter_ = 0
            return self
        self.C_ = self._choose_C(matrix, made) if self.C == "auto" else float(self.C)
        self._fit_head(matrix, made, made.weights)
        return self

    def _keep(self, fitted: Columns) -> None:
        self.coef_, self.intercept_, self.C_ = fitted.coef, fitted.intercept, fitted.strengths

    def _fit_table(self, matrix: NDArray[np.float64], table: Indicator) -> None:
        """Choose penalty and thresholds on held-out items, and fit every label."""
        strengths = C_GRID if self.C == "auto" else (float(self.C),)
        strength = DEFAULT_C if self.C == "auto" else float(self.C)
        half = HALF if self.thresholds == "f1" else self.thresholds
        self.thresholds_ = np.full(table.holds.shape[1], half)
        chosen = self.C == "auto" or self.thresholds == "f1"
        if chosen and len(matrix) >= FEWEST_HELD_OUT:
            held_out = held_out_probabilities(
                matrix,
                table,
                lambda: self._model(np.arange(2), warm_start=True, tol=FOLD_TOLERANCE),
                strengths,
                folds=FOLDS,
                seed=self.random_state,
            )
            best = int(log_losses(held_out, table).argmin())
            if self.C != "auto" or len(matrix) >= FEWEST_ITEMS:
                strength = strengths[best]
            if self.thresholds == "f1":
                place = strengths.index(strength)
                self.thresholds_ = f1_thresholds(held_out[place], table.holds)
        self._keep(self._fit_each(matrix, table, np.full(table.holds.shape[1], strength)))

    def _fit_each(
        self,
        matrix: NDArray[np.float64],
        table: Indicator,
        strengths: NDArray[np.float64],
    ) -> Columns:
        """Fit every label by itself, with a penalty of its own."""
        self.n_iter_ = 0

        def fit(column: int, own: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
            head = clone(self).set_params(C=float(strengths[column]))
            head.fit(matrix, own, table.weights)
            self.n_iter_ = max(self.n_iter_, head.n_iter_)
            return head.coef_[1] - head.coef_[0], head.intercept_[1] - head.intercept_[0]

        return fit_columns(table, matrix.shape[1], strengths, fit)

    def _fit_head(
        self,
        matrix: NDArray[np.float64],
        made: Targets,
        weights: NDArray[np.float64] | None,
    ) -> None:
        model = self._model(self.classes_, soft=made.shares is not None)
        model.C = float(self.C_)
        parts = self._parts(made, np.arange(len(matrix)), weights)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            model.fit(matrix[parts.rows], parts.codes, parts.weights)
        if any(issubclass(one.category, ConvergenceWarning) for one in caught):
            logger.warning(
                "the linear head stopped after %d iterations before it converged; "
                "raise max_iter or lower C (now %g)",
                self.max_iter,
                self.C_,
            )
        self.n_iter_ = int(np.max(model.n_iter_))
        self.coef_, self.intercept_ = _one_row_per_class(model)

    def committee(self, members: int, seed: int) -> list[Callable[[Any], NDArray[np.float64]]]:
        """Refits with random weights of the items: the Bayesian bootstrap (Rubin, 1981).

        Weights are exponential with mean one, so that every member has seen every class; the
        penalty is the one that `fit` chose.

        Args:
            members: Number of refits.
            seed: Fixes the weights.

        Returns:
            For each member its `predict_proba`.

        Raises:
            DataError: Not fitted, or loaded from a file, which holds no training items.
        """
        require_fitted(self)
        if not hasattr(self, "_trained_on"):
            raise DataError(
                "a learner that was loaded has no items to train a committee on",
                fix="fit it in this process",
            )
        matrix, made = self._trained_on
        rng = np.random.default_rng(seed)
        found: list[Callable[[Any], NDArray[np.float64]]] = []
        for _ in range(members):
            drawn = rng.exponential(size=len(matrix))
            weights = drawn if made.weights is None else drawn * made.weights
            member = copy.copy(self)
            if isinstance(made, Indicator):
                drawn_table = replace(made, weights=weights)
                member._keep(self._fit_each(matrix, drawn_table, np.asarray(self.C_)))
            elif len(made.classes) > 1:
                member._fit_head(matrix, made, weights)
            found.append(member.predict_proba)
        return found

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities, shape (n, classes seen); columns in the order of `classes_`.

        Rows sum to one, but those of a table of labels, where each column is its own.

        Raises:
            DataError: Not fitted, or X does not fit.
        """
        from scipy.special import softmax

        require_fitted(self)
        matrix = embeddings(X, self)
        if self.multilabel_:
            return Columns(self.coef_, self.intercept_, np.asarray(self.C_)).probabilities(matrix)
        return np.asarray(softmax(matrix @ self.coef_.T + self.intercept_, axis=1))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each item, shape (n,); of a table of labels 1 for every label
        of a probability above its threshold, shape (n, C).

        Raises:
            DataError: Not fitted, or X does not fit.
        """
        require_fitted(self)
        if self.multilabel_ and self.thresholds_ is not None:
            return np.asarray(self.predict_proba(X) > self.thresholds_, dtype=np.int64)
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def save(self, directory: str | Path) -> None:
        """Write `learner.json` and `weights.safetensors`.

        Raises:
            DataError: Not fitted, or the disk is full.
        """
        require_fitted(self)
        directory = Path(directory)
        with saving(directory):
            write_tensors(
                directory / "weights.safetensors",
                {"coef": self.coef_, "intercept": self.intercept_},
            )
        write_learner(
            directory,
            "linear",
            {
                "parameters": self.get_params(),
                "classes": classes_as_json(self.classes_),
                "C": np.asarray(self.C_).tolist(),
                "multilabel": self.multilabel_,
                "thresholds": None if self.thresholds_ is None else self.thresholds_.tolist(),
                "trained_on": self.trained_on_,
            },
        )

    def export(
        self,
        directory: str | Path,
        *,
        embedder: Embedder,
        names: Sequence[str] | None = None,
        metrics: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a folder that sentence-transformers and scikit-learn load, with a model card.

        The classifier is written by skops, which holds named types and no code that runs when it
        is read, as a pickle would.

        Args:
            directory: An empty folder, or none yet.
            embedder: Made the vectors that it was trained on; its model goes along.
            names: Names of the classes, in their order; by default the classes themselves.
            metrics: What the card says was measured.

        Raises:
            DataError: Not fitted, trained on a single class, or the folder holds something.
            UnsupportedError: The embedder has no files that could go along.
            ConfigError: skops is not installed.
        """
        require_fitted(self)
        called = [str(one) for one in self.classes_] if names is None else list(names)
        settings = self.get_params()
        if self.thresholds_ is not None:
            settings["thresholds_"] = self.thresholds_.tolist()
        export_head(self, directory, embedder, called, settings, metrics or {})

    def load(self, directory: str | Path) -> Self:
        """Read what `save` wrote, into this object.

        Raises:
            DataError: The directory holds no linear head.
        """
        directory = Path(directory)
        content = read_learner(directory, "linear", ("parameters", "classes", "C"))
        tensors = read_tensors(directory / "weights.safetensors", ("coef", "intercept"))
        self.set_params(**content["parameters"])
        self.classes_ = np.asarray(content["classes"])
        self.multilabel_ = bool(content.get("multilabel", False))
        # A head that was saved before there were any gave what was above one half.
        thresholds = content.get("thresholds") or [HALF] * len(self.classes_)
        self.thresholds_ = np.asarray(thresholds) if self.multilabel_ else None
        self.C_ = np.asarray(content["C"]) if self.multilabel_ else float(content["C"])
        self.coef_, self.intercept_ = tensors["coef"], tensors["intercept"]
        self.n_features_in_ = self.coef_.shape[1]
        self.trained_on_ = content.get("trained_on")
        self.__dict__.pop("_trained_on", None)
        return self

    def _check_parameters(self) -> None:
        if self.C != "auto" and not (isinstance(self.C, (int, float)) and 0 < self.C < np.inf):
            raise ConfigError(f"C is {self.C!r}", fix='it must be a number above 0 or "auto"')
        given = self.thresholds
        if given != "f1" and not (isinstance(given, (int, float)) and 0 <= given <= 1):
            raise ConfigError(
                f"thresholds is {given!r}", fix="it must be a number from 0 to 1, or 'f1'"
            )
        if self.max_iter < 1:
            raise ConfigError(f"max_iter is {self.max_iter}", fix="it must be at least 1")

    def _parts(
        self,
        made: Targets,
        rows: NDArray[np.int64],
        weights: NDArray[np.float64] | None,
    ) -> _Parts:
        """Rows as items of one label each: of soft labels one for each class with a share."""
        if made.shares is None:
            return _Parts(rows, made.codes[rows], None if weights is None else weights[rows])
        shares = made.shares[rows]
        if weights is not None:
            shares = shares * weights[rows, None]
        # scikit-learn would balance by how many rows there are of a class, whatever their weights.
        shares = shares * self._class_weights(made, rows)
        items, codes = np.nonzero(shares)
        return _Parts(rows[items], codes, shares[items, codes])

    def _class_weights(self, made: Targets, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The weight of each class, shape (C,), as scikit-learn has it for plain labels."""
        if isinstance(self.class_weight, dict):
            return np.array([self.class_weight.get(one, 1.0) for one in made.classes.tolist()])
        if self.class_weight is None:
            return np.ones(len(made.classes))
        counts = made.table[rows].sum(axis=0)
        wanted = len(rows) / len(counts)
        return np.asarray(wanted / np.where(counts > 0, counts, wanted))

    def _model(
        self, classes: NDArray[Any], *, soft: bool = False, **more: Any
    ) -> LogisticRegression:
        weight = None if soft else self.class_weight
        if isinstance(weight, dict):
            # The fit sees positions in `classes`, so that every dtype of label is one case.
            position = {label: code for code, label in enumerate(classes.tolist())}
            weight = {position[key]: value for key, value in weight.items() if key in position}
        return LogisticRegression(max_iter=self.max_iter, class_weight=weight, **more)

    def _choose_C(self, matrix: NDArray[np.float64], made: Targets) -> float:
        counts = np.bincount(made.codes)
        # Of soft labels a class may be the likeliest of no item.
        smallest = int(counts[counts > 0].min())
        if smallest < FEWEST_PER_CLASS or len(matrix) < FEWEST_ITEMS:
            return DEFAULT_C
        weights = np.ones(len(matrix)) if made.weights is None else made.weights
        folds = StratifiedKFold(
            min(FOLDS, smallest), shuffle=True, random_state=self.random_state
        ).split(matrix, made.codes)
        losses, table = np.zeros(len(C_GRID)), made.table
        for train, held_out in folds:
            # Each fit starts where the one with the next stronger penalty ended.
            model = self._model(
                made.classes, soft=made.shares is not None, warm_start=True, tol=FOLD_TOLERANCE
            )
            parts = self._parts(made, train, weights)
            seen = np.unique(parts.codes)
            if len(seen) < 2:
                continue
            fitted_to = matrix[parts.rows]
            for column, C in enumerate(C_GRID):
                model.C = C
                # What was checked once need not be checked for each of so many fits.
                with warnings.catch_warnings(), config_context(**_CHECKED):
                    # A fold cut short still ranks the penalties; the last fit reports.
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    model.fit(fitted_to, parts.codes, parts.weights)
                coef, intercept = _one_row_per_class(model)
                log_probs = log_softmax(matrix[held_out] @ coef.T + intercept, axis=1)
                own = (table[np.ix_(held_out, seen)] * log_probs).sum(axis=1)
                losses[column] -= weights[held_out] @ own
        return C_GRID[int(losses.argmin())] if losses.any() else DEFAULT_C


@dataclass(frozen=True)
class _Parts:
    """Items to fit on: rows of the matrix, and the code and weight of each."""

    rows: NDArray[np.int64]
    codes: NDArray[np.int64]
    weights: NDArray[np.float64] | None


def _one_row_per_class(
    model: LogisticRegression,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    coef, intercept = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(coef) == 1:
        coef = np.concatenate([np.zeros_like(coef), coef])
        intercept = np.concatenate([np.zeros_like(intercept), intercept])
    return np.ascontiguousarray(coef), np.ascontiguousarray(intercept)
