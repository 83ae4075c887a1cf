"""Several people's answers to one item become its label."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from llmal.core.records import Annotation
from llmal.ledger import Combined, Decided, Ledger, WorkerAnswer
from llmal.ledger.combining import majority
from llmal.ledger.votes import Votes


def _by(worker: str, label: Any, item: str = "a", **other: Any) -> Annotation:
    given: dict[str, Any] = {"kind": "human", "round": 0, "created": 1.0, "stage": "people"}
    return Annotation(item, label, worker, **{**given, **other})


def _answers(*labels: Any) -> list[WorkerAnswer]:
    return [WorkerAnswer(f"w{n}", label, float(n)) for n, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("labels", "answer", "confidence"),
    [
        (["yes"], "yes", 1.0),
        (["yes", "no", "yes"], "yes", 2 / 3),
        (["yes", "no"], "no", 0.5),
        (["no", "yes", "yes", "no"], "no", 0.5),
        (["a", "b", "c", "b", "a"], "a", 0.4),
        ([("a",), ("a", "b"), ("b",)], ("a", "b"), 2 / 3),
        ([("a",), ("b",)], ("b",), 0.5),
        ([(), ("b",), ()], (), 2 / 3),
        ([(), ()], (), 1.0),
    ],
)
def test_the_most_decide_and_of_equally_many_the_latest(
    labels: list[Any], answer: Any, confidence: float
) -> None:
    found = majority(_answers(*labels))
    assert (found.answer, found.confidence) == (answer, pytest.approx(confidence))


def test_a_majority_does_not_depend_on_the_order_of_telling() -> None:
    answers = _answers("yes", "no", "maybe", "no", "yes")
    found = {repr(majority(order)) for order in itertools.permutations(answers)}
    assert len(found) == 1


def test_one_answer_is_a_label_as_ever(ledger: Ledger) -> None:
    ledger.append([_by("anna", "yes"), _by("ben", "no", "b"), _by("ben", "yes", "b", round=1)])
    assert ledger.labels() == {
        "a": Decided("yes", "human", "anna", None, 0),
        "b": Decided("yes", "human", "ben", None, 1),
    }
    assert ledger.several_answers() == {}


def test_the_label_of_several_says_how_sure_it_is(ledger: Ledger) -> None:
    ledger.append([_by("anna", "yes", created=1.0), _by("ben", "no", created=2.0)])
    assert ledger.labels()["a"].label == "no"
    ledger.append([_by("eve", "yes", created=0.5), _by("llm", "no", kind="llm", stage="llm")])
    shares = {"no": pytest.approx(1 / 3), "yes": pytest.approx(2 / 3)}
    assert ledger.labels()["a"] == Decided(
        "yes", "human", "anna", 2 / 3, 0, answers=3, distribution=shares
    )
    assert [one.worker for one in ledger.several_answers()["a"]] == ["eve", "anna", "ben"]
    assert ledger.several_answers(purposes=["audit"]) == {}


def test_an_answer_that_nobody_gave_is_of_what_combined_it(ledger: Ledger) -> None:
    given = {"anna": ("x", "y"), "ben": ("y", "z"), "eve": ("x", "z")}
    ledger.append([_by(worker, label) for worker, label in given.items()])
    decided = ledger.labels()["a"]
    assert (decided.label, decided.annotator, decided.round) == (("x", "y", "z"), "majority", 0)


def test_revised_overruled_and_skipped_answers_are_no_votes(ledger: Ledger) -> None:
    ledger.append([_by("anna", "yes"), _by("ben", "no"), _by("eve", "no"), _by("tom", None)])
    assert ledger.labels()["a"].label == "no"
    ledger.revise([_by("ben", "yes", created=2.0)])
    assert (ledger.labels()["a"].label, ledger.labels()["a"].answers) == ("yes", 3)
    ledger.decide("rule", [(_by("anna", "yes"), "overruled")])
    assert (ledger.labels()["a"].label, ledger.labels()["a"].answers) == ("yes", 2)
    ledger.revise([_by("ben", None)])
    assert ledger.labels()["a"] == Decided("no", "human", "eve", None, 0)


def test_an_answer_that_is_overruled_no_more_is_a_vote_again(ledger: Ledger) -> None:
    first, second = _by("anna", "yes"), _by("ben", "no")
    ledger.append([first])
    ledger.decide("rule", [(first, "overruled")])
    ledger.append([second])
    assert ledger.labels()["a"].answers == 1
    ledger.decide("rule", [(first, "accepted")])
    assert ledger.labels()["a"].answers == 2


def test_labels_of_before_a_round_are_made_of_what_there_was(ledger: Ledger) -> None:
    ledger.append([_by("anna", "yes"), _by("ben", "yes"), _by("eve", "no", round=1, created=9.0)])
    ledger.append([_by("tom", "no", round=2, created=9.0)])
    assert [ledger.labels(number)["a"].label for number in (1, 2, 3)] == ["yes", "yes", "no"]
    assert [ledger.labels(number)["a"].answers for number in (1, 2, 3)] == [2, 3, 4]


def test_what_most_have_said_and_the_task_cannot_say_any_more_is_no_label() -> None:
    votes = Votes()
    votes.unsay("a", "anna", 1.0, task_version=1)
    votes.unsay("a", "ben", 2.0, task_version=1)
    votes.say("a", WorkerAnswer("eve", "yes", 3.0), task_version=1)
    assert votes.of("a") == []
    votes.say("a", WorkerAnswer("tom", "no", 4.0), task_version=1)
    assert [one.worker for one in votes.of("a")] == ["eve", "tom"]
    votes.unsay("a", "eve", 5.0, task_version=1)
    assert votes.of("a") == []
    votes.say("a", WorkerAnswer("anna", "yes", 6.0), task_version=2)
    assert [one.worker for one in votes.of("a")] == ["tom", "anna"]
    assert votes.of("nobody said anything") == []
    votes.forget(["a"])
    assert votes.of_several() == {}


class _First:
    """Whoever comes first by name is right, and says so of all items at once."""

    name = "first"
    by_item = False
    reads_beliefs = True

    def __init__(self) -> None:
        self.calls: list[tuple[list[str], dict[str, Any]]] = []

    def combine(
        self,
        answers: Mapping[str, Sequence[WorkerAnswer]],
        beliefs: Mapping[str, Mapping[str, float]],
    ) -> Mapping[str, Combined]:
        self.calls.append((sorted(answers), dict(beliefs)))
        return {
            item: Combined(min(given, key=lambda one: one.worker).answer, 0.75, {})
            for item, given in answers.items()
        }


def test_another_way_of_combining_is_asked_when_there_is_something_new(ledger: Ledger) -> None:
    first = _First()
    ledger.combine_by(first)
    sure = {"yes": 0.125, "no": 0.875}
    ledger.append([_by("anna", "yes"), _by("ben", "no"), _by("ben", "no", "single")])
    ledger.append([_by("llm", "no", kind="llm", stage="llm", probabilities=sure)])
    for _ in range(2):
        assert ledger.labels()["a"].label == "yes"
        assert ledger.labels()["single"].label == "no"
    assert first.calls == [(["a"], {"a": sure})]
    ledger.append([_by("ben", "no", "b"), _by("anna", "yes", "b")])
    assert ledger.labels()["b"].confidence == 0.75
    assert first.calls[1:] == [(["a", "b"], {"a": sure})]
