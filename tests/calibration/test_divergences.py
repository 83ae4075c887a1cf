"""Divergences against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.calibration.divergences import (
    Divergence,
    alpha_divergence,
    diverge,
    entropy,
    jensen_shannon,
    kullback_leibler,
    mutual_information,
)
from llmal.errors import ConfigError, DataError

P, Q = [0.5, 0.5], [0.25, 0.75]
KINDS: list[tuple[Divergence, float]] = [
    ("kl", 0.5),
    ("jsd", 0.5),
    ("alpha", 0.5),
    ("alpha", -0.5),
    ("alpha", 2.0),
    ("alpha", 1.0),
    ("alpha", 0.0),
]


def _random(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), size=shape[:-1])


def test_by_hand():
    # ½ ln 2 + ½ ln ⅔
    assert kullback_leibler(P, Q) == pytest.approx(0.5 * np.log(4 / 3))
    # m = (0.375, 0.625): KL(p‖m) = ½ ln(16/15), KL(q‖m) = ¼ ln ⅔ + ¾ ln 1.2
    halves = 0.5 * np.log(16 / 15) + 0.25 * np.log(2 / 3) + 0.75 * np.log(1.2)
    assert jensen_shannon(P, Q) == pytest.approx(np.sqrt(halves / 2))
    # 4 (1 - (sqrt(0.125) + sqrt(0.375)))
    assert alpha_divergence(P, Q, 0.5) == pytest.approx(0.1362968, abs=1e-6)
    # (0.25^1.5 / sqrt(0.5) + 0.75^1.5 / sqrt(0.5) - 1) / 0.75
    assert alpha_divergence(P, Q, -0.5) == pytest.approx(0.1271138, abs=1e-6)
    # (0.25 · 4 + 0.75 · 4/9 - 1) / 2
    assert alpha_divergence(P, Q, 2.0) == pytest.approx(1 / 6)


@pytest.mark.parametrize(("kind", "alpha"), KINDS)
def test_never_negative_and_zero_for_equals(kind: Divergence, alpha: float):
    p, q = _random((500, 6)), _random((500, 6), 1)
    assert (diverge(p, q, kind, alpha) > 0).all()
    assert (diverge(p, p, kind, alpha) == 0).all()


def test_the_limits_of_alpha():
    p, q = _random((50, 4)), _random((50, 4), 1)
    assert alpha_divergence(p, q, 1.0) == pytest.approx(kullback_leibler(p, q))
    assert alpha_divergence(p, q, 0.0) == pytest.approx(kullback_leibler(q, p))
    for limit in (0.0, 1.0):
        near = alpha_divergence(p, q, limit + 1e-6)
        assert near == pytest.approx(alpha_divergence(p, q, limit), rel=1e-3)


def test_the_distance_is_symmetric_and_bounded():
    assert jensen_shannon(P, Q) == pytest.approx(jensen_shannon(Q, P))
    assert jensen_shannon([1, 0], [0, 1]) == pytest.approx(np.sqrt(np.log(2)), abs=1e-6)


@pytest.mark.parametrize(("kind", "alpha"), KINDS)
def test_a_label_that_is_ruled_out_is_no_infinity(kind: Divergence, alpha: float):
    value = diverge([0.0, 1.0], [1.0, 0.0], kind, alpha)
    assert np.isfinite(value)
    assert value > diverge([0.4, 0.6], [0.6, 0.4], kind, alpha)


@pytest.mark.parametrize(("kind", "alpha"), KINDS)
def test_rows_are_compared_one_by_one(kind: Divergence, alpha: float):
    p, q = _random((20, 3)), _random((20, 4, 3), 1)
    values = diverge(p[:, None], q, kind, alpha)
    assert values.shape == (20, 4)
    for i in (0, 7, 19):
        for j in range(4):
            assert values[i, j] == pytest.approx(float(diverge(p[i], q[i, j], kind, alpha)))


def test_entropy_of_the_known():
    assert entropy([[1.0, 0.0], [0.5, 0.5]]) == pytest.approx([0.0, np.log(2)])


def test_information_of_the_known():
    assert mutual_information([[1.0, 0.0], [0.0, 1.0]]) == pytest.approx(np.log(2))
    assert mutual_information([[0.3, 0.7], [0.3, 0.7]]) == pytest.approx(0.0)
    # H(½, ½) - mean of H(¼, ¾) and H(¾, ¼)
    rest = 0.25 * np.log(4) + 0.75 * np.log(4 / 3)
    assert mutual_information([[0.25, 0.75], [0.75, 0.25]]) == pytest.approx(np.log(2) - rest)


def test_information_is_the_mean_divergence_from_the_mean():
    p = _random((40, 5))
    assert mutual_information(p) == pytest.approx(kullback_leibler(p, p.mean(axis=0)).mean())


def test_what_is_refused():
    with pytest.raises(ConfigError, match="no divergence 'tv'; use kl, jsd, alpha"):
        diverge(P, Q, "tv")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="alpha is nan"):
        diverge(P, Q, "alpha", float("nan"))
    with pytest.raises(DataError, match="same labels"):
        kullback_leibler([0.5, 0.5], [0.2, 0.3, 0.5])
    with pytest.raises(DataError, match="does not sum to one"):
        kullback_leibler([-0.5, -0.7], Q)
    with pytest.raises(DataError, match="does not sum to one"):
        kullback_leibler([np.nan, 1.0], Q)
    with pytest.raises(DataError, match="not a table"):
        mutual_information(np.zeros((0, 3)))
