"""Who labels what: thresholds, the last one, people, and what is passed on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from llmal.annotators import (
    AcceptanceRule,
    Context,
    HumanQueue,
    Recorded,
    Router,
    SimulatedHuman,
    Stage,
    Threshold,
)
from llmal.core.records import Annotation, Item, Usage
from llmal.errors import ConfigError
from llmal.task import Task

LABELS = ["yes", "no"]


def _items(*answers: tuple[str | None, float | None]) -> list[Item]:
    """Items whose gold is "no", with what an earlier annotator said of them, and how surely."""
    return [
        Item(f"item-{n}", f"text {n}", gold="no", extra={"said": said, "sure": sure})
        for n, (said, sure) in enumerate(answers)
    ]


def _recorded(name: str = "recorded") -> Recorded:
    return Recorded("said", labels=LABELS, confidence="sure", name=name)


def _human(name: str = "human", cost: float = 0.0) -> SimulatedHuman:
    return SimulatedHuman(name=name, cost=cost)


def _told(given: Sequence[Annotation]) -> list[tuple[str, str, str | None, str]]:
    return [(one.item_id, one.annotator, one.label, one.decision) for one in given]


def test_below_the_threshold_the_next_one_is_asked():
    items = _items(("yes", 0.95), ("yes", 0.9), ("yes", 0.89), ("no", 0.2))
    given = Router([Stage(_recorded(), Threshold(0.9)), _human()]).annotate(items)
    assert _told(given) == [
        ("item-0", "recorded", "yes", "accepted"),
        ("item-1", "recorded", "yes", "accepted"),
        ("item-2", "recorded", "yes", "deferred"),
        ("item-3", "recorded", "no", "deferred"),
        ("item-2", "human", "no", "accepted"),
        ("item-3", "human", "no", "accepted"),
    ]


def test_a_bare_annotator_has_a_threshold_of_nine_tenths():
    given = Router([_recorded(), _human()]).annotate(_items(("yes", 0.9), ("yes", 0.89)))
    assert [one.decision for one in given] == ["accepted", "deferred", "accepted"]


def test_an_answer_of_the_last_one_stands_whatever_its_probability():
    given = Router([Stage(_recorded(), Threshold(1.0))]).annotate(
        _items(("yes", 0.1), ("no", None))
    )
    assert [one.decision for one in given] == ["accepted", "accepted"]


def test_answers_of_people_stand_wherever_they_are_asked():
    router = Router([Stage(_human(), Threshold(1.0)), _recorded()])
    assert _told(router.annotate(_items(("yes", 1.0)))) == [("item-0", "human", "no", "accepted")]


@pytest.mark.parametrize(("minimum", "decision"), [(0.0, "accepted"), (0.01, "deferred")])
def test_answers_without_probabilities_reach_no_threshold_but_nought(minimum: float, decision: str):
    router = Router([Stage(_recorded(), Threshold(minimum)), _human()])
    assert router.annotate(_items(("yes", None)))[0].decision == decision


def test_an_annotator_without_confidences_is_taken_at_its_word():
    unsure = Recorded("said", labels=LABELS)
    for stage in (unsure, Stage(unsure)):
        given = Router([stage, _human()]).annotate(_items(("yes", None), (None, None)))
        assert [one.decision for one in given] == ["accepted", "deferred", "accepted"]
    given = Router([Stage(unsure, Threshold(0.0)), _human()]).annotate(_items(("yes", None)))
    assert [one.decision for one in given] == ["accepted"]


def test_a_threshold_that_no_answer_can_reach_is_refused():
    unsure = Recorded("said", labels=LABELS)
    with pytest.raises(ConfigError) as caught:
        Router([Stage(unsure, Threshold(0.7)), _human()])
    assert str(caught.value) == (
        "the labels of 'recorded' come without confidence, so none would reach the threshold of "
        "0.7; name the column with the confidences, or use a threshold of 0, which takes every "
        "label"
    )
    # The last one's answers stand whatever the threshold.
    Router([_human(), Stage(unsure, Threshold(0.7))])


def test_abstentions_are_passed_on_and_never_accepted():
    router = Router([_recorded(), _human()])
    assert [one.decision for one in router.annotate(_items((None, None)))] == [
        "deferred",
        "accepted",
    ]
    alone = Router([_recorded()])
    assert [one.decision for one in alone.annotate(_items((None, 1.0)))] == ["deferred"]


def test_a_third_one_is_asked_about_what_two_passed_on():
    router = Router([_recorded("first"), _recorded("second"), _human()])
    given = router.annotate(_items(("yes", 0.5), ("yes", 0.99)))
    assert [(one.item_id, one.annotator) for one in given] == [
        ("item-0", "first"),
        ("item-1", "first"),
        ("item-0", "second"),
        ("item-0", "human"),
    ]


def test_nobody_is_asked_about_nothing():
    router = Router([_recorded(), SimulatedHuman(labels=LABELS)])
    assert router.annotate([]) == []
    settled = [Item("1", "no gold, and none is needed", extra={"said": "yes", "sure": 1.0})]
    assert [one.annotator for one in router.annotate(settled)] == ["recorded"]


def test_items_that_wait_for_people_are_not_passed_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    queue = HumanQueue(Task("t", LABELS), tmp_path / "out.csv")
    router = Router([queue, _recorded()])
    with caplog.at_level(logging.WARNING, "llmal"):
        assert router.annotate(_items(("yes", 1.0))) == []
    assert not caplog.records


def test_the_highest_cost_is_that_of_passing_everything_on():
    router = Router([_human("first", 0.5), _human("second", 2.0)])
    assert router.plan(_items(*[("yes", 1.0)] * 4)).highest == Usage(human_labels=8, money=10.0)


def test_a_decision_changes_nothing_else():
    router = Router([_recorded(), _human()])
    answers = _recorded().annotate(_items(("yes", 0.1), ("no", 0.99)), Context(round=3))
    decided = router.decide(0, answers)
    assert [replace(one, decision="accepted") for one in decided] == answers


def test_another_rule_can_decide():
    class OnlyNo:
        def accepts(self, annotation: Annotation) -> bool:
            return annotation.label == "no"

    assert isinstance(OnlyNo(), AcceptanceRule)
    given = Router([Stage(_recorded(), OnlyNo()), _human()]).annotate(
        _items(("yes", 1.0), ("no", 0.1))
    )
    assert [one.decision for one in given] == ["deferred", "accepted", "accepted"]


@pytest.mark.parametrize("minimum", [-0.1, 1.1, float("nan")])
def test_a_threshold_that_is_no_probability_says_so(minimum: float):
    with pytest.raises(ConfigError) as caught:
        Threshold(minimum)
    assert str(caught.value) == (f"a threshold of {minimum} is no probability; use one from 0 to 1")


def test_a_router_needs_somebody():
    with pytest.raises(ConfigError) as caught:
        Router([])
    assert str(caught.value) == "there is no annotator; name at least one"


def test_two_annotators_need_two_names():
    with pytest.raises(ConfigError) as caught:
        Router([_human("anna"), _recorded(), _human("anna")])
    assert str(caught.value) == (
        "two annotators are recorded as 'anna'; give one of them another name"
    )
