from __future__ import annotations

import json

import numpy as np

from llmal import Budget, Orchestrator, Pool, Task, report
from llmal.annotators import SimulatedHuman
from llmal.learners import LinearHead
from llmal.selectors import Random, TypiClust

WORDS = {"even": ["two", "four", "six", "eight"], "odd": ["one", "three", "five", "seven"]}


class _Letters:
    """Counts letters: an embedder that needs no model."""

    dimensions = 26
    fingerprint = "letters"

    def embed(self, texts, on_progress=None):
        made = np.array([[one.count(chr(97 + n)) for n in range(26)] for one in texts], np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)


def _pool(size, gold=True):
    names = list(WORDS)
    labels = [names[n % 2] for n in range(size)]
    texts = [f"{WORDS[label][n // 2 % 4]} and {'x' * n}" for n, label in enumerate(labels)]
    return Pool.from_texts(texts, labels if gold else None)


def _run(directory, **options):
    given = {
        "annotator": SimulatedHuman(),
        "test": _pool(20),
        "embedder": _Letters(),
        "selector": Random(),
        "start": Random(),
        "learner": LinearHead(),
        "overlap": "keep",  # the test set is a part of the pool
        "budget": Budget(human_labels=20, batch=5),
        **options,
    }
    return Orchestrator(Task("parity", list(WORDS)), _pool(60), directory=directory, **given)


def test_a_finished_run_as_a_record(tmp_path):
    run = _run(tmp_path)
    run.run()
    record = report.record_of(run, config={"seed": 0})
    assert (record.status, record.stop_reason) == (
        "finished",
        "the budget of 20 human labels is spent",
    )
    assert len(record.annotations) == len(record.labels) == 20
    assert record.gold == {i: one.label for i, one in record.labels.items()}
    assert record.texts.keys() == record.labels.keys()
    assert record.usage["human"].human_labels == 20
    assert [one["labelled"] for one in record.baseline] == [5, 10, 15, 20]
    assert {one["draws"] for one in record.baseline} == {3}
    assert "llmal" in record.versions


def test_a_run_that_has_not_begun(tmp_path):
    record = report.record_of(_run(tmp_path))
    assert record.status == "running"
    assert record.baseline is None
    assert record.baseline_note == "the learner has not been tested yet"


def test_the_baseline_leaves_the_learner_of_the_run_as_it_was(tmp_path):
    run = _run(tmp_path)
    run.run()
    before = run.learner.coef_.copy()
    saved = {one.name: one.read_bytes() for one in (tmp_path / "learner").iterdir()}
    page = report.write_run(run)
    assert page == tmp_path / "report.html"
    assert np.array_equal(run.learner.coef_, before)
    assert {one.name: one.read_bytes() for one in (tmp_path / "learner").iterdir()} == saved


def test_the_baseline_is_measured_once(tmp_path):
    run = _run(tmp_path)
    run.run()
    steps = []
    first = report.record_of(run, on_progress=lambda *step: steps.append(step))
    assert steps[-1] == ("random baseline", 12, 12)
    steps.clear()
    again = report.record_of(run, on_progress=lambda *step: steps.append(step))
    assert again.baseline == first.baseline
    assert not steps
    (tmp_path / "baseline.json").write_text(json.dumps({"key": "of another run", "points": []}))
    assert report.record_of(run).baseline == first.baseline


def test_the_baseline_has_at_most_ten_sizes(tmp_path):
    run = _run(tmp_path, budget=Budget(human_labels=24, batch=2))
    run.run()
    sizes = [one["labelled"] for one in report.record_of(run).baseline]
    assert len(sizes) == 10
    assert (sizes[0], sizes[-1]) == (2, 24)


def test_no_baseline_says_why(tmp_path):
    run = _run(tmp_path / "a", test=None)
    run.run()
    assert report.record_of(run).baseline_note == "there is no test set"
    run = _run(tmp_path / "b")
    run.run()
    without = report.record_of(run, baseline=False)
    assert without.baseline is None
    assert without.baseline_note.startswith("it is measured when")


def test_the_map_has_every_pick_of_a_run_with_embeddings(tmp_path):
    run = _run(tmp_path, start=TypiClust())
    run.run()
    record = report.record_of(run)
    assert record.map.picks.keys() == {i for one in record.rounds for i in one.item_ids}
    assert len(record.map.picks) + len(record.map.background) == 60
    again = report.record_of(run)
    assert again.map.picks == record.map.picks
    quick = report.record_of(_run(tmp_path / "b"), baseline=False)
    assert quick.map is None


def test_no_map_without_embeddings_of_the_pool(tmp_path):
    run = _run(tmp_path)
    run.run()
    assert not (tmp_path / "embeddings.npy").exists()
    assert report.record_of(run).map is None
