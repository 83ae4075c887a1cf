"""Utilities of small-text's strategies for several labels beside llmal's, on the same arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from goemotions_curves import C
from goemotions_data import Part
from scipy.stats import spearmanr

from llmal.learners import LinearHead
from llmal.selectors import Cvirs, LabelCardinality, RoundState

LABELLED, PICKS, THRESHOLD = 200, 50, 0.2


def agreement(train: Part, X: np.ndarray) -> list[dict[str, Any]]:
    """One round with 200 labels: how alike utilities and picks are, and why where they differ."""
    from scipy.sparse import csr_matrix
    from small_text.query_strategies import multi_label as peers

    labelled = np.random.default_rng(0).permutation(len(X))[:LABELLED]
    y = train.y[labelled]
    state = RoundState.from_arrays(
        embeddings=X,
        probabilities=LinearHead(C=C).fit(X[labelled], y).predict_proba(X),
        labelled=labelled,
        labels=y,
        space=train.task.space,
    )
    p = np.asarray(state.probabilities, dtype=np.float64)
    rng = np.random.default_rng(0)

    def ours(selector: Any) -> np.ndarray:
        return np.asarray(selector.utilities(state, rng).values)

    plain_cardinality = peers._label_cardinality_inconsistency(p, csr_matrix(y), THRESHOLD)
    adaptive = peers._uncertainty_weighted_label_cardinality_inconsistency(p, csr_matrix(y))
    strategy = peers.CategoryVectorInconsistencyAndRanking(
        prediction_threshold=THRESHOLD, pbar=None
    )
    cvirs = strategy._compute_scores(state.unlabelled, csr_matrix(y), p.copy())
    count = np.abs((p > 0.5).sum(axis=1) - y.sum(axis=1).mean())
    best = np.sort(p, axis=1)
    lead = np.maximum(best[:, -1] - best[:, -2], 0.01)
    rows = [
        _row("LabelCardinalityInconsistency", ours(LabelCardinality(threshold=THRESHOLD)),
             plain_cardinality, ""),
        _row("AdaptiveActiveLearning", ours(LabelCardinality(uncertainty_weight=0.5)),
             adaptive, ""),
        _row("AdaptiveActiveLearning", lead**-0.5 * (1 + count) ** 0.5, adaptive,
             "the lead of the best label over the second for the separation"),
        _row("CategoryVectorInconsistencyAndRanking", ours(Cvirs(threshold=THRESHOLD)), cvirs, ""),
        _row("CategoryVectorInconsistencyAndRanking", _as_small_text(p, y), cvirs,
             "p less the sum of p for the margin, positions for ranks, differing labels for the "
             "distance"),
    ]  # fmt: skip
    return rows


def _as_small_text(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """CVIRS by the rule that small-text's code has."""
    n, labels = p.shape
    margins = np.abs(p - p.sum(axis=1, keepdims=True))
    positions = np.argsort(margins, axis=0)
    ahead = (n - positions).sum(axis=1) / (labels * (n - 1))
    apart = ((p > THRESHOLD)[:, None] != y[None].astype(bool)).mean(axis=2).sum(axis=1)
    # Batches of so many items: their number stands for that of the labelled.
    sizes = [len(part) for part in np.array_split(np.arange(n), int(np.ceil(n / 2048)))]
    return np.asarray(ahead * apart / np.repeat(sizes, sizes))


def _row(strategy: str, ours: np.ndarray, theirs: np.ndarray, cause: str) -> dict[str, Any]:
    tied = [np.lexsort((np.arange(len(one)), -one))[:PICKS] for one in (ours, theirs)]
    return {
        "strategy": strategy,
        "given llmal": cause,
        "rank correlation": float(spearmanr(ours, theirs).statistic),
        "largest difference": float(np.abs(ours - theirs).max()),
        "same picks": len(set(tied[0].tolist()) & set(tied[1].tolist())) / PICKS,
    }
