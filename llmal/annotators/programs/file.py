"""Labelling programs in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from llmal.core.files import write_json
from llmal.errors import DataError

_FORMAT = 1


@dataclass(frozen=True)
class Program:
    """The source of a function `label`.

    Attributes:
        name: What it is called in reports.
        source: Python.
        provenance: Who wrote it, with what.
    """

    name: str
    source: str
    provenance: Mapping[str, Any] = field(default_factory=dict)


def save_programs(path: str | os.PathLike[str], programs: Sequence[Program]) -> None:
    """Write programs as JSON.

    Raises:
        DataError: The file cannot be written.
    """
    content = {"format": _FORMAT, "programs": [asdict(one) for one in programs]}
    try:
        write_json(Path(path), content, indent=2)
    except OSError as error:
        raise DataError(
            f"the programs cannot be written ({error.strerror})", where=str(path)
        ) from error


def read_programs(path: str | os.PathLike[str]) -> list[Program]:
    """Read a file that `save_programs` wrote, or a Python file, which is one program.

    Raises:
        DataError: It is not there, or holds no programs.
    """
    path = Path(path).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise DataError(f"the programs cannot be read ({reason})", where=str(path)) from error
    if path.suffix == ".py":
        return [Program(path.stem, text)]
    try:
        content = json.loads(text)
        if content["format"] != _FORMAT:
            raise ValueError
        return [Program(**one) for one in content["programs"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            "it holds no labelling programs",
            where=str(path),
            fix="give a file that llmal wrote, or a Python file that defines label(text)",
        ) from error
