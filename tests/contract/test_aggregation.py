"""What every way to make one answer of several people's promises."""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmal.annotators.aggregation import REGISTRY, Aggregated, Aggregator, CombinedBy, aggregate
from llmal.core.records import Annotation
from llmal.errors import AnnotationError, ConfigError
from llmal.ledger import Ledger, WorkerAnswer
from llmal.ledger.combining import majority
from llmal.task import Task
from llmal.task.spaces import kinds_of

SINGLE = Task("farm", ["animal", "food", "tool"])
MULTI = Task("farm", ["animal", "food", "tool"], kind="multi")
TASKS = {"single": SINGLE, "multi": MULTI}
# A few steps from few beginnings: with more they come to the same answers, in ten times the time.
OPTIONS = {
    "dawid_skene": {"n_iter": 10},
    "one_coin_dawid_skene": {"n_iter": 10},
    "mace": {"n_restarts": 1, "n_iter": 5},
    "glad": {"n_iter": 2},
}
WORKERS = {"anna": 0.95, "ben": 0.9, "eve": 0.85, "tom": 0.4}
NEEDS = {"crowdlab": "cleanlab", "majority": "llmal"}
"""The package behind a name; crowd-kit behind the others."""

CASES = [
    pytest.param(
        name,
        kind,
        marks=pytest.mark.skipif(
            find_spec(NEEDS.get(name, "crowdkit")) is None,
            reason=f"{NEEDS.get(name, 'crowdkit')} is not installed",
        ),
    )
    for name in REGISTRY.names()
    for kind in TASKS
    if kind in kinds_of(REGISTRY.get(name))
]


def _truth(kind: str, n: int) -> Any:
    names = SINGLE.names
    return names[n % 3] if kind == "single" else tuple(sorted({names[n % 3], names[n % 2]}))


def _said(kind: str, n: int, worker: str, rng: np.random.Generator) -> Any:
    right = _truth(kind, n)
    if rng.random() < WORKERS[worker]:
        return right
    return _truth(kind, n + 1 + int(rng.integers(2)))


def _answers(kind: str, items: int = 60) -> dict[str, list[WorkerAnswer]]:
    rng = np.random.default_rng(7)
    return {
        f"i{n:03d}": [
            WorkerAnswer(worker, _said(kind, n, worker, rng), float(k))
            for k, worker in enumerate(WORKERS)
            if (n + k) % 4
        ]
        for n in range(items)
    }


def _beliefs(items: int = 60) -> dict[str, dict[str, float]]:
    return {
        f"i{n:03d}": {name: 0.8 if name == _truth("single", n) else 0.1 for name in SINGLE.names}
        for n in range(0, items, 2)
    }


@functools.cache
def _of_sixty(name: str, kind: str) -> Aggregated:
    return _put_together(name, kind, _answers(kind))


def _put_together(
    name: str, kind: str, answers: Mapping[str, Sequence[WorkerAnswer]]
) -> Aggregated:
    aggregator: Aggregator = REGISTRY.make(name, OPTIONS.get(name))
    return aggregator.aggregate(answers, TASKS[kind].space, _beliefs())


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_shapes_and_ranges(name: str, kind: str) -> None:
    found = _of_sixty(name, kind)
    space = TASKS[kind].space
    assert found.items == tuple(_answers(kind))
    assert all(space.holds(one) for one in found.answers)
    assert found.probabilities.shape == (60, 3)
    assert ((found.probabilities >= 0) & (found.probabilities <= 1 + 1e-9)).all()
    if space.rows_sum_to_one:
        assert found.probabilities.sum(axis=1) == pytest.approx(1)
    assert found.confidence.shape == (60,)
    assert ((found.confidence >= 0) & (found.confidence <= 1 + 1e-9)).all()
    assert set(found.workers) == set(WORKERS)
    assert all(0 <= one <= 1 + 1e-9 for one in found.workers.values())


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_who_errs_most_is_found_and_most_answers_are_right(name: str, kind: str) -> None:
    found = _of_sixty(name, kind)
    assert min(found.workers, key=lambda one: found.workers[one]) == "tom"
    right = [one == _truth(kind, n) for n, one in enumerate(found.answers)]
    assert np.mean(right) >= 0.8


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_same_whatever_order_answers_are_told_in(tmp_path: Path, name: str, kind: str) -> None:
    told = [
        Annotation(item, one.answer, one.worker, "human", created=one.created, round=0)
        for item, given in _answers(kind, 24).items()
        for one in given
    ]
    told += [
        Annotation(item, SINGLE.names[0], "llm", "llm", probabilities=shares, round=0)
        for item, shares in (_beliefs(24).items() if kind == "single" else ())
    ]
    found = []
    for seed in range(2):
        random.Random(seed).shuffle(told)
        with Ledger.open(tmp_path / f"{seed}.sqlite") as ledger:
            ledger.combine_by(CombinedBy(REGISTRY.make(name, OPTIONS.get(name)), TASKS[kind].space))
            for start in range(0, len(told), 9 + seed):
                ledger.append(told[start : start + 9 + seed])
                if name == "majority":
                    ledger.labels()
            found.append(sorted((item, repr(one)) for item, one in ledger.labels().items()))
    assert found[0] == found[1]
    assert len(found[0]) == 24


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_where_all_say_the_same_it_is_that(name: str, kind: str) -> None:
    same = _truth(kind, 0)
    answers = {f"i{n:03d}": [WorkerAnswer(one, same) for one in WORKERS] for n in range(8)}
    found = _put_together(name, kind, answers)
    assert set(found.answers) == {same}


@pytest.mark.parametrize("kind", TASKS)
def test_majority_is_that_of_the_ledger(kind: str) -> None:
    answers = _answers(kind)
    found = _put_together("majority", kind, answers)
    for item, answer, sure in zip(found.items, found.answers, found.confidence, strict=True):
        assert (answer, pytest.approx(sure)) == (
            majority(answers[item]).answer,
            majority(answers[item]).confidence,
        )


def test_of_annotations_the_last_of_each_person_counts() -> None:
    told = [
        Annotation("a", "food", "anna", "human", created=1.0),
        Annotation("a", "animal", "anna", "human", created=2.0, revision=1),
        Annotation("a", "animal", "ben", "human", created=1.5),
        Annotation("a", None, "eve", "human", created=1.6),
        Annotation("a", "food", "llm", "llm", created=1.7),
    ]
    found = aggregate(told, SINGLE)
    assert (found.answers, found.workers) == (("animal",), {"anna": 1.0, "ben": 1.0})


@pytest.mark.skipif(not all(map(find_spec, ("crowdkit", "cleanlab"))), reason="no extras")
def test_what_cannot_be_had_is_one_sentence() -> None:
    told = [Annotation("a", "food", one, "human") for one in ("anna", "ben")]
    with pytest.raises(ConfigError, match="there is no 'dawid_skeen' among"):
        aggregate(told, SINGLE, by="dawid_skeen")
    with pytest.raises(AnnotationError, match="weighs people beside the probabilities of a mach"):
        aggregate(told, SINGLE, by="crowdlab")
    with pytest.raises(ConfigError, match="the aggregation crowdlab works with one label an item"):
        aggregate([Annotation("a", ("food",), "anna", "human")], MULTI, by="crowdlab")
    with pytest.raises(ConfigError, match="n_iter is 0"):
        REGISTRY.make("dawid_skene", {"n_iter": 0})
