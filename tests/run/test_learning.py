"""When the learner of a campaign that works for a promise is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from promised import campaign_of, finish
from told_answers import pool_of
from word_bayes import WordBayes

from llmal import Budget, Pool


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
