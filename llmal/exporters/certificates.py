"""What goes along with exported labels, so that it can be seen what is promised of them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmal.core.words import counted
from llmal.exporters.protocol import Companion
from llmal.exporters.run_contents import moment
from llmal.guarantee import Certificate
from llmal.guarantee.standing import standing_of, what_stands
from llmal.guarantee.statement import Statement
from llmal.task import Task

NAME = "certificate.json"
CARD = "README.md"
_BY = {
    "human": "people",
    "learner": "a learner that people's labels have taught",
    "llm": "a language model",
    "similarity": "the likeness of texts and label descriptions",
    "recorded": "recorded labels of a machine",
    "generator": "a generator, which wrote the texts too",
}


@dataclass(frozen=True)
class DeliveredLabels:
    """What is promised of labels that are exported.

    Attributes:
        task: Their task.
        source: Where the texts are from.
        certificate: What an audit has shown; None while there is none.
        as_they_are: What can be promised of the labels as they are.
        given_by: How many labels are of each kind of annotator.
        unreviewed: How many no person has given and no audit lets stay.
    """

    task: Task
    source: str
    certificate: Certificate | None
    as_they_are: Statement
    given_by: Mapping[str, int]
    unreviewed: int

    @property
    def promised(self) -> Statement:
        """How the promise stands."""
        return what_stands(self.certificate, self.as_they_are)

    def as_dict(self, *, written: float | None = None) -> dict[str, Any]:
        """It as plain JSON has it.

        Args:
            written: Unix time to put on it; now, if it is None.
        """
        return {
            "standing": standing_of(self.certificate, self.unreviewed),
            "promise": str(self.promised),
            "task": self.task.name,
            "source": self.source,
            "labels": sum(self.given_by.values()),
            "given_by": dict(sorted(self.given_by.items())),
            "unreviewed": self.unreviewed,
            "written": moment(time.time() if written is None else written),
            "certificate": None if self.certificate is None else self.certificate.as_dict(),
        }

    def card(self) -> str:
        """A card for a data set of the labels, in Markdown."""
        standing = {
            "holds": "What is promised of the labels",
            "in part": "What is promised of a part of the labels",
            "void": "The promise about the labels is VOID",
            "not held": "What was asked for cannot be promised of the labels",
            "not yet": "Nothing is promised of the labels yet",
        }[standing_of(self.certificate, self.unreviewed)]
        labels = "\n".join(
            f"- `{one.name}`" + (f": {one.description}" if one.description else "")
            for one in self.task.labels
        )
        counts = ", ".join(
            f"{count:,} by {_BY.get(kind, kind)}"
            for kind, count in sorted(self.given_by.items(), key=lambda one: -one[1])
        )
        parts = [
            f"# {self.task.name}",
            f"{sum(self.given_by.values()):,} labelled texts of {self.source}, labelled with "
            f"llmal: {counts}.",
            f"## {standing}",
            _as_sentence(str(self.promised)),
            *self._details(),
            "## The task",
            *([self.task.guidelines] if self.task.guidelines else []),
            labels,
        ]
        return "\n\n".join(parts) + "\n"

    def _details(self) -> list[str]:
        parts = []
        one = self.certificate
        if one is not None and one.voided_by is None and one.rests_on:
            parts.append("It rests on this:")
            parts.append("\n".join(f"- {sentence}" for sentence in one.rests_on))
        if self.unreviewed:
            parts.append(
                f"{counted(self.unreviewed, 'label is', 'labels are')} marked `unreviewed`: by no "
                "person, and no audit lets such a label stay."
            )
        parts.append(f"The certificate itself is in `{NAME}`.")
        return parts


def companions_of(promised: DeliveredLabels | None) -> Sequence[Companion]:
    """The files that go along with exported labels.

    Args:
        promised: What is promised of them; None where they come from a run that promises nothing.
    """
    if promised is None:
        return (Companion(NAME, None),)
    # A line for each key: readable, and yet short where the positions are a million.
    lines = [
        f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in promised.as_dict().items()
    ]
    content = "{\n" + ",\n".join(lines) + "\n}\n"
    return Companion(NAME, content), Companion(CARD, promised.card(), beside=False)


def _as_sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", ".)")) else ".")
