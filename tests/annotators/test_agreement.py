"""How far people agree beyond chance."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.annotators.aggregation import agreement_of, krippendorff_alpha, measure_agreement
from llmal.core.records import Annotation
from llmal.ledger import WorkerAnswer
from llmal.task import Task

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), example C: four observers.
_OBSERVERS = ["1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 ."]
_OBSERVERS += ["1 2 3 3 2 4 4 1 2 5 1 ."]


def test_alpha_of_a_published_example() -> None:
    rows = [line.split() for line in _OBSERVERS]
    units = [[one for one in column if one != "."] for column in zip(*rows, strict=True)]
    space = Task("t", ["1", "2", "3", "4", "5"]).space
    assert krippendorff_alpha(units, space) == pytest.approx(0.743, abs=5e-4)


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_alpha_is_that_of_nltk(kind: str) -> None:
    agreement = pytest.importorskip("nltk.metrics.agreement")
    task = Task("t", ["a", "b", "c"], kind=kind)  # type: ignore[arg-type]
    rng = np.random.default_rng(5)
    values = ["a", "b", "c"] if kind == "single" else [(), ("a",), ("a", "b"), ("b", "c")]
    answers = {
        f"i{n}": [
            WorkerAnswer(worker, values[int(rng.integers(len(values)) * (n % 3 > 0))])
            for worker in ("anna", "ben", "eve")
            if rng.random() < 0.8
        ]
        for n in range(60)
    }
    given = [[one.answer for one in said] for said in answers.values()]
    rows = [
        (one.worker, item, one.answer if kind == "single" else frozenset(one.answer))
        for item, said in answers.items()
        for one in said
        if len(said) > 1
    ]
    theirs = agreement.AnnotationTask(
        rows,
        distance=lambda a, b: (
            float(a != b) if kind == "single" else 1 - (len(a & b) / len(a | b) if a | b else 1)
        ),
    )
    assert krippendorff_alpha(given, task.space) == pytest.approx(theirs.alpha(), abs=1e-12)


def test_pairs_have_cohens_kappa() -> None:
    task = Task("t", ["yes", "no"])
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    told = [
        Annotation(f"i{n}", label, who, "human")
        for who, labels in (("anna", first), ("ben", second))
        for n, label in enumerate(labels)
    ]
    found = measure_agreement([*told, Annotation("alone", "yes", "eve", "human")], task)
    assert (found.items, found.answers, found.workers) == (50, 100, 2)
    [pair] = found.pairs
    assert (pair.first, pair.second, pair.items, pair.same) == ("anna", "ben", 50, 0.7)
    assert pair.kappa == pytest.approx(0.4)


def test_nothing_to_compare() -> None:
    space = Task("t", ["yes", "no"]).space
    same = {"a": [WorkerAnswer("anna", "yes"), WorkerAnswer("ben", "yes")]}
    assert agreement_of(same, space).alpha is None
    assert agreement_of(same, space).pairs[0].kappa is None
    assert agreement_of({}, space).pairs == ()
    assert agreement_of({}, space).alpha is None
