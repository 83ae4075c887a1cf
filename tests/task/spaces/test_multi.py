"""Several labels an item: every shape in which people have them, and the measures."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from llmal.errors import DataError
from llmal.task import Task
from llmal.task.spaces import Multi

SPACE = Multi(["joy", "anger", "fear"], "task 't'")


@pytest.mark.parametrize(
    "cell",
    [
        "joy|anger",
        " Anger | JOY ",
        "anger#joy",
        "anger; joy",
        "joy, anger",
        "joy|anger|",
        '["joy", "anger"]',
        "['joy', 'anger']",
        "[joy, anger]",
        ["joy", "anger", "joy"],
        ("anger", "joy"),
        {"anger", "joy"},
        np.array(["joy", "anger"]),
        np.array(["joy", "anger"], dtype=object),
        {"joy": 1, "anger": 1, "fear": 0},
        {"Joy": True, "anger": "1", "fear": "false"},
        {"joy": 1.0, "anger": np.int64(1), "fear": 0.0},
    ],
)
def test_every_shape_of_two_labels(cell):
    assert SPACE.match(cell) == ("anger", "joy")


@pytest.mark.parametrize(
    "cell", ["none", " None ", "[]", [], (), {"joy": 0, "anger": "0", "fear": False}]
)
def test_every_shape_of_no_label(cell):
    assert SPACE.match(cell) == ()


@pytest.mark.parametrize("cell", [None, "", " ", float("nan"), pd.NA, {"joy": None, "fear": ""}])
def test_nothing_said(cell):
    assert SPACE.match(cell) is None


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("joy|angr", "'angr' is not a label of task 't'; .* did you mean 'anger'"),
        ("joyanger", "'joyanger' is not a label"),
        (["joy", None], "an empty label stands among several"),
        (["joy", ["anger"]], "the label is of type list"),
        ({"joy": 1, "anger": None}, "nothing is said of the label 'anger'"),
        ({"joy": 2}, "the label 'joy' is marked with 2"),
        ({"joy": 1, "hate": 0}, "'hate' is not a label"),
        ('["joy", 3]', "'3' is not a label"),
        *(
            (mark, "is not a label of task 't'")
            for mark in ("|", " # ", ";", ",", "||", "[,]", "-")
        ),
        ("none|joy", "'none' says that no label applies, and stands among labels; write it alone"),
        ("joy, None", "'None' says that no label applies"),
        ("none;none", "'none' says that no label applies"),
    ],
)
def test_what_cannot_be_read_is_said(cell, said):
    with pytest.raises(DataError, match=said):
        SPACE.match(cell)


def test_a_label_with_a_separator_is_read_whole():
    space = Multi(["a", "b", "c,d"])
    assert space.match("c,d") == ("c,d",)
    assert space.match("a|c,d") == ("a", "c,d")
    assert space.match(space.write(("a", "c,d"))) == ("a", "c,d")


def test_a_text_that_reads_in_two_ways_is_refused():
    with pytest.raises(DataError, match="'a,b' could be the labels"):
        Multi(["a", "b", "a,b"]).match("a,b")


def test_a_label_called_none_is_one():
    space = Multi(["none", "some"])
    assert space.match("none") == ("none",)
    assert space.match(space.write(())) == ()


def test_numbers_as_labels():
    assert Multi(["1", "2", "3"]).match([1, 3.0]) == ("1", "3")
    assert Multi(["1", "2", "3"]).match(2) == ("2",)


def test_measures_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth, given = rng.integers(0, 2, (2, 60, 3))
    found = SPACE.measures(given, truth)
    for how in ("micro", "macro"):
        assert found[f"{how}_f1"] == f1_score(truth, given, average=how)
    assert found["samples_f1"] == f1_score(truth, given, average="samples", zero_division=1.0)
    assert found["subset_accuracy"] == accuracy_score(truth, given)


def test_majority_goes_label_by_label():
    assert SPACE.combine([("joy",), ("anger", "joy"), ("anger",)]) == ("anger", "joy")
    assert SPACE.combine([("joy",), ("anger",)]) == ()


def test_a_list_is_told_of_where_one_label_is_expected():
    with pytest.raises(DataError, match="a list of labels, and task 't' takes one label an item"):
        Task("t", ["joy", "anger"]).match(["joy"])


def test_the_schema_is_what_json_answers_look_like():
    outlines = pytest.importorskip("jsonschema")
    for answer in (["joy"], []):
        outlines.validate(answer, SPACE.schema())
    with pytest.raises(outlines.ValidationError):
        outlines.validate(["joyy"], SPACE.schema())
    assert json.loads(json.dumps(SPACE.schema())) == SPACE.schema()
