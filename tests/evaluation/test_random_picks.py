"""The learner on random picks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from word_trainer import make_texts, make_trainer

from llmal.errors import DataError
from llmal.evaluation.random_picks import accuracy_on_random_picks
from llmal.pool import Pool


def test_the_random_baseline_has_the_sizes_and_draws_that_were_asked_for(tmp_path: Path):
    trainer = make_trainer(tmp_path)
    points = accuracy_on_random_picks(trainer, [3, 12, 60], draws=4, seed=5)
    assert [(one["labelled"], one["draws"]) for one in points] == [(3, 4), (12, 4), (60, 4)]
    assert points[-1]["accuracy_std"] == 0.0
    assert points[0]["accuracy_std"] > 0.0
    assert points[0]["accuracy_mean"] < points[-1]["accuracy_mean"]
    assert accuracy_on_random_picks(trainer, [3, 12, 60], draws=4, seed=5) == points
    assert accuracy_on_random_picks(trainer, [3, 12, 60], draws=4, seed=6) != points
    assert not trainer.fitted


def test_the_last_point_of_the_random_baseline_is_the_whole_pool(tmp_path: Path):
    trainer = make_trainer(tmp_path)
    [point] = accuracy_on_random_picks(trainer, [60], draws=1, seed=0)
    trainer.fit(np.arange(60), np.arange(60) % 3)
    assert point["accuracy_mean"] == trainer.measure()["accuracy"]
    assert point["accuracy_std"] == 0.0


def test_the_random_baseline_passes_over_items_without_gold(tmp_path: Path):
    texts, gold = make_texts(60)
    partly: list[str | None] = [g if n % 2 else None for n, g in enumerate(gold)]
    pool = Pool.from_texts(texts, partly, cache=tmp_path)
    trainer = make_trainer(tmp_path, pool=pool)
    [point] = accuracy_on_random_picks(trainer, [30], draws=2, seed=0)
    assert point["accuracy_mean"] > 0.5
    with pytest.raises(DataError, match="30 items of the pool have a gold label"):
        accuracy_on_random_picks(trainer, [31], draws=2, seed=0)


@pytest.mark.parametrize(("sizes", "draws"), [([], 3), ([3], 0)])
def test_a_random_baseline_of_nothing_is_empty(tmp_path: Path, sizes: list[int], draws: int):
    assert accuracy_on_random_picks(make_trainer(tmp_path), sizes, draws=draws, seed=0) == []
