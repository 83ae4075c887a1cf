"""Rows as the pool of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Item
from llmal.errors import ConfigError, DataError
from llmal.functions.rows import InputRows, open_rows
from llmal.pool import Pool
from llmal.pool.columns import Columns, missing_column
from llmal.pool.readers import Numbered, Reading
from llmal.pool.sources import list_source
from llmal.pool.store import load


@dataclass(frozen=True)
class RunPool:
    """The rows of some data, and the pool of those that have a text.

    Attributes:
        rows: All rows.
        pool: Those with a text, in their order.
        places: Where each item of the pool stands among the rows, shape (N,), rising.
        errors: By the places of the other rows, why they are no items.
    """

    rows: InputRows
    pool: Pool
    places: NDArray[np.int64]
    errors: dict[int, str]


def open_run_pool(
    data: Any,
    *,
    text: str | Sequence[str] | None = None,
    gold: str | Sequence[str] | None = None,
    id: str | None = None,
    reading: Reading,
    needed: Sequence[str] = (),
) -> RunPool:
    """The pool of anything that a function takes as data.

    Ids are those of the data, as people find items by them; or they are made from the texts. Rows
    without a text are left out of the pool.

    Args:
        data: See `llmal.functions.rows.KNOWN`.
        text: The text column or columns; see `open_rows`.
        gold: The column of gold labels, or several; a pool says itself which it is.
        id: The column of ids; by default "id", if there is one.
        reading: How a file is read.
        needed: Columns that there must be.

    Raises:
        ConfigError: A pool is to have other columns than it has.
        DataError: The rows cannot be used, no row has a text, or a column is missing.
    """
    rows = open_rows(data, text, reading=reading)
    for column in needed:
        if column not in rows.names:
            raise missing_column(column, "machine", rows.names, rows.name)
    if isinstance(data, Pool):
        _check_pool(data, rows.text, gold, id)
        return RunPool(rows, data, np.arange(len(data), dtype=np.int64), {})
    items = [rows.item(row) for row in rows]
    errors = {place: one for place, one in enumerate(items) if isinstance(one, str)}
    if len(errors) == len(items):
        raise DataError("no row has a text", where=rows.name, fix="check which column is the text")

    def usable() -> Iterator[Numbered]:
        for place, (line, row) in enumerate(rows.read()):
            item = items[place]
            if isinstance(item, Item):
                yield line, {**row, **item.fields}

    source = rows.source or list_source([], None, None)
    source = replace(
        source,
        name=rows.name,
        unit=rows.unit,
        identity=f"rows with a text:{source.identity}",
        rows=usable,
    )
    store = load(source, Columns.of(rows.text, gold, id), None)
    places = [place for place in range(len(items)) if place not in errors]
    return RunPool(rows, Pool(store), np.array(places, dtype=np.int64), errors)


def _check_pool(
    pool: Pool, text: tuple[str, ...], gold: str | Sequence[str] | None, id: str | None
) -> None:
    golds = (gold,) if isinstance(gold, str) else tuple(gold or ())
    for name, wanted, own in (
        ("text", text, pool.text_columns),
        ("gold", golds or pool.gold_columns, pool.gold_columns),
        ("id", id or pool.id_column, pool.id_column),
    ):
        if wanted != own:
            raise ConfigError(
                f"{name} is {_listed(wanted)}, and the pool has {_listed(own)} as {name}",
                fix=f"leave {name} out, or make the pool with it",
            )


def _listed(names: str | Sequence[str] | None) -> str:
    if isinstance(names, str):
        return repr(names)
    return ", ".join(map(repr, names or ())) or "nothing"
