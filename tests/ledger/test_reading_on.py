"""What was read once is not read again, and nothing is missed for it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from llmal.core.records import Annotation
from llmal.ledger import Ledger


def _annotations(first: int, count: int, round: int, **other: Any) -> list[Annotation]:
    given: dict[str, Any] = {"label": "yes", "annotator": "lm", "kind": "llm", **other}
    return [Annotation(item_id=f"i{n}", round=round, **given) for n in range(first, first + count)]


@contextmanager
def _steps() -> Iterator[Callable[[], int]]:
    """Counts what SQLite's virtual machine does, in hundreds of instructions."""
    done = 0

    def step() -> int:
        nonlocal done
        done += 1
        return 0

    def watch(connection: sqlite3.Connection, _record: object, _proxy: object) -> None:
        connection.set_progress_handler(step, 100)

    sa.event.listen(sa.pool.Pool, "checkout", watch)
    try:
        yield lambda: done
    finally:
        sa.event.remove(sa.pool.Pool, "checkout", watch)


def test_asking_again_costs_what_is_new(tmp_path: Path) -> None:
    with _steps() as steps, Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.append(_annotations(0, 10_000, 0))
        for number in range(200):
            ledger.start_round(
                number, phase="query", selector="random", item_ids=["a"], scores=[0.0], why=[""]
            )
            ledger.finish_round(number, {})
        spent = []
        for _ in range(2):
            before = steps()
            assert len(ledger.labels()) == 10_000
            assert len(ledger.labels(before_round=1)) == 10_000
            assert len(ledger.rounds()) == 200
            spent.append(steps() - before)
        assert spent[0] > 500
        assert spent[1] < 10


def test_labels_are_the_same_as_of_a_ledger_that_was_just_opened(place: str) -> None:
    batches = [
        _annotations(0, 5, 0),
        _annotations(3, 5, 0, annotator="anna", kind="human", label="no"),
        _annotations(0, 9, 1, label="no", decision="deferred"),
        _annotations(0, 9, 2, label=None),
        _annotations(2, 3, 3, annotator="ben", kind="human", label="maybe"),
        _annotations(0, 12, 4, label="late"),
        _annotations(9, 5, 1, annotator="early"),
    ]
    with Ledger.open(place) as reader, Ledger.open(place) as writer:
        for batch in batches:
            writer.append(batch)
            for before in (None, 0, 1, 2, 3, 4, 5):
                with Ledger.open(place) as fresh:
                    expected = list(fresh.labels(before).items())
                assert list(reader.labels(before).items()) == expected
            # What is given out belongs to the caller.
            reader.labels().clear()


def _breaks_off(ledger: Ledger, statement: int) -> bool:
    """Interrupt a look at the labels at one of its statements; whether it came so far."""
    count = 0

    def end(*_: object) -> None:
        nonlocal count
        count += 1
        if count == statement:
            raise KeyboardInterrupt

    sa.event.listen(sa.Engine, "before_cursor_execute", end)
    try:
        ledger.labels()
    except KeyboardInterrupt:
        return True
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", end)
    return False


def test_a_look_that_is_broken_off_leaves_nothing_half_read(place: str) -> None:
    with Ledger.open(place) as reader, Ledger.open(place) as writer:
        writer.append(_annotations(0, 4200, 0))
        statement = 0
        broken_off = True
        while broken_off:
            statement += 1
            writer.append(_annotations(5000 + 20 * statement, 20, 0))
            writer.append(_annotations(20 * statement, 5, 0, revision=1, label="no"))
            broken_off = _breaks_off(reader, statement)
            with Ledger.open(place) as fresh:
                assert reader.labels() == fresh.labels()
        assert statement > 3


def test_rounds_are_the_same_as_of_a_ledger_that_was_just_opened(place: str) -> None:
    with Ledger.open(place) as reader, Ledger.open(place) as writer:

        def check() -> None:
            with Ledger.open(place) as fresh:
                assert reader.rounds() == fresh.rounds()

        # 2 before 1: nobody promises that numbers come in order.
        for number in (0, 2, 1, 3):
            writer.start_round(
                number, phase="query", selector="s", item_ids=["a"], scores=[0.5], why=["b"]
            )
            check()
            writer.finish_round(number, {"labelled": number})
            check()


def test_nothing_is_missed_while_others_write(place: str) -> None:
    with Ledger.open(place) as reader:

        def write(name: str) -> None:
            with Ledger.open(place) as ledger:
                for number in range(40):
                    ledger.append(
                        [Annotation(f"{name}-{number}-{n}", "yes", name, "llm") for n in range(5)]
                    )

        writers = [threading.Thread(target=write, args=(name,)) for name in ("a", "b", "c")]
        for one in writers:
            one.start()
        while any(one.is_alive() for one in writers):
            reader.labels()
        for one in writers:
            one.join()
        assert len(reader.labels()) == 3 * 40 * 5
