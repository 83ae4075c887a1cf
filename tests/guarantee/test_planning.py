"""Audits planned by the rule itself, and pools as numbers of right and wrong labels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from llmal.errors import ConfigError, DataError
from llmal.guarantee.audit_plan import BestShare
from llmal.guarantee.doubt import GRID, Doubt
from llmal.guarantee.look_plan import MultipleLooks
from llmal.guarantee.nested_looks import critical_counts, fewest_audited
from llmal.guarantee.planning import plan_audit
from llmal.guarantee.simulated_audit import near_counts

ONE_LOOK = MultipleLooks(multiples=(1.0,), least=1)


def test_where_nothing_is_wrong_the_smallest_audit_pays_best() -> None:
    planned = plan_audit(np.zeros(1000), looks=ONE_LOOK)
    fewest = fewest_audited(1000, 50, 0.05)
    assert planned.fewest == fewest
    assert planned.best is not None
    assert (planned.best.audited, planned.best.kept, planned.people) == (fewest, 1000, fewest)


def test_the_walk_ends_where_one_error_too_many_is_expected() -> None:
    # 80 that are right and 20 that are wrong; with half of them audited every second of the 20 is
    # met, so that the (c + 1)-th is the 80 + 2 (c + 1)-th item, and what is above it stays.
    probability = np.repeat([0.0, 1.0], [80, 20])
    planned = plan_audit(probability, epsilon=0.1, shares=(0.5,), looks=ONE_LOOK)
    size = next(one for one in planned.sizes if one.audited == 50)
    (count,) = critical_counts(100, 10, (50,), 0.05)
    assert size.critical_counts == (count,)
    assert size.kept == 80 + 2 * (count + 1) - 1
    assert size.people == 100 - round(size.kept / 2)


def test_items_of_people_let_more_of_the_rest_be_wrong() -> None:
    rng = np.random.default_rng(0)
    probability = rng.beta(0.5, 3, 900)
    alone, among = plan_audit(probability), plan_audit(probability, items=1500)
    assert alone.best is not None
    assert among.best is not None
    assert among.labelled == 600
    assert among.best.kept > alone.best.kept


def test_no_audit_where_all_may_be_wrong_or_too_many_are() -> None:
    sure = plan_audit(np.ones(40), items=1000)
    assert sure.best is not None
    assert (sure.best.audited, sure.people) == (0, 960)
    hopeless = plan_audit(np.full(1000, 0.9))
    assert hopeless.people > 940  # no more than the 50 that may be wrong stay
    assert plan_audit(np.zeros(10), epsilon=0).people == 10


def test_no_audit_is_planned_from_which_nothing_could_be_promised() -> None:
    # Nothing seems wrong, and 25 of 2,000 may be: none wrong of fewer than 220 is no sign yet.
    fewest = fewest_audited(2000, 25, 0.05)
    assert 200 < fewest < 240
    for plan in (
        BestShare().audit(np.zeros(2000), 25),
        Doubt.of(np.zeros(2000)).plan(25, BestShare()),
    ):
        assert plan.audited >= fewest


def test_bad_probabilities_are_refused() -> None:
    with pytest.raises(DataError, match=r"probability_wrong is nan at position 1 \(1 such in all"):
        plan_audit([0.1, np.nan])
    with pytest.raises(DataError, match=r"is 1.5 at position 0"):
        plan_audit([1.5, 0.1])
    with pytest.raises(DataError, match=r"has shape \(0,\)"):
        plan_audit([])
    with pytest.raises(DataError, match="3 items, and 4 without a person's label"):
        plan_audit(np.zeros(4), items=3)
    with pytest.raises(ConfigError, match=r"epsilon is 1\.5"):
        plan_audit(np.zeros(4), epsilon=1.5)


@pytest.mark.parametrize(
    ("rest", "allowed", "looks"),
    [
        (2000, 115, (100, 170, 272)),
        (1500, 115, (100, 170, 270)),
        (1700, 115, (200, 330, 530)),
        (4000, 250, (200, 330, 520)),
        (2200, 22, (60, 100, 160)),
    ],
)
def test_near_counts_are_near(rest: int, allowed: int, looks: tuple[int, ...]) -> None:
    near = np.array(near_counts(rest, allowed, looks, 0.05))
    assert np.abs(near - critical_counts(rest, allowed, looks, 0.05)).max() <= 1


def test_a_pool_in_numbers_plans_as_the_plan_does() -> None:
    rng = np.random.default_rng(0)
    probability = np.sort(1 / (1 + np.exp(-rng.normal(-1.5, 1.2, 2300))))
    doubt = Doubt.of(probability)
    assert doubt.counts.sum() == pytest.approx(2300)
    assert doubt.wrong.sum() == pytest.approx(probability.sum(), rel=1e-3)
    exact, near = BestShare().audit(probability, 115), doubt.plan(115, BestShare())
    assert near.saved == pytest.approx(exact.saved, rel=0.01)
    assert doubt.plan(3000, BestShare()).saved == pytest.approx(2300)
    top = doubt.without_doubtful(300)
    assert top.counts.sum() == pytest.approx(2000)
    assert top.wrong.sum() == pytest.approx(probability[:2000].sum(), rel=0.01)


def test_evidence_is_as_telling_as_it_says() -> None:
    # All items alike, a third wrong. Evidence of strength 2 ranks a wrong one above a right one
    # with the probability Φ(√(2 / 2)) = .841, and what it makes of the odds is true.
    doubt = Doubt.of(np.full(3000, 1 / 3)).sharpened(2.0)
    assert doubt.wrong.sum() == pytest.approx(1000, rel=0.01)
    below = np.cumsum(doubt.right) - doubt.right / 2
    ranked = (doubt.wrong * below).sum() / doubt.wrong.sum() / doubt.right.sum()
    assert ranked == pytest.approx(norm.cdf(1), abs=0.002)
    many = doubt.counts > 5
    assert doubt.share_wrong[many] == pytest.approx(1 / (1 + np.exp(-GRID[many])), abs=0.005)
    assert doubt.sharpened(0) is doubt
