"""What people are asked: order, leases, answers."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest

from llmal.core.records import Annotation, Usage
from llmal.errors import LedgerError
from llmal.ledger import Ledger, QueueCounts

_WORKER = """
import sys
from llmal.ledger import Ledger
place, worker = sys.argv[1:]
with Ledger.open(place) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    while taken := ledger.queue.lease("people", worker, 3, seconds=3600):
        print(*taken, flush=True)
"""


def _answer(item_id: str, label: str = "yes", **other: Any) -> Annotation:
    given: dict[str, Any] = {"annotator": "Ann", "kind": "human", "round": 0}
    return Annotation(
        item_id=item_id, label=label, usage=Usage(human_labels=1), **{**given, **other}
    )


def test_open_keeps_the_order_of_insertion(ledger: Ledger) -> None:
    assert ledger.queue.put("people", ["c", "a"], 0) == 2
    assert ledger.queue.put("people", ["a", "b"], 0) == 1
    ledger.queue.put("others", ["z"], 0)
    assert ledger.queue.open("people") == ["c", "a", "b"]
    assert ledger.queue.open("nobody") == []


def test_answer_records_and_marks(ledger: Ledger) -> None:
    ledger.queue.put("people", ["a", "b", "c"], 0)
    assert ledger.queue.answer("people", [_answer("b"), _answer("a")]) == 2
    assert ledger.queue.open("people") == ["c"]
    assert [one.item_id for one in ledger.annotations()] == ["b", "a"]
    assert ledger.total_usage().human_labels == 2


def test_answering_again_changes_nothing(ledger: Ledger) -> None:
    ledger.queue.put("people", ["a"], 0)
    ledger.queue.answer("people", [_answer("a", "yes")])
    assert ledger.queue.answer("people", [_answer("a", "no")]) == 0
    assert ledger.queue.answer("people", [_answer("a", "no", annotator="Bob")]) == 1
    assert ledger.queue.answer("people", []) == 0
    assert [one.label for one in ledger.annotations()] == ["yes", "no"]
    assert ledger.queue.put("people", ["a"], 0) == 0
    assert ledger.queue.open("people") == []


def test_answer_to_what_was_not_asked_records_nothing(ledger: Ledger) -> None:
    ledger.queue.put("people", ["a", "b"], 0)
    with pytest.raises(LedgerError, match="item 'x' is not in the queue 'people' for round 0"):
        ledger.queue.answer("people", [_answer("a"), _answer("x")])
    with pytest.raises(LedgerError, match="item 'b' is not in the queue 'people' for round None"):
        ledger.queue.answer("people", [_answer("a"), _answer("b", round=None)])
    assert list(ledger.annotations()) == []
    assert ledger.queue.open("people") == ["a", "b"]


def test_item_asked_in_two_rounds_is_answered_for_each(ledger: Ledger) -> None:
    ledger.queue.put("people", ["a"], 0)
    ledger.queue.put("people", ["b", "a"], 1)
    assert ledger.queue.open("people") == ["a", "b"]
    assert ledger.queue.lease("people", "Ann", 5, 60) == ["a", "b"]
    ledger.queue.answer("people", [_answer("a", round=0)])
    assert ledger.queue.open("people") == ["b", "a"]
    ledger.queue.answer("people", [_answer("a", round=1), _answer("b", round=1)])
    assert ledger.queue.open("people") == []


def test_lease_is_exclusive_until_it_runs_out(ledger: Ledger) -> None:
    ledger.queue.put("people", ["a", "b", "c"], 0)
    assert ledger.queue.lease("people", "Ann", 2, 60, now=lambda: 1000.0) == ["a", "b"]
    assert ledger.queue.lease("people", "Bob", 2, 60, now=lambda: 1030.0) == ["c"]
    assert ledger.queue.lease("people", "Ann", 2, 60, now=lambda: 1059.0) == []
    assert ledger.queue.open("people") == ["a", "b", "c"]
    assert ledger.queue.lease("people", "Bob", 9, 60, now=lambda: 1060.0) == ["a", "b"]


def test_lease_of_nothing(ledger: Ledger) -> None:
    ledger.queue.put("people", ["a"], 0)
    assert ledger.queue.lease("people", "Ann", 0, 60) == []
    assert ledger.queue.lease("nobody", "Ann", 5, 60) == []
    with pytest.raises(LedgerError, match="a lease of 0 seconds"):
        ledger.queue.lease("people", "Ann", 1, 0)


def test_released_items_are_free_but_only_ones_own(ledger: Ledger) -> None:
    ledger.queue.put("people", ["a", "b"], 0)
    ledger.queue.lease("people", "Ann", 2, 60)
    ledger.queue.release("people", "Bob", ["a", "b"])
    ledger.queue.release("people", "Ann", [])
    assert ledger.queue.lease("people", "Bob", 2, 60) == []
    ledger.queue.release("people", "Ann", ["b"])
    assert ledger.queue.lease("people", "Bob", 2, 60) == ["b"]


def test_answer_after_the_lease_ran_out_counts(ledger: Ledger) -> None:
    ledger.queue.put("people", ["a"], 0)
    ledger.queue.lease("people", "Ann", 1, 60, now=lambda: 0.0)
    ledger.queue.lease("people", "Bob", 1, 60, now=lambda: 100.0)
    ledger.queue.answer("people", [_answer("a")])
    assert ledger.queue.lease("people", "Eve", 1, 60, now=lambda: 1000.0) == []


def test_counts(ledger: Ledger) -> None:
    ledger.queue.put("people", ["a", "b", "c", "d"], 0)
    ledger.queue.lease("people", "Ann", 2, 60, now=lambda: 0.0)
    ledger.queue.answer("people", [_answer("a")])
    counts = ledger.queue.counts("people", now=lambda: 30.0)
    assert counts == QueueCounts(free=2, leased=1, answered=1)
    assert counts.open == 3
    assert ledger.queue.counts("people", now=lambda: 61.0) == QueueCounts(3, 0, 1)
    assert ledger.queue.counts("nobody") == QueueCounts(0, 0, 0)


def test_two_processes_never_lease_the_same_item(place: str) -> None:
    ids = [f"item-{i}" for i in range(300)]
    with Ledger.open(place) as ledger:
        ledger.queue.put("people", ids, 0)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, place, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("Ann", "Bob")
    ]
    try:
        for one in workers:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in workers:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        taken = [one.communicate(timeout=120)[0].split() for one in workers]
    finally:
        for one in workers:
            one.kill()
            one.wait()
    assert sorted(taken[0] + taken[1]) == sorted(ids)


def test_threads_never_lease_the_same_item_nor_one_item_for_two_rounds(place: str) -> None:
    ids = [f"item-{i}" for i in range(60)]
    taken: list[str] = []
    with Ledger.open(place) as ledger:
        ledger.queue.put("people", ids, 0)
        ledger.queue.put("people", ids, 1)

        def work(name: str) -> None:
            while got := ledger.queue.lease("people", name, 1, 3600):
                taken.extend(got)

        threads = [threading.Thread(target=work, args=(str(i),)) for i in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert sorted(taken) == sorted(ids)
