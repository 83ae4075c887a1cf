"""From what stands in files, frames and forms to the labels of a task, and never to a wrong one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from llmal.annotators import Recorded
from llmal.core.records import Item
from llmal.errors import ConfigError, DataError
from llmal.pool import Pool
from llmal.task import Label, Task

TASK = Task("desk", ["billing", "true", "1", "Caf\u00e9", "not food", "2.5"])


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("billing", "billing"),
        ("Billing", "billing"),
        ("BILLING ", "billing"),
        ("\u200bbilling\ufeff", "billing"),
        ("bil\u00adling", "billing"),
        ("TRUE", "true"),
        (True, "true"),
        (np.bool_(True), "true"),
        (1, "1"),
        (1.0, "1"),
        ("1.0", "1"),
        ("01", "1"),
        ("+1", "1"),
        (np.int64(1), "1"),
        (np.float32(1), "1"),
        (np.str_("billing"), "billing"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("CAFE\u0301", "Caf\u00e9"),
        ("not\nfood", "not food"),
        ("Not \t food", "not food"),
        ("not\u00a0food", "not food"),
        (2.5, "2.5"),
    ],
)
def test_a_value_stands_for_the_one_label_that_can_be_meant(value: Any, label: str):
    assert TASK.match(value) == label


@pytest.mark.parametrize(
    "value", [None, float("nan"), np.float64("nan"), pd.NA, pd.NaT, "", " \n", "\u200b"]
)
def test_an_empty_cell_is_no_label(value: Any):
    assert TASK.match(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bill", "'bill' is not a label of task 'desk'; its labels are billing, true, 1,"),
        ("bilking", "did you mean 'billing'?"),
        ("11", "'11' is not a label of task 'desk'"),
        ("Cafe", "'Cafe' is not a label of task 'desk'"),
        (False, "'False' is not a label"),
        (["billing"], "there is a list of labels, and task 'desk' takes one label an item"),
        (math.inf, "the label is the number inf, which may have lost digits"),
    ],
)
def test_a_value_that_is_no_label_is_one_sentence(value: Any, expected: str):
    with pytest.raises(DataError) as caught:
        TASK.match(value)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_where_two_could_be_meant_only_the_letter_decides():
    task = Task("t", ["US", "us", "1", "1.0", "other"])
    assert [task.match(one) for one in ("US", "us", "1", "1.0", 1, 1.0)] == [
        "US", "us", "1", "1.0", "1", "1",
    ]  # fmt: skip
    with pytest.raises(DataError) as caught:
        task.match("Us")
    assert str(caught.value) == (
        "'Us' could be the label 'US' or 'us' of task 't'; write it as one of them is written"
    )
    with pytest.raises(DataError, match=r"could be the label '1' or '1\.0'"):
        task.match("01")


@pytest.mark.parametrize("mark", ["\n", "\r", "\u2028", "\x0b"])
def test_a_label_or_a_word_of_two_lines_is_refused(mark: str):
    with pytest.raises(ConfigError, match="has a line break in its name"):
        Task("t", [f"a{mark}b", "c"])
    with pytest.raises(ConfigError, match="which has a line break in it"):
        Task("t", [Label("a", words=(f"x{mark}y",)), "c"])


@pytest.mark.parametrize(
    ("one", "other"),
    [("caf\u00e9", "cafe\u0301"), ("a b", "a  b"), ("ab", "a\u200bb"), ("a b", "a\u00a0b")],
)
def test_labels_that_look_the_same_are_told_apart_in_the_message(one: str, other: str):
    with pytest.raises(ConfigError) as caught:
        Task("t", ["x", one, other])
    said = str(caught.value)
    assert said.startswith("labels 2 and 3 of task 't' look the same")
    assert ascii(one) in said
    assert ascii(other) in said
    assert said.isascii()


def test_gold_of_a_pool_is_spelt_as_the_task_spells_it(tmp_path: Path):
    rows = [("a", "BILLING"), ("b", True), ("c", None), ("d", 1), ("e", "Cafe\u0301"), ("f", " ")]
    frame = pd.DataFrame(rows, columns=["text", "gold"])
    pool = Pool.from_pandas(frame, gold="gold", cache=tmp_path)
    matched = pool.match_labels(TASK)
    assert matched.gold() == ["billing", "true", None, "1", "Caf\u00e9", None]
    assert [item.gold for item in matched[[4, 0]]] == ["Caf\u00e9", "billing"]
    assert matched.gold_counts() == {"1": 1, "Caf\u00e9": 1, "billing": 1, "true": 1}
    assert matched.fingerprint == pool.fingerprint, "it is that of the content"
    assert matched.match_labels(TASK).gold() == matched.gold()
    other = Task("t", ["Billing", "TRUE", "1.0", "CAF\u00c9"])
    assert matched.match_labels(other).gold() == ["Billing", "TRUE", None, "1.0", "CAF\u00c9", None]


@pytest.mark.parametrize("values", [[1, None, 0], [True, None, False], [1.0, np.nan, 0.0]])
def test_one_empty_cell_does_not_change_the_labels_of_a_frame(tmp_path: Path, values: list[Any]):
    names = ["False", "True"] if values[0] is True else ["0", "1"]
    frame = pd.DataFrame({"text": ["a", "b", "c"], "gold": values})
    task = Task("t", names)
    expected = [names[1], None, names[0]]
    pool = Pool.from_pandas(frame, gold="gold", cache=tmp_path)
    assert pool.match_labels(task).gold() == expected
    for name, write in (("p.csv", frame.to_csv), ("p.parquet", frame.to_parquet)):
        write(tmp_path / name, index=False)
        pool = Pool.from_file(tmp_path / name, gold="gold", cache=tmp_path)
        assert pool.match_labels(task).gold() == expected, name


def test_numpy_texts_ids_and_labels(tmp_path: Path):
    for gold in (np.array([1, 0]), np.array(["1", "0"]), np.array([True, False]), [1.0, 0.0]):
        pool = Pool.from_texts(
            list(np.array(["a", "b"])), list(gold), ids=list(np.array([7, 8])), cache=tmp_path
        )
        assert pool.ids() == ["7", "8"]
        assert pool.texts() == ["a", "b"]
        names = ["True", "False"] if gold[0] is np.True_ else ["1", "0"]
        assert pool.match_labels(Task("t", names)).gold() == names


def test_recorded_answers_are_matched_too():
    annotator = Recorded("said", labels=["yes", "No"])
    answers = ["YES", "no ", "yes", True, "maybe", None]
    given = annotator.annotate(
        [Item(str(n), "t", extra={"said": one}) for n, one in enumerate(answers)]
    )
    assert [one.label for one in given] == ["yes", "No", "yes", None, None, None]
    assert [bool(one.flags) for one in given] == [False, False, False, True, True, False]


def test_a_file_of_labels_without_a_surprise(tmp_path: Path):
    rows = [{"text": str(n), "label": one} for n, one in enumerate(["Yes", "YES", "yes", "no"])]
    file = tmp_path / "p.json"
    file.write_text(json.dumps(rows))
    pool = Pool.from_file(file, gold="label", cache=tmp_path)
    assert pool.match_labels(Task("t", ["yes", "no"])).gold_counts() == {"yes": 3, "no": 1}
