"""Orders of demonstrations in the prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.embed import SentenceEmbedder
from llmal.errors import ConfigError, DataError
from llmal.prompting.order import ORDERS, Order, make_order

TEXTS = ["the tax office", "a cat sleeps", "a kitten naps on the sofa", "how far is the moon ?"]


class Counted:
    """An embedder that counts what it is asked."""

    def __init__(self, inner: SentenceEmbedder) -> None:
        self.inner = inner
        self.calls: list[int] = []

    @property
    def dimensions(self) -> int:
        return self.inner.dimensions

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.calls.append(len(texts))
        return self.inner.embed(texts)


def _shown(labels: str) -> list[Item]:
    return [Item(f"{n}{label}", TEXTS[n % 4], gold=label) for n, label in enumerate(labels)]


def _ids(items: Sequence[Item]) -> list[str]:
    return [item.id for item in items]


@pytest.mark.parametrize("name", ORDERS.names())
def test_an_order_moves_items_and_does_nothing_else(name: str, embedder: SentenceEmbedder):
    order = make_order(name, embedder)
    assert isinstance(order, Order)
    shown, query = _shown("abcaab"), Item("q", "do cats sleep ?")
    before = list(shown)
    arranged = order.arrange(shown, query)
    assert sorted(_ids(arranged)) == sorted(_ids(shown))
    assert shown == before
    assert order.arrange([], query) == []
    # Many at once are arranged as one by one.
    lists = [shown, shown[::-1], [], shown[:1]]
    queries = [query, Item("r", "taxes"), query, query]
    assert order.arrange_each(lists, queries) == [
        order.arrange(one, asked) for one, asked in zip(lists, queries, strict=True)
    ]
    assert order.arrange_each([], []) == []


def test_as_chosen_and_reversed():
    shown = _shown("abc")
    assert _ids(make_order("as-chosen").arrange(shown)) == ["0a", "1b", "2c"]
    assert _ids(make_order("reversed").arrange(shown)) == ["2c", "1b", "0a"]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("aabb", ["0a", "2b", "1a", "3b"]),
        ("baaab", ["0b", "1a", "4b", "2a", "3a"]),
        ("abcabc", ["0a", "1b", "2c", "3a", "4b", "5c"]),
        ("aaa", ["0a", "1a", "2a"]),
    ],
)
def test_labels_in_turn(labels: str, expected: list[str]):
    assert _ids(make_order("alternating").arrange(_shown(labels))) == expected


def test_the_most_similar_stands_last(embedder: SentenceEmbedder):
    order = make_order("similar-last", embedder)
    shown = _shown("abab")
    query = Item("q", "a cat naps")
    vectors = embedder.embed([query.text, *(one.text for one in shown)])
    cosines = vectors[1:] @ vectors[0]
    assert _ids(order.arrange(shown, query)) == [shown[i].id for i in np.argsort(cosines)]
    assert set(_ids(order.arrange(shown, query))[-2:]) == {"1b", "2a"}


def test_all_texts_are_embedded_in_one_call_and_once(embedder: SentenceEmbedder):
    counted = Counted(embedder)
    order = make_order("similar-last", counted)
    queries = [Item(f"q{n}", f"question {n}") for n in range(30)]
    order.arrange_each([_shown("abab")] * 30, queries)
    assert counted.calls == [34]


def test_what_is_refused(embedder: SentenceEmbedder):
    with pytest.raises(ConfigError, match="similar-last needs an embedder; give `embedder`"):
        make_order("similar-last")
    with pytest.raises(ConfigError, match="did you mean 'reversed'"):
        make_order("reverse")
    with pytest.raises(DataError, match="looks at the query"):
        make_order("similar-last", embedder).arrange(_shown("ab"))
    with pytest.raises(DataError, match="2 lists of demonstrations and 1 queries"):
        make_order("similar-last", embedder).arrange_each([[], []], [Item("q", "x")])
