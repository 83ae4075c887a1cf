"""Copies of an SQLite ledger."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path
from urllib.parse import quote

from llmal.ledger.failures import explain, explain_os


def keep_copy(path: Path, version: int) -> Path:
    """Copy a ledger to a file beside it that is named by its version: whole, or not at all.

    Returns:
        The file.

    Raises:
        LedgerError: The disk is full, or the directory cannot be written to.
    """
    kept = path.with_name(f"{path.stem}.v{version}{path.suffix}")
    part = kept.with_name(f"{kept.name}.part")
    try:
        part.unlink(missing_ok=True)
        _back_up(path, part)
        _write_through(part)
        part.replace(kept)
        _write_through(path.parent)
    except sqlite3.Error as error:
        raise explain(error, str(kept), kept) from error
    except OSError as error:
        raise explain_os(error, str(kept)) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return kept


def copy_with_log(path: Path, place: Path) -> None:
    """Copy a ledger as it is at one moment, with what is still in its write-ahead log.

    Raises:
        OSError: A file cannot be read or written.
    """
    try:
        _back_up(path, place)
    except sqlite3.Error:
        # In a directory that cannot be written to, SQLite may not even read; nor does anybody else
        # write there.
        for name in (path.name, f"{path.name}-wal"):
            place.with_name(name).unlink(missing_ok=True)
            if path.with_name(name).exists():
                shutil.copyfile(path.with_name(name), place.with_name(name))


def _back_up(path: Path, place: Path) -> None:
    source = sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True)
    with contextlib.closing(source), contextlib.closing(sqlite3.connect(place)) as copy:
        source.backup(copy)


def _write_through(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
