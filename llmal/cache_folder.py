"""Where llmal keeps what can be made or fetched again: imports, embeddings, models."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder that LLMAL_CACHE names, or else ~/.cache/llmal."""
    return Path(os.environ.get("LLMAL_CACHE") or "~/.cache/llmal").expanduser().absolute()
