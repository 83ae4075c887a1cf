"""Files that are whole or not there: written beside their place, and put there in one step."""

from __future__ import annotations

import contextlib
import json
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def write_whole(path: Path, content: bytes | str, *, durable: bool = True) -> None:
    """Write a file so that a reader, or a kill, finds the old one or the new one, never a part.

    A file that holds the same already is left alone, its time with it. Several processes may write
    the same file at once; one of them wins.

    Args:
        path: The file, in a folder that is there.
        content: Its bytes, or text that is written as UTF-8 with the line ends that it has.
        durable: Whether it must be on the disk when this returns, and outlive a loss of power; not
            needed for what can be made again.

    Raises:
        OSError: It cannot be written; the old one is as it was.
    """
    raw = content.encode("utf-8") if isinstance(content, str) else content
    if path.is_file() and path.read_bytes() == raw:
        return
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("xb") as file:
            file.write(raw)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def write_json(
    path: Path, content: Any, *, indent: int | None = None, sort_keys: bool = False
) -> None:
    """Write a file of JSON as `write_whole` does; characters other than ASCII stay readable.

    Raises:
        OSError: It cannot be written; the old one is as it was.
        TypeError: A value has no place in JSON.
    """
    write_whole(path, json.dumps(content, ensure_ascii=False, indent=indent, sort_keys=sort_keys))


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a file of JSON; an empty one if there is no file, or nothing usable in it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


@contextlib.contextmanager
def failures_to_write() -> Iterator[None]:
    """Turn what libraries in Rust raise where a file cannot be written into an OSError."""
    try:
        yield
    except Exception as error:  # tokenizers raises nothing narrower
        if found := re.search(r"os error (\d+)|code: (\d+)", str(error)):
            number = int(found[1] or found[2])
            raise OSError(number, os.strerror(number)) from error
        raise
