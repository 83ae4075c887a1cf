"""From llmal's records to rows of the tables, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

import sqlalchemy as sa

from llmal.core.records import Annotation, Purpose, SyntheticItem, Usage, confidence_of
from llmal.errors import AnnotationError, LedgerError
from llmal.ledger.schema import NO_ROUND

USAGE_FIELDS = tuple(f.name for f in fields(Usage))


def round_to_store(number: int | None) -> int:
    """The number of a round as it is stored.

    Raises:
        LedgerError: A negative number, which would be taken for "outside a run".
    """
    if number is None:
        return NO_ROUND
    if number < 0:
        raise LedgerError(f"{number} is no number of a round", fix="count rounds from 0")
    return int(number)


def round_from_store(number: int) -> int | None:
    """The number of a round as the records have it."""
    return None if number == NO_ROUND else number


def usage_row(usage: Usage) -> dict[str, int | float]:
    """Plain numbers: the driver of SQLite would store numpy's integers as bytes."""
    return {
        "requests": int(usage.requests),
        "prompt_tokens": int(usage.prompt_tokens),
        "completion_tokens": int(usage.completion_tokens),
        "cached_tokens": int(usage.cached_tokens),
        "seconds": float(usage.seconds),
        "money": float(usage.money),
        "human_labels": int(usage.human_labels),
    }


def usage_of(row: sa.Row[Any]) -> Usage:
    """The usage in a row that has all of its columns."""
    return Usage(
        requests=int(row.requests),
        prompt_tokens=int(row.prompt_tokens),
        completion_tokens=int(row.completion_tokens),
        cached_tokens=int(row.cached_tokens),
        seconds=float(row.seconds),
        money=float(row.money),
        human_labels=int(row.human_labels),
    )


def annotation_row(one: Annotation) -> dict[str, Any]:
    """An annotation as a row.

    Raises:
        AnnotationError: It has probabilities, and none for its own label; a negative revision; or a
            purpose that there is not.
    """
    return {
        "item_id": one.item_id,
        "stage": one.stage or one.annotator,
        "annotator": one.annotator,
        "round": round_to_store(one.round),
        "revision": _revision(one),
        "kind": one.kind,
        "purpose": _purpose(one),
        "task_version": int(one.task_version),
        "answer": one.label,
        "confidence": _confidence(one),
        "probabilities": _numbers(one.probabilities),
        "exact": bool(one.exact),
        "decision": one.decision,
        "rationale": one.rationale,
        "reason": one.reason,
        "provenance": one.provenance,
        "flags": one.flags,
        "created": float(one.created),
        **usage_row(one.usage),
        "content": one.content,
    }


def annotation_of(row: sa.Row[Any]) -> Annotation:
    """The annotation in a row."""
    return Annotation(
        item_id=row.item_id,
        label=row.answer,
        annotator=row.annotator,
        kind=row.kind,
        probabilities=row.probabilities,
        exact=row.exact,
        decision=row.decision,
        rationale=row.rationale,
        usage=usage_of(row),
        provenance=row.provenance,
        flags=tuple(row.flags),
        round=round_from_store(row.round),
        created=row.created,
        stage="" if row.stage == row.annotator else row.stage,
        purpose=row.purpose,
        task_version=row.task_version,
        revision=row.revision,
        reason=row.reason,
        content=row.content,
    )


def synthetic_row(one: SyntheticItem) -> dict[str, Any]:
    """A synthetic item as a row."""
    return {
        "id": one.id,
        "text": one.text,
        "label": one.label,
        "generator": one.generator,
        "accepted": bool(one.accepted),
        "refused_by": one.refused_by,
        "reason": one.reason,
        "provenance": one.provenance,
        **usage_row(one.usage),
    }


def synthetic_of(row: sa.Row[Any]) -> SyntheticItem:
    """The synthetic item in a row."""
    return SyntheticItem(
        id=row.id,
        text=row.text,
        label=row.label,
        generator=row.generator,
        accepted=row.accepted,
        refused_by=row.refused_by,
        reason=row.reason,
        usage=usage_of(row),
        provenance=row.provenance,
    )


def score_to_store(score: float) -> float | None:
    """A selector's score; NaN becomes NULL, since SQLite has no NaN."""
    number = float(score)
    return None if math.isnan(number) else number


def score_from_store(score: float | None) -> float:
    """A selector's score as it was given."""
    return math.nan if score is None else score


def _numbers(probabilities: Mapping[str, float] | None) -> dict[str, float] | None:
    if probabilities is None:
        return None
    return {name: float(number) for name, number in probabilities.items()}


def _purpose(one: Annotation) -> str:
    # One that is misspelt would be read by nobody, or by those who must not see it.
    if one.purpose not in get_args(Purpose):
        raise AnnotationError(
            f"the annotation of item {one.item_id!r} by {one.annotator!r} has the purpose "
            f"{one.purpose!r}",
            fix=f"use one of {', '.join(get_args(Purpose))}",
        )
    return one.purpose


def _revision(one: Annotation) -> int:
    if one.revision < 0:
        raise AnnotationError(
            f"the annotation of item {one.item_id!r} by {one.annotator!r} has revision "
            f"{one.revision}",
            fix="count revisions from 0",
        )
    return int(one.revision)


def _confidence(one: Annotation) -> float | None:
    if one.probabilities is None or one.label is None:
        return None
    names = (one.label,) if isinstance(one.label, str) else one.label
    if not set(names) <= set(one.probabilities):
        raise AnnotationError(
            f"the annotation of item {one.item_id!r} by {one.annotator!r} has the label "
            f"{one.label!r}, and probabilities without one for it",
            fix="give a probability for every label, or none at all",
        )
    # NaN has no order, and SQLite would store NULL for it.
    return score_to_store(confidence_of(one.label, one.probabilities))
