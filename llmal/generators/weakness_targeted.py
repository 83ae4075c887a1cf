"""New items like those that the learner gets wrong, by weaknesses that the model names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import Plan
from llmal.core.records import Item, Usage
from llmal.embed.clustering import k_means
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError, ContextLengthError
from llmal.generators.decks import Rotation, deal, rng_of, seed_of
from llmal.generators.draws import Draw, Preparation
from llmal.generators.learner_answers import LearnerAnswers
from llmal.generators.phrases import NOT_KNOWN, Phrases
from llmal.generators.prompted import AT_ONCE, PromptedGenerator, log
from llmal.generators.protocol import Need, Request
from llmal.generators.sources import raise_if_lacking
from llmal.lm.protocol import Prompt
from llmal.prompting.templates import PromptTemplate, load_prompt


@dataclass(frozen=True)
class _Group:
    """Items of a label that the learner gets wrong, the most typical first.

    Attributes:
        items: The items.
        taken_for: Labels that they are taken for, in the order of the task.
    """

    items: Sequence[Item]
    taken_for: Sequence[str]


@dataclass(eq=False, kw_only=True)
class WeaknessTargeted(PromptedGenerator):
    """Writes items like those of a label that the learner gets wrong.

    Its mistakes are put into groups: clusters of their embeddings, or, without an embedder, those
    that are taken for the same label. The model is shown some of each group and says in a few words
    what they have in common, the weakness. Prompts then show items of a group and its weakness;
    each group has its turn as often as it has mistakes. The weakness is in the provenance, with the
    labels that its items are taken for, and the ids of those that it was named after.

    Args:
        embedder: Makes what is clustered.
        groups: Most groups of a label; with an embedder no more than one for each `shown` mistakes.
        shown: Mistakes of a group that the model is shown to name it: those nearest to its centre,
            or without an embedder those of the highest loss.
        naming_prompt: The prompt for a name.
        naming_tokens: Most tokens of a name.

    Other parameters are those of `PromptedGenerator`.

    Raises:
        ConfigError: As for `PromptedGenerator`; or `groups`, `shown` or `naming_tokens` is below
            one.
    """

    prompt: str | Path | PromptTemplate = "generate/weakness_targeted"
    name: str = "weakness_targeted"
    per_prompt: int = 1
    others: int = field(default=0, init=False)
    embedder: Embedder | None = field(default=None, repr=False)
    groups: int = 3
    shown: int = 5
    naming_prompt: str | Path | PromptTemplate = "generate/weakness"
    naming_tokens: int = 24

    def __post_init__(self) -> None:
        super().__post_init__()
        for what, value in (
            ("groups", self.groups),
            ("shown", self.shown),
            ("naming_tokens", self.naming_tokens),
        ):
            if value < 1:
                raise ConfigError(f"{what} is {value}", fix="it must be at least 1")
        template = load_prompt(self.naming_prompt)
        self._phrases = Phrases(self.lm, template, self._style, self.naming_tokens, 0.0, 1.0)
        self._known: tuple[LearnerAnswers, dict[str, list[_Group]]] | None = None

    @property
    def requires(self) -> tuple[Need, ...]:
        """A learner."""
        return ("learner",)

    @property
    def prompts_at_once(self) -> int:
        """Prompts that the model is asked in one call."""
        return AT_ONCE

    def lacks(self, request: Request) -> str | None:
        """Why nothing can be written, or None."""
        self.task.index(request.label)
        if request.standing_in:
            if self.divided(request)[0]:
                return None
            return f"{self.name} goes by labelled items, and none has the label {request.label!r}"
        if request.learner is None:
            return f"{self.name} goes by what a learner gets wrong, and there is none"
        if self._groups(request):
            return None
        return f"{self.name}: the learner gets no item of the label {request.label!r} wrong"

    def preparation(self, request: Request) -> Preparation:
        """The names of the weaknesses."""
        raise_if_lacking(self.lacks(request))
        asked = [self._naming(request, one) for one in self._groups(request)]
        asking = self._phrases.plan([one for one, _ in asked], 1, seed_of(request, "weaknesses"))

        def name(named: tuple[list[list[str]], Usage]) -> tuple[Sequence[str], Usage]:
            phrases, cost = named
            names = [one for (one,) in phrases]
            if not all(names):
                log.warning(
                    "the model named %d of %d weaknesses of the label %r",
                    sum(map(bool, names)),
                    len(names),
                    request.label,
                )
            return names, cost

        def highest() -> Usage:
            cost = asking.highest
            if not request.standing_in or not any(dropped for _, dropped in asked):
                return cost
            # A prompt that has no room for all of the longest: others may fill it.
            room = (self.lm.context_length or 0) - self.naming_tokens
            read = max(cost.prompt_tokens, cost.requests * room)
            money = self.lm.price.of(read, cost.completion_tokens)
            return replace(cost, prompt_tokens=read, money=money)

        plan = Plan(lambda: name(asking.execute()), highest=highest, prompts=lambda: asking.prompts)
        return Preparation(plan, [NOT_KNOWN] * len(asked), self._phrases.longest, request)

    def draws(self, request: Request, words: Sequence[str]) -> Iterator[Draw]:
        """A group of mistakes, its name, and items of it."""
        raise_if_lacking(self.lacks(request))
        groups = self._groups(request)
        names = list(words) or [""] * len(groups)
        rngs = rng_of(request, "mistakes").spawn(len(groups))
        most = self.shots if request.standing_in else None
        decks = [
            deal(one.items[:most], self.shots, rng) for one, rng in zip(groups, rngs, strict=True)
        ]
        sizes = {str(place): float(len(one.items)) for place, one in enumerate(groups)}
        turns = Rotation(sizes, rng_of(request, "turns"))
        while True:
            place = int(turns.draw())
            taken_for = groups[place].taken_for
            yield Draw(
                next(decks[place]),
                values={
                    "weakness": names[place],
                    "taken_for": [self.word(label) for label in taken_for],
                },
                recorded={
                    "weakness": names[place],
                    "taken_for": list(taken_for),
                    "named_after": [one.id for one in groups[place].items[: self.shown]],
                },
            )

    # Groups

    def _groups(self, request: Request) -> list[_Group]:
        """The groups of the label's mistakes, the largest first; in a forecast the dearest."""
        if request.standing_in:
            longest = self._longest(request, self.divided(request)[0], max(self.shots, self.shown))
            others = [name for name in self.task.names if name != request.label]
            return [_Group(longest, others)] * self.groups
        assert request.learner is not None
        if self._known is None or self._known[0] is not request.learner:
            self._known = (request.learner, {})
        found = self._known[1]
        if request.label not in found:
            found[request.label] = self._grouped(request.learner, request.label)
        return found[request.label]

    def _grouped(self, answers: LearnerAnswers, label: str) -> list[_Group]:
        truths, given = answers.truths(self.task), answers.probabilities.argmax(axis=1)
        wrong = np.flatnonzero((truths == self.task.index(label)) & (given != truths))
        if not len(wrong):
            return []
        # The hardest first, or the nearest to the centre of their cluster.
        cost = -answers.difficulty(self.task, "loss")[wrong]
        of: NDArray[np.int64] = given[wrong]
        if self.embedder is not None:
            vectors = self.embedder.embed([answers.items[row].text for row in wrong.tolist()])
            count = min(self.groups, math.ceil(len(wrong) / self.shown))
            rng = rng_of(Request(label), "weaknesses")
            clusters = k_means(vectors, np.arange(len(wrong)), count, rng)
            of, cost = clusters.of, clusters.squared.astype(np.float64)
        order = np.argsort(cost, kind="stable")
        rows = [order[of[order] == one] for one in np.unique(of)]
        rows.sort(key=len, reverse=True)
        return [
            _Group(
                [answers.items[row] for row in wrong[members].tolist()],
                [self.task.names[column] for column in np.unique(given[wrong[members]]).tolist()],
            )
            for members in rows[: self.groups]
        ]

    def _naming(self, request: Request, group: _Group) -> tuple[Prompt, bool]:
        """The prompt for a group's name, and whether there was no room for all that is shown.

        Raises:
            ContextLengthError: There is room for none.
        """
        room = self.lm.context_length
        shown = [self.write(one) for one in group.items[: self.shown]]
        for count in range(len(shown), 0, -1):
            prompt = self._phrases.template.render(
                self._style,
                task=self.task,
                word=self.word(request.label),
                taken_for=[self.word(label) for label in group.taken_for],
                mistakes=shown[:count],
            )
            if room is None:
                break
            length = int(self.lm.count_tokens([prompt])[0])
            if length + self.naming_tokens <= room:
                break
        else:
            raise ContextLengthError(
                f"the prompt of task {self.task.name!r} that asks for the name of a weakness "
                f"({length} tokens) does not fit into the model's context of {room}",
                fix="shorten the guidelines, or leave long items out",
            )
        return prompt, count < len(shown)
