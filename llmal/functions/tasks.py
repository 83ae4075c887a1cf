"""What the functions take as labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from llmal.core.records import Answer
from llmal.errors import ConfigError
from llmal.task import Label, Task, TaskKind

Labels = Task | Mapping[str, str] | Iterable[str | Label]
"""A task, names with descriptions, or names alone."""


def task_of(
    labels: Labels | None,
    *,
    text: Sequence[str],
    guidelines: str = "",
    name: str,
    seen: Iterable[Answer | None] = (),
    kind: TaskKind = "single",
) -> Task:
    """The task that labels and guidelines make.

    Args:
        labels: The labels; without them those of labelled rows.
        text: The text columns.
        guidelines: What annotators must know.
        name: What to call a task that has no name yet.
        seen: Answers of labelled rows.
        kind: What an answer is, for labels that are no task.

    Raises:
        ConfigError: There are no labels, or they are not usable.
    """
    if isinstance(labels, Task):
        if guidelines:
            raise ConfigError("the task has guidelines of its own", fix="leave guidelines out")
        if labels.text == tuple(text):
            return labels
        return Task(labels.name, labels.labels, labels.guidelines, text, labels.kind_given)
    if labels is None:
        seen = list(seen)
        if kind != "single" and any(isinstance(one, str) for one in seen):
            raise ConfigError(
                "the labels are not known, as several may stand in one text", fix="give labels="
            )
        labels = sorted({name for one in seen for name in names_of(one)})
        if not labels:
            raise ConfigError(
                "there are no labels",
                fix="give their names, labels=['good', 'bad'], or names with descriptions, "
                "labels={'good': 'praise', 'bad': 'a complaint'}",
            )
    if isinstance(labels, str):
        raise ConfigError(
            f"the labels are one string, {labels!r}", fix="give a list: labels=['good', 'bad']"
        )
    return Task(name, labels, guidelines, text, kind)


def names_of(answer: Answer | None) -> tuple[str, ...]:
    """The labels in an answer, whatever an answer is."""
    return (answer,) if isinstance(answer, str) else answer or ()
