"""Why an answer was given, in the words of the model that gave it."""

from __future__ import annotations

from collections.abc import Sequence

from llmal.core.plans import BatchPlan
from llmal.core.records import Answer, Item
from llmal.errors import ContextLengthError
from llmal.lm.protocol import LanguageModel, Prompt, Sampling
from llmal.lm.requests import Written, plan_writing
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

    def plan(
        self, items: Sequence[Item], answers: Sequence[Answer], style: Style
    ) -> BatchPlan[list[Written]]:
        """Plan to have a rationale written for each item.

        Raises:
            ContextLengthError: A prompt does not fit even without its text.
        """
        pairs = zip(items, answers, strict=True)
        return self._plan([self._prompt(item, self.words(answer), style) for item, answer in pairs])

    def _plan(self, prompts: Sequence[Prompt]) -> BatchPlan[list[Written]]:
        stop = tuple(self._template.stop)
        return plan_writing(self.lm, prompts, sampling=Sampling(max_tokens=_TOKENS, stop=stop))

    def plan_any(self, items: Sequence[Item], style: Style) -> BatchPlan[list[Written]]:
        """A plan that costs no less than `plan`, whatever the answers are."""
        words = [word for label in self.task.labels for word in label.verbalizers]
        longest = max(words, key=lambda word: int(self.lm.count_tokens([word])[0]))
        if not self.task.space.rows_sum_to_one:
            longest = ", ".join(words)
        # Where word and prompt meet, a token may be split.
        return self._plan([self._prompt(item, f"{longest} .", style) for item in items])

    def words(self, answer: Answer) -> str:
        """An answer as the model is told it."""
        labels = self.task.labels
        names = self.task.space.names_in(answer)
        held = [labels[self.task.index(name)].verbalizers[0] for name in names]
        return ", ".join(held) or "none"

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
