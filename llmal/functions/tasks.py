"""What the functions take as labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from llmal.errors import ConfigError
from llmal.task import Label, Task

Labels = Task | Mapping[str, str] | Iterable[str | Label]
"""A task, names with descriptions, or names alone."""


def task_of(
    labels: Labels | None,
    *,
    text: Sequence[str],
    guidelines: str = "",
    name: str,
    seen: Iterable[str] = (),
) -> Task:
    """The task that labels and guidelines make.

    Args:
        labels: The labels; without them those of labelled rows.
        text: The text columns.
        guidelines: What annotators must know.
        name: What to call a task that has no name yet.
        seen: Labels of labelled rows.

    Raises:
        ConfigError: There are no labels, or they are not usable.
    """
    if isinstance(labels, Task):
        if guidelines:
            raise ConfigError("the task has guidelines of its own", fix="leave guidelines out")
        if labels.text == tuple(text):
            return labels
        return Task(labels.name, labels.labels, labels.guidelines, text, labels.kind)
    if labels is None:
        labels = sorted(set(seen))
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
    return Task(name, labels, guidelines, text)
