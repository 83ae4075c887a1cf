"""Two versions of a task: what differs, in words."""

from __future__ import annotations

from typing import Any

import pytest

from llmal.task import Label, Task
from llmal.task.changes import differences

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
