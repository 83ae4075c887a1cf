"""What a pool is made of in memory: whatever holds texts in a row, or one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pytest

from llmal.errors import DataError
from llmal.pool import Pool

TEXTS = ["one", "two", "one"]


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        pd.Series(TEXTS, index=[7, 8, 9]),
        dict.fromkeys(["one", "two"]).keys(),
    ],
    ids=lambda one: type(one).__name__,
)
def test_texts_of_any_kind(tmp_path: Path, texts: Any):
    assert Pool.from_texts(texts, cache=tmp_path).texts() == TEXTS[: len(texts)]


def test_texts_that_come_one_after_the_other(tmp_path: Path):
    pool = Pool.from_texts(
        (one for one in TEXTS),
        (gold for gold in np.array([1, 0, 1])),
        ids=(n for n in range(3)),
        cache=tmp_path,
    )
    assert (pool.texts(), pool.gold(), pool.ids()) == (TEXTS, ["1", "0", "1"], ["0", "1", "2"])


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ("one", "one string was given; give a list of strings"),
        (b"one", "one string was given"),
        (pd.DataFrame({"text": TEXTS}), "a DataFrame was given; give one column of it"),
        ({"text": TEXTS}, "a dict was given"),
        (np.array([["a", "b"]]), "an array of shape (1, 2) was given"),
        (7, "a int was given"),
        ([b"one"], "the text in column 'text' is of type bytes"),
        ([1], "the text in column 'text' is of type int"),
        ([], "there are no rows"),
    ],
)
def test_what_holds_no_texts(tmp_path: Path, texts: Any, expected: str):
    with pytest.raises(DataError) as caught:
        Pool.from_texts(texts, cache=tmp_path)
    assert expected in str(caught.value)


def test_frames_and_rows(tmp_path: Path):
    rows = [{"text": "a", "label": 1, "n": 1.5}, {"text": "b", "label": None, "n": np.nan}]
    frame = Pool.from_pandas(pd.DataFrame(rows), gold="label", cache=tmp_path)
    listed = Pool.from_pandas(rows, gold="label", cache=tmp_path)
    assert listed.gold() == frame.gold() == ["1", None]
    assert [dict(item.extra) for item in listed] == [{"n": 1.5}, {"n": None}]
    assert Pool.from_pandas(pd.Series(TEXTS), cache=tmp_path).texts() == TEXTS
    named = pd.Series(TEXTS, name="said")
    assert Pool.from_pandas(named, text="said", cache=tmp_path).texts() == TEXTS


@pytest.mark.parametrize(
    "frame", [TEXTS, {"text": TEXTS}, "one", np.array(TEXTS), [], None, [{}, 1]]
)
def test_what_is_no_frame(tmp_path: Path, frame: Any):
    with pytest.raises(DataError, match="is no pandas frame; give a frame, or a list of rows"):
        Pool.from_pandas(frame, cache=tmp_path)


def _dataset() -> datasets.Dataset:
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    return datasets.Dataset.from_dict({"text": TEXTS, "label": [1, 0, -1]}, features=features)


def test_a_data_set_that_streams(tmp_path: Path):
    stream = _dataset().to_iterable_dataset()
    pool = Pool.from_dataset(stream, gold="label", cache=tmp_path)
    assert (pool.texts(), pool.gold()) == (TEXTS, ["yes", "no", None])
    whole = Pool.from_dataset(_dataset(), gold="label", cache=tmp_path)
    assert pool.fingerprint == whole.fingerprint
    part = Pool.from_dataset(stream.skip(1), gold="label", cache=tmp_path)
    assert part.texts() == TEXTS[1:]

    def rows() -> Any:
        yield from ({"text": one, "label": "yes"} for one in TEXTS)

    made = datasets.IterableDataset.from_generator(rows)
    assert Pool.from_dataset(made, gold="label", cache=tmp_path).gold() == ["yes"] * 3


def test_several_data_sets_are_not_one(tmp_path: Path):
    both = datasets.DatasetDict({"train": _dataset(), "dev": _dataset()})
    with pytest.raises(DataError) as caught:
        Pool.from_dataset(both, cache=tmp_path)
    assert str(caught.value) == (
        "the dataset: there are 2 data sets in it: 'train', 'dev'; give one of them, such as "
        "dataset['train']"
    )
    only = datasets.DatasetDict({"train": _dataset()})
    assert Pool.from_dataset(only, cache=tmp_path).texts() == TEXTS
    stream = _dataset().to_iterable_dataset()
    streams = datasets.IterableDatasetDict({"train": stream, "dev": stream})
    with pytest.raises(DataError, match=r"such as dataset\['train'\]"):
        Pool.from_dataset(streams, cache=tmp_path)
    assert Pool.from_dataset(both["dev"], cache=tmp_path).texts() == TEXTS


@pytest.mark.parametrize("given", [TEXTS, pd.DataFrame({"text": TEXTS}), None, "ag_news"])
def test_what_is_no_data_set(tmp_path: Path, given: Any):
    with pytest.raises(DataError, match="is no data set of `datasets`"):
        Pool.from_dataset(given, cache=tmp_path)
