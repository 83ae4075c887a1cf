"""Which labels of a wide set are scored for an item."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.embed import SentenceEmbedder
from llmal.errors import ConfigError
from llmal.prompting.shortlist import UNMEASURED, Costliest, Shortlister
from llmal.task import Label, Task


def test_labels_are_ranked_by_what_they_mean(embedder: SentenceEmbedder) -> None:
    task = Task(
        "where",
        [
            Label("card_arrival", "my bank card has not come by post"),
            Label("exchange_rate", "what foreign money costs"),
            Label("pin", "I forgot my PIN"),
        ],
    )
    texts = ["Where is my new card ?", "How many euros for a dollar ?", "pin number lost"]
    made = Shortlister(task, embedder, size=2)
    places = made.places([Item(str(n), text) for n, text in enumerate(texts)])
    assert places.argmin(axis=1).tolist() == [0, 1, 2]
    inside = made.inside([Item("0", texts[0])])
    assert inside.sum() == 2


def test_the_size_is_chosen_for_the_recall_on_labelled_items(
    fine_items: list[Item], fine_task: Task, embedder: SentenceEmbedder
) -> None:
    labelled, asked = fine_items[:200], fine_items[1000:1400]
    made = Shortlister(fine_task, embedder, labelled)
    assert made.size.items == 200
    assert 5 <= made.size.labels < 30
    own = made.places(labelled)[
        np.arange(200), [fine_task.index(one.gold or "") for one in labelled]
    ]
    assert made.size.recall == pytest.approx(((own < made.size.labels).sum() + 1) / 202)
    assert made.size.recall > 0.94
    truth = [fine_task.index(one.gold or "") for one in asked]
    found = made.inside(asked)[np.arange(400), truth].mean()
    assert found > 0.9
    smaller = Shortlister(fine_task, embedder, labelled, recall=0.8)
    assert smaller.size.labels < made.size.labels
    # Labelled items help, and without enough of them the size is a usual one.
    bare = Shortlister(fine_task, embedder, labelled[:10])
    assert (bare.size.labels, bare.size.items, bare.size.recall) == (25, 0, UNMEASURED)
    fixed = Shortlister(fine_task, embedder, size=made.size.labels)
    assert found > fixed.inside(asked)[np.arange(400), truth].mean()


def test_no_item_is_compared_with_itself(
    fine_items: list[Item], fine_task: Task, embedder: SentenceEmbedder
) -> None:
    labelled = fine_items[:60]
    whole = Shortlister(fine_task, embedder, labelled)
    for number in (0, 7, 31):
        others = [one for place, one in enumerate(labelled) if place != number]
        without = Shortlister(fine_task, embedder, others)
        item = [labelled[number]]
        assert (whole.places(item) == without.places(item)).all()
    together, alone = whole.places(labelled[:9]), whole.places(labelled[4:5])
    assert (together[4] == alone[0]).all()


def test_what_is_not_scored_shares_what_the_recall_leaves(
    fine_items: list[Item], fine_task: Task, embedder: SentenceEmbedder
) -> None:
    made = Shortlister(fine_task, embedder, fine_items[:100], size=10)
    inside = made.inside(fine_items[500:503])
    inside[2] = True
    p = np.where(inside, np.random.default_rng(0).random(inside.shape), 0.0)
    p /= p.sum(axis=1, keepdims=True)
    spread = made.spread(p, inside)
    np.testing.assert_allclose(spread.sum(axis=1), 1)
    np.testing.assert_allclose(spread[2], p[2])
    np.testing.assert_allclose(spread[:2][inside[:2]], (made.size.recall * p)[:2][inside[:2]])
    outside = spread[:2][~inside[:2]]
    np.testing.assert_allclose(outside, (1 - made.size.recall) / (50 - 10))


def test_a_plan_counts_the_labels_of_most_tokens() -> None:
    made = Costliest(np.array([1, 5, 2, 4]), 2)
    assert made.inside([Item("a", "x"), Item("b", "y")]).tolist() == [[False, True] * 2] * 2


@pytest.mark.parametrize("options", [{"size": 1}, {"recall": 0.0}, {"recall": 1.0}])
def test_what_is_no_shortlist_is_refused(options: dict, embedder: SentenceEmbedder) -> None:
    with pytest.raises(ConfigError):
        Shortlister(Task("t", ["a", "b", "c"]), embedder, **options)
