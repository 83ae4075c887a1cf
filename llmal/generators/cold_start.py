"""Labelled items out of nothing but the task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from llmal.core.records import Usage
from llmal.errors import ConfigError
from llmal.generators.answers import takes_one
from llmal.generators.decks import Rotation, rng_of, seed_of
from llmal.generators.draws import Draw, Preparation
from llmal.generators.phrases import NOT_KNOWN, Phrases
from llmal.generators.prompted import AT_ONCE, PromptedGenerator, log
from llmal.generators.protocol import Request
from llmal.prompting.templates import PromptTemplate, load_prompt
from llmal.task.spaces import SpaceKind


@dataclass(eq=False, kw_only=True)
class ColdStart(PromptedGenerator):
    """Writes labelled items where nobody has labelled anything: to be shown, or to begin with.

    Without demonstrations a model writes of the same few subjects. So it is asked for subjects of
    texts of the label first, and each text is asked for by one of them. Demonstrations are not
    looked at. The subject is in the provenance.

    Args:
        subjects: How many subjects it is asked for.
        subject_prompt: The prompt for a subject.
        subject_tokens: Most tokens of a subject.

    Other parameters are those of `PromptedGenerator`.

    Raises:
        ConfigError: As for `PromptedGenerator`; or `subjects` or `subject_tokens` is below one.

    Source: round 0 of FreeAL (Xiao et al. 2023), whose first demonstrations the model writes; the
    subjects are llmal's own.
    """

    spaces: ClassVar[tuple[SpaceKind, ...]] = ("single", "multi")

    prompt: str | Path | PromptTemplate = "generate/cold_start"
    name: str = "cold_start"
    per_prompt: int = 1
    shots: int = field(default=0, init=False)
    others: int = field(default=0, init=False)
    subjects: int = 8
    subject_prompt: str | Path | PromptTemplate = "generate/subject"
    subject_tokens: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        for what, value in (("subjects", self.subjects), ("subject_tokens", self.subject_tokens)):
            if value < 1:
                raise ConfigError(f"{what} is {value}", fix="it must be at least 1")
        template = load_prompt(self.subject_prompt)
        self._phrases = Phrases(
            self.lm, template, self._style, self.subject_tokens, self.temperature, self.top_p
        )

    @property
    def prompts_at_once(self) -> int:
        """Prompts that the model is asked in one call."""
        return AT_ONCE

    def preparation(self, request: Request) -> Preparation:
        """Subjects of texts of the label."""
        prompt = self._phrases.template.render(
            self._style,
            task=self.task,
            several=not takes_one(self.task),
            word=self.word(request.label),
        )
        asking = self._phrases.plan([prompt], self.subjects, seed_of(request, "subjects"))

        def distinct(named: tuple[list[list[str]], Usage]) -> tuple[Sequence[str], Usage]:
            (phrases,), cost = named
            subjects = [one for one in dict.fromkeys(phrases) if one]
            if not subjects:
                log.warning("the model named no subject of texts of %r", request.label)
            return subjects, cost

        return Preparation(asking.map(distinct), (NOT_KNOWN,), self._phrases.longest, request)

    def draws(self, request: Request, words: Sequence[str]) -> Iterator[Draw]:
        """Subject after subject."""
        turns = Rotation(dict.fromkeys(words or ("",), 1.0), rng_of(request, "turns"))
        while True:
            subject = turns.draw()
            yield Draw(values={"subject": subject}, recorded={"subject": subject})
