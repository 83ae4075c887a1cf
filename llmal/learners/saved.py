"""A trained learner with all that it takes to classify texts: label names and embedder."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.files import write_json
from llmal.core.records import Answer
from llmal.embed import REGISTRY as EMBEDDERS
from llmal.embed.protocol import ConfiguredEmbedder, Embedder
from llmal.embed.sentence import SentenceEmbedder
from llmal.errors import ConfigError, DataError
from llmal.learners.protocol import (
    ExportingLearner,
    Learner,
    TableLearner,
    no_form,
    thresholds_of,
)
from llmal.learners.storage import FILE, kind_and_parameters, saving
from llmal.task import Task
from llmal.task.spaces import Space, TaskKind, make_space
from llmal.task.spaces.thresholds import decide

LABELS_FILE = "labels.json"
FOLDER = "learner"
"""Where it stands in a run directory."""

_FORMAT = 1


def write_labels(directory: Path, task: Task, embedder: Embedder | None) -> None:
    """Write what the classes of a learner that was trained on columns of a task stand for.

    Args:
        directory: The folder of the learner.
        task: Its labels are the columns.
        embedder: Made the vectors that it was trained on; None for a learner that reads texts.

    Raises:
        DataError: The folder cannot be made or written to.
    """
    content: dict[str, Any] = {
        "format": _FORMAT,
        "task": task.name,
        "labels": list(task.names),
        "text": list(task.text),
        "embedder": None,
    }
    if task.kind != "single":
        content["kind"] = task.kind_given
    if embedder is not None:
        made = embedder.configuration if isinstance(embedder, ConfiguredEmbedder) else None
        content["embedder"] = {**(made or {}), "fingerprint": embedder.fingerprint}
    with saving(directory):
        # The same in every round of a run, and then left alone.
        write_json(directory / LABELS_FILE, content, indent=2)


@dataclass(frozen=True)
class TextClassifier:
    """A trained learner that takes texts and gives label names.

    Attributes:
        learner: The learner.
        labels: Names of all labels of the task; the columns of `predict_proba`.
        text: The text columns that it was trained on.
        embedder: Makes its vectors; None for a learner that reads texts.
        source: The folder that it was loaded from.
        kind: What an answer is.
    """

    learner: Learner
    labels: tuple[str, ...]
    text: tuple[str, ...] = ("text",)
    embedder: Embedder | None = None
    source: str = ""
    kind: TaskKind = "single"

    @functools.cached_property
    def space(self) -> Space:
        """What an answer is."""
        return make_space(self.kind, self.labels, "the learner")

    @property
    def classes_(self) -> NDArray[np.str_]:
        """Shape (C,): the labels, as scikit-learn calls them."""
        return np.array(self.labels)

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities, shape (n, C); a label that was not seen in training has zero.

        Raises:
            DataError: The texts are not usable.
            LanguageModelError: The embedder cannot be loaded.
        """
        result = np.zeros((len(texts), len(self.labels)))
        if not len(texts):
            return result
        inputs: Any = list(texts) if self.embedder is None else self.embedder.embed(list(texts))
        result[:, self._columns()] = self.learner.predict_proba(inputs)
        return result

    def predict(self, texts: Sequence[str]) -> list[Answer]:
        """The most probable label of each text; a tuple of labels, where a text takes several."""
        return self.answers(self.predict_proba(texts))

    def answers(self, probabilities: NDArray[np.float64]) -> list[Answer]:
        """The answers that probabilities, shape (n, C), speak for."""
        thresholds = thresholds_of(self.learner)
        return self.space.answers(decide(self.space, probabilities, thresholds))

    def export(
        self,
        directory: str | Path,
        *,
        merge: bool = True,
        metrics: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the learner as a folder that other libraries load, with a model card.

        Args:
            directory: An empty folder, or none yet.
            merge: Whether low-rank updates go with their model, as one; else a PEFT adapter alone.
            metrics: What the card says was measured.

        Raises:
            DataError: It was trained on a single class, or the folder holds something.
            UnsupportedError: No other library computes the same.
            ConfigError: A package is missing.
        """
        if not isinstance(self.learner, ExportingLearner):
            raise no_form(self.learner)
        names = [self.labels[column] for column in self._columns()]
        own: dict[str, Any] = {"merge": merge}
        if self.embedder is not None:
            own = {"embedder": self.embedder}
        self.learner.export(directory, names=names, metrics=metrics, **own)

    def _columns(self) -> list[int]:
        classes = self.learner.classes_.tolist()
        if all(isinstance(one, str) for one in classes):
            return [self.labels.index(one) for one in classes]
        return [int(one) for one in classes]


def load_learner(
    path: str | Path,
    *,
    labels: Sequence[str] | None = None,
    embedder: Embedder | str | None = None,
) -> TextClassifier:
    """Load a trained learner, to classify texts with it.

    Args:
        path: The folder of the learner, or the directory of a run.
        labels: Names of the labels in the order of the task, for a learner that was saved without.
        embedder: The embedder, its path or its name, in the place of the one that was kept.

    Raises:
        DataError: There is no learner, or it cannot be used: its labels are not known, or the
            embedder is not the one that it was trained with.
        ConfigError: The names are too few, or not those that were kept.
    """
    from llmal.learners import REGISTRY

    folder = learner_folder(path)
    name, parameters = kind_and_parameters(folder)
    learner: Learner = REGISTRY.get(name)(**parameters).load(folder)
    kept = _kept(folder)
    own = tuple(kept.get("labels", ()))
    if labels is not None and own and tuple(labels) != own:
        raise ConfigError(
            f"the learner was trained on the labels {', '.join(own)}, not on {', '.join(labels)}",
            where=str(folder),
            fix="leave labels out",
        )
    names = own if labels is None else tuple(labels)
    names = names or _own_names(learner)
    if not names:
        raise DataError(
            "the learner was saved without the names of its labels",
            where=str(folder),
            fix="give labels=, the names in the order of the task",
        )
    classes = learner.classes_.tolist()
    largest = max((one for one in classes if isinstance(one, int)), default=-1)
    unknown = [one for one in classes if isinstance(one, str) and one not in names]
    if largest >= len(names) or unknown:
        raise ConfigError(
            f"{len(names)} names of labels do not cover the classes of the learner "
            f"({', '.join(map(str, classes))})",
            where=str(folder),
            fix="give the names of all labels in the order of the task",
        )
    made = _embedder(folder, learner, kept.get("embedder") or {}, embedder)
    kind: TaskKind = kept.get("kind") or ("multi" if _on_tables(learner) else "single")
    text = tuple(kept.get("text", ("text",)))
    return TextClassifier(learner, names, text, made, str(folder), kind)


def _on_tables(learner: Learner) -> bool:
    return isinstance(learner, TableLearner) and learner.multilabel_


def is_learner(path: str | Path) -> bool:
    """Whether there is a trained learner, in this folder or in that of a run."""
    place = Path(path).expanduser()
    return (place / FILE).is_file() or (place / FOLDER / FILE).is_file()


def learner_folder(path: str | Path) -> Path:
    """The folder of a learner, given itself or the directory of a run.

    Raises:
        DataError: There is no trained learner.
    """
    path = Path(path).expanduser()
    for place in (path, path / FOLDER):
        if (place / FILE).is_file():
            return place
    what = "there is no trained learner here" if path.exists() else "there is no such directory"
    fix = f"give a run directory, or the folder that holds {FILE}"
    if (path / "config.yaml").is_file():
        fix = "go on with the run: its learner is trained when its first round is answered"
    raise DataError(what, where=str(path), fix=fix)


def _kept(folder: Path) -> dict[str, Any]:
    """What `write_labels` wrote; nothing for a learner that was saved without it."""
    path = folder / LABELS_FILE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise DataError(
            "the names of the labels cannot be read",
            where=str(path),
            fix="remove the file and give labels=, or train again",
        )
    return content


def _own_names(learner: Learner) -> tuple[str, ...]:
    classes = learner.classes_.tolist()
    return tuple(classes) if all(isinstance(one, str) for one in classes) else ()


def _embedder(
    folder: Path, learner: Learner, kept: dict[str, Any], given: Embedder | str | None
) -> Embedder | None:
    if learner.input == "texts":
        return None
    name, fingerprint = kept.get("model"), kept.get("fingerprint")
    if given is None and kept.get("name", name) is None:
        raise DataError(
            "the learner reads embeddings, and which embedder made them is not known",
            where=str(folder),
            fix="give embedder=",
        )
    made: Embedder
    if isinstance(given, str):
        made = SentenceEmbedder(given)
    elif given is not None:
        made = given
    else:
        # A learner of before embedders had names has that of the model alone.
        options = {key: value for key, value in kept.items() if key not in ("name", "fingerprint")}
        made = EMBEDDERS.make(kept.get("name", "sentence"), options)
    if fingerprint is not None and made.fingerprint != fingerprint:
        raise DataError(
            f"the learner was trained on embeddings of {name or 'another embedder'} "
            f"({fingerprint}), and these are of another ({made.fingerprint})",
            where=str(folder),
            fix="give the embedder that it was trained with",
        )
    return made
