"""Texts that are written by what a learner makes of the demonstrations."""

from __future__ import annotations

import numpy as np
import pytest

import llmal
from llmal.core.records import Item
from llmal.errors import DataError
from llmal.functions.learner_answers import learner_answers
from llmal.learners.linear import LinearHead
from llmal.learners.saved import TextClassifier
from llmal.task import Task

CALL = {"filters": [], "cache": False, "progress": False, "structure": "line"}
SHORT = {"max_tokens": 10, "per_prompt": 2}


@pytest.fixture
def classifier(letters, labelled):
    texts, labels = zip(*labelled, strict=True)
    learner = LinearHead().fit(letters.embed(texts), np.array(labels))
    return TextClassifier(learner, ("Person", "Number"), embedder=letters)


def test_the_columns_are_those_of_the_task(classifier, labelled):
    items = [Item(str(n), text, gold=label) for n, (text, label) in enumerate(labelled)]
    task = Task("questions", ("Number", "Person"))
    answers = learner_answers(classifier, task, items)
    assert answers.probabilities.sum(axis=1) == pytest.approx(np.ones(len(items)))
    assert (answers.probabilities.argmax(axis=1) == answers.truths(task)).all()


def test_a_learner_of_other_labels_or_columns_is_refused(classifier):
    with pytest.raises(DataError, match="knows the labels Person, Number, and the task has a, b"):
        learner_answers(classifier, Task("other", ("a", "b")), [])
    pairs = Task("pairs", ("Person", "Number"), text=("a", "b"))
    with pytest.raises(DataError, match="reads the text columns text, and the task has a, b"):
        learner_answers(classifier, pairs, [])


def test_new_texts_between_labels_that_the_learner_confuses(tiny_hf, classifier, labelled, caplog):
    # For the learner the first is a Person.
    shown = [(labelled[0][0], "Number"), *labelled[1:]]
    call = {"lm": tiny_hf, "demonstrations": shown, "generator": "boundary", **CALL}
    new = llmal.generate(None, 1, learner=classifier, options=SHORT, **call)
    rows = [*new, *new.refused]
    assert {row["generator"] for row in rows} == {"boundary"}
    assert {row["label"] for row in rows} == {"Person", "Number"}
    most = llmal.generate(None, 1, learner=classifier, options=SHORT, dry_run=True, **call)
    assert 0 < new.cost.tokens <= most.cost.tokens
    right = {**call, "demonstrations": labelled}
    with pytest.raises(DataError, match="confuses 'Number' with no other label"):
        llmal.generate(None, 1, learner=classifier, **right)
    with pytest.raises(DataError, match="boundary goes by what a learner confuses"):
        llmal.generate(None, 1, **call)
    with pytest.raises(DataError, match="there is no such directory"):
        llmal.generate(None, 1, learner="/no/such/place", **call)
    assert "does not go by" not in caplog.text
    plain = {**call, "generator": "class_conditional", "options": {}}
    llmal.generate(None, 1, learner=classifier, dry_run=True, **plain)
    assert "class_conditional does not go by the learner that is given" in caplog.text
