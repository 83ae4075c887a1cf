"""Items that somebody has no answer for: said before the run, and never in its way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from word_bayes import WordBayes

from llmal.annotators import HumanQueue, Recorded, Router, SimulatedHuman
from llmal.errors import AnnotationError, DataError
from llmal.ledger import Ledger
from llmal.pool import Pool
from llmal.run.budget import Budget
from llmal.run.orchestrator import Orchestrator
from llmal.selectors import Random
from llmal.task import Task

TASK = Task("ab", ["a", "b"])
GOLD = ["a", None, "b", "a", None, "b", "a", "b"]
GAPS = (
    "2 of 8 items of the pool have no gold label, which simulated people answer with; they are "
    "not picked"
)


def _pool(folder: Path, gold: list[str | None] = GOLD) -> Pool:
    texts = [f"text {n}" for n in range(len(gold))]
    ids = [f"i{n}" for n in range(len(gold))]
    return Pool.from_texts(texts, gold, ids=ids, cache=folder / "cache")


def _run(folder: Path, pool: Pool | None = None, **options: Any) -> Orchestrator:
    given = {
        "directory": folder / "run",
        "annotator": SimulatedHuman(cost=1.0),
        "selector": Random(),
        "start": Random(),
        "budget": Budget(batch=3),
        "learner": WordBayes(),
        **options,
    }
    return Orchestrator(TASK, _pool(folder) if pool is None else pool, **given)


def _warnings(run: Orchestrator) -> list[str]:
    with Ledger.open(run.ledger_url) as ledger:
        return [one.message for one in ledger.events() if one.kind == "warning"]


def test_items_without_gold_are_left_out_and_said_before(tmp_path: Path):
    run = _run(tmp_path)
    said: list[tuple[str, str]] = []
    run.campaign.announcer.callbacks.append(lambda event: said.append((event.kind, event.message)))
    result = run.run()
    assert (result.status, result.reason) == (
        "finished",
        "no item is left to ask about; 2 have no label",
    )
    assert set(result.labels) == {"i0", "i2", "i3", "i5", "i6", "i7"}
    assert {i for one in result.rounds for i in one.item_ids} == set(result.labels)
    assert (result.cost.human_labels, result.cost.money) == (6, 6.0)
    assert _warnings(run) == [GAPS]
    # Gone on with, it is not said again.
    run.run()
    assert _warnings(run) == [GAPS]


def test_a_run_that_had_picked_an_item_without_gold_goes_on(tmp_path: Path):
    run = _run(tmp_path)
    with Ledger.open(run.ledger_url) as ledger:
        ledger.bind(task=TASK.fingerprint, pool=run.pool.fingerprint, objective="model", seed="0")
        ledger.start_round(
            0,
            phase="start",
            selector="random",
            item_ids=["i0", "i1", "i2"],
            scores=[0.0] * 3,
            why=[""] * 3,
        )
    result = run.run()
    assert result.status == "finished"
    assert len(result.labels) == 6
    [skipped] = [one for one in result.annotations if one.label is None]
    assert (skipped.item_id, skipped.flags, skipped.usage.money) == ("i1", ("no gold label",), 0.0)


def test_a_pool_without_any_gold_is_refused_before_the_first_round(tmp_path: Path):
    run = _run(tmp_path, _pool(tmp_path, [None] * 8))
    with pytest.raises(DataError, match="no item has a gold label"):
        run.run()
    with Ledger.open(run.ledger_url) as ledger:
        assert ledger.rounds() == []


def test_items_without_gold_are_picked_where_somebody_else_is_asked(tmp_path: Path):
    people = Router([SimulatedHuman(), HumanQueue(TASK, name="anna")])
    run = _run(tmp_path, annotator=people, budget=Budget(batch=8))
    result = run.run()
    assert result.status == "waiting"
    assert len(result.labels) == 6
    assert (tmp_path / "run" / "to_label-anna.csv").read_text().count("text ") == 2


def test_recorded_answers_without_confidence_stand(tmp_path: Path):
    pool = Pool.from_pandas(
        _frame(["a", "b", None, "c"], ["b", "a", "a", "b"]), gold="gold", cache=tmp_path / "cache"
    )
    router = Router([Recorded("said", labels=TASK.names), SimulatedHuman()])
    run = _run(tmp_path, pool, annotator=router, budget=Budget(batch=4))
    result = run.run()
    by = {item: (one.kind, one.label) for item, one in result.labels.items()}
    assert [by[item] for item in pool.ids()] == [
        ("recorded", "a"),
        ("recorded", "b"),
        ("human", "a"),
        ("human", "b"),
    ]
    assert _warnings(run) == [
        "1 of 4 recorded answers in column 'said' are not labels of the task and count as "
        "abstentions"
    ]


def _frame(answers: list[Any], gold: list[str]) -> Any:
    import pandas as pd

    texts = [f"text {n}" for n in range(len(answers))]
    return pd.DataFrame({"text": texts, "said": answers, "gold": gold})


def test_a_column_that_the_pool_lacks_is_told_before_the_first_round(tmp_path: Path):
    run = _run(tmp_path, annotator=Recorded("said", labels=TASK.names))
    with pytest.raises(AnnotationError, match="the pool has no column 'said' to take recorded"):
        run.run()
    with Ledger.open(run.ledger_url) as ledger:
        assert ledger.rounds() == []
