"""Runs with a promise: people in a file, in two goes; what the configuration says of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from promised import SMALL, machine_says, truth_of
from told_answers import TASK, pool_of
from word_bayes import WordBayes

from llmal import Budget, Orchestrator, Pool
from llmal.annotators import HumanQueue, Recorded, Router, SimulatedHuman
from llmal.guarantee import Guarantee
from llmal.ledger import Ledger
from llmal.run.purposes import delivered_labels
from llmal.selectors import Random


def _pool(tmp_path: Path, size: int = 160) -> Pool:
    """With what a machine said of each text in two columns."""
    plain = pool_of(size, tmp_path / "cache")
    file = tmp_path / "pool.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        rows = csv.writer(opened)
        rows.writerow(["id", "text", "label", "said", "sure"])
        for item in plain:
            label, sure = machine_says(item.id)
            rows.writerow([item.id, item.text, truth_of(item.id), label, sure])
    return Pool.from_file(file, gold="label", cache=tmp_path / "cache")


def _run(tmp_path: Path, name: str, people: Any, **options: Any) -> Orchestrator:
    machine = Recorded("said", confidence="sure", labels=TASK.names)
    given: dict[str, Any] = {
        "learner": WordBayes(),
        "selector": Random(),
        "start": Random(),
        "objective": "labels",
        "guarantee": Guarantee(parts=SMALL),
        "budget": Budget(batch=5),
        "seed": 3,
        **options,
    }
    return Orchestrator(
        TASK,
        _pool(tmp_path),
        directory=tmp_path / name,
        annotator=Router([machine, people]),
        **given,
    )


def _fill_in(file: Path, *, half: bool) -> None:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        header, *rows = list(csv.reader(opened))
    at = header.index("id"), next(n for n, one in enumerate(header) if one.startswith("label"))
    for row in rows[: (len(rows) + 1) // 2 if half else None]:
        row[at[1]] = truth_of(row[at[0]])
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([header, *rows])


def test_people_in_a_file_in_two_goes_give_the_same_certificate(tmp_path: Path) -> None:
    at_once = _run(tmp_path, "at-once", SimulatedHuman()).run()
    assert at_once.status == "finished"
    wanted = at_once.certificate
    assert wanted is not None
    assert wanted.holds
    file = tmp_path / "in-a-file" / "to_label.csv"
    goes = 0
    while True:
        result = _run(tmp_path, "in-a-file", HumanQueue(TASK, context=())).run()
        if result.status != "waiting":
            break
        assert result.certificate is None or result.rounds[-1].phase == "review"
        text = file.read_text(encoding="utf-8-sig")
        for word in ("audit", "review", "doubt", "seed", "wrong", "sure", "said"):
            assert word not in text.splitlines()[0], "nobody can tell what an answer is for"
        _fill_in(file, half=goes % 2 == 0)
        goes += 1
    assert goes > 6
    found = result.certificate
    assert found is not None
    assert found.as_dict() == wanted.as_dict()
    with Ledger.open(tmp_path / "in-a-file" / "ledger.sqlite") as ledger:
        labels = delivered_labels(ledger)
    assert len(labels) == 160
    assert sum(one.label != truth_of(i) for i, one in labels.items()) <= 8


def test_a_result_says_what_is_promised(tmp_path: Path) -> None:
    result = _run(tmp_path, "run", SimulatedHuman(), budget=Budget(batch=5, human_labels=60)).run()
    assert result.status == "finished"
    assert result.reason == "the budget of human labels is spent"
    assert result.promised is not None
    assert "nobody has reviewed" in result.promised.brief
    assert set(result.labels) | set(result.audited) == {f"i{n:04d}" for n in range(160)}
    assert result.cost.human_labels == 60


def test_a_run_that_promises_nothing_has_no_certificate(tmp_path: Path) -> None:
    result = _run(tmp_path, "run", SimulatedHuman(), guarantee="off").run()
    assert result.certificate is None
    assert {one.phase for one in result.rounds} == {"start", "sweep", "review"}


@pytest.mark.parametrize("unanswered", [0, 12])
def test_items_that_nobody_can_answer_are_no_part_of_the_promise(
    tmp_path: Path, unanswered: int
) -> None:
    pool = _pool(tmp_path)
    ids, texts, gold = pool.ids(), pool.texts(), [*pool.gold()]
    gold[:unanswered] = [None] * unanswered
    rows = [
        {"id": i, "text": text, "label": label, "said": said, "sure": sure}
        for i, text, label in zip(ids, texts, gold, strict=True)
        for said, sure in [machine_says(i)]
    ]
    machine = Recorded("said", confidence="sure", labels=TASK.names)
    file = tmp_path / "pool.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in rows), encoding="utf-8")
    result = Orchestrator(
        TASK,
        Pool.from_file(file, gold="label", cache=tmp_path / "cache"),
        directory=tmp_path / "run",
        annotator=Router([machine, SimulatedHuman()]),
        learner=WordBayes(),
        selector=Random(),
        start=Random(),
        objective="labels",
        guarantee=Guarantee(parts=SMALL),
        budget=Budget(batch=5),
    ).run()
    certificate = result.certificate
    assert certificate is not None
    assert certificate.items == 160 - unanswered
    assert not {f"i{n:04d}" for n in range(unanswered)} & {
        i for one in result.rounds for i in one.item_ids
    }
    told = any("no part of it" in one for one in certificate.rests_on)
    assert told == bool(unanswered)


def test_a_plan_names_the_phases_and_is_an_upper_limit(tmp_path: Path) -> None:
    run = _run(tmp_path, "run", SimulatedHuman(cost=0.5))
    plan = run.plan()
    assert plan.phases == ("seed", "sweep", "doubtful", "audit", "review")
    assert plan.as_dict()["phases"] == [*plan.phases]
    assert (plan.human_labels, plan.money) == (160, 80.0)
    result = run.run()
    assert 0 < result.cost.human_labels <= plan.human_labels
    assert _run(tmp_path, "off", SimulatedHuman(), guarantee="off").plan().phases == ()
    few = Budget(batch=5, rounds=1, human_labels=60)
    limited = _run(tmp_path, "few", SimulatedHuman(), budget=few)
    assert limited.plan().human_labels == 60
    assert limited.run().cost.human_labels == 60
