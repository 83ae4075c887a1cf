"""The linear head on a table of labels: each column by itself, as scikit-learn would."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.multiclass import OneVsRestClassifier

from llmal.errors import DataError
from llmal.learners import LinearHead

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 8))
X /= np.linalg.norm(X, axis=1, keepdims=True)
WEIGHTS = RNG.normal(size=(8, 4))
Y = (X @ WEIGHTS + RNG.logistic(size=(120, 4)) * 0.3 > np.array([0.0, 0.5, 1.0, -0.5])).astype(int)


@pytest.mark.parametrize("C", ["auto", 3.0])
def test_it_is_one_vs_rest_of_scikit_learn(C):
    mine = LinearHead(C=C).fit(X[:90], Y[:90])
    theirs = OneVsRestClassifier(LinearHead(C=C)).fit(X[:90], Y[:90])
    assert mine.predict_proba(X[90:]) == pytest.approx(theirs.predict_proba(X[90:]), abs=1e-12)
    assert (mine.predict(X[90:]) == theirs.predict(X[90:])).all()
    assert mine.classes_.tolist() == theirs.classes_.tolist() == [0, 1, 2, 3]
    assert mine.C_.tolist() == [one.C_ for one in theirs.estimators_]


def test_a_label_that_all_have_or_none_is_certain_as_in_scikit_learn():
    table = Y[:30].copy()
    table[:, 1], table[:, 2] = 0, 1
    mine = LinearHead().fit(X[:30], table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = OneVsRestClassifier(LinearHead()).fit(X[:30], table)
    assert mine.predict_proba(X) == pytest.approx(theirs.predict_proba(X), abs=1e-12)
    assert mine.predict_proba(X)[:, 1:3].tolist() == [[0.0, 1.0]] * len(X)


def test_saved_and_loaded_it_says_the_same(tmp_path):
    table = Y.copy()
    table[:, 3] = 0
    head = LinearHead(C=10.0).fit(X, table)
    head.save(tmp_path)
    again = LinearHead().load(tmp_path)
    assert (again.predict_proba(X) == head.predict_proba(X)).all()
    assert again.multilabel_
    assert json.loads((tmp_path / "learner.json").read_text())["multilabel"] is True


def test_a_head_that_was_saved_before_there_were_tables_loads(tmp_path):
    head = LinearHead(C=10.0).fit(X, Y[:, 0])
    head.save(tmp_path)
    content = json.loads((tmp_path / "learner.json").read_text())
    del content["multilabel"]
    (tmp_path / "learner.json").write_text(json.dumps(content))
    assert (LinearHead().load(tmp_path).predict_proba(X) == head.predict_proba(X)).all()


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
