"""Refuses texts to which the language model would not give the label that they were written for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from llmal.core.records import Item, SyntheticItem, Usage
from llmal.errors import ConfigError
from llmal.lm.protocol import LanguageModel, Normalise
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.style import check_style, foreseen_prompts, labelling_prompts, style_cost
from llmal.prompting.templates import PromptTemplate, load_prompt
from llmal.task import Task
from llmal.task.spaces import refuse_unless


class LabelAgreement:
    """Asks a language model for the label of each text, by exact scores.

    The label that was asked for must have at least `minimum` of the probability over all labels;
    the words of a label are summed. If the model that wrote the texts judges them too, what both
    tasks get wrong in the same way stays: another model, or people on a few of them, sees more.

    Args:
        task: The task.
        lm: The model.
        minimum: Smallest probability of the intended label.
        prompt: Name of a labelling prompt of llmal, path of a YAML file, or a `PromptTemplate`.
        style: "chat", "completion", or "auto" (see `llmal.prompting.style.choose_style`).
        normalise: How labels of several tokens are compared.

    Raises:
        ConfigError: `minimum` is no probability, or the prompt cannot be used.
    """

    name = "label_agreement"

    def __init__(
        self,
        task: Task,
        lm: LanguageModel,
        minimum: float = 0.5,
        *,
        prompt: str | Path | PromptTemplate = "label",
        style: str = "auto",
        normalise: Normalise = "sum",
    ) -> None:
        refuse_unless(task, ("single",), "the filter of generated texts by their label")
        if not 0 <= minimum <= 1:
            raise ConfigError(f"minimum is {minimum}", fix="it must be from 0 to 1")
        check_style(style)
        self.task = task
        self.lm = lm
        self.minimum = minimum
        self._template = prompt if isinstance(prompt, PromptTemplate) else load_prompt(prompt)
        self._style = style
        self._normalise: Normalise = normalise
        self._scorer: PromptScorer | None = None
        self._usage = Usage()

    @property
    def usage(self) -> Usage:
        """What the checks have cost so far."""
        return self._usage

    def setup_cost(self) -> Usage:
        """What finding the form of the prompt costs, once; nothing if it was given."""
        if self._style != "auto":
            return Usage()
        return style_cost(self.task, self._template, self.lm)

    def set_up(self) -> None:
        """Find the form of the prompt, by asking the model where it was not given."""
        if self._scorer is None:
            prompts = labelling_prompts(self.task, self._template, self.lm, self._style)
            self._scorer = PromptScorer(prompts, self._normalise)

    def estimate(self, k: int, tokens: int) -> Usage:
        """The most that checking k texts of so many tokens costs."""
        if not k:
            return Usage()
        prompts = foreseen_prompts(self.task, self._template, self.lm, self._style, self._scorer)
        counting = PromptScorer(prompts, self._normalise, counting=True)
        text = _text_of(self.lm, tokens)
        counting.score([Item(f"foreseen-{number}", text) for number in range(k)])
        return counting.spent

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """Score the labels of every text.

        Raises:
            DataError: An item has a label that the task lacks.
            LanguageModelError: The model failed.
        """
        if not items:
            return []
        intended = [self.task.index(item.label) for item in items]
        self.set_up()
        assert self._scorer is not None
        seconds = self.lm.usage.seconds
        scored = self._scorer.score([Item(item.id, item.text) for item in items])
        self._usage += sum(scored.usage, Usage(seconds=self.lm.usage.seconds - seconds))
        probabilities = scored.probabilities
        return [
            self._reason(row, own)
            for row, own in zip(probabilities.tolist(), intended, strict=True)
        ]

    def _reason(self, row: list[float], own: int) -> str | None:
        if row[own] >= self.minimum:
            return None
        names = self.task.names
        best = max(range(len(row)), key=row.__getitem__)
        given = f"the model gives it {row[own]:.2f} of {names[own]!r}"
        if best == own:
            return f"{given}, less than {self.minimum:g}"
        return f"{given}, most to {names[best]!r} ({row[best]:.2f})"


def _text_of(lm: LanguageModel, tokens: int) -> str:
    """A text of at least so many tokens, and few more."""
    words = tokens
    while int(lm.count_tokens([text := "so " * words])[0]) < tokens:
        words += tokens
    return text
