"""Which items of its pool a run picks, shows and trains on: no copies, none of the test set."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.protocol import MOST_LABELLED
from llmal.core.fingerprint import digest
from llmal.core.records import Item
from llmal.errors import ConfigError, DataError
from llmal.ledger import Decided
from llmal.pool import Pool
from llmal.pool.overlap import Overlap, find_overlap
from llmal.task import Task

Duplicates = Literal["together", "apart"]
OnOverlap = Literal["exclude", "keep"]
Positions = NDArray[np.int64]

_NONE = np.zeros(0, dtype=np.int64)


class RunItems:
    """The items of a run's pool, less those that it has no use for.

    Items with the same text in every text column are asked about once, and the label goes to all of
    them. Items that are in the test set too, or nearly, are never picked, shown as demonstrations,
    read for calibration or trained on.

    Args:
        pool: The pool.
        test: The test set, if there is one.
        duplicates: "together", or "apart": every copy is an item of its own.
        overlap: "exclude", or "keep": items of the test set are only told of.

    Raises:
        ConfigError: There is no such way to treat duplicates or overlap.
    """

    def __init__(
        self,
        pool: Pool,
        test: Pool | None = None,
        *,
        duplicates: Duplicates = "together",
        overlap: OnOverlap = "exclude",
    ) -> None:
        if duplicates not in get_args(Duplicates):
            raise ConfigError(
                f"duplicates is {duplicates!r}", fix="it must be 'together' or 'apart'"
            )
        if overlap not in get_args(OnOverlap):
            raise ConfigError(f"overlap is {overlap!r}", fix="it must be 'exclude' or 'keep'")
        self.pool = pool
        self.test = test
        self._together = duplicates == "together"
        self._exclude = overlap == "exclude"

    @functools.cached_property
    def overlap(self) -> Overlap:
        """The items that are in the test set too, whatever is done about them."""
        return Overlap(_NONE) if self.test is None else find_overlap(self.pool, self.test)

    @property
    def copies(self) -> Positions:
        """Items whose label comes from another item with the same text, ascending."""
        return self._pairs[0]

    @functools.cached_property
    def _pairs(self) -> tuple[Positions, Positions]:
        """Copies, and for each the item that is asked about.

        That is the first with the text; where it has no gold label, the first that has one.
        """
        if not self._together:
            return _NONE, _NONE
        rows, firsts = self.pool.copies
        if not len(rows) or not self.pool.has_gold:
            return rows, firsts
        labelled = np.array([gold is not None for gold in self.pool.gold(rows)], dtype=bool)
        lacking = np.array([gold is None for gold in self.pool.gold(firsts)], dtype=bool)
        swapped: dict[int, int] = {}
        for row, first in zip(rows[labelled & lacking], firsts[labelled & lacking], strict=True):
            swapped.setdefault(int(first), int(row))
        asked = np.array([swapped.get(int(first), first) for first in firsts], dtype=np.int64)
        copies = np.where(rows == asked, firsts, rows)
        order = np.argsort(copies)
        return copies[order], asked[order]

    @functools.cached_property
    def withheld(self) -> Positions:
        """Items that are not to be learnt from, as they are in the test set."""
        return self.overlap.positions if self._exclude else _NONE

    @functools.cached_property
    def distinct(self) -> Pool:
        """The items that have to be asked about to label the whole pool."""
        return self._without(self.copies)

    @functools.cached_property
    def usable(self) -> Pool:
        """The items that may be picked, shown, read for calibration and trained on."""
        return self._without(self.copies, self.withheld)

    def _without(self, *positions: Positions) -> Pool:
        kept = np.ones(len(self.pool), dtype=bool)
        for some in positions:
            kept[some] = False
        return self.pool[kept]

    def learnt_from(self, labels: Mapping[str, Decided]) -> dict[str, Decided]:
        """Labels without those of items of the test set."""
        if not len(self.withheld):
            return dict(labels)
        withheld = set(self.pool.ids(self.withheld))
        return {id: label for id, label in labels.items() if id not in withheld}

    def not_to_pick(self, labels: Mapping[str, Decided]) -> Positions:
        """Unlabelled items that are not to be picked, ascending.

        Args:
            labels: What is known so far, by id.
        """
        copies, asked = self._pairs
        known = np.array([id in labels for id in self.first_of], dtype=bool)
        answered = np.array([id in labels for id in self.first_of.values()], dtype=bool)
        # Labels of a copy may be there from a run that kept copies apart.
        out = [self.withheld, copies[~known], asked[known & ~answered]]
        return np.unique(np.concatenate(out)).astype(np.int64)

    def with_copies(self, labels: Mapping[str, Decided]) -> dict[str, Decided]:
        """Labels, and for each copy without one that of an item with the same text."""
        result = dict(labels)
        source = {first: first for first in self.first_of.values() if first in labels}
        for copy, first in self.first_of.items():
            if copy in labels:
                source.setdefault(first, copy)
        for copy, first in self.first_of.items():
            if first not in source:
                continue
            for id in (first, copy):
                if id not in result:
                    result[id] = replace(labels[source[first]], copy_of=source[first])
        return result

    @functools.cached_property
    def first_of(self) -> dict[str, str]:
        """For the id of each copy that of the item that is asked about."""
        copies, asked = self._pairs
        return dict(zip(self.pool.ids(copies), self.pool.ids(asked), strict=True))

    def demonstrations(self, labels: Mapping[str, Decided], seed: int) -> tuple[Item, ...]:
        """Items that people labelled, for prompts; the label is in `gold`.

        At most `MOST_LABELLED`, drawn at random: by a hash of seed and id, so that those that were
        drawn stay as labels are added, but for the few that new ones replace.
        """
        by_people = [id for id, one in self.learnt_from(labels).items() if one.kind == "human"]
        drawn = sorted(sorted(by_people, key=lambda id: _rank(seed, id))[:MOST_LABELLED])
        items = self.pool.items(self.pool.positions(drawn))
        return tuple(replace(item, gold=labels[item.id].label) for item in items)

    def sentences(self) -> list[str]:
        """What a person should know of the overlap with the test set."""
        if self._exclude:
            return self.overlap.sentences(
                "no such item is picked, shown, calibrated with or trained on"
            )
        return self.overlap.sentences("such items are used all the same, as overlap: keep says")


def _rank(seed: int, id: str) -> bytes:
    return digest(f"{seed}\0{id}", 8)


def complete_test_set(test: Pool, task: Task) -> Pool:
    """A test set, its gold labels spelt as the task spells them.

    Raises:
        DataError: It has no gold column, an item without gold, or a label that the task lacks.
    """
    if not test.has_gold:
        raise DataError(
            "the test set has no gold column",
            where=test.source,
            fix="name its gold column, or leave the test set out",
        )
    test = test.match_labels(task)
    empty = sum(label is None for label in test.gold())
    if empty:
        raise DataError(
            f"{empty} of {len(test)} test items have no gold label",
            where=test.source,
            fix="fill them in or remove them",
        )
    return test
