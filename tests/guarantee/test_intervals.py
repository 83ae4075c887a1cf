"""Intervals for shares, beside answers worked out by hand and by enumeration of every audit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import hypergeom

from llmal.errors import ConfigError, DataError
from llmal.guarantee.estimates import by_method, estimate
from llmal.guarantee.intervals import (
    clopper_pearson,
    hits_in_pool,
    ppi_mean,
    ppi_pool,
    rogan_gladen,
    share_in_pool,
)


def test_a_pool_of_ten_by_hand() -> None:
    # None of 4 drawn: with 4 hits among 10 that has probability C(6,4)/C(10,4) = 15/210 = .071,
    # with 5 it has 5/210 = .024. At 5 % a side, 4 are possible and 5 are not.
    assert hits_in_pool(0, 4, 10, (0.05, 0.05)) == (0, 4)
    assert hits_in_pool(4, 4, 10, (0.05, 0.05)) == (6, 10)
    assert hits_in_pool(0, 0, 10, (0.05, 0.05)) == (0, 10)
    assert hits_in_pool(3, 10, 10, (0.05, 0.05)) == (3, 3)  # all were drawn
    with pytest.raises(DataError, match="5 hits in 4 of 10 items"):
        hits_in_pool(5, 4, 10, (0.05, 0.05))


@pytest.mark.parametrize(("items", "drawn"), [(12, 5), (30, 11), (7, 7), (25, 1)])
def test_the_exact_interval_of_a_pool_covers_whatever_its_share(items: int, drawn: int) -> None:
    for level in (0.5, 0.9, 0.95):
        ends = [share_in_pool(hits, drawn, items, level) for hits in range(drawn + 1)]
        for true in range(items + 1):
            chances = hypergeom.pmf(np.arange(drawn + 1), items, true, drawn)
            covered = [one.low <= true / items <= one.high for one in ends]
            assert chances @ covered >= level - 1e-9


def test_clopper_and_pearson_by_hand() -> None:
    none = clopper_pearson(0, 59, 0.9)
    assert (none.low, none.high) == (0, pytest.approx(1 - 0.05 ** (1 / 59)))
    every = clopper_pearson(59, 59, 0.9)
    assert (every.low, every.high) == (pytest.approx(0.05 ** (1 / 59)), 1)


def test_rogan_and_gladen_by_hand() -> None:
    # (.3 + .9 - 1) / (.8 + .9 - 1); the interval's centre is at 9/12 and 10/12.
    one = rogan_gladen(0.3, (8, 10), (9, 10), 0.95)
    assert one is not None
    assert one.estimate == pytest.approx(2 / 7)
    assert (one.low, one.high) == (0.0, pytest.approx(0.4823, abs=1e-4))
    assert not one.exact
    assert rogan_gladen(0.3, (0, 0), (9, 10), 0.95) is None  # the class was not met
    assert rogan_gladen(0.3, (1, 10), (9, 10), 0.95) is None  # no better than chance


LABELS = np.array([1, 0, 0, 1, 1, 0])
PREDICTED = np.array([1, 0, 0, 1, 0, 0])
OTHERS = np.array([1, 0, 0, 1, 1, 0, 0, 0, 0, 1])


def test_ppi_by_hand_and_beside_ppi_python() -> None:
    # Covariance 1/6, variance of all 16 predictions 1/4: the weight is (1/6) / 1.6 / (1/4) = 5/12,
    # the estimate 5/12 * .4 + .5 - 5/12 / 3.
    middle, low, high = ppi_mean(LABELS, PREDICTED, OTHERS, 0.9)
    assert middle == pytest.approx(19 / 36)
    # What ppi_mean_ci of ppi-python 0.2.3 gives.
    assert (low, high) == (pytest.approx(0.24711337), pytest.approx(0.80844219))
    assert ppi_mean(LABELS, PREDICTED, OTHERS, weight=0)[0] == 0.5


def test_a_one_sided_ppi_interval_is_one_sided() -> None:
    # ppi-python gives a two-sided one here, where it chooses the weight itself.
    two = ppi_mean(LABELS, PREDICTED, OTHERS, 0.8)
    larger = ppi_mean(LABELS, PREDICTED, OTHERS, 0.9, alternative="larger")
    smaller = ppi_mean(LABELS, PREDICTED, OTHERS, 0.9, alternative="smaller")
    assert larger[1:] == (pytest.approx(two[1]), math.inf)
    assert smaller[1:] == (-math.inf, pytest.approx(two[2]))


def test_ppi_of_a_pool_by_hand() -> None:
    predicted = np.array([1.0, 1, 0, 0, 1, 0, 0, 0])
    # Without a mistake in the audit the share is what the machine says, and no error is seen: the
    # trap of small audits.
    one = ppi_pool(np.array([1, 0]), np.array([0, 2]), predicted, 0.95)
    assert (one.estimate, one.low, one.high) == (0.375, 0.375, 0.375)
    # Labels all alike: the predictions get no weight.
    assert ppi_pool(np.array([1, 1]), np.array([0, 2]), predicted, 0.95).estimate == 1
    # Labels 1, 0, 0, 1 with predictions 1, 0, 1, 0: covariance 0. Variance 1/3, half of it left.
    four = ppi_pool(np.array([1, 0, 0, 1]), np.array([0, 2, 1, 3]), predicted, 0.95)
    assert four.estimate == 0.5
    assert four.high == pytest.approx(min(1, 0.5 + 3.1824 * math.sqrt(0.5 / 3 / 4)), abs=1e-4)


def _audit(items: int = 2000, drawn: int = 400, error: float = 0.1):
    rng = np.random.default_rng(1)
    true = rng.choice(3, items, p=[0.6, 0.38, 0.02])
    machine = np.where(rng.random(items) < error, (true + 1) % 3, true)
    audited = rng.permutation(items)[:drawn]
    return true, machine, audited


def test_large_audits_are_reported_by_ppi_and_rare_classes_exactly() -> None:
    true, machine, audited = _audit()
    wrong = machine[audited] != true[audited]
    found = estimate(2000, wrong, machine=machine, audited=audited, people=true[audited],
                     labels=("a", "b", "c"))  # fmt: skip
    assert found.accuracy.method == "hypergeometric"
    assert found.accuracy.low <= (machine == true).mean() <= found.accuracy.high
    frequent = found.classes[0]
    assert frequent.share.method == "PPI++"
    assert by_method(frequent).keys() == {"PPI++", "Rogan-Gladen", "hypergeometric"}
    met = int((true[audited] == 2).sum())
    assert found.classes[2].why == f"exact, as {met} audited items are of this class, fewer than 10"
    for column, one in enumerate(found.classes):
        assert one.share.low <= (true == column).mean() <= one.share.high
    few = estimate(2000, wrong[:40], machine=machine, audited=audited[:40],
                   people=true[audited[:40]], labels=("a", "b", "c"))  # fmt: skip
    assert all(one.share.exact for one in few.classes)
    assert few.classes[0].why == "exact, as fewer than 50 items were audited"
    assert any("too few for normal approximations" in note for note in few.notes)
    assert not any("too few" in note for note in found.notes)


def test_correcting_the_audited_ones_is_counted() -> None:
    # 2 of 10 wrong in a pool of 20: at 50 % a side of 10 % between 3 and 6 of 20 are wrong, of
    # which 2 are corrected.
    wrong = np.arange(10) < 2
    found = estimate(20, wrong, level=0.8)
    fewest, most = hits_in_pool(2, 10, 20, (0.1, 0.1))
    assert found.corrected is not None
    assert found.corrected.estimate == pytest.approx(1 - 2 / 20)
    assert found.corrected.low == pytest.approx(1 - (most - 2) / 20)
    assert found.corrected.high == pytest.approx(1 - (fewest - 2) / 20)
    assert found.accuracy.low == pytest.approx(1 - most / 20)


def test_labels_of_the_rest_are_counted_as_they_are() -> None:
    machine, audited = np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3])
    found = estimate(4, np.zeros(4, dtype=bool), machine=machine, audited=audited,
                     people=machine, labels=("a", "b"),
                     known=np.array([0, 0, 0, 1, 0, 0]))  # fmt: skip
    # All is known: 2 of 4 and 5 of 6.
    share = found.classes[0].share
    assert (share.estimate, share.low, share.high) == (pytest.approx(0.7),) * 3


def test_skipped_items_may_be_of_any_class() -> None:
    machine = np.array([0, 0, 0, 1] * 5)
    audited = np.arange(20)
    people = machine.copy()
    people[[0, 3]] = -1
    found = estimate(20, people != machine, machine=machine, audited=audited, people=people,
                     labels=("a", "b"))  # fmt: skip
    assert found.skipped == found.wrong == 2
    # All others are known to be 14 and 4.
    assert (found.classes[0].share.low, found.classes[0].share.high) == (0.7, 0.8)
    assert (found.classes[1].share.low, found.classes[1].share.high) == (0.2, 0.3)


def test_several_labels_are_counted_each_by_itself() -> None:
    machine = np.array([[1, 0], [1, 1], [0, 0], [0, 1]])
    found = estimate(4, np.array([False, True]), machine=machine, audited=np.array([0, 1]),
                     people=np.array([[1, 0], [1, 0]]), labels=("a", "b"))  # fmt: skip
    assert [one.said for one in found.classes] == [0.5, 0.5]
    assert [one.mistaken for one in found.classes] == [0, 1]


def test_future_items_are_by_clopper_and_pearson() -> None:
    true, machine, audited = _audit()
    wrong = machine[audited] != true[audited]
    found = estimate(2000, wrong, machine=machine, audited=audited, people=true[audited],
                     labels=("a", "b", "c"), about="future")  # fmt: skip
    assert found.accuracy.method == "Clopper-Pearson"
    assert found.corrected is None
    pool = estimate(2000, wrong)
    assert found.accuracy.width > pool.accuracy.width
    assert found.classes[0].share.method == "PPI++"


def test_bad_audits_are_refused() -> None:
    none = np.zeros(0, dtype=bool)
    with pytest.raises(DataError, match="nothing was audited; have people label"):
        estimate(10, none)
    with pytest.raises(ConfigError, match="the confidence is 95"):
        estimate(10, np.zeros(3, dtype=bool), level=95)
    with pytest.raises(DataError, match="3 of 2 items were audited"):
        estimate(2, np.zeros(3, dtype=bool))
    machine = np.zeros(4, dtype=np.int64)
    with pytest.raises(DataError, match="audited twice"):
        estimate(4, np.zeros(2, dtype=bool), machine=machine, audited=np.array([1, 1]),
                 people=machine[:2], labels=("a",))  # fmt: skip
    with pytest.raises(DataError, match="not where machine and people differ"):
        estimate(4, np.ones(2, dtype=bool), machine=machine, audited=np.array([1, 2]),
                 people=machine[:2], labels=("a",))  # fmt: skip
