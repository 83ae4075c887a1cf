"""A pool as numbers of right and wrong labels, from sure to doubtful, for forecasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.audit_plan import AuditPlan, BestShare

_STEP = 0.05
_WIDEST = 8.0
GRID = np.round(np.arange(-_WIDEST, _WIDEST + _STEP / 2, _STEP), 6)
"""Log-odds of being wrong."""


@dataclass(frozen=True, eq=False)
class Doubt:
    """How many labels are expected to be right and wrong at each log-odds of being wrong.

    However large the pool, it is as many numbers; what a procedure does with it takes no longer for
    a million items than for a thousand.

    Attributes:
        right: Expected right labels, shape (len(GRID),).
        wrong: Expected wrong ones.
    """

    right: NDArray[np.float64]
    wrong: NDArray[np.float64]

    @classmethod
    def of(
        cls, probability_wrong: NDArray[np.float64], intercept: float = 0.0, slope: float = 1.0
    ) -> Doubt:
        """Of items whose labels are wrong with these probabilities, mapped on log-odds.

        Args:
            probability_wrong: Of each item, shape (M,).
            intercept: Added to the log-odds.
            slope: The log-odds are multiplied by it first.
        """
        logits = log_odds(probability_wrong)
        places = np.clip(np.rint((logits + _WIDEST) / _STEP), 0, len(GRID) - 1).astype(np.int64)
        counts = np.bincount(places, minlength=len(GRID)).astype(np.float64)
        return cls.at(counts, np.clip(intercept + slope * GRID, -_WIDEST, _WIDEST))

    @classmethod
    def at(cls, counts: NDArray[np.float64], logits: NDArray[np.float64]) -> Doubt:
        """Of so many items at so many log-odds, moved to the nearest points of the grid."""
        places = np.rint((logits + _WIDEST) / _STEP).astype(np.int64)
        share = 1 / (1 + np.exp(-logits))
        size = len(GRID)
        right = np.bincount(places, weights=counts * (1 - share), minlength=size)
        wrong = np.bincount(places, weights=counts * share, minlength=size)
        return cls(right.astype(np.float64), wrong.astype(np.float64))

    @property
    def counts(self) -> NDArray[np.float64]:
        """Items at each log-odds."""
        return self.right + self.wrong

    @property
    def share_wrong(self) -> NDArray[np.float64]:
        """Of the items at each log-odds, 0 where there are none."""
        counts = self.counts
        return np.divide(self.wrong, counts, out=np.zeros_like(counts), where=counts > 0)

    def kept(self, share: float) -> Doubt:
        """The same without a uniform draw: so large a share is left."""
        return Doubt(self.right * share, self.wrong * share)

    def without_doubtful(self, items: float) -> Doubt:
        """The same without its most doubtful items."""
        from_top = np.cumsum(self.counts[::-1])[::-1]
        left = np.clip(from_top - items, 0, self.counts)
        part = np.divide(left, self.counts, out=np.zeros_like(left), where=self.counts > 0)
        return Doubt(self.right * part, self.wrong * part)

    def sharpened(self, strength: float) -> Doubt:
        """The same after one more piece of evidence about each item.

        A log-likelihood ratio that is normal, with the variance `strength` and a mean of half of
        that, towards wrong for wrong labels and towards right for right ones: evidence that is as
        telling as it says. 0 tells nothing; alone it would rank a wrong label above a right one
        with the probability Φ(√(strength / 2)).
        """
        if strength <= 0:
            return self
        return Doubt(_moved(self.right, -strength / 2, strength),
                     _moved(self.wrong, strength / 2, strength))  # fmt: skip

    def plan(self, allowed: int, shares: BestShare) -> AuditPlan:
        """What `BestShare.audit` says of it."""
        counts = self.counts
        rest = float(counts.sum())
        if rest <= allowed:
            return AuditPlan(round(rest), 0, rest)
        reached = np.concatenate([[0.0], np.cumsum(counts)])
        expected = np.concatenate([[0.0], np.cumsum(self.wrong)])
        spread = np.concatenate([[0.0], np.cumsum(self.wrong * (1 - self.share_wrong))])
        fewest = min(rest, max(shares.least, _fewest(rest, allowed, shares.alpha)))
        best = AuditPlan(0, round(fewest), 0.0)
        for share in shares.shares:
            audited = round(share * rest)
            if audited < fewest:
                continue
            left = expected * (1 - share) + shares.z * np.sqrt(spread * (1 - share) / share)
            kept = float(np.interp(allowed, left, reached))
            if kept * (1 - share) > best.saved:
                best = AuditPlan(int(kept), audited, kept * (1 - share))
        return best

    def wrong_at(self, ranks: NDArray[np.int64]) -> NDArray[np.float64]:
        """The probability of being wrong at places in the order, the most trusted first."""
        edges = np.cumsum(self.counts)
        places = np.searchsorted(edges, ranks, side="right")
        return np.asarray(self.share_wrong[np.minimum(places, len(GRID) - 1)])

    def expected_wrong(self, ranks: NDArray[np.float64]) -> NDArray[np.float64]:
        """How many of the first items are expected to be wrong, at places in the order."""
        edges = np.concatenate([[0.0], np.cumsum(self.counts)])
        return np.asarray(np.interp(ranks, edges, np.concatenate([[0.0], np.cumsum(self.wrong)])))

    def reached(self, errors: float, scale: float) -> float:
        """How far down the order so many wrong items are met, of which `scale` times as many are
        seen as expected.
        """
        met = np.concatenate([[0.0], np.cumsum(self.wrong)]) * scale
        edges = np.concatenate([[0.0], np.cumsum(self.counts)])
        return float(edges[-1]) if met[-1] <= errors else float(np.interp(errors, met, edges))


def log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds, kept within the grid."""
    inside = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.asarray(np.clip(np.log(inside) - np.log1p(-inside), -_WIDEST, _WIDEST))


def _fewest(rest: float, allowed: int, alpha: float) -> float:
    """Near `fewest_audited`: as if the draws that miss were spread evenly."""
    return float((1 - alpha ** (1 / (allowed + 1))) * (rest - allowed / 2))


def _moved(counts: NDArray[np.float64], mean: float, variance: float) -> NDArray[np.float64]:
    """Counts on the grid after a normal move; what would leave the grid stays at its ends."""
    from scipy.special import ndtr

    spread = float(np.sqrt(variance))
    reach = int(np.ceil((abs(mean) + 5 * spread) / _STEP)) + 1
    steps = np.arange(-reach, reach + 1) * _STEP
    weights = np.diff(ndtr((np.append(steps, steps[-1] + _STEP) - _STEP / 2 - mean) / spread))
    spilled = np.convolve(counts, weights / weights.sum())
    inside = spilled[reach : reach + len(counts)].copy()
    inside[0] += spilled[:reach].sum()
    inside[-1] += spilled[reach + len(counts) :].sum()
    return inside
