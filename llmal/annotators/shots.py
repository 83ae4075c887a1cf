"""Which demonstrations a language model is shown in a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmal.annotators.protocol import Context
from llmal.core.records import Item
from llmal.demonstrations import Fixed, check_selector, make_selector, needs
from llmal.demonstrations.protocol import DemonstrationSelector
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError
from llmal.few_shot.preparation import check_says_its_cost
from llmal.lm.protocol import LanguageModel
from llmal.prompting.scorer import PromptScorer
from llmal.task import Task
from llmal.task.spaces import refuse_unless

_BY_LABEL = ("balance", "cover_labels")


class Shots:
    """Makes what chooses the demonstrations of each round.

    Args:
        task: The task.
        lm: The model.
        shots: Demonstrations in the prompt.
        demonstrations: A name from `llmal.demonstrations`, a `DemonstrationSelector`, or the items
            themselves, which are then the shots.
        options: Options of a selector that is given by name.
        embedder: For selectors that need one.

    Raises:
        ConfigError: `shots` is negative, a name is unknown, something that a selector needs is
            missing, or it chooses by the one label of an item where an item takes several.
    """

    def __init__(
        self,
        task: Task,
        lm: LanguageModel,
        shots: int,
        demonstrations: str | DemonstrationSelector | Sequence[Item],
        options: Mapping[str, Any] | None,
        embedder: Embedder | None,
    ) -> None:
        if shots < 0:
            raise ConfigError(f"shots is {shots}", fix="it must be 0 or more")
        self._task, self._lm, self._embedder = task, lm, embedder
        self.count = shots
        self.given: DemonstrationSelector | None = None
        self.strategy = ""
        self._options = dict(options or {})
        if isinstance(demonstrations, str):
            self.strategy = demonstrations
            check_selector(demonstrations, embedder=embedder, **self._options)
            self._check_space(demonstrations, needs(demonstrations))
        elif isinstance(demonstrations, DemonstrationSelector):
            self.given = demonstrations
            self._check_space(type(demonstrations).__name__, demonstrations.requires)
            check_says_its_cost(demonstrations)
        else:
            self.given = Fixed(demonstrations)
            self.count = len(demonstrations)

    def _check_space(self, name: str, required: Sequence[str]) -> None:
        instead = "use random, balanced or similar ones"
        if "scorer" in required:
            refuse_unless(self._task, ("single",), f"the demonstrations {name}", instead)
        for option in _BY_LABEL:
            if self._options.get(option):
                refuse_unless(self._task, ("single",), f"the option {option}", "leave it out")

    @property
    def read_the_pool(self) -> bool:
        """Whether they are chosen by what they do to texts of the pool."""
        return self.count > 0 and self.strategy == "informative"

    def usable(self, context: Context) -> list[Item]:
        """Items that may be shown: those whose answer is one of the task."""
        space = self._task.space
        return [item for item in context.demonstrations if space.holds(item.gold)]

    def in_round(self, context: Context) -> int:
        """How many there are in a round: in a forecast no more than there are labels."""
        if context.foreseen and not isinstance(self.given, Fixed):
            return min(self.count, len(self.usable(context)))
        return self.count

    def selector(self, context: Context, scorer: PromptScorer) -> DemonstrationSelector | None:
        """What chooses them in a round."""
        if self.given is not None or not self.count:
            return self.given
        options = self._options
        if self.strategy == "informative":
            options = {"pool": context.unlabelled, **options}
        return make_selector(self.strategy, scorer=scorer, embedder=self._embedder, **options)
