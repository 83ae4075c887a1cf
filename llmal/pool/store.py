"""Imported pools in the cache directory: made once, opened by memory-mapping."""

from __future__ import annotations

import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.cache_folder import cache_folder, hold_lock
from llmal.core.fingerprint import fingerprint
from llmal.errors import DataError
from llmal.pool.columns import Columns
from llmal.pool.index import IdIndex, Positions, content_id
from llmal.pool.ingest import ingest
from llmal.pool.layout import FORMAT, ROWS, Layout
from llmal.pool.readers import Numbered

_log = logging.getLogger("llmal.pool")


@dataclass(frozen=True)
class Source:
    """Where rows come from.

    Attributes:
        name: What to call it in messages.
        unit: What its rows are counted in: "line" or "row".
        identity: Names the source in the cache, whatever its content.
        version: Changes when the content does; None if it is known only once the rows are read.
        rows: Reads the (line, row) pairs from the start.
        unchanged: Checks after the import that the content is still that of `version`.
        uniform: Whether every row has the columns of the first.
    """

    name: str
    unit: str
    identity: str
    version: str | None
    rows: Callable[[], Iterator[Numbered]]
    unchanged: Callable[[], None] = lambda: None
    uniform: bool = True


@dataclass(frozen=True)
class Store:
    """An imported pool, opened. Everything large in it is memory-mapped.

    Attributes:
        layout: Its description.
        dataset: The rows, a `datasets.Dataset` of strings.
        arrays: The arrays that `Layout` lists, by name.
    """

    layout: Layout
    dataset: Any
    arrays: dict[str, NDArray[Any]]
    _views: dict[tuple[str, ...], Any] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path) -> Store | None:
        """Open a folder; None if it is not whole."""
        from datasets import Dataset

        layout = Layout.read(folder)
        if layout is None:
            return None
        arrays = {
            one.stem: np.load(one, mmap_mode="r", allow_pickle=False)
            for one in folder.glob("*.npy")
        }
        return cls(layout, Dataset.from_file(str(folder / ROWS)), arrays)

    def read(self, positions: Positions, columns: Sequence[str]) -> list[list[Any]]:
        """The values of some columns at some positions, one list for each column."""
        key = tuple(columns)
        if key not in self._views:
            self._views[key] = self.dataset.with_format("arrow", columns=list(key))
        if len(positions) == 0:
            return [[] for _ in key]
        first, last = int(positions[0]), int(positions[-1])
        consecutive = last - first + 1 == len(positions) and bool(np.all(np.diff(positions) == 1))
        table = self._views[key][range(first, last + 1) if consecutive else positions]
        return [table.column(name).to_pylist() for name in key]

    def ids(self, positions: Positions) -> list[str]:
        """The ids at some positions."""
        if not self.layout.content_ids:
            return [str(one) for one in self.read(positions, ["id"])[0]]
        rows, numbers = self.arrays["suffixes"]
        slots = np.searchsorted(rows, positions)
        known = slots < len(rows)
        known[known] = rows[slots[known]] == positions[known]
        suffix = np.ones(len(positions), dtype=np.int64)
        suffix[known] = numbers[slots[known]]
        high = self.arrays["content"][positions].tolist()
        return [content_id(one, number) for one, number in zip(high, suffix.tolist(), strict=True)]

    def find(self, ids: Sequence[str]) -> Positions:
        """The position of each id, -1 for one that is not there."""
        index = IdIndex(self.arrays["id_hashes"], self.arrays["id_order"])
        return index.find(ids, self.ids)


def load(
    source: Source,
    columns: Columns,
    cache: str | os.PathLike[str] | None,
    *,
    warn: bool = True,
) -> Store:
    """Open the imported pool of a source, importing it first if that was not done yet.

    The import is written beside its place and renamed, so that a kill leaves nothing half-written
    there; a lock lets one process import while others wait. Imports of earlier versions of
    the source are removed.

    Args:
        source: The rows.
        columns: What their columns are.
        cache: The cache directory; None for the usual one.
        warn: Whether to tell what a person should know of the texts.

    Raises:
        DataError: The source cannot be used, or the cache directory cannot be written.
    """
    folder = _cache_folder(cache) / "pools"
    key = [FORMAT, source.identity, columns.text, columns.gold, columns.id]
    slot = fingerprint("import of a pool", key)
    with _locked(folder, slot):
        store = None
        if source.version is not None:
            place = folder / f"{slot}-{source.version}"
            store = Store.open(place) if place.exists() else None
            if store is None and place.exists():
                _log.warning("%s: the imported copy in %s is damaged", source.name, place)
        if store is None:
            store = _import(source, columns, folder, slot)
    store = replace(store, layout=replace(store.layout, name=source.name))
    for warning in store.layout.warnings() if warn else ():
        _log.warning("%s", warning)
    return store


def _import(source: Source, columns: Columns, folder: Path, slot: str) -> Store:
    for left in folder.glob(f"{slot}.part-*"):
        shutil.rmtree(left, ignore_errors=True)
    part = folder / f"{slot}.part-{uuid.uuid4().hex}"
    try:
        part.mkdir()
        ingest(source.rows(), part, columns, source.name, source.unit, source.uniform)
        source.unchanged()
        layout = Layout.read(part)
        version = source.version or (layout.fingerprint if layout else "")
        place = folder / f"{slot}-{version}"
        if source.version is not None:
            for old in folder.glob(f"{slot}-*"):
                shutil.rmtree(old, ignore_errors=True)
        elif Store.open(place) is None:
            shutil.rmtree(place, ignore_errors=True)
        if not place.exists():
            part.replace(place)
        store = Store.open(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    if store is None:
        raise DataError("the imported pool cannot be read back", where=str(place), fix=_CACHE)
    return store


_CACHE = "make room there, or set LLMAL_CACHE to another directory"


def _cache_folder(cache: str | os.PathLike[str] | None) -> Path:
    return Path(cache).expanduser().absolute() if cache else cache_folder()


@contextmanager
def _locked(folder: Path, slot: str) -> Iterator[None]:
    """Hold the lock of one imported pool; failures to write become a DataError."""
    waiting = "another process imports the same pool; waiting for it"
    try:
        with hold_lock(folder / f"{slot}.lock", _log, waiting, seconds=2):
            yield
    except OSError as error:
        # Arrow puts sentences of its own where the system's should stand.
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise DataError(
            f"the cache directory cannot be written ({reason})",
            where=str(folder),
            fix=_CACHE,
        ) from None
