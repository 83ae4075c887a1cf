"""A JSON file that holds a list of objects, decoded one object at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from llmal.errors import DataError
from llmal.pool.text_file import TextFile

LONGEST = 1 << 24
"""Characters that one object of a JSON list, or one field of a CSV file, may have."""

_SPACE = re.compile(r"[ \t\n\r]*")


def not_json(error: ValueError | RecursionError, where: str) -> DataError:
    """The error for text that the JSON decoder refused."""
    detail = error.msg if isinstance(error, json.JSONDecodeError) else "it cannot be decoded"
    column = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
    return DataError(f"this is not valid JSON: {detail}{column}", where=where, fix="mend the row")


class JsonList:
    """Iterates over (line, object) of a list with bounded memory.

    Args:
        text: The file.

    Raises:
        DataError: The file is not a list of objects; the message names the line.
    """

    def __init__(self, text: TextFile) -> None:
        self._text = text
        self._chunks = text.chunks()
        self._decoder = json.JSONDecoder()
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        start = self._peek()
        if not start:
            return
        if start != "[":
            raise self._error(
                "the file is not a JSON list of objects",
                "put the rows in [ ], or name a file with one object a line .jsonl",
            )
        self._advance(self._at + 1)
        following = self._peek()
        while following != "]":
            if following != "{":
                raise self._error("an object is expected here", "write each row as an object")
            line = self._line
            yield line, self._object()
            following = self._peek()
            if following not in {",", "]"}:
                raise self._error("a comma or the closing ] is missing after an object")
            if following == ",":
                self._advance(self._at + 1)
                following = self._peek()
                if following == "]":
                    raise self._error("there is a comma before the closing ]")
        self._advance(self._at + 1)
        if self._peek():
            raise self._error("there is more after the closing ] of the list")

    def _object(self) -> dict[str, Any]:
        while True:
            try:
                row, end = self._decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                # Half an object at the end of the buffer looks like a mistake until more is read.
                if self._ended or len(self._buffer) - error.pos > LONGEST:
                    line = self._line + self._buffer.count("\n", self._at, error.pos)
                    raise not_json(error, f"{self._text.name}, line {line}") from None
                self._grow()
            except (ValueError, RecursionError) as error:
                raise not_json(error, f"{self._text.name}, line {self._line}") from None
            else:
                self._advance(end)
                made: dict[str, Any] = row
                return made

    def _peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            space = _SPACE.match(self._buffer, self._at)
            self._advance(space.end() if space else self._at)
            if self._at < len(self._buffer) or self._ended:
                return self._buffer[self._at : self._at + 1]
            self._grow()

    def _advance(self, to: int) -> None:
        self._line += self._buffer.count("\n", self._at, to)
        self._at = to

    def _grow(self) -> None:
        more = next(self._chunks, None)
        self._ended = more is None
        self._buffer, self._at = self._buffer[self._at :] + (more or ""), 0

    def _error(self, what: str, fix: str = "mend the file") -> DataError:
        return DataError(what, where=f"{self._text.name}, line {self._line}", fix=fix)
