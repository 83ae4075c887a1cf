"""A few-shot prompt as a scikit-learn classifier."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

import llmal
from llmal import FewShotClassifier, Task
from llmal.errors import ConfigError, DataError

LABELS = ("Abbreviation", "Description", "Entity", "Location", "Number", "Person")
VALUES = {"noun": "question", "field": "Question", "answer": "Answer Type"}


class RowsAsTexts(FewShotClassifier):
    """Rows of numbers, validated by scikit-learn and written out as texts.

    scikit-learn's checks hand over tables of numbers; for an estimator that takes strings they run
    one check and stop. With this in front the others apply as well.
    """

    def fit(self, X, y):
        rows = validate_data(self, X)
        return super().fit(_written(rows), y)

    def predict_proba(self, X):
        check_is_fitted(self)
        return super().predict_proba(_written(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = False
        tags.input_tags.string = False
        return tags


def _written(rows) -> list[str]:
    return [" ".join(f"{value:.2f}" for value in row) for row in np.asarray(rows, dtype=float)]


# Checks that fail, and why they cannot apply to a language model that reads texts.
CANNOT_APPLY = {
    "check_classifiers_train": "asks for 83 % accuracy on clouds of points",
    "check_estimators_overwrite_params": "hashes the model, which counts the tokens that it reads",
    "check_methods_subset_invariance": "asks for 1e-7; other batches round otherwise in float32",
}


def _data(shared: Path, start: int, stop: int) -> tuple[list[str], list[str]]:
    with gzip.open(shared / "data" / "trec6" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][start:stop]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def _classifier(lm, **more) -> FewShotClassifier:
    return FewShotClassifier(lm, **{"style": "completion", "prompt_values": VALUES, **more})


@pytest.mark.parametrize("calibrate", ["contextual", None, ["batch", "temperature"]])
def test_it_labels_better_than_the_majority(tiny_hf, shared, calibrate):
    texts, labels = _data(shared, 0, 60)
    asked, truth = _data(shared, 100, 160)
    made = _classifier(tiny_hf, calibrate=calibrate).fit(texts, labels)
    probabilities = made.predict_proba(asked)
    assert probabilities.shape == (60, len(made.classes_))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert made.score(asked, truth) > 0.55
    assert list(made.classes_) == sorted(set(labels))
    assert len(made.prompt_.candidates) == 8
    assert made.usage_.tokens > 0


def test_the_defaults_are_allsh_with_calibration(tiny_hf):
    made = llmal.FewShotClassifier(lm=tiny_hf)
    assert (made.shots, made.demonstrations, made.calibrate) == (8, "allsh", "auto")


def test_columns_follow_classes_whatever_the_order_of_the_task(tiny_hf, shared):
    texts, labels = _data(shared, 0, 40)
    task = Task("trec", LABELS[::-1])
    options = {"demonstrations": "balanced", "shots": 4, "calibrate": None}
    made = _classifier(tiny_hf, task=task, **options).fit(texts, labels)
    assert list(made.classes_) == sorted(LABELS)
    asked, truth = _data(shared, 100, 130)
    assert made.score(asked, truth) > 0.5


def test_labels_that_are_numbers_stay_numbers(tiny_hf, shared):
    texts, labels = _data(shared, 0, 30)
    numbers = np.array([LABELS.index(one) for one in labels])
    made = _classifier(tiny_hf, shots=2, demonstrations="random", calibrate=None)
    predicted = made.fit(texts, numbers).predict(texts[:5])
    assert predicted.dtype == numbers.dtype
    assert set(predicted) <= set(numbers)


def test_a_text_is_never_its_own_demonstration(tiny_hf, shared):
    texts, labels = _data(shared, 0, 12)
    made = _classifier(tiny_hf, shots=12, demonstrations="random", calibrate=None)
    made.fit(texts, labels)
    shown = {one.id for one in made.prompt_.candidates}
    assert len(shown) == 12
    prompts = made.prompt_.scorer.build(
        list(made.prompt_.candidates), [made.prompt_.candidates] * 12
    )
    assert all(len(one.demonstrations) == 11 for one in prompts)
    before = made.prompt_.scorer.spent.prompt_tokens
    made.predict(texts[:1])
    whole = int(tiny_hf.count_tokens([prompts[0].prompt]).max())
    assert made.prompt_.scorer.spent.prompt_tokens - before <= whole + 60


def test_scikit_learn_can_clone_search_and_cross_validate(tiny_hf, shared):
    texts, labels = _data(shared, 0, 60)
    keep = [n for n, one in enumerate(labels) if one in ("Number", "Person")]
    texts, labels = [texts[n] for n in keep], [labels[n] for n in keep]
    made = _classifier(tiny_hf, shots=2, demonstrations="balanced", calibrate=None)
    assert clone(made).lm is tiny_hf
    assert clone(made).get_params() == made.get_params()
    assert cross_val_score(made, texts, labels, cv=2).mean() > 0.5
    search = GridSearchCV(made, {"shots": [0, 2]}, cv=2).fit(texts, labels)
    assert search.best_params_["shots"] in (0, 2)


def test_the_same_seed_gives_the_same(tiny_hf, shared):
    texts, labels = _data(shared, 0, 40)
    asked, _ = _data(shared, 100, 105)
    options = {"shots": 4, "demonstrations": "balanced", "calibrate": "domain-context"}
    first = _classifier(tiny_hf, **options).fit(texts, labels)
    second = _classifier(tiny_hf, **options).fit(texts, labels)
    assert first.prompt_.candidates == second.prompt_.candidates
    np.testing.assert_allclose(first.predict_proba(asked), second.predict_proba(asked), atol=1e-5)
    other = _classifier(tiny_hf, random_state=9, **options).fit(texts, labels)
    assert other.prompt_.candidates != first.prompt_.candidates


def test_pairs_come_as_a_table(tiny_hf):
    task = Task("rte", ["True", "False"], text=("premise", "hypothesis"))
    pairs = [["A cat sat.", "An animal sat."], ["A cat sat.", "A dog ran."]] * 4
    made = FewShotClassifier(
        tiny_hf,
        shots=2,
        demonstrations="balanced",
        calibrate="contextual",
        task=task,
        prompt="pair_pattern",
        prompt_values={"first": "premise", "second": "hypothesis"},
        style="completion",
    )
    made.fit([[a, f"{b} {n}"] for n, (a, b) in enumerate(pairs)], ["True", "False"] * 4)
    assert made.predict_proba(pairs[:3]).shape == (3, 2)


@pytest.mark.parametrize(
    ("texts", "labels", "options", "sentence"),
    [
        (["a b", "c d"], ["x", "y"], {}, "8 shots are wanted and there are 2 labelled texts"),
        (["a"] * 9, ["x"] * 9, {}, "the labels hold one class, x"),
        (["a"] * 9, ["x", "y"], {}, "9 texts stand beside 2 labels"),
        ("abc", ["x", "y", "x"], {}, "the texts are one string"),
        ([1.5] * 9, ["x", "y", "z"] * 3, {}, "text 0 is float, not a string"),
        (["a"] * 9, ["x", "y", "z"] * 3, {"shots": -1}, "shots is -1"),
        (["a"] * 9, ["x", "y", "z"] * 3, {"demonstrations": "alsh"}, "did you mean 'allsh'"),
        (["a"] * 9, ["x", "y", "z"] * 3, {"calibrate": "contextul"}, "did you mean 'contextual'"),
        (["a"] * 9, ["x", "y", "z"] * 3, {"options": {"copis": 2}}, "no option 'copis'"),
    ],
)
def test_bad_input_is_one_sentence(tiny_hf, texts, labels, options, sentence):
    with pytest.raises((ConfigError, DataError), match=sentence):
        _classifier(tiny_hf, **options).fit(texts, labels)


def test_a_label_that_the_task_lacks_is_named(tiny_hf):
    with pytest.raises(DataError, match="'Sprot' is not a label of task 'trec'"):
        _classifier(tiny_hf, task=Task("trec", LABELS)).fit(["a"] * 9, ["Sprot"] * 9)


def test_what_is_no_model_is_said():
    with pytest.raises(ConfigError, match="lm is a int"):
        FewShotClassifier(3).fit(["a"] * 9, ["x", "y", "z"] * 3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_the_checks_of_scikit_learn(tiny_hf):
    texts = check_estimator(FewShotClassifier(tiny_hf, style="completion"), on_fail=None)
    assert [one["status"] for one in texts] == ["passed"]
    rows = RowsAsTexts(
        tiny_hf, style="completion", shots=1, demonstrations="random", calibrate=None
    )
    results = check_estimator(rows, expected_failed_checks=CANNOT_APPLY, on_fail=None)
    failed = {
        one["check_name"]: str(one["exception"]) for one in results if one["status"] == "failed"
    }
    assert failed == {}
    assert sum(one["status"] == "passed" for one in results) >= 40
    assert {one["check_name"] for one in results if one["status"] == "xfail"} == set(CANNOT_APPLY)


MISSING = [None, float("nan"), np.nan, pd.NA, pd.NaT]


@pytest.mark.parametrize("missing", MISSING, ids=repr)
@pytest.mark.parametrize("others", [["a", "b"], [1, 2], [True, False]], ids=str)
def test_a_missing_label_is_named_and_is_no_class(tiny_hf, missing, others):
    for labels in ([others[0], missing, others[1]], pd.Series([*others, missing], dtype=object)):
        with pytest.raises(DataError, match=r"of 3 labels 1 is missing, the first in row [12]"):
            _classifier(tiny_hf, shots=1).fit(["one", "two", "three"], labels)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array([3, 1, 3, 1]), ["1", "3"]),
        (np.array([True, False, True, False]), ["False", "True"]),
        (pd.Series([1.0, 2.0, 1.0, 2.0]), ["1", "2"]),
        (pd.Series([1, 2, 1, 2], dtype="Int64"), ["1", "2"]),
        (pd.Series(["x", "y", "x", "y"], dtype="category"), ["x", "y"]),
    ],
    ids=["int", "bool", "float", "Int64", "category"],
)
def test_labels_come_back_as_they_were_given(tiny_hf, labels, names):
    texts = ["first one", "second two", "first three", "second four"]
    made = _classifier(tiny_hf, shots=2, demonstrations="balanced", calibrate=None)
    made.fit(texts, labels)
    assert list(made.task_.names) == names
    assert set(made.predict(texts).tolist()) <= set(np.asarray(labels).tolist())
    assert {one.gold for one in made.prompt_.candidates} == set(names)
    task = Task("numbers", names)
    if names[0].isdecimal():
        told = _classifier(tiny_hf, shots=0, task=task, calibrate=None).fit(texts, labels)
        assert set(told.predict(texts).tolist()) <= set(np.asarray(labels).tolist())


def test_the_default_calibrates_on_a_modest_draw_and_judges_itself(tiny_hf, shared):
    texts, labels = _data(shared, 0, 120)
    made = _classifier(tiny_hf, shots=2, demonstrations="balanced").fit(texts, labels)
    assert type(made.prompt_.calibrator).__name__ == "Batch"
    assert 64 <= made.usage_.requests <= 66
    assert made.comparison_ is not None
    assert made.comparison_.items == made.usage_.requests
    assert made.comparison_.verdict in ("helps", "harms", "mixed")
    off = _classifier(tiny_hf, shots=2, demonstrations="balanced", calibrate="none")
    assert off.fit(texts, labels).prompt_.calibrator is None
    assert off.comparison_ is None
