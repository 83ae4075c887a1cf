from __future__ import annotations

import csv
import json

import pytest

from llmal.cli.demonstrations import audited_items
from llmal.config import load_config
from llmal.core.records import SyntheticItem
from llmal.factory.generators import make_generator
from llmal.factory.pools import open_pool
from llmal.functions.generated_files import write_record
from llmal.functions.writing import generator_section
from llmal.generators.record import SyntheticRecord
from llmal.ledger import Ledger


def test_what_an_audit_asks_about_is_given_away_by_nothing(finished, tiny_hf, tmp_path):
    path = finished(audit=5, budget={"human_labels": 18, "batch": 6})
    config = load_config(path)
    pool = open_pool(config, config.data.pool)
    audited = audited_items(config, pool)
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        asked = [i for one in ledger.rounds() if one.phase == "audit" for i in one.item_ids]
    assert len(asked) == 5
    assert sorted(item.id for item in audited) == sorted(asked)
    section = generator_section("class_conditional", {}, filters=[{"name": "leakage"}])
    _, (leakage,) = make_generator(
        section, config.task_object(), tiny_hf, None, pool, None, audit=audited
    )
    copy = SyntheticItem("s", f"so {audited[0].text} too", "food", "class_conditional")
    assert f"item {audited[0].id!r} of the audit" in leakage.check([copy])[0]


def test_a_configuration_without_a_run_has_no_audit(project):
    config = load_config(project())
    assert audited_items(config, open_pool(config, config.data.pool)) == []


def _project(project, tiny_lm_path, **generator):
    machine = {"name": "class_conditional", "structure": "line", "max_words": 20, **generator}
    lm = {"backend": "transformers", "model": str(tiny_lm_path)}
    return project(lm=lm, generator={**machine, "agreement": 0.9}, seed=3)


def test_a_preview_shows_what_every_filter_says_and_writes_no_file(
    project, llmal, json_of, tiny_lm_path, tmp_path
):
    path = _project(project, tiny_lm_path, filters=["default", "repetition"])
    before = sorted(tmp_path.iterdir())
    words = ("generate", "--config", path, "--preview", "5", "-k", "3", "--quiet")
    result = llmal(*words, "--out", tmp_path / "new.jsonl", "--json")
    assert result.exit_code == 0, result.stderr
    told = json_of(result)
    assert [one["label"] for one in told["preview"]] == [
        *("sport", "sport", "food", "food", "weather")
    ]
    chain = ["format_length", "near_duplicates", "label_agreement", "repetition"]
    seen = set()
    for one in told["preview"]:
        names = [verdict["filter"] for verdict in one["verdicts"]]
        assert names in (chain, ["class_conditional"])
        seen.add(len(names))
        refused = [verdict for verdict in one["verdicts"] if verdict["reason"]]
        assert one["accepted"] is (not refused)
        assert one["fields"]["text"].strip() or refused
    assert len(chain) in seen
    assert 0 < told["usage"]["tokens"] < told["most"]["tokens"]
    assert sorted(tmp_path.iterdir()) == before
    shown = llmal(*words).stdout
    assert shown.count("label_agreement  ") == sum(
        len(one["verdicts"]) == len(chain) for one in told["preview"]
    )
    assert "1. sport: " in shown
    assert "The whole, 3 accepted texts of each label, costs at most " in shown


def test_mistakes_with_a_preview_are_a_sentence(project, llmal, tiny_lm_path, tmp_path):
    path = _project(project, tiny_lm_path)
    words = ("generate", "--config", path)
    assert "--preview" in llmal(*words, "--preview", "0").stderr
    for more, sentence in (
        (("--preview", "2", "--dry-run"), "--preview writes texts, and --dry-run asks nobody"),
        ((), "it is not said how many items are wanted; give -k"),
        (("-k", "2"), "there is no place for the items; name a file with --out"),
        (("--preview", "2", "--tokens", "9"), "the budget of 9 tokens does not reach for one text"),
    ):
        refused = llmal(*words, *more)
        assert refused.exit_code == 1
        assert sentence in refused.stderr


@pytest.fixture
def made(project, tmp_path):
    """A configuration without a language model, and a file of items that one wrote before."""
    path = project(embedder=None)
    task = load_config(path).task_object()
    items = [
        SyntheticItem(f"syn-{n}", f"a note on {name}, number {n}", name, "class_conditional")
        for n, name in enumerate(task.names * 4)
    ]
    write_record(tmp_path / "new.csv", "csv", SyntheticRecord(items, task))
    return path, tmp_path / "new.csv"


def test_a_report_and_exports_of_items_that_are_there_ask_nobody(made, llmal, json_of, tmp_path):
    path, out = made
    before = out.read_bytes()
    places = {
        "report": tmp_path / "r.html",
        "audit": tmp_path / "audit.csv",
        "chat": tmp_path / "chat.jsonl",
        "dataset": tmp_path / "made",
    }
    words = ["generate", "--config", path, "--out", out, "--force"]
    for name, place in places.items():
        words += [f"--{name}", place]
    result = llmal(*words, "--json")
    assert result.exit_code == 0, result.stderr
    told = json_of(result)
    assert told["accepted"] == 12
    assert {name: told[name] for name in places} == {n: str(one) for n, one in places.items()}
    assert out.read_bytes() == before
    with places["audit"].open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    with places["audit"].open("w", newline="", encoding="utf-8") as file:
        out_rows = csv.DictWriter(file, fieldnames=list(rows[0]))
        out_rows.writeheader()
        out_rows.writerows({**row, "right": "yes"} for row in rows)
    again = llmal(*words[:6], "--report", places["report"], "--audit", places["audit"])
    assert again.exit_code == 0, again.stderr
    assert f"report: {places['report']}" in again.stdout
    figures = json.loads(places["report"].with_suffix(".json").read_text())
    assert figures["audit"]["right"]["hits"] == 12
    assert "there is no embedder" in places["report"].read_text()
    assert len(places["chat"].read_text().splitlines()) == 12


def test_a_report_of_what_a_run_has_written(finished, llmal, tmp_path):
    path = finished(embedder=None)
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        ledger.add_synthetic(
            [
                SyntheticItem("s1", "a soup", "food", "boundary", provenance={"prompt": "p@1"}),
                SyntheticItem("s2", "", "food", "boundary", False, "boundary", "no text"),
            ]
        )
    out = tmp_path / "synthetic.csv"
    made = llmal("export", tmp_path / "run", "--what", "synthetic", "--out", out)
    assert made.exit_code == 0, made.stderr
    page = tmp_path / "r.html"
    told = llmal("generate", "--config", path, "--out", out, "--report", page)
    assert told.exit_code == 0, told.stderr
    figures = json.loads(page.with_suffix(".json").read_text())
    assert (figures["counts"]["written"], figures["counts"]["accepted"]) == (2, 1)
    assert figures["counts"]["by_filter"] == [{"filter": "boundary", "count": 1}]
    assert figures["prompts"] == ["p@1"]


def test_mistakes_with_products_are_a_sentence(made, llmal, tmp_path):
    path, out = made
    (tmp_path / "there.html").touch()
    words = ("generate", "--config", path, "--out")
    page = ("--report", tmp_path / "r.html")
    for more, sentence in (
        ((out, "--report", tmp_path / "r.pdf"), "the report is a page; end its name in .html"),
        ((out, "--report", tmp_path / "there.html"), "the output is there already; name another"),
        ((out, "--audit", tmp_path / "a.csv", "--chat", tmp_path / "c.jsonl"), "add --report"),
        ((out, *page, "--audit", tmp_path / "a.txt"), "does not say which format to write"),
        ((out, *page, "--label", "food"), "are for items that are to be written; give -k"),
        ((tmp_path / "no.csv", *page), "there is no such file of items; give -k"),
        ((tmp_path / "pool.csv", *page), "this is no file of synthetic items: it has no column"),
        ((tmp_path / "more.csv", *page, "-k", "2"), "there is no language model to write items"),
    ):
        refused = llmal(*words, *more)
        assert refused.exit_code == 1, more
        assert sentence in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "r.html").exists()


@pytest.mark.slow
def test_items_their_report_and_exports_come_in_one_call(
    project, llmal, json_of, tiny_lm_path, tmp_path
):
    path = _project(project, tiny_lm_path, filters=["format_length", "leakage", "near_duplicates"])
    out = tmp_path / "new.jsonl"
    result = llmal(
        *("generate", "--config", path, "-k", "3", "--out", out, "--report", tmp_path / "r.html"),
        *("--dataset", tmp_path / "made", "--json"),
    )
    assert result.exit_code == 0, result.stderr
    told = json_of(result)
    figures = json.loads((tmp_path / "r.json").read_text())
    assert figures["counts"]["written"] == told["written"]
    assert figures["counts"]["accepted"] == told["accepted"] >= 9
    assert figures["quality"]["fidelity"]["copies"] <= 1
    origin = json.loads((tmp_path / "new.origin.json").read_text())
    assert figures["origin"] == origin
    assert [one["name"] for one in origin["filters"]] == [
        *("format_length", "leakage", "near_duplicates")
    ]
    assert str(tmp_path) not in (tmp_path / "made" / "README.md").read_text()
    assert str(tmp_path) not in json.dumps(origin)
    # The same report again, of the file alone.
    again = llmal(
        *("generate", "--config", path, "--out", out, "--report", tmp_path / "again.html")
    )
    assert again.exit_code == 0, again.stderr
    same = json.loads((tmp_path / "again.json").read_text())
    for figure in ("origin", "quality", "examples", "map", "distances"):
        assert same[figure] == figures[figure]
