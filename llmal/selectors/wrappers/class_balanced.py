"""Picks spread over the predicted labels, for pools in which some labels are rare."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.errors import SelectionError
from llmal.selectors.options import check_whose
from llmal.selectors.picking import highest
from llmal.selectors.protocol import Selection, UtilitySelector
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import Wrapper, no_higher_than_before


@dataclass(frozen=True)
class ClassBalanced(Wrapper):
    """Pick so that labelled and picked items together are as even over the labels as can be.

    Each pick goes to the label that has the fewest items so far, labelled ones by their label and
    picks by their predicted one, and there to the item of the highest utility; between labels that
    are level, to the higher utility. A label that no unlabelled item is predicted to have
    is passed over. So any beginning of the picks is as even as it can be, too. An item
    between equally probable labels is counted under one of them, drawn at random.

    Score: the utility, no higher than that of the pick before.

    Args:
        selector: Gives the utilities.
        of: Whose predictions: the "learner"'s or the "lm"'s.

    Raises:
        ConfigError: There are no predictions of `of`, or the selector has no utilities.
    """

    name = "class_balanced"

    selector: UtilitySelector
    of: Literal["learner", "lm"] = "learner"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_utilities(self.selector)
        check_whose(self, "predictions")

    @property
    def reads(self) -> frozenset[Signal]:
        """The learner's probabilities, or the language model's scores."""
        return frozenset({"probabilities" if self.of == "learner" else "lm_scores"})

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick for the label with the fewest items, k times."""
        k = self._check_request(state, k)
        scores = state.probabilities if self.of == "learner" else state.lm_scores
        count = scores.shape[1]
        if len(state.labels) and state.labels.max() >= count:
            raise SelectionError(
                f"an item is labelled {state.labels.max()}, and predictions have {count} columns",
                fix="both need one column for each label of the task",
            )
        utilities = self.selector.utilities(state, rng)
        values = utilities.values
        labelled = np.bincount(state.labels, minlength=count)
        predicted = _predicted(scores, rng)
        best: dict[int, NDArray[np.int64]] = {}
        for label in range(count):
            rows = np.flatnonzero(predicted == label)
            if len(rows):
                best[label] = rows[highest(values[rows], min(k, len(rows)), rng)]

        turns = [
            (int(labelled[label]), -float(values[rows[0]]), float(rng.random()), label)
            for label, rows in best.items()
        ]
        heapq.heapify(turns)
        served = dict.fromkeys(best, 0)
        picks: list[int] = []
        why: list[str] = []
        for _ in range(k):
            items, _, _, label = turns[0]
            picks.append(int(best[label][served[label]]))
            why.append(f"{utilities.why(picks[-1])}; predicted label {label}, which has {items}")
            served[label] += 1
            if served[label] < len(best[label]):
                following = -float(values[best[label][served[label]]])
                heapq.heapreplace(turns, (items + 1, following, float(rng.random()), label))
            else:
                heapq.heappop(turns)
        return Selection(
            state.unlabelled[picks],
            no_higher_than_before(np.asarray(values[picks], dtype=np.float64)),
            why,
            utilities.usage,
        )


def _predicted(scores: NDArray[np.floating[Any]], rng: np.random.Generator) -> NDArray[np.int64]:
    """The column of the highest score of each row, shape (U,); one of them, if there are more."""
    predicted = np.empty(len(scores), dtype=np.int64)
    for part in chunks(*scores.shape):
        block = scores[part]
        best = block == block.max(axis=1, keepdims=True)
        several = best.sum(axis=1) > 1
        found = best.argmax(axis=1)
        found[several] = (best[several] * (1 - rng.random(best[several].shape))).argmax(axis=1)
        predicted[part] = found
    return predicted
