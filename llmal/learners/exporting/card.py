"""The model card of an exported learner."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from llmal.core.files import failures_to_write, write_whole
from llmal.errors import DataError
from llmal.learners.exporting.form import Form

CARD = "README.md"


@dataclass(frozen=True)
class Card:
    """What a model card says.

    Attributes:
        learner: The name of its class.
        names: Labels, in the order of the classes.
        counts: Items of each class that it was trained on; None where that was not recorded.
        base: The base model or embedder, by name.
        base_hash: What tells it from another of that name; empty where it is not known.
        settings: Parameters.
        metrics: What was measured, by whoever exports it.
    """

    learner: str
    names: Sequence[str]
    counts: Sequence[int] | None
    base: str
    base_hash: str
    settings: Mapping[str, Any]
    metrics: Mapping[str, Any] = field(default_factory=dict)

    def text(self, form: Form) -> str:
        """The card as Markdown, with what a model hub reads in front."""
        head = {
            "library_name": form.library,
            "pipeline_tag": form.task,
            "license": "unknown",
            "tags": ["llmal"],
        }
        of = f" of `{self.base_hash}`" if self.base_hash else ""
        counts = ["not recorded"] * len(self.names) if self.counts is None else self.counts
        each = zip(self.names, counts, strict=True)
        rows = [f"| {_cell(name)} | {count} |" for name, count in each]
        measured = [f"| {_cell(key)} | {_cell(value)} |" for key, value in self.metrics.items()]
        total = "" if self.counts is None else f", {sum(self.counts):,} in all"
        parts = [
            f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n",
            f"# {self.learner} over {self.base}\n",
            f"{form.what}\n\nWritten by llmal {_version()}.\n",
            "## Labels\n",
            f"The items that it was trained on, by class{total}:\n",
            "\n".join(["| label | items |", "|---|---|", *rows]) + "\n",
            "## Measured\n",
            "\n".join(["| measure | value |", "|---|---|", *measured]) + "\n"
            if measured
            else "Nothing: whoever exported it gave no figures.\n",
            "## Base model and licence\n",
            f"Base model: `{self.base}`, with the hash{of or ' not known'}. Its licence is not "
            "known to llmal; what was trained over it, and the data, may be bound by it.\n",
            "## Settings\n",
            f"```json\n{json.dumps(dict(self.settings), indent=2, default=str)}\n```\n",
            "## How to load it\n",
            f"From this folder:\n\n```python\n{form.code}\n"
            'classifier(["a text"])  # for each text a label and a score for every label\n```\n',
        ]
        return "\n".join(parts)


@contextlib.contextmanager
def whole_export(directory: str | os.PathLike[str]) -> Iterator[Path]:
    """A folder to export into, which is put in its place when it is whole.

    Raises:
        DataError: There is something in its place, or it cannot be written.
    """
    place = Path(directory).expanduser().absolute()
    try:
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise DataError(
                "there is something here already",
                where=str(place),
                fix="name another directory, or remove it",
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as half:
            whole = Path(half) / "whole"
            whole.mkdir()
            with failures_to_write():
                yield whole
            whole.replace(place)
    except OSError as error:
        raise DataError(
            f"the learner cannot be exported ({error.strerror or error})",
            where=str(place),
            fix="free some space, or check the folder's rights",
        ) from error


def write_card(directory: Path, card: Card, form: Form) -> None:
    """Write the card, in place of any that a library wrote; last, as it says that all is there."""
    write_whole(directory / CARD, card.text(form))


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _version() -> str:
    try:
        return version("llmal")
    except PackageNotFoundError:
        return "of a source tree"
