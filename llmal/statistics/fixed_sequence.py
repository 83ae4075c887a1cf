"""How far down a threshold may go before too many of the labels above it are wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr


def loosest_threshold(
    confidence: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    *,
    max_error: float,
    alpha: float,
    fewest: int = 30,
) -> float | None:
    """The lowest confidence from which on at most a share `max_error` of labels seems to be wrong.

    Fixed-sequence testing from strict to loose: each confidence that occurs, from the one above
    which at least `fewest` labels are, is tested at level `alpha` by Clopper and Pearson's bound,
    and the first that fails ends it (Jung et al. 2025, "Trust or Escalate", section 3; Bauer 1991).
    What may be tested is read off the same items, so that `alpha` is aimed at, and not promised.

    Args:
        confidence: Of labels that were checked, shape (n,).
        wrong: Whether they are wrong, shape (n,).
        max_error: The share of wrong labels that is borne, above 0 and below 1.
        alpha: With what probability a threshold may pass that lets more stand, above 0.
        fewest: From how many labels above it on a threshold is looked at.

    Returns:
        None if not even the strictest passes.
    """
    order = np.argsort(-confidence, kind="stable")
    sure, errors = confidence[order], np.cumsum(wrong[order])
    # The last of equal ones: a threshold takes them all.
    ends = np.flatnonzero(np.append(sure[1:] < sure[:-1], True)[: len(sure)])
    threshold: float | None = None
    for end in ends:
        accepted = int(end) + 1
        if accepted < fewest:
            continue
        if bdtr(int(errors[end]), accepted, max_error) > alpha:
            break
        threshold = float(sure[end])
    return threshold
