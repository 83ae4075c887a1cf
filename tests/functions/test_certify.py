"""`llmal.certify` on tables with labels of any system."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import llmal
from llmal.errors import ConfigError, DataError
from llmal.functions import certify, draw_audit

COLUMNS = {"label": "gpt", "score": "p", "audit": "checked"}


def table(rows=600, error=0.1, seed=0):
    """Labels of which the doubtful ones are wrong more often, and what people would say."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(["no", "yes"], rows)
    score = rng.random(rows).round(3)
    wrong = rng.random(rows) < 2 * error * (1 - score)
    other = np.where(truth == "no", "yes", "no")
    frame = pd.DataFrame({"text": [f"text {i}" for i in range(rows)], "p": score})
    frame["gpt"] = np.where(wrong, other, truth)
    frame["checked"] = None
    return frame, truth


def audited(frame, truth, **options):
    drawn = draw_audit(frame, label="gpt", score="p", **options)
    places = drawn.to_pandas()["row"].to_numpy() - 1
    frame = frame.copy()
    frame["checked"] = frame["checked"].astype(object)
    frame.loc[places, "checked"] = truth[places]
    return frame, places


def test_rows_are_drawn_audited_and_certified():
    frame, truth = table()
    frame, places = audited(frame, truth, items=150, seed=3)
    made = llmal.certify(frame, **COLUMNS, seed=3)
    assert made.certificate.holds
    assert made.certificate.audited == 150
    out = made.to_pandas()
    assert len(out) == 600
    assert set(out["action"]) == {"stays", "to people"}
    assert (out.loc[places, "by"] == "people").all()
    assert (out.loc[places, "label"] == truth[places]).all()
    machine = out["by"] == "machine"
    assert (out.loc[machine, "label"] == out.loc[machine, "gpt"]).all()
    assert out.loc[out["action"] == "to people", "label"].isna().all()
    assert (out.loc[machine, "label"] != truth[machine]).sum() <= 30
    assert "at most 30 (5 %) are wrong" in made.certificate.promise
    assert made.as_it_is is not None
    assert made.as_it_is.wrong_at_most >= (frame["gpt"] != truth).sum() - made.certificate.wrong


def test_labels_of_people_from_before_leave_the_pool_and_are_right():
    frame, truth = table()
    frame["known"] = None
    frame.loc[:99, "known"] = truth[:100]
    drawn = draw_audit(frame, label="gpt", score="p", people="known", items=120, seed=1)
    places = drawn.to_pandas()["row"].to_numpy() - 1
    assert places.min() >= 100
    frame.loc[places, "checked"] = truth[places]
    made = certify(frame, **COLUMNS, people="known", seed=1)
    assert made.certificate.items == 600
    assert made.certificate.details["rest"] == 500
    assert made.certificate.details["allowed"] == 30
    assert made.column("by").count("people") == 220
    frame.loc[5, "checked"] = truth[5]
    with pytest.raises(DataError, match="people had labelled it before"):
        certify(frame, **COLUMNS, people="known")


def test_rows_without_a_label_go_to_people_and_a_skipped_one_counts_as_wrong():
    frame, truth = table()
    frame["gpt"] = frame["gpt"].astype(object)
    frame.loc[[7, 9], "gpt"] = None
    frame.loc[7, "p"] = np.nan
    frame, places = audited(frame, truth, items=200, seed=2)
    frame.loc[places[0], "checked"] = "?"
    made = certify(frame, **COLUMNS, seed=2, skipped="?")
    action = made.column("action")
    assert action[7] == action[9] == action[places[0]] == "to people"
    assert made.certificate.wrong == (truth[places] != frame["gpt"][places]).sum() + (
        truth[places[0]] == frame["gpt"][places[0]]
    )


def test_scores_that_change_after_the_draw_are_noticed():
    frame, truth = table()
    frame, _ = audited(frame, truth, items=150, seed=3)
    frame["p"] = 1 - frame["p"]
    with pytest.raises(DataError, match="was drawn for the audit with seed 3"):
        certify(frame, **COLUMNS, seed=3)


def test_answers_may_stand_in_the_drawn_rows():
    frame, truth = table()
    frame, _ = audited(frame, truth, items=150, seed=3)
    drawn = draw_audit(frame.drop(columns="checked"), label="gpt", score="p", items=150, seed=3)
    rows = drawn.to_pandas()
    assert not {"gpt", "p"} & set(rows)
    assert set(rows["seed"]) == {3}
    assert rows["audit"].isna().all()
    rows["audit"] = truth[rows["row"].to_numpy() - 1]
    bare = frame.drop(columns="checked")
    made = certify(
        bare, label="gpt", score="p", audited=rows.sample(frac=1, random_state=0), seed=3
    )
    other = certify(frame, **COLUMNS, seed=3)
    assert made.certificate.as_dict() == other.certificate.as_dict()
    twice = pd.concat([rows, rows.tail(1)])
    with pytest.raises(DataError, match="is there twice"):
        certify(bare, label="gpt", score="p", audited=twice, seed=3)
    rows.loc[0, "row"] = 601
    with pytest.raises(DataError, match="no row 601"):
        certify(bare, label="gpt", score="p", audited=rows, seed=3)


def test_labels_that_change_after_the_draw_are_noticed():
    frame, truth = table()
    frame, places = audited(frame, truth, items=150, seed=3)
    free = np.setdiff1d(np.arange(600), places)[0]
    frame.loc[free, "gpt"] = "yes" if frame.loc[free, "gpt"] == "no" else "no"
    with pytest.raises(DataError, match="was drawn for the audit with seed 3"):
        certify(frame, **COLUMNS, seed=3)


def test_an_audit_with_holes_is_refused():
    frame, truth = table()
    frame, places = audited(frame, truth, items=150, seed=3)
    frame.loc[places[10], "checked"] = None
    with pytest.raises(DataError, match=f"row {places[10] + 1} was drawn"):
        certify(frame, **COLUMNS, seed=3)


def test_an_audit_of_the_doubtful_is_refused_without_a_seed_too():
    frame, truth = table()
    doubtful = frame["p"].to_numpy().argsort()[:100]
    frame.loc[doubtful, "checked"] = truth[doubtful]
    with pytest.raises(DataError, match="no uniform draw"):
        certify(frame, **COLUMNS)


def test_an_audit_too_small_says_how_many_it_takes():
    frame, truth = table()
    frame, _ = audited(frame, truth, items=30, seed=3)
    made = certify(frame, **COLUMNS, seed=3)
    assert not made.certificate.holds
    assert "takes at least 54 of them, and 30 were audited" in made.certificate.promise
    assert made.column("by").count("machine") == 0


def test_an_audit_label_outside_the_task_names_its_row():
    frame, truth = table()
    frame, places = audited(frame, truth, items=100, seed=3)
    frame.loc[places[4], "checked"] = "maybe"
    with pytest.raises(DataError, match=rf"row {places[4] + 1}, column 'checked'.*maybe"):
        certify(frame, **COLUMNS, seed=3)


def test_scores_with_nan_name_the_row():
    frame, _ = table()
    frame.loc[11, "p"] = np.nan
    with pytest.raises(DataError, match=r"row 12, column 'p'.*no score"):
        draw_audit(frame, label="gpt", score="p")


def test_equal_scores_are_ranked_by_the_seed():
    frame, truth = table()
    frame["p"] = 0.5
    frame, _ = audited(frame, truth, items=150, seed=4)
    first = certify(frame, **COLUMNS, seed=4)
    again = certify(frame, **COLUMNS, seed=4)
    assert first.certificate.accepted.tolist() == again.certificate.accepted.tolist()
    assert first.certificate.holds


def test_everything_right_stays_and_everything_wrong_goes():
    frame, _ = table(error=0.0)
    frame, _ = audited(frame, frame["gpt"].to_numpy(), items=100, seed=0)
    made = certify(frame, **COLUMNS, seed=0)
    assert made.column("action").count("to people") == 0
    assert made.as_it_is is None
    frame, _ = table()
    flipped = np.where(frame["gpt"] == "no", "yes", "no")
    frame, _ = audited(frame, flipped, items=100, seed=0)
    made = certify(frame, **COLUMNS, seed=0)
    assert made.column("by").count("machine") <= 30
    assert made.certificate.wrong == 100


def test_a_pool_of_ten():
    frame, truth = table(rows=10)
    with pytest.raises(ConfigError, match="11 rows are to be audited, and 10"):
        draw_audit(frame, label="gpt", score="p", items=11)
    frame, _ = audited(frame, truth, items=9, seed=0)
    none = certify(frame, **COLUMNS, seed=0)
    assert not none.certificate.holds
    frame, _ = audited(frame, truth, items=10, seed=0)
    made = certify(frame, **COLUMNS, seed=0)
    assert made.certificate.holds
    assert made.column("by") == ["people"] * 10
    two = certify(frame, **COLUMNS, seed=0, max_error=0.2)
    assert two.certificate.details["allowed"] == 2


def test_no_wrong_label_allowed():
    frame, _ = table(rows=100, error=0.0)
    truth = frame["gpt"].to_numpy()
    frame, _ = audited(frame, truth, items=94, seed=0)
    assert not certify(frame, **COLUMNS, seed=0, max_error=0).certificate.holds
    frame, _ = audited(frame, truth, items=95, seed=0)
    made = certify(frame, **COLUMNS, seed=0, max_error=0)
    assert made.certificate.holds
    assert made.column("by").count("machine") == 5


def test_how_many_are_drawn_on_its_own():
    frame, _ = table(error=0.2)
    drawn = draw_audit(frame, label="gpt", score="p")
    assert len(drawn) >= 110
    frame["p"] = 100 * frame["p"]
    tenth = draw_audit(frame, label="gpt", score="p", max_error=0.2)
    assert len(tenth) == 60


@pytest.mark.parametrize(
    ("options", "says"),
    [({"max_error": 1.5}, "largest error"), ({"confidence": 0.2}, "confidence is 0.2")],
)
def test_shares_out_of_range(options, says):
    frame, _ = table()
    with pytest.raises(ConfigError, match=says):
        certify(frame, **COLUMNS, **options)


def test_several_labels_of_a_text():
    rng = np.random.default_rng(0)
    answers = ["[]", '["a"]', '["a", "b"]']
    frame = pd.DataFrame({"text": map(str, range(300)), "p": rng.random(300)})
    frame["gpt"] = rng.choice(answers, 300)
    truth = frame["gpt"].to_numpy()
    options = {"labels": ["a", "b"], "kind": "multi"}
    frame["checked"] = None
    frame, _ = audited(frame, truth, items=80, seed=0, **options)
    made = certify(frame, **COLUMNS, seed=0, **options)
    assert made.certificate.holds
    assert made.certificate.wrong == 0


def test_an_audit_that_is_filled_in_in_part_says_how_many_were_drawn():
    frame, truth = table()
    rows = draw_audit(frame, label="gpt", score="p", items=150, seed=3).to_pandas()
    rows["audit"] = truth[rows["row"].to_numpy() - 1]
    bare = {"label": "gpt", "score": "p", "seed": 3}
    assert certify(frame, **bare, audited=rows).notes == ()
    rows.loc[80:, "audit"] = None
    made = certify(frame, **bare, audited=rows)
    assert made.notes == ("80 of the 150 rows that were drawn are labelled",)
    assert made.certificate.details["drawn"] == 150
    assert "150 were drawn; it rests on the first 80 of them" in made.certificate.promise
    assert "150 were drawn" in made.certificate.rests_on[-1]


def test_too_few_rows_say_how_many_it_takes_and_how_to_go_on():
    frame, truth = table()
    drawn = draw_audit(frame, label="gpt", score="p", items=30, seed=3)
    assert drawn.needed == 54
    assert drawn.notes == (
        "30 rows can certify nothing: at most 5 % wrong with a probability of 95 % takes 54 of "
        "these 600 at least",
    )
    assert draw_audit(frame, label="gpt", score="p", items=54, seed=3).notes == ()
    few, _ = audited(frame, truth, items=30, seed=3)
    made = certify(few, **COLUMNS, seed=3)
    assert made.notes == (
        "to go on: have people label 24 more at least; an audit of 54 rows or more with seed 3 "
        "begins with the same rows",
    )
    assert made.summary().startswith("Nothing is promised")
    # It does.
    more, _ = audited(frame, truth, items=54, seed=3)
    assert (few["checked"].dropna() == more["checked"][few["checked"].notna()]).all()


def test_a_score_that_orders_nothing_is_told():
    frame, truth = table()
    frame["p"] = 0.5
    says = "all scores are the same, so the score orders nothing: labels are ranked at random"
    assert draw_audit(frame, label="gpt", score="p").notes == (says,)
    frame, _ = audited(frame, truth, items=150, seed=4)
    assert says in certify(frame, **COLUMNS, seed=4).notes


def test_an_audit_of_other_labels_is_said_to_be_that_first():
    frame, truth = table()
    frame, _ = audited(frame, truth, items=150, seed=3)
    with pytest.raises(DataError, match="labels, scores or seed are not those that the audit was"):
        certify(frame, **COLUMNS, seed=4)
