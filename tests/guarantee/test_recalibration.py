from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from llmal.errors import ConfigError
from llmal.guarantee.audit_plan import AuditPlan, BestShare
from llmal.guarantee.batching import GapBatch
from llmal.guarantee.look_plan import MultipleLooks
from llmal.guarantee.recalibration import AsPredicted, Platt


def test_platt_is_the_maximum_a_posteriori():
    rng = np.random.default_rng(0)
    probabilities = rng.uniform(0.01, 0.99, 200)
    wrong = rng.random(200) < expit(0.8 + 0.7 * np.log(probabilities / (1 - probabilities)))
    fitted = Platt().fit(probabilities, wrong).as_dict()

    def loss(theta):
        p = expit(theta[0] + theta[1] * np.log(probabilities / (1 - probabilities)))
        fit = -np.where(wrong, np.log(p), np.log(1 - p)).sum()
        return fit + theta[0] ** 2 / 2 / 0.25**2 + (theta[1] - 1) ** 2 / 2 / 0.1**2

    best = minimize(loss, [0.0, 1.0], tol=1e-10).x
    assert [fitted["intercept"], fitted["slope"]] == pytest.approx(best.tolist(), abs=1e-4)


def test_platt_without_labels_changes_nothing_and_with_many_forgets_its_prior():
    nothing = Platt().fit(np.zeros(0), np.zeros(0, dtype=bool))
    assert nothing(np.array([0.2, 0.9])) == pytest.approx([0.2, 0.9])
    wrong = np.arange(100_000) % 10 == 0
    mapped = Platt().fit(np.full(100_000, 0.5), wrong)(np.array([0.5]))
    assert mapped == pytest.approx([0.1], abs=0.002)


def test_platt_takes_zero_and_one_and_keeps_the_order():
    mapped = Platt().fit(np.array([0.0, 1.0]), np.array([True, False]))
    values = mapped(np.array([0.0, 0.3, 0.6, 1.0]))
    assert np.all(np.diff(values) > 0)
    assert np.all((values > 0) & (values < 1))


def test_as_predicted_changes_nothing():
    mapped = AsPredicted().fit(np.array([0.5]), np.array([True]))
    assert mapped(np.array([0.25])) == pytest.approx([0.25])


def test_no_prior_without_spread():
    with pytest.raises(ConfigError):
        Platt(slope=0)


def test_plan_by_hand():
    # 100 items of p = .1, ten allowed; a share of a half leaves k where
    # .05 k + 0 · … ≤ 10, so all 100 stay and 50 need no person; with z = 1:
    # .05 k + √(.09 k) ≤ 10 still holds at k = 100 (5 + 3 = 8).
    probabilities = np.full(100, 0.1)
    assert BestShare(shares=(0.5,), z=0.0).audit(probabilities, 10) == AuditPlan(100, 50, 50.0)
    assert BestShare(shares=(0.5,), z=1.0).audit(probabilities, 10) == AuditPlan(100, 50, 50.0)
    # .075 k + √(.27 k) ≤ 10: 73 gives 5.475 + 4.440, and 74 gives 5.55 + 4.47.
    assert BestShare(shares=(0.25,), z=1.0).audit(probabilities, 10).kept == 73
    assert BestShare().audit(probabilities, 100) == AuditPlan(100, 0, 100.0)


def test_batch_by_hand():
    plan = AuditPlan(kept=440, audited=100, saved=340.0)
    # 1000 - 440/.8 = 450; three fifths are 270, and 5 % of 1000 the most.
    batch = GapBatch(fullness=0.8)
    assert batch.size(1000, 1000, plan) == 50
    assert batch.size(1000, 560, plan) == 12
    assert batch.size(1000, 550, plan) == 0
    assert batch.size(10, 3, AuditPlan(0, 3, 0.0)) == 1


def test_no_audit_begins_on_the_word_of_a_score_that_has_seen_few_labels():
    # All of the rest is expected to stay, but 125 of 1000 are to be labelled first, and 300 of
    # 10,000.
    assert GapBatch().size(1000, 950, AuditPlan(950, 60, 890.0)) == 50
    assert GapBatch().size(1000, 900, AuditPlan(900, 60, 840.0)) == 25
    assert GapBatch().size(1000, 875, AuditPlan(875, 60, 815.0)) == 0
    assert GapBatch().size(10_000, 9_700, AuditPlan(9_700, 60, 9_640.0)) == 0
    assert GapBatch(least=0.0).size(1000, 950, AuditPlan(950, 60, 890.0)) == 0


def test_looks_by_hand():
    assert MultipleLooks().plan(100, 1000) == (60, 100, 160)
    assert MultipleLooks().plan(100, 120) == (60, 100, 120)
    assert MultipleLooks().plan(10, 1000) == (20,)
    assert MultipleLooks((1.0,)).plan(300, 1000) == (300,)
    assert MultipleLooks().plan(10, 5) == (5,)
