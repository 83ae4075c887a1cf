"""Labels that there were before a campaign began, and how far they are trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from llmal.calibration.measures import wilson_interval
from llmal.core.fingerprint import digest
from llmal.core.records import Annotation, Answer
from llmal.errors import ConfigError, DataError
from llmal.ledger import Ledger, Round
from llmal.pool import Pool
from llmal.pool.label_file import LabelFile, name_of_giver
from llmal.run.items import RunItems
from llmal.task import Task

STAGE = "known labels"
"""The stage of such labels: no annotator of the run gave them."""

_RULE = "check by sample"
_RECORDED = "known labels"
_CHECKED = "known labels checked"
_AT_ONCE = 1024


@dataclass(frozen=True)
class KnownLabels:
    """Labels that a campaign starts from: it learns from them, and shows them as demonstrations.

    They cost nothing of the budget. Name one source.

    Args:
        column: A column of the pool.
        file: A file with the columns `id` and `label`.
        labels: By id of the item.
        by: Who gave them.
        by_column: Column, of the pool or of the file, with who gave each; in place of `by`.
        check: So many of them, drawn at random, are asked of people again before the others are
            trusted; 0 trusts them at once.
        trust_from: The least share of those that people have to agree with.

    Raises:
        ConfigError: None or several sources are named, or a number is out of its range.
    """

    column: str | None = None
    file: str | Path | None = None
    labels: Mapping[str, Any] | None = None
    by: str = "known"
    by_column: str | None = None
    check: int = 0
    trust_from: float = 0.8

    def __post_init__(self) -> None:
        sources = [one for one in (self.column, self.file, self.labels) if one is not None]
        if len(sources) != 1:
            raise ConfigError(
                f"known labels have {len(sources)} sources",
                fix="name one: a column of the pool, a file, or the labels by id",
            )
        if self.by_column is not None and self.labels is not None:
            raise ConfigError("labels by id have no column of names", fix="name the giver with by")
        if not self.by.strip():
            raise ConfigError("nobody is named for the known labels", fix="name who gave them")
        if self.check < 0:
            raise ConfigError(f"check is {self.check}", fix="it must be 0 or more")
        if not 0 <= self.trust_from <= 1:
            raise ConfigError(f"trust_from is {self.trust_from}", fix="use a share from 0 to 1")

    def read(self, pool: Pool, task: Task) -> list[Annotation]:
        """The labels as answers of those who gave them.

        Raises:
            DataError: One is no label of the task, an item is not in the pool, or a column is not
                there; the message names the line.
        """
        if self.column is not None:
            return self._of_column(pool, task, self.column)
        if self.file is not None:
            file = Path(self.file)
            option = "data.labels"
            read = LabelFile.read(file, pool, task, option=option, giver=self.by_column)
            givers = read.givers or [self.by] * len(read)
            rows = zip(read.ids, read.labels, givers, read.lines, strict=True)
            return [
                self._one(id, label, by, {"file": file.name, "line": line})
                for id, label, by, line in rows
            ]
        assert self.labels is not None
        pool.positions([*self.labels])
        found = []
        for id, value in self.labels.items():
            try:
                label = task.match(value)
            except DataError as error:
                raise DataError(error.what, where=f"labels, item {id!r}", fix=error.fix) from None
            if label is not None:
                found.append(self._one(id, label, self.by, {}))
        return found

    def _of_column(self, pool: Pool, task: Task, column: str) -> list[Annotation]:
        roles = {*pool.text_columns, *pool.gold_columns, pool.id_column}
        others = [name for name in pool.columns if name not in roles]
        for name in (column, self.by_column):
            if name is not None and name not in others:
                raise DataError(
                    f"there is no column {name!r} to take known labels from",
                    where=pool.source,
                    fix=f"the further columns are {', '.join(others) or 'none'}",
                )
        found = []
        for position, item in enumerate(pool):
            where = f"{pool.where(position)}, column {column!r}"
            try:
                label = task.match(item.extra.get(column))
            except DataError as error:
                raise DataError(error.what, where=where, fix=error.fix) from None
            if label is None:
                continue
            by = self.by
            if self.by_column is not None:
                by = name_of_giver(item.extra.get(self.by_column), self.by_column, where)
            found.append(self._one(item.id, label, by, {"column": column}))
        return found

    def _one(self, id: str, label: Answer, by: str, source: Mapping[str, Any]) -> Annotation:
        return Annotation(id, label, by, "human", stage=STAGE, provenance=source)


def record_known(ledger: Ledger, known: KnownLabels, labels: Sequence[Annotation]) -> str | None:
    """Record labels that are new or other than before; those to be checked count for nothing yet.

    Args:
        ledger: Of the campaign.
        known: Where they are from.
        labels: As answers, with the texts that they are about.

    Returns:
        What was done, in words; None if nothing was.
    """
    content = json.dumps(sorted([one.item_id, one.label, one.annotator] for one in labels))
    mark = digest(content).hex()
    events = [one for one in ledger.events() if one.kind == _RECORDED]
    if events and events[-1].data.get("mark") == mark:
        return None
    there = {
        (one.item_id, one.annotator)
        for one in ledger.annotations(kind="human")
        if one.stage == STAGE
    }
    fresh = [one for one in labels if (one.item_id, one.annotator) not in there]
    others = [one for one in labels if (one.item_id, one.annotator) in there]
    new = ledger.append(fresh)
    reason = "another label in the source"
    revised = ledger.revise([replace(one, reason=reason) for one in others])
    if known.check and not are_trusted(ledger):
        kept = [one for one in ledger.annotations(kind="human") if one.stage == STAGE]
        ledger.decide(_RULE, [(one, "overruled") for one in kept])
    words = f"{new} known labels are taken in"
    words += f", {revised} are other labels than before" if revised else ""
    if known.check and not are_trusted(ledger):
        words += f"; people are asked about {min(known.check, len(labels))} of them again, before "
        words += "the others are trusted"
    ledger.event(
        _RECORDED, words, {"mark": mark, "new": new, "revised": revised, "check": known.check}
    )
    return words


def are_trusted(ledger: Ledger) -> bool:
    """Whether known labels were checked, and found good enough."""
    checks = [one for one in ledger.events() if one.kind == _CHECKED]
    return bool(checks) and bool(checks[-1].data["trusted"])


def is_checked(ledger: Ledger) -> bool:
    """Whether known labels were kept back until a sample of them is checked."""
    return any(one.kind == _RECORDED and one.data.get("check") for one in ledger.events())


class KnownLabelsCheck:
    """Draws the sample of known labels that people are asked about, and judges by it.

    Args:
        known: The labels.
        items: The items of the campaign.
        seed: Same seed, same sample.
    """

    def __init__(self, known: KnownLabels, items: RunItems, seed: int) -> None:
        self._known = known
        self._items = items
        self._seed = seed

    def sample(self, ledger: Ledger) -> dict[str, str]:
        """The items that people are asked about, with the reason for each."""
        usable = {*self._items.usable.ids()}
        ids = sorted({*_given(ledger)} & usable)
        rng = np.random.default_rng([self._seed, 0xC4EC])
        count = min(self._known.check, len(ids))
        drawn = rng.choice(len(ids), count, replace=False).tolist() if count else []
        return {ids[place]: "a sample of the known labels" for place in drawn}

    def judge(self, ledger: Ledger, check: Round) -> tuple[str, bool] | None:
        """Say how far people agree with the known labels of a round, and trust the others or not.

        Returns:
            That in words, and whether they are trusted; None if it was said before, or nobody has
            answered.
        """
        if any(one.kind == _CHECKED for one in ledger.events()):
            return None
        known = _given(ledger)
        labels = ledger.labels()
        answered = [
            id
            for id in check.item_ids
            if id in labels and labels[id].kind == "human" and id in known
        ]
        same = sum(labels[id].label == known[id].label for id in answered)
        share = same / len(answered) if answered else 0.0
        trusted = bool(answered) and share >= self._known.trust_from
        if trusted:
            # What people have now said about the sample themselves stands.
            rest = [one for id, one in known.items() if id not in set(answered)]
            for start in range(0, len(rest), _AT_ONCE):
                some = rest[start : start + _AT_ONCE]
                ledger.decide(_RULE, [(one, "accepted") for one in some], round=check.number)
        low, high = wilson_interval(same, len(answered)) if answered else (0.0, 1.0)
        message = (
            f"people agree with {same} of {len(answered)} known labels ({share:.0%}, 95 % interval "
            f"{low:.0%} to {high:.0%}); the others are "
            + (
                "trusted"
                if trusted
                else f"not trusted, as that is below {self._known.trust_from:.0%}"
            )
        )
        data = {"same": same, "asked": len(answered), "trusted": trusted, "low": low, "high": high}
        ledger.event(_CHECKED, message, data)
        return message, trusted


def _given(ledger: Ledger) -> dict[str, Annotation]:
    """The known labels that say something now, by item."""
    present = ledger.present(ledger.annotations(kind="human"))
    return {one.item_id: one for one in present if one.stage == STAGE and one.label is not None}
