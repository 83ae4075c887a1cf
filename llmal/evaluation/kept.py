"""What took long to measure or draw, kept in the run directory for the next time."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmal.core.files import write_json

log = logging.getLogger("llmal.evaluation")


def keep_json(file: Path, content: Mapping[str, Any]) -> None:
    """Keep what took a while; where nothing can be written it is made anew next time."""
    try:
        write_json(file, content, indent=1)
    except OSError as error:
        log.info("%s is not kept: %s", file, error.strerror or error)
