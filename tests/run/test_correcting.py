"""Corrections: a later answer of a person takes the place of an earlier one, and both stay."""

from __future__ import annotations

from pathlib import Path

import pytest

import llmal
from llmal.errors import AnnotationError
from llmal.selectors import Random


@pytest.fixture
def campaign(tmp_path: Path) -> llmal.Campaign:
    texts = [f"text number {n} about {'cows' if n % 2 else 'soup'}" for n in range(12)]
    texts[11] = texts[10]
    task = llmal.Task("farm", ["animal", "food"])
    return llmal.Campaign(
        task,
        llmal.Pool.from_texts(texts),
        directory=tmp_path / "run",
        selector=Random(),
        start=Random(),
        budget=llmal.Budget(human_labels=8, batch=4),
    )


def _answer(item: str, label: str, by: str = "anna") -> llmal.Annotation:
    return llmal.Annotation(item, label, annotator=by, kind="human")


def test_what_stands_is_the_last_word_of_a_person(campaign: llmal.Campaign):
    order = campaign.ask()
    assert order is not None
    first, second = order.items[0].id, order.items[1].id
    campaign.tell([_answer(item.id, "food") for item in order.items])
    assert campaign.correct([_answer(first, "animal")]) == 1
    assert campaign.correct([_answer(first, "animal")]) == 0
    assert campaign.labels[first].label == "animal"
    assert campaign.correct([_answer(second, "animal", "ben"), _answer(first, "food")]) == 2
    assert campaign.labels[second].annotator == "ben"
    assert campaign.labels[first].label == "food"
    given = campaign.open().annotations_of([first])[first]
    assert [one.label for one in given] == ["food", "animal", "food"]
    assert campaign.purse.human_labels_left == 4


def test_what_does_not_fit_is_refused_and_nothing_of_it_recorded(campaign: llmal.Campaign):
    order = campaign.ask()
    assert order is not None
    first = order.items[0].id
    campaign.tell([_answer(item.id, "food") for item in order.items])
    copy, asked = next(iter(campaign.items.first_of.items()))
    before = campaign.open().annotation_count()
    machine = llmal.Annotation(first, "animal", annotator="llm", kind="llm")
    for wrong, words in [
        (machine, "who is no person"),
        (_answer("gone", "food"), "gone"),
        (_answer(first, "fud"), "does not fit"),
        (_answer(copy, "food"), f"repeats the text of '{asked}'.*correct '{asked}'"),
    ]:
        with pytest.raises(AnnotationError, match=words):
            campaign.correct([_answer(first, "animal"), wrong])
    assert campaign.open().annotation_count() == before
    assert campaign.labels[first].label == "food"
