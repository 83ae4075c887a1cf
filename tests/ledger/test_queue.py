"""What people are asked: order and answers."""

from __future__ import annotations

from typing import Any

import pytest

from llmal.core.records import Annotation, Usage
from llmal.errors import LedgerError
from llmal.ledger import Ledger


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
    ledger.queue.answer("people", [_answer("a", round=0)])
    assert ledger.queue.open("people") == ["b", "a"]
    ledger.queue.answer("people", [_answer("a", round=1), _answer("b", round=1)])
    assert ledger.queue.open("people") == []
