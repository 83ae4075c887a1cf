"""What a language model gives to items: scores of labels, and what they cost."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Usage
from llmal.prompting.labelling import LabellingPrompt
from llmal.task.spaces import Space


@dataclass(frozen=True)
class Scored:
    """What a model gave to n items.

    Attributes:
        scores: Shape (n, C): scores of the task's space. Of one label an item the
            log-probability of each label, in natural log, summed over its words; not normalised
            over the labels, unless the scorer calibrates. Of several the log-odds of each.
        prompts: What was asked, with what was left out of each prompt.
        usage: Shape (n,): what each item cost, counted alike whether the answer came from the model
            or from the response cache.
        exact: False if the numbers are estimates by sampling.
        inside: Shape (n, C): which labels were scored; the others share what the shortlist leaves
            out. None where all were.
        space: What an answer is.
    """

    scores: NDArray[np.float64]
    prompts: tuple[LabellingPrompt, ...]
    usage: tuple[Usage, ...]
    exact: bool
    inside: NDArray[np.bool_] | None = None
    space: Space = field(kw_only=True)

    @property
    def log_probs(self) -> NDArray[np.float64]:
        """The former name of `scores`; it goes in the next version."""
        warnings.warn(
            "Scored.log_probs is now Scored.scores; it goes in the next version",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.scores

    @property
    def scores_asked(self) -> NDArray[np.float64]:
        """Shape (n, C): `scores`, and minus infinity for labels that were not scored."""
        if self.inside is None:
            return self.scores
        return np.where(self.inside, self.scores, -np.inf)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Shape (n, C): as the space has them."""
        return self.space.probabilities_of(self.scores)
