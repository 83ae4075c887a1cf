"""A sample of synthetic items that people check, in a file of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from llmal.annotators.label_file import Row, read_sheet, write_sheet
from llmal.core.fingerprint import digest
from llmal.core.records import Item, SyntheticItem, Usage
from llmal.core.words import counted
from llmal.errors import AnnotationError, DataError
from llmal.ledger import Ledger
from llmal.run.judgements import batch_of
from llmal.run.synthetic_use import SyntheticUse
from llmal.task import Task

log = logging.getLogger("llmal.run")

FILE = "synthetic-check.csv"
CHECKED = "synthetic check"
"""The kind of the events that hold the answers, and what they are called in the ledger."""


class SyntheticCheck:
    """Writes items of each batch to a file for people, and takes their labels from it.

    The file shows neither the label that was asked for nor the batch. Each label counts as one of
    the budget's labels by people. The run does not wait for it.

    Args:
        task: The task.
        directory: The run directory.
        use: How many of a batch are checked, and what they must reach.
        seed: Of the campaign.
    """

    def __init__(self, task: Task, directory: Path, use: SyntheticUse, *, seed: int) -> None:
        self._task = task
        self._path = directory / FILE
        self._use = use
        self._seed = seed

    def take(self, ledger: Ledger) -> None:
        """Record labels that stand in the file and are new."""
        if not self._use.check or not self._path.is_file():
            return
        try:
            rows = read_sheet(self._path).rows
        except AnnotationError as error:
            log.warning("%s", error)
            return
        known = self._answers(ledger)
        written = {one.id for one in ledger.synthetic(accepted=True)}
        for row in rows:
            if row.id not in written or row.id in known or row.problem:
                continue
            label = self._label(row)
            if label is not None:
                ledger.spend(CHECKED, Usage(human_labels=1), key=f"check-{row.id}")
                said = {"id": row.id, "label": label}
                ledger.event(CHECKED, f"{row.id} is {label!r} by people", said)

    def _label(self, row: Row) -> str | None:
        try:
            found = self._task.match(row.label)
        except DataError as error:
            log.warning("%s, line %d: %s", self._path, row.line, error)
            return None
        return None if found is None else str(found)

    def _answers(self, ledger: Ledger) -> dict[str, str]:
        """By id; those left out whose label the task has no longer."""
        said = (one.data for one in ledger.events() if one.kind == CHECKED)
        return {one["id"]: one["label"] for one in said if one["label"] in self._task.names}

    def give(self, ledger: Ledger, items: Sequence[SyntheticItem]) -> None:
        """Write the sample of each batch that is not in the file yet and was not answered."""
        if not self._use.check:
            return
        known = self._answers(ledger)
        wanted = [one for batch in _batches(items) for one in self._drawn(batch)]
        try:
            sheet = read_sheet(self._path)
            there = {row.id for row in sheet.rows} | set(known)
            new = [
                Item(one.id, one.text, fields=dict(one.provenance.get("fields", {})))
                for one in wanted
                if one.id not in there
            ]
            if new:
                write_sheet(self._path, sheet, sheet.rows, new, task=self._task)
        except AnnotationError as error:
            log.warning("%s", error)

    def _drawn(self, batch: Sequence[SyntheticItem]) -> list[SyntheticItem]:
        """Of one batch; in an order that says nothing."""
        order = sorted(batch, key=lambda one: digest(f"{self._seed}\0{one.id}", 8))
        return order[: self._use.check]

    def refuted(self, ledger: Ledger, items: Sequence[SyntheticItem]) -> dict[str, str]:
        """Batches that people have found wrong, once all of their sample is answered."""
        if not self._use.check:
            return {}
        answers = self._answers(ledger)
        result: dict[str, str] = {}
        for batch in _batches(items):
            drawn = self._drawn(batch)
            if any(one.id not in answers for one in drawn):
                continue
            right = np.mean([answers[one.id] == one.label for one in drawn])
            if right < self._use.least_right:
                wrong = sum(answers[one.id] != one.label for one in drawn)
                checked = counted(len(drawn), "checked item", "checked items")
                result[batch_of(batch[0])] = f"people gave {wrong} of {checked} another label"
        return result


def _batches(items: Iterable[SyntheticItem]) -> list[list[SyntheticItem]]:
    found: dict[str, list[SyntheticItem]] = {}
    for one in items:
        found.setdefault(batch_of(one), []).append(one)
    return list(found.values())
