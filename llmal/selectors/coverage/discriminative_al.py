"""DAL: items that a classifier of labelled against unlabelled is surest are unlabelled."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.selectors.options import check_least
from llmal.selectors.picking import check_request, highest
from llmal.selectors.protocol import Selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.task.spaces import KINDS

_log = logging.getLogger("llmal.selectors")

_ITERATIONS = 1000


@dataclass(frozen=True)
class DiscriminativeAL:
    """Makes the labelled items hard to tell from the unlabelled (DAL).

    A class-balanced logistic regression on the learner's features tells labelled items from
    unlabelled ones; the picks are those it holds most surely for unlabelled. They are made in
    `batches` sub-queries: the picks of one count as labelled when the classifier is fitted for
    the next, so that they do not all come from one corner of the pool.

    Score: the probability to be unlabelled, less one for each sub-query before. It falls from
    pick to pick; probabilities of different classifiers need not.

    Source: Gissin and Shalev-Shwartz, 2019, "Discriminative active learning", and the authors'
    code, which trains a network with three hidden layers on 10 unlabelled items for each labelled
    one, and picks among these alone; here all unlabelled items are scored. scikit-activeml's
    DiscriminativeAL, given scikit-learn's class-balanced LogisticRegression, picks the same where
    `per_labelled` is None: with `batches=1` as with its greedy_selection, with as many batches as
    picks as without.
    small-text's DiscriminativeActiveLearning draws unlabelled items as the authors do, does not
    balance, and gives what k leaves over to the last sub-query.

    Args:
        batches: Number of sub-queries; as many as picks, where these are fewer.
        per_labelled: Unlabelled items that a classifier is fitted on for each labelled one, drawn
            at random for each sub-query. None: all, as scikit-activeml does.

    Raises:
        ConfigError: An argument is out of range.
    """

    name = "dal"
    requires = frozenset[Signal]({"labels", "features"})
    spaces = KINDS

    batches: int = 10
    per_labelled: int | None = 10

    def __post_init__(self) -> None:
        check_least(self, batches=1, per_labelled=1)

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the items that are told from the labelled ones most surely."""
        k = check_request(state, k, self.name, self.requires)
        features = state.features
        known, left = state.labelled, state.unlabelled
        batches = min(self.batches, k)
        indices: list[NDArray[np.int64]] = []
        scores: list[NDArray[np.float64]] = []
        for turn, share in enumerate(np.array_split(np.arange(k), batches)):
            weights, intercept = self._classifier(features, known, left, rng)
            certainty = _certainty(features, left, weights, intercept)
            rows = highest(certainty, len(share), rng)
            indices.append(left[rows])
            scores.append(1 / (1 + np.exp(-certainty[rows])) - turn)
            known, left = np.concatenate([known, left[rows]]), np.delete(left, rows)
        flat = np.concatenate(scores)
        why = [
            f"unlabelled with probability {score + turn:.3f} (sub-query {turn + 1} of {batches})"
            for turn, one in enumerate(scores)
            for score in one.tolist()
        ]
        return Selection(np.concatenate(indices), flat, why)

    def _classifier(
        self,
        features: NDArray[np.float32],
        known: NDArray[np.int64],
        left: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float32], float]:
        """Weights, shape (d,), and intercept of the log-odds to be unlabelled."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        if self.per_labelled is not None and len(left) > self.per_labelled * len(known):
            left = rng.choice(left, size=self.per_labelled * len(known), replace=False)
        order = np.argsort(np.concatenate([known, left]))
        train = np.concatenate([known, left])[order]
        classifier = LogisticRegression(class_weight="balanced", max_iter=_ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(features[train], order >= len(known))
        if classifier.n_iter_.max() >= _ITERATIONS:
            _log.warning("dal: a classifier stopped after %d iterations", _ITERATIONS)
        return classifier.coef_[0].astype(np.float32), float(classifier.intercept_[0])


def _certainty(
    features: NDArray[np.float32],
    positions: NDArray[np.int64],
    weights: NDArray[np.float32],
    intercept: float,
) -> NDArray[np.float64]:
    """Log-odds to be unlabelled, shape (n,): probabilities near one would tie."""
    values = np.empty(len(positions))
    for part in chunks(len(positions), len(weights)):
        # Not a matrix product, which rounds equal rows differently at different places.
        values[part] = np.einsum("ij,j->i", features[positions[part]], weights)
    return values + intercept
