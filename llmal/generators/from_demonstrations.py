"""New items in the manner of demonstrations that a strategy chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from llmal.core.plans import Plan
from llmal.core.records import Item, Usage
from llmal.demonstrations.choosing import choose_for
from llmal.demonstrations.making import make_selector
from llmal.demonstrations.protocol import AskingSelector, DemonstrationSelector
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError
from llmal.generators.class_conditional import ClassConditional
from llmal.generators.decks import deal, rng_of
from llmal.generators.draws import Draw, Preparation
from llmal.generators.protocol import Need, Request
from llmal.generators.sources import raise_if_lacking
from llmal.prompting.labelling import LabellingPrompts
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.templates import load_prompt
from llmal.task.spaces import SpaceKind


@dataclass(eq=False, kw_only=True)
class FromDemonstrations(ClassConditional):
    """Writes as `ClassConditional` does, in the manner of demonstrations that a strategy chooses.

    A strategy that chooses one set for all queries chooses `keep` items of the label, which are
    then dealt to the prompts. One that chooses for each query (similar) is given item after item of
    the label as the query, and each prompt shows such an item and those that are chosen for it.

    Args:
        strategy: A name of `llmal.demonstrations`, a mapping of a name and options, or an object.
        keep: Most items that are chosen.
        embedder: For strategies that compare texts.

    Other parameters are those of `ClassConditional`.

    Raises:
        ConfigError: As for `ClassConditional`; or the strategy cannot be made.
    """

    spaces: ClassVar[tuple[SpaceKind, ...]] = ("single",)

    name: str = "from_demonstrations"
    strategy: str | Mapping[str, Any] | DemonstrationSelector = "random"
    keep: int = 24
    embedder: Embedder | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        for what, value in (("keep", self.keep), ("shots", self.shots)):
            if value < 1:
                raise ConfigError(f"{what} is {value}", fix="it must be at least 1")
        self._selector = self._made()

    @property
    def requires(self) -> tuple[Need, ...]:
        """Demonstrations."""
        return ("demonstrations",)

    def lacks(self, request: Request) -> str | None:
        """Why nothing can be written, or None."""
        self.task.index(request.label)
        if self.divided(request)[0]:
            return None
        return (
            f"{self.name} goes by labelled items, and none has the label {request.label!r}"
            if request.demonstrations
            else f"{self.name} goes by labelled items, and there are none"
        )

    def preparation(self, request: Request) -> Preparation | None:
        """The choice, where the strategy asks the language model."""
        raise_if_lacking(self.lacks(request))
        selector = self._selector
        if not isinstance(selector, AskingSelector):
            return None
        own, _ = self.divided(request)
        choice = selector.plan_choice(own, self.keep, rng_of(request, "choice"))

        def choose() -> tuple[Sequence[str], Usage]:
            spent = selector.scorer.spent
            ids = [one.id for one in choice.execute()]
            return ids, selector.scorer.spent - spent

        asking = Plan(choose, highest=lambda: choice.highest, prompts=lambda: choice.prompts)
        return Preparation(asking, (), 0, replace(request, standing_in=True))

    def draws(self, request: Request, words: Sequence[str]) -> Iterator[Draw]:
        """Of what was chosen from a deck, or each with what was chosen for it."""
        own, other = self.divided(request)
        if words:
            own = [one for one in own if one.id in words]
        elif not request.standing_in and not self._selector.per_query:
            own = self._selector.choose(own, self.keep, rng_of(request, "choice"))
        return super().draws(replace(request, demonstrations=(*own, *other)), ())

    def hands(self, request: Request) -> Iterator[list[Item]]:
        """Demonstrations for prompt after prompt: those of other labels first, then the label's."""
        if request.standing_in or not self._selector.per_query:
            yield from super().hands(request)
        own, other = self.divided(request)
        rng = rng_of(request, "choice")
        found = choose_for(self._selector, own, self.shots - 1, rng, own)
        near = {one.id: shown for one, shown in zip(own, found, strict=True)}
        others = deal(other, self.others, rng)
        for (query,) in deal(own, 1, rng):
            yield [*next(others), *near[query.id][::-1], query]

    def _made(self) -> DemonstrationSelector:
        said = self.strategy
        if isinstance(said, DemonstrationSelector):
            return said
        options = {"name": said} if isinstance(said, str) else dict(said)
        name = options.pop("name", None)
        if not isinstance(name, str):
            raise ConfigError(f"strategy is {said!r}", fix="give a name, or a mapping with one")
        prompts = LabellingPrompts(self.task, load_prompt("label"), self.lm, self.style)
        return make_selector(name, scorer=PromptScorer(prompts), embedder=self.embedder, **options)
