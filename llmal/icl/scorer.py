"""Scores of labels for items, through a prompt with demonstrations in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.scores import log_of, probabilities_of
from llmal.icl.labelling import LabellingPrompt, LabellingPrompts
from llmal.lm.protocol import LanguageModel, Normalise, Prompt
from llmal.records import Item, Usage

if TYPE_CHECKING:
    from llmal.calibration.protocol import Calibrator
    from llmal.icl.order import Order

_TRAIL = 2**128


@dataclass(frozen=True)
class Scored:
    """What a model gave to n items.

    Attributes:
        log_probs: Shape (n, C): log-probability of each label, in natural log, summed over its
            words; not normalised over the labels, unless the scorer calibrates.
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
        calibration: Called when the first items are scored; gives the fitted calibrator that all
            scores go through, or None, and the keys of the prompts that were paid for by fitting
            it.
    """

    def __init__(
        self,
        prompts: LabellingPrompts,
        normalise: Normalise = "sum",
        order: Order | None = None,
        *,
        counting: bool = False,
        calibration: Callable[[], tuple[Calibrator | None, Set[bytes]]] | None = None,
    ) -> None:
        self.prompts = prompts
        self.normalise: Normalise = normalise
        self.order = order
        self.counting = counting or bool(getattr(prompts.lm, "counts_only", False))
        self.spent = Usage()
        """What all calls so far have cost, answers from the response cache counted like others."""
        self.trail = 0
        """Changes with every prompt that is asked: two stretches of work in which it changes by as
        much have asked the same prompts."""
        self._calibration = calibration
        self._calibrator: Calibrator | None = None
        self._paid: Set[bytes] = frozenset()

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

    def score_each(
        self,
        items: Sequence[Item],
        demonstrations: Sequence[Sequence[Item]],
        *,
        paid: Set[bytes] = frozenset(),
    ) -> Scored:
        """Score items, each with demonstrations of its own.

        Args:
            items: n items.
            demonstrations: Of each, the most useful first.
            paid: Keys of prompts (`prompt_key`) that are paid for already, and cost nothing here.
        """
        columns = len(self.labels)
        if not items:
            return Scored(np.zeros((0, columns)), (), (), self.lm.exact)
        built = self.build(items, demonstrations)
        asked = [one.prompt for one in built]
        keys = [prompt_key(one) for one in asked]
        self.trail = sum((int.from_bytes(one) for one in keys), self.trail) % _TRAIL
        if self.counting:
            cost = self.lm.score_cost(
                asked, self.prompts.candidates, first_token_only=self.normalise == "first"
            )
            self.spent += cost
            rest = (Usage(),) * (len(items) - 1)
            return Scored(np.zeros((len(items), columns)), built, (cost, *rest), self.lm.exact)
        if self._calibration is not None:
            (self._calibrator, self._paid), self._calibration = self._calibration(), None
        scores = self.lm.score(
            asked, self.prompts.candidates, first_token_only=self.normalise == "first"
        )
        price = self.lm.price
        free = self._paid | paid
        usage = tuple(
            Usage()
            if key in free
            else Usage(
                requests=scores.passes,
                prompt_tokens=int(read),
                completion_tokens=int(written),
                money=price.of(int(read), int(written)),
            )
            for key, read, written in zip(
                keys, scores.prompt_tokens, scores.completion_tokens, strict=True
            )
        )
        self.spent = sum(usage, self.spent)
        log_probs = self.prompts.log_over_labels(scores.normalised(self.normalise))
        if self._calibrator is not None:
            log_probs = log_of(self._calibrator.transform(log_probs))
        return Scored(log_probs, built, usage, scores.exact)


def prompt_key(prompt: Prompt) -> bytes:
    """A hash of a prompt."""
    said = prompt if isinstance(prompt, str) else [tuple(sorted(one.items())) for one in prompt]
    return hashlib.blake2b(repr(said).encode(), digest_size=16).digest()
