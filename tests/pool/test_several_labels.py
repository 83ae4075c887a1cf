"""Gold where an item takes several labels, in the shapes that people have."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pandas as pd
import pytest

from llmal import Pool
from llmal.errors import DataError
from llmal.pool.input_columns import InputColumns
from llmal.task import Task

TASK = Task("emotions", ["joy", "anger", "fear"], kind="multi")
TEXTS = ["a", "b", "c", "d"]
GOLD = [("anger", "joy"), (), None, ("fear",)]


def _check(pool: Pool) -> None:
    matched = pool.match_labels(TASK)
    assert matched.gold() == GOLD
    assert [item.gold for item in matched] == GOLD
    assert matched[[3, 0]].gold() == [GOLD[3], GOLD[0]]
    assert matched.gold_counts() == {"anger": 1, "fear": 1, "joy": 1}
    assert matched.fingerprint == pool.fingerprint
    assert matched.match_labels(TASK).gold() == GOLD


def _lines(tmp_path: Path, golds: list, key: str = "label") -> Path:
    rows = [{"text": t, key: g} for t, g in zip(TEXTS, golds, strict=True)]
    file = tmp_path / "p.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


def test_lists_as_doccano_writes_them(tmp_path):
    file = _lines(tmp_path, [["joy", "Anger"], [], None, ["fear"]])
    pool = Pool.from_file(file, gold="label", cache=tmp_path)
    assert pool.gold() == [("joy", "Anger"), (), None, ("fear",)]
    _check(pool)


def test_objects_of_marks(tmp_path):
    marks = [{"joy": 1, "anger": True, "fear": 0}, dict.fromkeys(TASK.names, 0), None, {"fear": 1}]
    _check(Pool.from_file(_lines(tmp_path, marks), gold="label", cache=tmp_path))


def test_texts_with_something_between(tmp_path):
    for golds in (["joy|anger", "none", "", "fear"], ["anger#joy", "[]", "", "fear"]):
        frame = pd.DataFrame({"text": TEXTS, "gold": golds})
        frame.to_csv(tmp_path / "p.csv", index=False)
        _check(Pool.from_file(tmp_path / "p.csv", gold="gold", cache=tmp_path))


def test_lists_that_pandas_wrote_to_csv(tmp_path):
    frame = pd.DataFrame({"text": TEXTS, "gold": [["joy", "anger"], [], None, ["fear"]]})
    _check(Pool.from_pandas(frame, gold="gold", cache=tmp_path))
    frame.to_csv(tmp_path / "p.csv", index=False)
    _check(Pool.from_file(tmp_path / "p.csv", gold="gold", cache=tmp_path))


def test_columns_of_ones_and_zeros(tmp_path):
    frame = pd.DataFrame(
        {"text": TEXTS, "Joy": [1, 0, None, 0], "anger": [1, 0, None, 0], "fear": [0, 0, None, 1]}
    )
    frame.to_csv(tmp_path / "p.csv", index=False)
    pool = Pool.from_file(tmp_path / "p.csv", gold=["Joy", "anger", "fear"], cache=tmp_path)
    assert pool.gold_column is None
    assert pool.gold_columns == ("Joy", "anger", "fear")
    _check(pool)
    _check(Pool.from_pandas(frame, gold=("Joy", "anger", "fear"), cache=tmp_path))
    rows = [InputColumns(pool.match_labels(TASK), ()).values(item) for item in pool]
    assert [(row["Joy"], row["anger"], row["fear"]) for row in rows] == [
        (1, 1, 0), (0, 0, 0), (None, None, None), (0, 0, 1),
    ]  # fmt: skip


def test_class_numbers_of_a_data_set(tmp_path):
    kind = datasets.Sequence(datasets.ClassLabel(names=["joy", "anger", "fear"]))
    features = datasets.Features({"text": datasets.Value("string"), "labels": kind})
    made = datasets.Dataset.from_dict(
        {"text": TEXTS, "labels": [[0, 1], [], None, [2]]}, features=features
    )
    _check(Pool.from_dataset(made, gold="labels", cache=tmp_path))
    _check(Pool.from_dataset(made.to_iterable_dataset(), gold="labels", cache=tmp_path))
    made.to_parquet(str(tmp_path / "p.parquet"))
    _check(Pool.from_file(tmp_path / "p.parquet", gold="labels", cache=tmp_path))


def test_lists_of_texts_in_memory(tmp_path):
    _check(Pool.from_texts(TEXTS, [["joy", "anger"], [], None, ["fear"]], cache=tmp_path))


def test_other_labels_make_another_fingerprint(tmp_path):
    one = Pool.from_texts(["a"], [["joy"]], cache=tmp_path)
    assert one.fingerprint != Pool.from_texts(["a"], [["fear"]], cache=tmp_path).fingerprint


@pytest.mark.parametrize(
    ("golds", "said"),
    [
        (["joy", ["fear"], None, None], "line 2: there is a list of labels, and rows before have"),
        ([["joy"], ["joy", None], None, None], "line 2: the label in column 'label' is of type"),
        ([{"joy": 1, "fear": None}, None, None, None], "line 1: nothing is said of the label"),
        ([{"joy": 5}, None, None, None], "line 1: the label 'joy' is marked with 5"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path, golds, said):
    with pytest.raises(DataError, match=said):
        Pool.from_file(_lines(tmp_path, golds), gold="label", cache=tmp_path)


def test_labels_of_another_task_are_named(tmp_path):
    pool = Pool.from_file(_lines(tmp_path, [["joy"], ["jo"], [], []]), gold="label", cache=tmp_path)
    with pytest.raises(DataError, match=r"line 2, column 'label': 'jo' is not a label of task"):
        pool.match_labels(TASK)
    with pytest.raises(DataError, match=r"line 1.*there is a list of labels, and task 'one' takes"):
        pool.match_labels(Task("one", TASK.names))


def test_a_gold_column_that_is_no_label_is_named(tmp_path):
    frame = pd.DataFrame({"text": ["a"], "joy": [1], "hate": [0]})
    pool = Pool.from_pandas(frame, gold=["joy", "hate"], cache=tmp_path)
    with pytest.raises(DataError, match="column 'hate': 'hate' is not a label"):
        pool.match_labels(TASK)
    with pytest.raises(DataError, match="there is no gold column 'fear'"):
        Pool.from_pandas(frame, gold=["joy", "fear"], cache=tmp_path)
    with pytest.raises(DataError, match="the gold column 'joy' is named twice"):
        Pool.from_pandas(frame, gold=["joy", "joy"], cache=tmp_path)


def test_a_pool_of_before_has_the_fingerprint_that_it_had(tmp_path):
    pool = Pool.from_texts(["a", "b"], ["x", None], ids=["1", "2"], cache=tmp_path)
    assert pool.fingerprint == "1a302164e345ed37b63c90efe8f39037"
