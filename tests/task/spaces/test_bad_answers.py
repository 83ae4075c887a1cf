"""What is no answer of several labels is said in one sentence, wherever it comes in."""

from __future__ import annotations

import json

import numpy as np
import pytest

import llmal
from llmal.annotators import LLMAnnotator, Recorded
from llmal.annotators.protocol import Context
from llmal.calibration import make
from llmal.calibration.per_label import PerLabel
from llmal.config import parse_config
from llmal.core.records import Item
from llmal.errors import LlmalError
from llmal.learners import LinearHead
from llmal.pool import Pool
from llmal.selectors import RoundState
from llmal.task import Task
from llmal.task.spaces import Multi
from llmal.task.spaces.thresholds import check_thresholds

NAMES = ["joy", "anger", "fear"]
TASK = Task("emotions", NAMES, kind="multi")
X = np.random.default_rng(0).normal(size=(6, 2))
ODDS = np.random.default_rng(1).normal(size=(6, 3))


def _said(error: LlmalError) -> str:
    """The message, which must be one sentence of one line that says something."""
    text = str(error)
    assert len(text.splitlines()) == 1, text
    assert 20 < len(text) < 400, text
    assert "Traceback" not in text
    assert "object at 0x" not in text
    return text


CELLS = [
    "hate",
    "joy|hate",
    "joy||anger|hat",
    '["joy", "hate"]',
    '["joy", null]',
    '["joy", ["anger"]]',
    '[{"label": "joy"}]',
    '{"joy": 1}',
    "[joy",
    "joy and anger",
    "1|0|1",
    "joy:0.9",
    ["joy", None],
    ["joy", ""],
    [["joy"]],
    [0, 1],
    [True],
    {"joy": 1, "hate": 1},
    {"joy": 0.7, "anger": 0, "fear": 0},
    {"joy": 1, "anger": None, "fear": 0},
    {"joy": "maybe", "anger": 0, "fear": 0},
    {"labels": ["joy"]},
    True,
    1,
    0.5,
    b"joy",
]


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_an_answer_from_outside(cell):
    with pytest.raises(LlmalError) as caught:
        TASK.match(cell)
    _said(caught.value)


@pytest.mark.parametrize("cell", [one for one in CELLS if not isinstance(one, bytes)], ids=repr)
def test_gold_in_a_file(cell, tmp_path):
    rows = [{"text": "a", "gold": None if isinstance(cell, str) else []}, {"text": "b"}]
    rows[1]["gold"] = cell
    file = tmp_path / "pool.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(LlmalError) as caught:
        Pool.from_file(file, gold="gold", cache=tmp_path / "cache").match_labels(TASK)
    said = _said(caught.value)
    assert "line 2" in said or "gold" in said


@pytest.mark.parametrize("cell", [one for one in CELLS if isinstance(one, str)], ids=repr)
def test_gold_in_a_spreadsheet(cell, tmp_path):
    import pandas as pd

    file = tmp_path / "pool.csv"
    pd.DataFrame({"text": ["a", "b"], "gold": ["joy", cell]}).to_csv(file, index=False)
    with pytest.raises(LlmalError) as caught:
        Pool.from_file(file, gold="gold", cache=tmp_path / "cache").match_labels(TASK)
    # The header is line 1.
    assert "line 3" in _said(caught.value)


@pytest.mark.parametrize(
    "answer",
    ["joy", ("joy", "hate"), ("joy", 1), {"joy": 1}, 3, ["hate"], ("",)],
    ids=repr,
)
def test_an_answer_that_is_told(answer):
    for ask in (lambda: TASK.space.targets([answer]), lambda: TASK.space.write(answer)):
        with pytest.raises(LlmalError) as caught:
            ask()
        _said(caught.value)
    assert not TASK.space.holds(answer)


@pytest.mark.parametrize("answer", [("joy", "anger"), ("joy", "joy"), ["joy"], "joy", None, 1])
def test_what_is_not_spelt_as_the_task_spells_it_is_not_held(answer):
    assert not TASK.space.holds(answer)


@pytest.mark.parametrize(
    "answer", ["hate", ["hate"], "joy", 3, {"joy": 2}, ("joy", None)], ids=repr
)
def test_an_annotation_that_a_campaign_is_told(answer, tmp_path):
    pool = Pool.from_texts([f"text {n}" for n in range(6)], cache=tmp_path / "cache")
    with llmal.Campaign(
        TASK, pool, directory=tmp_path / "run", start=llmal.selectors.make("random"), start_items=2
    ) as campaign:
        order = campaign.ask()
        told = llmal.Annotation(
            item_id=order.items[0].id, label=answer, annotator="human", kind="human"
        )
        if answer == "joy":
            # What can only be one answer is read as it.
            campaign.tell([told])
            return
        with pytest.raises(LlmalError) as caught:
            campaign.tell([told])
        _said(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        "best", "", "0.5", None, True, -0.1, 1.1, float("nan"), [0.5], [0.5, 0.5, 0.5],
        {"joy": 2}, {"joy": None}, {"joy": "0.5"}, {"hate": 0.5}, {1: 0.5}, {"joy": True},
    ],
    ids=repr,
)  # fmt: skip
def test_thresholds(given):
    with pytest.raises(LlmalError) as caught:
        check_thresholds(TASK, given)
    _said(caught.value)


@pytest.mark.parametrize("given", ["best", "1.5", "-1", "[0.5]", "{joy: 2}", "{joy: high}", "true"])
def test_thresholds_in_a_configuration(given, tmp_path):
    text = (
        "task: {name: t, kind: multi, labels: [joy, anger, fear]}\n"
        "data: {pool: pool.jsonl}\n"
        "lm: {backend: transformers, model: m}\n"
        f"annotator: {{name: llm, thresholds: {given}}}\n"
        "budget: {human_labels: 5}\n"
        "directory: run\n"
    )
    with pytest.raises(LlmalError) as caught:
        parse_config(text, base=tmp_path)
    assert "thresholds" in str(caught.value)
    assert "line 4" in str(caught.value)


@pytest.mark.parametrize(
    "shares", [(0.5, 0.5), (0.5, 0.5, 0.0), (0.5, 0.5, 1.5), (0.5, 0.5, float("nan")), ("a",) * 3]
)
def test_shares_of_labels(shares):
    with pytest.raises(LlmalError) as caught:
        PerLabel(make("prior-matching"), shares).fit(ODDS)
    _said(caught.value)


@pytest.mark.parametrize(
    ("scores", "labels"),
    [
        (ODDS[:0], None),
        (ODDS[0], None),
        (np.full((3, 3), np.nan), None),
        ("scores", None),
        ([[1.0], [1.0, 2.0]], None),
        (ODDS, np.zeros((6, 2))),
        (ODDS, np.zeros(6)),
        (ODDS, np.full((6, 3), 2)),
        (ODDS, None),
    ],
)
def test_scores_and_labels_of_calibrators(scores, labels):
    name = "batch" if labels is None and scores is not ODDS else "temperature"
    with pytest.raises(LlmalError) as caught:
        PerLabel(make(name)).fit(scores, labels)
    _said(caught.value)


@pytest.mark.parametrize(
    "table",
    [
        np.zeros((5, 3)),
        np.full((6, 3), 2),
        np.full((6, 3), -1),
        np.full((6, 3), 0.5),
        np.full((6, 3), np.nan),
        np.full((6, 3), "joy"),
        np.zeros((6, 0)),
        np.zeros((6, 3, 2)),
        np.full((6, 3), None),
    ],
    ids=lambda one: f"{one.shape} of {one.ravel()[:1]}",
)
def test_tables_for_learners(table):
    with pytest.raises(LlmalError) as caught:
        LinearHead().fit(X, table)
    _said(caught.value)


@pytest.mark.parametrize(
    "labels", [[0, 1], np.zeros((1, 3)), np.full((2, 3), 2), [[1, 0], [1]], [("joy",), ()], "joy"]
)
def test_tables_for_selectors(labels):
    with pytest.raises(LlmalError) as caught:
        RoundState.from_arrays(
            probabilities=np.full((6, 3), 0.5), labelled=[0, 1], labels=labels, space=TASK.space
        )
    _said(caught.value)


@pytest.mark.parametrize("cell", ["hate", ["joy", "hate"], 5, {"joy": 3}], ids=repr)
def test_recorded_answers_abstain_and_are_flagged(cell):
    item = Item("1", "t", extra={"by": cell})
    (given,) = Recorded("by", labels=NAMES, space=TASK.space).annotate([item])
    assert given.label is None
    assert given.flags == ("not a label of the task",)


def test_labelled_items_with_answers_of_another_task_are_left_out(tiny_hf):
    shown = [
        Item("1", "a", gold=("hate",)),
        Item("2", "b", gold="joy"),
        Item("3", "c", gold=("joy",)),
    ]
    made = LLMAnnotator(TASK, tiny_hf, style="completion", calibrate=None, shots=3)
    (given,) = made.annotate(["text"], Context(demonstrations=tuple(shown), seed=0))
    assert given.provenance["demonstrations"] == ["3"]


@pytest.mark.parametrize(
    "labels", [[], ["joy"], ["joy", "joy"], ["joy", ""], ["joy", "Joy "], "joy"]
)
def test_labels_that_make_no_task(labels):
    with pytest.raises(LlmalError) as caught:
        Task("t", labels, kind="multi")
    _said(caught.value)


def test_a_space_alone_says_whose_labels_they_are():
    with pytest.raises(LlmalError, match="'hate' is not a label of task 'mine'"):
        Multi(NAMES, "task 'mine'").from_json(["hate"])
