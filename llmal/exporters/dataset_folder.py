"""Synthetic items as a folder that `datasets.load_dataset` reads, with a card."""

from __future__ import annotations

from pathlib import Path

from llmal.core.tables import Column, check_place, free_name, write_in_place, write_rows
from llmal.errors import ConfigError, DataError
from llmal.exporters.dataset_card import card_of
from llmal.generators.answers import answer_of
from llmal.generators.origin import public_provenance
from llmal.generators.record import SyntheticRecord
from llmal.generators.rows import texts_of

CARD = "README.md"
DATA = "train.parquet"
_OWN = (
    Column("id"),
    Column("label"),
    Column("synthetic", "flag"),
    Column("generator"),
    Column("provenance", "any"),
)


def write_dataset(path: Path, record: SyntheticRecord, *, force: bool = False) -> Path:
    """Write the accepted items and their card; the folder is put in its place when it is whole.

    The items are the split "train": synthetic ones belong in no other.

    Args:
        path: The folder.
        record: The items.
        force: Replace a folder that is there.

    Raises:
        ConfigError: Something is there already.
        DataError: No item was accepted.
        LlmalError: The folder cannot be written.
    """
    check_dataset(path, force=force)
    accepted = record.accepted
    if not accepted:
        raise DataError(
            "no item was accepted, so there is no data set to write",
            where=str(path),
            fix="see which filter refused them, and have more written",
        )
    text = record.task.text
    called = {one.name: free_name(one.name, text) for one in _OWN}
    columns = [
        Column(called["id"]),
        *(Column(name) for name in text),
        record.task.space.column(called["label"]),
        *(Column(called[one.name], one.kind) for one in _OWN[2:]),
    ]

    def write(part: Path) -> int:
        part.mkdir()
        rows = (
            {
                **texts_of(item, text),
                called["id"]: item.id,
                called["label"]: answer_of(record.task, item.label),
                called["synthetic"]: True,
                called["generator"]: item.generator,
                called["provenance"]: public_provenance(item.provenance),
            }
            for item in accepted
        )
        count = write_rows(part / DATA, "parquet", columns, rows)
        (part / CARD).write_text(card_of(record, path.name, DATA), encoding="utf-8")
        return count

    write_in_place(path, write)
    return path


def check_dataset(path: Path, *, force: bool) -> None:
    """See that the folder can be written, before work is spent on it.

    Raises:
        ConfigError: Something is there already, and it is not such a folder or is not to be
            replaced.
    """
    check_place(path, force=force, option="--dataset")
    # A forced overwrite must not take somebody's whole directory along.
    if path.exists() and not (
        path.is_dir() and {one.name for one in path.iterdir()} <= {CARD, DATA}
    ):
        raise ConfigError(
            "what is there is not a data set of synthetic items",
            where=str(path),
            fix="name another folder",
        )
