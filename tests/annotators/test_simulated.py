"""A simulated person: right, wrong as often as asked, and confused as asked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from llmal.annotators import Context, SimulatedHuman
from llmal.core.records import Item, Usage
from llmal.errors import ConfigError, DataError
from llmal.pool import Pool

LABELS = ["a", "b", "c", "d"]
MANY = 4000


def _items(count: int, gold: str | None = "a") -> list[Item]:
    return [Item(f"item-{n}", f"text {n}", gold=gold) for n in range(count)]


def _answers(annotator: SimulatedHuman, items: list[Item], seed: int = 0) -> list[str | None]:
    return [one.label for one in annotator.annotate(items, Context(seed=seed))]


def test_without_noise_the_gold_label_is_given():
    items = [Item(str(n), "", gold=LABELS[n % 4]) for n in range(20)]
    assert _answers(SimulatedHuman(), items) == [item.gold for item in items]


@pytest.mark.parametrize("noise", [0.05, 0.3, 1.0])
def test_so_many_answers_are_wrong_as_was_asked_for(noise: float):
    wrong = Counter(_answers(SimulatedHuman(labels=LABELS, noise=noise), _items(MANY)))
    del wrong["a"]
    deviation = (noise * (1 - noise) * MANY) ** 0.5
    assert abs(wrong.total() - noise * MANY) <= 4 * deviation
    share = wrong.total() / 3
    assert set(wrong) == {"b", "c", "d"}
    assert all(abs(count - share) <= 4 * share**0.5 for count in wrong.values())


def test_confusion_has_the_rates_that_were_asked_for():
    human = SimulatedHuman(labels=LABELS, confusion={"a": {"b": 0.3, "c": 0.1}})
    given = Counter(_answers(human, _items(MANY)))
    for label, rate in {"a": 0.6, "b": 0.3, "c": 0.1}.items():
        assert abs(given[label] - rate * MANY) <= 4 * (rate * (1 - rate) * MANY) ** 0.5
    assert given["d"] == 0


def test_confusion_leaves_other_labels_alone():
    human = SimulatedHuman(labels=LABELS, confusion={"a": {"b": 1.0}})
    assert _answers(human, _items(3, "a") + _items(3, "c")) == ["b"] * 3 + ["c"] * 3


def test_labels_without_confusion_have_the_noise():
    human = SimulatedHuman(labels=LABELS, confusion={"a": {"a": 1.0}}, noise=1.0)
    assert set(_answers(human, _items(50, "a"))) == {"a"}
    assert "c" not in _answers(human, _items(50, "c"))


@pytest.mark.parametrize("gold", [("a", "c"), ()])
def test_a_mistake_of_several_labels_is_one_label_more_or_less(gold):
    human = SimulatedHuman(labels=LABELS, noise=0.3)
    answers = _answers(human, _items(MANY, gold))
    wrong = Counter(frozenset({*gold} ^ {*one}) for one in answers)
    del wrong[frozenset()]
    assert abs(wrong.total() - 0.3 * MANY) <= 4 * (0.3 * 0.7 * MANY) ** 0.5
    assert set(wrong) == {frozenset([label]) for label in LABELS}
    share = wrong.total() / 4
    assert all(abs(count - share) <= 4 * share**0.5 for count in wrong.values())
    assert all(list(one) == sorted(one) for one in answers)


def test_confusion_changes_each_of_several_labels():
    human = SimulatedHuman(labels=LABELS, confusion={"a": {"b": 0.3}, "c": {"b": 1.0}}, noise=1.0)
    answers = Counter(_answers(human, _items(MANY, ("a", "c"))))
    assert set(answers) == {("b",), ("a", "b")}
    assert abs(answers["b",] - 0.3 * MANY) <= 4 * (0.21 * MANY) ** 0.5
    assert ("d",) not in _answers(human, _items(50, ("d",)))


def test_mistakes_are_others_in_another_round():
    human = SimulatedHuman(labels=LABELS, noise=0.5)
    items = _items(200)
    assert _answers(human, items, seed=1) == _answers(human, items, seed=1)
    assert _answers(human, items, seed=1) != _answers(human, items, seed=2)


def test_two_people_make_mistakes_of_their_own():
    first = SimulatedHuman(labels=LABELS, noise=0.5, name="first")
    second = SimulatedHuman(labels=LABELS, noise=0.5, name="second")
    assert _answers(first, _items(200)) != _answers(second, _items(200))


def test_labels_have_their_price():
    human = SimulatedHuman(cost=0.2, seconds=3.0)
    [one, *_] = human.annotate(_items(5))
    assert one.usage == Usage(human_labels=1, money=0.2, seconds=3.0)
    assert human.plan(_items(5)).highest == Usage(human_labels=5, money=1.0, seconds=15.0)


def test_an_item_without_gold_is_skipped_at_no_cost():
    human = SimulatedHuman(labels=LABELS, noise=0.5, cost=2.0, seconds=1.0)
    *_, lost = human.annotate([*_items(2), Item("lost", "", gold=None)])
    assert (lost.label, lost.decision, lost.flags) == (None, "deferred", ("no gold label",))
    assert lost.usage == Usage()


def test_gaps_in_the_gold_column_are_foreseen(tmp_path: Path):
    pool = Pool.from_texts(list("abcd"), ["a", None, "b", None], cache=tmp_path)
    foresight = SimulatedHuman().foresee(pool)
    assert foresight.unanswered.tolist() == [1, 3]
    assert foresight.warnings == (
        "2 of 4 items of the pool have no gold label, which simulated people answer with; they "
        "are not picked",
    )
    assert SimulatedHuman().foresee(pool[[0, 2]]).warnings == ()


def test_a_pool_without_any_gold_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="no item has a gold label, so a simulated person has no"):
        SimulatedHuman().foresee(Pool.from_texts(list("ab"), cache=tmp_path))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"noise": 1.5, "labels": LABELS}, "noise is 1.5; it must be between 0 and 1"),
        ({"noise": 0.1}, "noise needs the task's labels; pass labels=task.names"),
        (
            {"noise": 0.1, "labels": ["a"]},
            "noise needs the task's labels; pass labels=task.names",
        ),
        ({"cost": -1}, "cost is -1; it must be 0 or more"),
        ({"seconds": -1}, "seconds is -1; it must be 0 or more"),
        *(
            (
                {"confusion": {"a": row}},
                "the confusion of label 'a' has probabilities that are negative or add up to more "
                "than one; give probabilities that add up to one at most",
            )
            for row in ({"b": -0.1}, {"b": 0.6, "c": 0.6}, {"b": float("nan")})
        ),
        *(
            (
                {"labels": LABELS, "confusion": confusion},
                "the confusion names 'x', which is not a label of the task; "
                "its labels are a, b, c, d",
            )
            for confusion in ({"x": {"a": 0.1}}, {"a": {"x": 0.1}})
        ),
    ],
)
def test_a_person_who_cannot_be_says_why(options: dict[str, Any], sentence: str):
    with pytest.raises(ConfigError) as caught:
        SimulatedHuman(**options)
    assert str(caught.value) == sentence
