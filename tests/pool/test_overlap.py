"""Items of a pool that are in a test set: found by text, near-text and id, in bounded memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from llmal.pool import Pool
from llmal.pool.minhash import LikelyPairs, jaccard, sign
from llmal.pool.overlap import NEAR, find_overlap

LONG = (
    "The council has moved the market from the square to the car park behind the station until the "
    "new paving stones are laid, which will take about three weeks"
)
OTHER = "A heron stood in the shallow water below the mill and waited for the fish to come back."


def _pool(cache: Path, texts: list[str], ids: list[str] | None = None) -> Pool:
    return Pool.from_texts(texts, ids=ids, cache=cache)


@pytest.mark.parametrize(
    ("pool", "test", "same", "near"),
    [
        (OTHER, OTHER, 1, 0),
        (OTHER, f"  {OTHER.upper()}\n", 1, 0),
        ("Caf\u00e9 au lait", "cafe\u0301  au lait", 1, 0),
        (OTHER, OTHER.replace(".", " !!"), 0, 1),
        (LONG, LONG.replace("three weeks", "four weeks"), 0, 1),
        (LONG, f"{LONG}. Thank you.", 0, 1),
        (LONG, LONG.replace("market", "fair").replace("station", "church"), 0, 0),
        (OTHER, LONG, 0, 0),
        ("yes", "Yes", 1, 0),
        ("yes", "yes!", 0, 1),
        ("yes", "no", 0, 0),
        ("+", "-", 0, 0),
        ("\U0001f600", "\U0001f622", 0, 0),
    ],
)
def test_what_is_the_same_text(tmp_path: Path, pool: str, test: str, same: int, near: int):
    texts = ["nothing of the kind here", pool, "nor here, where it is about something else"]
    overlap = find_overlap(_pool(tmp_path, texts), _pool(tmp_path, [LONG[::-1], test]))
    assert (overlap.same, overlap.near) == (same, near)
    assert overlap.positions.tolist() == [1] * (same + near)


def test_a_pair_is_the_same_only_if_both_texts_are(tmp_path: Path):
    def pairs(name: str, rows: list[tuple[str, str]]) -> Pool:
        file = tmp_path / name
        file.write_text("".join(json.dumps({"a": a, "b": b}) + "\n" for a, b in rows))
        return Pool.from_file(file, text=["a", "b"], cache=tmp_path / "cache")

    pool = pairs("p.jsonl", [(LONG, "It moved."), (LONG, "It stayed."), (LONG, "It  moved!")])
    test = pairs("t.jsonl", [(LONG, "It moved.")])
    overlap = find_overlap(pool, test)
    assert overlap.positions.tolist() == [0, 2]
    assert (overlap.same, overlap.near) == (1, 1)


def test_ids_are_counted_and_do_not_decide(tmp_path: Path):
    pool = _pool(tmp_path, [OTHER, LONG, "something else"], ["a1", "a2", "a3"])
    test = _pool(tmp_path, [OTHER, LONG + " or so", "quite another thing"], ["a1", "b2", "a3"])
    overlap = find_overlap(pool, test)
    assert overlap.positions.tolist() == [0, 1]
    assert (overlap.ids, overlap.other_texts) == (1, 1)
    first, second = overlap.sentences("they are left out")
    assert first == (
        "2 items of the pool are in the test set too (1 with the same text, 1 with nearly the "
        "same, 1 with the same id), first at the list of texts, row 1 and the list of texts, row "
        "1; they are left out"
    )
    assert second == (
        "ids that stand in the test set and, for other texts, in the pool: 1; they are taken to "
        "name different items"
    )


def test_ids_that_count_rows_say_nothing(tmp_path: Path):
    pool = _pool(tmp_path, [OTHER, LONG], ["1", "2"])
    test = _pool(tmp_path, ["one text", "another text"], ["1", "2"])
    overlap = find_overlap(pool, test)
    assert len(overlap) == 0
    assert overlap.sentences("") == []


def test_views_are_compared_by_their_own_positions(tmp_path: Path):
    pool = _pool(tmp_path, ["one", "two", "three", "four"])
    assert find_overlap(pool[[3, 1]], _pool(tmp_path, ["two", "x"])).positions.tolist() == [1]
    assert len(find_overlap(pool[[0]], pool[[1]])) == 0


def _words(rng: np.random.Generator, count: int) -> str:
    return " ".join(f"word{n}" for n in rng.integers(5000, size=count))


def test_the_index_that_min_hashing_estimates_is_the_true_one(tmp_path: Path):
    rng = np.random.default_rng(0)
    base = [_words(rng, 40) for _ in range(200)]
    changed = []
    for text in base:
        words = text.split()
        for _ in range(int(rng.integers(1, 8))):
            words[int(rng.integers(len(words)))] = "changed"
        changed.append(" ".join(words))
    true = np.array([jaccard(a, b) for a, b in zip(base, changed, strict=True)])
    first, second = sign(base), sign(changed)
    estimate = (first.values == second.values).mean(axis=1)
    assert np.abs(estimate - true).mean() < 0.06
    assert abs((estimate - true).mean()) < 0.03
    likely = dict(LikelyPairs(second).of(first, NEAR))
    near = np.flatnonzero(true >= NEAR)
    assert len(near) > 20
    assert all(likely[int(row)][0] == row for row in near)


def test_every_near_text_is_found_as_by_comparing_all(tmp_path: Path):
    rng = np.random.default_rng(1)
    texts = [_words(rng, int(rng.integers(1, 30))) for _ in range(300)]
    test = [f"{one} word0" for one in texts[:60]] + [_words(rng, 20) for _ in range(60)]
    expected = [
        row for row, one in enumerate(texts) if any(jaccard(one, other) >= NEAR for other in test)
    ]
    found = find_overlap(_pool(tmp_path, texts), _pool(tmp_path, test))
    assert found.positions.tolist() == expected
    assert len(expected) > 20


def test_a_thousand_copies_of_a_template_are_found(tmp_path: Path):
    texts = [f"{LONG}; see notice {n}" for n in range(1000)]
    overlap = find_overlap(_pool(tmp_path, texts), _pool(tmp_path, [*texts[:300], OTHER]))
    assert len(overlap) == 1000
    assert overlap.same == 300


def test_real_news_that_was_sent_twice(shared: Path, tmp_path: Path):
    folder = shared / "data" / "ag_news"
    pool, test = (
        Pool.from_file(folder / f"{part}.jsonl.gz", cache=tmp_path) for part in ("train", "test")
    )
    overlap = find_overlap(pool, test)
    assert overlap.same == 0
    assert overlap.near == 11
    twins = [pool[int(one)].text for one in overlap.positions]
    assert any(one.startswith("Firm Develops All-Purpose Memory Cards") for one in twins)
