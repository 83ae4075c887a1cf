"""What every generator promises, checked for each name in the registry with a real model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from llmal.config.annotator_sections import GENERATORS
from llmal.core.records import Item, SyntheticItem, Usage
from llmal.errors import ConfigError, DataError
from llmal.generators import REGISTRY, Generator, LearnerAnswers, Needing, Request, lack
from llmal.generators.back_translation import BackTranslation
from llmal.generators.sources import FromSources
from llmal.task import Task
from llmal.task.spaces import kinds_of

LABELS = ("Number", "Location", "Person")
TEXTS = {
    "Number": ("the film was long", "that movie was lengthy"),
    "Location": ("the man saw that", "that man watched the"),
    "Person": ("the man was good", "that man was fine"),
}
OPTIONS = {
    "style_transfer": {"attributes": {"register": ["formal", "casual"]}},
    "counterfactual": {"max_change": 1.0},
}
"""Of those that cannot be made, or write nothing with a small model, without."""
ASKS_NOBODY = ("back_translation",)
LOOKS_AT_NO_ITEM = ("cold_start",)


def _task(text="text", **more):
    return Task("trec", LABELS, guidelines="What is asked for?", text=text, **more)


def _items(columns=("text",)):
    return tuple(
        Item(
            f"{label}-{number}",
            "\n".join([text] * len(columns)),
            dict.fromkeys(columns, text),
            gold=label,
        )
        for label, texts in TEXTS.items()
        for number, text in enumerate(texts)
    )


def _answers(items, *, confused):
    """Of a learner that is right, or takes each label's first item for one of the next label."""
    probabilities = np.full((len(items), len(LABELS)), 0.1)
    for row, item in enumerate(items):
        wrong = confused and item.id.endswith("-0")
        answer = LABELS.index(item.gold) + wrong if item.gold in LABELS else 0
        probabilities[row, answer % len(LABELS)] = 0.8 - 0.1 * wrong
    return LearnerAnswers(items, probabilities)


def _request(label="Person", seed=0, columns=("text",), **more):
    items = _items(columns)
    learner = _answers(items, confused=True)
    given = {"demonstrations": items, "sources": items, "learner": learner}
    return Request(label, seed=seed, **{**given, **more})


SLOW = (
    "counterfactual",
    "style_transfer",
    "student_guided",
    "boundary",
    "cold_start",
    "weakness_targeted",
    "minority",
)
"""Made as `paraphrase` or `class_conditional` are, which are tried in every run of the tests."""


@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name in REGISTRY.names()
    ]
)
def make(request, tiny_hf):
    """Makes the generator of a name for a task."""
    name = request.param
    options = dict(OPTIONS.get(name, {}))
    if name in ASKS_NOBODY:
        there, back = request.getfixturevalue("translators")
        return lambda task, **more: REGISTRY.get(name)(task, there, back, max_tokens=24, **more)
    return lambda task, **more: REGISTRY.get(name)(
        task, tiny_hf, **{"max_tokens": 24, **options, **more}
    )


@pytest.fixture
def generator(make):
    return make(_task())


def _shape(items):
    return [(one.id, one.text, one.label, one.accepted, one.reason) for one in items]


def test_a_configuration_knows_every_name():
    assert {*GENERATORS, "class_conditional"} == set(REGISTRY.names())


def test_it_is_a_generator_that_knows_its_name(generator):
    assert isinstance(generator, Generator)
    assert generator.name in REGISTRY.names()


@pytest.mark.parametrize("label", LABELS[1:])
def test_k_items_of_the_label_come_back_and_cost_what_was_planned(generator, tiny_hf, label):
    request = _request(label, seed=1)
    plan = generator.plan(request, 5)
    before = tiny_hf.usage
    items = plan.execute()
    spent = tiny_hf.usage - before
    assert len(items) == len({one.id for one in items}) == 5
    for one in items:
        assert isinstance(one, SyntheticItem)
        assert (one.label, one.generator) == (label, generator.name)
        assert one.id.startswith("syn-")
        assert one.accepted is (one.reason is None) is (one.refused_by is None)
        assert {"model", "prompt", "demonstrations", "seed"} <= set(one.provenance)
    carried = sum((one.usage for one in items), Usage())
    for figure in ("requests", "prompt_tokens", "completion_tokens"):
        value = getattr(carried, figure)
        assert value == getattr(spent, figure) <= getattr(plan.highest, figure)
        assert (value > 0) is (generator.name not in ASKS_NOBODY)
    assert generator.plan(request, 5).first(2).highest.tokens <= plan.highest.tokens


def test_accepted_texts_are_texts(make, generator):
    writer = generator if generator.name in ASKS_NOBODY else make(_task(), max_tokens=60)
    accepted = [one for one in writer.plan(_request(seed=3), 6).execute() if one.accepted]
    assert accepted
    assert all(one.text and one.text == one.text.strip() for one in accepted)


def test_the_same_seed_gives_the_same_items_and_another_gives_others(generator):
    first = generator.plan(_request(seed=7), 4).execute()
    assert _shape(generator.plan(_request(seed=7), 4).execute()) == _shape(first)
    again = generator.plan(_request(seed=8), 4).execute()
    assert [one.text for one in first] != [one.text for one in again]


def test_a_forecast_covers_every_draw(generator):
    forecast = generator.plan(_request(standing_in=True), 3).highest
    for seed in range(4):
        plan = generator.plan(_request(seed=seed), 3).highest
        assert plan.prompt_tokens <= forecast.prompt_tokens
        assert plan.completion_tokens <= forecast.completion_tokens


def test_what_an_item_is_made_from_is_told(generator):
    request = _request(seed=2)
    labels = {one.id: one.gold for one in request.sources}
    for one in generator.plan(request, 4).execute():
        sources = one.provenance.get("sources", [])
        assert bool(sources) is isinstance(generator, FromSources | BackTranslation)
        assert {*sources, *one.provenance["demonstrations"]} <= set(labels)
        if generator.name != "counterfactual":
            assert all(labels[id] == "Person" for id in sources)


def test_several_text_columns_are_written(make):
    columns = ("premise", "the hypothesis")
    generator = make(_task(columns))
    if generator.name not in ASKS_NOBODY:
        generator = make(_task(columns), max_tokens=100)
    items = generator.plan(_request(seed=1, columns=columns), 4).execute()
    accepted = [one for one in items if one.accepted]
    assert accepted
    for one in accepted:
        assert tuple(one.provenance["fields"]) == columns
        assert one.text == "\n".join(one.provenance["fields"].values())


def test_what_it_needs_and_is_not_there_is_a_sentence(generator):
    bare = Request("Person")
    sentence = lack(generator, bare)
    if not isinstance(generator, Needing) or not generator.requires:
        assert sentence is None
        assert len(generator.plan(bare, 2).execute()) == 2
        return
    assert sentence is not None
    assert generator.name in sentence
    with pytest.raises(DataError) as caught:
        generator.plan(bare, 1)
    assert caught.value.what == sentence
    other = "Person" if generator.name == "counterfactual" else "Number"
    items = tuple(one for one in _items() if one.gold == other)
    learner = _answers(items, confused=False)
    sentence = lack(generator, Request("Person", items, sources=items, learner=learner))
    assert sentence is not None
    assert "Person" in sentence


def test_a_label_that_the_task_lacks_is_refused(generator):
    with pytest.raises(DataError, match="'Colour' is not a label of task 'trec'"):
        generator.plan(_request("Colour"), 1)


@pytest.mark.parametrize("k", [0, -3])
def test_fewer_than_one_item_is_refused(generator, k):
    with pytest.raises(ConfigError, match=f"{k} items were asked for"):
        generator.plan(_request(), k)


@pytest.mark.parametrize(
    ("gold", "message"), [(None, "'x' has no label"), ("Colour", "'Colour' is not a label")]
)
def test_a_labelled_item_without_a_label_of_the_task_is_refused(generator, gold, message):
    if generator.name in LOOKS_AT_NO_ITEM:
        pytest.skip("it looks at no labelled item")
    odd = (*_items(), Item("x", "Who ?", gold=gold))
    learner = _answers(odd, confused=True)
    with pytest.raises(DataError, match=message):
        generator.plan(Request("Person", odd, sources=odd, learner=learner), 1)


def test_items_of_several_labels_are_written_or_refused_by_name(make):
    if "multi" not in kinds_of(make(_task())):
        with pytest.raises(ConfigError, match=r"the generator .* works with one label an item"):
            make(_task(kind="multi"))
        return
    generator = make(_task(kind="multi"))
    both = ("Number", "Person")
    items = tuple(
        replace(one, gold=both if one.gold == "Person" else (one.gold,)) for one in _items()
    )
    request = Request("Number|Person", items, seed=1, sources=items)
    plan = generator.plan(request, 3)
    made = plan.execute()
    assert [one.label for one in made] == ["Number|Person"] * 3
    assert sum((one.usage for one in made), Usage()).tokens <= plan.highest.tokens
    for one in made:
        shown = {*one.provenance["demonstrations"], *one.provenance.get("sources", ())}
        assert shown <= {"Person-0", "Person-1"}
    with pytest.raises(DataError, match="'Colour' is not a label"):
        generator.plan(replace(request, label="Colour|Person"), 1)
    with pytest.raises(DataError, match=r"which is written 'Number\|Person'"):
        generator.plan(replace(request, label="Person|Number"), 1)


def test_equal_texts_get_different_ids(make):
    one = tuple(item for item in _items() if item.id in ("Person-0", "Number-0"))
    generator = make(_task(), **({} if make(_task()).name in ASKS_NOBODY else {"temperature": 0}))
    items = generator.plan(_request(demonstrations=one, sources=one), 8).execute()
    if generator.name not in ASKS_NOBODY:  # those draw, and may not draw a text twice
        assert len({item.text for item in items}) < 8
    assert len({item.id for item in items}) == 8
