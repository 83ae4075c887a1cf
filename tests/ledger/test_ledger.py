"""What the ledger records and gives back, on every database."""

from __future__ import annotations

import dataclasses
import math
import struct
import threading
from collections import Counter
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from llmal.core.records import Annotation, SyntheticItem, Usage
from llmal.errors import AnnotationError, LedgerError
from llmal.ledger import Decided, Expense, Ledger, schema


def _annotation(item_id: str, label: str | None = "yes", **other: Any) -> Annotation:
    given: dict[str, Any] = {"annotator": "lm", "kind": "llm", "round": 0, "created": 1.5}
    return Annotation(item_id=item_id, label=label, **{**given, **other})


def _full_annotation() -> Annotation:
    return Annotation(
        item_id="007",
        label="yes",
        annotator="lm",
        kind="llm",
        probabilities={"yes": 0.1 + 0.2, "no": 5e-324, "maybe": 1 / 3},
        exact=False,
        decision="deferred",
        rationale="because « naïve » \U0001f600\nand so",
        usage=Usage(3, 1000, 20, 512, 0.1, 1e-7, 0),
        provenance={"model": "abc", "prompt": ["classify", 2], "temperature": 0.7, "none": None},
        flags=("truncated", "instruction-like text"),
        round=4,
        created=1_700_000_000.1234567,
    )


def test_annotation_comes_back_as_it_was(ledger: Ledger) -> None:
    sparse = Annotation(item_id="", label=None, annotator="Ann", kind="human")
    ledger.append([_full_annotation(), sparse])
    assert list(ledger.annotations()) == [_full_annotation(), sparse]


def test_floats_come_back_bit_for_bit(ledger: Ledger) -> None:
    bits = np.random.default_rng(0).integers(0, 2**63, size=500, dtype=np.uint64)
    numbers = [x for x in bits.view(np.float64).tolist() if math.isfinite(x)]
    assert len(numbers) > 400
    ledger.append(
        [_annotation(str(i), probabilities={"yes": x}, created=x) for i, x in enumerate(numbers)]
    )
    back = [(one.created, one.probabilities) for one in ledger.annotations()]
    for sent, (created, probabilities) in zip(numbers, back, strict=True):
        assert probabilities is not None
        assert struct.pack("d", created) == struct.pack("d", sent)
        assert struct.pack("d", probabilities["yes"]) == struct.pack("d", sent)
    assert [one.confidence for one in ledger.labels().values()] == numbers


def test_probabilities_keep_the_order_of_their_labels(ledger: Ledger) -> None:
    ledger.append([_annotation("a", "z", probabilities={"z": 0.5, "a": 0.25, "m": 0.25})])
    (back,) = ledger.annotations()
    assert list(back.probabilities or {}) == ["z", "a", "m"]


def test_numbers_of_numpy_and_read_only_mappings_are_recorded(ledger: Ledger) -> None:
    ledger.append(
        [
            _annotation(
                "a",
                probabilities=MappingProxyType({"yes": np.float32(0.1)}),
                usage=Usage(requests=np.int64(2), seconds=np.float32(0.5)),  # type: ignore[arg-type]
                provenance=MappingProxyType({"ids": np.arange(3)}),
                round=np.int64(1),
            )
        ]
    )
    (back,) = ledger.annotations(round=1)
    assert back.probabilities == {"yes": float(np.float32(0.1))}
    assert back.usage == Usage(requests=2, seconds=0.5)
    assert back.provenance == {"ids": [0, 1, 2]}


def test_append_again_changes_nothing_and_counts_what_is_new(ledger: Ledger) -> None:
    first = [_annotation("a"), _annotation("b")]
    assert ledger.append(first) == 2
    assert ledger.append([_annotation("a", "no"), _annotation("c"), _annotation("b", "no")]) == 1
    assert ledger.append([]) == 0
    assert list(ledger.annotations()) == [*first, _annotation("c")]


def test_of_one_key_twice_in_a_batch_the_first_is_kept(ledger: Ledger) -> None:
    assert ledger.append([_annotation("a", "yes"), _annotation("a", "no")]) == 1
    assert [one.label for one in ledger.annotations()] == ["yes"]


def test_key_is_item_annotator_and_round(ledger: Ledger) -> None:
    batch = [
        _annotation("a"),
        _annotation("a", annotator="other"),
        _annotation("a", round=1),
        _annotation("a", round=None),
    ]
    assert ledger.append(batch) == 4
    assert ledger.append([_annotation("a", "no", round=None)]) == 0
    assert [one.round for one in ledger.annotations()] == [0, 0, 1, None]


def test_order_is_that_of_insertion_over_many_pages(ledger: Ledger) -> None:
    ids = [str(i) for i in np.random.default_rng(1).permutation(10_000)]
    for start in range(0, len(ids), 1500):
        ledger.append([_annotation(one) for one in ids[start : start + 1500]])
    assert [one.item_id for one in ledger.annotations()] == ids
    assert list(ledger.labels()) == ids


def test_annotations_of_more_items_than_a_query_takes(ledger: Ledger) -> None:
    ids = [f"i{number}" for number in range(70_000)]
    asked = [ids[3], ids[3], *ids[:2000:-1], ids[1]]
    ledger.append([_annotation(one) for one in (ids[1], ids[3], ids[2500], ids[-1])])
    ledger.append([_annotation(ids[3], round=2)])
    found = ledger.annotations_of(asked)
    assert list(found) == list(dict.fromkeys(asked))
    assert {one: len(some) for one, some in found.items() if some} == {
        ids[1]: 1,
        ids[3]: 2,
        ids[2500]: 1,
        ids[-1]: 1,
    }


def test_annotations_by_round_annotator_and_kind(ledger: Ledger) -> None:
    ledger.append(
        [
            _annotation("a", round=0),
            _annotation("b", round=1),
            _annotation("c", round=1, annotator="Ann", kind="human"),
            _annotation("d", round=None, annotator="Ann", kind="human"),
        ]
    )
    assert [one.item_id for one in ledger.annotations(round=1)] == ["b", "c"]
    assert [one.item_id for one in ledger.annotations(annotator="Ann")] == ["c", "d"]
    assert [one.item_id for one in ledger.annotations(kind="llm")] == ["a", "b"]
    assert [one.item_id for one in ledger.annotations(round=1, kind="human")] == ["c"]
    assert ledger.annotated("Ann", 1) == {"c"}
    assert ledger.annotated("Ann", None) == {"d"}
    assert ledger.annotated("lm", 2) == set()


def test_appending_while_reading_neither_blocks_nor_shows(ledger: Ledger) -> None:
    ledger.append([_annotation(str(i)) for i in range(5000)])
    seen = 0
    for one in ledger.annotations():
        seen += 1
        if int(one.item_id) % 1000 == 0:
            ledger.append([_annotation(f"later {one.item_id}")])
    assert seen == 5000
    assert len(list(ledger.annotations())) == 5005


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ([], None),
        ([("llm", "a", "accepted")], "a"),
        ([("llm", "a", "deferred")], None),
        ([("llm", None, "accepted")], None),
        ([("llm", "a", "accepted"), ("llm", "b", "accepted")], "b"),
        ([("llm", "a", "accepted"), ("llm", "b", "deferred")], "a"),
        ([("llm", "a", "accepted"), ("llm", None, "accepted")], "a"),
        ([("human", "h", "accepted"), ("llm", "a", "accepted")], "h"),
        ([("human", "h", "deferred"), ("llm", "a", "accepted")], "h"),
        ([("human", None, "accepted"), ("llm", "a", "accepted")], "a"),
        ([("human", "h", "accepted"), ("human", "i", "accepted")], "i"),
        ([("human", "h", "accepted"), ("human", None, "accepted")], "h"),
        ([("llm", "a", "accepted"), ("recorded", "r", "accepted")], "r"),
    ],
)
def test_label_of_an_item(
    ledger: Ledger, recorded: list[tuple[Any, str | None, Any]], expected: str | None
) -> None:
    ledger.append(
        [
            _annotation("x", label, annotator=f"annotator {i}", kind=kind, decision=decision)
            for i, (kind, label, decision) in enumerate(recorded)
        ]
    )
    assert {item_id: one.label for item_id, one in ledger.labels().items()} == (
        {} if expected is None else {"x": expected}
    )


def test_labels_before_a_round(ledger: Ledger) -> None:
    sure = {"a": 0.75, "b": 0.25}
    ledger.append(
        [
            _annotation("x", "a", probabilities=sure, round=None),
            _annotation("x", "b", probabilities=sure, round=1),
            _annotation("x", "c", annotator="Ann", kind="human", round=2),
        ]
    )
    assert ledger.labels(before_round=0) == {"x": Decided("a", "llm", "lm", 0.75, None)}
    assert ledger.labels(before_round=2) == {"x": Decided("b", "llm", "lm", 0.25, 1)}
    assert ledger.labels() == {"x": Decided("c", "human", "Ann", None, 2)}


def test_label_without_a_probability_of_its_own_is_refused(ledger: Ledger) -> None:
    with pytest.raises(AnnotationError, match="'x' by 'lm' has the label 'yes'"):
        ledger.append([_annotation("w"), _annotation("x", probabilities={"no": 1.0})])
    assert list(ledger.annotations()) == []


def test_value_without_a_place_in_json_is_refused_with_its_batch(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match=r"has no form in JSON.*nothing of this batch"):
        ledger.append([_annotation("a"), _annotation("b", provenance={"odd": object()})])
    assert list(ledger.annotations()) == []


def test_text_that_is_no_unicode_is_refused_with_its_batch(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match=r"no Unicode.*nothing of this batch"):
        ledger.append([_annotation("a"), _annotation("b", rationale="\ud800")])
    assert list(ledger.annotations()) == []


def test_negative_round_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="-1 is no number of a round"):
        ledger.append([_annotation("a", round=-1)])


def test_round_comes_back_as_it_was(ledger: Ledger) -> None:
    ledger.start_round(
        0,
        phase="start",
        selector="typiclust",
        item_ids=["b", "a", "c"],
        scores=[1 / 3, -math.inf, np.float32(0.1)],
        why=["dense", "far", ""],
    )
    ledger.start_round(1, phase="query", selector="margin", item_ids=[], scores=[], why=[])
    ledger.finish_round(0, {"accuracy": 0.1 + 0.2, "by_label": {"yes": [1, 2]}, "ece": math.nan})
    first, second = ledger.rounds()
    assert (first.number, first.phase, first.selector) == (0, "start", "typiclust")
    assert first.item_ids == ("b", "a", "c")
    assert first.scores == (1 / 3, -math.inf, float(np.float32(0.1)))
    assert first.why == ("dense", "far", "")
    assert first.finished is not None
    assert first.finished >= first.started
    assert first.metrics["accuracy"] == 0.1 + 0.2
    assert first.metrics["by_label"] == {"yes": [1, 2]}
    assert math.isnan(first.metrics["ece"])
    assert (second.number, second.item_ids, second.finished, second.metrics) == (1, (), None, {})


def test_score_may_be_nan(ledger: Ledger) -> None:
    ledger.start_round(
        0, phase="p", selector="s", item_ids=["a", "b"], scores=[math.nan, 0.5], why=["", ""]
    )
    (back,) = ledger.rounds()
    assert math.isnan(back.scores[0])
    assert back.scores[1] == 0.5


def test_round_starts_and_ends_once(ledger: Ledger) -> None:
    pick: Any = {"phase": "p", "selector": "s", "scores": [0.0], "why": [""]}
    ledger.start_round(3, item_ids=["a"], **pick)
    with pytest.raises(LedgerError, match="round 3 was started before"):
        ledger.start_round(3, item_ids=["b"], **pick)
    ledger.finish_round(3, {"accuracy": 0.5})
    with pytest.raises(LedgerError, match="round 3 was finished before"):
        ledger.finish_round(3, {"accuracy": 0.6})
    with pytest.raises(LedgerError, match=r"round 4 .* never started"):
        ledger.finish_round(4, {})
    (back,) = ledger.rounds()
    assert back.item_ids == ("a",)
    assert back.metrics == {"accuracy": 0.5}


def test_round_of_unequal_lengths_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="round 0 has 2 items, 1 scores and 2 reasons"):
        ledger.start_round(
            0, phase="p", selector="s", item_ids=["a", "b"], scores=[1.0], why=["", ""]
        )
    assert ledger.rounds() == []


def test_events_come_back_in_order(ledger: Ledger) -> None:
    ledger.event("fallback", "no language model: labels come from similarity", {"items": 3})
    ledger.event("stop", "budget spent")
    first, second = ledger.events()
    assert (first.kind, first.message, first.data) == (
        "fallback",
        "no language model: labels come from similarity",
        {"items": 3},
    )
    assert (second.kind, second.message, second.data) == ("stop", "budget spent", {})
    assert first.time <= second.time


def test_synthetic_items_are_unique_and_come_back_as_they_were(ledger: Ledger) -> None:
    good = SyntheticItem(
        "s1", "a text", "yes", "class", usage=Usage(1, 2, 3), provenance={"model": "m"}
    )
    bad = SyntheticItem(
        "s2", "a text", "no", "class", accepted=False, refused_by="duplicates", reason="same as s1"
    )
    assert ledger.add_synthetic([good, bad]) == 2
    assert ledger.add_synthetic([dataclasses.replace(good, text="changed")]) == 0
    assert ledger.add_synthetic([]) == 0
    assert ledger.synthetic() == [good, bad]
    assert ledger.synthetic(accepted=True) == [good]
    assert ledger.synthetic(accepted=False) == [bad]


def test_usage_by_annotator_and_by_purpose(ledger: Ledger) -> None:
    ledger.append(
        [
            _annotation("a", usage=Usage(requests=1, prompt_tokens=10, seconds=0.5)),
            _annotation("b", usage=Usage(requests=2, prompt_tokens=20, money=0.25)),
            _annotation("a", annotator="Ann", kind="human", usage=Usage(human_labels=1)),
        ]
    )
    ledger.spend("generation", Usage(requests=5, completion_tokens=7), key="round 0")
    ledger.spend("generation", Usage(requests=5, completion_tokens=7), key="round 0")
    ledger.spend("generation", Usage(requests=1), key="round 1")
    ledger.spend("lm", Usage(cached_tokens=4), key="warm-up")
    ledger.add_synthetic([SyntheticItem("s", "t", "yes", "class", usage=Usage(requests=9))])
    assert ledger.usage() == {
        "lm": Usage(requests=3, prompt_tokens=30, cached_tokens=4, seconds=0.5, money=0.25),
        "Ann": Usage(human_labels=1),
        "generation": Usage(requests=6, completion_tokens=7),
    }
    assert ledger.total_usage() == Usage(
        requests=9,
        prompt_tokens=30,
        completion_tokens=7,
        cached_tokens=4,
        seconds=0.5,
        money=0.25,
        human_labels=1,
    )


def test_usage_of_an_empty_ledger(ledger: Ledger) -> None:
    assert ledger.usage() == {}
    assert ledger.total_usage() == Usage()
    assert ledger.labels() == {}
    assert list(ledger.annotations()) == []


def test_identity_is_stored_and_then_compared(place: str) -> None:
    with Ledger.open(place) as ledger:
        assert ledger.identity == {}
        ledger.bind(task_fingerprint="t1", seed="0")
        ledger.bind(task_fingerprint="t1", pool_fingerprint="p1")
    with Ledger.open(place) as ledger:
        assert ledger.identity == {"pool_fingerprint": "p1", "seed": "0", "task_fingerprint": "t1"}
        with pytest.raises(
            LedgerError,
            match=r"belongs to another task \(task_fingerprint was t1, is t2\); choose another d",
        ):
            ledger.bind(task_fingerprint="t2", objective="labels")
        assert "objective" not in ledger.identity


def test_everything_is_there_after_opening_again(place: str) -> None:
    with Ledger.open(place) as ledger:
        ledger.append([_full_annotation()])
        ledger.start_round(
            0, phase="p", selector="s", item_ids=["a"], scores=[0.5], why=["because"]
        )
        ledger.event("kind", "message")
        ledger.spend("calibration", Usage(requests=1), key="k")
        ledger.queue.put("people", ["a"], 0)
    with Ledger.open(place) as ledger:
        assert list(ledger.annotations()) == [_full_annotation()]
        assert [one.item_ids for one in ledger.rounds()] == [("a",)]
        assert [one.message for one in ledger.events()] == ["message"]
        assert ledger.usage()["calibration"] == Usage(requests=1)
        assert ledger.queue.open("people") == ["a"]


def test_newer_schema_asks_for_an_upgrade(place: str) -> None:
    newer = schema.SCHEMA_VERSION + 1
    Ledger.open(place).close()
    url = place if "://" in place else f"sqlite:///{place}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.update(schema.VERSION).values(version=newer))
    engine.dispose()
    with pytest.raises(LedgerError, match=rf"version {newer}.*up to {newer - 1}; upgrade llmal"):
        Ledger.open(place)


def test_opened_by_many_at_once_it_is_created_once(place: str) -> None:
    failures: list[LedgerError] = []
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        try:
            with Ledger.open(place) as ledger:
                ledger.bind(task_fingerprint="t")
                ledger.append([_annotation(f"{number}-{i}") for i in range(5)])
        except LedgerError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    with Ledger.open(place) as ledger:
        counts = Counter(one.item_id.split("-")[0] for one in ledger.annotations())
    assert counts == {str(i): 5 for i in range(8)}


def test_closed_ledger_says_so(place: str) -> None:
    ledger = Ledger.open(place)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError, match="the ledger is closed"):
        ledger.append([_annotation("a")])


def test_synthetic_items_and_their_cost_are_recorded_together_or_not_at_all(
    ledger: Ledger,
) -> None:
    item = SyntheticItem("syn-1", "a text", "yes", "class", usage=Usage(requests=1))
    expense = Expense("generate-0-yes", "class", 1.0, Usage(requests=2, prompt_tokens=30))
    unwritable = dataclasses.replace(item, id="syn-2", provenance={"what": object()})
    with pytest.raises(Exception, match="object"):
        ledger.add_synthetic([item, unwritable], expense=expense)
    assert ledger.synthetic() == []
    assert not ledger.has_spent("generate-0-yes")
    assert ledger.add_synthetic([item], expense=expense) == 1
    assert ledger.add_synthetic([item], expense=expense) == 0
    assert ledger.usage() == {"class": expense.usage}


def test_who_abstained_and_what_goes_to_the_next_annotator(ledger: Ledger) -> None:
    ledger.append(
        [
            _annotation("a", None),
            _annotation("b", decision="deferred"),
            _annotation("c"),
            _annotation("d", decision="deferred", round=1),
            _annotation("e", None, annotator="other", decision="deferred"),
        ]
    )
    assert ledger.abstained("lm") == {"a"}
    assert ledger.abstained("other") == {"e"}
    assert ledger.deferred("lm", 0) == {"b"}
    assert ledger.deferred("lm", 1) == {"d"}


def test_another_answer_under_the_same_key_is_refused_with_its_batch(ledger: Ledger) -> None:
    ledger.append([_annotation("a", "yes")])
    for batch in (
        [_annotation("b", "yes"), _annotation("a", "no")],
        [_annotation("b", "yes"), _annotation("b", "no")],
        [_annotation("a", None)],
    ):
        with pytest.raises(AnnotationError, match="'lm' has answered 'yes' for item"):
            ledger.append(batch, unchanged=True)
        assert ledger.annotation_count() == 1
    assert ledger.append([_annotation("a", "yes"), _annotation("b")], unchanged=True) == 1
    assert ledger.append([_annotation("a", "no")]) == 0


def test_a_stage_is_answered_by_several_people(ledger: Ledger) -> None:
    ledger.append(
        [
            _annotation("a", annotator="anna", stage="people", kind="human"),
            _annotation("b", None, annotator="ben", stage="people", kind="human"),
            _annotation("c", annotator="ben", stage="people", kind="human", decision="deferred"),
            _annotation("d", annotator="people"),
        ]
    )
    assert ledger.annotated("people", 0) == {"a", "b", "c", "d"}
    assert ledger.annotated("anna", 0) == set()
    assert ledger.abstained("people") == {"b"}
    assert ledger.deferred("people", 0) == {"c"}
