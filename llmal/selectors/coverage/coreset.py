"""CoreSet: the items farthest from all that is labelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmal.selectors.coverage.farthest import farthest_first
from llmal.selectors.picking import check_request
from llmal.selectors.protocol import Selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState


@dataclass(frozen=True)
class CoreSet:
    """Greedy k-centre: cover the learner's feature space, whatever the learner is unsure of.

    Each pick is the unlabelled item farthest from the labelled items and the earlier picks. Score:
    that distance (Euclidean; normalise the features for cosine), which falls from pick to pick.
    With nothing labelled, the first pick is drawn, and its score is how far the farthest item is
    from it, the score of the next.

    Source: Sener and Savarese, 2018, "Active learning for convolutional neural networks: a core-set
    approach", the greedy 2-approximation; not their mixed-integer programme for outliers. Picks
    are those of scikit-activeml's CoreSet. small-text's GreedyCoreset normalises the features, an
    option that is on by default; on features of length one its picks are these. Its function
    greedy_coreset, called by itself, reads its own picks as rows of the whole set where they are
    rows of the unlabelled.
    """

    name = "coreset"
    requires = frozenset[Signal]({"features"})

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the k items, each the farthest from all before it."""
        k = check_request(state, k, self.name, self.requires)
        drawn = not len(state.labelled)
        # One more than asked, as only that one tells how far the drawn one reaches.
        wanted = min(k + 1, len(state.unlabelled)) if drawn and k == 1 else k
        rows, distances = farthest_first(
            state.features, state.unlabelled, state.labelled, wanted, rng
        )
        if drawn:
            distances[0] = distances[1] if wanted > 1 else 0.0
        scores = np.minimum.accumulate(distances[:k])
        why = [f"{score:.3f} from the nearest labelled or picked item" for score in scores]
        if drawn:
            why[0] = f"drawn at random; the farthest item is {scores[0]:.3f} away"
        return Selection(state.unlabelled[rows[:k]], scores, why)
