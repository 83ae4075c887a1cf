"""What a round asks of the ledger does not grow with the rounds behind it or the items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from llmal import Budget, Orchestrator, Pool, Task
from llmal.annotators import SimulatedHuman
from llmal.run.events import Event
from llmal.selectors import Random

MOST = 23
"""Statements of a round, those that begin and end transactions left out."""


@contextmanager
def _counted_statements() -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            said.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


class _Digits:
    """Embeds a text by its number, so that the run has little other cost than the loop."""

    dimensions = 4
    fingerprint = "digits"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        numbers = [int(text.split()[1]) for text in texts]
        return np.array([[n % 2, n % 3, n % 5, 1] for n in numbers], dtype=np.float32)


def _statements_a_round(tmp_path: Path, items: int, batch: int) -> list[int]:
    pool = Pool.from_texts(
        [f"text {n}" for n in range(items)],
        ["odd" if n % 2 else "even" for n in range(items)],
        cache=tmp_path / "cache",
    )
    counts: list[int] = []
    with _counted_statements() as said:

        def note(event: Event) -> None:
            if event.kind == "round_finished":
                counts.append(len(said))
                said.clear()

        Orchestrator(
            Task("parity", ["even", "odd"]),
            pool,
            directory=tmp_path / f"run-{items}-{batch}",
            annotator=SimulatedHuman(),
            embedder=_Digits(),
            selector=Random(),
            start=Random(),
            budget=Budget(rounds=8, batch=batch),
            callbacks=[note],
        ).run()
    assert len(counts) == 9
    return counts[1:]


def test_statements_of_a_round_do_not_grow(tmp_path: Path) -> None:
    counts = _statements_a_round(tmp_path, 100, 4)
    assert set(counts) == {counts[0]}
    assert counts[0] <= MOST
    assert _statements_a_round(tmp_path, 1000, 40) == counts
