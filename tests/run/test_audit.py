"""An audit: a uniform sample that people answer, of which nobody learns, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta
from told_answers import TASK, answer_of, campaign_of, finish, pool_of
from word_bayes import WordBayes

from llmal import Annotation, Budget, Campaign, Orchestrator, Pool
from llmal.annotators import Outside, Recorded, Router, SimulatedHuman, Stage, Threshold
from llmal.errors import ConfigError
from llmal.exporters.run_tables import RunTables
from llmal.ledger import Ledger
from llmal.report.gather import write_run
from llmal.run.phases import Audit, NextRound, Standing, phases_of
from llmal.selectors import Margin, Random


def _campaign(tmp_path: Path, name: str = "run", **options: Any) -> Campaign:
    pool = pool_of(60, tmp_path / "cache")
    given: dict[str, Any] = {"annotator": Outside("human"), "budget": Budget(batch=5), **options}
    return campaign_of(pool, tmp_path / name, **given)


def _drawn(tmp_path: Path, name: str, **options: Any) -> list[str]:
    with _campaign(tmp_path, name, **options) as campaign:
        order = campaign.ask()
        assert order is not None
        assert (order.phase, order.purpose, order.round) == ("audit", "audit", 0)
        assert set(order.why) == {"drawn uniformly"}
        return order.items.ids()


def test_the_sample_is_drawn_by_the_seed_before_anything_is_known(tmp_path: Path) -> None:
    first = _drawn(tmp_path, "a", audit=20)
    assert len(set(first)) == len(first) == 20
    assert _drawn(tmp_path, "b", audit=20, selector=Random(), learner=WordBayes()) == first
    assert _drawn(tmp_path, "c", audit=20, seed=4) != first
    assert sorted(_drawn(tmp_path, "d", audit=1000)) == sorted(pool_of(60, tmp_path / "e").ids())


@pytest.mark.slow
def test_every_item_is_drawn_as_often_as_every_other(tmp_path: Path) -> None:
    counts: dict[str, int] = {}
    for seed in range(120):
        for item in _drawn(tmp_path, f"run{seed}", audit=20, seed=seed):
            counts[item] = counts.get(item, 0) + 1
    found = np.array([counts.get(item, 0) for item in pool_of(60, tmp_path / "cache").ids()])
    # 40 times each on average; sampled without replacement, so less spread than a binomial.
    assert found.sum() == 120 * 20
    assert (((found - 40) ** 2) / (120 / 3 * 2 / 3)).sum() < 100


def test_what_is_drawn_is_asked_for_nothing_else_answered_or_not(tmp_path: Path) -> None:
    with _campaign(tmp_path, audit=10) as campaign:
        order = campaign.ask()
        assert order is not None
        drawn = order.items.ids()
        campaign.tell(Annotation(i, None, "anna", "human") for i in drawn[:4])
        campaign.tell(Annotation(i, "food", "anna", "human") for i in drawn[4:])
        finish(campaign)
        assert not set(drawn) & {i for one in campaign.rounds[1:] for i in one.item_ids}
        assert not set(drawn) & set(campaign.labels)
        assert set(campaign.audited) == set(drawn[4:])
        assert len(campaign.labels) == 50 - sum(
            answer_of(item, "human").label is None
            for item in campaign.pool.items(
                campaign.pool.positions([i for i in campaign.pool.ids() if i not in drawn])
            )
        )


def test_an_audit_at_the_end_has_labels_put_by_and_comes_whatever_ended_the_rest(
    tmp_path: Path,
) -> None:
    machine = Router([Stage(Outside("llm", "llm"), Threshold(0.75)), Outside("human")])
    audit = Audit(6, when="last")
    with _campaign(
        tmp_path,
        annotator=machine,
        objective="labels",
        budget=Budget(batch=5, human_labels=21),
        audit=audit,
    ) as campaign:
        phases: list[str] = []
        while (order := campaign.ask()) is not None:
            phases.append(order.phase)
            if order.phase == "audit":
                swept = {i for i, one in campaign.labels.items() if one.kind == "llm"}
                assert len(order.items) == 6
                assert set(order.items.ids()) <= swept
            campaign.tell(answer_of(item, order.stage) for item in order.items)
        assert phases == ["start", "sweep", "review", "review", "audit"]
        assert campaign.reason == "the audit at the end is done"
        spent = campaign.open().total_usage().human_labels
        assert spent == 21
        assert campaign.ask() is None
    with _campaign(
        tmp_path, annotator=machine, objective="labels", budget=Budget(batch=5), audit=audit
    ) as again:
        assert again.ask() is None, "more budget does not reopen what the audit has closed"


def test_several_people_audit(tmp_path: Path) -> None:
    stage = Stage(Outside("human"), answers=3)
    with _campaign(
        tmp_path, annotator=stage, audit=4, budget=Budget(batch=5, human_labels=12)
    ) as campaign:
        order = campaign.ask()
        assert order is not None
        assert [*order.missing] == [3, 3, 3, 3]
        for worker, label in (("anna", "food"), ("ben", "animal"), ("eve", "animal")):
            campaign.tell(Annotation(i, label, worker, "human") for i in order.items.ids())
        assert campaign.ask() is None
        assert campaign.reason == "the budget of 12 human labels is spent"
        found = campaign.audited
        assert {(one.label, one.answers) for one in found.values()} == {("animal", 3)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"audit": 0}, "an audit of 0 items tells nothing"),
        ({"audit": 30, "budget": Budget(batch=5, human_labels=20)}, "takes 30 labels of people"),
        ({"audit": 5, "annotator": Outside("llm", "llm")}, "an audit asks people, and no"),
    ],
)
def test_audits_that_cannot_be(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _campaign(tmp_path, **options)


def test_phases_say_when_an_audit_comes() -> None:
    with pytest.raises(ConfigError, match="comes first is of machines' labels"):
        Audit(3, of="machines")
    with pytest.raises(ConfigError, match="an audit comes 'soon'"):
        Audit(3, when="soon")  # type: ignore[arg-type]
    assert Audit(3).next(Standing([])) == NextRound(size=3, drawn_from="all")
    assert Audit(3, when="last").next(Standing([])) == NextRound(size=3, drawn_from="machines")
    assert Audit(3).next(Standing([], human_labels_left=0)) is None
    phases = phases_of(
        "model", start=Random(), start_items=3, selector=Margin(), budget=Budget(batch=3)
    )
    pool = Pool.from_texts(["a b", "c d"])
    with pytest.raises(ConfigError, match="two phases audit"):
        Campaign(TASK, pool, directory="x", phases=[Audit(1), *phases], audit=2)


def test_an_audit_of_all_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pool = Pool.from_texts(["a b", "c d"])
    with Campaign(TASK, pool, directory=tmp_path, audit=3, learner=WordBayes()) as campaign:
        campaign.look_ahead()
    assert "the audit takes all 2 items, and nothing is left to learn from" in caplog.text


def _recorded_pool(tmp_path: Path) -> Pool:
    """Texts with answers of a machine of which every fifth is wrong."""
    texts = pool_of(200, tmp_path / "cache")
    truth = ["animal" if n % 2 else "food" for n in range(200)]
    other = {"animal": "food", "food": "animal"}
    said = [other[one] if n % 5 == 0 else one for n, one in enumerate(truth)]
    frame = pd.DataFrame({"id": texts.ids(), "text": texts.texts(), "gold": truth, "said": said})
    return Pool.from_pandas(frame, gold="gold", cache=tmp_path / "cache")


@pytest.mark.parametrize("audit", [Audit(50), Audit(50, when="last")])
def test_the_report_and_the_export_say_what_the_audit_says(tmp_path: Path, audit: Audit) -> None:
    pool = _recorded_pool(tmp_path)
    router = Router([Stage(Recorded("said", labels=TASK.names), Threshold(0.0)), SimulatedHuman()])
    run = Orchestrator(
        TASK,
        pool,
        directory=tmp_path / "run",
        annotator=router,
        objective="labels",
        learner=WordBayes(),
        selector=Random(),
        start=Random(),
        start_items=10,
        budget=Budget(batch=10, rounds=0),
        audit=audit,
        seed=2,
    )
    result = run.run()
    assert len(result.audited) == 50
    wrong = sum(
        result.audited[item].label != result.labels[item].label
        for item in result.audited
        if result.labels[item].kind == "recorded"
    )
    figures = json.loads(write_run(run, baseline=False).with_suffix(".json").read_text())
    found = figures["audit"]
    n = found["error"]["n"]
    assert n == 50 - found["labelled_by_people"] == 50
    assert found["error"]["hits"] == wrong
    assert 2 < wrong < 20
    low, high = beta.ppf([0.025, 0.975], [wrong, wrong + 1], [n - wrong + 1, n - wrong])
    assert (found["error"]["low"], found["error"]["high"]) == pytest.approx((low, high))
    assert found["by"] == {"human": 50}
    assert figures["people"]["annotations"] == 10
    assert figures["delivered"]["by_kind"] == {"audit": 50, "human": 10, "recorded": 140}
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"{wrong} of 50 labels of machines are wrong by what people said" in page
    with Ledger.open(run.ledger_url, read_only=True) as ledger:
        tables = RunTables(TASK, run.items, ledger, lambda *_: None)
        table = tables.table("labels", everything=False)
        rows = {row["id"]: row for row in table.rows()}
    assert len(rows) == 200
    assert {item for item, row in rows.items() if row["audited"]} == result.audited.keys()
    gold = dict(zip(pool.ids(), pool.gold(), strict=True))
    assert all(rows[item]["label"] == gold[item] for item in result.audited)
    assert {rows[item]["by"] for item in result.audited} == {"human"}
