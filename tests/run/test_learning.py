"""When the learner of a campaign that works for a promise is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from promised import campaign_of, finish, machine_says, truth_of
from told_answers import pool_of
from word_bayes import WordBayes

from llmal import Budget, Pool
from llmal.learners import SoftLabels
from llmal.ledger import Decided
from llmal.run.label_shares import label_shares


def _with_gold(folder: Path) -> Pool:
    rows = [{"id": "t1", "text": "cat pond", "gold": "animal"},
            {"id": "t2", "text": "soup pond", "gold": "food"}]  # fmt: skip
    path = folder / "test.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return Pool.from_file(path, text="text", gold="gold", cache=folder / "test")


class CountingBayes(WordBayes):
    """Counts how often it is trained, clones included."""

    fits: ClassVar[list[int]] = []

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> WordBayes:
        self.fits.append(len(y))
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("tested", [False, True])
def test_the_learner_is_trained_when_somebody_needs_it(tested: bool, tmp_path: Path) -> None:
    pool = pool_of(200, tmp_path / "cache")
    CountingBayes.fits.clear()
    options: dict[str, Any] = {"learner": CountingBayes()}
    if tested:
        options["test"] = _with_gold(tmp_path)
    with campaign_of(pool, tmp_path / "run", **options) as campaign:
        finish(campaign)
        rounds = campaign.rounds
    early = [one for one in rounds if one.phase in ("seed", "sweep", "doubtful")]
    assert len(early) > 3
    assert [one.metrics["labelled"] > 0 for one in early] == [True] * len(early)
    if tested:
        assert all(one.metrics["accuracy"] is not None for one in rounds)
    else:
        # Once before the audit ends, and once after what it sends to people.
        assert len(CountingBayes.fits) == 2
        assert all("mean_entropy" not in one.metrics for one in early)
    assert rounds[-1].metrics["mean_entropy"] >= 0
    assert (tmp_path / "run" / "learner" / "labels.json").exists()


def test_a_campaign_that_ends_without_an_audit_leaves_a_learner(tmp_path: Path) -> None:
    pool = pool_of(200, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run", budget=Budget(human_labels=20)) as campaign:
        finish(campaign)
        assert campaign.reason is not None
    assert (tmp_path / "run" / "learner" / "labels.json").exists()


class ToldBayes(WordBayes):
    """Wants to know how probable the labels are, and keeps what it was told."""

    reads_probabilities = True
    told: ClassVar[dict[str, list[float]]] = {}

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> WordBayes:
        assert isinstance(y, SoftLabels)
        self.told.clear()
        self.told.update(zip(X, y.shares.tolist(), strict=True))
        return super().fit(X, y.best)


def test_a_learner_that_asks_is_told_how_probable_labels_are(tmp_path: Path) -> None:
    pool = pool_of(120, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run", learner=ToldBayes()) as campaign:
        finish(campaign)
        assert campaign.reason is not None
    people, machines = 0, 0
    for place, id in enumerate(pool.ids()):
        told = ToldBayes.told.get(pool[place].text)
        label, sure = machine_says(id)
        by_machine = [sure, 1 - sure] if label == "animal" else [1 - sure, sure]
        by_people = [1.0, 0.0] if truth_of(id) == "animal" else [0.0, 1.0]
        if told is not None and told == by_people:
            people += 1
        elif told is not None:
            np.testing.assert_allclose(told, by_machine, atol=1e-6)
            machines += 1
    assert people > 10
    assert machines > 10


def _decided(kind: Any, confidence: float | None, **more: Any) -> Decided:
    return Decided("b", kind, "somebody", confidence, 0, **more)


@pytest.mark.parametrize(
    ("decided", "said", "shares"),
    [
        (_decided("llm", 0.6), {"a": 0.3, "b": 0.6, "c": 0.1}, [0.3, 0.6, 0.1]),
        (_decided("llm", 0.6), None, [0.2, 0.6, 0.2]),
        (_decided("llm", 0.2), None, [0, 1, 0]),
        (_decided("llm", None), None, [0, 1, 0]),
        (_decided("llm", 0.6), {"a": 0.9, "b": 0.1}, [0, 1, 0]),
        (_decided("human", 0.6), {"a": 0.3, "b": 0.6, "c": 0.1}, [0, 1, 0]),
        (_decided("human", 0.7, distribution={"a": 0.25, "b": 0.75}), None, [0.25, 0.75, 0]),
    ],
)
def test_shares_of_a_label(decided: Decided, said: Any, shares: list[float]) -> None:
    np.testing.assert_allclose(label_shares(decided, said, ["a", "b", "c"]), shares)
