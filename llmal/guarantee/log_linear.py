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

_SHARED_PENALTY = 0.1
_FEW = 10


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
        searched = self._left_out(design, classes, fold, self.penalties)
        chosen, left_out = self._chosen(searched, classes)
        whole = _solve(design, classes, chosen)

        def predict(asked: Design) -> Floats:
            return np.asarray(np.exp(whole.log_probabilities(asked)))

        return Fitted(
            predict,
            np.exp(left_out),
            {
                "model": "log-linear",
                "penalties": list(chosen),
                "shared": whole.shared.tolist(),
                "own": whole.own.tolist(),
            },
        )

    def _chosen(
        self, tables: Floats, classes: NDArray[np.int64]
    ) -> tuple[tuple[float, float], Floats]:
        if len(classes) < _FEW:
            return self.penalties[0], tables[0]
        fits = tables[:, np.arange(len(classes)), classes].mean(axis=1)
        best = int(np.argmax(fits))
        return self.penalties[best], tables[best]

    def _left_out(
        self,
        design: Design,
        classes: NDArray[np.int64],
        fold: NDArray[np.int64],
        penalties: Sequence[tuple[float, float]],
    ) -> Floats:
        """Log-probabilities of left-out items under each penalty, shape (penalties, n, K)."""
        tables = np.zeros((len(penalties), len(classes), design.classes))
        for part in np.unique(fold):
            shown, asked = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
            lesson, weights = design.rows(shown), None
            for table, pair in zip(tables, penalties, strict=True):
                weights = _solve(lesson, classes[shown], pair, weights)
                table[asked] = weights.log_probabilities(design.rows(asked))
        return tables


def _solve(
    design: Design,
    classes: NDArray[np.int64],
    penalties: tuple[float, float],
    start: _Weights | None = None,
) -> _Weights:
    """The weights; from those of the same items under another penalty it is quicker."""
    from scipy.optimize import minimize

    count, width, kinds = len(classes), design.shared.shape[2], design.classes
    dense = _dense(design)
    shared = design.shared.reshape(count * kinds, width)
    true = np.zeros((count, kinds))
    true[np.arange(count), classes] = 1.0
    penalty = np.repeat(penalties, [design.vectors.shape[1], design.own.sum()])[:, None]

    def loss(theta: Floats) -> tuple[float, Floats]:
        common, own = theta[:width], theta[width:].reshape(-1, kinds)
        scores = (shared @ common).reshape(count, kinds) + dense @ own
        logs = log_softmax(scores, axis=1)
        off = np.exp(logs) - true
        drawn = common - design.prior
        value = (
            -(logs * true).sum()
            + 0.5 * _SHARED_PENALTY * (drawn**2).sum()
            + 0.5 * (penalty * own**2).sum()
        )
        slope = [
            shared.T @ off.ravel() + _SHARED_PENALTY * drawn,
            (dense.T @ off + penalty * own).ravel(),
        ]
        return float(value), np.concatenate(slope)

    if start is None:
        start = _Weights(design.prior, np.zeros((dense.shape[1], kinds)))
    found = minimize(
        loss,
        np.concatenate([start.shared, start.own.ravel()]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 200, "ftol": 1e-6, "gtol": 1e-3, "maxcor": 20},
    ).x
    return _Weights(found[:width], found[width:].reshape(-1, kinds))


def _dense(design: Design) -> Floats:
    """What has weights for each class."""
    return np.concatenate([design.vectors, design.columns[:, design.own]], axis=1)
