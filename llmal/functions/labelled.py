"""What the functions take as labelled rows: to be shown in a prompt, or learnt from."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from llmal.core.records import Answer, Item
from llmal.core.spelling import is_missing, written
from llmal.errors import DataError
from llmal.few_shot.chosen import ChosenPrompt
from llmal.functions.results import Demonstrations
from llmal.functions.rows import InputRows, Row, open_rows, text_id
from llmal.pool import Pool
from llmal.pool.columns import missing_column
from llmal.pool.readers import DETECTED, Reading
from llmal.task import Task

log = logging.getLogger("llmal.functions")


def chosen_prompt(demonstrations: Any) -> ChosenPrompt | None:
    """A prompt that was chosen before, as an object or by its file; None for anything else."""
    if isinstance(demonstrations, Demonstrations):
        return demonstrations.prompt
    if isinstance(demonstrations, ChosenPrompt):
        return demonstrations
    if isinstance(demonstrations, (str, os.PathLike)) and Path(demonstrations).suffix.lower() in (
        ".yaml",
        ".yml",
    ):
        return ChosenPrompt.load(os.fspath(demonstrations))
    return None


def with_own_ids(chosen: ChosenPrompt) -> ChosenPrompt:
    """The prompt with ids made from the texts, so that no text is its own demonstration."""
    return replace(
        chosen,
        demonstrations=with_text_ids(chosen.demonstrations),
        candidates=with_text_ids(chosen.candidates),
    )


def with_text_ids(items: Iterable[Item]) -> tuple[Item, ...]:
    """The items with ids made from their texts, as those of rows are."""
    times: Counter[str] = Counter()
    named: list[Item] = []
    for item in items:
        id = text_id(list(item.fields.values()) or [item.text])
        times[id] += 1
        named.append(replace(item, id=id if times[id] == 1 else f"{id}-{times[id]}"))
    return tuple(named)


def labelled_items(
    data: Any, text: Sequence[str], *, label: str = "label", what: str = "demonstrations"
) -> list[Item]:
    """Labelled rows as items whose label is in `gold`; rows without a label or a text are left out.

    Args:
        data: Pairs of a text and its label, items, or anything that `open_rows` takes.
        text: The text columns.
        label: The column of the labels.
        what: Name of the argument, for messages.

    Raises:
        DataError: A column is missing, or a label is no text or number.
    """
    return list(LabelledRows.of(data, text, label=label, what=what).items)


@dataclass(frozen=True)
class LabelledRows:
    """Labelled rows as items, and the rows themselves.

    Attributes:
        items: The items, the label in `gold`.
        rows: The row of each.
        text: The text columns.
        places: Where each stands, for messages.
        unlabelled: How many rows have no label.
    """

    items: tuple[Item, ...]
    rows: tuple[Row, ...]
    text: tuple[str, ...]
    places: tuple[str, ...]
    unlabelled: int

    @classmethod
    def of(
        cls,
        data: Any,
        text: str | Sequence[str] | None,
        *,
        label: str = "label",
        what: str = "data",
        reading: Reading = DETECTED,
    ) -> LabelledRows:
        """Read them; rows without a label or a text are left out.

        Args:
            data: Pairs of a text and its label, items, or anything that `open_rows` takes.
            text: The text columns; by default "text", or the only column beside the labels.
            label: The column of the labels.
            what: Name of the argument, for messages.
            reading: How a file is read.

        Raises:
            DataError: A column is missing, or a label is no text or number.
        """
        named = (text,) if isinstance(text, str) else None if text is None else tuple(text)
        table = _pairs_as_rows(data, named or ("text",), label, what)
        rows = open_rows(table, named, reading=reading, what=what, label=label)
        column = _label_column(data, rows, label)
        items: list[Item] = []
        kept: list[Row] = []
        places: list[str] = []
        unlabelled = 0
        times: Counter[str] = Counter()
        for number, row in rows.read():
            where = f"{rows.name}, {rows.unit} {number}"
            answer = _answer(row.get(column), where)
            if answer is None:
                unlabelled += 1
                continue
            item = rows.item(row)
            if isinstance(item, str):
                log.warning("%s: the row has a label and is left out, as %s", where, item)
                continue
            times[item.id] += 1
            id = item.id if times[item.id] == 1 else f"{item.id}-{times[item.id]}"
            items.append(replace(item, id=id, gold=answer))
            kept.append(row)
            places.append(where)
        return cls(tuple(items), tuple(kept), rows.text, tuple(places), unlabelled)


def _answer(value: Any, where: str) -> Answer | None:
    """An answer as it stands in a cell: a label, or a list of labels."""
    if not isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return label_name(value, where)
    names = [label_name(one, where) for one in value]
    return tuple(name for name in names if name is not None)


def label_name(value: Any, where: str) -> str | None:
    """A label as it is spelt in a cell, where no task says how; None for an empty cell.

    Raises:
        DataError: It is no text, number or truth value.
    """
    if is_missing(value):
        return None
    try:
        return written(value).strip() or None
    except (TypeError, ValueError) as error:
        fix = "write each label as a string"
        raise DataError(f"the label is {error}", where=where, fix=fix) from None


def matched(
    items: Sequence[Item],
    task: Task,
    what: str = "demonstrations",
    places: Sequence[str] | None = None,
) -> list[Item]:
    """The items with their labels as the task spells them.

    Args:
        items: Labelled ones.
        task: Whose labels they are.
        what: Name of the argument, for messages.
        places: Where each stands, if that is known.

    Raises:
        DataError: One is no label of the task, or could be two of them.
    """
    result: list[Item] = []
    for number, item in enumerate(items):
        try:
            result.append(replace(item, gold=task.match(item.gold)))
        except DataError as error:
            shown = item.text if len(item.text) < 40 else f"{item.text[:39]}…"
            where = what if places is None else places[number]
            raise DataError(error.what, where=f"{where}, {shown!r}", fix=error.fix) from None
    return result


def _label_column(data: Any, rows: InputRows, label: str) -> str:
    names = rows.names
    if label not in names and isinstance(data, Pool) and data.gold_column is not None:
        return data.gold_column
    if label not in names:
        raise missing_column(label, "label", names, rows.name)
    return label


def _pairs_as_rows(data: Any, text: Sequence[str], label: str, what: str) -> Any:
    """Pairs of a text and a label as rows; anything else as it is."""
    if isinstance(data, Demonstrations):
        return data.rows
    if isinstance(data, (str, bytes, os.PathLike, Pool)) or hasattr(data, "columns"):
        return data
    if isinstance(data, Mapping):
        # A label for each text, unless it is a table: columns with their lists.
        if all(isinstance(value, str) for value in data.values()) and len(text) == 1:
            data = list(data.items())
        else:
            return data
    if hasattr(data, "features") or not isinstance(data, Iterable):
        return data
    rows: list[Any] = []
    for number, pair in enumerate(data, start=1):
        if isinstance(pair, (Mapping, Item)):
            rows.append(pair)
            continue
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise DataError(
                f"row {number} is no pair of a text and its label",
                where=what,
                fix="give pairs, [('a text', 'its label')], rows, a frame or a file",
            )
        texts, name = pair
        cells = (texts,) if isinstance(texts, str) or len(text) == 1 else tuple(texts)
        if len(cells) != len(text):
            raise DataError(
                f"row {number} has {len(cells)} texts", where=what, fix=f"give {len(text)}"
            )
        rows.append({**dict(zip(text, cells, strict=True)), label: name})
    return rows
