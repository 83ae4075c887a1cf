"""Farthest-first traversal: the greedy choice of k centres, over as many items as a pool holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.selectors.picking import highest

_ACTIVE = 16_384
"""Items whose distances are kept up to date: those that the next picks can be among."""

_FIRST_CENTRES = 128
"""Centres that every item is compared with; the others only where they can matter."""

_LEVEL = 256
"""Most items that are measured once more, in float64, where float32 cannot order them."""

_SINGLE, _DOUBLE = 1e-5, 1e-12
"""Differences of squared distances that are rounding, as parts of the largest square."""


def farthest_first(
    matrix: NDArray[np.float32],
    items: NDArray[np.int64],
    centres: NDArray[np.int64],
    k: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Take the item farthest from all centres, make it a centre, and so on (Gonzalez, 1985).

    The picks are those of the plain algorithm, which measures every item against every new centre.
    Here a distance is an upper bound until it matters: a later centre can only lower it. The items
    of the largest bounds are kept up to date, and for as long as one of them is as far as the
    largest bound among the others, the farthest of them is the farthest of all. Where those that
    are level in float32 are more than 256, the next is the farthest of 256 drawn from them.

    Args:
        matrix: Shape (N, d), finite; perhaps a memory-map.
        items: Shape (n,): positions of the items to take.
        centres: Shape (c,): positions of the first centres. With none, the first item is drawn.
        k: Number of items to take, at most n.
        rng: Draws the first item, and among equals.

    Returns:
        Indices into `items`, shape (k,), and the distance of each to the nearest centre when it
        was taken, shape (k,). A first item that was drawn has an infinite one.
    """
    n = len(items)
    # Near the origin, the squares that are expanded below lose the least precision.
    origin = matrix[items[np.sort(rng.permutation(n)[:4096])]].mean(axis=0)

    def rows(positions: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.asarray(matrix[positions] - origin)

    known = np.empty((len(centres) + k, matrix.shape[1]), dtype=np.float32)
    known[: len(centres)] = rows(centres)
    count = len(centres)
    taken = np.empty(k, dtype=np.int64)
    distances = np.full(k, np.inf)
    done = 0
    if not count:
        taken[0] = rng.integers(n)
        known[0] = rows(items[taken[:1]])[0]
        done = count = 1

    first = known[:count]
    if count > _FIRST_CENTRES:
        first = first[rng.choice(count, size=_FIRST_CENTRES, replace=False)]
    bounds = np.empty(n, dtype=np.float32)
    largest = 0.0
    for part in chunks(n, matrix.shape[1]):
        some = rows(items[part])
        squares = np.einsum("ij,ij->i", some, some)
        largest = max(largest, float(squares.max()))
        bounds[part] = _squared(some, squares, first)
    bounds[taken[:done]] = -np.inf

    while done < k:
        active = np.sort(highest(bounds, min(_ACTIVE, n), rng))
        near = rows(items[active])
        squares = np.einsum("ij,ij->i", near, near)
        exact = bounds[active]
        for part in chunks(len(active), max(matrix.shape[1], count)):
            fresh = _squared(near[part], squares[part], known[:count])
            exact[part] = np.minimum(exact[part], fresh)
        bounds[active] = -np.inf
        rest = bounds.max()
        while done < k and exact.max() >= rest:
            slot, distance = _farthest(near, exact, known[:count], largest, rng)
            taken[done], distances[done] = active[slot], distance
            known[count] = near[slot]
            np.minimum(exact, _squared(near, squares, known[count : count + 1]), out=exact)
            exact[slot] = -np.inf
            done, count = done + 1, count + 1
        bounds[active] = exact
    return taken, distances


def _squared(
    rows: NDArray[np.float32], squares: NDArray[np.float32], centres: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Squared distance of each row to the nearest centre."""
    parts = np.einsum("ij,ij->i", centres, centres) - 2 * (rows @ centres.T)
    return np.asarray(np.maximum(squares + parts.min(axis=1), 0))


def _farthest(
    rows: NDArray[np.float32],
    squared: NDArray[np.float32],
    centres: NDArray[np.float32],
    largest: float,
    rng: np.random.Generator,
) -> tuple[int, float]:
    """The farthest row and its distance, looked at closely where several are level."""
    level = np.flatnonzero(squared >= squared.max() - _SINGLE * largest)
    level = level[np.isfinite(squared[level])]
    if len(level) > _LEVEL:
        level = rng.choice(level, size=_LEVEL, replace=False)
    close, to = rows[level].astype(np.float64), centres.astype(np.float64)
    exact = (close**2).sum(axis=1)[:, None] + (to**2).sum(axis=1) - 2 * close @ to.T
    nearest = np.maximum(exact.min(axis=1), 0)
    nearest[nearest <= _DOUBLE * largest] = 0
    best = nearest.max()
    slot = rng.choice(level[nearest >= best - _DOUBLE * largest])
    return int(slot), float(np.sqrt(best))
