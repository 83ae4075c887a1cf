"""What an audit shows where it does not reach for the promise that was wanted."""

from __future__ import annotations


def most_wrong(rest: int, audited: int, wrong: int, alpha: float) -> int:
    """How many labels of a pool are wrong at most, by a uniform audit without replacement.

    The exact upper bound: the largest number of wrong labels with which an audit would find no more
    than were found with a probability above alpha.

    Args:
        rest: How many labels the audit was drawn from.
        audited: How many of them were audited, a number that was fixed before.
        wrong: How many of those were wrong.
        alpha: With what probability the bound may fail. Where it was left to what was seen at
            which of several looks an audit ended, the share of one look.
    """
    from scipy.stats import hypergeom

    low, high = wrong, rest - (audited - wrong)
    while low < high:
        middle = (low + high + 1) // 2
        if hypergeom.cdf(wrong, rest, middle, audited) > alpha:
            low = middle
        else:
            high = middle - 1
    return low
