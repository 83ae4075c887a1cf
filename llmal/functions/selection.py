"""`llmal.select`: the rows to label next, in one call."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.default import AUTO, Calibrate
from llmal.core.records import Answer, Item, Usage
from llmal.core.spelling import is_missing
from llmal.core.tables import Column
from llmal.errors import ConfigError, DataError
from llmal.functions.annotating import Progress, renamed
from llmal.functions.annotation import shown_progress
from llmal.functions.labelled import label_name
from llmal.functions.models import CacheChoice, counting_model, embedder_of, opened_model
from llmal.functions.results import Picked
from llmal.functions.rows import InputRows, open_rows
from llmal.functions.selecting import Asking, Known, Picking
from llmal.functions.tasks import Labels, task_of
from llmal.pool import Pool
from llmal.pool.columns import Columns, missing_column
from llmal.pool.ids import read_id
from llmal.pool.label_file import LabelFile
from llmal.pool.readers import Numbered, Reading
from llmal.pool.sources import list_source
from llmal.pool.store import load
from llmal.prompting.asking import default_prompt
from llmal.prompting.templates import PromptTemplate, load_prompt
from llmal.run.budget import Budget
from llmal.selectors import Selection, Selector, make
from llmal.task import Task

if TYPE_CHECKING:
    from llmal.embed import Embedder
    from llmal.lm.protocol import LanguageModel, Normalise

ADDED = [Column("rank", "whole"), Column("score", "number"), Column("why")]


def select(
    data: Any,
    k: int,
    *,
    strategy: str | Selector = "typiclust",
    options: Mapping[str, Any] | None = None,
    text: str | Sequence[str] | None = None,
    labelled: Any = None,
    id: str | None = None,
    labels: Labels | None = None,
    guidelines: str = "",
    lm: LanguageModel | str | os.PathLike[str] | None = None,
    embedder: Embedder | str | os.PathLike[str] | None = None,
    prompt: str | Path | PromptTemplate | None = None,
    normalise: Normalise = "sum",
    style: str = "auto",
    calibrate: Calibrate = AUTO,
    budget: Budget | None = None,
    cache: CacheChoice = True,
    seed: int = 0,
    encoding: str | None = None,
    dry_run: bool = False,
    progress: bool | Progress = True,
) -> Picked:
    """Choose the k rows that are most worth labelling next.

    The picked rows come back best first, with their own columns and `rank`, `score` and `why`;
    `indices` says where each stands in the data. A row without a text is never picked, and one
    whose text is labelled or picked already only where there are no others.

        picks = llmal.select(frame, k=20, strategy="badge", labelled="label")
        frame.iloc[picks.indices]

    Args:
        data: As for `llmal.annotate`.
        k: How many.
        strategy: Name of a query strategy (`llmal strategies` lists them), or a selector.
        options: Options of a strategy that is given by name, such as {"neighbours": 10}.
        text: The text column, or several. By default "text", or the only column there is.
        labelled: The labels so far, which many strategies learn from: the name of a column of the
            data; a label or None for each row; a mapping of row numbers, from 0, to labels; or the
            path of a file with the columns `id` and `label`.
        id: The column of the data with the ids of that file; by default that of a pool, or "id".
        labels: All labels, as for `llmal.annotate`: for strategies that ask a language model, and
            where some label has not been seen yet.
        guidelines: What annotators must know.
        lm: As for `llmal.annotate`; only some strategies ask it.
        embedder: An embedder, its path or its name.
        prompt: Name of a prompt of llmal, path of a YAML file, or a `PromptTemplate`; by default
            the one for the kind of the task.
        normalise: How labels of several tokens are compared: "sum", "mean" or "first".
        style: "chat", "completion", or "auto".
        calibrate: As for `llmal.annotate`: what strategies that ask for labels make of the model's
            scores. "auto" fits on texts of the data; None or "none" leaves the scores as they are.
        budget: Limits of tokens and money: nobody is asked if picking could cost more.
        cache: As for `llmal.annotate`.
        seed: Same seed, same picks.
        encoding: Of a file.
        dry_run: Ask nobody and pick nothing: `cost` is then the most that it would cost.
        progress: Show it in a terminal; or a function that is told of it.

    Raises:
        LlmalError: Something is not usable, or the strategy lacks something that it needs.
    """
    rows = open_rows(data, text, reading=Reading(encoding=encoding))
    selector = make(strategy, **(options or {})) if isinstance(strategy, str) else strategy
    if options and not isinstance(strategy, str):
        raise ConfigError("options are for a strategy that is given by name", fix="leave them out")
    name = strategy if isinstance(strategy, str) else type(strategy).__name__
    task = None if labels is None else task_of(
        labels, text=rows.text, guidelines=guidelines, name="select"
    )  # fmt: skip
    if id is None:
        id = (data.id_column if isinstance(data, Pool) else None) or "id"
    seen = _labels_so_far(labelled, rows, id, task)
    asking: Asking | None = None
    if lm is not None:
        if task is None:
            raise ConfigError("a language model is asked about labels", fix="give labels=")
        template = load_prompt(default_prompt(task) if prompt is None else prompt)
        opened = counting_model if dry_run else functools.partial(opened_model, cache=cache)
        asking = Asking(lambda: opened(lm), task, template, style, normalise, calibrate)
    with contextlib.ExitStack() as stack:
        progressed = stack.enter_context(shown_progress(progress))
        pool, places = _pool_of(data, rows, stack)
        position_of = {int(place): position for position, place in enumerate(places)}
        placed = {position_of[place]: one for place, one in seen.items() if place in position_of}
        known = Known(
            np.array(list(placed), dtype=np.int64), tuple(placed.values()), name="labelled"
        )
        picking = Picking(
            pool,
            selector,
            k,
            name,
            task,
            known,
            embedder_of(embedder),
            asking=asking,
            seed=seed,
            budget=budget,
            on_progress=None if progressed is None else functools.partial(_step, progressed),
        )
        if dry_run:
            return picked(rows, None, (), picking.most())
        picks, usage = picking.pick()
        return picked(rows, picks, places[picks.indices], usage)


def _step(progress: Progress, what: str, done: int, total: int) -> None:
    progress(what, done, total, Usage())


def picked(
    rows: InputRows, picks: Selection | None, places: Sequence[int] | np.ndarray, usage: Usage
) -> Picked:
    """The picked rows, best first.

    Args:
        rows: All rows.
        picks: What was picked; None in a dry run, which picks nothing.
        places: Where each pick stands among the rows.
        usage: What that took.
    """
    called = renamed(ADDED, rows.names)
    indices = [int(place) for place in places]
    result = [
        {
            **{name: row.get(name) for name in rows.names},
            called["rank"]: number + 1,
            called["score"]: float(picks.scores[number]),
            called["why"]: picks.why[number],
        }
        for number, row in enumerate(rows.rows_at(indices))
        if picks is not None
    ]
    columns = [*rows.columns, *(Column(called[one.name], one.kind) for one in ADDED)]
    return Picked(
        result, columns, rows.text, called, usage,
        title="rows picked", origin=rows.origin, indices=indices,
    )  # fmt: skip


def _pool_of(data: Any, rows: InputRows, stack: contextlib.ExitStack) -> tuple[Pool, np.ndarray]:
    """The rows that have a text as a pool, and where each stands among all rows."""
    if isinstance(data, Pool):
        return data, np.arange(len(data), dtype=np.int64)
    places = [n for n, row in enumerate(rows) if isinstance(rows.item(row), Item)]

    def usable() -> Iterator[Numbered]:
        kept = iter(places)
        following = next(kept, None)
        for place, (line, row) in enumerate(rows.read()):
            if place == following:
                item = rows.item(row)
                assert isinstance(item, Item)
                yield line, {"id": str(place), **item.fields}
                following = next(kept, None)

    if not places:
        raise DataError("no row has a text", where=rows.name, fix="check which column is the text")
    # An id of ours, in the place of ids that may be missing or repeated.
    columns = Columns.of(rows.text, None, "id" if "id" not in rows.text else None)
    source = rows.source
    if source is None or source.version is None:
        cache = stack.enter_context(tempfile.TemporaryDirectory(prefix="llmal-select-"))
        source = replace(source or list_source([], None, None), identity="rows", version=None)
    else:
        cache, source = None, replace(source, identity=f"rows:{source.identity}")
    source = replace(source, name=rows.name, unit=rows.unit, rows=usable, uniform=True)
    return Pool(load(source, columns, cache)), np.array(places, dtype=np.int64)


def _labels_so_far(labelled: Any, rows: InputRows, id: str, task: Task | None) -> dict[int, Answer]:
    """The label of each row that has one, by its place."""
    if labelled is None:
        return {}
    if isinstance(labelled, str) and labelled in rows.names:
        cells = ((place, row.get(labelled)) for place, row in enumerate(rows))
        return _spelt(cells, task, f"labelled, column {labelled!r}")
    if isinstance(labelled, (str, os.PathLike)):
        return _labels_of_file(labelled, rows, id, task)
    if isinstance(labelled, Mapping):
        wrong = [one for one in labelled if not isinstance(one, int | np.integer)]
        wrong += [one for one in labelled if not wrong and not 0 <= int(one) < len(rows)]
        if wrong:
            raise DataError(
                f"labelled has the key {wrong[0]!r}", fix=f"give row numbers, 0 to {len(rows) - 1}"
            )
        return _spelt(((int(place), one) for place, one in labelled.items()), task, "labelled")
    if not isinstance(labelled, Iterable):
        raise DataError(
            f"labelled is of the type {type(labelled).__name__}",
            fix="give a column of the data, a label or None for each row, a mapping of row numbers "
            "to labels, or a file",
        )
    values = list(labelled)
    if len(values) != len(rows):
        raise DataError(
            f"there are {len(rows)} rows and {len(values)} values in labelled",
            fix="give a label or None for each row",
        )
    return _spelt(enumerate(values), task, "labelled")


def _spelt(cells: Iterable[tuple[int, Any]], task: Task | None, where: str) -> dict[int, Answer]:
    """Labels by place, as the task spells them; without one, as they are written."""
    found: dict[int, Answer] = {}
    for place, value in cells:
        name = _name(value, task, f"{where}, row {place}")
        if name is not None:
            found[place] = name
    return found


def _name(value: Any, task: Task | None, where: str) -> Answer | None:
    if task is None:
        return label_name(value, where)
    try:
        return task.match(value)
    except DataError as error:
        raise DataError(error.what, where=where, fix=error.fix) from None


def _labels_of_file(
    file: str | os.PathLike[str], rows: InputRows, id: str, task: Task | None
) -> dict[int, Answer]:
    """The labels of a file with the columns `id` and `label`; ids are compared to the letter."""
    if isinstance(file, str) and not Path(file).suffix:
        raise DataError(
            f"labelled names neither a column nor a file: {file!r}",
            fix=f"the columns are {', '.join(map(repr, rows.names))}",
        )
    if not Path(file).expanduser().is_file():
        raise DataError(
            "there is no such file", where=str(file), fix="check labelled, which names it"
        )
    if id not in rows.names:
        raise missing_column(id, "id", rows.names, rows.name)
    known = LabelFile.read(Path(file).expanduser(), _RowIds(rows, id), task)
    labels = dict(zip(known.ids, known.labels, strict=True))
    return {
        place: labels[name]
        for place, name in enumerate(_ids(rows, id))
        if name is not None and name in labels
    }


def _ids(rows: InputRows, column: str) -> Iterator[str | None]:
    """The id of each row; None where the cell is empty."""
    for row in rows:
        yield None if is_missing(row.get(column)) or row[column] == "" else read_id(row[column])


@dataclass(frozen=True)
class _RowIds:
    """The ids of rows, for a file of labels; rows may share one, and need not have any."""

    rows: InputRows
    column: str

    @property
    def source(self) -> str:
        return self.rows.name

    def ids(self) -> list[str]:
        return [name for name in _ids(self.rows, self.column) if name is not None]

    def positions(self, ids: Sequence[str]) -> NDArray[np.int64]:
        first: dict[str, int] = {}
        for place, name in enumerate(_ids(self.rows, self.column)):
            if name is not None:
                first.setdefault(name, place)
        missing = [one for one in ids if one not in first]
        if missing:
            raise DataError(f"there is no row with the id {missing[0]!r}", where=self.source)
        return np.array([first[one] for one in ids], dtype=np.int64)
