"""What a generated answer must look like, and how a text is read from it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, Protocol

from llmal.core.records import Item
from llmal.errors import ConfigError, DataError
from llmal.prompting.templates import to_one_line
from llmal.task import Task

StructureName = Literal["json", "line", "free"]

_LINE = r" ?[^\s][^\r\n]*\n?"
"""One line. A newline may end it, because base models end a text so; nothing may follow. The length
is bounded by `max_tokens`, not here: counting characters takes a state of the grammar for each."""


class Structure(Protocol):
    """The shape of an answer."""

    name: StructureName
    keys: tuple[str, ...]

    @property
    def format(self) -> Any:
        """The output type of outlines."""
        ...

    def write(self, item: Item) -> str:
        """A demonstration in the shape that an answer has; on one line, whatever its text."""
        ...

    def read(self, answer: str) -> tuple[str, ...]:
        """The text fields of an answer, stripped.

        Raises:
            DataError: The answer does not have this shape.
        """
        ...


class Line:
    """The text alone, on one line."""

    name: StructureName = "line"
    keys: tuple[str, ...] = ()

    @property
    def format(self) -> Any:
        """A regular expression."""
        from outlines.types import Regex

        return Regex(_LINE)

    def write(self, item: Item) -> str:
        """The text with its line breaks as spaces."""
        return to_one_line(item.text)

    def read(self, answer: str) -> tuple[str, ...]:
        """The line."""
        return (answer.strip(),)


class Free:
    """The text alone, not held to any shape: for models that show no tokens."""

    name: StructureName = "free"
    keys: tuple[str, ...] = ()
    format: Any = None

    def write(self, item: Item) -> str:
        """The text with its line breaks as spaces."""
        return to_one_line(item.text)

    def read(self, answer: str) -> tuple[str, ...]:
        """All of it."""
        return (answer.strip(),)


class Json:
    """A JSON object with one string for each text column.

    Args:
        columns: The text columns of the task.
    """

    name: StructureName = "json"

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self.keys = _keys(self._columns)

    @property
    def format(self) -> Any:
        """A pydantic model, which every backend takes, hosted chat models too."""
        from pydantic import ConfigDict, create_model

        fields: dict[str, Any] = dict.fromkeys(self.keys, (str, ...))
        return create_model("NewItem", __config__=ConfigDict(extra="forbid"), **fields)

    def write(self, item: Item) -> str:
        """The object on one line; quotes and line breaks of the text are escaped.

        Raises:
            DataError: The task has several text columns and the item lacks one.
        """
        if len(self._columns) == 1:
            values = [item.text]
        else:
            missing = [column for column in self._columns if column not in item.fields]
            if missing:
                raise DataError(
                    f"the demonstration {item.id!r} lacks the text column {missing[0]!r}",
                    fix="give demonstrations from a pool with all text columns of the task",
                )
            values = [item.fields[column] for column in self._columns]
        return json.dumps(dict(zip(self.keys, values, strict=True)), ensure_ascii=False)

    def read(self, answer: str) -> tuple[str, ...]:
        """The strings, in the order of the columns.

        Raises:
            DataError: It is not such an object.
        """
        try:
            content = json.loads(answer)
        except ValueError as error:
            raise DataError(f"the answer is not JSON ({error})") from error
        if not isinstance(content, dict):
            raise DataError(f"the answer is not a JSON object but a {type(content).__name__}")
        for key in self.keys:
            if not isinstance(content.get(key), str):
                raise DataError(f"the answer has no string {key!r}")
        return tuple(content[key].strip() for key in self.keys)


def make_structure(name: str, task: Task) -> Structure:
    """The structure of that name for a task.

    Raises:
        ConfigError: There is no such structure, or it cannot hold the task's text columns.
    """
    if name == "json":
        return Json(task.text)
    if name != "line":
        raise ConfigError(f"there is no structure {name!r}", fix="use json or line")
    if len(task.text) > 1:
        raise ConfigError(
            f"one line cannot hold the {len(task.text)} text columns of task {task.name!r}",
            fix="use the structure 'json'",
        )
    return Line()


def _keys(columns: Sequence[str]) -> tuple[str, ...]:
    """A column's own name where a pydantic field can have it, else the nearest one that can."""
    from pydantic import BaseModel

    keys: list[str] = []
    for column in columns:
        key = re.sub(r"\W", "_", column).strip("_") or "text"
        if key[0].isdigit():
            key = f"text_{key}"
        while key in keys or hasattr(BaseModel, key) or key.startswith("model_"):
            key = f"text_{key}"
        keys.append(key)
    return tuple(keys)
