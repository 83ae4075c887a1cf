from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import llmal
from llmal.errors import ConfigError, DataError


def _frame(items: int = 1200, audited: int = 150, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sure = rng.beta(6, 1.5, items)
    truth = rng.integers(0, 2, items)
    machine = np.where(rng.random(items) < sure, truth, 1 - truth)
    checked = np.full(items, None, dtype=object)
    drawn = rng.permutation(items)[:audited]
    names = np.array(["no", "yes"])
    checked[drawn] = names[truth[drawn]]
    return pd.DataFrame({"llm": names[machine], "sure": sure, "checked": checked})


def test_labels_of_any_system() -> None:
    frame = _frame()
    found = llmal.forecast(frame, score="sure", label="llm", audit="checked", cost_per_label=0.2)
    assert (found.basis, found.items, found.labelled) == ("pilot", 1200, 150)
    people = [one.people for one in found.needed]
    assert people == sorted(people, reverse=True)
    assert 150 < found.at(0.1).people < found.at(0.01).people <= 1200
    assert "money" in found.text()


def test_a_score_counts_by_its_order_alone() -> None:
    frame = _frame()
    other = frame.assign(sure=frame["sure"] ** 3 * 40 - 7)
    options = {"score": "sure", "label": "llm", "audit": "checked", "max_error": [0.05]}
    assert llmal.forecast(frame, **options) == llmal.forecast(other, **options)


def test_without_labels_of_people_it_is_a_guess() -> None:
    guess = llmal.forecast(_frame(), score="sure", max_error=[0.05])
    assert guess.basis == "guess"
    assert "GUESS" in guess.text()
    with pytest.raises(
        DataError, match=r"the frame, row 1, column 'sure': the score is .* must be"
    ):
        llmal.forecast(_frame().assign(sure=17), score="sure")


def test_an_audit_alone_takes_more_where_much_is_wrong() -> None:
    options = {"score": "sure", "label": "llm", "audit": "checked", "max_error": [0.02]}
    whole = llmal.forecast(_frame(), **options)
    alone = llmal.forecast(_frame(), **options, audit_only=True)
    assert alone.at(0.02).people > whole.at(0.02).people


def test_all_scores_equal() -> None:
    frame = _frame().assign(sure=0.8)
    found = llmal.forecast(frame, score="sure", label="llm", audit="checked", max_error=[0.05])
    assert found.at(0.05).low <= found.at(0.05).people <= 1200


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"audit": "checked"}, "name the label column"),
        ({}, {"label": "llm", "audit": "chcked"}, "did you mean 'checked'"),
        ({"checked": None}, {"label": "llm", "audit": "checked"}, "the column 'checked' is empty"),
        (
            {"checked": "yes"},
            {"label": "llm", "audit": "checked"},
            "people have labelled every row",
        ),
        ({"sure": "high"}, {}, "column 'sure': the cell is 'high'; write a finite number"),
        ({"sure": None}, {}, "row 1, column 'sure': the row has no score"),
        ({}, {"confidence": 95}, "the confidence is 95"),
        ({}, {"label": "llm", "audit": "checked", "labels": ["yes", "maybe"]}, "not a label"),
    ],
)
def test_mistakes_are_told(change: dict, options: dict, message: str) -> None:
    frame = _frame(60, 20).assign(**change)
    with pytest.raises((ConfigError, DataError), match=message):
        llmal.forecast(frame, score="sure", **options)
