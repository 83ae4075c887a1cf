"""What every generator promises, checked for each name in the registry with a real model."""

from __future__ import annotations

from collections import Counter

import pytest

from llmal.core.records import Item, SyntheticItem, Usage
from llmal.errors import ConfigError, DataError
from llmal.generators import REGISTRY, Generator, Request
from llmal.task import Task

LABELS = ("Number", "Location", "Person")
TEXTS = {
    "Number": "How far is the moon ?",
    "Location": "Where is Timbuktu ?",
    "Person": "Who wrote Emma ?",
}


def _task():
    return Task("trec", LABELS, guidelines="What kind of answer does the question ask for?")


def _demonstrations():
    return tuple(Item(f"d-{label}", text, gold=label) for label, text in TEXTS.items())


@pytest.fixture(params=REGISTRY.names())
def generator(request, tiny_hf):
    return REGISTRY.get(request.param)(_task(), tiny_hf, max_tokens=40)


def _shape(items):
    return [(one.id, one.text, one.label, one.accepted, one.reason) for one in items]


def test_it_is_a_generator_that_knows_its_name(generator):
    assert isinstance(generator, Generator)
    assert generator.name in REGISTRY.names()


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("demonstrations", [(), _demonstrations()])
def test_k_items_of_the_label_come_back(generator, label, demonstrations):
    items = generator.generate(Request(label, demonstrations, seed=1), 5)
    assert len(items) == 5
    for one in items:
        assert isinstance(one, SyntheticItem)
        assert (one.label, one.generator) == (label, generator.name)
        assert one.id.startswith("syn-")
        assert one.accepted is (one.reason is None) is (one.refused_by is None)
        assert {"model", "prompt", "demonstrations", "seed"} <= set(one.provenance)
    assert len({one.id for one in items}) == 5


def test_accepted_texts_are_texts(generator):
    items = generator.generate(Request("Person", seed=3), 20)
    accepted = [one for one in items if one.accepted]
    assert accepted
    assert all(one.text and one.text == one.text.strip() for one in accepted)


def test_the_same_seed_gives_the_same_items(generator):
    request = Request("Person", _demonstrations(), seed=7)
    assert _shape(generator.generate(request, 6)) == _shape(generator.generate(request, 6))


def test_another_seed_gives_other_items(generator):
    first = generator.generate(Request("Person", seed=1), 6)
    second = generator.generate(Request("Person", seed=2), 6)
    assert {one.text for one in first}.isdisjoint(one.text for one in second)


def test_what_the_items_cost_is_what_the_model_was_asked(generator, tiny_hf):
    before = tiny_hf.usage
    items = generator.generate(Request("Location", _demonstrations()), 6)
    spent = tiny_hf.usage - before
    carried = sum((one.usage for one in items), Usage())
    assert carried.prompt_tokens == spent.prompt_tokens > 0
    assert carried.completion_tokens == spent.completion_tokens > 0
    assert carried.requests == spent.requests > 0


def test_a_label_that_the_task_lacks_is_refused(generator):
    with pytest.raises(DataError, match="'Colour' is not a label of task 'trec'"):
        generator.generate(Request("Colour"), 1)


@pytest.mark.parametrize("k", [0, -3])
def test_fewer_than_one_item_is_refused(generator, k):
    with pytest.raises(ConfigError, match=f"{k} items were asked for"):
        generator.generate(Request("Person"), k)


def test_a_demonstration_without_a_label_is_refused(generator):
    with pytest.raises(DataError, match="demonstration 'x' has no label"):
        generator.generate(Request("Person", (Item("x", "Who ?"),)), 1)


def test_a_demonstration_of_an_unknown_label_is_refused(generator):
    with pytest.raises(DataError, match="'Colour' is not a label"):
        generator.generate(Request("Person", (Item("x", "Who ?", gold="Colour"),)), 1)


def test_equal_texts_get_different_ids(tiny_hf, generator):
    greedy = type(generator)(_task(), tiny_hf, temperature=0, max_tokens=40)
    items = greedy.generate(Request("Person"), 4)
    assert Counter(one.text for one in items).most_common(1)[0][1] == 4
    assert len({one.id for one in items}) == 4
