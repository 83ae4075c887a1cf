"""`llmal select`."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from llmal.cli.progress import ProgressDisplay
from llmal.cli.tables import Column, check_output, text_columns, write_table
from llmal.cli.telling import give, results_only_on_stdout
from llmal.embed import SentenceEmbedder, embed_pool
from llmal.errors import DataError, SelectionError
from llmal.pool import Pool
from llmal.pool.readers import format_of, read_rows
from llmal.selectors import REGISTRY, RoundState

if TYPE_CHECKING:
    from llmal.selectors import Selection

_CHUNK = 8192
_TAKEN = ("rank", "id", "score", "why")


def select(
    *,
    data: Path,
    strategy: str,
    k: int,
    labels: Path | None,
    text: tuple[str, ...],
    id: str | None,
    embedder: str | None,
    seed: int,
    out: Path,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Choose items of a file, outside a run."""
    format = check_output(out, force=force)
    made = REGISTRY.get(strategy)
    options = {"seed": seed} if "seed" in inspect.signature(made).parameters else {}
    selector = made(**options)
    with (
        results_only_on_stdout(as_json),
        ProgressDisplay(quiet=quiet) as progress,
        tempfile.TemporaryDirectory(prefix="llmal-select-") as scratch,
    ):
        pool = Pool.from_file(data, text=list(text), id=id)
        positions, names = _labelled(pool, labels)
        classes, columns = np.unique(names, return_inverse=True)
        signals = _Signals(pool, embedder, Path(scratch) / "embeddings.npy", progress)
        if "lm_scores" in selector.requires:
            raise SelectionError(
                f"the strategy {strategy} needs a language model", fix="use it in a run"
            )
        if "probabilities" in selector.requires:
            if len(classes) < 2:
                raise SelectionError(
                    f"the strategy {strategy} learns from labels, and there are items of "
                    f"{len(classes)} labels",
                    fix="give --labels with two labels or more, or use random, kmeans or typiclust",
                )
            signals.learn(positions, columns, seed)
        state = RoundState.from_pool(
            pool,
            labelled=positions,
            labels=columns.astype(np.int64),
            embeddings=signals.embeddings,
            probabilities=signals.probabilities,
        )
        picks = selector.select(state, k, np.random.default_rng(seed))
        called = text_columns(pool.text_columns, _TAKEN)
        table = [
            Column("rank", "whole"),
            Column("id"),
            *(Column(one) for one in called.values()),
            Column("score", "number"),
            Column("why"),
        ]
        write_table(out, format, table, _rows(pool, picks, called))
    result = {
        "out": str(out),
        "strategy": strategy,
        "seed": seed,
        "items": len(picks),
        "pool": len(pool),
        "labelled": len(positions),
        "ids": pool.ids(picks.indices),
    }
    give(result, f"{len(picks):,} of {len(pool):,} items are picked: {out}", as_json=as_json)


def _rows(pool: Pool, picks: Selection, called: dict[str, str]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(picks), _CHUNK):
        items = pool.items(picks.indices[start : start + _CHUNK])
        for rank, item in enumerate(items, start):
            yield {
                "rank": rank + 1,
                "id": item.id,
                **{called[name]: text for name, text in item.fields.items()},
                "score": float(picks.scores[rank]),
                "why": picks.why[rank],
            }


def _labelled(pool: Pool, file: Path | None) -> tuple[NDArray[np.int64], list[str]]:
    """Positions and labels from a file with the columns `id` and `label`."""
    if file is None:
        return np.zeros(0, dtype=np.int64), []
    name = str(file)
    if not file.is_file():
        raise DataError("there is no such file", where=name, fix="check --labels")
    format_of(file, name)
    found: dict[str, tuple[int, str]] = {}
    for line, row in read_rows(file, name):
        where = f"{name}, line {line}"
        for column in ("id", "label"):
            if row.get(column) is None:
                raise DataError(
                    f"the row has no {column!r}", where=where, fix="give the columns id and label"
                )
        if str(row["label"]) == "":
            continue
        known = found.setdefault(str(row["id"]), (line, str(row["label"])))
        if known[1] != str(row["label"]):
            raise DataError(
                f"item {row['id']!r} has another label on line {known[0]}",
                where=where,
                fix="keep one of them",
            )
    try:
        positions = pool.positions(list(found))
    except DataError:
        for one, (line, _) in found.items():
            _position(pool, one, f"{name}, line {line}")
        raise
    return positions, [label for _, label in found.values()]


def _position(pool: Pool, id: str, where: str) -> None:
    try:
        pool.positions([id])
    except DataError:
        raise DataError(
            f"there is no item with the id {id!r} in {pool.source}",
            where=where,
            fix="check that the labels are of this file; --id names its id column",
        ) from None


class _Signals:
    """What selectors ask for, computed when they do."""

    def __init__(
        self, pool: Pool, model: str | None, file: Path, progress: ProgressDisplay
    ) -> None:
        self._pool = pool
        self._embedder = SentenceEmbedder() if model is None else SentenceEmbedder(model)
        self._file = file
        self._progress = progress
        self._matrix: NDArray[np.float32] | None = None
        self._learner: Any = None

    def embeddings(self) -> NDArray[np.float32]:
        if self._matrix is None:
            self._matrix = embed_pool(
                self._pool,
                self._embedder,
                self._file,
                on_progress=lambda done, total: self._progress.step("embedding", done, total),
            )
        return self._matrix

    def learn(self, positions: NDArray[np.int64], columns: NDArray[np.int64], seed: int) -> None:
        from llmal.learners import LinearHead

        order = np.argsort(positions)
        inputs = np.asarray(self.embeddings()[positions[order]])
        self._learner = LinearHead(random_state=seed).fit(inputs, columns[order])

    def probabilities(self, unlabelled: NDArray[np.int64]) -> NDArray[np.float32]:
        parts = [
            self._learner.predict_proba(
                np.asarray(self.embeddings()[unlabelled[start : start + _CHUNK]])
            ).astype(np.float32)
            for start in range(0, len(unlabelled), _CHUNK)
        ]
        return np.concatenate(parts)
