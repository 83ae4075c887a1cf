"""Annotations from what a language model scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Annotation, Answer, Item, Usage
from llmal.few_shot.prompt import Calibrated
from llmal.task import Task


def annotations_of(
    items: Sequence[Item],
    answers: Sequence[Answer],
    calibrated: Calibrated,
    *,
    task: Task,
    annotator: str,
    round: int | None,
    provenance: Mapping[str, Any],
    keep_uncalibrated: bool,
    rationales: Sequence[str | None],
    usage: Sequence[Usage],
) -> list[Annotation]:
    """One annotation an item.

    Args:
        items: What was asked about.
        answers: The answer to each.
        calibrated: The scores, and the probabilities that were made of them.
        task: The task.
        annotator: Who is recorded.
        round: The round that asked.
        provenance: What holds for all of them.
        keep_uncalibrated: Whether the probabilities before calibration go into the provenance.
        rationales: Why, for each.
        usage: What each took besides scoring.
    """
    scored, names = calibrated.scored, task.names
    own: list[dict[str, Any]] = [{}] * len(items)
    if keep_uncalibrated:
        own = [{"uncalibrated": by_label(names, row)} for row in scored.probabilities]
    return [
        Annotation(
            item_id=item.id,
            label=answers[row],
            annotator=annotator,
            kind="llm",
            probabilities=dict(zip(names, calibrated.probabilities[row].tolist(), strict=True)),
            exact=scored.exact,
            rationale=rationales[row],
            usage=scored.usage[row] + usage[row],
            provenance={
                **provenance,
                **own[row],
                "demonstrations": list(scored.prompts[row].demonstrations),
            },
            flags=(*scored.prompts[row].flags, *_unscored(scored.inside, row)),
            round=round,
        )
        for row, item in enumerate(items)
    ]


def by_label(names: Sequence[str], probabilities: NDArray[np.float64]) -> dict[str, float]:
    """Probabilities by label, to four digits: what tells them apart beyond is noise of batches."""
    return {name: round(float(p), 4) for name, p in zip(names, probabilities, strict=True)}


def _unscored(inside: NDArray[np.bool_] | None, row: int) -> tuple[str, ...]:
    """A word on an item of which not all labels were scored."""
    if inside is None or inside[row].all():
        return ()
    return (f"{int(inside[row].sum())} of {inside.shape[1]} labels were scored",)
