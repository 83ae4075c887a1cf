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


@pytest.mark.parametrize(("mark", "given"), [("?", {}), ("-", {"skipped": "-"})])
def test_rows_without_a_label_go_to_people_and_a_skipped_one_counts_as_wrong(
    mark: str, given: dict[str, str]
):
    frame, truth = table()
    frame["gpt"] = frame["gpt"].astype(object)
    frame.loc[[7, 9], "gpt"] = None
    frame.loc[7, "p"] = np.nan
    frame, places = audited(frame, truth, items=200, seed=2)
    frame.loc[places[0], "checked"] = mark
    made = certify(frame, **COLUMNS, seed=2, **given)
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
    assert certify(frame, **bare, audited=rows).as_dict()["notes"] == []
    rows.loc[80:, "audit"] = None
    made = certify(frame, **bare, audited=rows)
    assert made.as_dict()["notes"] == [
        "80 of the 150 rows that were drawn are labelled; who looks again when more are labelled "
        "plans looks, or takes anytime"
    ]
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
    assert made.as_dict()["notes"] == [
        "to go on: have people label 24 more at least; an audit of 54 rows or more with seed 3 "
        "begins with the same rows",
    ]
    assert made.in_words().startswith("Nothing is promised")
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
    with pytest.raises(DataError, match="groups or seed are not those that the audit was"):
        certify(frame, **COLUMNS, seed=4)


def test_rows_that_go_to_people_come_back_and_the_promise_waits_for_nothing():
    frame, truth = table()
    frame, _ = audited(frame, truth, items=150, seed=3)
    first = certify(frame, **COLUMNS, seed=3)
    waiting = first.for_people.to_pandas()
    assert {"gpt", "p", "checked"}.isdisjoint(waiting.columns)
    places = waiting["row"].to_numpy() - 1
    assert sorted(places) == sorted(first.certificate.to_people)
    assert first.certificate.condition.startswith("once people have labelled")
    # Half of them first: the promise waits for the others.
    waiting.loc[: len(waiting) // 2, "review"] = truth[places[: len(waiting) // 2 + 1]]
    half = certify(frame, **COLUMNS, seed=3, reviewed=waiting)
    assert len(half.certificate.to_people) == len(places) - len(waiting) // 2 - 1
    assert half.certificate.claim == first.certificate.claim
    assert half.as_it_is is not None
    assert first.as_it_is is not None
    assert half.as_it_is.wrong_at_most < first.as_it_is.wrong_at_most
    waiting["review"] = truth[places]
    final = certify(frame, **COLUMNS, seed=3, reviewed=waiting)
    assert final.certificate.holds
    assert (final.certificate.condition, len(final.for_people)) == ("", 0)
    assert final.as_it_is is None
    assert "once people have labelled" not in final.certificate.promise
    assert len(final.certificate.accepted) == 600
    out = final.to_pandas()
    assert set(out["action"]) == {"stays"}
    assert (out.loc[places, "by"] == "people").all()
    assert (out["label"] != truth).sum() <= 30


def test_a_review_may_stand_in_the_data_and_changes_no_audited_label():
    frame, truth = table()
    frame, places = audited(frame, truth, items=150, seed=3)
    first = certify(frame, **COLUMNS, seed=3)
    frame["later"] = None
    frame.loc[first.certificate.to_people, "later"] = truth[first.certificate.to_people]
    final = certify(frame, **COLUMNS, seed=3, review="later")
    assert len(final.for_people) == 0
    frame.loc[places[0], "later"] = "no" if truth[places[0]] == "yes" else "yes"
    with pytest.raises(DataError, match=rf"row {places[0] + 1}, column 'later'.*people had labell"):
        certify(frame, **COLUMNS, seed=3, review="later")


def test_where_people_have_labelled_everything_it_is_certain():
    frame, truth = table()
    frame, _ = audited(frame, truth, items=30, seed=3)
    frame["later"] = truth
    made = certify(frame, **COLUMNS, seed=3, review="later")
    assert made.certificate.holds
    assert made.certificate.promise.startswith("Of the 600 labels delivered none is wrong. This is")
    assert made.column("by") == ["people"] * 600


def test_rows_that_nothing_has_labelled_are_waited_for_too():
    frame, truth = table(error=0.02)
    frame.loc[[5, 9], "gpt"] = None
    frame, _ = audited(frame, truth, items=150, seed=3)
    made = certify(frame, **COLUMNS, seed=3)
    assert {5, 9} <= set(made.certificate.to_people.tolist())
    assert made.column("action").count("to people") == len(made.certificate.to_people)
    assert f"the {len(made.certificate.to_people)} items" in made.certificate.condition


def test_recall_of_a_class_keeps_its_word_by_an_audit_of_all_rows():
    missed, holds = 0, 0
    for draw in range(40):
        frame, truth = table(error=0.1, seed=draw)
        frame, _ = audited(frame, truth, items=250, seed=draw)
        made = certify(
            frame, **COLUMNS, seed=draw, mode="recall", of="yes", max_error=0.3, confidence=0.8
        )
        holds += made.certificate.holds
        out = made.to_pandas()
        assert set(made.certificate.to_people) == set(np.flatnonzero(out["action"] == "to people"))
        label = np.where(out["action"] == "to people", truth, out["label"])
        lost = ((truth == "yes") & (label != "yes")).sum() / (truth == "yes").sum()
        missed += bool(made.certificate.holds and lost > 0.3)
    assert holds > 20
    assert missed <= 8
    assert "the class 'yes'" in made.certificate.promise


def test_the_precision_of_a_class_is_about_what_was_given_it():
    frame, truth = table()
    frame, _ = audited(frame, truth, items=300, seed=3)
    made = certify(frame, **COLUMNS, seed=3, of="yes", max_error=0.2)
    out = made.to_pandas()
    given = frame["gpt"] == "yes"
    assert made.certificate.items == given.sum()
    assert made.certificate.holds
    assert (out["action"] == "no part").sum() == (~given & (out["by"] == "machine")).sum()
    kept = (out["action"] == "stays") & (out["by"] == "machine")
    assert (frame.loc[kept, "gpt"] == "yes").all()


def test_groups_are_audited_whole():
    frame, truth = table()
    frame["dup"] = [f"g{row // 2}" if row < 200 else None for row in range(600)]
    drawn = draw_audit(frame, label="gpt", score="p", items=250, group="dup", seed=3).to_pandas()
    sizes = drawn["dup"].value_counts()
    assert set(sizes) == {2}
    assert len(drawn) == 250 + len(sizes)
    drawn["audit"] = truth[drawn["row"] - 1]
    options = {"label": "gpt", "score": "p", "group": "dup", "seed": 3}
    made = certify(frame, **options, audited=drawn)
    assert made.certificate.holds
    assert made.certificate.audited == 250
    one = drawn.index[drawn["dup"].notna()][-1]
    drawn.loc[one:, "audit"] = None
    with pytest.raises(DataError, match=r"is labelled in the audit, and row .* of the same group"):
        certify(frame, **options, audited=drawn)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "recall"}, "no class is named; name it: --class"),
        ({"of": "yes", "mode": "fdr"}, "fdr is a promise about all labels"),
        ({"of": "maybe"}, "there is no class 'maybe' among the labels; take one of no, yes"),
        ({"of": "yes", "looks": (20, 50)}, "leave out the looks"),
        ({"of": "yes", "group": "checked"}, "leave out the groups, or the class"),
        ({"mode": "fdr", "group": "checked"}, "take pool_error or looks or anytime"),
    ],
)
def test_classes_and_groups_that_do_not_go_together_are_refused(options, message):
    frame, truth = table(rows=100)
    frame, _ = audited(frame, truth, items=60, seed=0)
    with pytest.raises(ConfigError, match=message):
        certify(frame, **COLUMNS, seed=0, **options)


def test_an_audit_column_without_an_answer_says_so():
    frame, _ = table(rows=100)
    frame["checked"] = None
    with pytest.raises(DataError, match="no row of the audit is labelled: the column 'checked' is"):
        certify(frame, **COLUMNS, seed=0)
    with pytest.raises(DataError, match="there is no label to audit"):
        draw_audit(frame.assign(gpt=None), label="gpt", score="p", labels=["yes", "no"])


def test_labels_that_look_alike_are_told_of_where_nobody_named_the_labels(caplog):
    frame, _ = table(rows=100)
    frame.loc[4, "gpt"] = "YES"
    draw_audit(frame, label="gpt", score="p")
    assert "'YES' and 'yes' differ in case or spaces alone" in caplog.text
    caplog.clear()
    draw_audit(frame, label="gpt", score="p", labels=["no", "yes"])
    assert "differ" not in caplog.text


def test_what_is_no_label_in_an_audit_says_how_to_skip():
    frame, truth = table(rows=100)
    frame, places = audited(frame, truth, items=60, seed=0)
    frame.loc[places[0], "checked"] = "can't say"
    with pytest.raises(DataError, match=r"write \?, or name what stands there by --skipped"):
        certify(frame, **COLUMNS, seed=0)


def test_what_is_shown_says_the_promise_once(capsys):
    frame, truth = table()
    frame, _ = audited(frame, truth, items=150, seed=3)
    made = certify(frame, **COLUMNS, seed=3)
    made.show(2)
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("2 of 600 rows:")
    assert shown.count("are wrong, once people have labelled") == 1
    assert made.in_words().count(made.certificate.claim) == 1


@pytest.mark.parametrize(
    ("mode", "max_error"), [("recall", 0.05), ("recall", 0.2), ("pool_error", 0.1)]
)
def test_an_audit_for_a_class_is_drawn_large_enough_for_it(mode, max_error):
    frame, truth = table()
    wanted = {"label": "gpt", "score": "p", "mode": mode, "of": "yes", "max_error": max_error}
    enough = 0
    for seed in range(8):
        rows = draw_audit(frame, **wanted, seed=seed).to_pandas()
        rows["audit"] = truth[rows["row"].to_numpy() - 1]
        certificate = certify(frame, **wanted, audited=rows).certificate
        enough += certificate.audited >= certificate.details["needed"]
    assert enough == 8
    few = draw_audit(frame, **wanted, items=20)
    name = "recall" if mode == "recall" else "precision"
    assert f"20 rows may certify nothing: the {name} of 'yes' takes" in few.notes[0]
    assert f"which {few.needed:,} of all 600 hold with a probability of 95 %" in few.notes[0]
    assert draw_audit(frame, **wanted, items=few.needed, seed=3).needed == few.needed


def test_what_an_audit_of_elsewhere_rests_on_is_said():
    frame, truth = table()
    rows = np.random.default_rng(5).choice(600, 150, replace=False)
    frame.loc[rows, "checked"] = truth[rows]
    made = certify(frame, **COLUMNS)
    assert made.certificate.holds
    assert "is the word of whoever had them audited" in made.certificate.promise
    assert "is the word of whoever had them audited" in made.certificate.rests_on[-1]
    # A column of the data's own says nothing of a draw.
    frame["seed"] = 9
    elsewhere = frame.iloc[rows].assign(row=rows + 1, audit=truth[rows])
    again = certify(
        frame.drop(columns="checked"), label="gpt", score="p", audited=elsewhere
    ).certificate
    assert again.accepted.tolist() == made.certificate.accepted.tolist()
    drawn = draw_audit(frame, label="gpt", score="p", items=150, seed=2).to_pandas()
    assert set(drawn["llmal_seed"]) == {2}
    drawn["audit"] = truth[drawn["row"].to_numpy() - 1]
    kept = certify(frame.drop(columns="checked"), label="gpt", score="p", audited=drawn)
    assert "word of whoever" not in kept.certificate.promise
    frame["p"] = 1 - frame["p"]
    with pytest.raises(DataError, match="are not those that the audit was drawn for"):
        certify(frame, label="gpt", score="p", audited=drawn)
    # Older files do not say how many were drawn.
    old = drawn.drop(columns="draws")
    frame["p"] = 1 - frame["p"]
    assert certify(frame, label="gpt", score="p", audited=old).certificate.audited == 150
