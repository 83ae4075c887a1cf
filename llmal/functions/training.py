"""`llmal.train`: a learner from labelled rows, in one call."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from llmal.core.records import Item
from llmal.core.words import counted
from llmal.embed import Embedder, SentenceEmbedder
from llmal.errors import ConfigError, DataError
from llmal.functions.labelled import LabelledRows, matched
from llmal.functions.tasks import Labels, names_of, task_of
from llmal.learners import REGISTRY
from llmal.learners.protocol import Learner
from llmal.learners.saved import TextClassifier, write_labels
from llmal.learners.storage import FILE
from llmal.learners.words import words_offered
from llmal.pool.readers import DETECTED, Reading
from llmal.task import Task
from llmal.task.labels import look_alikes

log = logging.getLogger("llmal.functions")


@dataclass(frozen=True, repr=False)
class Trained:
    """What `llmal.train` gives back.

    Attributes:
        classifier: Takes texts and gives labels.
        items: How many labelled texts it was trained on.
        unlabelled: How many rows had no label and were left out.
        tested: How many it was tested on; 0 without a test.
        accuracy: The share of the test's labels that it gives; None without a test.
        macro_f1: The mean F1 of the labels on the test; None without a test.
        directory: Where it was saved; None if it was not.
    """

    classifier: TextClassifier
    items: int
    unlabelled: int = 0
    tested: int = 0
    accuracy: float | None = None
    macro_f1: float | None = None
    directory: Path | None = None

    def __repr__(self) -> str:
        return f"<Trained: {self}>"

    def __str__(self) -> str:
        kind = type(self.classifier.learner).__name__
        said = f"{kind}, trained on {counted(self.items, 'text')}"
        if self.unlabelled:
            said += f" ({counted(self.unlabelled, 'row')} without a label left out)"
        if self.accuracy is not None:
            said += (
                f"; {self.accuracy:.1%} of {counted(self.tested, 'test text')} right, macro-F1 "
                f"{self.macro_f1:.3f}"
            )
        return said


def train(
    data: Any,
    learner: Learner | str = "linear",
    *,
    options: Mapping[str, Any] | None = None,
    label: str = "label",
    text: str | Sequence[str] | None = None,
    labels: Labels | None = None,
    guidelines: str = "",
    test: Any = None,
    weights: str | None = None,
    directory: str | os.PathLike[str] | None = None,
    embedder: Embedder | str | None = None,
    seed: int = 0,
    encoding: str | None = None,
) -> Trained:
    """Train a learner on labelled rows, and test it on others.

    Args:
        data: Pairs of a text and its label, rows, a frame, a data set, a pool or a file; rows
            without a label are left out.
        learner: A name ("linear", "lora", "dynamic_soft_prompt", …), or a learner.
        options: Of a learner by name, such as `{"model": "smollm2-135m-instruct"}`.
        label: The column of the labels.
        text: The text column, or several, which are joined by a newline.
        labels: All labels of the task; by default those that occur.
        guidelines: What annotators must know; learners over language models start from them.
        test: Labelled rows to test it on, as `data`. Nothing is chosen by them.
        weights: A column of weights, such as the confidence of a machine's labels.
        directory: Where to save it, for `llmal.load_learner` and `llmal.predict`.
        embedder: For learners over embeddings; by default the sentence embedder.
        seed: For everything that is drawn.
        encoding: Of files.

    Raises:
        DataError: The data are not usable, there is a learner in the directory already, or nothing
            can be saved there.
        ConfigError: The learner or an option is unknown or not usable.
        LanguageModelError: A model cannot be found or loaded.
    """
    return training(
        data, learner, options=options, label=label, text=text, labels=labels,
        guidelines=guidelines, test=test, weights=weights, directory=directory, embedder=embedder,
        seed=seed, reading=Reading(encoding=encoding),
    )  # fmt: skip


def training(
    data: Any,
    learner: Learner | str = "linear",
    *,
    options: Mapping[str, Any] | None = None,
    label: str = "label",
    text: str | Sequence[str] | None = None,
    labels: Labels | None = None,
    guidelines: str = "",
    test: Any = None,
    weights: str | None = None,
    directory: str | os.PathLike[str] | None = None,
    embedder: Embedder | str | None = None,
    seed: int = 0,
    reading: Reading = DETECTED,
) -> Trained:
    """As `train`, for files that are read in a given way."""
    folder = None if directory is None else Path(directory)
    if folder is not None and (folder / FILE).exists():
        raise DataError("there is a trained learner here already", where=str(folder),
                        fix="name another directory, or remove it")  # fmt: skip
    if folder is not None:
        _check_writable(folder)
    rows = LabelledRows.of(data, text, label=label, reading=reading)
    if labels is None:
        if all(item.gold is None for item in rows.items):
            raise _no_label(label)
        _warn_of_look_alikes(rows.items)
    task = task_of(labels, text=rows.text, guidelines=guidelines, name="train",
                   seen=[item.gold for item in rows.items])  # fmt: skip
    items = matched(rows.items, task, "data", rows.places)
    if not items:
        raise _no_label(label)
    _warn_of_labels_without_items(items, task)
    made = _make(learner, options, task, seed)
    vectors = _embedder(embedder) if made.input == "embeddings" else None
    given: Any = [item.text for item in items]
    answers = task.space.targets([item.gold for item in items if item.gold is not None])
    made.fit(
        given if vectors is None else vectors.embed(given),
        answers,
        sample_weight=None if weights is None else _weights(rows, weights),
    )
    classifier = TextClassifier(made, task.names, task.text, vectors, kind=task.kind_given)
    if folder is not None:
        write_labels(folder, task, vectors)
        made.save(folder)
    if test is None:
        return Trained(classifier, len(items), rows.unlabelled, directory=folder)
    tested = LabelledRows.of(test, rows.text, label=label, what="test", reading=reading)
    asked = matched(tested.items, task, "test", tested.places)
    if not asked:
        raise DataError("no row of the test has a label", fix=f"fill in the column {label!r}")
    said = task.space.targets(classifier.predict([item.text for item in asked]))
    gold = task.space.targets([item.gold for item in asked if item.gold is not None])
    from sklearn.metrics import f1_score

    right = float((said == gold).mean())
    macro = float(f1_score(gold, said, average="macro", zero_division=0.0))
    return Trained(classifier, len(items), rows.unlabelled, len(asked), right, macro, folder)


def _check_writable(folder: Path) -> None:
    """Say before a training, and not after it, that nothing can be saved there."""
    place = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        what = "no directory" if not place.is_dir() else "not to be written to"
        raise DataError(f"no learner can be saved here: {str(place)!r} is {what}",
                        where=str(folder), fix="name another directory")  # fmt: skip


def _no_label(column: str) -> DataError:
    return DataError("no row has a label to train on", fix=f"fill in the column {column!r}")


def _warn_of_look_alikes(items: Sequence[Item]) -> None:
    """Say so where labels that occur differ in little, for they become classes of their own."""
    occurring = {name for item in items for name in names_of(item.gold)}
    for alike in look_alikes(sorted(occurring)):
        log.warning(
            "%s differ in case or spaces alone and become different classes; name all labels "
            "(--labels, or labels=) and they are read as one",
            " and ".join(map(repr, alike)),
        )


def _warn_of_labels_without_items(items: Sequence[Item], task: Task) -> None:
    """Say which labels nothing was labelled with: no learner can learn them."""
    seen = {name for item in items for name in names_of(item.gold)}
    missing = [name for name in task.names if name not in seen]
    if missing:
        log.warning(
            "no text has the label%s %s, so the learner never gives %s",
            "s" if len(missing) > 1 else "",
            ", ".join(map(repr, missing)),
            "them" if len(missing) > 1 else "it",
        )


def _embedder(given: Embedder | str | None) -> Embedder:
    if given is None:
        return SentenceEmbedder()
    return SentenceEmbedder(given) if isinstance(given, str) else given


def _make(
    learner: Learner | str, options: Mapping[str, Any] | None, task: Task, seed: int
) -> Learner:
    if not isinstance(learner, str):
        if options:
            raise ConfigError(
                "options are for a learner by name", fix="give the learner its own parameters"
            )
        return learner
    offers = {"seed": seed, "random_state": seed, **words_offered(task)}
    made: Learner = REGISTRY.make(learner, options, offers=offers)
    return made


def _weights(rows: LabelledRows, column: str) -> np.ndarray:
    found = []
    for item, row in zip(rows.items, rows.rows, strict=True):
        value = row.get(column)
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                value = None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise DataError(
                f"the weight of {item.text[:40]!r} is {row.get(column)!r}, no number",
                fix=f"fill the column {column!r} with numbers of at least 0",
            )
        found.append(float(value))
    return np.array(found)
