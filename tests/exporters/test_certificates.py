"""What is promised of labels goes along with every export of them."""

from __future__ import annotations

import csv
import json

import datasets
import numpy as np
import pytest

from llmal import Ledger, Orchestrator, Pool, Task
from llmal.annotators import Recorded, Router, SimulatedHuman, Stage, Threshold
from llmal.exporters import REGISTRY
from llmal.exporters.certificates import DeliveredLabels
from llmal.exporters.run_tables import RunTables
from llmal.exporters.writing import write_export
from llmal.guarantee import Certificate
from llmal.guarantee.statement import Statement
from llmal.run.budget import Budget
from llmal.run.items import RunItems
from tests.functions.conftest import Letters, reviews

TASK = Task("reviews", {"good": "praise", "bad": "a complaint"}, "Is it | good?", text="review")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Runs a budget, and writes an export of it; gives its file."""
    folder = tmp_path_factory.mktemp("runs")
    pool = Pool.from_pandas(reviews(150), text="review", gold="gold").match_labels(TASK)

    def write(format, place, *, budget=None, task=TASK, guarantee=None, what="labels"):
        directory = folder / f"{budget}-{guarantee}"
        if not directory.exists():
            Orchestrator(
                TASK,
                pool,
                directory=directory,
                annotator=Router(
                    [
                        Stage(
                            Recorded("said", labels=TASK.names, confidence="sure"), Threshold(0.0)
                        ),
                        SimulatedHuman(),
                    ]
                ),
                embedder=Letters(),
                budget=Budget(human_labels=budget),
                objective="labels",
                guarantee=guarantee,
            ).run()
        with Ledger.open(str(directory / "ledger.sqlite"), read_only=True) as ledger:
            ledger.read_as(pool.contents)
            tables = RunTables(task, RunItems(pool), ledger, lambda *_: None)
            table = tables.table(what, everything=False)
            return write_export(REGISTRY.make(format), place, table)

    return write


@pytest.mark.parametrize("format", ["csv", "jsonl", "xlsx", "parquet"])
def test_a_file_of_labels_has_its_certificate_beside_it(format, exported, tmp_path):
    place = tmp_path / f"labels.{format}"
    written = exported(format, place)
    beside = json.loads((tmp_path / "labels.certificate.json").read_text(encoding="utf-8"))
    assert (beside["standing"], beside["task"], beside["labels"]) == ("holds", "reviews", 150)
    assert sum(beside["given_by"].values()) == 150
    assert Certificate.from_dict(beside["certificate"]).holds
    assert any(one.startswith("Of the 150 labels delivered") for one in written.notes)
    assert "beside it: labels.certificate.json" in written.notes
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "labels.certificate.json",
        f"labels.{format}",
    ]


def test_labels_that_no_promise_covers_are_marked(exported, tmp_path):
    place = tmp_path / "labels.csv"
    written = exported("csv", place, budget=40)
    rows = [*csv.DictReader(place.open(encoding="utf-8-sig"))]
    assert {(row["by"], row["unreviewed"]) for row in rows} == {
        ("human", "false"),
        ("recorded", "true"),
    }
    machines = sum(row["by"] == "recorded" for row in rows)
    assert f"{machines} unreviewed ones among them" in written.counts
    beside = json.loads((tmp_path / "labels.certificate.json").read_text(encoding="utf-8"))
    assert (beside["standing"], beside["unreviewed"]) == ("not yet", machines)
    assert beside["certificate"] is None
    covered = tmp_path / "covered.csv"
    exported("csv", covered)
    rows = [*csv.DictReader(covered.open(encoding="utf-8-sig"))]
    assert {row["unreviewed"] for row in rows} == {"false"}


def test_a_run_without_a_promise_leaves_no_certificate_of_before(exported, tmp_path):
    place = tmp_path / "labels.csv"
    exported("csv", place)
    written = exported("csv", place, guarantee="off", budget=40)
    assert [one.name for one in tmp_path.iterdir()] == ["labels.csv"]
    assert not any("promise" in one or "certificate" in one for one in written.notes)
    assert "unreviewed" not in place.read_text(encoding="utf-8-sig").splitlines()[0]
    # Other tables are about no promise.
    exported("csv", tmp_path / "spending.csv", what="spending")
    assert not (tmp_path / "spending.certificate.json").exists()


def test_a_data_set_has_a_card_that_says_what_is_promised(exported, tmp_path):
    place = tmp_path / "set"
    exported("hf", place)
    assert len(datasets.load_from_disk(place)) == 150
    assert json.loads((place / "certificate.json").read_text(encoding="utf-8"))["labels"] == 150
    card = (place / "README.md").read_text(encoding="utf-8")
    assert card.startswith("# reviews\n\n150 labelled texts of ")
    assert "## What is promised of the labels\n\nOf the 150 labels delivered" in card
    assert "- `good`: praise" in card
    assert "Is it | good?" in card


WELL = Statement("all is well")


def test_a_void_promise_is_called_so():
    certificate = Certificate(
        mode="pool_error",
        accepted=np.arange(3),
        to_people=np.arange(0),
        holds=True,
        epsilon=0.05,
        alpha=0.05,
        items=4,
        audited=2,
        wrong=0,
        claim="All is well",
        rests_on=("The audit was uniform.",),
    ).void("the task has changed")
    one = DeliveredLabels(TASK, "pool.csv", certificate, WELL, {"llm": 3, "human": 1}, 3)
    kept = one.as_dict(written=0.0)
    assert kept["standing"] == "void"
    assert kept["promise"].startswith("VOID")
    assert kept["promise"].endswith("the task has changed.")
    assert kept["written"] == "1970-01-01T00:00:00+00:00"
    card = one.card()
    assert "## The promise about the labels is VOID" in card
    assert "All is well" not in card
    assert "The audit was uniform" not in card
    assert "3 by a language model, 1 by people" in card
