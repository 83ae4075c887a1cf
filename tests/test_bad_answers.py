"""Wrong answers, of one label and of several: each told in one sentence, none recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import llmal
from llmal.cli.app import app
from llmal.errors import LlmalError
from llmal.ledger import Ledger

TASKS = {
    "single": llmal.Task("farm", ["animal", "food"]),
    "multi": llmal.Task("farm", ["animal", "food"], kind="multi"),
}
ROWS = [{"id": f"i{n}", "text": f"text {n}"} for n in range(6)]
YAML = """\
task: {name: farm, kind: %s, labels: [animal, food]}
data: {pool: pool.jsonl%s}
annotator: [{name: human, via: %s}]
start: {selector: random, items: 2}
selector: {name: random}
budget: {human_labels: 6, batch: 2}
directory: run
"""


@pytest.fixture(params=TASKS)
def task(request: pytest.FixtureRequest) -> llmal.Task:
    return TASKS[request.param]


def _good(task: llmal.Task) -> Any:
    return "animal" if task.kind == "single" else ("animal",)


def _said(what: Callable[[], object]) -> str:
    """The one sentence that is said."""
    with pytest.raises(LlmalError) as told:
        what()
    sentence = str(told.value)
    assert "\n" not in sentence
    assert told.value.fix
    return sentence


def _pool(tmp_path: Path) -> llmal.Pool:
    return llmal.Pool.from_pandas(ROWS, cache=tmp_path / "cache")


# Gold cells

GOLD = {
    "unknown": (
        "fish",
        "fish",
        "'fish' is not a label of task 'farm'; its labels are animal, food",
    ),
    "number": (7, 7, "'7' is not a label of task 'farm'"),
    "truth value": (True, True, "'True' is not a label of task 'farm'"),
    "two in one cell": ("animal|food", None, "'animal|food' is not a label of task 'farm'"),
    "an unknown one among several": (None, "animal|fish", "'fish' is not a label of task 'farm'"),
    "list": (
        ["animal"],
        None,
        "there is a list of labels, and task 'farm' takes one label",
    ),
    "list with an unknown one": (["fish"], ["animal", "fish"], ""),
    "empty one in a list": (None, ["animal", ""], "an empty label stands among several"),
    "null in a list": (None, ["animal", None], "the label in column 'gold' is of type NoneType"),
    "list in a list": ([["animal"]], [["animal"]], "the label in column 'gold' is of type list"),
    "mark": (None, {"animal": 2}, "the label 'animal' is marked with 2; use 1 or 0"),
    "mark of an unknown one": (None, {"fish": 1}, "'fish' is not a label of task 'farm'"),
}


@pytest.mark.parametrize(
    ("kind", "cell", "words"),
    [
        pytest.param(kind, cell, words, id=f"{kind}: {name}")
        for name, (*cells, words) in GOLD.items()
        for kind, cell in zip(TASKS, cells, strict=True)
        if cell is not None  # which is right for this kind
    ],
)
def test_gold_cells(kind: str, cell: object, words: str, tmp_path: Path) -> None:
    lines = [json.dumps({**row, "gold": cell if row["id"] == "i2" else None}) for row in ROWS]
    path = tmp_path / "pool.jsonl"
    path.write_text("\n".join(lines))
    sentence = _said(
        lambda: llmal.Pool.from_file(path, gold="gold", cache=tmp_path / "c").match_labels(
            TASKS[kind]
        )
    )
    assert f"{path}, line 3" in sentence
    assert words in sentence


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"animal": [1, 2], "food": [0, 0]}, "line 3: the label 'animal' is marked with '2'; use"),
        ({"animal": [1, "?"], "food": [0, 0]}, "line 3: the label 'animal' is marked with '?'"),
        ({"animal": [1, None], "food": [0, 1]}, "line 3: nothing is said of the label 'animal'"),
        ({"animal": [1, 0], "fish": [0, 1]}, "column 'fish': 'fish' is not a label of task"),
    ],
)
def test_gold_in_several_columns(columns: dict[str, list[Any]], words: str, tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    pd.DataFrame(ROWS[:2]).assign(**columns).to_csv(path, index=False)
    assert words in _said(
        lambda: llmal.Pool.from_file(path, gold=list(columns), cache=tmp_path / "c").match_labels(
            TASKS["multi"]
        )
    )


@pytest.mark.parametrize("argument", ["text", "gold", "id"])
@pytest.mark.parametrize("value", [3, [1, 2], object()])
def test_columns_that_are_no_names(argument: str, value: object, tmp_path: Path) -> None:
    given: dict[str, Any] = {argument: value, "cache": tmp_path}
    sentence = _said(lambda: llmal.Pool.from_pandas(ROWS, **given))
    assert sentence.startswith(f"{argument} is ")


# What is told to a campaign, and corrected

LABELS = {
    "unknown": ("fish", "'fish' is not a label of task 'farm'"),
    "number": (7, "'7' is not a label of task 'farm'"),
    "truth value": (True, "'True' is not a label of task 'farm'"),
    "bytes": (b"animal", "the label is of type bytes"),
    "object": (object(), "the label is of type object"),
    "an unknown one among several": (("animal", "fish"), None),
    "list in a list": ((("animal",),), None),
}
FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "item that is not there": ({"item_id": "zz"}, "there is no item with the id 'zz'"),
    "item of another type": ({"item_id": 3}, "answer 1 has 3 as its item_id"),
    "no item": ({"item_id": None}, "answer 1 has None as its item_id"),
    "nobody": ({"annotator": ""}, "answer 1 has '' as its annotator"),
    "no text": ({"annotator": None}, "answer 1 has None as its annotator"),
    "kind": (
        {"kind": "robot"},
        "'robot' as its kind, and nothing .* recorded; use one of",
    ),
    "stage": ({"stage": 3}, "answer 1 has 3 as its stage"),
    "round": ({"round": "0"}, "answer 1 has '0' as its round"),
    "negative round": ({"round": -1}, "answer 1 has -1 as its round"),
    "revision": ({"revision": "x"}, "answer 1 has 'x' as its revision"),
    "task version": ({"task_version": 0}, "answer 1 has 0 as its task_version"),
    "probabilities in a list": ({"probabilities": [0.5]}, r"\[0.5\] as its probabilities"),
    "probability above one": ({"probabilities": {"animal": 3.0}}, "3.0} as its probabilities"),
    "no probability": ({"probabilities": {"animal": np.nan}}, "nan} as its probabilities"),
    "reason": ({"reason": 3}, "answer 1 has 3 as its reason"),
    "usage": ({"usage": 3}, "answer 1 has 3 as its usage"),
    "time": ({"created": "now"}, "answer 1 has 'now' as its created"),
}
NO_ANSWERS: dict[str, tuple[Any, str]] = {
    "one alone": (llmal.Annotation("i0", "animal", "anna", "human"), "this is of the type Annot"),
    "text": ("i0", "this is of the type str"),
    "mapping": ({"i0": "animal"}, "this is of the type dict"),
    "nothing": (None, "this is of the type NoneType"),
    "rows": ([{"item_id": "i0", "label": "animal"}], "answer 1 is of the type dict, and no annot"),
    "pairs": ([("i0", "animal")], "answer 1 is of the type tuple"),
}


@pytest.fixture
def campaign(task: llmal.Task, tmp_path: Path) -> llmal.Campaign:
    made = llmal.Campaign(
        task,
        _pool(tmp_path),
        directory=tmp_path / "run",
        annotator=llmal.annotators.HumanQueue(task),
        start=llmal.selectors.Random(),
        selector=llmal.selectors.Random(),
        budget=llmal.Budget(batch=2),
    )
    made.ask()
    return made


def _refused(campaign: llmal.Campaign, answers: Any, words: str) -> None:
    before = list(campaign.open().annotations())
    for verb in (campaign.tell, campaign.correct):
        sentence = _said(lambda verb=verb: verb(answers))  # type: ignore[misc]
        assert re.search(words, sentence), sentence
    assert list(campaign.open().annotations()) == before


def _annotation(task: llmal.Task, **changes: Any) -> llmal.Annotation:
    return replace(llmal.Annotation("i0", _good(task), "anna", "human"), **changes)


@pytest.mark.parametrize("name", LABELS)
def test_told_labels(campaign: llmal.Campaign, task: llmal.Task, name: str) -> None:
    label, words = LABELS[name]
    one = _annotation(task, label=label)
    _refused(campaign, [_annotation(task, item_id="i1"), one], words or "does not fit")


@pytest.mark.parametrize("label", [["animal"], ("animal", "food"), (), np.array(["animal"])])
def test_told_lists_where_an_item_takes_one_label(label: Any, tmp_path: Path) -> None:
    task = TASKS["single"]
    with llmal.Campaign(
        task,
        _pool(tmp_path),
        directory=tmp_path / "run",
        annotator=llmal.annotators.HumanQueue(task),
        budget=llmal.Budget(batch=2),
    ) as campaign:
        campaign.ask()
        _refused(campaign, [_annotation(task, label=label)], "a list of labels, and task")


@pytest.mark.parametrize("name", FORMS)
def test_told_fields(campaign: llmal.Campaign, task: llmal.Task, name: str) -> None:
    changes, words = FORMS[name]
    _refused(campaign, [_annotation(task, **changes)], words)


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_what_is_no_answer(campaign: llmal.Campaign, name: str) -> None:
    _refused(campaign, *NO_ANSWERS[name])


def test_told_to_another_stage_or_round(campaign: llmal.Campaign, task: llmal.Task) -> None:
    for changes, words in (
        ({"stage": "bob"}, "is of 'bob', which is no stage of this campaign"),
        ({"round": 5}, "is said to be of round 5, which has not been asked for"),
        ({"purpose": "fun"}, "has the purpose 'fun'; use one of train, audit"),
    ):
        one = _annotation(task, **changes)
        assert words in _said(lambda one=one: campaign.tell([one]))  # type: ignore[misc]
    campaign.tell([_annotation(task)])
    other = "food" if task.kind == "single" else ("food",)
    told = _said(lambda: campaign.tell([_annotation(task, label=other)]))
    assert "'anna' has answered" in told
    assert len(list(campaign.open().annotations())) == 1


# Files that people fill in

CELLS = {
    "unknown": ("fish", "line 2, column label: 'fish' is not a label of task 'farm'"),
    "number": ("7", "line 2, column label: '7' is not a label of task 'farm'"),
    "half a list": ("['animal'", "line 2, column label: \"['animal'\" is not a label"),
    "an unknown one among several": ("animal|fish", "fish' is not a label of task 'farm'"),
}
Edit = Callable[[pd.DataFrame], pd.DataFrame]
TABLES: dict[str, tuple[Edit, str]] = {
    "no id": (lambda t: t.assign(id="", label="animal"), "line 2: the row has no id; write its id"),
    "other id": (lambda t: t.assign(id="zz", label="animal"), "line 2, column id: no item 'zz' is"),
    "sorted apart": (lambda t: t.assign(id=list(t.id[::-1]), label="animal"), "put ids and texts"),
    "twice": (
        lambda t: pd.concat([t.assign(label="animal"), t.assign(label="food")]),
        "line 4, column label: item",
    ),
}
FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no label column": (lambda f: f.write_text("id,text\ni1,x\n"), "line 1: the column 'label' is"),
    "no id column": (lambda f: f.write_text("label,text\nfood,x\n"), "line 1: the column 'id' is"),
    "empty": (lambda f: f.write_text(""), "line 1: the column 'id' is gone; keep the first line"),
    "no table": (lambda f: f.write_bytes(b"\x00\xff\x00"), "line 1: the column 'id' is gone"),
    "open quotation mark": (
        lambda f: f.write_text('id,label\ni1,"x\n'),
        "line 2: the row",
    ),
    "folder": (lambda f: (f.unlink(), f.mkdir()), "cannot be read (Is a directory); check what"),
}


def _run(folder: Path, task: llmal.Task, edit: Callable[[Path], object] | None = None) -> Any:
    """What `llmal run` says, after the file that it wrote for people was edited."""
    config = folder / "farm.yaml"
    if not config.exists():
        config.write_text(YAML % (task.kind, "", "queue"))
        (folder / "pool.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
        assert CliRunner().invoke(app, ["run", str(config), "--quiet"]).exit_code == 3
    if edit is not None:
        edit(folder / "run" / "to_label.csv")
    result = CliRunner().invoke(app, ["run", str(config), "--quiet"])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    return result


def _answers(folder: Path) -> list[llmal.Annotation]:
    with Ledger.open(folder / "run" / "ledger.sqlite") as ledger:
        return list(ledger.annotations())


def _edited(edit: Edit) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        edit(table).to_csv(path, index=False)

    return apply


@pytest.mark.parametrize("name", CELLS)
def test_cells_of_the_label_file(task: llmal.Task, name: str, tmp_path: Path) -> None:
    cell, words = CELLS[name]
    result = _run(tmp_path, task, _edited(lambda t: t.assign(label=[cell, ""])))
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert "to_label.csv, line 2, column label" in warnings[0]
    assert words in warnings[0]
    assert result.exit_code == 3
    assert _answers(tmp_path) == []
    kept = pd.read_csv(tmp_path / "run" / "to_label.csv", dtype=str, keep_default_na=False)
    assert cell in list(kept.label)


@pytest.mark.parametrize("name", TABLES)
def test_rows_of_the_label_file(task: llmal.Task, name: str, tmp_path: Path) -> None:
    edit, words = TABLES[name]
    result = _run(tmp_path, task, _edited(edit))
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 2, result.stderr  # one for each row that is wrong
    assert words in warnings[0]
    assert result.exit_code == 3


@pytest.mark.parametrize("name", FILES)
def test_label_files_that_cannot_be_read(task: llmal.Task, name: str, tmp_path: Path) -> None:
    edit, words = FILES[name]
    result = _run(tmp_path, task, edit)
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert words in errors[0]
    assert "to_label.csv" in errors[0]
    assert result.exit_code == 1


CORRECTIONS = {
    "no such file": (None, "there is no such file; check --file"),
    "empty": ("", "there is no label in it; give the columns id and label"),
    "no id column": (
        "label\nanimal\n",
        "line 2: the row has no 'id'; give the col",
    ),
    "no label column": ("id\ni1\n", "line 2: the row has no 'label'"),
    "unknown label": ("id,label\ni1,animal\ni2,fish\n", "line 3: 'fish' is not a label of task"),
    "unknown item": ("id,label\nzz,animal\n", "line 2: there is no item with the id 'zz'"),
    "two labels": ("id,label\ni1,animal\ni1,food\n", "line 3: item 'i1' is "),
    "no label": ("id,label\ni1,\n", "there is no label in it"),
    "open quotation mark": ('id,label\ni1,"ani\n', "line 2: the row that starts here is not valid"),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each kind that people have labelled."""
    made = {}
    for kind in TASKS:
        folder = tmp_path_factory.mktemp(kind)
        gold = [{**row, "gold": ("animal", "food")[n % 2]} for n, row in enumerate(ROWS)]
        (folder / "pool.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in gold))
        (folder / "farm.yaml").write_text(YAML % (kind, ", gold: gold", "gold"))
        result = CliRunner().invoke(app, ["run", str(folder / "farm.yaml"), "--quiet"])
        assert result.exit_code == 0, result.stderr
        made[kind] = folder
    return made


@pytest.mark.parametrize("name", CORRECTIONS)
def test_files_of_corrections(
    task: llmal.Task, name: str, finished: dict[str, Path], tmp_path: Path
) -> None:
    content, words = CORRECTIONS[name]
    file = tmp_path / "corrections.csv"
    if content is not None:
        file.write_text(content)
    before = _answers(finished[task.kind])
    run = str(finished[task.kind] / "run")
    result = CliRunner().invoke(app, ["relabel", run, "--file", str(file), "--by", "anna"])
    assert result.exit_code == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert str(file) in errors[0]
    assert words in errors[0]
    assert _answers(finished[task.kind]) == before


# Labels so far, and tasks

SO_FAR: dict[str, tuple[Any, str]] = {
    "number": (3, "labelled is of the type int; give a column of the data, a label or None"),
    "too few": (["animal"], "there are 6 rows and 1 values in labelled"),
    "unknown": (["fish", *[None] * 5], "labelled, row 0: 'fish' is not a label of task 'farm'"),
    "object": ([object(), *[None] * 5], "labelled, row 0: the label is of type object"),
    "row that is not there": ({99: "animal"}, "labelled has the key 99; give row numbers, 0 to 5"),
    "row by name": ({"0": "animal"}, "labelled has the key '0'; give row numbers, 0 to 5"),
    "no such file": ("labels.csv", "labels.csv: there is no such file; check labelled"),
    "no column": ("labels", "labelled names neither a column nor a file: 'labels'"),
}


@pytest.mark.parametrize("name", SO_FAR)
def test_labels_so_far(task: llmal.Task, name: str) -> None:
    labelled, words = SO_FAR[name]
    assert words in _said(
        lambda: llmal.select(
            ROWS, 2, strategy="random", labelled=labelled, labels=task, text="text", progress=False
        )
    )


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([None, "a"], "task 'farm' has the label None; give the name of each label"),
        ([["a"], "b"], r"task 'farm' has the label \['a'\]; give the name of each label"),
        ([float("nan"), "b"], "task 'farm' has the label nan"),
        (["a"], r"task 'farm' has 1 label\(s\); a task needs at least two"),
        (["a", "a"], "labels 1 and 2 of task 'farm' are both named 'a'"),
        ("animal", "the labels of task 'farm' are one string"),
        (["", "a"], "label 1 of task 'farm' has an empty name"),
    ],
)
@pytest.mark.parametrize("kind", TASKS)
def test_labels_of_a_task(labels: Any, words: str, kind: Any) -> None:
    assert re.search(words, _said(lambda: llmal.Task("farm", labels, kind=kind)))
