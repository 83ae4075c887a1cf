"""What answers of earlier versions of task and pool say now."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest

from llmal.core.content import content_of
from llmal.core.records import Annotation, Answer, SyntheticItem
from llmal.ledger import Ledger, PoolVersion, TaskVersion
from llmal.ledger.translation import Now, Reading, Void


def _version(
    number: int,
    labels: Sequence[str],
    label_map: Mapping[str, Sequence[str]] | None = None,
    *,
    asks_again: bool = False,
) -> TaskVersion:
    task = {"name": "t", "labels": [{"name": one} for one in labels]}
    return TaskVersion(number, f"f{number}", task, None, 0.0, label_map or {}, {}, asks_again)


def _one(label: Answer | None, version: int = 1, kind: str = "human", **more: object) -> Annotation:
    return Annotation("i", label, "anna", kind, task_version=version, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("versions", "label", "now"),
    [
        ([("a", "b")], "a", "a"),
        # Renamed, and renamed back.
        ([("a", "b"), ({"a": ["x"]}, "x", "b")], "a", "x"),
        ([("a", "b"), ({"a": ["x"]}, "x", "b"), ({"x": ["a"]}, "a", "b")], "a", "a"),
        # Two that change their names.
        ([("a", "b"), ({"a": ["b"], "b": ["a"]}, "a", "b")], "a", "b"),
        # Merged.
        ([("a", "b", "c"), ({"a": ["c"], "b": ["c"]}, "c", "d")], "b", "c"),
        # Split, and merged again.
        ([("a", "b"), ({"a": ["x", "y"]}, "x", "y", "b")], "a", Void.UNMAPPED),
        (
            [("a", "b"), ({"a": ["x", "y"]}, "x", "y", "b"), ({"x": ["z"], "y": ["z"]}, "z", "b")],
            "a",
            "z",
        ),
        # Split, and one of the parts dropped: it may have been that one.
        ([("a", "b"), ({"a": ["x", "y"]}, "x", "y", "b"), ({}, "x", "b")], "a", Void.UNMAPPED),
        # Dropped, and there again.
        ([("a", "b", "c"), ({}, "b", "c")], "a", Void.UNMAPPED),
        ([("a", "b", "c"), ({}, "b", "c"), ({}, "a", "b", "c")], "a", "a"),
        # Abstentions stay.
        ([("a", "b"), ({}, "b", "c")], None, None),
        # Several labels: what is dropped is left out, what is split cannot be said.
        ([("a", "b", "c"), ({}, "b", "c")], ("a", "b"), ("b",)),
        ([("a", "b", "c"), ({}, "b", "c")], ("a",), ()),
        ([("a", "b", "c"), ({"a": ["c"]}, "b", "c")], ("a", "c"), ("c",)),
        ([("a", "b"), ({"a": ["x", "y"]}, "x", "y", "b")], ("a", "b"), Void.UNMAPPED),
        ([("a", "b"), ({"a": ["x", "y"]}, "x", "y", "b")], ("b",), ("b",)),
    ],
)
def test_an_answer_goes_through_all_maps(
    versions: list[tuple[object, ...]], label: Answer | None, now: Now
):
    made = []
    for number, one in enumerate(versions, start=1):
        label_map = one[0] if isinstance(one[0], dict) else None
        names = [str(name) for name in one if not isinstance(name, dict)]
        made.append(_version(number, names, label_map))
    assert Reading(made).read(_one(label)) == now


def test_what_was_said_since_a_change_is_not_mapped_by_it():
    reading = Reading([_version(1, ["a", "b"]), _version(2, ["a", "b"], {"a": ["b"], "b": ["a"]})])
    assert reading.read(_one("a", 1)) == "b"
    assert reading.read(_one("a", 2)) == "a"


def test_machines_that_are_asked_again_count_from_then_on():
    reading = Reading([_version(1, ["a", "b"]), _version(2, ["a", "b"], asks_again=True)])
    assert reading.read(_one("a", 1, "llm")) is Void.ASKED_AGAIN
    assert reading.read(_one(None, 1, "llm")) is Void.ASKED_AGAIN
    assert reading.read(_one("a", 2, "llm")) == "a"
    assert reading.read(_one("a", 1)) == "a"


@pytest.mark.parametrize(
    ("label_map", "labels", "label", "given", "now"),
    [
        ({"a": ["x"]}, "xb", "a", {"a": 0.9, "b": 0.1}, {"x": 0.9, "b": 0.1}),
        ({"a": ["b"]}, "bc", "a", {"a": 0.5, "b": 0.25, "c": 0.25}, {"b": 0.75, "c": 0.25}),
        ({}, "abc", "a", {"a": 0.9, "b": 0.1}, None),
        ({}, "bc", "b", {"a": 0.5, "b": 0.25, "c": 0.25}, None),
        ({"a": ["x", "y"]}, "xyb", "b", {"a": 0.1, "b": 0.9}, None),
        # Labels that do not exclude each other.
        ({"a": ["b"]}, "bc", ("a",), {"a": 0.5, "b": 0.25, "c": 0.25}, None),
        ({"a": ["x"]}, "xb", ("a",), {"a": 0.9, "b": 0.9}, {"x": 0.9, "b": 0.9}),
    ],
)
def test_probabilities_are_read_where_they_are_those_of_the_labels_of_now(
    label_map: dict[str, list[str]],
    labels: str,
    label: Answer,
    given: dict[str, float],
    now: dict[str, float] | None,
):
    reading = Reading([_version(1, [*given]), _version(2, [*labels], label_map)])
    [one] = reading.present([_one(label, kind="llm", probabilities=given)])
    assert one.probabilities == now


def test_an_answer_counts_for_the_text_that_it_was_about():
    texts = {"same": {"text": "A", "place": "P"}, "other": {"text": "B"}}

    def contents(ids: Sequence[str]) -> list[str | None]:
        return [content_of(texts[one]) if one in texts else None for one in ids]

    reading = Reading([_version(1, ["a", "b"])], contents)
    about = {
        "as it is": ("same", {"text": "A", "place": "P"}, "a"),
        "of a column that is shown since": ("same", {"text": "A"}, "a"),
        "of a column that is not shown now": ("other", {"text": "B", "gone": "X"}, "a"),
        "of a column that is called otherwise now": ("other", {"body": "B"}, "a"),
        "nobody knows": ("same", None, "a"),
        "of another text": ("other", {"text": "A"}, Void.ELSEWHERE),
        "of another text beside it": ("same", {"text": "A", "place": "Q"}, Void.ELSEWHERE),
        "of an item that is gone": ("gone", {"text": "A"}, Void.ELSEWHERE),
        "of one that is gone, nobody knows": ("gone", None, Void.ELSEWHERE),
    }
    for what, (id, fields, now) in about.items():
        content = None if fields is None else content_of(fields)
        one = Annotation(id, "a", "anna", "human", content=content)
        assert reading.read(one) == now, what
        assert len(list(reading.present([one]))) == (now == "a"), what


def test_labels_of_a_ledger_are_read_under_its_last_version(place: str):
    words = {"name": "t", "labels": [{"name": one} for one in "abc"]}
    with Ledger.open(place) as ledger:
        assert ledger.task_version("f1", words) == 1
        ledger.keep_pool(PoolVersion(1, "p1", 3, ("text",), b""))
        ledger.append(
            [
                Annotation("one", "a", "llm", "llm"),
                Annotation("one", "b", "anna", "human"),
                Annotation("two", "a", "anna", "human"),
                Annotation("three", "b", "llm", "llm"),
            ]
        )
        assert {id: one.label for id, one in ledger.labels().items()} == {
            "one": "b",
            "two": "a",
            "three": "b",
        }
        new = {"name": "t", "labels": [{"name": one} for one in ("x", "b1", "b2", "c")]}
        label_map = {"a": ["x"], "b": ["b1", "b2"]}
        ledger.change(TaskVersion(2, "f2", new, "a split", 0.0, label_map, {"x": ["a"]}), None)
        # The last word about "one" cannot be said any more: the machine's does not come up again.
        assert {id: one.label for id, one in ledger.labels().items()} == {"two": "x"}
        ledger.append([Annotation("one", "b2", "anna", "human", round=1, task_version=2)])
        assert {id: one.label for id, one in ledger.labels().items()} == {"two": "x", "one": "b2"}
    with Ledger.open(place, read_only=True) as ledger:
        assert {id: one.label for id, one in ledger.labels().items()} == {"two": "x", "one": "b2"}
        last = ledger.task_versions()[-1]
        assert (last.label_map, last.origins, last.reason) == (label_map, {"x": ["a"]}, "a split")
        assert [one.label for one in ledger.annotations()] == ["a", "b", "a", "b", "b2"]
        assert [one.label for one in ledger.present(ledger.annotations())] == ["x", "x", "b2"]


def test_a_version_that_another_process_has_recorded_is_not_recorded_twice(place: str):
    words = {"name": "t", "labels": [{"name": one} for one in "ab"]}
    with Ledger.open(place) as ledger, Ledger.open(place) as other:
        ledger.task_version("f1", words)
        ledger.keep_pool(PoolVersion(1, "p1"))
        ledger.keep_pool(PoolVersion(1, "p1", 3, ("text",), b"12345678"))
        assert [one.items for one in other.pool_versions()] == [3]
        task = TaskVersion(2, "f2", words, None, 0.0, {"a": ["b"]})
        for one in (ledger, other):
            one.change(task, PoolVersion(2, "p2", 4))
        assert [one.fingerprint for one in other.task_versions()] == ["f1", "f2"]
        assert [one.fingerprint for one in other.pool_versions()] == ["p1", "p2"]
        # A task may be changed back: the last of its versions is meant.
        ledger.change(TaskVersion(3, "f1", words, None, 0.0), None)
        assert ledger.task_version("f1", words) == 3


def test_what_was_written_for_a_label_goes_with_it():
    def item(label: str, **provenance: object) -> SyntheticItem:
        return SyntheticItem(label, "a text", label, "writer", provenance=provenance)

    label_map = {"a": ["x"], "b": ["y", "z"]}
    reading = Reading([_version(1, "abc"), _version(2, ["x", "y", "z", "a"], label_map)])
    written = [item("a"), item("b"), item("c", task_version=1), item("a", task_version=2)]
    assert [(one.id, one.label) for one in reading.written(written)] == [("a", "x"), ("a", "a")]


def test_contents_are_kept_as_json_by_column():
    content = content_of({"text": "ä\ud800", "": ""})
    assert [len(one) for one in json.loads(content).values()] == [16, 16]
    assert content_of({"text": "a"}) != content_of({"text": "b"})
