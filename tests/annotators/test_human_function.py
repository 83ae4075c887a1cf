from __future__ import annotations

import pytest

from llmal.annotators import Context, HumanFunction
from llmal.core.records import Item
from llmal.errors import AnnotationError, ConfigError
from llmal.task import Task

TASK = Task("mood", ["glad", "sad"])
ITEMS = [
    Item(
        f"i{n}", f"text {n}", {"text": f"text {n}"}, gold="sad", extra={"from": "ann", "said": "x"}
    )
    for n in range(3)
]


def _asked(answers):
    return HumanFunction(TASK, lambda items: answers, cost=0.2).annotate(ITEMS, Context(round=2))


def test_labels_are_read_in_the_order_of_the_items():
    given = _asked([" GLAD", "sad", None])
    assert [one.item_id for one in given] == ["i0", "i1", "i2"]
    assert [one.label for one in given] == ["glad", "sad", None]
    assert [one.decision for one in given] == ["accepted", "accepted", "deferred"]
    assert [one.flags for one in given] == [(), (), ("skipped",)]
    assert sum(one.usage.human_labels for one in given) == 3
    assert sum(one.usage.money for one in given) == pytest.approx(0.6)
    assert {one.round for one in given} == {2}


@pytest.mark.parametrize("skipped", [None, "", " ", "?", float("nan")])
def test_what_skips_an_item(skipped):
    assert [one.label for one in _asked(["glad", skipped, "sad"])] == ["glad", None, "sad"]


def test_a_generator_will_do():
    assert [one.label for one in _asked(iter(["glad"] * 3))] == ["glad"] * 3


def test_several_labels_come_as_lists_or_texts():
    task = Task("moods", ["glad", "sad", "odd"], kind="multi")
    answers = [["sad", "glad"], "odd|glad", []]
    given = HumanFunction(task, lambda items: answers).annotate(ITEMS)
    assert [one.label for one in given] == [("glad", "sad"), ("glad", "odd"), ()]


def test_it_shows_neither_gold_nor_what_others_said():
    seen = []

    def ask(items):
        seen.extend(items)
        return ["glad"] * len(items)

    HumanFunction(TASK, ask, hidden=["said"]).annotate(ITEMS)
    assert [one.text for one in seen] == ["text 0", "text 1", "text 2"]
    assert {one.gold for one in seen} == {None}
    assert [dict(one.extra) for one in seen] == [{"from": "ann"}] * 3


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (["glad"], "gave 1 label for 3 items; have it give one for each item"),
        (["glad"] * 4, "gave 4 labels for 3 items"),
        ("glad", "gave 'glad' for 3 items; have it give a list"),
        (None, "gave None for 3 items; have it give a list"),
        ({"i0": "glad"}, "gave {'i0': 'glad'} for 3 items; have it give a list"),
        (["glad", "mad", "sad"], "gave 'mad' for item 'i1', which is no answer of the task"),
        (["glad", ["sad"], "sad"], r"gave \['sad'\] for item 'i1', which is no answer"),
        (["glad", 3, "sad"], "gave 3 for item 'i1'"),
    ],
)
def test_what_is_no_answer_is_refused_in_a_sentence(answers, message):
    with pytest.raises(AnnotationError, match=message):
        _asked(answers)


def test_its_own_errors_come_through():
    def ask(items):
        raise RuntimeError("the page is closed")

    with pytest.raises(RuntimeError, match="the page is closed"):
        HumanFunction(TASK, ask).annotate(ITEMS)


@pytest.mark.parametrize(
    ("ask", "options", "message"),
    [
        ("queue", {}, "people are asked through a str"),
        (list, {"cost": -1}, "cost is -1"),
        (list, {"batch_size": 0}, "a batch of 0 items is empty"),
    ],
)
def test_options_that_do_not_work(ask, options, message):
    with pytest.raises(ConfigError, match=message):
        HumanFunction(TASK, ask, **options)
