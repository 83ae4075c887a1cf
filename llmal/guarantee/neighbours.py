"""What people said of similar items, and how far off the nearest of these is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.evidence import Evidence
from llmal.guarantee.features import Features, Floats, centred, indicators, labels_of

_BLOCK = 4096


@dataclass(frozen=True)
class Neighbours:
    """Labels by people of the nearest items in the space of the embeddings, itself left out.

    Args:
        count: How many of them.
        sharpness: How much more a nearer one counts: weights are exp(sharpness · cosine).
        most: Labelled items that are looked among; of more, this many are drawn.
    """

    count: int = 10
    sharpness: float = 8.0
    most: int = 3000
    name: str = field(default="neighbours", init=False)
    needs_people: bool = field(default=True, init=False)

    def extract(self, evidence: Evidence) -> Features | None:
        """An opinion, and the cosine of the nearest; None without embeddings or two labels."""
        labelled = np.flatnonzero(evidence.by_people)
        if evidence.embeddings is None or len(labelled) < 2:
            return None
        if len(labelled) > self.most:
            drawn = np.random.default_rng(0).permutation(labelled)[: self.most]
            labelled = np.sort(drawn)
        vectors = np.asarray(evidence.embeddings, dtype=np.float32)
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        said = indicators(evidence.people[labelled], labels_of(evidence))
        shares = np.empty((len(vectors), said.shape[1]))
        nearest = np.empty(len(vectors))
        place = np.full(len(vectors), -1)
        place[labelled] = np.arange(len(labelled))
        for start in range(0, len(vectors), _BLOCK):
            block = slice(start, start + _BLOCK)
            shares[block], nearest[block] = self._block(
                vectors[block], vectors[labelled], said, place[block]
            )
        floor = 0.1
        opinions = np.log(shares + floor)
        if evidence.space.rows_sum_to_one:
            opinions = centred(opinions)
        else:
            opinions = opinions - np.log(1 - shares + floor)
        return Features((opinions,), nearest[:, None])

    def _block(
        self,
        asked: NDArray[np.float32],
        known: NDArray[np.float32],
        said: Floats,
        own: NDArray[np.int64],
    ) -> tuple[Floats, Floats]:
        cosines = asked @ known.T
        itself = np.flatnonzero(own >= 0)
        cosines[itself, own[itself]] = -np.inf
        count = min(self.count, len(known) - 1)
        near = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        best = np.take_along_axis(cosines, near, axis=1).astype(np.float64)
        weights = np.exp(self.sharpness * (best - best.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        return np.einsum("nk,nkc->nc", weights, said[near]), best.max(axis=1)
