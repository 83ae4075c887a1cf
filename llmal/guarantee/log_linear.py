"""A regularised log-linear model, whose penalty held-out labels choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from llmal.errors import ConfigError
from llmal.guarantee.design import Design
from llmal.guarantee.features import Floats
from llmal.guarantee.label_model import Fitted
from llmal.guarantee.quasi_newton import minimise_all

_SHARED_PENALTY = 0.1
_FEW = 10
_AT_ONCE = 2_000_000
"""Scores that fits which go on side by side have in all."""


@dataclass(frozen=True, eq=False)
class _Weights:
    shared: Floats
    own: Floats

    def log_probabilities(self, design: Design) -> Floats:
        return np.asarray(
            log_softmax(design.shared @ self.shared + _dense(design) @ self.own, axis=1)
        )


@dataclass(frozen=True)
class LogLinear:
    """Log-odds of the classes are linear in the features.

    What speaks for a class by itself has one weight for all classes, which little data can learn,
    and begins with that of the design; deviations of single classes, other columns and embeddings
    have weights for each class that are drawn to zero. How strongly, for embeddings and for the
    rest, the log-loss of left-out labels chooses; below ten labels it is the strongest.

    Args:
        penalties: Pairs of what embeddings and what other columns are penalised by, falling.
        folds: How many parts of the labels are left out in turn.

    Raises:
        ConfigError: A penalty is not above zero.
    """

    penalties: tuple[tuple[float, float], ...] = ((300.0, 100.0), (60.0, 60.0), (12.0, 12.0))
    folds: int = 4

    def __post_init__(self) -> None:
        if not self.penalties or min(min(pair) for pair in self.penalties) <= 0:
            raise ConfigError("penalties are not all above 0", fix="give pairs of numbers above 0")

    def fit(self, design: Design, classes: NDArray[np.int64], rng: np.random.Generator) -> Fitted:
        """The maximum a posteriori under the penalty that left-out labels choose."""
        count = len(classes)
        fold = rng.permutation(count) % min(self.folds, max(count, 1))
        lessons = _Lessons(design, classes)
        shown = [fold != part for part in np.unique(fold)] or [fold == fold]
        fits: list[Floats] = []
        for penalties in self.penalties:
            # Those of the same items under another penalty are a good start.
            fits.append(lessons.fit(np.stack(shown), penalties, fits[-1] if fits else None))
        chosen, left_out = self._chosen(lessons, fits, fold)
        whole = lessons.fit(
            np.ones((1, count), dtype=np.bool_),
            self.penalties[chosen],
            fits[chosen].mean(axis=0, keepdims=True),
        )
        weights = lessons.weights(whole[0])

        def predict(asked: Design) -> Floats:
            return np.asarray(np.exp(weights.log_probabilities(asked)))

        return Fitted(
            predict,
            np.exp(left_out),
            {
                "model": "log-linear",
                "penalties": list(self.penalties[chosen]),
                "shared": weights.shared.tolist(),
                "own": weights.own.tolist(),
            },
        )

    def _chosen(
        self, lessons: _Lessons, fits: Sequence[Floats], fold: NDArray[np.int64]
    ) -> tuple[int, Floats]:
        """Which penalty, and log-probabilities of left-out items under it, shape (n, K)."""
        tables = np.zeros((len(fits), len(fold), lessons.kinds))
        for part in np.unique(fold).tolist():
            asked = np.flatnonzero(fold == part)
            design = lessons.design.rows(asked)
            for table, thetas in zip(tables, fits, strict=True):
                table[asked] = lessons.weights(thetas[part]).log_probabilities(design)
        if len(fold) < _FEW:
            return 0, tables[0]
        gains = tables[:, np.arange(len(fold)), lessons.classes].mean(axis=1)
        best = int(np.argmax(gains))
        return best, tables[best]


class _Lessons:
    """What labelled items say of weights, of which all have a row of their own: those of the
    design, and after them those of the dense columns, class by class.
    """

    def __init__(self, design: Design, classes: NDArray[np.int64]) -> None:
        self.design = design
        self.classes = classes
        self.kinds = design.classes
        self._dense = _dense(design)
        self._shared = np.ascontiguousarray(np.moveaxis(design.shared, 1, 0))
        self._true = np.zeros((self.kinds, 1, len(classes)))
        self._true[classes, 0, np.arange(len(classes))] = 1.0
        self._width = len(design.prior)

    def weights(self, theta: Floats) -> _Weights:
        """A row as weights."""
        own = theta[self._width :].reshape(self.kinds, -1).T
        return _Weights(theta[: self._width], np.ascontiguousarray(own))

    def fit(
        self,
        shown: NDArray[np.bool_],
        penalties: tuple[float, float],
        start: Floats | None = None,
    ) -> Floats:
        """The maximum a posteriori of each fit, shape (fits, weights).

        Args:
            shown: Which items each is fitted to, shape (fits, n).
            penalties: Of vectors, and of other columns.
            start: Where they begin; at the prior if None.
        """
        of_each = (self.design.vectors.shape[1], int(self.design.own.sum()))
        penalty = np.repeat(penalties, of_each)
        drawn = np.concatenate([np.full(self._width, _SHARED_PENALTY), *[penalty] * self.kinds])
        prior = np.zeros(len(drawn))
        prior[: self._width] = self.design.prior
        begin = np.tile(prior, (len(shown), 1)) if start is None else start
        found = np.empty_like(begin)
        at_once = max(1, _AT_ONCE // max(1, self._true.size))
        for first in range(0, len(begin), at_once):
            some = slice(first, first + at_once)
            found[some] = self._minimise(shown[some], drawn, prior, begin[some])
        return found

    def _minimise(
        self, shown: NDArray[np.bool_], drawn: Floats, prior: Floats, start: Floats
    ) -> Floats:
        def loss(theta: Floats, which: NDArray[np.int64]) -> tuple[Floats, Floats]:
            logs = self._log_probabilities(theta)
            seen = shown[which]
            off = np.exp(logs)
            off -= self._true
            off *= seen
            away = theta - prior
            value = 0.5 * (drawn * away**2).sum(axis=1)
            value -= ((logs * self._true).sum(axis=0) * seen).sum(axis=1)
            return value, _sums(off, self._shared, self._dense) + drawn * away

        # Second derivatives at the start, but for what ties weights together.
        share = np.exp(self._log_probabilities(start))
        squares = _sums(share * (1 - share) * shown, self._shared**2, self._dense**2)
        return minimise_all(loss, start, squares + drawn)

    def _log_probabilities(self, theta: Floats) -> Floats:
        """Shape (K, fits, n)."""
        common, own = theta[:, : self._width], theta[:, self._width :]
        own = own.reshape(len(theta), self.kinds, -1).swapaxes(0, 1)
        scores = np.matmul(own.reshape(self.kinds * len(theta), -1), self._dense.T)
        scores = scores.reshape(self.kinds, len(theta), -1)
        scores += np.matmul(common, self._shared.swapaxes(1, 2))
        scores -= scores.max(axis=0)
        scores -= np.log(np.exp(scores).sum(axis=0))
        return np.asarray(scores)


def _sums(weights: Floats, shared: Floats, dense: Floats) -> Floats:
    """Over items, of features times weights of shape (K, fits, n); shape (fits, weights)."""
    kinds, fits, _ = weights.shape
    own = weights.reshape(kinds * fits, -1) @ dense
    own = own.reshape(kinds, fits, -1).swapaxes(0, 1).reshape(fits, -1)
    return np.concatenate([np.matmul(weights, shared).sum(axis=0), own], axis=1)


def _dense(design: Design) -> Floats:
    """What has weights for each class."""
    return np.concatenate([design.vectors, design.columns[:, design.own]], axis=1)
