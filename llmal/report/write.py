"""The report on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from llmal.core.files import write_whole
from llmal.errors import LlmalError
from llmal.report.html import render


def write_report(
    place: Path | str,
    figures: Mapping[str, Any],
    page: Callable[[Mapping[str, Any]], str] = render,
) -> Path:
    """Write the page and its figures as JSON beside it; returns the path of the page.

    Each file is replaced whole: a reader, or a crash, never meets half of one.

    Args:
        place: A directory, which gets `report.html` and `report.json`, or the path of the page,
            which ends in .html. Directories are made if they are not there.
        figures: What `figures.collect` made.
        page: Makes the page of them.

    Raises:
        LlmalError: The directory cannot be written to.
    """
    wanted = Path(place)
    is_page = wanted.suffix.lower() == ".html" and not wanted.is_dir()
    target = wanted if is_page else wanted / "report.html"
    text = page(figures)
    data = json.dumps(figures, ensure_ascii=False, indent=1, allow_nan=False)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target.with_suffix(".json"), data + "\n")
        write_whole(target, text)
    except OSError as error:
        raise LlmalError(
            f"the report cannot be written ({error.strerror or error})",
            where=str(target.parent),
            fix="make the directory writable and see that the disk has room, or name another --out",
        ) from error
    return target
