"""New items after those that are hard for the learner."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from llmal.core.fingerprint import digest
from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.generators.draws import Draw
from llmal.generators.learner_answers import Difficulty
from llmal.generators.protocol import Need, Request
from llmal.generators.sources import FromSources
from llmal.prompting.templates import PromptTemplate


@dataclass(eq=False, kw_only=True)
class StudentGuided(FromSources):
    """Writes a new item after each of those that are hardest for the learner, the seeds.

    Args:
        measure: What is hard: "loss", "entropy", "least-confidence" or "margin", as
            `LearnerAnswers.difficulty` says. "random" takes sources at random, without a learner:
            what the others are to be compared with.
        share: Share of the label's items that are written after, the hardest; one at least.
        seed: Of "random": which items are taken, the same ones in every request.

    Other parameters are those of `PromptedGenerator`.

    Raises:
        ConfigError: As for `PromptedGenerator`; or `share` is out of range.

    Source: active synthetic data generation (arXiv 2512.00884). The loss of the student on its own
    answer was the best there, or as good as what costs more; it puts items in the order of
    "least-confidence". A hard item yields hard ones on average only. The share is llmal's own.
    """

    prompt: str | Path | PromptTemplate = "generate/student_guided"
    name: str = "student_guided"
    measure: Difficulty | Literal["random"] = "least-confidence"
    share: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.share <= 1:
            raise ConfigError(f"share is {self.share}", fix="it must be above 0 and at most 1")

    @property
    def requires(self) -> tuple[Need, ...]:
        """A learner, or sources for "random"."""
        return ("sources",) if self.measure == "random" else ("learner",)

    def lacks(self, request: Request) -> str | None:
        """Why nothing can be written, or None."""
        if self.measure == "random" or request.standing_in:
            return super().lacks(request)
        self.task.index(request.label)
        if request.learner is None:
            return f"{self.name} goes by what is hard for a learner, and there is none"
        if self.usable(request):
            return None
        return f"{self.name}: the learner was asked about no item of the label {request.label!r}"

    def usable(self, request: Request) -> list[Item]:
        """The hardest items of the label, the hardest first; in a forecast any may be."""
        if request.standing_in:
            return super().usable(request)
        if self.measure == "random":
            drawn = super().usable(request)
            drawn.sort(key=lambda one: (digest(f"{self.seed}\0{one.id}", 8), one.id))
            return drawn[: self._count(len(drawn))]
        if request.learner is None:
            return []
        answers = request.learner
        own = np.flatnonzero(answers.truths(self.task) == self.task.index(request.label))
        order = np.argsort(-answers.difficulty(self.task, self.measure)[own], kind="stable")
        return [answers.items[row] for row in own[order][: self._count(len(own))].tolist()]

    def drawn(self, request: Request, sources: Iterator[Item]) -> Iterator[Draw]:
        """The next source."""
        for source in sources:
            yield Draw(sources=(source,), values={"source": self.write(source)})

    def _count(self, items: int) -> int:
        return math.ceil(self.share * items)
