"""A map of the pool in two dimensions, with what was picked on it."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks

BACKGROUND = 3000
"""Most items that are drawn beside the picks."""

FITTED = 20_000
"""Most items that the axes of PCA are fitted on."""

UMAP_ITEMS = 500, 10_000
"""Fewest and most items that UMAP lays out: of few it shows no more than PCA; many take minutes."""

Method = Literal["PCA", "UMAP"]


@dataclass(frozen=True)
class PoolMap:
    """Where items lie on the map.

    Attributes:
        method: How the embeddings were projected.
        explained: Of PCA: share of the variance along x and along y.
        fitted: Items that the projection was fitted on.
        background: Shape (n, 2): items that were not picked, drawn at random.
        picks: x and y of each pick, by item id.
    """

    method: Method
    explained: tuple[float, float] | None
    fitted: int
    background: NDArray[np.float32]
    picks: Mapping[str, tuple[float, float]]

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "method": self.method,
            "explained": self.explained,
            "fitted": self.fitted,
            "background": self.background.tolist(),
            "picks": dict(self.picks),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PoolMap:
        """What `as_dict` gave, perhaps by way of JSON."""
        return cls(
            data["method"],
            None if data["explained"] is None else tuple(data["explained"]),
            data["fitted"],
            np.array(data["background"], dtype=np.float32).reshape(-1, 2),
            {item: (x, y) for item, (x, y) in data["picks"].items()},
        )


def drawn_map(
    embeddings: NDArray[np.float32],
    picked: Mapping[str, int],
    seed: int,
    *,
    method: Method | None = None,
) -> PoolMap | None:
    """Lay out the picks among other items of the pool. The same seed gives the same map.

    A few megabytes of the embeddings are read at a time, and of a large pool not all.

    Args:
        embeddings: Shape (N, d), perhaps a memory-map.
        picked: Position in the pool of each pick, by item id.
        seed: Draws the background and the items that PCA is fitted on.
        method: By default UMAP where the package `umap-learn` is installed and there are neither
            too few items for it nor too many, else PCA.

    Returns:
        None where no two items differ, or where nothing was picked.
    """
    if not len(embeddings) or not picked:
        return None
    rng = np.random.default_rng([seed, 0x3A9])
    positions = np.fromiter(picked.values(), dtype=np.int64, count=len(picked))
    free = np.setdiff1d(
        rng.choice(len(embeddings), min(BACKGROUND, len(embeddings)), replace=False), positions
    )
    rows = np.concatenate([positions, free])
    axes = principal_axes(embeddings, rng)
    if axes is None:
        return None
    if method is None:
        fewest, most = UMAP_ITEMS
        able = importlib.util.find_spec("umap") is not None and fewest <= len(rows) <= most
        method = "UMAP" if able else "PCA"
    explained: tuple[float, float] | None = None
    if method == "UMAP" and len(rows) > 3:
        places, fitted = _umap(np.asarray(embeddings[rows]), seed), len(rows)
    else:
        method, explained, fitted = "PCA", axes.explained, axes.fitted
        places = np.concatenate(
            [axes.project(embeddings[rows[part]]) for part in chunks(len(rows), len(axes.mean))]
        )
    shown = cast(NDArray[np.float32], places.astype(np.float32))
    of_picks = {
        item: (float(x), float(y))
        for item, (x, y) in zip(picked, shown[: len(positions)].tolist(), strict=True)
    }
    return PoolMap(method, explained, fitted, shown[len(positions) :], of_picks)


@dataclass(frozen=True)
class Axes:
    """The two directions in which embeddings vary most.

    Attributes:
        mean: Shape (d,): of the embeddings.
        directions: Shape (d, 2).
        explained: Share of the variance along each.
        fitted: Items that they were fitted on.
    """

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]
    explained: tuple[float, float]
    fitted: int

    def project(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Where vectors lie on the map, shape (n, 2)."""
        return np.asarray((rows - self.mean) @ self.directions)


def principal_axes(embeddings: NDArray[np.float32], rng: np.random.Generator) -> Axes | None:
    """The two directions of the largest variance, from a covariance summed over chunks."""
    size, width = embeddings.shape
    rows = np.sort(rng.choice(size, min(FITTED, size), replace=False))
    parts = [rows[part] for part in chunks(len(rows), width)]
    mean = sum(
        (embeddings[part].sum(axis=0, dtype=np.float64) for part in parts), np.zeros(width)
    ) / len(rows)
    scatter = np.zeros((width, width))
    for part in parts:
        centred = embeddings[part] - mean
        scatter += centred.T @ centred
    values, vectors = np.linalg.eigh(scatter / len(rows))
    total = float(values.sum())
    # What rounding leaves of items that are all alike.
    if total <= 1e-10 * float(mean @ mean) or total <= 0:
        return None
    directions = np.zeros((width, 2))
    count = min(2, width)
    directions[:, :count] = vectors[:, ::-1][:, :count]
    # An eigenvector has no sign of its own.
    largest = np.abs(directions).argmax(axis=0)
    directions *= np.where(directions[largest, [0, 1]] < 0, -1.0, 1.0)
    shares = [max(0.0, float(value)) / total for value in values[::-1][:count]] + [0.0]
    return Axes(mean, directions, (shares[0], shares[1]), len(rows))


def _umap(rows: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        # It warns that a seed costs its threads, which is what a seed is for.
        warnings.simplefilter("ignore")
        import umap

        layout: Any = umap.UMAP(
            n_neighbors=min(15, len(rows) - 1), random_state=seed, n_jobs=1, init="pca"
        )
        return np.asarray(layout.fit_transform(rows), dtype=np.float64)
