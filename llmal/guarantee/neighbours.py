"""What people said of similar items, and how far off the nearest of these is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from llmal.guarantee.evidence import Evidence
from llmal.guarantee.features import Features, centred, indicators, labels_of
from llmal.guarantee.nearest import Nearest


@dataclass(frozen=True)
class Neighbours:
    """Labels by people of the nearest items in the space of the embeddings, itself left out.

    Args:
        count: How many of them.
        sharpness: How much more a nearer one counts: weights are exp(sharpness · cosine).
    """

    count: int = 10
    sharpness: float = 8.0
    name: str = field(default="neighbours", init=False)
    needs_people: bool = field(default=True, init=False)
    _nearest: Nearest = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_nearest", Nearest(self.count))

    def extract(self, evidence: Evidence) -> Features | None:
        """An opinion, and the cosine of the nearest; None without embeddings or two labels."""
        labelled = np.flatnonzero(evidence.by_people)
        if evidence.embeddings is None or len(labelled) < 2:
            return None
        near, cosines = self._nearest.among(evidence.embeddings, labelled)
        weights = np.exp(self.sharpness * (cosines - cosines[:, :1]))
        weights /= weights.sum(axis=1, keepdims=True)
        said = indicators(evidence.people, labels_of(evidence))
        shares = np.zeros((len(near), said.shape[1]))
        for weight, item in zip(weights.T, near.T, strict=True):
            shares += weight[:, None] * said[item]
        floor = 0.1
        opinions = np.log(shares + floor)
        if evidence.space.rows_sum_to_one:
            opinions = centred(opinions)
        else:
            opinions = opinions - np.log(1 - shares + floor)
        return Features((opinions,), cosines[:, :1])
