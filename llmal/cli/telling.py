"""What a command says, where it says it, and how it ends.

Results go to stdout; all else (progress, warnings, errors) goes to stderr, so that a result can be
piped on.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ParamSpec

import typer

from llmal.errors import LlmalError
from llmal.progress import say

FAILED = 1
WAITING = 3
INTERRUPTED = 130
BROKEN_PIPE = 141

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_P = ParamSpec("_P")


def tell_mistakes(command: Callable[_P, None]) -> Callable[_P, None]:
    """Make a command end with one sentence and an exit status instead of a traceback.

    With the command's option `debug`, or LLMAL_DEBUG set in the environment, the traceback is
    shown after all. What is no user's mistake keeps its traceback.
    """

    @functools.wraps(command)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> None:
        debug = bool(kwargs.get("debug")) or os.environ.get("LLMAL_DEBUG", "0") not in ("", "0")
        try:
            with _shown_warnings(), _untraced_interrupts():
                command(*args, **kwargs)
            sys.stdout.flush()
        except LlmalError as error:
            if debug:
                raise
            say(f"error: {error}")
            raise typer.Exit(FAILED) from None
        except KeyboardInterrupt:
            say("interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _abandon_stdout()
            raise typer.Exit(BROKEN_PIPE) from None
        except OSError as error:
            if debug or error.errno not in _NO_ROOM:
                raise
            where = f"{error.filename}: " if error.filename else ""
            _abandon_stdout()
            say(f"error: {where}{error.strerror}; free some space and run again")
            raise typer.Exit(FAILED) from None

    return guarded


def _abandon_stdout() -> None:
    """Drop what stdout could not take; Python would flush it again at its end, and complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Shown(logging.Handler):
    """Shows each warning of llmal's loggers once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._seen: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message not in self._seen:
            self._seen.add(message)
            say(f"warning: {message}")


@contextlib.contextmanager
def _shown_warnings() -> Iterator[None]:
    logger = logging.getLogger("llmal")
    handler = _Shown()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _is_no_interrupt(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], KeyboardInterrupt)


@contextlib.contextmanager
def _untraced_interrupts() -> Iterator[None]:
    """Keep the traceback of a Ctrl-C off stderr where a library's clean-up was what it hit.

    A library that is closing something logs what interrupts it and raises it again (SQLAlchemy's
    pool does); Python itself can only write it down, and drops it, in a finaliser. The first needs
    no second telling; the second is sent again, lest the key be pressed in vain.
    """
    last_resort = logging.lastResort
    before = sys.unraisablehook

    def hook(args: sys.UnraisableHookArgs) -> None:
        if isinstance(args.exc_value, KeyboardInterrupt):
            again = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT))
            again.daemon = True
            again.start()
        else:
            before(args)

    if last_resort is not None:
        last_resort.addFilter(_is_no_interrupt)
    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
        if last_resort is not None:
            last_resort.removeFilter(_is_no_interrupt)


@contextlib.contextmanager
def results_only_on_stdout(as_json: bool) -> Iterator[None]:
    """Send what libraries print to stderr, where stdout is to hold JSON and nothing else."""
    if not as_json:
        yield
        return
    with contextlib.redirect_stdout(sys.stderr):
        yield


def give(result: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Write the result of a command to stdout: as one line of JSON, or as text for people."""
    if as_json:
        from llmal.report.plain import plain

        print(json.dumps(plain(result)))
    else:
        # A text of the pool may hold what the terminal's encoding has no form for.
        encoding = sys.stdout.encoding or "utf-8"
        print(text.encode(encoding, "backslashreplace").decode(encoding))
