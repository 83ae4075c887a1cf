"""What is used where nobody names a calibrator, and how it is told whether it helps."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.calibration import Batch, Comparison, Contextual, Judged, Temperature
from llmal.calibration.default import FEWEST_TEXTS, default_for, fits_on, stages_of
from llmal.errors import ConfigError


@pytest.mark.parametrize("off", [None, "none", [], (), ["none"]])
def test_calibration_is_switched_off_in_several_ways(off):
    assert stages_of(off) == ()


def test_stages_are_names_and_objects_in_turn():
    ready = Temperature()
    stages = stages_of(["auto", "contextual", ready])
    assert stages[0] == "auto"
    assert isinstance(stages[1], Contextual)
    assert stages[2] is ready
    assert fits_on(stages[0]) == "pool"
    assert fits_on(stages[2]) == "labels"


@pytest.mark.parametrize("wrong", ["automatic", ["batch", "none"], ["nothing"]])
def test_what_is_no_calibrator_is_refused(wrong):
    with pytest.raises(ConfigError):
        stages_of(wrong)


def test_too_few_texts_have_another_default():
    assert default_for(FEWEST_TEXTS).fits_on == "pool"
    assert default_for(FEWEST_TEXTS - 1).fits_on == "content-free"
    assert default_for(0).fits_on == "content-free"


def _judged(before: list[list[float]], after: list[list[float]], truth: list[int]) -> Judged:
    ids = tuple(f"i{n:02d}" for n in range(len(truth)))
    return Judged(ids, np.array(before), np.array(after), np.array(truth, dtype=np.int64))


def test_a_comparison_tells_help_from_harm():
    truth = [0] * 6 + [1] * 6
    biased = [[0.9, 0.1]] * 6 + [[0.6, 0.4]] * 6
    fair = [[0.8, 0.2]] * 6 + [[0.3, 0.7]] * 6
    better = Comparison.of(_judged(biased, fair, truth))
    assert better is not None
    assert (better.before.accuracy, better.after.accuracy) == (0.5, 1.0)
    assert better.verdict == "helps"
    assert "on 12 labelled items accuracy 0.500 without, 1.000 with" in better.sentence()
    worse = Comparison.of(_judged(fair, biased, truth))
    assert worse is not None
    assert worse.verdict == "harms"
    assert "'calibrate: none'" in worse.sentence()
    assert worse.as_dict()["after"]["accuracy"] == 0.5


def test_few_labelled_items_are_no_comparison():
    assert Comparison.of(_judged([[0.5, 0.5]] * 9, [[0.5, 0.5]] * 9, [0] * 9)) is None


def test_an_item_is_judged_once():
    first = _judged([[0.9, 0.1]] * 10, [[0.8, 0.2]] * 10, [0] * 10)
    second = _judged([[0.4, 0.6]] * 12, [[0.3, 0.7]] * 12, [1] * 12)
    both = first.joined(second)
    assert both.ids == second.ids
    assert both.truth.tolist() == [0] * 10 + [1] * 2


def test_batch_needs_no_labels():
    assert Batch().fits_on == "pool"
