from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path

import pytest

from llmal.guarantee import Certificate


def _rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def labelled(tmp_path):
    """Four hundred rows: every twentieth label is wrong, and the score tells of half of these."""
    rows = []
    for number in range(400):
        truth = ("spam", "ham")[number % 2]
        wrong = number % 20 == 3
        rows.append(
            {
                "text": f"message {number}",
                "gpt": ("ham" if truth == "spam" else "spam") if wrong else truth,
                "p": f"{0.4 if number % 40 == 3 else 0.6 + number % 37 / 100:.2f}",
                "checked": "",
                "truth": truth,
            }
        )
    return _write(tmp_path / "labelled.csv", rows)


COLUMNS = ("--label", "gpt", "--score", "p")


def _audited(llmal, labelled, tmp_path, items="100"):
    plan = tmp_path / "audit.csv"
    words = ("certify", "--data", labelled, *COLUMNS, "--audit-plan", items, "--seed", "7")
    result = llmal(*words, "--out", plan, "--force")
    assert result.exit_code == 0, result.stderr
    drawn = _rows(plan)
    rows = _rows(labelled)
    for row in drawn:
        place = int(row["row"]) - 1
        assert rows[place]["text"] == row["text"]
        rows[place]["checked"] = row["truth"]
    _write(labelled, rows)
    return result, drawn


def test_a_file_is_audited_and_certified(labelled, llmal, json_of, tmp_path):
    result, drawn = _audited(llmal, labelled, tmp_path)
    assert f"certify with --audited {tmp_path / 'audit.csv'} beside" in result.stdout
    assert "--audit COLUMN --seed 7" in result.stdout
    assert "gpt" not in drawn[0]
    assert [row["draw"] for row in drawn] == [str(one) for one in range(1, 101)]
    out, certificate = tmp_path / "out.jsonl", tmp_path / "certificate.json"
    words = ("certify", "--data", labelled, *COLUMNS, "--audit", "checked", "--seed", "7")
    made = llmal(*words, "--max-error", "0.05", "--confidence", "0.95", "--json",
                 "--out", out, "--certificate", certificate)  # fmt: skip
    assert made.exit_code == 0, made.stderr
    assert json_of(made)["holds"]
    assert json_of(made)["audited"] == 100
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 400
    assert sum(row["by"] == "people" for row in rows) == 100
    wrong = [row for row in rows if row["label"] is not None and row["label"] != row["truth"]]
    assert len(wrong) <= 20
    kept = Certificate.from_json(certificate.read_text(encoding="utf-8"))
    assert kept.holds
    assert len(kept.to_people) == sum(row["action"] == "to people" for row in rows)
    text = llmal(*words)
    assert kept.promise in text.stdout


def test_the_filled_in_file_certifies_too(labelled, llmal, json_of, tmp_path):
    _, drawn = _audited(llmal, labelled, tmp_path)
    answers = _write(tmp_path / "answers.csv", [{**row, "audit": row["truth"]} for row in drawn])
    words = ("certify", "--data", labelled, *COLUMNS, "--seed", "7", "--json")
    first, second = (
        json_of(llmal(*words, *more)) for more in (("--audit", "checked"), ("--audited", answers))
    )
    assert first == second
    # The file says its seed itself.
    own = llmal("certify", "--data", labelled, *COLUMNS, "--json", "--audited", answers)
    assert json_of(own) == second
    drawn[3]["audit"] = "eggs"
    _write(answers, drawn)
    result = llmal(*words, "--audited", answers)
    assert result.exit_code == 1
    assert "answers.csv, line 5, column 'audit'" in result.stderr.replace("\n", " ")


def test_the_size_of_an_audit_is_planned(labelled, llmal, json_of, tmp_path):
    words = ("certify", "--data", labelled, *COLUMNS, "--audit-plan", "auto", "--json")
    made = json_of(llmal(*words, "--out", tmp_path / "audit.csv"))
    assert made["seed"] == 0
    assert 100 <= made["items"] <= 200
    assert len(_rows(tmp_path / "audit.csv")) == made["items"]


def _change(rows, name, value, place=20):
    rows[place][name] = value


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: _change(rows, "checked", "eggs"), "labelled.csv, line 22, column 'checked'"),
        (lambda rows: _change(rows, "p", "nan"), "labelled.csv, line 22, column 'p'"),
        (lambda rows: _change(rows, "p", ""), "has a label of the machine and no score"),
        (lambda rows: _change(rows, "checked", rows[20]["truth"]), "was drawn for the audit"),
        (lambda rows: _change(rows, "gpt", "green eggs and ham, spam"), "was drawn for the audit"),
    ],
)
def test_bad_cells_are_told_in_a_sentence(labelled, llmal, tmp_path, change, says):
    _audited(llmal, labelled, tmp_path)
    rows = _rows(labelled)
    free = next(place for place in range(20, 400) if not rows[place]["checked"])
    rows[20], rows[free] = rows[free], rows[20]
    change(rows)
    _write(labelled, rows)
    words = ("certify", "--data", labelled, *COLUMNS, "--audit", "checked", "--seed", "7")
    result = llmal(*words)
    assert result.exit_code == 1
    assert says in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "there is no audit to certify by"),
        (("--audit", "chekced"), "chekced"),
        (("--audit-plan", "many", "--out", "a.csv"), "--audit-plan is 'many'"),
        (("--audit-plan", "10"), "it is not said where the rows to audit go"),
        (("--audit", "checked", "--promise", "all"), "--promise is 'all'"),
        (("--audit", "checked", "--looks", "10;20"), "--looks is '10;20'"),
        (("--audit", "checked", "--max-error", "5"), "the largest error is 5"),
        (("--audit", "checked", "--confidence", "95"), "the confidence is 95"),
    ],
)
def test_bad_options_are_told_in_a_sentence(labelled, llmal, words, says):
    result = llmal("certify", "--data", labelled, *COLUMNS, *words)
    assert result.exit_code == 1
    assert says in result.stderr.replace("\n", " ")


def test_an_audit_too_small_says_how_many_are_needed(labelled, llmal, json_of, tmp_path):
    _audited(llmal, labelled, tmp_path, items="20")
    words = ("certify", "--data", labelled, *COLUMNS, "--audit", "checked", "--seed", "7")
    out = tmp_path / "out.csv"
    result = llmal(*words, "--json", "--out", out)
    made = json_of(result)
    assert not made["holds"]
    assert "at least 52 of them, and 20 were audited" in made["promise"]
    # Scripts see it, and no file of labels looks like a result.
    assert (result.exit_code, made["out"], out.exists()) == (1, None, False)
    told = llmal(*words, "--out", out)
    assert told.stdout.startswith("Nothing is promised")
    assert "have people label 32 more at least" in told.stdout
    assert "out.csv is not written" in told.stdout.replace("\n", "")
    plan = ("certify", "--data", labelled, *COLUMNS, "--audit-plan", "10")
    small = llmal(*plan, "--out", tmp_path / "small.csv")
    assert "10 rows can certify nothing" in small.stdout
    assert "takes 52 of these 400 at least" in small.stdout


def test_what_goes_to_people_comes_back_and_one_file_has_all_labels(
    labelled, llmal, json_of, tmp_path
):
    _audited(llmal, labelled, tmp_path)
    review, final = tmp_path / "review.csv", tmp_path / "final.csv"
    words = ("certify", "--data", labelled, *COLUMNS, "--audit", "checked", "--seed", "7")
    words = (*words, "--max-error", "0.03", "--to-people", review)
    first = llmal(*words)
    assert first.exit_code == 0, first.stderr
    assert f"certify again with --reviewed {review} besides" in first.stdout
    rows = _rows(review)
    assert "gpt" not in rows[0]
    assert f"once people have labelled the {len(rows)} items" in first.stdout
    # What is promised stands there once.
    assert first.stdout.count("It is void if") == 1
    _write(review, [{**row, "review": row["truth"]} for row in rows])
    refused = llmal(*words, "--reviewed", review)
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    words = (*words[:-1], tmp_path / "more.csv", "--reviewed", review, "--out", final)
    certificate = tmp_path / "certificate.json"
    done = llmal(*words, "--certificate", certificate)
    assert done.exit_code == 0, done.stderr
    assert "more.csv is not written: people have nothing left to label" in done.stdout
    assert "once people have labelled" not in done.stdout
    delivered = _rows(final)
    assert {row["action"] for row in delivered} == {"stays"}
    assert sum(row["by"] == "people" for row in delivered) == 100 + len(rows)
    assert sum(row["label"] != row["truth"] for row in delivered) <= 12
    kept = Certificate.from_json(certificate.read_text(encoding="utf-8"))
    assert kept.holds
    assert (kept.condition, len(kept.to_people), kept.details["reviewed"]) == ("", 0, len(rows))


def test_a_class_is_promised_something_of(labelled, llmal, json_of, tmp_path):
    _audited(llmal, labelled, tmp_path, items="200")
    words = ("certify", "--data", labelled, *COLUMNS, "--audit", "checked", "--seed", "7")
    recall = llmal(*words, "--promise", "recall", "--class", "spam", "--max-error", "0.2")
    assert recall.exit_code == 0, recall.stderr
    assert "At least 80 % of the items" in recall.stdout
    precision = json_of(llmal(*words, "--class", "spam", "--max-error", "0.2", "--json"))
    assert precision["claim"].startswith("Of the 220 labels of spam delivered")
    none = llmal(*words, "--class", "spam", "--max-error", "0.001")
    assert none.exit_code == 1
    assert "of which those count that the machine has given it, 'spam'" in none.stdout
    for wrong, says in (
        (("--promise", "recall"), "no class is named"),
        (("--class", "eggs"), "there is no class 'eggs' among the labels"),
        (("--audit-plan", "9", "--out", "x.csv"), "--audit is given, and --audit-plan draws"),
        (("--out", "x.csv", "--to-people", "x.csv"), "two outputs have the same name"),
    ):
        result = llmal(*words, *wrong)
        assert result.exit_code == 1
        assert says in result.stderr.replace("\n", " ")


def _rewritten(rows):
    """Scores that were fitted again: the order is another one."""
    return [{**row, "p": f"{1 - float(row['p']):.2f}"} for row in rows]


def test_the_file_of_an_audit_says_itself_how_it_was_drawn(labelled, llmal, tmp_path):
    rows = _rows(labelled)
    grouped = [{**row, "dup": f"g{number // 2}"} for number, row in enumerate(rows)]
    _write(labelled, grouped)
    words = ("certify", "--data", labelled, *COLUMNS)
    for name, more in (("rows.csv", ()), ("groups.csv", ("--group", "dup"))):
        plan = (*words, *more, "--audit-plan", "70", "--seed", "1", "--out", tmp_path / name)
        assert llmal(*plan).exit_code == 0
        drawn = _rows(tmp_path / name)
        filled = [{**row, "audit": row["truth"]} for row in drawn]
        _write(tmp_path / name, filled)
        whole = llmal(*words, *more, "--audited", tmp_path / name)
        assert whole.exit_code == 0, whole.stderr
        assert "taken on" not in whole.stdout
    by_rows, by_groups = (
        ("--audited", tmp_path / "rows.csv"),
        ("--audited", tmp_path / "groups.csv"),
    )
    fewer = _write(tmp_path / "fewer.csv", _rows(tmp_path / "rows.csv")[:60])
    assert "70 were drawn; it rests on the first 60" in llmal(*words, "--audited", fewer).stdout
    holes = _write(tmp_path / "holes.csv", _rows(tmp_path / "rows.csv")[10:])
    torn = [{**row, "seed": "1" if at else "2"} for at, row in enumerate(_rows(holes))]
    torn = _write(tmp_path / "torn.csv", torn)
    for more, says in (
        (by_groups, "the audit was drawn by groups of near-duplicates"),
        ((*by_rows, "--group", "dup"), "the audit was drawn row by row"),
        ((*by_rows, "--seed", "2"), "was drawn with seed 1, and the seed 2 is given"),
        (("--audited", holes), "some of its rows were left out"),
        (("--audited", torn), "torn.csv, line 3, column 'seed'"),
    ):
        refused = llmal(*words, *more)
        assert refused.exit_code == 1
        assert says in " ".join(refused.stderr.split())
    _write(labelled, _rewritten(grouped))
    changed = llmal(*words, *by_rows)
    assert changed.exit_code == 1
    assert "are not those that the audit was drawn for" in " ".join(changed.stderr.split())


def test_the_documented_commands_work_to_the_letter(labelled, llmal, tmp_path, monkeypatch):
    """Those of docs/guarantee.md, in their order, with people between them."""
    monkeypatch.chdir(tmp_path)
    rows = _rows(labelled)
    for row in rows[::7]:
        row["gpt"], row["p"] = "ham" if row["truth"] == "spam" else "spam", "0.3"
    _write(Path("labels.csv"), rows)
    text = (Path(__file__).parents[2] / "docs" / "guarantee.md").read_text(encoding="utf-8")
    commands = re.findall(r"^llmal (certify (?:.*\\\n)*.*)$", text, flags=re.MULTILINE)
    assert len(commands) == 4
    for number, command in enumerate(commands):
        words = shlex.split(command.replace("\\\n", " "))
        if number == 3:
            made = Certificate.from_json(Path("certificate.json").read_text(encoding="utf-8"))
            assert len(made.to_people) == len(_rows(Path("review.csv")))
        result = llmal(*words)
        assert result.exit_code == 0, result.stderr
        filled, column = ("audit.csv", "audit") if number == 0 else ("review.csv", "review")
        if number in (0, 2):
            rows = [{**row, column: row["truth"]} for row in _rows(Path(filled))]
            _write(Path(filled), rows)
    assert all(row["action"] == "stays" for row in _rows(Path("final.csv")))
    assert json.loads(Path("certificate.json").read_text(encoding="utf-8"))["to_people"] == []
    again = llmal(*shlex.split(commands[1].replace("\\\n", " ").replace("delivered", "new")))
    assert "name another --certificate, or replace it with --force" in " ".join(
        again.stderr.split()
    )


def test_labels_that_look_alike_are_cured_by_naming_them(labelled, llmal, tmp_path):
    rows = _rows(labelled)
    for place, name in ((4, "Spam"), (6, "SPAM")):
        rows[place]["gpt"] = name
    for row in rows[:80]:
        row["checked"] = f" {row['truth'].upper()} "
    rows[6]["gpt"] = "spam"
    _write(labelled, rows)
    words = ("certify", "--data", labelled, *COLUMNS, "--audit", "checked")
    refused = llmal(*words)
    assert refused.exit_code == 1
    assert "could be the label 'Spam' or 'spam'" in " ".join(refused.stderr.split())
    assert "or name all labels, each once (--labels" in " ".join(refused.stderr.split())
    assert "could be" not in llmal(*words, "--labels", "spam,ham").stderr
