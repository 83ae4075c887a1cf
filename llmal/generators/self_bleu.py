"""Self-BLEU: how much texts repeat one another's wording."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

ORDER = 4
"""Longest run of words that is compared."""

_SMOOTHING = 0.1


def self_bleu(words: Sequence[Sequence[str]], order: int = ORDER) -> float:
    """The mean BLEU of each text, with all others as its references (Zhu et al. 2018, Texygen).

    0 where no text shares a word with another, 1 where each is there twice. The counts are exact,
    and the time goes with the number of words. A precision of zero is smoothed as Chen and Cherry
    (2014) do in their first method.

    Args:
        words: The words of each text; at least two texts.
        order: Longest run of words.
    """
    runs = [[Counter(_runs(one, size)) for one in words] for size in range(1, order + 1)]
    most = [_two_largest(counts) for counts in runs]
    lengths = sorted(map(len, words))
    scores = [
        _bleu([counts[row] for counts in runs], most, len(one), lengths)
        for row, one in enumerate(words)
    ]
    return math.fsum(scores) / len(scores)


def _runs(words: Sequence[str], size: int) -> Iterable[tuple[str, ...]]:
    return (tuple(words[start : start + size]) for start in range(len(words) - size + 1))


def _two_largest(counts: Iterable[Counter[tuple[str, ...]]]) -> dict[tuple[str, ...], list[int]]:
    """Of each run how often it is in the text that has it most often, and in the one after."""
    largest: dict[tuple[str, ...], list[int]] = {}
    for one in counts:
        for run, count in one.items():
            pair = largest.setdefault(run, [0, 0])
            if count > pair[0]:
                pair[:] = count, pair[0]
            elif count > pair[1]:
                pair[1] = count
    return largest


def _bleu(
    own: Sequence[Counter[tuple[str, ...]]],
    most: Sequence[dict[tuple[str, ...], list[int]]],
    length: int,
    lengths: Sequence[int],
) -> float:
    logs = 0.0
    for place, (counts, largest) in enumerate(zip(own, most, strict=True)):
        # The most in another text: where this one has the most itself, the one after.
        shared = sum(
            min(count, largest[run][1] if count == largest[run][0] else largest[run][0])
            for run, count in counts.items()
        )
        if not shared and not place:
            return 0.0
        logs += math.log((shared or _SMOOTHING) / max(1, counts.total()))
    penalty = min(0.0, 1 - _closest(length, lengths) / length)
    return math.exp(penalty + logs / len(own))


def _closest(length: int, lengths: Sequence[int]) -> int:
    """The length of another text that is nearest to one's own; of two the shorter."""
    place = bisect_left(lengths, length)  # its own, or that of another as long
    if place + 1 < len(lengths) and lengths[place + 1] == length:
        return length
    around = [*lengths[max(0, place - 1) : place], *lengths[place + 1 : place + 2]]
    return min(around, key=lambda other: (abs(other - length), other))
