"""Whether it pays to audit on for the next beginning: a guess, on which no promise rests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.beginnings import Stage

_CURVES = 128
"""Error curves that are drawn from what the labels so far leave open."""
_POINTS = 200
_RISE = 0.5
_DEVIATION = np.array([1.5, 1.5, 1.0])
"""Before any label: how far the log-odds of an error may be from those that are wanted on average,
how they rise and how they bend over the order."""
_LEAST_SHARE = 0.005
_NEWTON, _STEP = 20, 1.0
_EARLIER, _CHANCE = 0.85, 0.3
"""A walk whose errors come by chance passes a little before one whose errors come evenly."""


@dataclass(frozen=True)
class Outlook:
    """What more labels may bring.

    Attributes:
        passes: With what probability the next beginning passes while labels last.
        gain: How many more labels are expected to stay without a person, net of those that people
            give in vain; 0 where going on does not pay.
    """

    passes: float
    gain: float


@dataclass(frozen=True)
class Ahead:
    """What lies ahead of a walk.

    Attributes:
        reached: The size of the beginning that was reached, 0 for none.
        stages: The beginnings to come, the next one first.
        draws: The places of the next one, in order of draw.
        left: How many labels people may still give.
        epsilon: The share of wrong ones that a beginning may have.
    """

    reached: int
    stages: Sequence[Stage]
    draws: NDArray[np.int64]
    left: int
    epsilon: float


def look_ahead(
    ahead: Ahead, asked: NDArray[np.bool_], wrong: NDArray[np.bool_], rng: np.random.Generator
) -> Outlook:
    """Play what may come for error curves that fit the labels so far.

    Args:
        ahead: What lies ahead.
        asked: Which places of the order people have labelled, shape (M,).
        wrong: Which of them were wrong, shape (M,).
        rng: Draws curves and errors.
    """
    shares = _error_shares(ahead, asked, wrong, rng)
    if not ahead.reached:
        # A first beginning is judged by itself: a smooth curve would see the rest's errors in it.
        own = slice(ahead.stages[0].size)
        labels, errors = int(asked[own].sum()), int((asked & wrong)[own].sum())
        shares[:, 0] = rng.beta(errors + 0.5, labels - errors + 0.5, len(shares))
    next_draws = _chance_draws(ahead, asked, wrong, shares[:, 0], rng)
    first, gain = _play(ahead, asked, shares, *next_draws)
    # Where the next beginning does not pass, labels given within the reached one are in vain.
    lost = ahead.reached / ahead.stages[0].size
    ends = np.unique(first[np.isfinite(first)])
    values = [float(np.where(first <= end, gain, -end * lost).mean()) for end in ends]
    return Outlook(float(np.isfinite(first).mean()), max([0.0, *values]))


def _play(
    ahead: Ahead,
    asked: NDArray[np.bool_],
    shares: NDArray[np.float64],
    next_draws: NDArray[np.float64],
    next_labels: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many labels the next beginning takes, infinite if it fails, and the most that is won.

    Of each curve, shape (curves,), as are the draws and the labels that the next one takes.
    """
    ends = np.array([one.size for one in ahead.stages])
    widths = np.diff(ends, prepend=0)
    # Labels in each part of the order, from beginning to beginning.
    parts = np.add.reduceat(asked[: ends[-1]].astype(np.float64), np.append(0, ends[:-1]))
    labels = np.tile(parts, (len(shares), 1))
    now = ahead.reached - float(asked[: ahead.reached].sum())
    spent, gain = np.zeros(len(shares)), np.zeros(len(shares))
    first = np.full(len(shares), np.inf)
    goes_on = np.ones(len(shares), np.bool_)
    for place, stage in enumerate(ahead.stages):
        draws = _draws(stage, shares[:, place]) if place else next_draws
        density = np.minimum(1.0, draws / stage.size)[:, None]
        needed = np.maximum(labels[:, : place + 1], density * widths[: place + 1])
        more = (needed - labels[:, : place + 1]).sum(axis=1)
        spent = spent + (more if place else next_labels)
        goes_on &= np.isfinite(draws) & (spent <= ahead.left)
        if not goes_on.any():
            break
        labels[:, : place + 1] = needed
        if not place:
            first = np.where(goes_on, np.maximum(spent, 1.0), np.inf)
        won = stage.size - needed.sum(axis=1) - now
        gain = np.where(goes_on, np.maximum(gain, won), gain)
    return first, gain


def _draws(stage: Stage, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """About how many draws pass where errors come evenly, infinite for none; shape (curves,)."""
    if not stage.times:
        return np.full(len(share), np.inf)
    times = np.array(stage.times)
    enough = share[:, None] * times <= np.arange(len(times)) + _CHANCE
    return np.where(enough.any(axis=1), times[enough.argmax(axis=1)] * _EARLIER, np.inf)


def _chance_draws(
    ahead: Ahead,
    asked: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
    share: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many draws the next beginning takes to pass, and how many labels more, shape (curves,).

    What people have labelled of its draws is known, and the other errors come by chance. Infinite
    where it does not pass while labels last.
    """
    never = np.full(len(share), np.inf)
    known = asked[ahead.draws]
    labels = np.cumsum(~known)
    reach = int(np.searchsorted(labels, ahead.left, side="right"))
    if not reach or not ahead.stages[0].times:
        return never, never
    draws, known = ahead.draws[:reach], known[:reach]
    chance = rng.random((len(share), reach)) < share[:, None]
    errors = np.cumsum(np.where(known, wrong[draws], chance), axis=1)
    drawn = np.arange(1, reach + 1)
    times = np.array(ahead.stages[0].times)
    passed = errors < np.searchsorted(times, drawn, side="right")
    at, some = passed.argmax(axis=1), passed.any(axis=1)
    return np.where(some, drawn[at], never), np.where(some, labels[at], never)


def _error_shares(
    ahead: Ahead, asked: NDArray[np.bool_], wrong: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Possible shares of wrong ones in the beginnings to come, shape (curves, beginnings).

    The log-odds of an error are a parabola over the order; its three numbers are drawn from the
    normal approximation to what they may be by the labels so far.
    """
    rest = len(asked)
    places = np.flatnonzero(asked)
    rows, seen = _bend((places + 0.5) / rest), wrong[places].astype(np.float64)
    share = min(max(ahead.epsilon, _LEAST_SHARE), 0.5)
    before = np.array([np.log(share / (1 - share)), _RISE, 0.0])
    mean = before.copy()
    precision = np.diag(_DEVIATION**-2.0)
    for _ in range(_NEWTON):
        probability = 1 / (1 + np.exp(-rows @ mean))
        slope = rows.T @ (seen - probability) - (mean - before) / _DEVIATION**2
        precision = (rows.T * (probability * (1 - probability))) @ rows + np.diag(_DEVIATION**-2.0)
        step = np.linalg.solve(precision, slope)
        mean = mean + step * min(1.0, _STEP / max(float(np.abs(step).max()), 1e-12))
    spread = np.linalg.cholesky(np.linalg.inv(precision))
    drawn = mean + rng.normal(size=(_CURVES, 3)) @ spread.T
    curve = 1 / (1 + np.exp(-drawn @ _bend((np.arange(_POINTS) + 0.5) / _POINTS).T))
    shares = np.cumsum(curve, axis=1) / np.arange(1, _POINTS + 1)
    sizes = np.array([one.size for one in ahead.stages])
    at = np.clip(np.round(sizes / rest * _POINTS).astype(int) - 1, 0, _POINTS - 1)
    return np.asarray(shares[:, at])


def _bend(place: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = 2 * place - 1
    return np.column_stack([np.ones(len(place)), centred, centred**2 - 1 / 3])
