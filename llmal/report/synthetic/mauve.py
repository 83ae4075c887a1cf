"""MAUVE of synthetic texts beside real ones, where the package mauve-text is installed."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST = 20
"""Texts on a side below which its clusters say nothing."""


def mauve_figures(
    vectors: NDArray[np.float32], real: NDArray[np.float32] | None, seed: int
) -> dict[str, Any]:
    """MAUVE (Pillutla et al. 2021) on the embeddings, from 0 to 1 for samples that are alike, or a
    sentence on why there is none.

    Args:
        vectors: Shape (n, d): of the synthetic texts.
        real: Shape (m, d): of the real ones; None without any.
        seed: Of its clusters.
    """
    if real is None or min(len(vectors), len(real)) < FEWEST:
        return {"value": None, "why": f"it takes {FEWEST} texts on each side"}
    if importlib.util.find_spec("mauve") is None:
        return {"value": None, "why": "the package mauve-text is not installed"}
    import mauve

    found = mauve.compute_mauve(
        p_features=np.asarray(real), q_features=np.asarray(vectors), seed=seed, verbose=False
    )
    return {"value": float(found.mauve), "why": None}
