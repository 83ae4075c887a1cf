from __future__ import annotations

import csv
import json

import pyarrow.parquet as pq
import pytest

LABELS = "sport,food,weather"


def _rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_machines_of_a_configuration_label_a_file_and_people_are_left_out(
    project, llmal, json_of, tmp_path
):
    path = project(
        annotator=[{"name": "similarity", "threshold": 0.97}, {"name": "human", "via": "gold"}]
    )
    (tmp_path / "more.jsonl").write_text(
        '{"id": "a", "text": "They scored a goal in the second half"}\n'
        '{"id": "b", "text": "Fry the onions"}\n'
    )
    out = tmp_path / "out.jsonl"
    result = llmal(
        *("annotate", "--config", path, "--data", tmp_path / "more.jsonl"),
        *("--out", out, "--json", "--probabilities"),
    )
    assert result.exit_code == 0, result.stderr
    assert "people are left out" in result.stderr
    assert json_of(result)["items"] == 2
    first, second = _rows(out)
    assert (first["id"], first["label"]) == ("a", "sport")
    assert (second["id"], second["label"]) == ("b", "food")
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert first["confidence"] == first["probabilities"]["sport"]
    for row in (first, second):
        assert row["accepted"] == (row["confidence"] >= 0.97)
        assert row["annotator"] == "similarity"
    assert json_of(result)["accepted"] == first["accepted"] + second["accepted"]


def test_a_routing_policy_says_which_machine_labels_a_row(llmal, json_of, tmp_path):
    said = [  # of the first machine, how sure it is, then of the others
        ("food", 0.95, "sport", "sport"),
        ("food", 0.3, "food", "food"),
        ("food", 0.7, "food", "sport"),
        ("food", 0.7, "sport", "sport"),
        ("food", 0.7, "sport", "weather"),
    ]
    file = tmp_path / "said.jsonl"
    file.write_text(
        "".join(
            json.dumps({"text": f"text {n}", "a": a, "sure": sure, "b": b, "c": c}) + "\n"
            for n, (a, sure, b, c) in enumerate(said)
        )
    )
    config = tmp_path / "job.yaml"
    config.write_text(
        "task: {name: topics, labels: [sport, food, weather]}\ndata: {pool: said.jsonl}\n"
        "annotator:\n- {name: recorded, as: first, column: a, confidence: sure}\n"
        "- {name: recorded, as: second, column: b}\n- {name: recorded, as: third, column: c}\n"
        "- {name: human, via: queue}\nrouting: band\n"
    )
    result = llmal("annotate", "--config", config, "--out", tmp_path / "out.jsonl", "--json")
    assert result.exit_code == 0, result.stderr
    assert [(r["annotator"], r["label"], r["accepted"]) for r in _rows(tmp_path / "out.jsonl")] == [
        ("first", "food", True),
        ("first", "food", False),
        ("second", "food", True),
        ("third", "sport", True),
        ("third", "weather", False),
    ]
    assert json_of(result)["accepted"] == 3


def test_csv_has_a_column_for_each_probability_and_parquet_a_struct(project, llmal, tmp_path):
    path = project(annotator={"name": "similarity"})
    for name in ("out.csv", "out.parquet", "out.jsonl"):
        words = ("annotate", "--config", path, "--out", tmp_path / name, "--probabilities")
        assert llmal(*words).exit_code == 0
    with (tmp_path / "out.csv").open(newline="") as file:
        as_csv = list(csv.DictReader(file))
    rows = _rows(tmp_path / "out.jsonl")
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == rows
    assert [float(row["probabilities[food]"]) for row in as_csv] == [
        row["probabilities"]["food"] for row in rows
    ]


def test_an_output_that_is_there_stays(project, llmal, tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_text("mine")
    words = ("annotate", "--config", project(annotator={"name": "similarity"}), "--out", out)
    result = llmal(*words)
    assert result.exit_code == 1
    assert "the output is there already" in result.stderr
    assert out.read_text() == "mine"
    assert llmal(*words, "--force").exit_code == 0
    assert len(_rows(out)) == 90


def test_a_failure_leaves_no_half_written_output(project, llmal, tmp_path):
    path = project(annotator={"name": "recorded", "column": "answer"})
    result = llmal("annotate", "--config", path, "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert "the pool has no column 'answer'" in result.stderr
    assert not [one for one in tmp_path.iterdir() if "out.jsonl" in one.name]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--out", "out.txt", "--config"], "'out.txt' does not say which format to write"),
        (["--out", "no/out.csv", "--config"], "there is no such directory"),
        (["--out", "o.csv", "--labels", LABELS, "--config"], "--config comes with the task"),
    ],
)
def test_mistakes_are_sentences(project, llmal, words, sentence):
    result = llmal("annotate", *words, project(annotator={"name": "similarity"}))
    assert result.exit_code == 1
    assert sentence in result.stderr


def test_people_alone_cannot_annotate_a_file(project, llmal, tmp_path):
    result = llmal("annotate", "--config", project(), "--out", tmp_path / "out.csv")
    assert result.exit_code == 1
    assert "names no annotator but people" in result.stderr


def test_what_the_options_lack_is_named(project, llmal, tmp_path):
    project()
    data, out = tmp_path / "pool.csv", tmp_path / "out.jsonl"
    result = llmal("annotate", "--data", data, "--labels", LABELS, "--out", out)
    assert "error: --model or --url is missing; give it, or a --config" in result.stderr
    one = llmal(*("annotate", "--data", data, "--labels", "sport", "--model", "m/n", "--out", out))
    assert "task 'annotate' has 1 label(s)" in one.stderr
    gone = llmal(
        *("annotate", "--data", tmp_path / "gone.csv", "--labels", LABELS, "--model", "m/n"),
        *("--out", out),
    )
    assert "the options, data.pool: there is no file" in gone.stderr
    assert {one.exit_code for one in (result, one, gone)} == {1}


def test_transformers_and_a_server_give_the_same_probabilities(
    project, llmal, json_of, tiny_lm_path, vllm, tmp_path
):
    project()
    task = ("annotate", "--data", tmp_path / "pool.csv", "--labels", LABELS)
    here, there = tmp_path / "here.jsonl", tmp_path / "there.jsonl"
    models = {
        here: ("--model", tiny_lm_path, "--backend", "transformers"),
        there: ("--url", vllm.urls[0]),
    }
    for out, model in models.items():
        result = llmal(*task, *model, "--out", out, "--json", "--probabilities")
        assert result.exit_code == 0, result.stderr
        assert json_of(result)["usage"]["prompt_tokens"] > 90 * 10
    for mine, other in zip(_rows(here), _rows(there), strict=True):
        assert mine["id"] == other["id"]
        assert mine["probabilities"] == pytest.approx(other["probabilities"], abs=1e-3)
    before = there.read_bytes()
    # Nothing is asked again: the answers are beside the output, and the server is not needed.
    assert (tmp_path / "there.jsonl.cache.sqlite").stat().st_size > 0
    again = llmal(*task, *models[there], "--out", there, "--force", "--probabilities")
    assert again.exit_code == 0
    assert there.read_bytes() == before


MESSY = """Nr;note;label;label_2
007;Das Spiel war großartig;sport;x
007;;;y
A1 ;Noch eine Suppe, bitte;;
A1;Noch eine Suppe, bitte;food;
"""


def test_a_messy_file_comes_back_row_by_row(llmal, json_of, tiny_lm_path, tmp_path):
    data, out = tmp_path / "tickets.csv", tmp_path / "out.csv"
    data.write_bytes(MESSY.replace("\n", "\r\n").encode("latin-1"))
    words = ("annotate", "--data", data, "--text", "note", "--labels", 'sport,food,"rain, sun"')
    words += ("--model", tiny_lm_path, "--backend", "transformers", "--quiet")
    plan = llmal(*words, "--encoding", "latin-1", "--out", out, "--dry-run", "--json")
    assert plan.exit_code == 0, plan.stderr
    foreseen = json_of(plan)
    assert foreseen["items"] == 4
    assert not out.exists()
    options = ("--encoding", "latin-1", "--id", "Nr", "--rationale", "--probabilities", "--json")
    result = llmal(*words, *options, "--out", out)
    assert result.exit_code == 0, result.stderr
    told = json_of(result)
    assert (told["items"], told["failed"]) == (4, 1)
    assert told["usage"]["prompt_tokens"] > 0
    assert "'label' is in 'llmal_label'" in result.stderr
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:5] == ["id", "Nr", "note", "label", "label_2"]
    assert [row["Nr"] for row in rows] == ["007", "007", "A1 ", "A1"]
    assert [row["id"] for row in rows] == ["007", "007", "A1 ", "A1"]
    assert rows[0]["note"] == "Das Spiel war großartig"
    assert [row["label"] for row in rows] == ["sport", "", "", "food"]
    assert rows[1]["error"] == "there is no text: 'note' is empty"
    assert {rows[n]["llmal_label"] for n in (0, 2, 3)} <= {"sport", "food", "rain, sun"}
    assert rows[2]["llmal_label"] == rows[3]["llmal_label"]
    assert rows[0]["probabilities[rain, sun]"]
    assert "rationale" in rows[0]
    bare = tmp_path / "bare.csv"
    words = (*words, "--calibrate", "none")
    assert llmal(*words, *options, "--out", bare).exit_code == 0
    with bare.open(encoding="utf-8-sig", newline="") as file:
        assert [row["confidence"] for row in csv.DictReader(file)] != [
            row["confidence"] for row in rows
        ]
    wrong = llmal(*words, "--encoding", "latin-1", "--id", "Nro", "--out", tmp_path / "o.csv")
    assert "there is no id column 'Nro'" in wrong.stderr
    assert "did you mean 'Nr'" in wrong.stderr


def test_a_file_without_ids_gets_those_of_a_pool(project, llmal, tmp_path):
    from llmal.pool import Pool

    texts = tmp_path / "texts.csv"
    texts.write_text("text\na goal\na stew\na goal\n")
    path = project(annotator={"name": "similarity"})
    out = tmp_path / "out.jsonl"
    assert llmal("annotate", "--config", path, "--data", texts, "--out", out).exit_code == 0
    assert [row["id"] for row in _rows(out)] == Pool.from_file(texts, cache=tmp_path).ids()


def test_shortlists_and_codes_are_those_of_the_function(
    llmal, json_of, tiny_lm_path, tiny_hf, tmp_path
):
    import llmal as package

    texts = ["Who wrote Emma ?", "How far is the moon ?", "Where is Vienna ?"]
    labels = [f"{kind} of {what}" for kind in ("name", "place", "size") for what in "abcdefgh"]
    (tmp_path / "texts.csv").write_text("text\n" + "\n".join(texts))
    out = tmp_path / "out.jsonl"
    words = ("annotate", "--data", tmp_path / "texts.csv", "--labels", ",".join(labels))
    words += ("--model", tiny_lm_path, "--backend", "transformers", "--quiet", "--out", out)
    for flags, options in (
        (("--shortlist", "4"), {"shortlist": 4}),
        (("--shortlist", "off"), {"shortlist": 0}),
        (("--codes",), {"codes": True}),
        ((), {}),
    ):
        result = llmal(*words, *flags, "--force", "--json")
        assert result.exit_code == 0, result.stderr
        rows = _rows(out)
        expected = package.annotate(texts, labels, lm=tiny_hf, cache=False, **options)
        assert [row["label"] for row in rows] == expected.column("label")
        assert [row["flags"] for row in rows] == expected.column("flags")
        assert json_of(result)["usage"]["requests"] == expected.cost.requests
    refused = llmal(*words, "--shortlist", "many", "--force")
    assert refused.exit_code == 1
    assert "shortlist" in refused.stderr
