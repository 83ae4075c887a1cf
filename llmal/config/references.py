"""What a configuration points at: files, models, prompts and data sets, by path or by name."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from llmal.config.section import Section, Text, problem

_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)(.+)", re.DOTALL)


@dataclass(frozen=True)
class Surroundings:
    """What the values of a configuration are read in the light of: pydantic's context.

    Attributes:
        base: The directory that paths are relative to.
        stem: Name of the file without its ending: the name of a task that has none.
    """

    base: Path
    stem: str

    @classmethod
    def of(cls, info: ValidationInfo) -> Surroundings:
        """Those passed in, or the working directory for a configuration made in Python."""
        return info.context if isinstance(info.context, cls) else cls(Path.cwd(), "task")


def resolve(text: str, info: ValidationInfo) -> Path:
    """A path as it stands in the configuration, made absolute."""
    if not text:
        raise problem("expected a path, got ''")
    try:
        return (Surroundings.of(info).base / Path(text).expanduser()).resolve()
    except (RuntimeError, ValueError) as error:  # no such home directory; a null byte
        raise problem(f"{text!r} is not a path ({error})") from None


def kind_of(path: Path) -> Literal["file", "directory"] | None:
    """What is there; None if nothing is."""
    try:
        if path.is_dir():
            return "directory"
        return "file" if path.exists() else None
    except OSError as error:
        raise problem(f"{str(path)!r} cannot be looked at ({error.strerror})") from None


def _looks_local(text: str) -> bool:
    return text.startswith((".", "/", "~")) or text.count("/") > 1


def is_file_name(text: str) -> bool:
    """Whether a text that may be the name of something of llmal's names a YAML file."""
    return _looks_local(text) or text.endswith((".yaml", ".yml"))


def _missing(path: Path, what: str = "file") -> PydanticCustomError:
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = [one.name for one in path.parent.iterdir()]
    near = difflib.get_close_matches(path.name, names, n=1)
    fix = f"did you mean {near[0]!r}?" if near else "paths are relative to the configuration file"
    return problem(f"there is no {what} {str(path)!r}", fix)


def _path(value: Any, info: ValidationInfo) -> Any:
    return resolve(value, info) if isinstance(value, str) else value


def existing_or_name(text: str, info: ValidationInfo) -> str:
    """The absolute path of what is there; any other text that is no path is the name of a model."""
    path = resolve(text, info)
    if kind_of(path):
        return str(path)
    if _looks_local(text):
        raise _missing(path, "file or directory")
    return text


def _directory(text: str, info: ValidationInfo) -> str:
    path = resolve(text, info)
    if kind_of(path) != "directory":
        raise _missing(path, "directory")
    return str(path)


def _prompt(text: str, info: ValidationInfo) -> str:
    if not is_file_name(text):
        return text
    path = resolve(text, info)
    if kind_of(path) != "file":
        raise _missing(path)
    return str(path)


def _ledger(text: str, info: ValidationInfo) -> str:
    if "://" not in text:
        # The value may hold a password, so it is not repeated.
        raise problem(
            "expected the URL of a database",
            "such as postgresql+psycopg://user@host/name, or leave it out for SQLite in the run "
            "directory",
        )
    if found := _SQLITE.fullmatch(text):
        return f"{found[1]}{resolve(found[2], info)}"
    return text


class HubDataset(Section):
    """A data set of the Hugging Face hub, or in a local directory that `datasets` can read.

    Attributes:
        hub: Its name, or the path of the directory.
        split: Which split to read.
    """

    hub: Annotated[Text, AfterValidator(existing_or_name)]
    split: Text = "train"


def _data_source(value: Any, info: ValidationInfo) -> Path | HubDataset:
    if isinstance(value, (Path, HubDataset)):
        return value
    if isinstance(value, str) and value.startswith("hub:"):
        value = {"hub": value.removeprefix("hub:")}
    if isinstance(value, Mapping):
        split = "test" if info.field_name == "test" else "train"
        return HubDataset.model_validate({"split": split, **value}, context=info.context)
    if not isinstance(value, str):
        raise problem(
            "expected the path of a file or the name of a data set",
            "such as train.jsonl, hub:ag_news, or {hub: ag_news, split: train}",
        )
    path = resolve(value, info)
    if kind_of(path) == "directory":
        raise problem(
            f"{str(path)!r} is a directory, not a file",
            f"write {{hub: {value}}} if it holds a data set",
        )
    if kind_of(path) != "file":
        raise _missing(path)
    return path


LocalPath = Annotated[Path, BeforeValidator(_path)]
"""A path; nothing need be there yet."""

DataSource = Annotated[Path | HubDataset, BeforeValidator(_data_source)]
"""A file that exists, or a data set by name."""

ModelName = Annotated[Text, AfterValidator(existing_or_name)]
"""The absolute path of a model that exists, or its name on the hub."""

DirectoryName = Annotated[Text, AfterValidator(_directory)]
"""The absolute path of a directory that exists."""

PromptName = Annotated[Text, AfterValidator(_prompt)]
"""The absolute path of a prompt file that exists, or the name of a prompt of llmal's."""

LedgerURL = Annotated[str, AfterValidator(_ledger)]
"""The URL of a database, a relative SQLite path made absolute."""
