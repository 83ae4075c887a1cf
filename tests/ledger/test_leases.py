"""Items are kept for one worker for a while: exclusive, and free again when it has run out."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest

from llmal.core.records import Annotation, Usage
from llmal.errors import LedgerError
from llmal.ledger import Lease, Ledger

_WORKER = """
import sys
from llmal.core.records import Annotation
from llmal.ledger import Ledger
place, worker = sys.argv[1:]
wanted = {f"item-{n}": 1 + n % 2 for n in range(200)}
with Ledger.open(place) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    while taken := ledger.leases.take("people", worker, wanted, round=0, seconds=3600, at_most=3):
        print(*taken, flush=True)
        ledger.append(
            [Annotation(one, "yes", worker, "human", round=0, stage="people") for one in taken]
        )
"""


def _answer(item_id: str, worker: str, label: str | None = "yes", **other: Any) -> Annotation:
    given: dict[str, Any] = {"kind": "human", "round": 0, "stage": "people", **other}
    return Annotation(item_id, label, worker, usage=Usage(human_labels=1), **given)


def _take(ledger: Ledger, worker: str, moment: float = 0.0, **asked: Any) -> list[str]:
    given = {"wanted": dict.fromkeys("abc", 1), "seconds": 60.0, "round": 0, **asked}
    wanted = given.pop("wanted")
    return ledger.leases.take("people", worker, wanted, now=lambda: moment, **given)


def test_a_lease_is_exclusive_until_it_runs_out(ledger: Ledger) -> None:
    assert _take(ledger, "anna", 1000, at_most=2) == ["a", "b"]
    assert _take(ledger, "ben", 1030) == ["c"]
    assert _take(ledger, "ben", 1059.9) == ["c"]
    assert _take(ledger, "eve", 1059.9) == []
    assert _take(ledger, "eve", 1060) == ["a", "b"]
    assert _take(ledger, "anna", 1061) == []


def test_what_a_worker_has_comes_first_and_is_kept_for_longer(ledger: Ledger) -> None:
    assert _take(ledger, "ben", 0, at_most=1) == ["a"]
    assert _take(ledger, "anna", 0, at_most=1) == ["b"]
    assert _take(ledger, "anna", 30, at_most=1) == ["b"]
    assert _take(ledger, "ben", 61) == ["a", "c"]
    assert _take(ledger, "anna", 62) == ["b"]
    assert ledger.leases.all() == [
        Lease("people", "a", 0, "ben", 121.0),
        Lease("people", "c", 0, "ben", 121.0),
        Lease("people", "b", 0, "anna", 122.0),
    ]


def test_as_many_as_an_item_wants_have_it_at_once_and_nobody_twice(ledger: Ledger) -> None:
    wanted = {"a": 2, "b": 1}
    assert _take(ledger, "anna", wanted=wanted) == ["a", "b"]
    assert _take(ledger, "ben", wanted=wanted) == ["a"]
    assert _take(ledger, "eve", wanted=wanted) == []
    ledger.append([_answer("a", "anna"), _answer("b", "anna", None)])
    assert _take(ledger, "anna", wanted=wanted) == []
    assert _take(ledger, "eve", wanted=wanted) == []
    assert _take(ledger, "eve", 61, wanted=wanted) == ["a"]
    ledger.append([_answer("a", "eve")])
    assert _take(ledger, "ben", 61, wanted=wanted) == []


def test_who_answered_without_a_lease_counts_too(ledger: Ledger) -> None:
    ledger.append([_answer("a", "anna"), _answer("b", "anna", round=1), _answer("c", "ben")])
    ledger.revise([_answer("a", "anna", "no")])
    assert _take(ledger, "eve", wanted=dict.fromkeys("abc", 2)) == ["a", "b", "c"]
    assert _take(ledger, "ben", wanted=dict.fromkeys("abc", 1)) == []
    assert ledger.workers("people", 0) == {"a": {"anna": True}, "c": {"ben": True}}


def test_an_answer_after_the_lease_ran_out_is_taken(ledger: Ledger) -> None:
    assert _take(ledger, "anna", 0, at_most=1) == ["a"]
    assert _take(ledger, "ben", 100, at_most=1) == ["a"]
    assert ledger.append([_answer("a", "anna")]) == 1
    assert ledger.append([_answer("a", "ben", "no")]) == 1
    assert ledger.workers("people", 0) == {"a": {"anna": True, "ben": True}}
    assert _take(ledger, "eve", 1000) == ["b", "c"]


def test_stages_and_rounds_have_leases_of_their_own(ledger: Ledger) -> None:
    assert _take(ledger, "anna") == ["a", "b", "c"]
    assert _take(ledger, "ben", round=1) == ["a", "b", "c"]
    assert _take(ledger, "ben", round=None) == ["a", "b", "c"]
    assert ledger.leases.take("experts", "ben", {"a": 1}, round=0, seconds=9) == ["a"]


def test_a_lease_of_nothing(ledger: Ledger) -> None:
    assert _take(ledger, "anna", at_most=0) == []
    assert _take(ledger, "anna", wanted={}) == []
    with pytest.raises(LedgerError, match="a lease of 0 seconds"):
        _take(ledger, "anna", seconds=0)


def test_released_items_are_free_but_only_ones_own(ledger: Ledger) -> None:
    _take(ledger, "anna")
    ledger.leases.release("people", "ben", ["a", "b"], round=0)
    ledger.leases.release("people", "anna", [], round=0)
    ledger.leases.release("people", "anna", ["c"], round=1)
    assert _take(ledger, "ben") == []
    ledger.leases.release("people", "anna", ["b"], round=0)
    assert _take(ledger, "ben") == ["b"]


def test_two_processes_never_lease_one_place_to_two(place: str) -> None:
    Ledger.open(place).close()
    workers = {
        name: subprocess.Popen(
            [sys.executable, "-c", _WORKER, place, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("anna", "ben", "eve")
    }
    taken: list[tuple[str, str]] = []
    try:
        for one in workers.values():
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in workers.values():
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        for name, one in workers.items():
            taken += [(item, name) for item in one.communicate(timeout=120)[0].split()]
    finally:
        for one in workers.values():
            one.kill()
            one.wait()
    assert len(set(taken)) == len(taken)
    items = [item for item, _ in taken]
    assert {item: items.count(item) for item in items} == {
        f"item-{n}": 1 + n % 2 for n in range(200)
    }


def test_threads_never_lease_the_same_item(place: str) -> None:
    wanted = {f"item-{n}": 1 for n in range(60)}
    taken: list[str] = []
    with Ledger.open(place) as ledger:

        def work(name: str) -> None:
            had: list[str] = []
            while True:
                got = _take(ledger, name, wanted=wanted, seconds=3600, at_most=len(had) + 1)
                if len(got) == len(had):
                    break
                had = got
            taken.extend(had)

        threads = [threading.Thread(target=work, args=(str(i),)) for i in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert sorted(taken) == sorted(wanted)
