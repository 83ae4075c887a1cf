"""Lists of distinct ids."""

from __future__ import annotations

import re

import numpy as np
import pytest

from llmal.errors import UnsupportedError
from llmal.lm import VLLM, DistinctIds, Sampling


def test_repeated_ids_and_ids_out_of_range_are_dropped() -> None:
    ids = DistinctIds(count=3, low=1, high=20)
    assert ids.parse("4, 4, 17, 99, 0, 2, 5") == [4, 17, 2]
    assert ids.parse("nothing") == []


def test_the_pattern_holds_count_and_range() -> None:
    pattern = re.compile(DistinctIds(count=2, low=8, high=11).pattern)
    assert pattern.fullmatch("8, 11")
    for wrong in ("8", "8, 11, 9", "7, 8", "8, 12", "8,9", "8, 1"):
        assert not pattern.fullmatch(wrong)
    assert re.fullmatch(DistinctIds(count=1, low=1, high=3).pattern, "2")


@pytest.mark.parametrize(("count", "low", "high"), [(0, 1, 5), (6, 1, 5), (1, 5, 4)])
def test_what_cannot_be_drawn_is_refused(count: int, low: int, high: int) -> None:
    with pytest.raises(UnsupportedError, match="cannot be drawn"):
        DistinctIds(count, low, high)


@pytest.mark.vllm
def test_fifty_windows_give_ids_in_range(vllm: VLLM) -> None:
    rng = np.random.default_rng(0)
    ids = DistinctIds(count=4, low=1, high=15)
    windows = [
        "Select 4 instances that would be most useful to label. Reply with a list of ids separated "
        "by a comma.\n" + "\n".join(f"{i}: {rng.integers(1000)} apples" for i in range(1, 16))
        for _ in range(50)
    ]
    answers = vllm.generate(
        [[{"role": "user", "content": window}] for window in windows],
        format=ids,
        sampling=Sampling(temperature=1.0, max_tokens=40),
    )
    for drawn in answers:
        assert re.fullmatch(ids.pattern, drawn[0].text)
        chosen = ids.parse(drawn[0].text)
        assert 1 <= len(chosen) == len(set(chosen)) <= 4
        assert all(1 <= one <= 15 for one in chosen)
