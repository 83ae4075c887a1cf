"""Where people sit: what goes out, what comes in, and what a kill leaves."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from llmal import Budget, Orchestrator
from llmal.annotators import Outside, Router, Stage, Threshold
from llmal.annotators.protocol import plan_at
from llmal.core.records import Annotation, Usage
from llmal.web.desk import Desk, Given, Handed


def _label(text: str) -> str:
    return "animal" if text.split()[0] in ("cat", "cow", "hen") else "food"


def _work(desk: Desk, worker: str, most: int = 1000) -> list[str]:
    """Answer as long as there is something; the ids in the order in which they came."""
    seen: list[str] = []
    while len(seen) < most:
        handed = _soon(desk, worker)
        if not handed.items:
            return seen
        for item in handed.items[: most - len(seen)]:
            [receipt] = desk.take(worker, [Given(item.id, _label(item.text), seconds=1.5)])
            assert receipt.kept, receipt.problem
            seen.append(item.id)
    return seen


def _answers(desk: Desk) -> list[Annotation]:
    return [one for one in desk.campaign.open().annotations() if one.kind == "human"]


def test_one_person_labels_the_whole_pool_and_nothing_comes_twice(desk: Desk) -> None:
    seen = _work(desk, "anna")
    assert len(seen) == len(set(seen)) == 60
    end = desk.hand_out("anna")
    assert end.state == "finished"
    assert "every item of the pool is labelled" in end.message
    assert Counter(one.annotator for one in _answers(desk)) == {"anna": 60}
    assert all(one.provenance["seconds"] == 1.5 for one in _answers(desk))


def test_two_people_get_other_items(desk: Desk) -> None:
    anna = {one.id for one in desk.hand_out("anna", wait=20).items}
    ben = {one.id for one in desk.hand_out("ben", wait=20).items}
    assert (len(anna), len(ben)) == (10, 5)
    assert not anna & ben
    for worker, ids in (("anna", anna), ("ben", ben)):
        desk.take(worker, [Given(id, "food") for id in ids])
    eve = {one.id for one in _soon(desk, "eve").items}
    assert eve
    assert not eve & (anna | ben)


def _soon(desk: Desk, worker: str) -> Handed:
    for _ in range(20):
        handed = desk.hand_out(worker, wait=2)
        if handed.items or handed.state == "finished":
            break
    return handed


def test_a_page_is_not_given_what_it_has(desk: Desk) -> None:
    first = desk.hand_out("anna", wait=20)
    ids = [one.id for one in first.items]
    again = desk.hand_out("anna", ids[:6])
    assert [one.id for one in again.items] == ids[6:]


def test_killed_and_started_again_it_goes_on(make_run: Callable[..., Orchestrator]) -> None:
    first = Desk(make_run)
    first.start()
    seen = _work(first, "anna", 33)
    # Nothing is closed, as after a kill.
    second = Desk(make_run)
    second.start()
    rest = _work(second, "anna")
    assert len(seen) + len(rest) == 60
    assert not set(seen) & set(rest)
    assert len(_answers(second)) == 60
    second.close()
    first.close()


def test_the_same_answer_sent_twice_is_kept_once(desk: Desk) -> None:
    item = desk.hand_out("anna", wait=20).items[0]
    for _ in range(2):
        [receipt] = desk.take("anna", [Given(item.id, "food")])
        assert receipt.kept
    assert len(_answers(desk)) == 1


def test_an_answer_is_changed_and_both_stay(desk: Desk) -> None:
    item = desk.hand_out("anna", wait=20).items[0]
    desk.take("anna", [Given(item.id, "food")])
    [refused] = desk.take("anna", [Given(item.id, "animal")])
    assert not refused.kept
    [receipt] = desk.take("anna", [Given(item.id, "animal", again=True)])
    assert receipt.kept
    assert desk.campaign.labels[item.id].label == "animal"
    assert [one.label for one in _answers(desk)] == ["food", "animal"]
    assert _answers(desk)[-1].reason == "changed on the page"


def test_a_skip_a_note_and_a_doubt_are_kept(desk: Desk) -> None:
    items = desk.hand_out("anna", wait=20).items
    desk.take("anna", [Given(items[0].id, None)])
    desk.take("anna", [Given(items[1].id, "food", note=" soup? ", flags=("unclear",))])
    skipped, noted = _answers(desk)
    assert skipped.label is None
    assert (noted.label, noted.rationale, noted.flags) == ("food", "soup?", ("unclear",))


def test_one_bad_answer_stops_no_other(desk: Desk) -> None:
    items = desk.hand_out("anna", wait=20).items
    receipts = desk.take(
        "anna",
        [Given(items[0].id, "no label"), Given("no item", "food"), Given(items[1].id, "food")],
    )
    assert [one.kept for one in receipts] == [False, False, True]
    assert "no label" in receipts[0].problem
    assert "no item" in receipts[1].problem


def test_an_answer_after_the_lease_still_counts(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr("llmal.web.desk.LEASE", 0.2)
    item = desk.hand_out("anna", wait=20).items[0]
    time.sleep(0.3)
    other = desk.hand_out("ben", wait=20)
    assert item.id in {one.id for one in other.items}
    assert desk.take("ben", [Given(item.id, "food")])[0].kept
    assert desk.take("anna", [Given(item.id, "food")])[0].kept
    assert {one.annotator for one in _answers(desk)} == {"anna", "ben"}


class _Rule:
    """A machine that is sure of cats and of nothing else."""

    name = "rule"
    kind = "llm"
    batch_size = 50
    spaces = ("single",)

    def plan(self, items: Any, context: Any) -> Any:
        return plan_at(
            Usage(), lambda given, known: [self._one(one) for one in given], items, context
        )

    def _one(self, item: Any) -> Annotation:
        sure = 0.99 if item.text.startswith("cat") else 0.5
        return Annotation(
            item.id, "animal", "rule", "llm", probabilities={"animal": sure, "food": 1 - sure}
        )


def test_machines_label_between_and_people_see_what_they_said(
    make_run: Callable[..., Orchestrator],
) -> None:
    router = Router([Stage(_Rule(), Threshold(0.9)), Outside("human")])
    desk = Desk(lambda: make_run(annotator=router, objective="labels", guarantee="off"))
    desk.start()
    seen: list[str] = []
    told: list[Any] = []
    while (handed := _soon(desk, "anna")).items and len(seen) < 100:
        for item in handed.items:
            [receipt] = desk.take("anna", [Given(item.id, _label(item.text))])
            seen.append(item.text)
            told.append(receipt.suggestion)
    assert handed.state == "finished"
    assert len(desk.campaign.labels) == 60
    swept = [one for one in told if one is not None]
    assert swept
    assert swept[-1]["label"] == "animal"
    assert swept[-1]["confidence"] == pytest.approx(0.5)
    desk.close()


def test_whose_items_test_a_machine_is_not_told(make_run: Callable[..., Orchestrator]) -> None:
    plain = Desk(make_run)
    assert plain.shows_why
    audited = Desk(lambda: make_run(directory=plain.campaign.directory / "b", audit=10))
    assert not audited.shows_why
    audited.start()
    item = audited.hand_out("anna", wait=20).items[0]
    assert audited.why(item.id) == ""
    audited.close()


def test_what_breaks_is_said_and_tried_again(
    make_run: Callable[..., Orchestrator], monkeypatch: Any
) -> None:
    monkeypatch.setattr("llmal.web.desk._RETRY", 0.1)
    desk = Desk(lambda: make_run(budget=Budget(batch=5), start_items=5))
    broken = [True]
    real = desk._asking.ask

    def ask(**options: Any) -> Any:
        if broken[0]:
            raise RuntimeError("the disk is on fire")
        return real(**options)

    monkeypatch.setattr(desk._asking, "ask", ask)
    desk.start()
    handed = desk.hand_out("anna", wait=5)
    assert handed.state == "failed"
    assert "the disk is on fire" in handed.message
    broken[0] = False
    assert _soon(desk, "anna").items
    desk.close()
