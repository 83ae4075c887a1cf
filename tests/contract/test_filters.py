"""What every filter of synthetic items promises, checked for each name in the registry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from llmal.core.records import Item, SyntheticItem, Usage
from llmal.generators import Filter
from llmal.generators.filters import (
    DEFAULT,
    REGISTRY,
    Metered,
    Preparing,
    Remembering,
    make_filters,
    run_filters,
)
from llmal.task import Task

LABELS = ("Number", "Location", "Person")
HEADS = ("How many", "Who wrote about", "Where are", "How far apart are")
THINGS = (
    "legs does a common house spider have",
    "the people in the old town hall",
    "the winter stars over the harbour",
    "children go to school in the village",
    "the men who painted this ceiling",
    "the ships that sailed to the south",
    "moons are there around the planet",
    "the birds which live near the sea",
    "the long roads from here to the lake",
    "the books that nobody reads now",
    "words are there in the other letter",
    "the tall trees by the white house",
    "the players of the national team",
)
POOL = (
    "Who wrote the novel Emma ?",
    *(f"{head} {thing} ?" for head in HEADS for thing in THINGS),
)


def _rude(text):
    return "it is rude" if "stupid" in text else None


@dataclass(frozen=True)
class Case:
    """A text that a filter refuses, one that it lets pass, and with what options."""

    refused: str
    passed: str
    label: str = "Number"
    options: dict[str, Any] = field(default_factory=dict)


class Certain:
    """A learner that is the surer the fewer words a text has."""

    classes_ = LABELS

    def predict_proba(self, texts):
        most = [0.98 if text.startswith("Who") else 0.4 for text in texts]
        return np.array([[(1 - one) / 2, (1 - one) / 2, one] for one in most])


GOOD = "How many people live in Paris ?"
NEAR = "How many birds are in the tall trees ?"
LEARNED = {"learner": Certain()}
CASES = {
    "boilerplate": Case("Sure! Here is a question: Who wrote Emma ?", GOOD),
    "callable": Case("How many stupid people live in Paris ?", GOOD, options={"function": _rude}),
    "format_length": Case("How ?", GOOD),
    "informative": Case("Who wrote Emma ?", GOOD, options=LEARNED),
    "label_agreement": Case("Who wrote Emma ?", GOOD),
    "language": Case("Wie viele Leute wohnen jetzt in diesem Schloss am Fluss ?", NEAR),
    "leakage": Case("How tall is the great Eiffel Tower in old Paris ?", GOOD),
    "learner_agreement": Case("Who wrote Emma ?", GOOD, options=LEARNED | {"minimum": 0.1}),
    "minhash": Case("How many legs does the common house spider have ?", GOOD),
    "near_duplicates": Case("who wrote the NOVEL Emma?", GOOD),
    "novelty": Case("Who wrote the novel Emma ?", NEAR),
    "repetition": Case("the cow is the cow is the cow is the cow is the cow", GOOD),
}


class Letters:
    """A vector of how often each letter stands in a text."""

    dimensions, fingerprint = 26, "letters"

    def embed(self, texts):
        letters = "abcdefghijklmnopqrstuvwxyz"
        counts = np.array([[text.lower().count(one) + 0.1 for one in letters] for text in texts])
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


def _task():
    return Task("trec", LABELS, guidelines="What kind of answer does the question ask for?")


@pytest.fixture
def offers(tiny_hf):
    return {
        "task": _task(),
        "lm": tiny_hf,
        "embedder": Letters(),
        "pool": [Item(f"p{n}", text) for n, text in enumerate(POOL)],
        "test": ["How tall is the Eiffel Tower in Paris ?"],
        "style": "completion",
        "seed": 0,
    }


@pytest.fixture(params=REGISTRY.names())
def name(request):
    return request.param


@pytest.fixture
def case(name):
    return CASES[name]


@pytest.fixture
def make(name, case, offers):
    def made():
        (one,) = make_filters([{"name": name, **case.options}], offers=offers)
        return one

    return made


def _item(text, label="Number", number=0):
    return SyntheticItem(f"syn-{number}", text, label, "by hand")


def _pair(case):
    return [_item(case.passed, case.label, 1), _item(case.refused, case.label, 2)]


def test_it_is_a_filter_of_a_name(name, make):
    filter = make()
    assert isinstance(filter, Filter)
    assert type(filter) is REGISTRY.get(name)
    assert filter.name == ("_rude" if name == "callable" else name)


def test_it_refuses_with_one_sentence_and_lets_pass(case, make):
    filter = make()
    passed, reason = filter.check(_pair(case))
    assert passed is None
    assert isinstance(reason, str)
    assert reason == reason.strip() != ""
    assert "\n" not in reason
    assert not reason.endswith(".")


def test_an_answer_depends_on_nothing_but_items_before_it(case, make):
    filter = make()
    items = _pair(case)
    together = filter.check(items)
    assert filter.check([]) == []
    assert filter.check(items) == together
    assert [filter.check([one])[0] for one in items[::-1]] == together[::-1]


def test_what_it_remembers_can_be_told_to_another(case, make):
    first, second = make(), make()
    accepted = [one for one in run_filters(_pair(case), [first]) if one.accepted]
    assert [one.text for one in accepted] == [case.passed]
    if isinstance(second, Remembering):
        second.remember(accepted)
    again = [_item(one.text, one.label, 9) for one in accepted]
    assert first.check(again) == second.check(again)


def test_what_it_costs_is_no_more_than_it_says(case, make, tiny_hf):
    filter = make()
    before = tiny_hf.usage
    most = filter.plan_preparation().highest if isinstance(filter, Preparing) else Usage()
    assert tiny_hf.usage == before
    tokens = max(tiny_hf.count_tokens([case.refused, case.passed]))
    if isinstance(filter, Metered):
        most += filter.highest(int(tokens)) + filter.highest(int(tokens))
    filter.check(_pair(case))
    spent = tiny_hf.usage - before
    assert spent.requests <= most.requests
    assert spent.prompt_tokens <= most.prompt_tokens
    assert spent.completion_tokens <= most.completion_tokens


def test_the_default_is_made_of_the_registry(offers):
    made = make_filters(None, offers=offers)
    assert [one.name for one in made] == list(DEFAULT)
    twice = make_filters(["default", _rude], offers=offers)
    assert [one.name for one in twice] == [*DEFAULT, "_rude"]
