"""Two versions of a task: what differs, in words."""

from __future__ import annotations

from typing import Any

import pytest

from llmal.errors import DataError
from llmal.task import Label, Task
from llmal.task.changes import OriginError, differences, map_labels

OLD: dict[str, Any] = {
    "name": "desk",
    "labels": [Label("Bill", "money"), Label("Noise"), Label("Other", words=("misc",))],
    "guidelines": "one label",
    "text": ("message", "place"),
}


def _phrases(**new: Any) -> list[str]:
    return differences(Task(**OLD).as_dict(), Task(**{**OLD, **new}).as_dict())


def test_the_same_task_has_no_differences():
    assert _phrases() == []


@pytest.mark.parametrize(
    ("new", "phrases"),
    [
        ({"name": "town"}, ["it was called 'desk' and is called 'town'"]),
        ({"guidelines": "exactly one"}, ["the guidelines are worded anew"]),
        ({"text": ("message", "place", "time")}, ["the column 'time' is shown too"]),
        ({"text": "place"}, ["the column 'message' is gone"]),
        ({"text": ("place", "message")}, ["the columns stand in another order"]),
        ({"labels": OLD["labels"][::-1]}, ["the labels stand in another order"]),
        ({"labels": [*OLD["labels"], Label("Trees")]}, ["the label 'Trees' is new"]),
        ({"labels": OLD["labels"][1:]}, ["the label 'Bill' is gone"]),
        (
            {"labels": [Label("Bills", "money"), *OLD["labels"][1:]]},
            ["the label 'Bill' is gone", "the label 'Bills' is new"],
        ),
        (
            {"labels": [Label("Bill", "invoices"), Label("Noise"), Label("Other")]},
            ["the label 'Bill' is described anew", "the label 'Other' has other words for langua"],
        ),
        (
            {"kind": "multi"},
            ["its answers were of the kind 'classification' and are 'multi'"],
        ),
    ],
)
def test_each_difference_is_a_phrase(new: dict[str, Any], phrases: list[str]):
    found = _phrases(**new)
    assert len(found) == len(phrases)
    for phrase, beginning in zip(found, phrases, strict=True):
        assert phrase.startswith(beginning)


def _map(
    new: list[Label], origins: dict[str, list[str]] | None = None, before: str = "abc"
) -> dict[str, list[str]]:
    return map_labels([*before], [*before, "old"], origins or {}, Task("t", new))


@pytest.mark.parametrize(
    ("new", "label_map", "phrases"),
    [
        (
            [Label("x", was="a"), Label("b"), Label("c")],
            {"a": ["x"]},
            ["the label 'a' is called 'x' now"],
        ),
        (
            [Label("x", was=["a", "b"]), Label("c")],
            {"a": ["x"], "b": ["x"]},
            ["the labels 'a' and 'b' are 'x' now"],
        ),
        (
            [Label("a", was="b"), Label("c")],
            {"b": ["a"]},
            ["the labels 'a' and 'b' are 'a' now"],
        ),
        (
            [Label("a"), Label("x", was="b"), Label("y", was="b"), Label("c")],
            {"b": ["x", "y"]},
            ["the label 'b' is split: it is 'x' or 'y' now"],
        ),
        (
            [Label("a"), Label("b"), Label("c"), Label("x", was="b")],
            {"b": ["b", "x"]},
            ["the label 'b' is split: it is 'b' or 'x' now"],
        ),
        (
            [Label("a", was="b"), Label("b", was="a"), Label("c")],
            {"a": ["b"], "b": ["a"]},
            ["the label 'a' is called 'b' now", "the label 'b' is called 'a' now"],
        ),
        ([Label("a"), Label("b")], {}, ["the label 'c' is gone"]),
        ([*map(Label, "abcd")], {}, ["the label 'd' is new"]),
        (
            [*map(Label, "abc"), Label("d", was="old")],
            {"old": ["d"]},
            ["the label 'old' is called 'd' now"],
        ),
    ],
)
def test_labels_become_what_says_that_it_was_them(
    new: list[Label], label_map: dict[str, list[str]], phrases: list[str]
):
    assert _map(new) == label_map
    words = differences(Task("t", [*"abc"]).as_dict(), Task("t", new).as_dict(), label_map)
    assert words == phrases


def test_what_a_label_was_is_done_once():
    split_off = [Label("a"), Label("b"), Label("x", was="b")]
    assert _map(split_off, before="ab") == {"b": ["b", "x"]}
    assert _map(split_off, {"x": ["b"]}, before="abx") == {}
    # Until the label that it came from is gone.
    assert _map([Label("a"), Label("x", was="b")], {"x": ["b"]}, before="abx") == {"b": ["x"]}
    swapped = [Label("a", was="b"), Label("b", was="a")]
    assert _map(swapped, {"a": ["b"], "b": ["a"]}, before="ab") == {}
    # Half of it was said before, of another change.
    assert _map(swapped, {"a": ["b"]}, before="ab") == {"a": ["b"], "b": ["a"]}


def test_a_label_that_was_none_is_refused():
    with pytest.raises(
        OriginError, match=r"'x' is said to have been 'odl'.*did you mean 'old'"
    ) as e:
        _map([Label("a"), Label("x", was="odl")])
    assert e.value.label == "x"


def test_names_of_before_are_read_where_they_are_one_label_now():
    task = Task("t", [Label("x", was=["a", "b"]), Label("y", was="c"), Label("z", was="c")])
    assert task.match("a") == task.match("b") == "x"
    with pytest.raises(DataError, match=r"'c' is no label.*any more: it is 'y' or 'z' now"):
        task.match("c")
    assert task.fingerprint == Task("t", ["x", "y", "z"]).fingerprint
    several = Task("t", [Label("x", was="a"), Label("y")], kind="multi")
    assert several.match("a|y") == ("x", "y")
