"""The order in which chosen demonstrations stand in the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer, Item
from llmal.core.registry import Registry
from llmal.embed.protocol import Embedder
from llmal.errors import DataError
from llmal.prompting.protocol import Need

_GATHERED = 2**22


@runtime_checkable
class Order(Protocol):
    """Arranges demonstrations that a selector gave, the most useful first."""

    requires: ClassVar[tuple[Need, ...]]
    """Names of the keyword arguments that it must be made with."""

    def arrange(self, demonstrations: Sequence[Item], query: Item | None = None) -> list[Item]:
        """The same demonstrations in the order of the prompt.

        Raises:
            DataError: It looks at the query, and none is given.
        """
        ...

    def arrange_each(
        self, demonstrations: Sequence[Sequence[Item]], queries: Sequence[Item]
    ) -> list[list[Item]]:
        """Arrange the demonstrations of many queries, one list for each."""
        ...


class _QueryBlind:
    """Orders that do not look at the query."""

    requires: ClassVar[tuple[Need, ...]] = ()

    def arrange(self, demonstrations: Sequence[Item], query: Item | None = None) -> list[Item]:
        raise NotImplementedError

    def arrange_each(
        self, demonstrations: Sequence[Sequence[Item]], queries: Sequence[Item]
    ) -> list[list[Item]]:
        """Arrange each list."""
        return [
            self.arrange(shown, query) for shown, query in zip(demonstrations, queries, strict=True)
        ]


@dataclass(frozen=True)
class AsChosen(_QueryBlind):
    """The most useful first."""

    def arrange(self, demonstrations: Sequence[Item], query: Item | None = None) -> list[Item]:
        """Leave them as they are."""
        return list(demonstrations)


@dataclass(frozen=True)
class Reversed(_QueryBlind):
    """The most useful last, next to the query: for `Similar`, similarity ascends."""

    def arrange(self, demonstrations: Sequence[Item], query: Item | None = None) -> list[Item]:
        """Turn them round."""
        return list(demonstrations)[::-1]


@dataclass(frozen=True)
class Alternating(_QueryBlind):
    """Labels in turn, so that no run of one label biases the answer towards it.

    Labels come in the order in which they first occur; within a label the order stays. What is
    left of the most frequent label stands at the end.
    """

    def arrange(self, demonstrations: Sequence[Item], query: Item | None = None) -> list[Item]:
        """Take one of each label, then the next of each."""
        seen: dict[Answer | None, int] = {}
        turns = []
        for place, item in enumerate(demonstrations):
            turn = seen.get(item.gold, 0)
            seen[item.gold] = turn + 1
            turns.append((turn, list(seen).index(item.gold), place))
        return [demonstrations[place] for _, _, place in sorted(turns)]


@dataclass(frozen=True)
class SimilarLast:
    """By cosine to the query ascending: the most similar stands next to it.

    Demonstrations of equal cosine keep their order.

    Args:
        embedder: Embeds demonstrations and queries.
    """

    requires: ClassVar[tuple[Need, ...]] = ("embedder",)

    embedder: Embedder

    def arrange(self, demonstrations: Sequence[Item], query: Item | None = None) -> list[Item]:
        """Sort by the cosine to the query.

        Raises:
            DataError: There is no query.
        """
        if query is None:
            raise DataError(
                "the order 'similar-last' looks at the query, and there is none",
                fix="give the query, or use another order",
            )
        return self.arrange_each([demonstrations], [query])[0]

    def arrange_each(
        self, demonstrations: Sequence[Sequence[Item]], queries: Sequence[Item]
    ) -> list[list[Item]]:
        """Sort each list by its query; every text is embedded once, all in one call."""
        if len(demonstrations) != len(queries):
            raise DataError(
                f"there are {len(demonstrations)} lists of demonstrations and {len(queries)} "
                "queries"
            )
        rows: dict[str, int] = {}
        of_query = [rows.setdefault(query.text, len(rows)) for query in queries]
        of_shown = [
            [rows.setdefault(one.text, len(rows)) for one in shown] for shown in demonstrations
        ]
        if not any(of_shown):
            return [[] for _ in queries]
        vectors = self.embedder.embed(list(rows))
        lengths = np.array([len(shown) for shown in of_shown])
        left = np.repeat(np.array(of_query), lengths)
        right = np.array([row for shown in of_shown for row in shown])
        cosines = _cosines(vectors, left, right)
        arranged = []
        for shown, part in zip(
            demonstrations, np.split(cosines, np.cumsum(lengths)[:-1]), strict=True
        ):
            arranged.append([shown[i] for i in np.argsort(part, kind="stable")])
        return arranged


def _cosines(
    vectors: NDArray[np.float32], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Inner products of pairs of rows, in blocks of bounded memory."""
    result = np.empty(len(left), dtype=np.float32)
    step = max(1, _GATHERED // vectors.shape[1])
    for start in range(0, len(left), step):
        part = slice(start, start + step)
        np.einsum("ij,ij->i", vectors[left[part]], vectors[right[part]], out=result[part])
    return result


ORDERS = Registry(
    "orders",
    {
        "as-chosen": "llmal.prompting.order:AsChosen",
        "reversed": "llmal.prompting.order:Reversed",
        "alternating": "llmal.prompting.order:Alternating",
        "similar-last": "llmal.prompting.order:SimilarLast",
    },
)
"""Names in the configuration, and the orders that they stand for."""


def make_order(name: str, embedder: Embedder | None = None) -> Order:
    """The order of a name, made with what it requires.

    Raises:
        ConfigError: There is no such order, or it needs an embedder and none is given.
    """
    made: Order = ORDERS.make(name, offers={"embedder": embedder})
    return made
