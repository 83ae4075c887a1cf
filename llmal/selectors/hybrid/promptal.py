"""PromptAL's query: calibrated uncertainty, spread over clusters, away from what is labelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.divergences import entropy
from llmal.calibration.promptal_prior import PromptALPrior
from llmal.embed.clustering import k_means
from llmal.embed.neighbours import Neighbours
from llmal.errors import ConfigError
from llmal.selectors.options import check_least
from llmal.selectors.picking import best_of_each, check_request, highest
from llmal.selectors.protocol import Selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState


@dataclass(frozen=True)
class PromptALScore:
    """The best item of each of k clusters, by uncertainty and distance from the labelled.

    The learner's probabilities are divided by their mean over a support set (the `per_label` items
    most probable for each label) and normalised. U is the entropy of that, in nats; D the mean
    distance (Euclidean) to the `neighbours` nearest labelled items in the learner's features,
    scaled to 0..1 inside each of k clusters of k-means. Score: S = weight U + (1 - weight) D; each
    cluster gives its best item. D is zero in a cluster where all are equally far, one of a single
    item among them, and everywhere if nothing is labelled. Where there are fewer distinct features
    than picks, the rest are the best of all that is left.

    Source: PromptAL, the query step, which works for the probabilities and features of any learner.
    There U runs to ln C beside a D of at most one, and the weight of 0.9 was tuned so: that is the
    default here. `normalise_entropy` divides U by ln C, so that one weight means the same for any
    number of labels. The support set is of the unlabelled items.

    Args:
        weight: lambda, the weight of U.
        neighbours: Labelled items that D looks at; fewer if fewer are labelled.
        normalise_entropy: Whether U is a share of its maximum, ln C.
        per_label: Items of the support set for each label.
        calibrated: Whether the probabilities are divided by their mean over the support set; U is
            the entropy of the learner's own probabilities otherwise.

    Raises:
        ConfigError: An argument is out of range.
    """

    name = "promptal"
    requires = frozenset[Signal]({"probabilities", "features"})

    weight: float = 0.9
    neighbours: int = 10
    normalise_entropy: bool = False
    per_label: int = 100
    calibrated: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise ConfigError(f"promptal: weight is {self.weight}", fix="between 0 and 1")
        check_least(self, neighbours=1, per_label=1)

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the best item of each of k clusters."""
        k = check_request(state, k, self.name, self.requires)
        doubt = self._doubt(state)
        clusters = k_means(state.features, state.unlabelled, k, rng)
        apart = self._apart(state, rng)
        least, most = np.full(k, np.inf), np.full(k, -np.inf)
        np.minimum.at(least, clusters.of, apart)
        np.maximum.at(most, clusters.of, apart)
        span = (most - least)[clusters.of]
        apart -= least[clusters.of]
        np.divide(apart, span, out=apart, where=span > 0)
        score = self.weight * doubt + (1 - self.weight) * apart

        rows = best_of_each(clusters.of, score, rng)
        spread = len(rows)
        if spread < k:
            rest = np.delete(np.arange(len(score)), rows)
            rows = np.concatenate([rows, rest[highest(score[rest], k - spread, rng)]])
        order = highest(score[rows], k, rng)
        sizes = clusters.sizes
        why = []
        for place in order.tolist():
            row = rows[place]
            source = (
                f"best of a cluster of {sizes[clusters.of[row]]} items"
                if place < spread
                else "fewer distinct features than picks"
            )
            unit = "of its maximum" if self.normalise_entropy else "nats"
            why.append(f"{source}; entropy {doubt[row]:.3f} {unit}, distance {apart[row]:.2f}")
        rows = rows[order]
        return Selection(state.unlabelled[rows], score[rows], why)

    def _doubt(self, state: RoundState) -> NDArray[np.float64]:
        """U, shape (U,)."""
        probabilities = state.probabilities.astype(np.float64)
        if self.calibrated:
            with np.errstate(divide="ignore"):
                logs = np.log(probabilities)
            probabilities = PromptALPrior(per_label=self.per_label).fit(logs).transform(logs)
        doubt = entropy(probabilities)
        if self.normalise_entropy:
            doubt /= np.log(probabilities.shape[1])
        return doubt

    def _apart(self, state: RoundState, rng: np.random.Generator) -> NDArray[np.float64]:
        """Mean distance of each unlabelled item to the labelled items nearest to it."""
        count = min(self.neighbours, len(state.labelled))
        if not count:
            return np.zeros(len(state.unlabelled))
        index = Neighbours(state.features, state.labelled, seed=int(rng.integers(2**31 - 1)))
        distances, _ = index.search(state.features, count, state.unlabelled)
        return np.asarray(distances.mean(axis=1, dtype=np.float64))
