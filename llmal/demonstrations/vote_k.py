"""Demonstrations that stand for many others: votes on the graph of neighbours."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Item
from llmal.demonstrations.candidates import usable
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError
from llmal.prompting.protocol import Need

log = logging.getLogger("llmal.few_shot")


@dataclass(frozen=True)
class VoteK:
    """Candidates that many others have among their neighbours, and that are apart.

    Fast vote-k of selective annotation (Su et al. 2022), from memory of the paper. N(v) are the m
    candidates of largest cosine to v. Greedily, the next is the one of highest
    score(u) = sum over the v not yet chosen with u in N(v) of s(v), where s(v) is rho to the power
    of minus the number of chosen items in N(v): a candidate whose neighbourhood is spoken for
    hardly counts. Equal scores are drawn at random.

    Args:
        embedder: Embeds the candidates.
        neighbours: m; at most half of the other candidates, for with all of them every candidate
            would get the same votes.
        rho: How much less the vote of a candidate counts for each chosen neighbour.

    Raises:
        ConfigError: `neighbours` is below one, or rho is not above one.
    """

    requires: ClassVar[tuple[Need, ...]] = ("embedder",)
    per_query: ClassVar[bool] = False
    ranks: ClassVar[bool] = True

    embedder: Embedder
    neighbours: int = 150
    rho: float = 10.0

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ConfigError(f"neighbours is {self.neighbours}", fix="it must be 1 or more")
        if not self.rho > 1:
            raise ConfigError(f"rho is {self.rho}", fix="it must be above 1")

    def choose(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        query: Item | None = None,
    ) -> list[Item]:
        """Candidates by their votes."""
        ordered = usable(candidates, k)
        # A random order makes ties random: the first of the highest is taken.
        items = [ordered[i] for i in rng.permutation(len(ordered))]
        k = min(k, len(items))
        if k < 1 or len(items) == 1:
            return items[:k]
        count = min(self.neighbours, max(1, (len(items) - 1) // 2))
        if count < self.neighbours:
            log.info("vote-k looks at %d neighbours of %d candidates", count, len(items))
        graph = _neighbours(self.embedder.embed([item.text for item in items]), count)
        return [items[row] for row in vote(graph, k, self.rho)]


def vote(graph: NDArray[np.int64], k: int, rho: float) -> list[int]:
    """The k rows that the votes choose, in turn; of equal scores the first row.

    Args:
        graph: Shape (n, m): the neighbours of each row, itself not among them.
        k: How many, at most n.
        rho: As for `VoteK`.
    """
    n = len(graph)
    votes = np.ones(n)
    rows: list[int] = []
    open_ = np.ones(n, dtype=bool)
    for _ in range(k):
        cast = np.repeat(np.where(open_, votes, 0.0), graph.shape[1])
        scores = np.bincount(graph.ravel(), weights=cast, minlength=n)
        scores[~open_] = -1.0
        # Equal votes added up in another order differ in the last digits, and must stay equal.
        best = int((scores >= scores.max() * (1 - 1e-9)).argmax())
        rows.append(best)
        open_[best] = False
        votes[(graph == best).any(axis=1)] /= rho
    return rows


def _neighbours(vectors: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Rows of the `count` nearest others of each row, shape (n, count)."""
    from llmal.embed.neighbours import nearest

    _, found = nearest(vectors, vectors, count + 1)
    mine = found == np.arange(len(found))[:, None]
    # Among many equal vectors a row may not find itself; then the last one goes.
    mine[~mine.any(axis=1), -1] = True
    return np.asarray(found[~mine].reshape(len(found), count), dtype=np.int64)
