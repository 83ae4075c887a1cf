"""Where a pool may come from: a file, a frame, a `datasets.Dataset`, the Hub, a list of texts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llmal.core.spelling import is_missing
from llmal.errors import DataError
from llmal.pool.readers import (
    DETECTED,
    Numbered,
    Reading,
    class_name,
    class_names,
    counted_in,
    format_of,
    numbered_tables,
    read_rows,
)
from llmal.pool.store import Source

_BATCH = 4_096


def file_source(path: str | os.PathLike[str], reading: Reading = DETECTED) -> Source:
    """A file, known by its absolute path, its size and the time of its last change.

    Raises:
        ConfigError: Its format has not the options that were given.
        DataError: It is missing, empty, a directory, or of an unknown format.
    """
    name, file = str(path), Path(path).expanduser().resolve()
    suffix = format_of(file, name)
    reading.check(suffix, name)
    version = _version(file, name)

    def unchanged() -> None:
        if _version(file, name) != version:
            raise DataError(
                "the file changed while it was read", where=name, fix="start again once it is done"
            )

    return Source(
        name=name,
        unit=counted_in(suffix),
        identity=f"file:{file}" if reading == DETECTED else f"file:{file}:{reading}",
        version=version,
        rows=lambda: read_rows(file, name, reading),
        unchanged=unchanged,
        uniform=suffix not in {".jsonl", ".ndjson", ".json"},
    )


def _version(file: Path, name: str) -> str:
    try:
        status = file.stat()
    except FileNotFoundError:
        raise DataError("there is no such file", where=name, fix="check the path") from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror})", where=name) from None
    if not file.is_file():
        raise DataError("this is not a file", where=name, fix="give the path of a file")
    if status.st_size == 0:
        raise DataError("the file is empty", where=name, fix="give a file with texts")
    return f"{status.st_size:x}-{status.st_mtime_ns:x}"


def frame_source(frame: Any) -> Source:
    """A pandas frame, a series, or a list of mappings. Missing values are null; no index is kept.

    Raises:
        DataError: Two columns have one name, or it is nothing of the kind.
    """
    name = "the frame"
    import pandas as pd

    if isinstance(frame, Sequence) and all(isinstance(row, Mapping) for row in frame) and frame:
        return _rows_source(frame)
    if isinstance(frame, pd.Series):
        frame = frame.to_frame("text" if frame.name is None else frame.name)
    if not isinstance(frame, pd.DataFrame):
        raise DataError(
            f"a {type(frame).__name__} is no pandas frame",
            fix="give a frame, or a list of rows as mappings of columns to values; for a list of "
            "strings there is Pool.from_texts",
        )
    columns = [str(column) for column in frame.columns]
    twice = next((one for one in columns if columns.count(one) > 1), None)
    if twice is not None:
        raise DataError(f"two columns are named {twice!r}", where=name, fix="rename one of them")

    def rows() -> Iterator[Numbered]:
        for start in range(0, len(frame), _BATCH):
            part = frame.iloc[start : start + _BATCH]
            part = part.astype(object).where(part.notna(), None)
            for number, row in enumerate(part.to_dict("records"), start + 1):
                yield number, {str(column): value for column, value in row.items()}

    return Source(name, "row", "frame", None, rows)


def _rows_source(rows: Sequence[Mapping[Any, Any]]) -> Source:
    def numbered() -> Iterator[Numbered]:
        for number, row in enumerate(rows, start=1):
            yield (
                number,
                {str(key): None if is_missing(value) else value for key, value in row.items()},
            )

    return Source("the list of rows", "row", "rows", None, numbered, uniform=False)


def dataset_source(dataset: Any, name: str = "the dataset") -> Source:
    """A `datasets.Dataset`, known by its fingerprint, or one that streams.

    Class numbers become class names.

    Raises:
        DataError: It holds several data sets, or is none.
    """
    import datasets

    if isinstance(dataset, datasets.DatasetDict | datasets.IterableDatasetDict):
        if len(dataset) == 1:
            [only] = dataset.values()
            return dataset_source(only, name)
        splits = ", ".join(map(repr, dataset))
        first = next(iter(dataset), "train")
        raise DataError(
            f"there are {len(dataset)} data sets in it: {splits}",
            where=name,
            fix=f"give one of them, such as dataset[{first!r}]",
        )
    if isinstance(dataset, datasets.IterableDataset):
        return _stream_source(dataset, name)
    if not isinstance(dataset, datasets.Dataset):
        raise DataError(
            f"a {type(dataset).__name__} is no data set of `datasets`",
            fix="give a datasets.Dataset; for rows there is Pool.from_pandas, for texts from_texts",
        )
    arrow = dataset.with_format("arrow")

    def rows() -> Iterator[Numbered]:
        return numbered_tables(dataset.features.arrow_schema, arrow.iter(batch_size=_BATCH))

    return Source(name, "row", f"dataset:{dataset._fingerprint}", "1", rows)


def _stream_source(dataset: Any, name: str) -> Source:
    """A data set that is read once, from its beginning; what it holds is known only then."""
    features = dataset.features or {}
    classes = {
        column: names for column, feature in features.items() if (names := class_names(feature))
    }

    def rows() -> Iterator[Numbered]:
        for number, row in enumerate(dataset, start=1):
            yield (
                number,
                {
                    column: class_name(value, classes[column]) if column in classes else value
                    for column, value in row.items()
                },
            )

    return Source(name, "row", "stream", None, rows, uniform=False)


def hub_source(name: str, split: str, subset: str | None, revision: str | None) -> Source:
    """A split of a data set on the Hugging Face Hub, or in its local cache.

    Raises:
        DataError: It does not exist, or cannot be reached.
    """
    import datasets
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    label = f"{name}[{split}]"
    try:
        dataset = datasets.load_dataset(name, subset, split=split, revision=revision)
    except (
        OSError,
        ValueError,
        HfHubHTTPError,
        HFValidationError,
        datasets.exceptions.DatasetsError,
    ) as error:
        detail = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DataError(
            f"the data set cannot be had from the Hugging Face Hub ({detail})",
            where=label,
            fix="check name, split and network, or download it and use Pool.from_file",
        ) from None
    return dataset_source(dataset, label)


def list_source(
    texts: Iterable[Any], gold: Iterable[Any] | None, ids: Iterable[Any] | None
) -> Source:
    """Texts in memory: lists, arrays, series, or what gives one after the other.

    Raises:
        DataError: They differ in length, or are no lists of single values.
    """
    name = "the list of texts"
    given = {"text": texts, "gold": gold, "id": ids}
    lists = {
        column: _listed(values, name) for column, values in given.items() if values is not None
    }
    for column, values in lists.items():
        if len(values) != len(lists["text"]):
            raise DataError(
                f"there are {len(lists['text'])} texts but {len(values)} values for {column}",
                where=name,
                fix="give one for each text",
            )

    def rows() -> Iterator[Numbered]:
        for number, values in enumerate(zip(*lists.values(), strict=True), 1):
            yield number, dict(zip(lists, values, strict=True))

    return Source(name, "row", "texts", None, rows)


def _listed(values: Any, name: str) -> list[Any]:
    """The values of anything that has them in a row."""
    if isinstance(values, str | bytes):
        raise DataError("one string was given", where=name, fix="give a list of strings")
    pandas = sys.modules.get("pandas")
    is_frame = pandas is not None and isinstance(values, pandas.DataFrame)
    if isinstance(values, Mapping) or is_frame:
        raise DataError(
            f"a {type(values).__name__} was given",
            where=name,
            fix="give one column of it; for a whole frame there is Pool.from_pandas",
        )
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise DataError(
            f"an array of shape {values.shape} was given",
            where=name,
            fix="give one of one dimension",
        )
    if not isinstance(values, Iterable):
        raise DataError(
            f"a {type(values).__name__} was given", where=name, fix="give a list of strings"
        )
    return list(values)
