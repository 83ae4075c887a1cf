"""Labelling prompts: put together, with the text fenced off, cut to the model's context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer, Item, one_label
from llmal.errors import ContextLengthError
from llmal.lm.protocol import LanguageModel, Prompt
from llmal.prompting.templates import (
    PromptTemplate,
    Style,
    looks_like_instruction,
    looks_like_prompt,
    without_special_tokens,
)
from llmal.task import Task
from llmal.task.spaces import SpaceKind, refuse_unless

CUT = "the text was cut to the context"


@dataclass(frozen=True)
class LabellingPrompt:
    """One prompt, ready to be scored.

    Attributes:
        prompt: For the language model; the first question, where it is asked several.
        demonstrations: Ids of the demonstrations that are in it, in their order.
        flags: What was done to make it fit, and what is odd about the text.
        more: The other questions.
    """

    prompt: Prompt
    demonstrations: tuple[str, ...]
    flags: tuple[str, ...]
    more: tuple[Prompt, ...] = ()

    @property
    def questions(self) -> tuple[Prompt, ...]:
        """All that the model is asked about the item."""
        return (self.prompt, *self.more)


class LabellingPrompts:
    """Builds the labelling prompts of a task for a model: one prompt scores all labels.

    Args:
        task: The task; one label an item.
        template: Must take `task`, `labels`, `item` and `demonstrations`.
        lm: The model, for its context and its control tokens.
        style: "chat", "completion" or "auto": chat where both model and prompt can.

    Raises:
        ConfigError: The task is of another kind.
    """

    kind: ClassVar[SpaceKind] = "single"

    def __init__(
        self, task: Task, template: PromptTemplate, lm: LanguageModel, style: str = "auto"
    ) -> None:
        self.check(task, template)
        self.task = task
        self.template = template
        self.lm = lm
        self.style: Style = (
            ("chat" if lm.chat and "chat" in template.styles else "completion")
            if style == "auto"
            else ("chat" if style == "chat" else "completion")
        )
        self.words, self.word_columns = self._answers()
        self.candidates = template.candidates(self.style, self.words)
        length = lm.context_length
        longest = max(len(candidate.encode()) for candidate in self.candidates)
        self._limit = None if length is None else length - longest - 2
        # What a chat template puts around a message, a default system message included.
        empty: Prompt = [{"role": "user", "content": ""}] if self.style == "chat" else ""
        self._frame = 0 if length is None else int(lm.count_tokens([empty])[0])

    @classmethod
    def check(cls, task: Task, template: PromptTemplate) -> None:
        """Refuse a prompt that cannot ask what the task needs.

        Raises:
            ConfigError: The task is of another kind.
        """
        refuse_unless(task, (cls.kind,), f"the prompt {template.name}")

    def _answers(self) -> tuple[list[str], list[int]]:
        """What the model may answer, and the column that each answer belongs to."""
        labels = self.task.labels
        return (
            [word for label in labels for word in label.verbalizers],
            [column for column, label in enumerate(labels) for _ in label.verbalizers],
        )

    def label_scores(self, words: NDArray[np.float64]) -> NDArray[np.float64]:
        """From log-probabilities of words, one row a question, to scores of labels, shape (n, C):
        the probability of a label is the sum over its words.
        """
        return self._summed(words)

    def _summed(self, words: NDArray[np.float64]) -> NDArray[np.float64]:
        result = np.full((len(words), max(self.word_columns) + 1), -np.inf)
        np.logaddexp.at(result.T, self.word_columns, words.T)
        return result

    def probe(self, item: Item, column: int) -> Prompt:
        """The question about an item that a label is the answer to, without demonstrations."""
        return self.build(item).prompt

    def candidates_of(self, columns: Sequence[int]) -> list[str]:
        """The candidates that tell some labels from each other."""
        return [
            candidate
            for candidate, column in zip(self.candidates, self.word_columns, strict=True)
            if column in columns
        ]

    def longest_shown(self, items: Sequence[Item], count: int) -> list[Item]:
        """Stand-ins for demonstrations that are not known yet: the `count` items that take the most
        tokens in a prompt, each with the answer that does, under ids that no other item has.
        """
        empty = Item("", "", dict.fromkeys(self.task.text, ""))

        def lengths(shown: Sequence[Item]) -> NDArray[np.int64]:
            prompts = [self._render(empty, [one]) for one in shown]
            return self.lm.count_tokens(prompts) if prompts else np.zeros(0, dtype=np.int64)

        some = [replace(empty, gold=answer) for answer in self._shown_answers()]
        answer = some[int(np.argmax(lengths(some)))].gold
        answered = [replace(one, id=f"{one.id}\0shown", gold=answer) for one in items]
        order = np.argsort(-lengths(answered), kind="stable")[:count]
        return [answered[place] for place in order.tolist()]

    def _shown_answers(self) -> Sequence[Answer]:
        """Answers, of which one takes the most tokens in a demonstration."""
        names = self.task.names
        return names if self.task.space.rows_sum_to_one else ((), tuple(sorted(names)))

    def _clean(self, item: Item) -> Item:
        special = self.lm.special_tokens
        texts = (item.text, *item.fields.values())
        if not any(token in text for token in special for text in texts):
            return item
        return replace(
            item,
            text=without_special_tokens(item.text, special),
            fields={k: without_special_tokens(v, special) for k, v in item.fields.items()},
        )

    def _questions(self, item: Item, demonstrations: Sequence[Item]) -> tuple[Prompt, ...]:
        """All questions about an item."""
        return (self._render(item, demonstrations),)

    def _render(self, item: Item, demonstrations: Sequence[Item]) -> Prompt:
        """The longest question about an item."""
        words = {label.name: label.verbalizers[0] for label in self.task.labels}
        return self.template.render(
            self.style,
            task=self.task,
            labels=[label.verbalizers[0] for label in self.task.labels],
            item=item,
            demonstrations=[
                {"item": self._clean(demonstration), "word": words[one_label(demonstration.gold)]}
                for demonstration in demonstrations
            ],
        )

    def build(
        self,
        item: Item,
        demonstrations: Sequence[Item] = (),
        arranged: Sequence[Item] | None = None,
    ) -> LabellingPrompt:
        """The prompt for an item; fitted into the context by leaving out demonstrations, and then
        by cutting the end of the text. Both are flagged.

        Args:
            item: The item that is asked about. It is never its own demonstration.
            demonstrations: The most useful first. Those that do not fit even alone are left out
                before others, then the least useful.
            arranged: The same items in the order of the prompt; without it, as they are.

        Raises:
            ContextLengthError: Not even the prompt without the text fits.
        """
        shown = [demonstration for demonstration in demonstrations if demonstration.id != item.id]
        order = {one.id: place for place, one in enumerate(arranged or demonstrations)}
        clean = self._clean(item)
        flags: list[str] = []
        if clean is not item:
            flags.append("control tokens in the text were broken")
        if looks_like_instruction(item.text):
            flags.append("the text reads like an instruction")
        if looks_like_prompt(item.text, self.words):
            flags.append("the text imitates the form of the prompt")

        def rendered(chosen: Sequence[Item]) -> Prompt:
            return self._render(clean, sorted(chosen, key=lambda one: order[one.id]))

        prompt = rendered(shown)
        wanted = len(shown)
        fits = self._fits(prompt)
        if not fits and shown:
            shown = [one for one in shown if self._fits(rendered([one]))]
            prompt = rendered(shown)
            while not (fits := self._fits(prompt)) and shown:
                shown.pop()
                prompt = rendered(shown)
        if len(shown) < wanted:
            flags.append(f"{wanted - len(shown)} demonstration(s) left out for want of context")
        if not fits:
            clean = self._cut(clean)
            flags.append(CUT)
        shown.sort(key=lambda one: order[one.id])
        first, *more = self._questions(clean, shown)
        return LabellingPrompt(first, tuple(one.id for one in shown), tuple(flags), tuple(more))

    def _fits(self, prompt: Prompt) -> bool:
        if self._limit is None:
            return True
        # No token is shorter than a byte, so a prompt of few bytes needs no counting.
        contents = [prompt] if isinstance(prompt, str) else [m["content"] for m in prompt]
        most = sum(len(text.encode()) for text in contents) + self._frame * len(contents)
        return most <= self._limit or int(self.lm.count_tokens([prompt])[0]) <= self._limit

    def _cut(self, item: Item) -> Item:
        """The longest beginning of every field, in equal proportion, that fits."""
        cut = longest_that_fits(item, lambda part: self._render(part, ()), self._fits)
        if cut is None:
            raise ContextLengthError(
                f"the labelling prompt of task {self.task.name!r} does not fit into the model's "
                f"context of {self.lm.context_length} tokens even without the text of item "
                f"{item.id!r}",
                fix="shorten the guidelines or the label descriptions, or use another model",
            )
        return cut


def longest_that_fits(
    item: Item, render: Callable[[Item], Prompt], fits: Callable[[Prompt], bool]
) -> Item | None:
    """The item with the longest beginning of every field, in equal proportion, whose prompt fits.

    None if it does not fit without any text.
    """
    best = _beginning(item, 0.0)
    if not fits(render(best)):
        return None
    low, high = 0.0, 1.0
    # Until the bounds are some characters apart.
    for _ in range(max(8, len(item.text).bit_length() - 2)):
        share = (low + high) / 2
        part = _beginning(item, share)
        if fits(render(part)):
            best, low = part, share
        else:
            high = share
    return best


def _beginning(item: Item, share: float) -> Item:
    fields = {key: value[: int(len(value) * share)] for key, value in item.fields.items()}
    text = "\n".join(fields.values()) if fields else item.text[: int(len(item.text) * share)]
    return replace(item, text=text, fields=fields)
