"""Purposes, revisions and decisions, and the totals that go with them."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest

from llmal.core.records import Annotation, Outcome, Purpose, Usage
from llmal.errors import AnnotationError, LedgerError
from llmal.ledger import Ledger


def _by(annotator: str, item_id: str, label: Any, **other: Any) -> Annotation:
    given: dict[str, Any] = {"kind": "human", "round": 0, "created": 1.0, **other}
    return Annotation(item_id=item_id, label=label, annotator=annotator, **given)


def _names(ledger: Ledger, **asked: Any) -> dict[str, Any]:
    return {item_id: one.label for item_id, one in ledger.labels(**asked).items()}


def test_new_fields_come_back_as_they_were(ledger: Ledger) -> None:
    full = _by(
        *("anna", "a", ("joy", "pride")),
        stage="second look",
        purpose="audit",
        task_version=3,
        revision=2,
        reason="slipped",
    )
    empty = _by("anna", "b", ())
    ledger.append([full, empty])
    assert list(ledger.annotations()) == [full, empty]
    assert list(ledger.annotations(purpose="audit")) == [full]


def test_telling_twice_changes_nothing(ledger: Ledger) -> None:
    told = [_by("anna", "a", "yes", usage=Usage(human_labels=1)), _by("lm", "a", "no", kind="llm")]
    assert ledger.append(told) == 2
    before = (list(ledger.annotations()), list(ledger.decisions()), ledger.usage())
    assert ledger.append(told) == 0
    assert ledger.append([replace(told[0], stage="anna")]) == 0
    assert (list(ledger.annotations()), list(ledger.decisions()), ledger.usage()) == before


def test_stages_and_workers_are_two_things(ledger: Ledger) -> None:
    ledger.append([_by("anna", "a", "yes", stage="people"), _by("ben", "a", "no", stage="people")])
    assert ledger.append([_by("anna", "a", "no", stage="experts")]) == 1
    assert [(one.stage, one.annotator) for one in ledger.annotations()] == [
        ("people", "anna"),
        ("people", "ben"),
        ("experts", "anna"),
    ]
    assert ledger.annotated("people", 0) == ledger.annotated("experts", 0) == {"a"}
    assert ledger.annotated("anna", 0) == set()


@pytest.mark.parametrize("wrong", [{"purpose": "audits"}, {"revision": -1}])
def test_what_nobody_would_read_is_refused(ledger: Ledger, wrong: dict[str, Any]) -> None:
    with pytest.raises(AnnotationError, match=next(iter(wrong))):
        ledger.append([_by("anna", "a", "yes", **wrong)])
    assert ledger.annotation_count() == 0


def test_audits_are_never_among_the_labels(ledger: Ledger) -> None:
    ledger.append([_by("anna", purpose, "yes", purpose=purpose) for purpose in get_args(Purpose)])
    ledger.append([_by("anna", "train", "no", purpose="audit", stage="audit")])
    assert _names(ledger) == {"train": "yes", "review": "yes"}
    assert _names(ledger, purposes=["audit"]) == {"audit": "yes", "train": "no"}
    assert _names(ledger, before_round=0) == {}
    assert _names(ledger, before_round=1, purposes=["calibrate"]) == {"calibrate": "yes"}


def test_a_later_answer_takes_the_place_of_the_earlier(ledger: Ledger) -> None:
    first = _by("anna", "a", "yes", round=2, purpose="review", stage="people")
    ledger.append([first, _by("anna", "b", "yes")])
    assert _names(ledger) == {"a": "yes", "b": "yes"}
    assert ledger.revise([_by("anna", "a", "no", round=None, reason="a slip")]) == 1
    assert _names(ledger) == {"a": "no", "b": "yes"}
    assert ledger.revise([_by("anna", "a", "no", reason="a slip")]) == 0
    assert ledger.revise([_by("anna", "a", "yes", created=2.0)]) == 1
    assert _names(ledger) == {"a": "yes", "b": "yes"}
    of_a = ledger.annotations_of(["a"])["a"]
    assert [(one.label, one.revision, one.reason) for one in of_a] == [
        ("yes", 0, None),
        ("no", 1, "a slip"),
        ("yes", 2, None),
    ]
    assert {(one.round, one.purpose, one.stage) for one in of_a} == {(2, "review", "people")}
    assert _names(ledger, before_round=2) == {"b": "yes"}
    assert _names(ledger, before_round=3) == {"a": "yes", "b": "yes"}


def test_an_answer_can_be_taken_back(ledger: Ledger) -> None:
    ledger.append([_by("lm", "a", "no", kind="llm"), _by("anna", "a", "yes")])
    ledger.append([_by("anna", "b", "yes")])
    assert _names(ledger) == {"a": "yes", "b": "yes"}
    assert ledger.revise([_by("anna", "a", None), _by("anna", "b", None)]) == 2
    assert _names(ledger) == {"a": "no"}
    assert ledger.abstained("anna") == {"a", "b"}
    assert ledger.revise([_by("anna", "b", "maybe")]) == 1
    assert _names(ledger) == {"a": "no", "b": "maybe"}
    assert ledger.abstained("anna") == {"a"}


def test_revisions_that_come_out_of_order(ledger: Ledger) -> None:
    ledger.append([_by("anna", "a", "third", revision=2)])
    assert _names(ledger) == {"a": "third"}
    ledger.append([_by("anna", "a", "first"), _by("anna", "a", "second", revision=1)])
    assert _names(ledger) == {"a": "third"}


def test_nothing_to_revise_is_refused_with_its_batch(ledger: Ledger) -> None:
    ledger.append([_by("anna", "a", "yes")])
    for stranger in (_by("ben", "a", "no"), _by("anna", "a", "no", stage="experts")):
        with pytest.raises(LedgerError, match="no answer about item 'a'"):
            ledger.revise([_by("anna", "a", "no"), stranger])
    assert _names(ledger) == {"a": "yes"}
    assert ledger.annotation_count() == 1


def test_the_queue_gives_the_answer_that_stands(ledger: Ledger) -> None:
    ledger.queue.put("people", ["a"], 0)
    ledger.queue.answer("people", [_by("people", "a", "yes")])
    ledger.revise([_by("people", "a", "no")])
    assert ledger.queue.answers("people", "people") == {"a": "no"}


def test_the_latest_decision_counts(ledger: Ledger) -> None:
    machine = [
        _by("lm", "a", "yes", kind="llm"),
        _by("lm", "b", "no", kind="llm", decision="deferred"),
    ]
    person = _by("anna", "c", "yes", round=1)
    ledger.append([*machine, person])
    assert _names(ledger) == {"a": "yes", "c": "yes"}
    assert ledger.deferred("lm", 0) == {"b"}
    asked: list[tuple[Annotation, Outcome]] = [
        (machine[0], "deferred"),
        (machine[1], "accepted"),
        (person, "overruled"),
    ]
    assert ledger.decide("certified", asked, round=3) == 3
    assert ledger.decide("certified", asked, round=3) == 0
    assert _names(ledger) == {"b": "no"}
    assert ledger.deferred("lm", 0) == {"a"}
    assert [(one.item_id, one.rule, one.outcome, one.round) for one in ledger.decisions()] == [
        ("a", "router", "accepted", 0),
        ("b", "router", "deferred", 0),
        ("c", "router", "accepted", 1),
        ("a", "certified", "deferred", 3),
        ("b", "certified", "accepted", 3),
        ("c", "certified", "overruled", 3),
    ]
    # A round that is repeated after a kill sees what it saw before the rule was there.
    assert _names(ledger, before_round=3) == {"a": "yes", "c": "yes"}
    assert _names(ledger, before_round=4) == {"b": "no"}
    assert [one.decision for one in ledger.annotations()] == ["accepted", "deferred", "accepted"]


def test_deciding_about_what_is_not_there_records_nothing(ledger: Ledger) -> None:
    there = _by("lm", "a", "yes", kind="llm")
    ledger.append([there])
    with pytest.raises(LedgerError, match="item 'b' by 'lm' is not in the ledger"):
        ledger.decide("rule", [(there, "deferred"), (_by("lm", "b", "yes"), "deferred")])
    with pytest.raises(LedgerError, match="'router' decides when an annotation is recorded"):
        ledger.decide("router", [(there, "deferred")])
    assert len(list(ledger.decisions())) == 1


def test_versions_of_the_task(ledger: Ledger) -> None:
    assert ledger.task_versions() == []
    assert ledger.task_version("f1", {"labels": ["a"]}) == 1
    assert ledger.task_version("f2", {"labels": ["a", "b"]}, reason="a label more") == 2
    assert ledger.task_version("f1", {"labels": ["a"]}) == 1
    assert [(one.version, one.task, one.reason) for one in ledger.task_versions()] == [
        (1, {"labels": ["a"]}, None),
        (2, {"labels": ["a", "b"]}, "a label more"),
    ]


def test_told_by_several_at_once_out_of_order_and_twice_it_counts_once(place: str) -> None:
    told = [
        _by(f"worker{n % 3}", f"item{n // 3}", "yes", usage=Usage(human_labels=1))
        for n in range(300)
    ]
    Ledger.open(place).close()
    counts: list[int] = []

    def tell(seed: int) -> None:
        order = np.random.default_rng(seed).permutation(2 * len(told)) % len(told)
        with Ledger.open(place) as ledger:
            parts = np.array_split(order, 40)
            counts.append(sum(ledger.append([told[n] for n in part]) for part in parts))

    threads = [threading.Thread(target=tell, args=(seed,)) for seed in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with Ledger.open(place) as ledger:
        assert sorted(ledger.annotations(), key=repr) == sorted(told, key=repr)
        assert sum(counts) == ledger.annotation_count() == len(list(ledger.decisions())) == 300
        assert ledger.total_usage() == Usage(human_labels=300)
        assert len(ledger.labels()) == 100


def _expected_labels(
    told: list[Annotation],
    outcomes: dict[int, list[tuple[int, str]]],
    before_round: int,
    purposes: set[str],
) -> list[tuple[str, Any]]:
    """What labels are by their definition, from all annotations in order."""
    highest: dict[tuple[Any, ...], int] = {}
    for one in told:
        key = (one.item_id, one.stage, one.annotator, one.round)
        highest[key] = max(highest.get(key, 0), one.revision)
    decided: dict[str, Annotation] = {}
    votes: dict[str, dict[str, Any]] = {}
    for number, one in enumerate(told):
        key = (one.item_id, one.stage, one.annotator, one.round)
        at = -1 if one.round is None else one.round
        latest = [what for round, what in outcomes[number] if round < before_round]
        if at >= before_round or one.purpose not in purposes or one.label is None:
            continue
        if one.revision < highest[key] or latest[-1] == "overruled":
            continue
        if one.kind != "human" and latest[-1] != "accepted":
            continue
        standing = decided.get(one.item_id)
        if standing is None or one.kind == "human" or standing.kind != "human":
            decided[one.item_id] = one
        if one.kind == "human":
            votes.setdefault(one.item_id, {})[one.annotator] = one.label
    return [(item_id, _voted(votes.get(item_id), one)) for item_id, one in decided.items()]


def _voted(by_worker: dict[str, Any] | None, last: Annotation) -> Any:
    """The majority of people; all answers are of one moment, so that names say which is last."""
    if by_worker is None or len(by_worker) == 1:
        return last.label
    given = [by_worker[name] for name in sorted(by_worker)]
    if all(isinstance(one, tuple) for one in given):
        shares = {name: sum(name in one for one in given) for one in given for name in one}
        return tuple(
            sorted(
                name
                for name, votes in shares.items()
                if 2 * votes > len(given) or (2 * votes == len(given) and name in given[-1])
            )
        )
    most = max(given.count(one) for one in given)
    return [one for one in given if given.count(one) == most][-1]


@pytest.mark.parametrize("seed", range(8))
def test_whatever_comes_labels_and_totals_are_those_of_all_that_came(place: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    told: list[Annotation] = []
    outcomes: dict[int, list[tuple[int, str]]] = {}
    with Ledger.open(place) as ledger, Ledger.open(place) as other:
        for _ in range(40):
            writer = ledger if rng.random() < 0.5 else other
            if told and rng.random() < 0.3:
                number, round = int(rng.integers(len(told))), int(rng.integers(-1, 5))
                what: Outcome = rng.choice(["accepted", "deferred", "overruled"])
                if writer.decide(
                    "rule", [(told[number], what)], round=None if round < 0 else round
                ):
                    outcomes[number].append((round, what))
                continue
            for _ in range(int(rng.integers(1, 4))):
                kind = rng.choice(["human", "llm"])
                one = _by(
                    f"{kind}{rng.integers(4)}",
                    f"item{rng.integers(5)}",
                    [None, "yes", "no", *([("yes", "no"), ("yes",)] if seed % 2 else [])][
                        int(rng.integers(3 + 2 * (seed % 2)))
                    ],
                    kind=str(kind),
                    round=[None, 0, 1, 2, 3][int(rng.integers(5))],
                    revision=int(rng.integers(3)) if rng.random() < 0.3 else 0,
                    decision=str(rng.choice(["accepted", "deferred"])),
                    purpose=str(rng.choice(get_args(Purpose))),
                    usage=Usage(requests=int(rng.integers(9)), human_labels=1),
                )
                if writer.append([one]):
                    at = -1 if one.round is None else one.round
                    outcomes[len(told)] = [(at, one.decision)]
                    told.append(one)
            asked: Any
            for before, asked in (
                (99, ("train", "review")),
                (2, ("train", "audit")),
                (0, ("review",)),
            ):
                found = ledger.labels(None if before == 99 else before, asked)
                expected = _expected_labels(told, outcomes, before, set(asked))
                assert [(i, decided.label) for i, decided in found.items()] == expected
        spent: defaultdict[str, Usage] = defaultdict(Usage)
        for one in told:
            spent[one.annotator] += one.usage
        ledger.spend("selection", Usage(requests=5), key="a")
        ledger.spend("selection", Usage(requests=5), key="a")
        assert ledger.annotation_usage() == spent
        assert ledger.usage() == {**spent, "selection": Usage(requests=5)}
        assert ledger.annotation_count() == len(told)
