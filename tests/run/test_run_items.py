"""Copies are asked about once; items of the test set are never picked, shown or trained on."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from llmal import Budget, Orchestrator, Pool, Task
from llmal.annotators import Context, Router, SimulatedHuman, Stage
from llmal.annotators.protocol import MOST_LABELLED, plan_at
from llmal.cli.app import app
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, Item, Usage
from llmal.core.tables import write_table
from llmal.errors import ConfigError, DataError
from llmal.exporters.run_tables import RunTables
from llmal.ledger import Decided, Ledger
from llmal.pool.label_file import LabelFile
from llmal.run.items import RunItems
from llmal.selectors import Random

THINGS = ["cat", "dog", "horse", "cow", "sheep", "goat", "hen", "duck", "owl", "frog", "bee", "ant"]
DISHES = ["bread", "soup", "cheese", "pie", "rice", "salad", "stew", "cake", "beans", "leek"]


class Watcher:
    """Answers with the gold label and keeps what it was asked and told."""

    name = "watcher"
    batch_size = 512

    def __init__(self, kind: str = "human") -> None:
        self.kind = kind
        self.asked: list[Item] = []
        self.contexts: list[Context] = []

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        self.asked += items
        self.contexts.append(context)
        return [
            Annotation(
                item.id, item.gold, self.name, self.kind, usage=Usage(human_labels=1),
                round=context.round,
            )
            for item in items
        ]  # fmt: skip

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        return plan_at(Usage(human_labels=1), self.annotate, items, context)


def _rows() -> list[tuple[str, str]]:
    rows = [(f"The {one} lay down in the long grass near the gate.", "animal") for one in THINGS]
    return rows + [(f"We had {one} and something to drink with it.", "food") for one in DISHES]


def _pool(cache: Path, rows: list[tuple[str, str]]) -> Pool:
    frame = pd.DataFrame(rows, columns=["text", "label"])
    frame["id"] = [f"i{n:03d}" for n in range(len(rows))]
    frame["ticket"] = [f"T-{n}" for n in range(len(rows))]
    return Pool.from_pandas(frame, gold="label", cache=cache)


def _run(tmp_path: Path, pool: Pool, embedder, **options: object) -> Orchestrator:
    given: dict = {
        "directory": tmp_path / "run",
        "annotator": Watcher(),
        "embedder": embedder,
        "selector": Random(),
        "start": Random(),
        "budget": Budget(batch=6),
        **options,
    }
    return Orchestrator(Task("farm", ["animal", "food"]), pool, **given)


def test_copies_are_asked_about_once_and_all_get_the_label(tmp_path: Path, embedder):
    rows = _rows()
    pool = _pool(tmp_path / "cache", [*rows, rows[0], rows[0], rows[15], *rows[3:6]])
    watcher = Watcher()
    result = _run(tmp_path, pool, embedder, annotator=watcher).run()
    assert result.reason == "every item of the pool is labelled"
    assert len(watcher.asked) == result.cost.human_labels == len(rows)
    assert len({item.text for item in watcher.asked}) == len(rows)
    assert set(result.labels) == set(pool.ids())
    by_text: dict[str, set[str]] = {}
    for item in pool:
        by_text.setdefault(item.text, set()).add(result.labels[item.id].label)
    assert all(len(one) == 1 for one in by_text.values())
    copies = {id: one.copy_of for id, one in result.labels.items() if one.copy_of}
    assert copies["i022"] == copies["i023"] == "i000"
    assert len(copies) == 6
    assert result.rounds[-1].metrics["labelled"] == len(rows), "each text is trained on once"


def test_copies_apart_are_items_of_their_own(tmp_path: Path, embedder):
    rows = _rows()
    pool = _pool(tmp_path / "cache", [*rows, rows[0], rows[0]])
    watcher = Watcher()
    result = _run(tmp_path, pool, embedder, annotator=watcher, duplicates="apart").run()
    assert len(watcher.asked) == len(rows) + 2
    assert not any(one.copy_of for one in result.labels.values())
    with pytest.raises(
        ConfigError, match="duplicates is 'merge'; it must be 'together' or 'apart'"
    ):
        _run(tmp_path, pool, embedder, duplicates="merge")


def test_a_sweep_passes_over_copies(tmp_path: Path, embedder):
    rows = _rows()
    pool = _pool(tmp_path / "cache", [*rows, rows[0], rows[20]])
    machine = Watcher("recorded")
    router = Router([Stage(machine)])
    result = _run(
        tmp_path, pool, embedder, annotator=router, objective="labels", guarantee="off"
    ).run()
    assert len(machine.asked) == len(rows)
    assert len(result.labels) == len(rows) + 2


def test_a_budget_reaches_as_far_as_there_are_texts(tmp_path: Path, embedder):
    rows = _rows()
    pool = _pool(tmp_path / "cache", rows * 3)
    run = _run(tmp_path, pool, embedder, budget=Budget(human_labels=10, batch=5))
    assert run.plan().counted == len(rows)
    result = run.run()
    assert result.cost.human_labels == 10
    assert len(result.labels) == 30


def test_labels_of_a_run_that_kept_copies_apart_still_count(tmp_path: Path):
    pool = _pool(tmp_path, [("a", "animal"), ("b", "food"), ("a", "animal"), ("a", "animal")])
    items = RunItems(pool)
    known = {"i002": Decided("animal", "human", "ann", None, 0)}
    labels = items.with_copies(known)
    assert {id: one.copy_of for id, one in labels.items()} == {
        "i002": None, "i000": "i002", "i003": "i002",
    }  # fmt: skip
    assert items.not_to_pick(known).tolist() == [0, 3]
    known["i000"] = Decided("food", "human", "bob", None, 1)
    labels = items.with_copies(known)
    assert (labels["i002"].label, labels["i003"].label) == ("animal", "food")


def test_of_copies_the_one_with_a_gold_label_is_asked_about(tmp_path: Path, embedder):
    rows = _rows()
    first = [(rows[0][0], None), (rows[1][0], None)]
    pool = _pool(tmp_path / "cache", [*first, *rows[2:], rows[0], rows[0], first[1], rows[1]])
    items = RunItems(pool)
    assert items.first_of == {"i000": "i022", "i023": "i022", "i001": "i025", "i024": "i025"}
    result = _run(tmp_path, pool, embedder, annotator=SimulatedHuman()).run()
    assert len(result.labels) == len(pool)
    assert result.cost.human_labels == len(rows)
    assert result.labels["i000"].copy_of == "i022"


def test_a_test_set_that_overlaps_is_told_of_and_never_used(
    tmp_path: Path, embedder, caplog: pytest.LogCaptureFixture
):
    rows = _rows()
    pool = _pool(tmp_path / "cache", rows)
    near = [(rows[4][0].upper(), "animal"), (rows[14][0].replace(".", "!"), "food")]
    test = Pool.from_texts(
        [text for text, _ in [*rows[:3], *near]],
        [label for _, label in [*rows[:3], *near]],
        cache=tmp_path / "cache",
    )
    watcher = Watcher()
    out = {"i000", "i001", "i002", "i004", "i014"}
    with caplog.at_level(logging.WARNING):
        run = _run(tmp_path, pool, embedder, annotator=watcher, test=test)
        result = run.run()
    assert {item.id for item in watcher.asked} == set(pool.ids()) - out
    assert set(result.labels) == set(pool.ids()) - out
    said = [one.getMessage() for one in caplog.records if "test set" in one.getMessage()]
    assert len(said) == 1
    assert said[0].startswith(
        "5 items of the pool are in the test set too (4 with the same text, 1 with nearly the same"
    )
    assert said[0].endswith("no such item is picked, shown, calibrated with or trained on")
    with Ledger.open(run.ledger_url) as ledger:
        assert said[0] in [one.message for one in ledger.events() if one.kind == "warning"]
    usable = set(run.items.usable.ids())
    assert not usable & out
    assert run.plan().items == len(usable)


def test_labels_that_an_overlapping_item_has_already_are_not_learnt_from(tmp_path: Path):
    pool = _pool(tmp_path, _rows())
    test = Pool.from_texts([_rows()[0][0]], ["animal"], cache=tmp_path)
    items = RunItems(pool, test)
    known = {id: Decided("animal", "human", "ann", None, 0) for id in ("i000", "i001")}
    assert set(items.learnt_from(known)) == {"i001"}
    assert [one.id for one in items.demonstrations(known, seed=0)] == ["i001"]
    assert items.not_to_pick(known).tolist() == [0]
    kept = RunItems(pool, test, overlap="keep")
    assert set(kept.learnt_from(known)) == {"i000", "i001"}
    assert kept.not_to_pick({}).tolist() == []
    assert "such items are used all the same" in kept.sentences()[0]


def test_a_pool_that_is_the_test_set(tmp_path: Path, embedder):
    pool = _pool(tmp_path / "cache", _rows())
    with pytest.raises(DataError, match="every item of the pool is in the test set too"):
        _run(tmp_path, pool, embedder, test=pool)
    result = _run(tmp_path, pool, embedder, test=pool, overlap="keep").run()
    assert result.cost.human_labels == len(pool)


def test_gold_in_another_spelling_trains_and_tests_all_the_same(tmp_path: Path, embedder):
    rows = [(text, label.upper()) for text, label in _rows()]
    pool = _pool(tmp_path / "cache", rows[::2])
    test = _pool(tmp_path / "cache", [(text, f" {label}") for text, label in rows[1::2]])
    result = _run(tmp_path, pool, embedder, annotator=SimulatedHuman(), test=test).run()
    assert {one.label for one in result.labels.values()} == {"animal", "food"}
    assert result.accuracy is not None
    assert result.accuracy > 0.7


def test_demonstrations_keep_their_columns_and_are_drawn_at_random(tmp_path: Path):
    count = 1500
    pool = _pool(tmp_path, [(f"text number {n}", "animal") for n in range(count)])
    items = RunItems(pool)
    known = {id: Decided("food", "human", "ann", None, 0) for id in pool.ids()}
    shown = items.demonstrations(known, seed=3)
    assert len(shown) == MOST_LABELLED
    assert all(one.gold == "food" and one.extra["ticket"] for one in shown)
    places = np.array([int(one.id[1:]) for one in shown])
    assert (places >= 1000).sum() > 250, "not the first thousand"
    again = items.demonstrations(dict(reversed(known.items())), seed=3)
    assert shown == again
    other = items.demonstrations(known, seed=4)
    assert {one.id for one in other} != {one.id for one in shown}
    fewer = dict(list(known.items())[:1400])
    stayed = {one.id for one in items.demonstrations(fewer, seed=3)} & {one.id for one in shown}
    assert len(stayed) > 900, "a label more moves few"
    machine = {id: Decided("food", "llm", "llm", 0.9, 0) for id in pool.ids()}
    assert items.demonstrations(machine, seed=3) == ()


def test_the_context_of_a_round_holds_no_copy_and_no_test_item(tmp_path: Path, embedder, tiny_hf):
    from llmal.annotators import LLMAnnotator

    rows = _rows()
    pool = _pool(tmp_path / "cache", [*rows, rows[3], rows[4]])
    test = Pool.from_texts(
        [text for text, _ in rows[:2]], [label for _, label in rows[:2]], cache=tmp_path / "cache"
    )
    seen: list[Context] = []

    class Listening(LLMAnnotator):
        def plan(self, items: Sequence[Item], context: Context = Context()):
            if not context.foreseen:
                seen.append(context)
            return super().plan(items, context)

    machine = Listening(
        Task("farm", ["animal", "food"]), tiny_hf, shots=2, calibrate="batch", style="completion"
    )
    router = Router([Stage(Watcher()), Stage(machine)])
    options = {
        "objective": "labels",
        "guarantee": "off",
        "budget": Budget(human_labels=12, batch=6),
    }
    _run(tmp_path, pool, embedder, annotator=router, test=test, **options).run()
    assert seen
    out = {"i000", "i001", "i022", "i023"}
    for context in seen:
        assert len(context.demonstrations) >= 6
        assert all(one.extra["ticket"] for one in context.demonstrations)
        shown = {one.id for one in (*context.demonstrations, *context.unlabelled)}
        assert not shown & out


def test_an_export_gives_copies_their_label_and_says_of_what(tmp_path: Path):
    def llmal(*words: object):
        return CliRunner().invoke(app, [str(one) for one in words])

    rows = _rows()
    content = [
        {"id": f"{n:03d}", "text": text, "label": label, "ticket": n}
        for n, (text, label) in enumerate([*rows, rows[0], rows[21]])
    ]
    file = tmp_path / "pool.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in content))
    (tmp_path / "farm.yaml").write_text(
        "task: {name: farm, labels: [animal, food]}\n"
        "data: {pool: pool.jsonl, gold: label}\n"
        "annotator: [{name: human, via: gold}]\n"
        "start: {selector: random, items: 11}\nselector: {name: random}\n"
        "budget: {human_labels: 22, batch: 11}\ndirectory: run\n"
    )
    result = llmal("run", tmp_path / "farm.yaml", "--quiet")
    assert result.exit_code == 0, result.output
    out = tmp_path / "labels.csv"
    assert llmal("export", tmp_path / "run", "--out", out).exit_code == 0
    with out.open(encoding="utf-8-sig", newline="") as stream:
        exported = {row["id"]: row for row in csv.DictReader(stream)}
    assert set(exported) == {one["id"] for one in content}
    assert (exported["022"]["copy_of"], exported["023"]["copy_of"]) == ("000", "021")
    assert exported["022"]["annotator"] == exported["000"]["annotator"]
    assert exported["022"]["ticket"] == "22"
    assert exported["000"]["copy_of"] == ""
    assert exported["022"]["round"] == exported["000"]["round"]


def test_ids_are_the_same_from_the_pool_to_the_export(tmp_path: Path, embedder):
    ids = ["A1", "a1", "01", "1", "1.0", "ab ", " cd", "caf\u00e9", "x\u200by", "'7", "1e5", "=2"]
    frame = pd.DataFrame({"id": ids, "text": [text for text, _ in _rows()[: len(ids)]]})
    frame["label"] = "animal"
    pool = Pool.from_pandas(frame, gold="label", cache=tmp_path / "cache")
    run = _run(tmp_path, pool, embedder, annotator=SimulatedHuman())
    result = run.run()
    assert set(result.labels) == set(ids)
    with Ledger.open(run.ledger_url, read_only=True) as ledger:
        assert {one.item_id for one in ledger.annotations()} == set(ids)
        exporter = RunTables(run.task, run.items, ledger, lambda *_: None)
        rows = list(exporter.table("labels", everything=True).rows())
    assert [row["id"] for row in rows] == ids
    for name in ("labels.csv", "labels.xlsx"):
        out = tmp_path / name
        with Ledger.open(run.ledger_url, read_only=True) as ledger:
            table = RunTables(run.task, run.items, ledger, lambda *_: None).table(
                "labels", everything=False
            )
            write_table(out, name.split(".")[1], table.columns, table.rows())
        again = Pool.from_file(out, cache=tmp_path / "cache")
        assert again.ids() == ids, name
        assert LabelFile.read(out, pool).positions.tolist() == list(range(len(ids)))
