"""Common beginnings of prompts, which a model in this process reads only once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

LEAST_SHARED = 32
"""Tokens that the prompts of a group have in common at least."""

_FEWEST = 3
"""Prompts that a group has at least."""

Group = tuple[list[int], int]
"""Positions of prompts, and the number of first tokens that are the same in all of them."""


def groups_of(ids: Sequence[list[int]]) -> list[Group]:
    """Group prompts that share a beginning, as long as reading it once saves tokens.

    Reading a beginning once saves its length for every other prompt that has it. The members of a
    group stand in the order of their tokens.
    """
    left = sorted(range(len(ids)), key=lambda i: ids[i])
    groups: list[Group] = []
    while len(left) >= _FEWEST:
        middle = ids[left[len(left) // 2]]
        # The last token of a prompt is its own: what follows it is wanted.
        common = np.array([min(common_length(ids[i], middle), len(ids[i]) - 1) for i in left])
        lengths, counts = np.unique(common, return_counts=True)
        sharing = counts[::-1].cumsum()[::-1]
        best = int(np.argmax(lengths * (sharing - 1)))
        shared = int(lengths[best])
        if shared < LEAST_SHARED or sharing[best] < _FEWEST:
            break
        groups.append(([i for i, n in zip(left, common, strict=True) if n >= shared], shared))
        left = [i for i, n in zip(left, common, strict=True) if n < shared]
    return [*groups, (left, 0)] if left else groups


def runs_of(ids: Sequence[list[int]], group: Group, least: int) -> list[Group]:
    """Split a group into runs that share a longer beginning, if each saves `least` tokens.

    Questions about the labels of one text have the text in common, besides what all questions begin
    with. The members of the group stand in the order of their tokens.
    """
    members, shared = group
    if len(members) < _FEWEST:
        return [group]
    common = np.array(
        [
            min(common_length(ids[a], ids[b]), len(ids[a]) - 1, len(ids[b]) - 1)
            for a, b in pairwise(members)
        ]
    )
    saved, best = 0, (np.zeros(0, dtype=np.int64),) * 3
    for cut in np.unique(common[common > shared]):
        # Stretches in which every two neighbours have so much in common.
        ends = np.flatnonzero(np.r_[common < cut, True]) + 1
        starts = np.r_[0, ends[:-1]]
        within = np.r_[np.where(common < cut, np.iinfo(np.int64).max, common), 0]
        within[-1] = np.iinfo(np.int64).max
        lengths = np.minimum.reduceat(within, starts)
        worth = ends - starts >= _FEWEST
        gains = np.where(worth, (ends - starts - 1) * (np.where(worth, lengths, 0) - shared), 0)
        worth &= gains >= least
        if gains[worth].sum() > saved:
            saved = int(gains[worth].sum())
            best = starts[worth], ends[worth], lengths[worth]
    runs = [(members[a:b], int(n)) for a, b, n in zip(*best, strict=True)]
    inside = {one for run, _ in runs for one in run}
    left = [member for member in members if member not in inside]
    return [*runs, (left, shared)] if left else runs


def common_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the longest common beginning of two sequences."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    low, high = 0, shorter
    while high - low > 1:
        middle = (low + high) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle
    return low
