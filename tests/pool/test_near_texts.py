"""Texts that are near one another, found among many."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.errors import ConfigError
from llmal.pool.minhash import Shingles, jaccard, rows_for, sign
from llmal.pool.near_texts import Near, NearTexts

FIRST = ("ba", "ko", "ri", "su", "ta", "ve", "lo", "ni", "ze", "pu")
SECOND = ("mon", "lex", "dar", "pin", "got", "fus", "wal")
WORDS = [f"{first}{second}" for first in FIRST for second in SECOND]


def _changed(words, share, rng):
    return [rng.choice(WORDS) if rng.random() < share else word for word in words]


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    bases = [[str(one) for one in rng.choice(WORDS, 14)] for _ in range(30)]
    return [" ".join(_changed(base, share, rng)) for base in bases for share in (0, 0.05, 0.15)]


@pytest.mark.parametrize("shingles", [Shingles(), Shingles("words", 2), Shingles("characters", 3)])
def test_a_jaccard_index_is_that_of_the_sets(shingles):
    one, other = "Who wrote Emma, the novel ?", "who WROTE emma the book"
    words = ["who wrote emma the novel", "who wrote emma the book"]
    if shingles.unit == "characters":
        sets = [
            {t[n : n + shingles.size] for n in range(len(t) - shingles.size + 1)} for t in words
        ]
    else:
        sets = [{*zip(t.split()[:-1], t.split()[1:], strict=True)} for t in words]
    assert jaccard(one, other, shingles) == len(sets[0] & sets[1]) / len(sets[0] | sets[1])


@pytest.mark.parametrize("shingles", [Shingles(), Shingles("words", 2)])
def test_min_hashes_agree_as_often_as_the_jaccard_index_says(shingles):
    one = " ".join(WORDS[:20])
    other = " ".join([*WORDS[:14], *WORDS[:6]])
    values = sign([one, other], shingles).values
    expected = jaccard(one, other, shingles)
    assert abs((values[0] == values[1]).mean() - expected) < 3 * (expected / 80) ** 0.5


def test_words_that_are_cut_otherwise_have_other_hashes():
    hashed, offsets = Shingles("words", 2).hashed(["a bc d", "ab c d", "a bc d", "a"])
    assert offsets.tolist() == [0, 2, 4, 6]
    assert hashed[:2].tolist() == hashed[4:6].tolist()
    assert len({*hashed.tolist()}) == 5


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.85])
@pytest.mark.parametrize("shingles", [Shingles(), Shingles("words", 2)])
def test_what_is_found_is_what_a_plain_loop_finds(texts, threshold, shingles):
    near = NearTexts(texts.__getitem__, threshold, shingles)
    kept: list[int] = []
    missed = 0
    for row, text in enumerate(texts):
        found = near.find([text])[0]
        best = max((jaccard(text, texts[one], shingles) for one in range(row)), default=0)
        if found is None:
            missed += best >= threshold
        else:
            assert found.jaccard == pytest.approx(jaccard(text, texts[found.row], shingles))
            assert found.jaccard >= threshold
            kept.append(row)
        near.add([text])
    assert kept
    assert missed == 0


@pytest.mark.parametrize("size", [1, 7, 90])
def test_batches_of_any_size_leave_the_same_texts(texts, size):
    kept: list[str] = []
    near = NearTexts(kept.__getitem__, 0.6)
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        found = near.find(batch, each_other=True)
        assert near.find(batch, near.bands(batch), each_other=True) == found
        new = [text for text, one in zip(batch, found, strict=True) if one is None]
        near.add(new)
        kept += new
    plain: list[str] = []
    for text in texts:
        if all(jaccard(text, other) < 0.6 for other in plain):
            plain.append(text)
    assert kept == plain
    assert 30 <= len(plain) < len(texts)


def test_texts_are_the_same_whatever_their_case_white_space_and_unicode_form():
    texts = ["Ice cream, please", "?!", "Ａ ｆｕｌｌ ｗｉｄｔｈ"]
    near = NearTexts(texts.__getitem__, 1.0)
    near.add(texts)
    asked = ["icecream, PLEASE", "? !", "a full width", "!?", ""]
    assert near.find(asked) == [Near(0, 1.0), Near(1, 1.0), Near(2, 1.0), None, None]


def test_bands_are_as_long_as_one_in_a_thousand_missed_allows():
    for threshold in (0.3, 0.5, 0.7, 0.85, 0.95):
        rows = rows_for(threshold)
        assert (1 - threshold**rows) ** (80 // rows) <= 1e-3
        longer = rows + 1
        assert rows == 10 or (1 - threshold**longer) ** (80 // longer) > 1e-3


def test_options_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="threshold is 0"):
        NearTexts([].__getitem__, 0)
    with pytest.raises(ConfigError, match="size is 0"):
        Shingles(size=0)
    with pytest.raises(ConfigError, match="unit is 'lines'"):
        Shingles("lines")
