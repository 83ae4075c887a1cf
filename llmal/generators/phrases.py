"""A few words that the model is asked for before the prompts that hold them are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmal.core.plans import Plan
from llmal.core.records import Usage
from llmal.generators.structure import Line
from llmal.lm.protocol import LanguageModel, Prompt, Sampling
from llmal.lm.requests import Written, plan_writing
from llmal.prompting.templates import PromptTemplate, Style, without_special_tokens

NOT_KNOWN = "-"
"""Stands for a phrase in a forecast."""

_JOINTS = 2
"""Tokens by which a phrase may be longer inside a prompt than alone: at its two ends."""


@dataclass(frozen=True)
class Phrases:
    """Asks a model for phrases: subjects of texts, or what texts have in common.

    Args:
        lm: The model.
        template: Its `stop` ends a phrase in the completion form.
        style: The form of the prompts.
        tokens: Most tokens of a phrase.
        temperature: Of the sampling.
        top_p: Nucleus size.
    """

    lm: LanguageModel
    template: PromptTemplate
    style: Style
    tokens: int
    temperature: float
    top_p: float

    @property
    def longest(self) -> int:
        """The most tokens by which a phrase can lengthen a prompt."""
        return self.tokens + _JOINTS

    def plan(
        self, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Plan[tuple[list[list[str]], Usage]]:
        """Plan to have n phrases written to each prompt.

        It brings those of each prompt, each on one line, and what they cost. A phrase is empty
        where the model wrote nothing, or what takes more than `tokens` when it is read again.
        """
        writing = plan_writing(
            self.lm,
            prompts,
            format=Line().format if self.lm.exact else None,
            n=n,
            sampling=Sampling(
                temperature=self.temperature,
                top_p=self.top_p,
                max_tokens=self.tokens,
                stop=self.template.stop if self.style == "completion" else (),
                seed=seed,
            ),
        )
        return writing.map(self._read)

    def _read(self, written: Sequence[Written]) -> tuple[list[list[str]], Usage]:
        cost = sum((one.usage for one in written), Usage())
        special = self.lm.special_tokens
        # One that was cut off is a phrase all the same.
        found = [
            [without_special_tokens(" ".join(one.text.split()), special) for one in each.answers]
            for each in written
        ]
        return [[self._short(phrase) for phrase in phrases] for phrases in found], cost

    def _short(self, phrase: str) -> str:
        if phrase and int(self.lm.count_tokens([phrase])[0]) > self.tokens:
            return ""
        return phrase
