"""What goes wrong in a database, in words for people."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

from sqlalchemy.exc import StatementError

from llmal.errors import LedgerError

_NOTHING_RECORDED = "nothing of this batch was recorded"
_KEPT = "what was recorded before is kept"

# A write that fails for other reasons on a disk this full fails because it is full: SQLite
# reports ENOSPC in its shared-memory file as a plain I/O error.
_FULL_BELOW_BYTES = 1 << 16


def explain(error: Exception, where: str, path: Path | None) -> LedgerError:
    """The `LedgerError` that says what a database error means and what to do about it.

    Args:
        error: What SQLAlchemy or the driver raised.
        where: The ledger, for the message.
        path: The file of an SQLite ledger.
    """
    cause = error.orig if isinstance(error, StatementError) and error.orig else error
    if isinstance(cause, UnicodeEncodeError):
        return LedgerError(
            f"a text holds characters that are no Unicode ({cause.reason}); {_NOTHING_RECORDED}",
            where=where,
            fix="clean the text, for example with text.encode('utf-8', 'replace').decode()",
        )
    if isinstance(cause, TypeError | ValueError):
        return LedgerError(
            f"a value cannot be recorded ({cause}); {_NOTHING_RECORDED}",
            where=where,
            fix="give plain numbers, strings, lists and dicts",
        )
    if isinstance(cause, sqlite3.Error):
        return _explain_sqlite(cause, where, path)
    if path is not None:
        return LedgerError(f"the ledger cannot be used ({cause})", where=where)
    return _explain_postgresql(cause, where)


def explain_os(error: OSError, where: str) -> LedgerError:
    """The `LedgerError` for a file or directory that the operating system refuses."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(where)
    reason = (error.strerror or str(error)).lower()
    return LedgerError(
        f"the directory of the ledger cannot be made or read ({reason})",
        where=where,
        fix="choose a directory that you may write to",
    )


def _full(where: str) -> LedgerError:
    return LedgerError(
        f"the disk is full: {_NOTHING_RECORDED}",
        where=where,
        fix=f"free some space and run again, {_KEPT}",
    )


def _locked(where: str) -> LedgerError:
    return LedgerError(
        f"the ledger is locked by another process; {_NOTHING_RECORDED}",
        where=where,
        fix=f"wait for that process or end it, and run again, {_KEPT}",
    )


def _read_only(where: str) -> LedgerError:
    return LedgerError(
        f"the ledger, or the directory that it is in, is read-only; {_NOTHING_RECORDED}",
        where=where,
        fix="make both writable, or choose another directory",
    )


def _explain_sqlite(error: sqlite3.Error, where: str, path: Path | None) -> LedgerError:
    # The low byte is the kind of the failure; the rest says more than anybody can act on.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_space(path)):
        return _full(where)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _locked(where)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return _read_only(where)
    if code == sqlite3.SQLITE_CANTOPEN:
        return LedgerError(
            "the ledger cannot be opened",
            where=where,
            fix="see that it is a file, and that you may read and write it and its directory",
        )
    if code == sqlite3.SQLITE_NOTADB:
        return not_a_ledger(where, "it is not a database")
    if code == sqlite3.SQLITE_CORRUPT:
        return LedgerError(
            f"the ledger is damaged ({error})",
            where=where,
            fix="put a copy in its place, or save what is readable with `sqlite3 FILE .recover`",
        )
    return LedgerError(f"the ledger cannot be used ({error})", where=where)


def _no_space(path: Path | None) -> bool:
    return path is not None and shutil.disk_usage(path.parent).free < _FULL_BELOW_BYTES


def _explain_postgresql(error: BaseException, where: str) -> LedgerError:
    state = getattr(error, "sqlstate", None)
    if state == "53100":
        return _full(where)
    if state in ("55P03", "40P01"):
        return _locked(where)
    if state in ("25006", "42501"):
        return _read_only(where)
    reason = " ".join(str(error).split())
    if state is None or state.startswith("08") or state.startswith("57P"):
        return LedgerError(
            f"the database cannot be reached ({reason})",
            where=where,
            fix=f"see that it runs and that the URL is right, and run again, {_KEPT}",
        )
    return LedgerError(f"the database refused ({reason}); {_NOTHING_RECORDED}", where=where)


def not_a_ledger(where: str, why: str) -> LedgerError:
    """The `LedgerError` for a database or file that holds something else."""
    return LedgerError(
        f"this is no ledger of llmal: {why}", where=where, fix="choose another file or directory"
    )
