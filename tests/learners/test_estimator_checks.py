from __future__ import annotations

from pathlib import Path

import pytest

from llmal.learners import REGISTRY
from tests.support.estimator_checks import EXPECTED, SOMETIMES, checked_learners, run_checks

OTHERS = sorted({*EXPECTED} - {"linear"})


def test_every_learner_is_checked(tmp_path: Path):
    assert sorted(EXPECTED) == sorted(checked_learners(tmp_path)) == REGISTRY.names()


@pytest.mark.parametrize("name", ["linear", *(pytest.param(n, marks=pytest.mark.slow)
                                              for n in OTHERS)])  # fmt: skip
def test_scikit_learn_finds_nothing_but_what_is_meant(name: str, tmp_path: Path):
    learner = checked_learners(tmp_path)[name]()

    found = run_checks(learner)

    failed = {one.name: one.said for one in found if one.status == "failed"}
    sometimes = SOMETIMES if learner.input == "texts" else {}
    assert failed.keys() - sometimes.keys() == EXPECTED[name].keys(), failed
    assert sum(one.status == "passed" for one in found) > 50
