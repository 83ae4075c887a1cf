from __future__ import annotations

import pandas as pd
import pytest

import llmal
from llmal.errors import ConfigError, DataError

WIDE = pd.DataFrame(
    {
        "anna": ["x", "x", "y", "x"] * 10,
        "ben": ["x", "x", "x", "y"] * 10,
        "cleo": ["y", "x", "y", "y"] * 10,
        "gpt": ["x", "x", "y", "y"] * 10,
        "poor": ["y", "y", None, "x"] * 10,
    }
)
PEOPLE = ["anna", "ben", "cleo"]


def _long() -> pd.DataFrame:
    wide = WIDE.assign(item=[f"i{n}" for n in range(len(WIDE))])
    long = wide.melt(["item", "gpt"], PEOPLE, var_name="who", value_name="said")
    return long.sample(frac=1, random_state=0).reset_index(drop=True)


def test_the_best_machine_is_first() -> None:
    trials = llmal.trial(WIDE, people=PEOPLE, machine=["poor", "gpt"])
    assert [one.machine for one in trials] == ["gpt", "poor"]
    assert [one.passed for one in trials] == [True, False]
    assert trials.passed
    assert trials[0].advantage == 1.0
    assert trials[1].unanswered == 10
    text = trials.text()
    assert text.startswith("gpt may stand in for a person: it wins against 3 of 3 people")
    assert "poor is not shown to stand in for one" in text


def test_a_row_for_each_answer_is_the_same_trial() -> None:
    wide = llmal.trial(WIDE, people=PEOPLE, machine="gpt")[0]
    long = llmal.trial(_long(), worker="who", item="item", label="said", machine="gpt")[0]
    assert sorted(long.people, key=lambda one: one.person) == list(wide.people)
    assert long.agreement == pytest.approx(wide.agreement)


def test_what_is_wrong_is_told_with_its_place(tmp_path) -> None:
    file = tmp_path / "said.csv"
    _long().to_csv(file, index=False)
    with pytest.raises(
        DataError, match=r"no machine column 'gpt4'; the columns are .* did you mean"
    ):
        llmal.trial(file, worker="who", item="item", label="said", machine="gpt4")
    frame = _long()
    frame.loc[7, "gpt"] = "x" if frame.loc[7, "gpt"] == "y" else "y"
    frame.to_csv(file, index=False)
    with pytest.raises(DataError, match=r"said.csv, line \d+, column 'gpt': the machine has"):
        llmal.trial(file, worker="who", item="item", label="said", machine="gpt")
    with pytest.raises(DataError, match="row 3, column 'anna': 'y' is not a label"):
        llmal.trial(WIDE, people=PEOPLE, machine="gpt", labels=["x", "z"])
    with pytest.raises(ConfigError, match="not said whose answer is where"):
        llmal.trial(WIDE, machine="gpt")
    with pytest.raises(ConfigError, match="'ben' is named twice"):
        llmal.trial(WIDE, people=["ben", "ben"], machine="gpt")


def test_several_labels_and_numbers() -> None:
    rows = [
        {"a": ["x"], "b": ["x", "y"], "c": ["x"], "gpt": ["x"]},
        {"a": [], "b": [], "c": ["y"], "gpt": []},
    ] * 20
    several = llmal.trial(rows, people=list("abc"), machine="gpt", labels=["x", "y"], kind="multi")
    assert several[0].passed
    rated = [{"a": 1, "b": 2, "c": 3, "gpt": 2}, {"a": 5, "b": 4, "c": 5, "gpt": 5}] * 20
    trial = llmal.trial(rated, people=list("abc"), machine="gpt", numbers=True)[0]
    # Left out on the first row: anna is sqrt(2.5) from 2 and 3, the machine sqrt(.5).
    assert trial.people[0].machine == 1.0
