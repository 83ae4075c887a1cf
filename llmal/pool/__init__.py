"""The pool: the texts to be labelled, on disk and memory-mapped, never all in memory."""

from __future__ import annotations

from llmal.pool.pool import Pool

__all__ = ["Pool"]
