"""Why an answer was given, in the words of the model that gave it."""

from __future__ import annotations

from collections.abc import Sequence

from llmal.core.records import Answer, Item, Usage
from llmal.errors import ContextLengthError
from llmal.lm.protocol import LanguageModel, Prompt, Sampling
from llmal.prompting.labelling import longest_that_fits
from llmal.prompting.templates import Style, load_prompt, without_special_tokens
from llmal.task import Task

_TOKENS = 80


class RationaleWriter:
    """Has a model write why, after the answer is decided.

    Args:
        task: The task.
        lm: The model.
    """

    def __init__(self, task: Task, lm: LanguageModel) -> None:
        self.task = task
        self.lm = lm
        self._template = load_prompt("rationale")

    def write(
        self, items: Sequence[Item], answers: Sequence[Answer], style: Style
    ) -> tuple[list[str | None], list[Usage]]:
        """A rationale for each item, and what it cost.

        Raises:
            LanguageModelError: The model failed, or a prompt does not fit even without its text.
        """
        prompts = [
            self._prompt(item, self.words(answer), style)
            for item, answer in zip(items, answers, strict=True)
        ]
        stop = tuple(self._template.stop)
        written = self.lm.generate(prompts, sampling=Sampling(max_tokens=_TOKENS, stop=stop))
        price = self.lm.price
        return (
            [drawn[0].text.strip() or None for drawn in written],
            [
                Usage(
                    requests=1,
                    prompt_tokens=drawn[0].prompt_tokens,
                    completion_tokens=drawn[0].completion_tokens,
                    money=price.of(drawn[0].prompt_tokens, drawn[0].completion_tokens),
                )
                for drawn in written
            ],
        )

    def words(self, answer: Answer) -> str:
        """An answer as the model is told it."""
        labels = self.task.labels
        names = self.task.space.names_in(answer)
        held = [labels[self.task.index(name)].verbalizers[0] for name in names]
        return ", ".join(held) or "none"

    def cost(self, items: Sequence[Item], style: Style) -> Usage:
        """The most that rationales for these items would cost. Asks nobody."""
        # Which answer is given is not known yet: the longest is the most that it can be.
        words = [word for label in self.task.labels for word in label.verbalizers]
        longest = max(words, key=lambda word: int(self.lm.count_tokens([word])[0]))
        if not self.task.space.rows_sum_to_one:
            longest = ", ".join(words)
        prompts = [self._prompt(item, longest, style) for item in items]
        read = int(self.lm.count_tokens(prompts).sum())
        read += len(items)  # Where word and prompt meet, a token may be split.
        written = _TOKENS * len(items)
        return Usage(
            requests=len(items),
            prompt_tokens=read,
            completion_tokens=written,
            money=self.lm.price.of(read, written),
        )

    def _prompt(self, item: Item, word: str, style: Style) -> Prompt:
        """The prompt that asks for the reason; a text that is too long for it is cut."""
        room = self.lm.context_length

        def render(cut: Item) -> Prompt:
            return self._template.render(style, task=self.task, item=cut, word=word)

        def fits(prompt: Prompt) -> bool:
            return room is None or int(self.lm.count_tokens([prompt])[0]) + _TOKENS <= room

        clean = Item(item.id, without_special_tokens(item.text, self.lm.special_tokens))
        whole = render(clean)
        if fits(whole):
            return whole
        part = longest_that_fits(clean, render, fits)
        if part is None:
            raise ContextLengthError(
                f"the prompt for reasons does not fit into the model's context of {room} tokens "
                f"even without the text of item {item.id!r}",
                fix="shorten the guidelines, or leave rationales out",
            )
        return render(part)
