"""The linear head on a table of labels: each column by itself, as scikit-learn would."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold
from sklearn.multiclass import OneVsRestClassifier

from llmal.errors import ConfigError, DataError
from llmal.learners import LinearHead
from llmal.learners.linear import C_GRID
from llmal.task.spaces.thresholds import f1_thresholds

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 8))
X /= np.linalg.norm(X, axis=1, keepdims=True)
WEIGHTS = RNG.normal(size=(8, 4))
Y = (X @ WEIGHTS + RNG.logistic(size=(120, 4)) * 0.3 > np.array([0.0, 0.5, 1.0, -0.5])).astype(int)


def test_it_is_one_vs_rest_of_scikit_learn():
    mine = LinearHead(C=3.0, thresholds=0.5).fit(X[:90], Y[:90])
    theirs = OneVsRestClassifier(LinearHead(C=3.0)).fit(X[:90], Y[:90])
    assert mine.predict_proba(X[90:]) == pytest.approx(theirs.predict_proba(X[90:]), abs=1e-12)
    assert (mine.predict(X[90:]) == theirs.predict(X[90:])).all()
    assert mine.classes_.tolist() == theirs.classes_.tolist() == [0, 1, 2, 3]
    assert mine.C_.tolist() == [one.C_ for one in theirs.estimators_]


def test_one_penalty_for_all_labels_is_chosen_by_what_was_held_out():
    head = LinearHead().fit(X, Y)
    (strength,) = set(head.C_.tolist())
    folds = list(KFold(5, shuffle=True, random_state=0).split(X))

    def loss(C):
        own = OneVsRestClassifier(LogisticRegression(C=C, max_iter=1000))
        held_out = np.zeros(Y.shape)
        for train, rest in folds:
            held_out[rest] = own.fit(X[train], Y[train]).predict_proba(X[rest])
        return -np.log(np.where(Y, held_out, 1 - held_out)).mean()

    losses = [loss(C) for C in C_GRID]
    assert loss(strength) == pytest.approx(min(losses), rel=1e-3)
    fixed = LinearHead(C=strength).fit(X, Y)
    assert (head.predict_proba(X) == fixed.predict_proba(X)).all()


def test_thresholds_are_those_of_the_best_f1_on_what_was_held_out():
    head = LinearHead(C=3.0).fit(X, Y)
    held_out = np.zeros(Y.shape)
    for train, rest in KFold(5, shuffle=True, random_state=0).split(X):
        held_out[rest] = (
            LinearHead(C=3.0, thresholds=0.5).fit(X[train], Y[train]).predict_proba(X[rest])
        )
    assert head.thresholds_ == pytest.approx(f1_thresholds(held_out, Y), abs=2e-3)
    given = head.predict_proba(X) > head.thresholds_
    assert (head.predict(X) == given).all()
    assert LinearHead(C=3.0, thresholds=0.2).fit(X, Y).thresholds_.tolist() == [0.2] * 4


def test_rare_labels_are_given_at_all():
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(12, 8))
    of = rng.integers(0, 12, 600)
    points = centres[of] + 2 * rng.normal(size=(600, 8))
    table = np.eye(12, dtype=int)[of]
    half = LinearHead(thresholds=0.5).fit(points[:200], table[:200]).predict(points[200:])
    own = LinearHead().fit(points[:200], table[:200]).predict(points[200:])
    micro = [f1_score(table[200:], one, average="micro") for one in (half, own)]
    assert micro[1] > micro[0] + 0.05


def test_few_items_leave_thresholds_at_one_half():
    head = LinearHead().fit(X[:9], Y[:9])
    assert head.thresholds_.tolist() == [0.5] * 4
    assert LinearHead().fit(X[:10], Y[:10]).thresholds_.tolist() != [0.5] * 4


@pytest.mark.parametrize("given", [1.5, -0.1, "f2", None, [0.5]])
def test_what_is_no_threshold_is_said(given):
    with pytest.raises(ConfigError, match=r"thresholds is .*a number from 0 to 1, or 'f1'"):
        LinearHead(thresholds=given).fit(X, Y)


def test_a_label_that_all_have_or_none_is_certain_as_in_scikit_learn():
    table = Y[:30].copy()
    table[:, 1], table[:, 2] = 0, 1
    mine = LinearHead(C=3.0).fit(X[:30], table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = OneVsRestClassifier(LinearHead(C=3.0)).fit(X[:30], table)
    assert mine.predict_proba(X) == pytest.approx(theirs.predict_proba(X), abs=1e-12)
    assert mine.predict_proba(X)[:, 1:3].tolist() == [[0.0, 1.0]] * len(X)
    assert mine.predict(X)[:, 1:3].tolist() == [[0, 1]] * len(X)


def test_saved_and_loaded_it_says_the_same(tmp_path):
    table = Y.copy()
    table[:, 3] = 0
    head = LinearHead(C=10.0).fit(X, table)
    head.save(tmp_path)
    again = LinearHead().load(tmp_path)
    assert (again.predict_proba(X) == head.predict_proba(X)).all()
    assert (again.predict(X) == head.predict(X)).all()
    assert again.multilabel_
    assert json.loads((tmp_path / "learner.json").read_text())["multilabel"] is True


def test_a_head_that_was_saved_before_there_were_tables_loads(tmp_path):
    head = LinearHead(C=10.0).fit(X, Y[:, 0])
    head.save(tmp_path)
    content = json.loads((tmp_path / "learner.json").read_text())
    del content["multilabel"], content["thresholds"], content["parameters"]["thresholds"]
    (tmp_path / "learner.json").write_text(json.dumps(content))
    assert (LinearHead().load(tmp_path).predict_proba(X) == head.predict_proba(X)).all()


def test_a_head_of_tables_that_was_saved_without_thresholds_gives_what_is_above_one_half(tmp_path):
    head = LinearHead(C=10.0).fit(X, Y)
    head.save(tmp_path)
    content = json.loads((tmp_path / "learner.json").read_text())
    del content["thresholds"], content["parameters"]["thresholds"]
    (tmp_path / "learner.json").write_text(json.dumps(content))
    again = LinearHead().load(tmp_path)
    assert (again.predict(X) == (head.predict_proba(X) > 0.5)).all()


def test_weight_zero_and_absence_are_the_same():
    weights = (RNG.random(120) > 0.3).astype(float)
    kept = weights > 0
    one = LinearHead().fit(X, Y, weights)
    assert (one.predict_proba(X) == LinearHead().fit(X[kept], Y[kept]).predict_proba(X)).all()


def test_it_can_be_fitted_again_on_labels_and_cloned():
    head = LinearHead().fit(X, Y)
    assert head.fit(X, Y[:, 0]).predict(X).shape == (120,)
    assert clone(head.fit(X, Y)).fit(X, Y).predict(X).shape == (120, 4)


def test_its_committee_has_a_column_for_every_label():
    head = LinearHead(C=3.0).fit(X, Y)
    members = head.committee(3, seed=1)
    given = np.stack([member(X) for member in members])
    assert given.shape == (3, 120, 4)
    assert given.std(axis=0).max() > 0
    assert (given == np.stack([member(X) for member in head.committee(3, seed=1)])).all()


@pytest.mark.parametrize(
    ("y", "weights", "said"),
    [
        (Y[:5], None, "120 items but 5 rows of labels"),
        (Y * 2, None, "something else than 0 and 1"),
        (Y, np.zeros(120), "no items to train on"),
        (Y, -np.ones(120), "sample_weight is not one finite weight"),
        (Y, np.ones(3), "sample_weight is not one finite weight"),
    ],
)
def test_what_is_not_usable_is_said(y, weights, said):
    with pytest.raises(DataError, match=said):
        LinearHead().fit(X, y, weights)
