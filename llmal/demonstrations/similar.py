"""The nearest neighbours of each query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Item
from llmal.demonstrations.candidates import usable
from llmal.embed.protocol import Embedder
from llmal.errors import DataError
from llmal.prompting.protocol import Need

_SPARE = 8
_BLOCK_BYTES = 2**26


@dataclass(frozen=True)
class Similar:
    """The k candidates of largest cosine to the query, most similar first.

    kNN prompting (Liu et al. 2022). The search is exact (faiss). A query is never its own
    demonstration: candidates of its id are left out. A candidate of another id with the same text
    is a labelled item like any other and will stand first, and of two candidates of equal text
    both can be chosen: remove duplicates from the candidates where that is not wanted.
    Candidates of equal cosine are drawn at random.

    Args:
        embedder: Embeds candidates and queries; with a cache, each text once.
        balance: Take the nearest of each label, then the second nearest of each, and so on.
        labels: All labels of the task: with `balance`, one that has no candidate is warned of.
    """

    requires: ClassVar[tuple[Need, ...]] = ("embedder",)
    per_query: ClassVar[bool] = True

    embedder: Embedder
    balance: bool = False
    labels: Sequence[str] = ()

    @property
    def ranks(self) -> bool:
        """Whether the first k of a longer choice are the choice of k."""
        return not self.balance

    def choose(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        query: Item | None = None,
    ) -> list[Item]:
        """The neighbours of one query.

        Raises:
            DataError: There is no query, or a candidate has no label.
        """
        if query is None:
            raise DataError(
                "similar demonstrations are chosen for a query, and there is none",
                fix="give the query, or use demonstrations that are one set for all",
            )
        return self.choose_each(candidates, k, rng, [query])[0]

    def choose_each(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        queries: Sequence[Item],
    ) -> list[list[Item]]:
        """The neighbours of each query; all texts are embedded in two calls."""
        ordered = usable(candidates, k, labels=self.labels, balance=self.balance)
        # What faiss gives first among equals follows from their places: these are random.
        shuffled = [ordered[i] for i in rng.permutation(len(ordered))]
        if not shuffled or not queries or not k:
            return [[] for _ in queries]
        base = self.embedder.embed([item.text for item in shuffled])
        asked = self.embedder.embed([item.text for item in queries])
        place = {item.id: row for row, item in enumerate(shuffled)}
        own = np.array([place.get(query.id, -1) for query in queries])
        golds = [item.gold if self.balance else None for item in shuffled]
        groups = [
            np.array([row for row, one in enumerate(golds) if one == gold], dtype=np.int64)
            for gold in dict.fromkeys(golds)
        ]
        width = sum(min(len(group), k + 1 + _SPARE) for group in groups)
        step = max(1, _BLOCK_BYTES // (4 * width * base.shape[1]))
        chosen: list[list[Item]] = []
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            for rows in _nearest(asked[part], base, groups, own[part], k):
                chosen.append([shuffled[row] for row in rows if row >= 0])
        return chosen


def _nearest(
    queries: NDArray[np.float32],
    base: NDArray[np.float32],
    groups: Sequence[NDArray[np.int64]],
    own: NDArray[np.int64],
    k: int,
) -> NDArray[np.int64]:
    """Rows of the base, shape (q, at most k), nearest first; -1 where there is none.

    Of each group the nearest is taken, then the second nearest, and so on.
    """
    found = [_ranked(queries, base, group, own, k) for group in groups]
    rows = np.concatenate([one for one, _ in found], axis=1)
    cosines = np.concatenate([one for _, one in found], axis=1)
    turns = np.concatenate([np.arange(one.shape[1]) for one, _ in found])
    turns = np.where(rows >= 0, turns, rows.shape[1])
    # The least significant key comes first: equal cosines stand by their (random) row.
    taken = np.lexsort((rows, -cosines, turns), axis=1)[:, :k]
    rows, cosines = (np.take_along_axis(one, taken, axis=1) for one in (rows, cosines))
    best = np.lexsort((rows, -cosines), axis=1)
    return np.take_along_axis(rows, best, axis=1)


def _ranked(
    queries: NDArray[np.float32],
    base: NDArray[np.float32],
    group: NDArray[np.int64],
    own: NDArray[np.int64],
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows and cosines of a group's nearest, shape (q, at most k), nearest first.

    A query's own row is -1, and last.
    """
    from llmal.embed.neighbours import nearest

    members = base if len(group) == len(base) else base[group]
    _, found = nearest(queries, members, min(len(group), k + 1 + _SPARE))
    # faiss rounds by the size of the batch; these do not depend on what else is asked for.
    cosines = np.einsum("qd,qkd->qk", queries, members[found], dtype=np.float64)
    rows = group[found]
    mine = rows == own[:, None]
    rows[mine], cosines[mine] = -1, -np.inf
    best = np.lexsort((rows, -cosines), axis=1)[:, :k]
    return np.take_along_axis(rows, best, axis=1), np.take_along_axis(cosines, best, axis=1)
