"""What runs a labelling program: a process of its own, without anything of llmal in it.

It reads one JSON object from its input, `{"source", "texts", "module_names", "memory", "seconds"}`,
and writes one line of JSON: `{"votes": [...], "errors": {...}}`, or `{"fault": "..."}` where the
program as a whole cannot be used.

Between a program and this machine stand three walls. The source is compiled by RestrictedPython:
no names with an underscore in front, no imports but of a few modules, of which only what they name
as public. An audit hook of the interpreter, armed before the program is read and never disarmed,
refuses files, sockets, processes and imports, however they were reached. And the operating system
limits memory, seconds of the processor, open files, processes and what may be written.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import operator
import resource
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

ENTRY = "label"
_MISSING = object()
_SHOWN = 200
_MOST_ERRORS = 5
_REFUSED = (
    "open",
    "socket.",
    "subprocess.",
    "os.",
    "pty.",
    "shutil.",
    "ctypes.",
    "import",
    "resource.",
    "signal.",
    "fcntl.",
    "mmap.",
    "tempfile.",
    "glob.",
    "urllib.",
    "http.",
    "ftplib.",
    "sqlite3.",
    "winreg.",
    "sys._getframe",
    "sys.settrace",
    "sys.setprofile",
    "gc.",
    "code.",
    "cpython.",
)


_MORE_BUILTINS = (
    "all", "any", "dict", "enumerate", "filter", "frozenset", "iter", "list", "map", "max", "min",
    "next", "reversed", "set", "sum",
)  # fmt: skip
_IN_PLACE: Mapping[str, Callable[[Any, Any], Any]] = {
    "+=": operator.iadd,
    "-=": operator.isub,
    "*=": operator.imul,
    "/=": operator.itruediv,
    "//=": operator.ifloordiv,
    "%=": operator.imod,
    "&=": operator.iand,
    "|=": operator.ior,
    "^=": operator.ixor,
}


class Refused(PermissionError):
    """The program tried what no labelling program may do."""


def limit(memory: int, seconds: int) -> None:
    """Have the operating system limit this process.

    Args:
        memory: Most bytes of address space.
        seconds: Most seconds of the processor.
    """
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_NPROC, 0),
    ):
        # Not every system knows every limit; the audit hook stands behind each of them.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def arm() -> None:
    """Refuse files, sockets, processes and imports, from now on and for good."""

    def refuse(event: str, _: tuple[Any, ...]) -> None:
        if event.startswith(_REFUSED):
            raise Refused(f"a labelling program may not do that ({event})")

    sys.addaudithook(refuse)


def namespace(modules: Sequence[str]) -> dict[str, Any]:
    """What a program finds around it: safe builtins, and the public names of a few modules."""
    from RestrictedPython.Eval import default_guarded_getitem, default_guarded_getiter
    from RestrictedPython.Guards import (
        full_write_guard,
        guarded_iter_unpack_sequence,
        guarded_unpack_sequence,
        safe_builtins,
        safer_getattr,
    )

    public = {name: _public(import_module(name)) for name in modules}

    def importing(name: str, *_: Any, **__: Any) -> Any:
        if name not in public:
            raise ImportError(f"only {', '.join(public)} may be imported, not {name}")
        return public[name]

    def getattr_(value: Any, name: str) -> Any:
        found = safer_getattr(value, name, _MISSING)  # type: ignore[no-untyped-call]
        if found is _MISSING:
            raise AttributeError(f"{type(value).__name__} has no attribute {name!r}")
        return found

    return {
        "__builtins__": {
            **safe_builtins,
            **{name: getattr(builtins, name) for name in _MORE_BUILTINS},
            "__import__": importing,
        },
        "__name__": "program",
        "__metaclass__": type,
        "_getattr_": getattr_,
        "_getitem_": default_guarded_getitem,
        "_getiter_": default_guarded_getiter,
        "_iter_unpack_sequence_": guarded_iter_unpack_sequence,
        "_unpack_sequence_": guarded_unpack_sequence,
        "_inplacevar_": lambda sign, left, right: _IN_PLACE[sign](left, right),
        "_print_": _Silent,
        "_write_": full_write_guard,
    }


def _public(module: types.ModuleType) -> types.SimpleNamespace:
    """What a module is for, without the modules that it uses itself."""
    names = getattr(module, "__all__", None) or dir(module)
    values = {name: getattr(module, name) for name in names if not name.startswith("_")}
    return types.SimpleNamespace(
        **{name: value for name, value in values.items() if not isinstance(value, types.ModuleType)}
    )


class _Silent:
    """Takes what a program prints, and says it to nobody."""

    def __init__(self, getattr_: Any = None) -> None: ...

    def _call_print(self, *_: object, **__: object) -> None: ...

    def __call__(self) -> str:
        return ""


def code_of(source: str) -> types.CodeType:
    """The restricted code of a program.

    Raises:
        SyntaxError: It is no Python, or has what is not allowed.
    """
    from RestrictedPython.compile import compile_restricted_exec

    found = compile_restricted_exec(source, "<program>")
    if found.errors or found.code is None:
        raise SyntaxError("; ".join(found.errors))
    return found.code


def entry_of(space: dict[str, Any]) -> Callable[[Any], Any]:
    """The function of a program that was run.

    Raises:
        ValueError: It defines none.
    """
    entry = space.get(ENTRY)
    if not callable(entry):
        raise ValueError(f"it defines no function {ENTRY}")
    function: Callable[[Any], Any] = entry
    return function


def run(function: Callable[[Any], Any], texts: Sequence[Any]) -> dict[str, Any]:
    """What the function says of each text: a string, a number, or None; None where it failed."""
    votes: list[Any] = []
    errors: dict[str, int] = {}
    for text in texts:
        try:
            vote = function(text)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a stranger's program may raise anything
            name = _told(error)
            if name in errors or len(errors) < _MOST_ERRORS:
                errors[name] = errors.get(name, 0) + 1
            vote = None
        known = isinstance(vote, (str, int)) and not isinstance(vote, bool)
        votes.append(vote[:_SHOWN] if isinstance(vote, str) else vote if known else None)
    return {"votes": votes, "errors": errors}


def _told(error: BaseException) -> str:
    said = " ".join(str(error).split())[:_SHOWN]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def main() -> None:
    """Read, run, write."""
    asked = json.load(sys.stdin)
    output, sys.stdin = sys.stdout, io.StringIO()
    answer: dict[str, Any]
    try:
        space = namespace(asked["modules"])
        limit(asked["memory"], asked["seconds"])
        code = code_of(asked["source"])
        arm()
        exec(code, space)
        answer = run(entry_of(space), asked["texts"])
    except MemoryError:
        answer = {"fault": "it wanted more memory than it may have"}
    except BaseException as error:  # noqa: BLE001 - a stranger's program may raise anything
        answer = {"fault": _told(error)}
    output.write(json.dumps(answer) + "\n")
    output.flush()


if __name__ == "__main__":
    main()
