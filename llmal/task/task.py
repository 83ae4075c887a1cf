"""What is to be labelled: the task, its labels and its guidelines."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmal.core.fingerprint import fingerprint
from llmal.core.records import Answer
from llmal.core.spelling import as_seen, is_missing
from llmal.errors import ConfigError, DataError
from llmal.task.spaces import (
    KINDS,
    Single,
    Space,
    SpaceKind,
    TaskKind,
    check_kind,
    make_space,
    name_and_options,
)

_SINGLE_BEFORE = "classification"
# The word that stands in fingerprints, so that run directories of before still bind.


@dataclass(frozen=True)
class Label:
    """One label of a task.

    Attributes:
        name: The label as it stands in data files and in exports.
        description: What belongs under it, for people and for the prompt.
        words: What the language model is scored on in place of the name (a verbalizer). The
            probability of a label is the sum over its words. Empty means the name itself.
        was: Labels of earlier versions of the task that are this one now, or part of it: one name,
            or several. It says how answers are read that were given before, and is no part of what
            the task is.
    """

    name: str
    description: str = ""
    words: tuple[str, ...] = ()
    was: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given: object = self.words
        if isinstance(given, str):
            raise ConfigError(
                f"the words of label {self.name!r} are one string, {self.words!r}",
                fix="give a list of words",
            )
        object.__setattr__(self, "words", tuple(self.words))
        was: object = self.was
        object.__setattr__(self, "was", (was,) if isinstance(was, str) else tuple(self.was))
        for name in self.was:
            if not str(name).strip() or self.was.count(name) > 1:
                raise ConfigError(
                    f"label {self.name!r} was {name!r}"
                    + (" twice" if str(name).strip() else ", which is no name"),
                    fix="name each earlier label once",
                )

    @property
    def verbalizers(self) -> tuple[str, ...]:
        """The words to score: `words`, or the name where there are none."""
        return self.words or (self.name,)


def _named(value: object, task: str, description: str = "") -> Label:
    if is_missing(value) or not isinstance(value, str | numbers.Real):
        raise ConfigError(
            f"task {task!r} has the label {value!r}", fix="give the name of each label, as a text"
        )
    return Label(str(value), description)


@dataclass(frozen=True, init=False)
class Task:
    """The labels, the guidelines and the text columns of a labelling job.

    Args:
        name: A short name, used in reports and to recognise a run directory.
        labels: Names, `Label` objects, or a mapping of names to descriptions. The order fixes the
            columns of every probability matrix.
        guidelines: What an annotator must know, in the words that people and prompts get.
        text: The text column, or several (a pair, or more).
        kind: What an answer is: "single", one label an item ("classification" is an old word for
            it), "multi", any number of labels, or a kind that another package adds, as its word or
            as a mapping of its word (`name`) and its options.

    Attributes:
        kind: The word alone.
        kind_options: The options of the kind.

    Raises:
        ConfigError: Fewer than two labels; a name that is empty, has space around it or a line
            break in it, is given twice, or looks like another one; a word that is empty or stands
            for two labels; or no text column.
    """

    name: str
    labels: tuple[Label, ...]
    guidelines: str
    text: tuple[str, ...]
    kind: SpaceKind
    kind_options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __init__(
        self,
        name: str,
        labels: Iterable[str | Label] | Mapping[str, str],
        guidelines: str = "",
        text: str | Sequence[str] = "text",
        kind: TaskKind = "single",
    ) -> None:
        if isinstance(labels, str):
            raise ConfigError(
                f"the labels of task {name!r} are one string, {labels!r}",
                fix="give a list of labels",
            )
        if isinstance(labels, Mapping):
            made = tuple(_named(n, name, str(d or "")) for n, d in labels.items())
        else:
            made = tuple(one if isinstance(one, Label) else _named(one, name) for one in labels)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "labels", made)
        object.__setattr__(self, "guidelines", guidelines)
        object.__setattr__(self, "text", (text,) if isinstance(text, str) else tuple(text))
        word, options = name_and_options(kind)
        object.__setattr__(self, "kind", "single" if word == _SINGLE_BEFORE else word)
        object.__setattr__(self, "kind_options", options)
        self._check()

    def _check(self) -> None:
        if not self.name.strip():
            raise ConfigError("the task has no name", fix="give it a short one")
        known = list(KINDS)
        if self.kind not in known:
            raise ConfigError(
                f"task {self.name!r} has the unknown kind {self.kind!r}",
                fix=f"the known kinds are {' and '.join(map(repr, known))}",
            )
        check_kind(self.kind_given)
        if len(self.labels) < 2:
            raise ConfigError(
                f"task {self.name!r} has {len(self.labels)} label(s)",
                fix="a task needs at least two",
            )
        seen: dict[str, int] = {}
        looks: dict[str, str] = {}
        for position, label in enumerate(self.labels):
            if not as_seen(label.name):
                raise ConfigError(
                    f"label {position + 1} of task {self.name!r} has an empty name",
                    fix="name it or remove it",
                )
            if label.name != label.name.strip():
                raise ConfigError(
                    f"label {label.name!r} of task {self.name!r} has space around its name",
                    fix="remove it; what a language model needs there goes into the prompt",
                )
            if label.name in seen:
                raise ConfigError(
                    f"labels {seen[label.name] + 1} and {position + 1} of task {self.name!r} "
                    f"are both named {label.name!r}",
                    fix="rename or remove one of them",
                )
            if len(label.name.splitlines()) > 1:
                raise ConfigError(
                    f"label {label.name!r} of task {self.name!r} has a line break in its name",
                    fix="write it on one line; longer words go into the description",
                )
            other = looks.setdefault(as_seen(label.name), label.name)
            if other != label.name:
                raise ConfigError(
                    f"labels {seen[other] + 1} and {position + 1} of task {self.name!r} look the "
                    f"same, and are written {other!a} and {label.name!a}",
                    fix="rename or remove one of them",
                )
            seen[label.name] = position
        words: dict[str, str] = {}
        for label in self.labels:
            for word in label.verbalizers:
                if not word.strip():
                    raise ConfigError(
                        f"label {label.name!r} of task {self.name!r} has an empty word",
                        fix="remove it",
                    )
                if len(word.splitlines()) > 1:
                    raise ConfigError(
                        f"label {label.name!r} of task {self.name!r} has the word {word!r}, which "
                        "has a line break in it",
                        fix="write it on one line",
                    )
                if words.get(word) == label.name:
                    raise ConfigError(
                        f"label {label.name!r} of task {self.name!r} has the word {word!r} twice",
                        fix="remove one of them",
                    )
                if word in words:
                    raise ConfigError(
                        f"labels {words[word]!r} and {label.name!r} of task {self.name!r} share "
                        f"the word {word!r}, so the language model could not tell them apart",
                        fix="give each label words of its own",
                    )
                words[word] = label.name
        if not self.text or not all(self.text):
            raise ConfigError(
                f"task {self.name!r} names no text column", fix="give the name of at least one"
            )
        if len(set(self.text)) < len(self.text):
            raise ConfigError(
                f"task {self.name!r} names a text column twice: {', '.join(self.text)}",
                fix="name each once",
            )

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The label names, in the order of the columns of every probability matrix."""
        return tuple(label.name for label in self.labels)

    @functools.cached_property
    def _columns(self) -> dict[str, int]:
        return {name: column for column, name in enumerate(self.names)}

    def index(self, name: str) -> int:
        """The column of a label.

        Raises:
            DataError: The task has no label of that name.
        """
        try:
            return self._columns[name]
        except KeyError:
            raise DataError(
                f"{name!r} is not a label of task {self.name!r}",
                fix=f"its labels are {', '.join(self.names)}",
            ) from None

    @property
    def kind_given(self) -> TaskKind:
        """The kind with its options, as a task of the same kind is made from."""
        return {"name": self.kind, **self.kind_options} if self.kind_options else self.kind

    @functools.cached_property
    def space(self) -> Space:
        """What an answer of this task is."""
        return make_space(self.kind_given, self.names, f"task {self.name!r}", self.earlier_names)

    @functools.cached_property
    def earlier_names(self) -> dict[str, tuple[str, ...]]:
        """For names that labels had before, and no label has now, what they may be now."""
        found: dict[str, tuple[str, ...]] = {}
        for label in self.labels:
            for name in label.was:
                if name not in self.names:
                    found[name] = (*found.get(name, ()), label.name)
        return found

    def match(self, value: object) -> Answer | None:
        """The answer that a value from outside stands for, None for an empty one.

        A label is the one to the letter, or else the one that differs in nothing but case, white
        space, Unicode form or the way a whole number is written; see `LabelMatcher`.

        Raises:
            DataError: It is no answer of the task, or could be two of them.
        """
        return self.space.match(value)

    def match_label(self, value: object) -> str | None:
        """The name of the one label that a value from outside stands for, None for an empty one.

        Raises:
            DataError: It is no label of the task, or could be two of them.
        """
        return self._labels.match(value)

    @functools.cached_property
    def _labels(self) -> Single:
        return Single(self.names, f"task {self.name!r}", self.earlier_names)

    def as_dict(self) -> dict[str, Any]:
        """The task as plain data, for the ledger and for fingerprints."""
        options = {"kind_options": dict(self.kind_options)} if self.kind_options else {}
        return {
            "name": self.name,
            **options,
            "kind": _SINGLE_BEFORE if self.kind == "single" else self.kind,
            "labels": [
                {"name": one.name, "description": one.description, "words": list(one.words)}
                for one in self.labels
            ],
            "guidelines": self.guidelines,
            "text": list(self.text),
        }

    @property
    def fingerprint(self) -> str:
        """A hash of all that makes two tasks different."""
        return fingerprint("task", self.as_dict())
