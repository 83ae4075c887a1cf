"""Where a pool may come from: a file, a frame, a `datasets.Dataset`, the Hub, a list of texts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from llmal.errors import DataError
from llmal.pool.readers import (
    DETECTED,
    Numbered,
    Reading,
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
    """A pandas frame. Missing values are null; the index is left out.

    Raises:
        DataError: Two columns have one name.
    """
    name = "the frame"
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


def dataset_source(dataset: Any, name: str = "the dataset") -> Source:
    """A `datasets.Dataset`, known by its fingerprint. Class numbers become class names."""
    arrow = dataset.with_format("arrow")

    def rows() -> Iterator[Numbered]:
        return numbered_tables(dataset.features.arrow_schema, arrow.iter(batch_size=_BATCH))

    return Source(name, "row", f"dataset:{dataset._fingerprint}", "1", rows)


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
    texts: Sequence[str], gold: Sequence[str | None] | None, ids: Sequence[str] | None
) -> Source:
    """Texts in memory.

    Raises:
        DataError: The lists differ in length.
    """
    name = "the list of texts"
    if isinstance(texts, str):
        raise DataError("one string was given", where=name, fix="give a list of strings")
    given = {"text": texts, "gold": gold, "id": ids}
    lists = {column: values for column, values in given.items() if values is not None}
    for column, values in lists.items():
        if len(values) != len(texts):
            raise DataError(
                f"there are {len(texts)} texts but {len(values)} values for {column}",
                where=name,
                fix="give one for each text",
            )

    def rows() -> Iterator[Numbered]:
        for number, values in enumerate(zip(*lists.values(), strict=True), 1):
            yield number, dict(zip(lists, values, strict=True))

    return Source(name, "row", "texts", None, rows)
