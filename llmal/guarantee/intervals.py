"""Intervals for shares: exact ones, Rogan and Gladen's, and prediction-powered ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError, DataError
from llmal.guarantee.hypergeometric import cdf

Method = Literal["hypergeometric", "Clopper-Pearson", "Rogan-Gladen", "PPI++"]
Alternative = Literal["two-sided", "larger", "smaller"]


@dataclass(frozen=True)
class Interval:
    """A share, and where it lies.

    Attributes:
        estimate: The share; None where the method has none.
        low: The lower end, from 0.
        high: The upper end, to 1.
        method: How it was worked out.
        exact: Whether it holds at any size of sample; the others hold for large ones.
    """

    estimate: float | None
    low: float
    high: float
    method: Method
    exact: bool

    @property
    def width(self) -> float:
        """From end to end."""
        return self.high - self.low

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain JSON has them."""
        return asdict(self)


def check_level(level: float) -> None:
    """See that a level of confidence is one.

    Raises:
        ConfigError: It is not.
    """
    if not 0 < level < 1:
        raise ConfigError(
            f"the confidence is {level!r}", fix="give a number between 0 and 1, such as 0.95"
        )


def hits_in_pool(hits: int, drawn: int, items: int, tails: tuple[float, float]) -> tuple[int, int]:
    """Between what numbers of hits in a pool its audit does not decide.

    Args:
        hits: Hits among what was drawn.
        drawn: How many items were drawn, uniformly and without replacement.
        items: How many there are.
        tails: The probability of a count as low, and as high, at which a number is ruled out: the
            ends fail with at most the second and the first of them.

    Raises:
        DataError: There are more hits than draws, or more draws than items.
    """
    if not 0 <= hits <= drawn <= items:
        raise DataError(
            f"{hits:,} hits in {drawn:,} of {items:,} items cannot be",
            fix="give counts where each is at most the next",
        )
    return _possible(int(hits), int(drawn), int(items), tails)


@lru_cache(maxsize=65536)
def _possible(hits: int, drawn: int, items: int, tails: tuple[float, float]) -> tuple[int, int]:
    fewest, most = hits, items - (drawn - hits)
    low = _lowest(fewest, most, lambda k: 1 - cdf(hits - 1, items, k, drawn) > tails[1])
    high = most - _lowest(0, most - fewest, lambda k: cdf(hits, items, most - k, drawn) > tails[0])
    return low, high


def _lowest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The lowest whole number for which something holds that goes on to hold, up to the highest."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def share_in_pool(hits: int, drawn: int, items: int, level: float) -> Interval:
    """Of the share of hits in a pool, exact."""
    tail = (1 - level) / 2
    low, high = hits_in_pool(hits, drawn, items, (tail, tail))
    estimate = hits / drawn if drawn else None
    return Interval(estimate, low / items, high / items, "hypergeometric", True)


def clopper_pearson(hits: int, drawn: int, level: float) -> Interval:
    """Of the probability of a hit, of which any number of items could be drawn, exact."""
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, drawn - hits + 1))
    high = 1.0 if hits == drawn else float(beta.isf(tail, hits + 1, drawn - hits))
    return Interval(hits / drawn if drawn else None, low, high, "Clopper-Pearson", True)


def rogan_gladen(
    said: float, right_of: tuple[int, int], right_of_others: tuple[int, int], level: float,
    items: int | None = None,
) -> Interval | None:  # fmt: skip
    """Of the share of a class, from what the machine said and how often it sees the class.

    Rogan and Gladen (1978), with the interval of Lang and Reiczigel (2014), asymptotic.

    Args:
        said: The share of items that the machine put into the class.
        right_of: Audited items of the class, those that it saw first, and all (sensitivity).
        right_of_others: Audited items not of the class, those that it left out first, and all
            (specificity).
        level: The confidence.
        items: Of how many items `said` is a share, drawn from what is asked about; None where they
            are all that is asked about.

    Returns:
        None where the audit lacks the class, or the others, or the machine tells them apart no
        better than chance: then it says nothing.
    """
    (seen, of), (left, others) = right_of, right_of_others
    if of == 0 or others == 0 or seen / of + left / others - 1 <= 0:
        return None
    z = _quantile(level)
    estimate = (said + left / others - 1) / (seen / of + left / others - 1)
    sensitivity, specificity = (seen + 1) / (of + 2), (left + 1) / (others + 2)
    if items is None:
        share, spread = said, 0.0
    else:
        share = (items * said + z**2 / 2) / (items + z**2)
        spread = share * (1 - share) / (items + z**2)
    told = sensitivity + specificity - 1
    if told <= 0:
        return None
    centre = (share + specificity - 1) / told
    of_class = sensitivity * (1 - sensitivity) / (of + 2)
    of_others = specificity * (1 - specificity) / (others + 2)
    shift = 2 * z**2 * (centre * of_class - (1 - centre) * of_others)
    error = math.sqrt(spread + centre**2 * of_class + (1 - centre) ** 2 * of_others) / told
    low, high = centre + shift - z * error, centre + shift + z * error
    return Interval(_clip(estimate), _clip(low), _clip(high), "Rogan-Gladen", False)


def ppi_mean(
    labels: NDArray[Any],
    predictions: NDArray[Any],
    others: NDArray[Any],
    level: float = 0.95,
    *,
    alternative: Alternative = "two-sided",
    weight: float | None = None,
) -> tuple[float, float, float]:
    """A mean over what items are drawn from, by labels of some and predictions of all (PPI++).

    Angelopoulos, Duchi and Zrnic (2023): predictions are weighted so that the variance is least.

    Args:
        labels: Of n items, shape (n,).
        predictions: Of the same items, shape (n,).
        others: Predictions of N further items, shape (N,).
        level: The confidence, one-sided where the alternative is.
        alternative: "two-sided"; "larger", an interval up to infinity; "smaller", one from minus
            infinity.
        weight: Of the predictions, from 0 (they do not count) to 1; by default the best one.

    Returns:
        The estimate and the ends of the interval.
    """
    y, f, g = (np.asarray(one, dtype=np.float64) for one in (labels, predictions, others))
    if weight is None:
        weight = _power_weight(y, f, g)
    estimate = float(weight * g.mean() + (y - weight * f).mean())
    error = math.sqrt(weight**2 * g.var() / len(g) + (y - weight * f).var() / len(y))
    if alternative == "two-sided":
        z = _quantile(level)
        return estimate, estimate - z * error, estimate + z * error
    z = _quantile(2 * level - 1)
    if alternative == "larger":
        return estimate, estimate - z * error, math.inf
    return estimate, -math.inf, estimate + z * error


def _power_weight(y: NDArray[np.float64], f: NDArray[np.float64], g: NDArray[np.float64]) -> float:
    """Equation 8 of the paper for a mean, kept between 0 and 1."""
    spread = float(np.concatenate([f, g]).var(ddof=1))
    if spread == 0:
        return 0.0
    together = float(((y - y.mean()) * (f - f.mean())).mean())
    return min(max(together / (1 + len(y) / len(g)) / spread, 0.0), 1.0)


def ppi_pool(
    labels: NDArray[Any], audited: NDArray[np.int64], predictions: NDArray[Any], level: float
) -> Interval:
    """Of a share in a finite pool, by labels of its audit and predictions of all its items.

    The estimator of PPI++ with the variance that a draw without replacement from the pool has,
    which is the regression estimator of survey sampling; asymptotic.

    Args:
        labels: 1 for each audited item that is of the class, else 0, shape (m,).
        audited: Positions of the audit, shape (m,).
        predictions: Of each item of the pool, shape (N,).
        level: The confidence.
    """
    from scipy.stats import t

    y, f = np.asarray(labels, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    own = f[audited]
    spread = float(own.var())
    together = float(((y - y.mean()) * (own - own.mean())).mean())
    weight = 0.0 if spread == 0 else min(max(together / spread, 0.0), 1.0)
    rest = y - weight * own
    estimate = float(weight * f.mean() + rest.mean())
    share_left = 1 - len(y) / len(f)
    error = math.sqrt(share_left * float(rest.var(ddof=1)) / len(y)) if len(y) > 1 else math.inf
    z = float(t.isf((1 - level) / 2, max(len(y) - 1, 1)))
    return Interval(
        _clip(estimate), _clip(estimate - z * error), _clip(estimate + z * error), "PPI++", False
    )


def _quantile(level: float) -> float:
    from scipy.stats import norm

    return float(norm.isf((1 - level) / 2))


def _clip(share: float) -> float:
    return min(max(share, 0.0), 1.0)
