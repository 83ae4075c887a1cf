from __future__ import annotations

import itertools

import numpy as np
import pytest

from llmal.errors import DataError
from llmal.generators.quality import (
    distinct,
    energy_test,
    measure_diversity,
    measure_fidelity,
    measure_quality,
    vendi_score,
)
from llmal.generators.self_bleu import self_bleu


def _unit(rng: np.random.Generator, count: int, width: int, centre: float = 0.0) -> np.ndarray:
    vectors = rng.standard_normal((count, width)) + centre * np.eye(width)[0]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_distinct_runs_of_words():
    words = [["a", "b", "a"], ["a", "b"], []]
    assert distinct(words, 1) == 2 / 5
    assert distinct(words, 2) == 2 / 3  # a b twice, b a once
    assert distinct(words, 3) == 1.0
    assert distinct(words, 4) == 0.0


def test_self_bleu_of_texts_that_repeat_one_another_and_of_others():
    assert self_bleu([["a", "b"], ["c", "d"]]) == 0.0
    assert self_bleu([["a", "b", "c", "d"]] * 2) == pytest.approx(1.0)
    # 3 of 4 words, 2 of 3 pairs, 1 of 2 triples, and a smoothed 0.1 of 1 run of four.
    both = [["a", "b", "c", "d"], ["a", "b", "c", "e"]]
    assert self_bleu(both) == pytest.approx((3 / 4 * 2 / 3 * 1 / 2 * 0.1) ** (1 / 4))
    # A text of two words beside one of four: its precisions count in full, its brevity against it.
    short = [["a", "b"], ["a", "b", "c", "d"]]
    assert self_bleu(short, 2) == pytest.approx((np.exp(1 - 4 / 2) + (2 / 4 * 1 / 3) ** 0.5) / 2)


def test_self_bleu_is_that_of_nltk():
    bleu = pytest.importorskip("nltk.translate.bleu_score")
    rng = np.random.default_rng(7)
    words = [list(rng.choice(list("abcde"), rng.integers(1, 9))) for _ in range(12)]
    words += [words[3], ["z"], []]
    smooth = bleu.SmoothingFunction().method1
    each = [
        bleu.sentence_bleu(words[:row] + words[row + 1 :], one, smoothing_function=smooth)
        for row, one in enumerate(words)
    ]
    assert self_bleu(words) == pytest.approx(np.mean(each))


def test_the_spread_is_the_mean_over_all_pairs():
    vectors = _unit(np.random.default_rng(0), 7, 4)
    pairs = [1 - float(a @ b) for a, b in itertools.combinations(vectors.astype(float), 2)]
    found = measure_diversity([f"text {n}" for n in range(7)], vectors)
    assert found.spread == pytest.approx(np.mean(pairs), abs=1e-6)
    assert found.texts == 7


def test_the_vendi_score_counts_different_texts():
    assert vendi_score(np.eye(5)) == pytest.approx(5)
    assert vendi_score(np.tile(np.eye(5)[:1], (6, 1))) == pytest.approx(1)
    twice = np.repeat(np.eye(4), 2, axis=0)
    assert vendi_score(twice) == pytest.approx(4)  # 8 texts of 4 kinds, more than they are wide
    vectors = _unit(np.random.default_rng(1), 6, 9).astype(float)
    values = np.linalg.eigvalsh(vectors @ vectors.T / 6)
    assert vendi_score(vectors) == pytest.approx(np.exp(-(values * np.log(values)).sum()))


def test_the_energy_test_tells_samples_apart_and_keeps_its_level():
    rng = np.random.default_rng(2)
    far = energy_test(_unit(rng, 40, 5, 2.0), _unit(rng, 40, 5), rng, 99)
    assert far == pytest.approx(0.01)
    same = [energy_test(_unit(rng, 15, 4), _unit(rng, 20, 4), rng, 39) for _ in range(200)]
    # At a level of 0.1 each, 200 tests reject 34 or more with a probability below 0.001.
    assert sum(one <= 0.1 for one in same) < 34
    assert np.mean(same) == pytest.approx(0.5, abs=0.08)


def test_the_energy_is_that_of_its_definition():
    rng = np.random.default_rng(3)
    one, other = _unit(rng, 4, 3), _unit(rng, 3, 3)
    both = np.concatenate([one, other]).astype(float)

    def energy(rows: tuple[int, ...]) -> float:
        rest = [row for row in range(7) if row not in rows]
        mean = lambda a, b: np.mean([[np.linalg.norm(both[i] - both[j]) for j in b] for i in a])  # noqa: E731
        return 2 * mean(rows, rest) - mean(rows, rows) - mean(rest, rest)

    every = [energy(rows) for rows in itertools.combinations(range(7), 4)]
    exact = np.mean([one >= every[0] - 1e-9 for one in every])
    assert energy_test(one, other, rng, 4000) == pytest.approx(exact, abs=0.03)


def test_fidelity_of_the_same_of_copies_and_of_others():
    rng = np.random.default_rng(4)
    real = _unit(rng, 300, 6, 4.0)
    like = measure_fidelity(_unit(rng, 300, 6, 4.0), real, rng)
    copied = measure_fidelity(real[:100], real, rng)
    other = measure_fidelity(_unit(rng, 300, 6, -4.0), real, rng)
    assert like.p_value > 0.01
    assert like.density == pytest.approx(1.0, abs=0.2)
    assert like.coverage > 0.9
    assert like.copies < 0.05
    assert like.nearest == pytest.approx(like.nearest_real, rel=0.2)
    assert copied.copies == 1.0
    assert copied.nearest == pytest.approx(0.0, abs=1e-3)
    assert other.p_value < 0.01
    assert other.density == 0.0
    assert other.coverage == 0.0
    assert other.nearest > 2 * other.nearest_real


def test_density_and_coverage_by_their_definition():
    rng = np.random.default_rng(6)
    real, synthetic = _unit(rng, 9, 4), _unit(rng, 5, 4)
    inside = np.zeros((9, 5))
    for row, one in enumerate(real):
        fifth = sorted(np.linalg.norm(real - one, axis=1))[5]
        inside[row] = np.linalg.norm(synthetic - one, axis=1) <= fifth
    found = measure_fidelity(synthetic, real, rng)
    assert found.density == pytest.approx(inside.sum() / 25)
    assert found.coverage == pytest.approx((inside.sum(axis=1) > 0).mean())


def test_quality_beside_as_many_real_texts():
    rng = np.random.default_rng(8)
    real = [f"the {animal} sleeps in the {place}" for animal in ("dog", "cat", "cow", "hen")
            for place in ("house", "garden", "barn")]  # fmt: skip
    vectors = _unit(rng, 12, 5)
    alike = real[:1] * 5
    found = measure_quality(alike, vectors[[0] * 5], real, vectors, np.random.default_rng(0))
    assert found.diversity.vendi == pytest.approx(1, abs=1e-3)
    assert found.diversity.self_bleu == pytest.approx(1)
    assert found.real_diversity.texts == 5
    assert found.real_diversity.vendi > 1.2
    assert found.fidelity.copies == 1.0
    fewer = measure_quality(real, vectors, real[:4], vectors[:4], np.random.default_rng(0))
    assert fewer.diversity.texts == fewer.real_diversity.texts == 4
    without = measure_quality(alike, vectors[[0] * 5], [], None, np.random.default_rng(0))
    assert without.fidelity is None


def test_too_few_texts_are_refused():
    vectors = _unit(np.random.default_rng(5), 3, 4)
    with pytest.raises(DataError, match="1 texts"):
        measure_diversity(["a"], vectors[:1])
    with pytest.raises(DataError, match="give at least two texts, and a vector for each"):
        measure_diversity(["a", "b"], vectors)
    with pytest.raises(DataError, match="4 and 3 wide"):
        measure_fidelity(vectors, vectors[:, :3], np.random.default_rng(0))
