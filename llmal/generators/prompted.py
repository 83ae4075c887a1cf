"""What all generators share that have a language model write: prompts, plans, costs, items."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import BatchPlan
from llmal.core.records import Item, SyntheticItem, Usage
from llmal.errors import ConfigError, ContextLengthError, DataError, UnsupportedError
from llmal.generators.answers import answer_of, label_of, takes_one
from llmal.generators.decks import deal, rng_of, seed_of
from llmal.generators.draws import Draw, GenerationPrompt, Preparation
from llmal.generators.items import synthetic_item, with_distinct_ids
from llmal.generators.protocol import Need, Request
from llmal.generators.structure import Structure, make_structure
from llmal.lm.protocol import Completion, LanguageModel, Prompt, Sampling
from llmal.lm.requests import Written, plan_writing
from llmal.prompting.templates import PromptTemplate, Style, load_prompt, without_special_tokens
from llmal.task import Task
from llmal.task.spaces import SpaceKind, refuse_unless

log = logging.getLogger("llmal.generators")

AT_ONCE = 64
"""Prompts in one call where each is another; a server works on as many side by side."""
_TOKENS_PER_WORD = 4
"""Room for scripts that a tokenizer cuts finely; English takes about 1.3."""
_TOKENS_OF_STRUCTURE = 16


@dataclass(eq=False)
class PromptedGenerator(ABC):
    """Has a language model write items, one an answer, held to a structure by a grammar (outlines).

    A kind says what its prompts are filled with (`draws`); how often, with which seeds, whether it
    fits, what it costs and what becomes of the answers is said here.

    Args:
        task: The task.
        lm: The model.
        prompt: Name of a prompt of llmal, path of a YAML file, or a `PromptTemplate`.
        name: Who is recorded as the generator.
        style: "chat", "completion", or "auto": chat where both model and prompt can.
        structure: "json", an object with a string for each text column, for models that were tuned
            to follow instructions; "line", the bare text on one line, for small and base models.
        shots: Demonstrations of the label in each prompt, as far as the request has them.
        others: Demonstrations of other labels in each prompt, for contrast.
        per_prompt: Answers to one prompt before the next is made.
        temperature: Of the sampling; at 0 all answers to a prompt are alike.
        top_p: Nucleus size.
        min_words: Said to the model; what keeps to it is for a filter to see.
        max_words: Likewise; sets `max_tokens` where that is not given.
        max_tokens: Most tokens of an answer. What is cut off by it is refused.

    Raises:
        ConfigError: A parameter is out of range, or the prompt or the structure does not fit.
        UnsupportedError: A hosted chat model is to write lines; those write JSON only.
    """

    task: Task
    lm: LanguageModel
    _: KW_ONLY
    prompt: str | Path | PromptTemplate
    name: str
    style: str = "auto"
    structure: str = "json"
    shots: int = 3
    others: int = 0
    per_prompt: int = 16
    temperature: float = 1.0
    top_p: float = 0.95
    min_words: int = 3
    max_words: int = 60
    max_tokens: int = None  # type: ignore[assignment]  # a number once it is made

    spaces: ClassVar[tuple[SpaceKind, ...]] = ("single",)
    """The kinds of answers that it writes items of."""

    def __post_init__(self) -> None:
        refuse_unless(self.task, self.spaces, f"the generator {self.name}")
        for what, value, least in (
            ("shots", self.shots, 0),
            ("others", self.others, 0),
            ("per_prompt", self.per_prompt, 1),
            ("temperature", self.temperature, 0),
            ("min_words", self.min_words, 1),
            ("max_words", self.max_words, self.min_words),
            ("max_tokens", 1 if self.max_tokens is None else self.max_tokens, 1),
        ):
            if value < least:
                raise ConfigError(f"{what} is {value}", fix=f"it must be at least {least}")
        if not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p is {self.top_p}", fix="it must be above 0 and at most 1")
        self.template = load_prompt(self.prompt)
        self._style = _style(self.style, self.template, self.lm)
        self.style = self._style
        self._structure = self._make_structure()
        if self._structure.name == "line" and not self.lm.exact:
            raise UnsupportedError(
                f"the model {self.lm.fingerprint} shows no tokens and cannot be held to a line",
                fix="use the structure 'json', or a vLLM or transformers backend",
            )
        self.max_tokens = self.max_tokens or (
            _TOKENS_PER_WORD * self.max_words + _TOKENS_OF_STRUCTURE * len(self.task.text)
        )
        self._sampling = Sampling(
            temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens
        )

    @property
    def requires(self) -> tuple[Need, ...]:
        """Attributes of a request that must be filled."""
        return ()

    @property
    def prompts_at_once(self) -> int:
        """Prompts that the model is asked in one call, with one seed; no two of them are equal."""
        return 1

    # What a kind says

    @abstractmethod
    def draws(self, request: Request, words: Sequence[str]) -> Iterator[Draw]:
        """What prompt after prompt is filled with, without end; by the request alone.

        Args:
            request: What is to be written. Where it is standing in, the dearest draws.
            words: What the preparation brought; none without one.
        """

    def preparation(self, request: Request) -> Preparation | None:
        """What the model is asked before, if it is asked anything."""
        return None

    def read(self, answer: str, draw: Draw) -> tuple[str, ...]:
        """The text columns of an answer.

        Raises:
            DataError: It is of no use; the sentence is why the item is refused.
        """
        return self._structure.read(answer)

    def _make_structure(self) -> Structure:
        return make_structure(self.structure, self.task)

    # What is asked

    def build(self, request: Request, k: int) -> list[GenerationPrompt]:
        """The prompts for k items. The same request gives the same prompts and seeds.

        Demonstrations that do not fit into the model's context beside the answer are left out,
        those of other labels first.

        Raises:
            ConfigError: k is below one.
            ContextLengthError: The prompt does not fit even without demonstrations.
            DataError: The task has no such label, or a demonstration has none.
        """
        built, dropped = self._built(request, k, ())
        self._tell(dropped, built)
        return built

    def _tell(self, dropped: int, built: Sequence[GenerationPrompt]) -> None:
        if dropped:
            log.warning(
                "%d demonstration(s) were left out of %d generation prompt(s) for want of context",
                dropped,
                len(built),
            )

    def _built(
        self, request: Request, k: int, words: Sequence[str]
    ) -> tuple[list[GenerationPrompt], int]:
        """The prompts, and how many demonstrations did not fit into them."""
        self._check(request, k)
        draws = self.draws(request, words)
        built: list[GenerationPrompt] = []
        dropped = 0
        seed, together = 0, 0
        for number, start in enumerate(range(0, k, self.per_prompt)):
            draw = next(draws)
            prompt, shown = self._fitted(request, draw)
            dropped += len(draw.demonstrations) - len(shown)
            answers = min(self.per_prompt, k - start)
            before = built[number - together :]
            # The same prompt and seed would give the same text.
            alone = any(one.prompt == prompt or one.answers != answers for one in before)
            if together == self.prompts_at_once or alone or not together:
                seed, together = seed_of(request, str(number)), 0
            together += 1
            ids = tuple(item.id for item in shown)
            built.append(GenerationPrompt(prompt, ids, answers, seed, draw))
        return built, dropped

    def _check(self, request: Request, k: int) -> None:
        if k < 1:
            raise ConfigError(f"{k} items were asked for", fix="ask for at least one")
        answer_of(self.task, request.label)

    # What it costs

    def plan(self, request: Request, k: int) -> BatchPlan[list[SyntheticItem]]:
        """Plan to write k texts of the request's label: the very prompts, answers of full length.

        Raises:
            ConfigError: k is below one.
            ContextLengthError: The prompt does not fit even without demonstrations.
            DataError: The task has no such label, or a demonstration has none.
        """
        self._check(request, k)
        before = self.preparation(request)
        if before is None:
            return self._plan(request, k, (), first=lambda count: self.plan(request, count))
        asking = before.plan
        most = self._plan(before.request, k, before.stand_in, longer=before.tokens)

        def write() -> list[SyntheticItem]:
            words, cost = asking.execute()
            items = self._plan(request, k, words).execute()
            return [replace(items[0], usage=items[0].usage + cost), *items[1:]]

        return BatchPlan(
            write,
            each=lambda: most.each,
            first=lambda count: self.plan(request, count),
            prompts=lambda: asking.prompts,
            once=lambda: asking.highest,
        )

    def _plan(
        self,
        request: Request,
        k: int,
        words: Sequence[str],
        *,
        longer: int = 0,
        first: Any = None,
    ) -> BatchPlan[list[SyntheticItem]]:
        built, dropped = self._built(request, k, words)
        groups = [list(group) for _, group in groupby(built, key=lambda one: one.seed)]
        writings = [self._writing(group) for group in groups]

        def each() -> list[Usage]:
            costs: list[Usage] = []
            highest = (cost for writing in writings for cost in writing.each)
            for one, whole in zip(built, highest, strict=True):
                if dropped and request.standing_in:
                    whole = self._filling_context(whole)
                read = whole.prompt_tokens + longer * whole.requests
                costs.append(self._share(whole.requests, read))
                costs += [self._share(0, 0)] * (one.answers - 1)
            return costs

        def write() -> list[SyntheticItem]:
            self._tell(dropped, built)
            answers = (one for writing in writings for one in self._written(writing))
            pairs = zip(built, answers, strict=True)
            items = [item for one, written in pairs for item in self._items(request, one, written)]
            return with_distinct_ids(items)

        return BatchPlan(
            write,
            each=each,
            first=first or (lambda count: self._plan(request, count, words)),
            prompts=lambda: [one.prompt for one in built],
        )

    def _share(self, requests: int, read: int, written: int | None = None) -> Usage:
        count = self._sampling.max_tokens if written is None else written
        return Usage(requests, read, count, money=self.lm.price.of(read, count))

    def _filling_context(self, cost: Usage) -> Usage:
        """The cost of a prompt that has no room for one of its demonstrations: others may fit."""
        room = self.lm.context_length or 0
        most = max(cost.prompt_tokens, cost.requests * (room - self._sampling.max_tokens))
        return replace(cost, prompt_tokens=most)

    # What comes of it

    def generate(self, request: Request, k: int) -> list[SyntheticItem]:
        """Write k texts of the request's label.

        An answer that was cut off, does not have the structure or is empty comes back refused,
        with what was written as its text. The first item of each prompt carries what the prompt
        cost; each carries what its answer cost.

        Raises:
            ConfigError: k is below one.
            ContextLengthError: The prompt does not fit even without demonstrations.
            DataError: The task has no such label, or a demonstration has none.
            LanguageModelError: The model failed.
            UnsupportedError: The model cannot be held to the structure.
        """
        return self.plan(request, k).execute()

    def _items(
        self, request: Request, one: GenerationPrompt, written: Written
    ) -> list[SyntheticItem]:
        cost = written.usage
        seconds = Usage(seconds=cost.seconds / len(written.answers))
        items = []
        for place, answer in enumerate(written.answers):
            provenance = {
                "model": self.lm.fingerprint,
                "prompt": self.template.key,
                "style": self.style,
                "structure": self._structure.name,
                "temperature": self._sampling.temperature,
                "top_p": self._sampling.top_p,
                "demonstrations": list(one.demonstrations),
                "seed": one.seed,
                "answer": place,
                **one.draw.recorded,
            }
            if one.draw.sources:
                provenance["sources"] = [source.id for source in one.draw.sources]
            read = (cost.requests, cost.prompt_tokens) if place == 0 else (0, 0)
            usage = self._share(*read, answer.completion_tokens) + seconds
            items.append(self._item(request.label, answer, one.draw, provenance, usage))
        return items

    def _item(
        self,
        label: str,
        answer: Completion,
        draw: Draw,
        provenance: dict[str, Any],
        usage: Usage,
    ) -> SyntheticItem:
        text, reason = answer.text.strip(), None
        if not answer.finished:
            reason = f"cut off after {answer.completion_tokens} tokens"
        else:
            try:
                fields = self.read(answer.text, draw)
            except DataError as error:
                reason = error.what
            else:
                text = "\n".join(fields)
                if len(fields) > 1:
                    provenance["fields"] = dict(zip(self.task.text, fields, strict=True))
                if not all(fields):
                    reason = "the text is empty"
        return synthetic_item(
            text, label, self.name, reason=reason, usage=usage, provenance=provenance
        )

    # Demonstrations

    def hands(self, request: Request) -> Iterator[list[Item]]:
        """Demonstrations for prompt after prompt: those of other labels first, then the label's.

        The same few demonstrations in every prompt make a model write the same few texts, so they
        are drawn anew for each, from a shuffled deck that is used up before any comes again.

        Raises:
            DataError: A demonstration has no label, or one that the task lacks.
        """
        own, other = self.divided(request)
        rng = rng_of(request, "demonstrations")
        if request.standing_in:
            own = self._longest(request, own, self.shots)
            other = self._longest(request, other, self.others)
        own_deck, other_deck = deal(own, self.shots, rng), deal(other, self.others, rng)
        while True:
            yield next(other_deck) + next(own_deck)

    def divided(self, request: Request) -> tuple[list[Item], list[Item]]:
        """The demonstrations of the request's label, and those of others.

        Raises:
            DataError: A demonstration has no label, or one that the task lacks.
        """
        own: list[Item] = []
        other: list[Item] = []
        for item in request.demonstrations:
            label = label_of(self.task, item, "demonstration")
            (own if label == request.label else other).append(item)
        return own, other

    def _longest(self, request: Request, items: Sequence[Item], count: int) -> list[Item]:
        """The items that take the most tokens as demonstrations."""
        if not items or not count:
            return []
        lengths = self.count_tokens([f"{self._word_of(one)} {self.write(one)}" for one in items])
        return [items[place] for place in np.argsort(-lengths, kind="stable")[:count].tolist()]

    # Prompts

    def word(self, label: str) -> str:
        """What a label is called in prompts; of several each."""
        names = self.task.space.names_in(answer_of(self.task, label))
        words = [self.task.labels[self.task.index(name)].verbalizers[0] for name in names]
        return " and ".join(words) or "none of them"

    def _word_of(self, item: Item) -> str:
        return self.word(label_of(self.task, item, "demonstration"))

    def write(self, item: Item) -> str:
        """An item in the shape that an answer has; on one line, whatever its text."""
        special = self.lm.special_tokens
        clean = replace(
            item,
            text=without_special_tokens(item.text, special),
            fields={k: without_special_tokens(v, special) for k, v in item.fields.items()},
        )
        return self._structure.write(clean)

    def count_tokens(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Tokens of each text, shape (n,)."""
        return self.lm.count_tokens(list(texts))

    def _fitted(self, request: Request, draw: Draw) -> tuple[Prompt, Sequence[Item]]:
        room = self.lm.context_length
        for left_out in range(len(draw.demonstrations) + 1):
            shown = draw.demonstrations[left_out:]
            prompt = self.render(request.label, replace(draw, demonstrations=shown))
            if room is None:
                break
            length = int(self.lm.count_tokens([prompt])[0])
            if length + self._sampling.max_tokens <= room:
                break
        else:
            raise ContextLengthError(
                f"the generation prompt of task {self.task.name!r} ({length} tokens) and an answer "
                f"of {self._sampling.max_tokens} do not fit into the model's context of {room}",
                fix="lower max_words or max_tokens, or shorten the guidelines",
            )
        return prompt, shown

    def render(self, label: str, draw: Draw) -> Prompt:
        """The prompt of a draw."""
        return self.template.render(
            self._style,
            task=self.task,
            word=self.word(label),
            several=not takes_one(self.task),
            structure=self._structure.name,
            keys=list(self._structure.keys),
            min_words=self.min_words,
            max_words=self.max_words,
            demonstrations=[
                {"word": self._word_of(item), "answer": self.write(item)}
                for item in draw.demonstrations
            ],
            **draw.values,
        )

    def _writing(self, group: Sequence[GenerationPrompt]) -> BatchPlan[list[Written]]:
        return plan_writing(
            self.lm,
            [one.prompt for one in group],
            format=self._structure.format,
            n=group[0].answers,
            sampling=replace(self._sampling, seed=group[0].seed),
        )

    def _written(self, writing: BatchPlan[list[Written]]) -> list[Written]:
        try:
            return writing.execute()
        except NotImplementedError as error:
            raise UnsupportedError(
                f"the model {self.lm.fingerprint} cannot be held to the structure "
                f"{self._structure.name!r}",
                fix="use a model with structured output, or a vLLM or transformers backend",
            ) from error


def _style(style: str, template: PromptTemplate, lm: LanguageModel) -> Style:
    if style == "auto":
        return "chat" if lm.chat and "chat" in template.styles else "completion"
    if style == "chat":
        return "chat"
    if style == "completion":
        return "completion"
    raise ConfigError(f"there is no prompt style {style!r}", fix="use auto, chat or completion")
