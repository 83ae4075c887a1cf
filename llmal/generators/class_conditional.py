"""New items of a given label, written by a language model."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from llmal.core.fingerprint import digest, fingerprint
from llmal.core.plans import BatchPlan
from llmal.core.records import Item, SyntheticItem, Usage, one_label
from llmal.errors import ConfigError, ContextLengthError, DataError, UnsupportedError
from llmal.generators.protocol import Request
from llmal.generators.structure import make_structure
from llmal.lm.protocol import Completion, LanguageModel, Prompt, Sampling
from llmal.lm.requests import Written, plan_writing
from llmal.prompting.templates import PromptTemplate, Style, load_prompt, without_special_tokens
from llmal.task import Task
from llmal.task.spaces import refuse_unless

log = logging.getLogger("llmal.generators")

_TOKENS_PER_WORD = 4
"""Room for scripts that a tokenizer cuts finely; English takes about 1.3."""
_TOKENS_OF_STRUCTURE = 16


@dataclass(frozen=True)
class GenerationPrompt:
    """One prompt, and the answers that are to be drawn from it.

    Attributes:
        prompt: For the language model.
        demonstrations: Ids of the demonstrations that are in it, in their order.
        answers: How many texts it is asked for.
        seed: Of the sampling.
    """

    prompt: Prompt
    demonstrations: tuple[str, ...]
    answers: int
    seed: int


class ClassConditional:
    """Writes new items of a label from the task, its guidelines and demonstrations.

    The model writes one text an answer, held to a structure by a grammar (outlines). The same few
    demonstrations in every prompt make a model write the same few texts, so they are drawn anew
    every `per_prompt` answers, from a shuffled deck that is used up before any comes again.

    Args:
        task: The task.
        lm: The model.
        prompt: Name of a prompt of llmal, path of a YAML file, or a `PromptTemplate`.
        style: "chat", "completion", or "auto": chat where both model and prompt can.
        structure: "json", an object with a string for each text column, for models that were tuned
            to follow instructions; "line", the bare text on one line, for small and base models.
        shots: Demonstrations of the label in each prompt, as far as the request has them.
        others: Demonstrations of other labels in each prompt, for contrast.
        per_prompt: Answers to one prompt before the demonstrations are drawn anew. These are
            also what the model is asked for at once.
        temperature: Of the sampling; at 0 all answers to a prompt are alike.
        top_p: Nucleus size.
        min_words: Said to the model; what keeps to it is for a filter to see.
        max_words: Likewise; sets `max_tokens` where that is not given.
        max_tokens: Most tokens of an answer. What is cut off by it is refused.
        name: Who is recorded as the generator.

    Raises:
        ConfigError: A parameter is out of range, or the prompt or the structure does not fit.
        UnsupportedError: A hosted chat model is to write lines; those write JSON only.
    """

    def __init__(
        self,
        task: Task,
        lm: LanguageModel,
        *,
        prompt: str | Path | PromptTemplate = "generate",
        style: str = "auto",
        structure: str = "json",
        shots: int = 3,
        others: int = 0,
        per_prompt: int = 16,
        temperature: float = 1.0,
        top_p: float = 0.95,
        min_words: int = 3,
        max_words: int = 60,
        max_tokens: int | None = None,
        name: str = "class_conditional",
    ) -> None:
        refuse_unless(task, ("single",), "the generator class_conditional")
        for what, value, least in (
            ("shots", shots, 0),
            ("others", others, 0),
            ("per_prompt", per_prompt, 1),
            ("temperature", temperature, 0),
            ("min_words", min_words, 1),
            ("max_words", max_words, min_words),
            ("max_tokens", 1 if max_tokens is None else max_tokens, 1),
        ):
            if value < least:
                raise ConfigError(f"{what} is {value}", fix=f"it must be at least {least}")
        if not 0 < top_p <= 1:
            raise ConfigError(f"top_p is {top_p}", fix="it must be above 0 and at most 1")
        self.task = task
        self.lm = lm
        self.name = name
        self.template = load_prompt(prompt)
        self.style = _style(style, self.template, lm)
        self.shots = shots
        self.others = others
        self.per_prompt = per_prompt
        self.min_words = min_words
        self.max_words = max_words
        self._structure = make_structure(structure, task)
        if structure == "line" and not lm.exact:
            raise UnsupportedError(
                f"the model {lm.fingerprint} shows no tokens and cannot be held to a line",
                fix="use the structure 'json', or a vLLM or transformers backend",
            )
        self._sampling = Sampling(
            temperature=temperature,
            top_p=top_p,
            max_tokens=max_tokens
            or _TOKENS_PER_WORD * max_words + _TOKENS_OF_STRUCTURE * len(task.text),
        )

    @property
    def max_tokens(self) -> int:
        """Most tokens of an answer."""
        return self._sampling.max_tokens

    def build(self, request: Request, k: int) -> list[GenerationPrompt]:
        """The prompts for k items. The same request gives the same prompts and seeds.

        Demonstrations that do not fit into the model's context beside the answer are left out,
        those of other labels first.

        Raises:
            ConfigError: k is below one.
            ContextLengthError: The prompt does not fit even without demonstrations.
            DataError: The task has no such label, or a demonstration has none.
        """
        if k < 1:
            raise ConfigError(f"{k} items were asked for", fix="ask for at least one")
        built, dropped = self._built(request, k)
        if dropped:
            log.warning(
                "%d demonstration(s) were left out of %d generation prompt(s) for want of context",
                dropped,
                len(built),
            )
        return built

    def _built(self, request: Request, k: int) -> tuple[list[GenerationPrompt], int]:
        """The prompts, and how many demonstrations did not fit into them."""
        column = self.task.index(request.label)
        own, other = self._divided(request)
        word = self.task.labels[column].verbalizers[0]
        rng = np.random.default_rng(_seed(request, "demonstrations"))
        if request.standing_in:
            own = self._longest(word, own, self.shots)
            other = self._longest(word, other, self.others)
        own_deck, other_deck = _deck(own, self.shots, rng), _deck(other, self.others, rng)
        built: list[GenerationPrompt] = []
        dropped = 0
        for number, start in enumerate(range(0, k, self.per_prompt)):
            drawn = next(other_deck) + next(own_deck)
            prompt, shown = self._fitted(word, drawn)
            dropped += len(drawn) - len(shown)
            built.append(
                GenerationPrompt(
                    prompt,
                    tuple(item.id for item in shown),
                    answers=min(self.per_prompt, k - start),
                    seed=_seed(request, str(number)),
                )
            )
        return built, dropped

    def _longest(self, word: str, items: Sequence[Item], count: int) -> list[Item]:
        """The items that take the most tokens as demonstrations."""
        if not items or not count:
            return []
        lengths = self.lm.count_tokens([self._render(word, [one]) for one in items])
        return [items[place] for place in np.argsort(-lengths, kind="stable")[:count].tolist()]

    def plan(self, request: Request, k: int) -> BatchPlan[list[SyntheticItem]]:
        """Plan to write k texts of the request's label: the very prompts, answers of full length.

        Raises:
            ConfigError: k is below one.
            ContextLengthError: The prompt does not fit even without demonstrations.
            DataError: The task has no such label, or a demonstration has none.
        """
        if k < 1:
            raise ConfigError(f"{k} items were asked for", fix="ask for at least one")
        built, dropped = self._built(request, k)
        writings = [self._writing(one) for one in built]

        def each() -> list[Usage]:
            costs: list[Usage] = []
            for one, writing in zip(built, writings, strict=True):
                whole = writing.highest
                if dropped and request.standing_in:
                    whole = self._filling_context(whole)
                costs.append(self._share(whole.requests, whole.prompt_tokens))
                costs += [self._share(0, 0)] * (one.answers - 1)
            return costs

        def write() -> list[SyntheticItem]:
            if dropped:
                self.build(request, k)  # Says so.
            pairs = zip(built, writings, strict=True)
            items = [item for one, writing in pairs for item in self._items(request, one, writing)]
            return _with_distinct_ids(items)

        return BatchPlan(
            write,
            each=each,
            first=lambda count: self.plan(request, count),
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
        self, request: Request, one: GenerationPrompt, writing: BatchPlan[list[Written]]
    ) -> list[SyntheticItem]:
        written = self._written(writing)
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
            }
            read = (cost.requests, cost.prompt_tokens) if place == 0 else (0, 0)
            usage = self._share(*read, answer.completion_tokens) + seconds
            items.append(self._item(request.label, answer, provenance, usage))
        return items

    def _divided(self, request: Request) -> tuple[list[Item], list[Item]]:
        own: list[Item] = []
        other: list[Item] = []
        for item in request.demonstrations:
            if item.gold is None:
                raise DataError(
                    f"the demonstration {item.id!r} has no label",
                    fix="give demonstrations whose gold is set",
                )
            self.task.index(one_label(item.gold))
            (own if item.gold == request.label else other).append(item)
        return own, other

    def _fitted(self, word: str, drawn: Sequence[Item]) -> tuple[Prompt, Sequence[Item]]:
        room = self.lm.context_length
        for left_out in range(len(drawn) + 1):
            shown = drawn[left_out:]
            prompt = self._render(word, shown)
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

    def _render(self, word: str, shown: Sequence[Item]) -> Prompt:
        return self.template.render(
            self.style,
            task=self.task,
            word=word,
            structure=self._structure.name,
            keys=list(self._structure.keys),
            min_words=self.min_words,
            max_words=self.max_words,
            demonstrations=[
                {
                    "word": self.task.labels[self.task.index(one_label(item.gold))].verbalizers[0],
                    "answer": self._structure.write(self._clean(item)),
                }
                for item in shown
            ],
        )

    def _clean(self, item: Item) -> Item:
        special = self.lm.special_tokens
        return replace(
            item,
            text=without_special_tokens(item.text, special),
            fields={k: without_special_tokens(v, special) for k, v in item.fields.items()},
        )

    def _writing(self, one: GenerationPrompt) -> BatchPlan[list[Written]]:
        return plan_writing(
            self.lm,
            [one.prompt],
            format=self._structure.format,
            n=one.answers,
            sampling=replace(self._sampling, seed=one.seed),
        )

    def _written(self, writing: BatchPlan[list[Written]]) -> Written:
        try:
            return writing.execute()[0]
        except NotImplementedError as error:
            raise UnsupportedError(
                f"the model {self.lm.fingerprint} cannot be held to the structure "
                f"{self._structure.name!r}",
                fix="use a model with structured output, or a vLLM or transformers backend",
            ) from error

    def _item(
        self, label: str, answer: Completion, provenance: dict[str, Any], usage: Usage
    ) -> SyntheticItem:
        text, reason = answer.text.strip(), None
        if not answer.finished:
            reason = f"cut off after {answer.completion_tokens} tokens"
        else:
            try:
                fields = self._structure.read(answer.text)
            except DataError as error:
                reason = error.what
            else:
                text = "\n".join(fields)
                if len(fields) > 1:
                    provenance["fields"] = dict(zip(self.task.text, fields, strict=True))
                if not all(fields):
                    reason = "the text is empty"
        return SyntheticItem(
            id=_id(label, text),
            text=text,
            label=label,
            generator=self.name,
            accepted=reason is None,
            refused_by=None if reason is None else self.name,
            reason=reason,
            usage=usage,
            provenance=provenance,
        )


def _style(style: str, template: PromptTemplate, lm: LanguageModel) -> Style:
    if style == "auto":
        return "chat" if lm.chat and "chat" in template.styles else "completion"
    if style == "chat":
        return "chat"
    if style == "completion":
        return "completion"
    raise ConfigError(f"there is no prompt style {style!r}", fix="use auto, chat or completion")


def _seed(request: Request, what: str) -> int:
    """A seed below 2^31. Answer j is drawn with seed + j, so near seeds would share their draws."""
    raw = f"{request.seed}\0{request.label}\0{what}"
    return int.from_bytes(digest(raw, 4), "big") >> 1


def _deck(items: Sequence[Item], size: int, rng: np.random.Generator) -> Iterator[list[Item]]:
    """Hands of `size` different items, or of all where there are fewer, without end."""
    ordered = sorted(items, key=lambda item: item.id)
    if len(ordered) <= size:
        while True:
            yield [ordered[i] for i in rng.permutation(len(ordered))]
    if size == 0:
        while True:
            yield []
    waiting: list[int] = []
    while True:
        if len(waiting) < size:
            fresh = rng.permutation(len(ordered)).tolist()
            # What is left over is dealt first, and not twice in the same hand.
            waiting += sorted(fresh, key=lambda i: i in waiting)
        yield [ordered[i] for i in waiting[:size]]
        del waiting[:size]


def _id(label: str, text: str) -> str:
    return "syn-" + fingerprint("synthetic item", f"{label}\0{text}")


def _with_distinct_ids(items: Sequence[SyntheticItem]) -> list[SyntheticItem]:
    """The same items; those with the label and text of an earlier one get a running number."""
    seen: dict[str, int] = {}
    result: list[SyntheticItem] = []
    for item in items:
        count = seen[item.id] = seen.get(item.id, 0) + 1
        result.append(item if count == 1 else replace(item, id=f"{item.id}-{count}"))
    return result
