"""The task: its labels, in order, and every way in which one cannot be made."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from llmal.errors import ConfigError, DataError
from llmal.task import Label, Task
from llmal.task.spaces import KINDS


def _task(**changes: Any) -> Task:
    given: dict[str, Any] = {
        "name": "trec",
        "labels": [Label("Person", "someone", ("Person", "Human")), Label("Number")],
        "guidelines": "What is asked for?",
        "text": "text",
    }
    return Task(**{**given, **changes})


def test_labels_keep_the_order_in_which_they_were_given():
    names = ["Number", "Location", "Abbreviation"]
    assert Task("t", names).names == tuple(names)
    assert Task("t", dict.fromkeys(names, "")).names == tuple(names)
    assert Task("t", [Label(name) for name in names]).names == tuple(names)
    assert [Task("t", names).index(name) for name in names] == [0, 1, 2]


def test_a_mapping_gives_names_and_descriptions():
    task = Task("t", {"Number": "a count", "Person": ""})
    assert task.labels == (Label("Number", "a count"), Label("Person", ""))


def test_a_label_without_words_is_scored_by_its_name():
    assert Label("Number").verbalizers == ("Number",)
    assert Label("Number", words=("count", "date")).verbalizers == ("count", "date")


def test_words_may_be_given_as_a_list():
    label = Label("Number", words=["count", "date"])  # type: ignore[arg-type]
    assert label == Label("Number", words=("count", "date"))


def test_one_text_column_or_several():
    assert _task(text="question").text == ("question",)
    assert _task(text=["premise", "hypothesis"]).text == ("premise", "hypothesis")


def test_equal_tasks_are_equal_and_have_one_fingerprint():
    assert _task() == _task()
    assert _task().fingerprint == _task().fingerprint
    assert Task("t", ["a", "b"]).fingerprint == Task("t", {"a": "", "b": ""}).fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "trec-6"},
        {"guidelines": "What is asked for"},
        {"text": "question"},
        {"text": ["text", "more"]},
        {"labels": [Label("Number"), Label("Person", "someone", ("Person", "Human"))]},
        {"labels": [Label("Person", "anyone", ("Person", "Human")), Label("Number")]},
        {"labels": [Label("Person", "someone", ("Human", "Person")), Label("Number")]},
        {"labels": [Label("Person", "someone", ("Person",)), Label("Number")]},
        {"labels": [Label("Person", "someone", ("Person", "Human")), Label("Count")]},
        {"labels": [Label("Person", "someone", ("Person", "Human")), "Number", "Place"]},
    ],
)
def test_the_fingerprint_changes_with_anything(changes: dict[str, Any]):
    assert _task(**changes).fingerprint != _task().fingerprint


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": " "}, "the task has no name; give it a short one"),
        (
            {"kind": "ranking"},
            "task 'trec' has the unknown kind 'ranking'; the known kinds are 'single' and 'multi'",
        ),
        ({"labels": ["one"]}, "task 'trec' has 1 label(s); a task needs at least two"),
        ({"labels": []}, "task 'trec' has 0 label(s); a task needs at least two"),
        (
            {"labels": "Number"},
            "the labels of task 'trec' are one string, 'Number'; give a list of labels",
        ),
        (
            {"labels": ["Number", " "]},
            "label 2 of task 'trec' has an empty name; name it or remove it",
        ),
        (
            {"labels": ["Number", " Person"]},
            "label ' Person' of task 'trec' has space around its name; "
            "remove it; what a language model needs there goes into the prompt",
        ),
        (
            {"labels": ["Number", "Person", "Number"]},
            "labels 1 and 3 of task 'trec' are both named 'Number'; rename or remove one of them",
        ),
        (
            {"labels": [Label("Number", words=("count",)), Label("Date", words=("day", "count"))]},
            "labels 'Number' and 'Date' of task 'trec' share the word 'count', so the language "
            "model could not tell them apart; give each label words of its own",
        ),
        (
            {"labels": [Label("Number", words=("Person",)), Label("Person")]},
            "labels 'Number' and 'Person' of task 'trec' share the word 'Person', so the language "
            "model could not tell them apart; give each label words of its own",
        ),
        (
            {"labels": [Label("Number", words=("count", "count")), Label("Person")]},
            "label 'Number' of task 'trec' has the word 'count' twice; remove one of them",
        ),
        (
            {"labels": [Label("Number", words=("",)), Label("Person")]},
            "label 'Number' of task 'trec' has an empty word; remove it",
        ),
        (
            {"text": []},
            "task 'trec' names no text column; give the name of at least one",
        ),
        (
            {"text": ""},
            "task 'trec' names no text column; give the name of at least one",
        ),
        (
            {"text": ["a", "b", "a"]},
            "task 'trec' names a text column twice: a, b, a; name each once",
        ),
    ],
)
def test_a_task_that_cannot_be_says_why(changes: dict[str, Any], sentence: str):
    with pytest.raises(ConfigError) as caught:
        _task(**changes)
    assert str(caught.value) == sentence


def test_words_that_are_one_string_are_no_list_of_letters():
    with pytest.raises(ConfigError) as caught:
        Label("Number", words="count")  # type: ignore[arg-type]
    assert str(caught.value) == (
        "the words of label 'Number' are one string, 'count'; give a list of words"
    )


def test_a_label_that_the_task_lacks_is_named():
    with pytest.raises(DataError) as caught:
        _task().index("Place")
    assert str(caught.value) == (
        "'Place' is not a label of task 'trec'; its labels are Person, Number"
    )


def test_a_task_of_before_keeps_its_fingerprint():
    task = Task("t", ["a", "b"])
    assert task.fingerprint == "da2ea0acff08746e"
    assert Task("t", ["a", "b"], kind="classification") == task
    assert task.kind == "single"
    assert task.as_dict()["kind"] == "classification"


def test_a_task_of_several_labels_is_another_task():
    task = Task("t", ["a", "b"], kind="multi")
    assert task.match("b|a") == ("a", "b")
    assert task.match_label("A") == "a"
    assert task.fingerprint != Task("t", ["a", "b"]).fingerprint


def test_a_loaded_task_knows_what_an_answer_is():
    for kind in ("single", "multi"):
        task = Task("t", ["a", "b"], kind=kind)
        assert task.space.kind == kind
        other = copy.deepcopy(task)
        assert other == task
        assert other.match("a") == task.match("a")


@pytest.mark.parametrize("kind", [*KINDS, "classification"])
def test_a_task_may_have_every_kind_of_answer_and_one_old_word(kind: str):
    assert Task("t", ["a", "b"], kind=kind).space.kind in KINDS


def test_a_kind_may_be_a_mapping_of_its_word_and_options():
    task = Task("t", ["a", "b"], kind={"name": "multi"})
    assert task == Task("t", ["a", "b"], kind="multi")
    with pytest.raises(ConfigError, match="multi has no option 'scale'; it has none"):
        Task("t", ["a", "b"], kind={"name": "multi", "scale": 5})
    with pytest.raises(ConfigError, match="the kind of answer has no name"):
        Task("t", ["a", "b"], kind={"scale": 5})
