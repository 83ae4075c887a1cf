"""Scores of labels for items, through a prompt with demonstrations in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.scores import probabilities_of
from llmal.icl.labelling import LabellingPrompt, LabellingPrompts
from llmal.lm.protocol import LanguageModel, Normalise
from llmal.records import Item, Usage

if TYPE_CHECKING:
    from llmal.icl.order import Order


@dataclass(frozen=True)
class Scored:
    """What a model gave to n items.

    Attributes:
        log_probs: Shape (n, C): log-probability of each label, in natural log, summed over its
            words; not normalised over the labels.
        prompts: What was asked, with what was left out of each prompt.
        usage: Shape (n,): what each item cost, counted alike whether the answer came from the model
            or from the response cache.
        exact: False if the numbers are estimates by sampling.
    """

    log_probs: NDArray[np.float64]
    prompts: tuple[LabellingPrompt, ...]
    usage: tuple[Usage, ...]
    exact: bool

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Shape (n, C): normalised over the labels."""
        return probabilities_of(self.log_probs)


class PromptScorer:
    """Scores the labels of items.

    Args:
        prompts: The prompts of a task for a model.
        normalise: How labels of several tokens are compared.
        order: How demonstrations are arranged in the prompt; without it the most useful stands
            first.
        counting: Count what would be asked and ask nobody; every label is then as good.
    """

    def __init__(
        self,
        prompts: LabellingPrompts,
        normalise: Normalise = "sum",
        order: Order | None = None,
        *,
        counting: bool = False,
    ) -> None:
        self.prompts = prompts
        self.normalise: Normalise = normalise
        self.order = order
        self.counting = counting or bool(getattr(prompts.lm, "counts_only", False))
        self.spent = Usage()
        """What all calls so far have cost, answers from the response cache counted like others."""

    @property
    def lm(self) -> LanguageModel:
        """The model."""
        return self.prompts.lm

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the columns."""
        return tuple(self.prompts.task.names)

    def build(
        self, items: Sequence[Item], demonstrations: Sequence[Sequence[Item]]
    ) -> tuple[LabellingPrompt, ...]:
        """The prompts for items, each with demonstrations of its own, as they are scored."""
        arranged = (
            demonstrations if self.order is None else self.order.arrange_each(demonstrations, items)
        )
        return tuple(
            self.prompts.build(item, shown, placed)
            for item, shown, placed in zip(items, demonstrations, arranged, strict=True)
        )

    def score(self, items: Sequence[Item], demonstrations: Sequence[Item] = ()) -> Scored:
        """Score items with the same demonstrations, most useful first, in every prompt.

        Raises:
            LanguageModelError: The model failed; what it answered before is in its cache.
        """
        return self.score_each(items, [demonstrations] * len(items))

    def score_each(self, items: Sequence[Item], demonstrations: Sequence[Sequence[Item]]) -> Scored:
        """Score items, each with demonstrations of its own."""
        columns = len(self.labels)
        if not items:
            return Scored(np.zeros((0, columns)), (), (), self.lm.exact)
        built = self.build(items, demonstrations)
        asked = [one.prompt for one in built]
        if self.counting:
            cost = self.lm.score_cost(
                asked, self.prompts.candidates, first_token_only=self.normalise == "first"
            )
            self.spent += cost
            rest = (Usage(),) * (len(items) - 1)
            return Scored(np.zeros((len(items), columns)), built, (cost, *rest), self.lm.exact)
        scores = self.lm.score(
            asked, self.prompts.candidates, first_token_only=self.normalise == "first"
        )
        price = self.lm.price
        usage = tuple(
            Usage(
                requests=scores.passes,
                prompt_tokens=int(read),
                completion_tokens=int(written),
                money=price.of(int(read), int(written)),
            )
            for read, written in zip(scores.prompt_tokens, scores.completion_tokens, strict=True)
        )
        self.spent = sum(usage, self.spent)
        return Scored(
            self.prompts.log_over_labels(scores.normalised(self.normalise)),
            built,
            usage,
            scores.exact,
        )
