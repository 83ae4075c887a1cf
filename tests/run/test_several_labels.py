"""A run over items that take several labels: model, people, learner, ledger, report and export."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from llmal import Budget, Orchestrator
from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.router import Router, Stage, Threshold
from llmal.annotators.similarity import SimilarityAnnotator
from llmal.annotators.simulated import SimulatedHuman
from llmal.errors import ConfigError
from llmal.evaluation.random_picks import accuracy_on_random_picks
from llmal.ledger import Ledger
from llmal.pool import Pool
from llmal.report.gather import record_of, write_run
from llmal.selectors import Margin, make
from llmal.task import Task

NAMES = ("gratitude", "anger", "love", "sadness")
TASK = Task("emotions", NAMES, kind="multi")


def _rows(shared: Path, part: str, n: int) -> list[dict]:
    with gzip.open(shared / "data" / "goemotions" / f"{part}.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    found = [{**row, "labels": sorted({*row["labels"]} & {*NAMES})} for row in rows]
    some = [row for row in found if row["labels"]][: 2 * n // 3]
    return some + [row for row in found if not row["labels"]][: n - len(some)]


@pytest.fixture
def pools(shared, tmp_path):
    def pool(part, n):
        file = tmp_path / f"{part}.jsonl"
        file.write_text("\n".join(map(json.dumps, _rows(shared, part, n))))
        return Pool.from_file(file, gold="labels", cache=tmp_path / "cache")

    return pool("train", 60), pool("test", 60)


def _run(directory, pools, embedder, annotator=None, **more):
    pool, test = pools
    given = {
        "annotator": annotator or SimulatedHuman(),
        "test": test,
        "embedder": embedder,
        "start_items": 12,
        "budget": Budget(human_labels=30, batch=6),
        "seed": 3,
    }
    return Orchestrator(TASK, pool, directory=directory, **{**given, **more})


def test_people_and_a_learner(pools, embedder, tmp_path):
    result = _run(tmp_path / "run", pools, embedder).run()
    assert result.status == "finished"
    gold = dict(zip(pools[0].ids(), pools[0].gold(), strict=True))
    assert len(result.labels) == 30
    assert all(one.label == gold[i] for i, one in result.labels.items())
    figures = result.rounds[-1].metrics
    for name in ("micro_f1", "macro_f1", "samples_f1", "accuracy", "mean_entropy", "agreement"):
        assert 0 <= figures[name] <= 1
    assert figures["nll"] is None
    assert result.accuracy == figures["subset_accuracy"]


def test_people_who_err(pools, embedder, tmp_path):
    people = SimulatedHuman(labels=NAMES, noise=0.5)
    result = _run(tmp_path / "run", pools, embedder, people).run()
    gold = dict(zip(pools[0].ids(), pools[0].gold(), strict=True))
    wrong = [{*one.label} ^ {*gold[i]} for i, one in result.labels.items() if one.label != gold[i]]
    assert 5 <= len(wrong) <= 25
    assert all(len(one) == 1 for one in wrong)


def test_the_model_answers_first_and_people_review_what_it_is_unsure_of(
    pools, embedder, tiny_hf, tmp_path
):
    machine = LLMAnnotator(TASK, tiny_hf, style="completion", shots=2)
    router = Router([Stage(machine, Threshold(0.6)), SimulatedHuman()])
    run = _run(tmp_path / "run", pools, embedder, router, objective="labels", guarantee="off")
    plan = run.plan()
    result = run.run()
    assert result.status == "finished"
    spent = result.cost
    assert plan.requests >= spent.requests > 0
    assert plan.tokens >= spent.tokens
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        answers = [one for one in ledger.annotations() if one.kind == "llm"]
    assert answers
    for one in answers:
        assert TASK.space.holds(one.label)
        assert set(one.probabilities) == set(NAMES)
    assert all(TASK.space.holds(one.label) for one in result.labels.values())


def test_a_run_goes_on_to_the_same_end(pools, embedder, tiny_hf, tmp_path):
    def annotator():
        machine = LLMAnnotator(TASK, tiny_hf, style="completion", thresholds="f1", batch_size=5)
        return Router([Stage(machine, Threshold(0.55)), SimulatedHuman()])

    budget = Budget(human_labels=24, batch=6, rounds=3)
    whole = _run(tmp_path / "a", pools, embedder, annotator(), budget=budget).run()

    class Killed(Exception):
        pass

    def kill(event):
        if event.kind == "progress" and event.data.get("what", "").startswith("round 2"):
            raise Killed

    with pytest.raises(Killed):
        _run(tmp_path / "b", pools, embedder, annotator(), budget=budget, callbacks=[kill]).run()
    again = _run(tmp_path / "b", pools, embedder, annotator(), budget=budget).run()
    assert {i: one.label for i, one in again.labels.items()} == {
        i: one.label for i, one in whole.labels.items()
    }
    assert [one.item_ids for one in again.rounds] == [one.item_ids for one in whole.rounds]


@pytest.mark.parametrize("selector", [Margin(over="max"), make("least_sure"), make("entropy")])
def test_selectors_of_a_run(selector, pools, embedder, tmp_path):
    budget = Budget(human_labels=18, batch=6)
    result = _run(tmp_path / "run", pools, embedder, selector=selector, budget=budget).run()
    assert len(result.labels) == 18


@pytest.mark.slow
def test_the_report_measures_label_by_label(pools, embedder, tiny_hf, tmp_path):
    machine = LLMAnnotator(TASK, tiny_hf, style="completion")
    router = Router([Stage(machine, Threshold(0.9)), SimulatedHuman()])
    run = _run(tmp_path / "run", pools, embedder, router, objective="labels", guarantee="off")
    run.run()
    from llmal.report.figures import collect

    figures = collect(record_of(run, baseline=False))
    (machine_figures,) = figures["machines"]
    answers = run_answers(tmp_path / "run")
    gold = dict(zip(run.pool.ids(), run.pool.gold(), strict=True))
    given = TASK.space.targets([answers[i] for i in answers])
    truth = TASK.space.targets([gold[i] for i in answers])
    assert machine_figures["measures"] == pytest.approx(dict(TASK.space.measures(given, truth)))
    assert machine_figures["accuracy"]["value"] == pytest.approx(
        (given == truth).all(axis=1).mean()
    )
    table = {one["label"]: one for one in machine_figures["confusion"]["labels"]}
    for column, name in enumerate(NAMES):
        assert table[name]["reference"] == int(truth[:, column].sum())
        assert table[name]["given"] == int(given[:, column].sum())
    assert machine_figures["confusion"]["matrix"] is None
    assert machine_figures["calibration"]["n"] == len(answers) * len(NAMES)
    assert write_run(run).read_text().startswith("<!DOCTYPE html>")


def run_answers(directory):
    with Ledger.open(directory / "ledger.sqlite") as ledger:
        return {one.item_id: one.label for one in ledger.annotations() if one.kind == "llm"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"selector": make("promptal")},
            "the selector promptal works with one label an item, and task",
        ),
        ({"start": make("probcover")}, "the selector probcover works with one label an item"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_run(more, said, pools, embedder, tmp_path):
    with pytest.raises(ConfigError, match=said):
        _run(tmp_path / "run", pools, embedder, **more)


def test_annotators_learners_and_generators_that_do_not_fit(pools, embedder, tmp_path):
    class Other:
        name, kind, batch_size = "other", "llm", 8

        def annotate(self, items, context):
            return []

        def plan(self, items, context):
            return None

    with pytest.raises(ConfigError, match="the annotator other works with one label an item"):
        _run(tmp_path / "run", pools, embedder, Other())
    with pytest.raises(ConfigError, match="the annotator similarity works with one label"):
        SimilarityAnnotator(TASK, embedder)
    from llmal.learners import PromptTuned

    with pytest.raises(ConfigError, match="the learner PromptTuned works with one label an item"):
        _run(tmp_path / "run", pools, embedder, learner=PromptTuned("nowhere"))


def test_the_baseline_of_random_picks_counts_whole_answers(pools, embedder, tmp_path):
    run = _run(tmp_path / "run", pools, embedder)
    points = accuracy_on_random_picks(run.campaign.trainer, [10, 20], draws=2, seed=0)
    assert [one["labelled"] for one in points] == [10, 20]
    assert all(0 <= one["accuracy_mean"] <= 1 for one in points)
    assert np.isfinite([one["accuracy_std"] for one in points]).all()
