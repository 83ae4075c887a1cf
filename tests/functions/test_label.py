from __future__ import annotations

import csv
import json
import math

import pandas as pd
import pytest

import llmal
from llmal.errors import AnnotationError, ConfigError, DataError, LlmalError
from tests.functions.conftest import reviews

BY = {"people", "machine", "learner"}


@pytest.fixture
def options(letters):
    """What most calls here have in common: a machine whose labels are there, people from gold."""
    return {
        "labels": {"good": "praise", "bad": "a complaint"},
        "text": "review",
        "machine_label": "said",
        "machine_confidence": "sure",
        "people": "gold",
        "gold": "gold",
        "embedder": letters,
    }


def _wrong(result):
    return sum(one != row["gold"] for one, row in zip(result.labels, result.rows, strict=True))


def test_a_promise_is_kept_with_fewer_labels_than_rows(options, tmp_path):
    result = llmal.label(reviews(), directory=tmp_path, **options)
    assert (result.status, result.directory) == ("finished", tmp_path)
    assert [row["number"] for row in result] == list(range(400))
    assert None not in result.labels
    assert {*result.by} <= BY
    assert result.by.count("people") == result.people_labels < 400
    certificate = result.certificate
    assert certificate.holds
    assert certificate.voided_by is None
    assert (certificate.epsilon, certificate.alpha) == (0.05, 0.05)
    assert _wrong(result) <= 0.05 * 400
    assert result.unreviewed == []
    assert result.waiting_for == ()
    for row in result:
        if row["by"] == "people":
            assert row["label"] == row["gold"]
        if row["by"] == "machine":
            assert row["label"] == row["said"]
            assert row["confidence"] == pytest.approx(row["sure"])


def test_the_same_call_again_asks_nobody(options, tmp_path):
    first = llmal.label(reviews(), directory=tmp_path, **options)
    asked = []
    again = llmal.label(
        reviews(), directory=tmp_path, **{**options, "people": lambda items: asked.extend(items)}
    )
    assert asked == []
    assert again.rows == first.rows
    assert again.people_labels == first.people_labels


def test_a_call_that_names_no_directory_has_one_of_its_own(options):
    first = llmal.label(reviews(), **options)
    assert llmal.label(reviews(), **options).directory == first.directory
    other = llmal.label(reviews(), **{**options, "max_error": 0.1})
    assert other.directory != first.directory
    assert other.certificate.epsilon == 0.1


def test_every_kind_of_data(options, tmp_path):
    rows = reviews(70)
    frame = pd.DataFrame(rows, index=range(500, 570))
    file = tmp_path / "reviews.csv"
    frame.to_csv(file, index=False)
    pool = llmal.Pool.from_pandas(rows, text="review", gold="gold")
    kinds = {"rows": rows, "frame": frame, "file": file, "str": str(file), "pool": pool}
    labels = {}
    for name, data in kinds.items():
        result = llmal.label(data, directory=tmp_path / name, **options)
        labels[name] = result.labels
        assert result.certificate is not None, name
        if name == "frame":
            found = result.to_pandas()
            pd.testing.assert_frame_equal(found[list(frame.columns)], frame)
            assert list(found.columns[5:]) == ["label", "by", "unreviewed", "confidence", "error"]
            assert found["unreviewed"].dtype == "bool"
    assert all(one == labels["rows"] for one in labels.values())


def test_rows_without_a_text_and_repeated_ones(options, tmp_path):
    rows = reviews(120)
    rows[3]["review"] = None
    rows[7]["review"] = rows[5]["review"]
    result = llmal.label(rows, directory=tmp_path, **options)
    assert result.labels[3] is None
    assert result.by[3] is None
    assert result.rows[3]["error"] == "there is no text: 'review' is empty"
    assert result.labels[7] == result.labels[5]
    # A text that stands twice is asked about once.
    assert result.savings().texts == 118
    assert "1 without a label" in result.summary()


def test_pairs_and_several_labels(letters, tmp_path):
    rows = [
        {
            "a": f"claim {n}",
            "b": f"{['for', 'against'][n % 2]} it {n}",
            "said": ["x|y", "", "y"][n % 3],
            "gold": ["x|y", "none", "y"][n % 3] if n % 17 else "x",
        }
        for n in range(150)
    ]
    result = llmal.label(
        rows,
        ["x", "y"],
        text=["a", "b"],
        kind="multi",
        machine_label="said",
        people="gold",
        gold="gold",
        embedder=letters,
        directory=tmp_path,
    )
    assert result.status == "finished"
    truth = [("x", "y"), (), ("y",)]
    expected = [truth[n % 3] if n % 17 else ("x",) for n in range(150)]
    assert [one for one, by in zip(result.labels, result.by, strict=True) if by == "people"] == [
        one for one, by in zip(expected, result.by, strict=True) if by == "people"
    ]
    if result.certificate.holds and not result.unreviewed:
        assert sum(a != b for a, b in zip(result.labels, expected, strict=True)) <= 0.05 * 150


def _fill_in(file, rows):
    """Label all that waits in a file, by its number in the text."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        head, *content = csv.reader(lines)
    text = head.index("review")
    label = next(n for n, one in enumerate(head) if "label" in one)
    for cells in content:
        cells[label] = rows[int(cells[text].split()[-1])]["gold"]
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([head, *content])


def test_people_may_label_in_a_file(options, tmp_path):
    rows = reviews(150)
    options = {**options, "people": "queue", "gold": None, "directory": tmp_path / "run"}
    for call in range(60):
        result = llmal.label(rows, **options)
        if result.status == "finished":
            break
        assert result.status == "waiting"
        assert result.certificate is None or result.certificate.holds
        assert result.waiting_for == (tmp_path / "run" / "to_label.csv",)
        assert "to_label.csv" in result.reason
        if not call:
            # The machine's answers are not shown to people.
            head = result.waiting_for[0].read_text(encoding="utf-8-sig").splitlines()[0]
            assert "said" not in head
            assert "sure" not in head
        _fill_in(result.waiting_for[0], rows)
    assert result.status == "finished"
    assert result.waiting_for == ()
    assert _wrong(result) <= 0.05 * 150
    by_gold = llmal.label(rows, **{**options, "people": "gold", "gold": "gold", "directory": None})
    assert by_gold.labels == result.labels
    assert by_gold.people_labels == result.people_labels


def test_people_may_be_asked_by_a_function(options, tmp_path):
    sizes, rows = [], reviews(150)

    def ask(items):
        sizes.append(len(items))
        assert all(one.gold is None and "said" not in one.extra for one in items)
        return [rows[int(one.text.split()[-1])]["gold"] for one in items]

    result = llmal.label(rows, directory=tmp_path, **{**options, "people": ask, "people_batch": 7})
    assert result.status == "finished"
    assert max(sizes) == 7
    assert sum(sizes) == result.people_labels
    assert result.labels == llmal.label(rows, directory=tmp_path / "gold", **options).labels


def test_what_was_answered_before_a_wrong_answer_is_kept(options, tmp_path):
    rows, told = reviews(150), []

    def forgetful(items):
        if len(told) >= 20:
            return ["good"] * (len(items) - 1)
        told.extend(items)
        return [rows[int(one.text.split()[-1])]["gold"] for one in items]

    asking = {**options, "directory": tmp_path, "people": forgetful}
    with pytest.raises(AnnotationError, match="gave 9 labels for 10 items; have it give one"):
        llmal.label(rows, **asking)
    asked = []

    def patient(items):
        asked.extend(items)
        return [rows[int(one.text.split()[-1])]["gold"] for one in items]

    result = llmal.label(rows, **{**asking, "people": patient})
    assert {one.id for one in asked}.isdisjoint(one.id for one in told)
    assert result.people_labels == len(asked) + 20


def test_a_budget_that_ends_too_soon_says_what_can_be_promised(options, tmp_path):
    result = llmal.label(reviews(), directory=tmp_path, budget=30, **options)
    assert result.status == "finished"
    assert result.people_labels <= 30
    assert None not in result.labels
    # Nothing is promised, so every label of the machine is marked.
    assert result.certificate is None
    assert len(result.unreviewed) == result.by.count("machine") == 400 - result.people_labels
    assert any("nothing is promised" in one for one in result.notes)
    # It says how many labels the promise would take, and so does the report.
    forecast = result.forecast(cost_per_label=0.5)
    needed = forecast.at(0.05)
    assert forecast.basis == "pilot"
    assert forecast.labelled == result.people_labels
    assert needed.low <= needed.people <= needed.high <= 400
    page = result.report().read_text(encoding="utf-8")
    assert "Nothing is promised yet" in page
    assert "Labels by people in the end" in page
    # More people later: the same directory goes on.
    more = llmal.label(reviews(), directory=tmp_path, budget=400, **options)
    assert more.certificate.holds
    assert more.unreviewed == []
    assert more.forecast().at(0.05).people == more.people_labels
    assert needed.low <= more.people_labels <= needed.high


def test_an_audit_that_the_budget_ended_goes_on_where_it_is_raised(options, tmp_path):
    planned = llmal.label(reviews(), directory=tmp_path / "planned", **options)
    early = llmal.label(reviews(), directory=tmp_path / "raised", budget=55, **options)
    assert early.people_labels == 55
    assert early.unreviewed
    result = llmal.label(reviews(), directory=tmp_path / "raised", **options)
    assert result.certificate.holds
    assert result.unreviewed == []
    assert _wrong(result) <= 0.05 * 400
    # About as many labels by people as without the budget, not all 400.
    assert result.people_labels <= planned.people_labels + 50


def test_people_who_skip_everything_leave_nothing_to_promise(options, tmp_path):
    result = llmal.label(
        reviews(80),
        directory=tmp_path,
        **{**options, "people": lambda items: [None] * len(items)},
    )
    assert result.status == "finished"
    assert set(result.by) == {"machine"}
    assert len(result.unreviewed) == 80
    assert any("people could answer about no item; 80 other labels" in one for one in result.notes)
    assert result.forecast() is None


def test_a_confidence_that_is_no_number_is_named(options, tmp_path):
    rows = reviews(80)
    rows[3]["sure"] = float("nan")
    with pytest.raises(AnnotationError, match="in column 'sure' is nan; it must be a number"):
        llmal.label(rows, directory=tmp_path, **options)


def test_savings_by_hand(options, tmp_path):
    result = llmal.label(reviews(), directory=tmp_path, **options)
    spent = result.people_labels
    savings = result.savings(cost_per_label=0.25, seconds_per_label=36)
    assert (savings.texts, savings.labels_spent) == (400, spent)
    assert savings.labels_saved == 400 - spent
    assert savings.share_saved == (400 - spent) / 400
    assert savings.money_saved == pytest.approx((400 - spent) * 0.25)
    assert savings.hours_saved == pytest.approx((400 - spent) / 100)
    assert result.savings().money_saved is None
    assert result.savings().hours_saved is None
    for rate in (-1, math.nan, math.inf):
        with pytest.raises(ConfigError, match="cost_per_label is"):
            result.savings(cost_per_label=rate)


def test_what_machines_cost_is_taken_off_the_savings():
    savings = llmal.functions.Savings(
        texts=1000, labels_spent=300, machine_money=12.5, cost_per_label=0.1
    )
    assert savings.money_saved == pytest.approx(57.5)
    assert str(savings) == (
        "people gave 300 labels, and would give 1,000 to label everything: 700 fewer (70.0%); "
        "57.50 money less at 0.1 a label, the 12.50 for machines taken off"
    )


def test_it_shows_itself(options, tmp_path, capsys):
    rows = reviews()
    rows[0]["review"] = "a <b>bold</b> claim, page 0"
    result = llmal.label(rows, directory=tmp_path, **options)
    result.show(3)
    out = " ".join(capsys.readouterr().out.split())
    assert f"3 of 400 rows, {result.people_labels} by people" in out
    assert "promised: of 400 labels 20 at most (5 %) are wrong" in out
    page = result._repr_html_()
    assert "promised: of 400 labels" in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "<b>bold</b>" not in page


def test_it_is_saved_with_its_certificate(options, tmp_path):
    result = llmal.label(reviews(), directory=tmp_path / "run", **options)
    file = result.save(tmp_path / "labels.csv")
    assert [
        row["label"] for row in csv.DictReader(file.open(encoding="utf-8-sig"))
    ] == result.labels
    beside = json.loads((tmp_path / "labels.certificate.json").read_text(encoding="utf-8"))
    assert beside["standing"] == "holds"
    assert beside["given_by"] == {
        kind: result.by.count(who)
        for kind, who in (("human", "people"), ("learner", "learner"), ("recorded", "machine"))
        if who in result.by
    }
    kept = llmal.guarantee.Certificate.from_dict(beside["certificate"])
    assert kept.promise == result.certificate.promise
    with pytest.raises(ConfigError, match="the file is there already"):
        result.save(file)


def test_the_report_begins_with_the_promise(options, tmp_path):
    result = llmal.label(reviews(), directory=tmp_path / "run", **options)
    assert result.report() == tmp_path / "run" / "report.html"
    page = result.report(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "The promise holds" in page
    figures = json.loads((tmp_path / "page.json").read_text(encoding="utf-8"))["guarantee"]
    assert sum(one["labels"] for one in figures["asked"]) == result.people_labels
    assert figures["certificate"]["audited"] == result.certificate.audited


def test_a_task_that_has_changed_voids_the_promise(options, tmp_path):
    llmal.label(reviews(), directory=tmp_path, **options)
    changed = {**options, "guidelines": "Irony counts as what is meant."}
    with pytest.raises(LlmalError, match="guidelines") as refused:
        llmal.label(reviews(), directory=tmp_path, **changed)
    assert "what is promised of the labels becomes void, and people will be asked" in str(
        refused.value
    )
    result = llmal.label(reviews(), directory=tmp_path, accept_changes=True, budget=0, **changed)
    assert result.certificate.voided_by is not None
    assert any(one.startswith("VOID") for one in result.notes)
    assert len(result.unreviewed) == 400 - result.by.count("people")
    # Another audit follows, and what the first one asked about is no part of it.
    anew = llmal.label(reviews(), directory=tmp_path, **changed)
    assert anew.certificate.holds
    assert anew.certificate.items < 400
    others = 400 - anew.certificate.items
    assert any(f"not about {others} other rows: of an earlier audit" in o for o in anew.notes)
    assert anew.forecast().labelled == anew.people_labels


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"machine_label": None, "machine_confidence": None}, ConfigError, "there is no machine"),
        ({"lm": "smollm2-135m-instruct"}, ConfigError, "lm and machine_label are both given"),
        ({"machine_label": None}, ConfigError, "machine_confidence says how sure labels are"),
        ({"machine_label": "sayd"}, DataError, "there is no machine column 'sayd'.*'said'"),
        ({"people": "queue"}, ConfigError, "nobody has said where; give directory="),
        ({"people": "everybody"}, ConfigError, "people is 'everybody'; give 'queue', 'gold', or"),
        ({"gold": None}, ConfigError, "played by the gold column, and there is none; name it"),
        ({"gold": "truth"}, DataError, "there is no gold column 'truth'"),
        ({"max_error": 1.5}, ConfigError, "max_error is 1.5; give a share"),
        ({"confidence": 1}, ConfigError, "confidence is 1; give a probability"),
        ({"labels": None}, ConfigError, "there are no labels; give their names"),
        ({"labels": ["good", "awful"]}, DataError, "'bad'"),
        ({"text": "reviews"}, DataError, "there is no text column 'reviews'.*'review'"),
        ({"budget": -3}, LlmalError, "human_labels is -3"),
    ],
)
def test_mistakes_are_told_in_a_sentence(options, change, error, message):
    with pytest.raises(error, match=message):
        llmal.label(reviews(20), **{**options, **change})


def test_a_pool_has_its_own_columns(options, tmp_path):
    pool = llmal.Pool.from_pandas(reviews(30), text="review", gold="gold")
    with pytest.raises(ConfigError, match="text is 'said', and the pool has 'review' as text"):
        llmal.label(pool, directory=tmp_path, **{**options, "text": "said"})
    with pytest.raises(DataError, match="no row has a text"):
        llmal.label([{"review": "", "said": "good", "sure": 1, "gold": "bad"}] * 3, **options)


@pytest.mark.slow
def test_a_language_model_labels(shared, tiny_lm_path, tmp_path):
    data = pd.read_json(shared / "data" / "trec6" / "train.jsonl.gz", lines=True)[:300]
    labels = sorted(data["label"].unique())
    result = llmal.label(
        data, labels, gold="label", people="gold", lm=tiny_lm_path, max_error=0.1,
        directory=tmp_path, seed=3,
    )  # fmt: skip
    assert result.status == "finished"
    assert result.certificate.holds
    wrong = sum(one != truth for one, truth in zip(result.labels, data["label"], strict=True))
    assert wrong <= 30
    assert result.cost.tokens > 0
    assert result.added["label"] == "llmal_label"
