"""What a run has in its ledger, as tables: everything that was paid for can be got out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from llmal.core.records import Annotation
from llmal.core.tables import Column
from llmal.errors import ConfigError
from llmal.exporters.certificates import DeliveredLabels, companions_of
from llmal.exporters.ledger_tables import (
    DecisionsTable,
    EventsTable,
    QueueTable,
    RoundsTable,
    SpendingTable,
)
from llmal.exporters.protocol import Companion, Table
from llmal.exporters.run_contents import USAGE, RunContents, moment, named
from llmal.generators.rows import COLUMNS, fields_of, texts_of
from llmal.ledger import Decided
from llmal.ledger.translation import Void
from llmal.pool.input_columns import InputColumns
from llmal.run.audited import certificate_of, is_promising, unreviewed, what_is_promised
from llmal.run.judgements import batch_of, judgement_at, standing_synthetic
from llmal.run.purposes import delivered_labels
from llmal.task.spaces import make_space

_CHUNK = 1024


class RunTables(RunContents):
    """Makes the tables of a run."""

    def table(self, what: str, *, everything: bool) -> Table:
        """One of the tables.

        Args:
            what: Its name, one of `TABLES`.
            everything: For "labels", items without a label too.

        Raises:
            ConfigError: There is no such table.
        """
        if what == "labels":
            return _Labels(self, everything)
        if everything:
            raise ConfigError(f"--all has no effect on {what}", fix="it is for --what labels")
        if what not in _TABLES:
            raise ConfigError(f"there is nothing called {what!r}", fix=f"use {', '.join(TABLES)}")
        return _TABLES[what](self)


class _Labels(Table):
    """Real items in the order of the pool, then the synthetic ones."""

    def __init__(self, run: RunContents, everything: bool) -> None:
        self._of = run
        self._everything = everything
        own = [
            run.task.space.column("label"),
            Column("by"),
            Column("annotator"),
            Column("confidence", "number"),
            Column("probabilities", "shares", run.task.names),
            Column("rationale"),
            Column("note", "texts"),
            Column("flags", "texts"),
            Column("round", "whole"),
            Column("synthetic", "flag"),
        ]
        self._audited = run.ledger.labels(purposes=["audit"])
        several = run.ledger.several_answers(purposes=("train", "review", "audit"))
        own += [Column("answers", "whole")] if several else []
        judgement = judgement_at(run.ledger)
        self._weight = None if judgement is None else judgement.weight
        own += [] if judgement is None else [Column("weight", "number")]
        self._promising = is_promising(run.ledger)
        self._unreviewed = unreviewed(run.ledger, run.task, run.pool)
        self._given_by: Counter[str] = Counter()
        own += [Column("audited", "flag")] if self._audited else []
        own += [Column("unreviewed", "flag")] if self._promising else []
        own += [Column("copy_of")] if len(run.items.copies) else []
        own += [run.task.space.column("gold")] if run.pool.has_gold else []
        own += [run.task.space.column("suggestion")] if everything else []
        self._inputs, self.columns = run.beside_input(own)
        self.renamed = self._inputs.renamed
        names = ["labelled items", "unreviewed ones among them", "undecided ones", "synthetic ones"]
        self.counts = Counter(dict.fromkeys(names, 0))

    def _asked(self, id: str, labels: Mapping[str, Decided]) -> str:
        """The item that was asked about: this one, or another with the same text."""
        if id in labels:
            return labels[id].copy_of or id
        return self._of.items.first_of.get(id, id)

    def rows(self) -> Iterator[dict[str, Any]]:
        labels = self._of.items.with_copies(delivered_labels(self._of.ledger))
        pool = self._of.pool
        positions = np.arange(len(pool))
        if not self._everything:
            positions = np.sort(pool.positions(list(labels)))
        for start in range(0, len(positions), _CHUNK):
            items = pool.items(positions[start : start + _CHUNK])
            asked = {one.id: self._asked(one.id, labels) for one in items}
            found = self._of.ledger.annotations_of(list(dict.fromkeys(asked.values())))
            answers = {id: [*self._of.ledger.present(some)] for id, some in found.items()}
            for item in items:
                decided = labels.get(item.id)
                self.counts["undecided ones" if decided is None else "labelled items"] += 1
                own = {"id": item.id, "synthetic": False, "gold": item.gold}
                own |= _standing(decided, answers[asked[item.id]])
                own["audited"] = asked[item.id] in self._audited
                open_to_doubt = asked[item.id] in self._unreviewed
                own["unreviewed"] = open_to_doubt
                if decided is not None:
                    self._given_by[decided.kind] += 1
                    self.counts["unreviewed ones among them"] += open_to_doubt
                if asked[item.id] != item.id:
                    own["copy_of"] = asked[item.id]
                yield {**self._inputs.values(item), **named(self._inputs, own)}
            self._of.progress("exporting", start + len(items), len(positions))
        for one in standing_synthetic(self._of.ledger):
            self.counts["synthetic ones"] += 1
            self._given_by["generator"] += 1
            own = {
                "id": one.id,
                "label": one.label,
                "by": "generator",
                "annotator": one.generator,
                "round": one.provenance.get("round"),
                "synthetic": True,
                "weight": self._weight,
            }
            texts = texts_of(one, self._of.pool.text_columns)
            yield {**texts, **named(self._inputs, own)}

    def _promised(self) -> DeliveredLabels | None:
        run = self._of
        if not self._promising:
            return None
        return DeliveredLabels(
            run.task,
            run.pool.source,
            certificate_of(run.ledger, run.task, run.pool),
            what_is_promised(run.ledger, run.task, run.pool),
            self._given_by,
            self.counts["unreviewed ones among them"],
        )

    def companions(self) -> Sequence[Companion]:
        return companions_of(self._promised())

    def notes(self) -> Sequence[str]:
        promised = self._promised()
        return () if promised is None else (f"{promised.promised.brief}.",)


def _standing(decided: Decided | None, answers: Sequence[Annotation]) -> dict[str, Any]:
    """What is known of the label that an item has, or of a machine's last answer without one."""
    row: dict[str, Any] = {
        "note": [one.rationale for one in answers if one.kind == "human" and one.rationale],
        "flags": list(dict.fromkeys(flag for one in answers for flag in one.flags)),
    }
    if decided is not None:
        of = [
            one
            for one in answers
            if (one.label, one.annotator, one.round)
            == (decided.label, decided.annotator, decided.round)
        ]
        row |= {"label": decided.label, "answers": decided.answers}
    else:
        # Routes go from cheap to good.
        of = [one for one in answers if one.kind != "human" and one.label is not None]
        row["suggestion"] = of[-1].label if of else None
    for one in of[-1:]:
        row |= {
            "by": one.kind,
            "annotator": one.annotator,
            "confidence": one.confidence,
            "probabilities": one.probabilities,
            "rationale": None if one.kind == "human" else one.rationale,
            "round": one.round,
        }
    if decided is not None and decided.answers > 1:
        row |= {
            "by": decided.kind,
            "annotator": decided.annotator,
            "confidence": decided.confidence,
            "probabilities": decided.distribution,
            "round": decided.round,
        }
    return row


class _Annotations(Table):
    """Every answer of every annotator, skipped items and overruled labels among them."""

    def __init__(self, run: RunContents) -> None:
        self._of = run
        self._translated = not run.ledger.reading.is_plain
        # Answers stand here as they were given, in the labels of then.
        versions = [*reversed(run.ledger.task_versions())]
        names = dict.fromkeys(name for one in versions for name in one.labels or ())
        names |= dict.fromkeys(run.task.names)
        space = make_space(run.task.kind_given, [*names])
        own = [
            space.column("label"),
            *([run.task.space.column("label_now")] if self._translated else []),
            Column("by"),
            Column("annotator"),
            Column("decision"),
            Column("confidence", "number"),
            Column("probabilities", "shares", space.labels),
            Column("exact", "flag"),
            Column("rationale"),
            Column("note"),
            Column("flags", "texts"),
            Column("round", "whole"),
            Column("created"),
            *USAGE,
            Column("provenance", "any"),
        ]
        if run.ledger.has_more_than_first_answers():
            own += [
                Column("stage"),
                Column("purpose"),
                Column("task_version", "whole"),
                Column("revision", "whole"),
                Column("reason"),
            ]
        self._inputs, self.columns = run.beside_input(own)
        self.renamed = self._inputs.renamed
        self.counts = Counter({"annotations": 0})

    def rows(self) -> Iterator[dict[str, Any]]:
        pool, total = self._of.pool, self._of.ledger.annotation_count()
        left = self._of.ledger.annotations()
        while chunk := list(islice(left, _CHUNK)):
            there = pool.held(list(dict.fromkeys(one.item_id for one in chunk)))
            items = {item.id: item for item in pool.items(pool.positions(there))}
            for one in chunk:
                own = {"id": one.item_id, **_answer(one), **one.usage.as_dict()}
                if self._translated:
                    now = self._of.ledger.reading.read(one)
                    own["label_now"] = None if isinstance(now, Void) else now
                item = items.get(one.item_id)
                shown = {} if item is None else self._inputs.values(item)
                yield {**shown, **named(self._inputs, own)}
            self.counts["annotations"] += len(chunk)
            self._of.progress("exporting", self.counts["annotations"], total)


def _answer(one: Annotation) -> dict[str, Any]:
    by_person = one.kind == "human"
    return {
        "label": one.label,
        "by": one.kind,
        "annotator": one.annotator,
        "decision": one.decision,
        "confidence": one.confidence,
        "probabilities": one.probabilities,
        "exact": one.exact if one.probabilities is not None else None,
        "rationale": None if by_person else one.rationale,
        "note": one.rationale if by_person else None,
        "flags": list(one.flags),
        "round": one.round,
        "created": moment(one.created),
        "provenance": dict(one.provenance),
        "stage": one.stage or one.annotator,
        "purpose": one.purpose,
        "task_version": one.task_version,
        "revision": one.revision,
        "reason": one.reason,
    }


class _Synthetic(Table):
    """Every text that a generator wrote, with what became of it."""

    def __init__(self, run: RunContents) -> None:
        self._of = run
        own = [
            *COLUMNS,
            Column("withdrawn"),
            *USAGE,
            Column("provenance", "any"),
        ]
        names = ["id", *(one.name for one in own)]
        self._inputs = InputColumns(run.pool, names)
        self.renamed = self._inputs.renamed
        self.columns = [
            Column(self._inputs.own["id"]),
            *(Column(name) for name in run.pool.text_columns),
            *(Column(self._inputs.own[one.name], one.kind) for one in own),
        ]
        self.counts = Counter({"accepted texts": 0, "refused ones": 0})

    def rows(self) -> Iterator[dict[str, Any]]:
        judgement = judgement_at(self._of.ledger)
        withdrawn = {} if judgement is None else judgement.withdrawn
        for one in self._of.ledger.synthetic():
            self.counts["accepted texts" if one.accepted else "refused ones"] += 1
            own = {**fields_of(one), **one.usage.as_dict(), "provenance": dict(one.provenance)}
            own["withdrawn"] = withdrawn.get(batch_of(one)) if one.accepted else None
            texts = texts_of(one, self._of.pool.text_columns)
            yield {**texts, **named(self._inputs, own)}


class _Picks(Table):
    """What each round picked, best first, and why."""

    def __init__(self, run: RunContents) -> None:
        self._of = run
        own = [
            Column("round", "whole"),
            Column("phase"),
            Column("selector"),
            Column("rank", "whole"),
            Column("score", "number"),
            Column("why"),
        ]
        self._inputs, self.columns = run.beside_input(own)
        self.renamed = self._inputs.renamed
        self.counts = Counter({"picks": 0})

    def rows(self) -> Iterator[dict[str, Any]]:
        pool = self._of.pool
        for one in self._of.ledger.rounds():
            items = {item.id: item for item in pool.items(pool.positions(pool.held(one.item_ids)))}
            for rank, (id, score, why) in enumerate(
                zip(one.item_ids, one.scores, one.why, strict=True), start=1
            ):
                own = {
                    "id": id,
                    "round": one.number,
                    "phase": one.phase,
                    "selector": one.selector,
                    "rank": rank,
                    "score": None if math.isnan(score) else score,
                    "why": why,
                }
                self.counts["picks"] += 1
                shown = self._inputs.values(items[id]) if id in items else {}
                yield {**shown, **named(self._inputs, own)}


_TABLES: dict[str, Callable[[RunContents], Table]] = {
    "annotations": _Annotations,
    "decisions": DecisionsTable,
    "synthetic": _Synthetic,
    "spending": SpendingTable,
    "picks": _Picks,
    "rounds": RoundsTable,
    "queue": QueueTable,
    "events": EventsTable,
}

TABLES = ("labels", *_TABLES)
"""The tables, by the names that `llmal export --what` takes."""
