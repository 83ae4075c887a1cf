"""Labelling programs in processes of their own, which can touch nothing."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmal.errors import ConfigError, UnsupportedError

MODULES = ("collections", "itertools", "math", "re", "string", "unicodedata")
"""What a program may import."""

_CHILD = Path(__file__).with_name("child.py")
_AT_ONCE = 20_000
_SPARE = 10.0
"""Seconds for the start of a process, which are not the program's."""


@dataclass(frozen=True)
class Outcome:
    """What a program said.

    Attributes:
        votes: One for each text: a string, a whole number, or None where it abstains or failed.
        errors: Texts by what failed on them, the first few kinds.
        fault: Why the program as a whole cannot be used; None where it can.
    """

    votes: tuple[str | int | None, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict)
    fault: str | None = None


class Sandbox:
    """Runs programs that nobody has read.

    A program is the source of a function `label(text)`. It runs in a process of its own, without
    the environment of this one, in an empty folder, limited by the operating system in memory,
    time and open files; RestrictedPython compiles it, and an audit hook refuses files, sockets,
    processes and imports. `child.py` says more. Of CPython and its C modules nobody can promise
    that no way round exists: for programs by an enemy use a virtual machine.

    Args:
        seconds: Most seconds that a program may take for all texts together.
        memory: Most MB of its process.

    Raises:
        ConfigError: A limit is too low, or RestrictedPython is not installed.
        UnsupportedError: The operating system cannot limit a process.
    """

    def __init__(self, *, seconds: int = 10, memory: int = 512) -> None:
        for name, value, least in (("seconds", seconds, 1), ("memory", memory, 128)):
            if not isinstance(value, int) or value < least:
                raise ConfigError(
                    f"{name} is {value!r}", fix=f"give a whole number from {least} on"
                )
        if importlib.util.find_spec("resource") is None:
            raise UnsupportedError(
                "this operating system cannot limit what a process may use",
                fix="run labelling programs on Linux or macOS",
            )
        if importlib.util.find_spec("RestrictedPython") is None:
            raise ConfigError(
                "labelling programs need RestrictedPython, which is not installed",
                fix='pip install "llmal[programs]"',
            )
        self.seconds = seconds
        self.memory = memory

    def run(self, source: str, texts: Sequence[str | Mapping[str, str]]) -> Outcome:
        """What a program says of each text; after a fault it is not run on further ones.

        Args:
            source: Defines `label`, of one argument.
            texts: n texts, or for several text columns n mappings.
        """
        votes: list[str | int | None] = []
        errors: dict[str, int] = {}
        for start in range(0, max(len(texts), 1), _AT_ONCE):
            part = list(texts[start : start + _AT_ONCE])
            answer = self._answer(source, part)
            if answer.fault is not None:
                return answer
            if len(answer.votes) != len(part):
                return Outcome(fault=f"it gave {len(answer.votes)} answers for {len(part)} texts")
            votes += answer.votes
            for name, count in answer.errors.items():
                errors[name] = errors.get(name, 0) + count
        return Outcome(tuple(votes), errors)

    def _answer(self, source: str, texts: list[str | Mapping[str, str]]) -> Outcome:
        asked = {
            "source": source,
            "texts": texts,
            "modules": MODULES,
            "memory": self.memory * 2**20,
            "seconds": self.seconds,
        }
        with tempfile.TemporaryDirectory(prefix="llmal-program-") as folder:
            try:
                done = subprocess.run(
                    [sys.executable, "-I", "-B", "-X", "utf8", str(_CHILD)],
                    input=json.dumps(asked),
                    capture_output=True,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    timeout=self.seconds + _SPARE,
                    cwd=folder,
                    env={},
                    check=False,
                    start_new_session=True,
                )
            except subprocess.TimeoutExpired:
                return Outcome(fault=self._too_long(len(texts)))
        return self._read(done, len(texts))

    def _read(self, done: subprocess.CompletedProcess[str], count: int) -> Outcome:
        try:
            answer: Any = json.loads(done.stdout.splitlines()[-1])
            if "fault" in answer:
                return Outcome(fault=str(answer["fault"]))
            return Outcome(tuple(answer["votes"]), dict(answer["errors"]))
        except (ValueError, IndexError, KeyError, TypeError):
            if done.returncode in (-24, -9):  # SIGXCPU, and SIGKILL behind it
                return Outcome(fault=self._too_long(count))
            last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            return Outcome(fault=f"its process ended ({last[:200]})")

    def _too_long(self, count: int) -> str:
        return f"it took more than {self.seconds} seconds for {count} texts"
