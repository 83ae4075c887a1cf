"""The minima of several smooth convex functions, found side by side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Loss = Callable[[Floats, NDArray[np.int64]], tuple[Floats, Floats]]
"""Values, shape (p,), and slopes, shape (p, d), of some of the functions, each at a point of its
own, shape (p, d)."""

_KEPT = 10
_STEPS = 200
_HALVINGS = 30
_ENOUGH = 1e-4
"""Of the fall that the slope promises a step has to bring so much."""


def minimise_all(
    loss: Loss, start: Floats, curvature: Floats, *, tolerance: float = 1e-6, flat: float = 1e-3
) -> Floats:
    """Where each function is smallest, by L-BFGS (Nocedal and Wright 2006, algorithm 7.4).

    All functions take their steps at the same time, so that one call of `loss` serves them all;
    those that are done are left out. The functions have to be strongly convex: then every step has
    a positive curvature, and halving a step until the value falls enough does for a line search.

    Args:
        loss: The functions, P of them.
        start: Where each begins, shape (P, d).
        curvature: Of each, near the diagonal of the matrix of second derivatives, above zero,
            shape (P, d).
        tolerance: A function is done when a step changes its value by so small a part.
        flat: Or when its slope is nowhere steeper.

    Returns:
        Shape (P, d).
    """
    found = start.copy()
    which = np.arange(len(start))
    point = start.copy()
    value, slope = loss(point, which)
    steps = np.zeros((0, *point.shape))
    bends = steps
    for _ in range(_STEPS):
        going = np.abs(slope).max(axis=1, initial=0.0) > flat
        if not going.all():
            found[which[~going]] = point[~going]
            which, point, value, slope = which[going], point[going], value[going], slope[going]
            steps, bends = steps[:, going], bends[:, going]
        if not len(which):
            return found
        direction = -_turned(slope, steps, bends, curvature[which])
        before, after = (point, value, slope), _line(loss, which, point, value, slope, direction)
        point, value, slope = after
        steps = np.concatenate([steps[-_KEPT + 1 :], (point - before[0])[None]])
        bends = np.concatenate([bends[-_KEPT + 1 :], (slope - before[2])[None]])
        fall = before[1] - value
        # A function whose slope is made zero is done.
        slope[fall <= tolerance * np.maximum(np.abs(value), 1.0)] = 0.0
    found[which] = point
    return found


def _turned(slope: Floats, steps: Floats, bends: Floats, curvature: Floats) -> Floats:
    """The slopes times what the last steps say of the inverse of the second derivatives."""
    products = np.einsum("mpd,mpd->mp", steps, bends)
    useful = products > 1e-12 * np.einsum("mpd,mpd->mp", bends, bends)
    weight = np.where(useful, 1 / np.where(useful, products, 1.0), 0.0)
    turned = slope.copy()
    shares = np.zeros_like(products)
    for last in reversed(range(len(steps))):
        shares[last] = weight[last] * np.einsum("pd,pd->p", steps[last], turned)
        turned -= shares[last][:, None] * bends[last]
    turned /= curvature
    if len(steps):
        own = np.einsum("pd,pd->p", bends[-1], bends[-1] / curvature)
        scale = np.where(useful[-1], products[-1] / np.where(own > 0, own, 1.0), 1.0)
        turned *= scale[:, None]
    for first in range(len(steps)):
        off = shares[first] - weight[first] * np.einsum("pd,pd->p", bends[first], turned)
        turned += off[:, None] * steps[first]
    return turned


def _line(
    loss: Loss,
    which: NDArray[np.int64],
    point: Floats,
    value: Floats,
    slope: Floats,
    direction: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Points further on, where the values have fallen enough, and values and slopes there; where no
    step brings anything, the same point.
    """
    promised = _ENOUGH * np.einsum("pd,pd->p", slope, direction)
    length = np.ones(len(which))
    further = point + direction
    values, slopes = loss(further, which)
    for _ in range(_HALVINGS):
        short = np.flatnonzero(~(values <= value + length * promised))
        if not len(short):
            return further, values, slopes
        length[short] /= 2
        further[short] = point[short] + length[short, None] * direction[short]
        values[short], slopes[short] = loss(further[short], which[short])
    short = np.flatnonzero(~(values <= value + length * promised))
    further[short], values[short], slopes[short] = point[short], value[short], slope[short]
    return further, values, slopes
