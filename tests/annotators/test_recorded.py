"""Answers from a column: labels, abstentions and confidences."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from llmal.annotators import Context, Recorded
from llmal.calibration.measures import auroc_of_correctness
from llmal.core.records import Annotation, Item
from llmal.errors import AnnotationError, ConfigError
from llmal.pool import Pool

LABELS = ["agrees", "neutral", "disagrees"]


def _one(answer: Any, **extra: Any) -> Annotation:
    annotator = Recorded("said", labels=LABELS, confidence="sure" if "sure" in extra else None)
    [given] = annotator.annotate([Item("1", "text", extra={"said": answer, **extra})])
    return given


def test_the_column_is_replayed():
    given = _one("neutral")
    assert (given.label, given.kind, given.probabilities) == ("neutral", "recorded", None)
    assert given.provenance == {"column": "said", "answer": "neutral"}


@pytest.mark.parametrize("answer", [None, "", "  "])
def test_an_empty_cell_is_an_abstention(answer: str | None, caplog: pytest.LogCaptureFixture):
    given = _one(answer, sure=0.9)
    assert (given.label, given.flags, given.probabilities) == (None, (), None)
    assert not caplog.records


def test_an_answer_that_is_no_label_is_a_flagged_abstention(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, "llmal"):
        given = _one("perhaps")
    assert (given.label, given.flags) == (None, ("not a label of the task",))
    assert given.provenance["answer"] == "perhaps"
    assert [record.getMessage() for record in caplog.records] == [
        "1 of 1 recorded answers in column 'said' are not labels of the task and count as "
        "abstentions"
    ]


def test_space_around_an_answer_does_not_matter():
    assert _one(" agrees\n").label == "agrees"


@pytest.mark.parametrize("sure", [0.7, "0.7"])
def test_confidence_becomes_probabilities(sure: Any):
    given = _one("neutral", sure=sure)
    assert given.probabilities == pytest.approx({"agrees": 0.15, "neutral": 0.7, "disagrees": 0.15})
    assert given.confidence == pytest.approx(0.7)
    assert not given.exact


@pytest.mark.parametrize("sure", [None, ""])
def test_an_answer_may_lack_its_confidence(sure: Any):
    given = _one("neutral", sure=sure)
    assert (given.label, given.probabilities) == ("neutral", None)


@pytest.mark.parametrize("sure", [1.2, -0.1, "high", float("nan"), [1]])
def test_a_confidence_that_is_no_probability_is_named(sure: Any):
    with pytest.raises(AnnotationError) as caught:
        _one("neutral", sure=sure)
    assert str(caught.value) == (
        f"the confidence of item '1' ('text') in column 'sure' is {sure!r}; "
        "it must be a number between 0 and 1"
    )


@pytest.mark.parametrize("sure", ["0,52", ",5", "1,0"])
def test_a_decimal_comma_is_named(sure: str):
    with pytest.raises(AnnotationError, match=f"is '{sure}'; write it with a point"):
        _one("neutral", sure=sure)


@pytest.mark.parametrize("options", [{"column": "sayd"}, {"column": "said", "confidence": "sayd"}])
def test_a_column_that_the_pool_lacks_is_named(options: dict[str, str]):
    annotator = Recorded(**options, labels=LABELS)
    with pytest.raises(AnnotationError) as caught:
        annotator.annotate([Item("1", "text", extra={"said": "agrees", "by": "gpt"})])
    assert str(caught.value) == (
        "the pool has no column 'sayd' to take recorded answers from; "
        "its further columns are by, said"
    )


def test_gaps_in_the_columns_are_foreseen(tmp_path: Path):
    rows = [("agrees", 0.9), ("neutral", None), ("perhaps", 0.4), (None, None)]
    frame = pd.DataFrame(
        {"text": list("abcd"), "said": [a for a, _ in rows], "sure": [s for _, s in rows]}
    )
    pool = Pool.from_pandas(frame, cache=tmp_path)
    assert Recorded("said", labels=LABELS, confidence="sure").foresee(pool).warnings == (
        "1 of 4 recorded answers in column 'said' are not labels of the task and count as "
        "abstentions",
        "1 of 4 recorded answers have no confidence in column 'sure' and reach no threshold",
    )
    # Without confidences none is missed.
    assert len(Recorded("said", labels=LABELS).foresee(pool).warnings) == 1
    with pytest.raises(AnnotationError, match="the pool has no column 'text' to take recorded"):
        Recorded("text", labels=LABELS).foresee(pool)


def test_in_a_run_a_batch_may_lack_a_column_that_is_null_in_it(
    caplog: pytest.LogCaptureFixture,
):
    context = Context(round=0)
    items = [Item("1", "text"), Item("2", "text", extra={"by": "gpt"})]
    given = Recorded("said", labels=LABELS).annotate(items, context)
    assert [one.label for one in given] == [None, None]
    assert not caplog.records


def test_a_pool_without_further_columns_says_so():
    with pytest.raises(AnnotationError, match="its further columns are none"):
        Recorded("said", labels=LABELS).annotate([Item("1", "text")])


def test_json_lines_may_leave_out_what_is_null(tmp_path: Path):
    file = tmp_path / "pool.jsonl"
    file.write_text('{"text": "a", "said": "agrees", "sure": 1}\n{"text": "b"}\n')
    pool = Pool.from_file(file, cache=tmp_path)
    given = Recorded("said", labels=LABELS, confidence="sure").annotate(list(pool))
    assert [one.label for one in given] == ["agrees", None]


def test_whole_numbers_with_a_gap_are_labels_still(tmp_path: Path):
    frame = pd.DataFrame({"text": ["a", "b", "c"], "said": [1, None, 0]})
    pool = Pool.from_pandas(frame, cache=tmp_path)
    given = Recorded("said", labels=["0", "1"]).annotate(list(pool))
    assert [one.label for one in given] == ["1", None, "0"]


@pytest.mark.parametrize("labels", [[], ["only"]])
def test_the_labels_of_the_task_are_needed(labels: list[str]):
    with pytest.raises(ConfigError) as caught:
        Recorded("said", labels=labels)
    assert str(caught.value) == "recorded answers need the task's labels; pass task.names"


def test_answers_of_gpt_4o_are_as_good_as_published(shared: Path, tmp_path: Path):
    file = shared / "data" / "llm_stance" / "items.jsonl.gz"
    pool = Pool.from_file(file, gold="gold", id="id", cache=tmp_path)
    items = list(pool)
    annotator = Recorded("llm_label", labels=LABELS, confidence="llm_confidence")
    given = annotator.annotate(items)
    assert [one.item_id for one in given] == [item.id for item in items]
    nulls = sum(item.extra["llm_label"] is None for item in items)
    answered = [
        (one, item) for one, item in zip(given, items, strict=True) if one.label is not None
    ]
    assert len(answered) == len(items) - nulls
    right = [one.label == item.gold for one, item in answered]
    assert round(sum(right) / len(items), 3) == 0.752
    sure = [one.confidence for one, _ in answered]
    assert sure == [item.extra["llm_confidence"] for _, item in answered]
    assert round(auroc_of_correctness(sure, right), 2) == 0.71
    for one, _ in answered:
        assert one.probabilities is not None
        assert sum(one.probabilities.values()) == pytest.approx(1)


def test_nulls_of_a_real_llm_are_abstentions(
    shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    file = shared / "data" / "llm_mr" / "items.jsonl.gz"
    items = list(Pool.from_file(file, gold="gold", id="id", cache=tmp_path))
    given = Recorded("llm_label", labels=["negative", "positive"]).annotate(items)
    unread = {item.id for item in items if item.extra["llm_label"] is None}
    assert len(unread) == 233
    assert {one.item_id for one in given if one.label is None} == unread
    assert not any(one.flags for one in given)
    assert not caplog.records
    right = sum(one.label == item.gold for one, item in zip(given, items, strict=True))
    assert round(right / len(items), 3) == 0.895
