"""The tables of what a ledger has beside items and answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from llmal.core.tables import Column
from llmal.exporters.protocol import Table
from llmal.exporters.run_contents import USAGE, RunContents, moment


class SpendingTable(Table):
    """What the run cost: a row for each annotator, and one for each other expense.

    The rows add up to what the run has cost.
    """

    def __init__(self, run: RunContents) -> None:
        self._of = run
        self.columns = [Column("purpose"), Column("key"), Column("time"), *USAGE]
        self.counts = Counter({"expenses": 0})

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows, once."""
        for name, usage in self._of.ledger.annotation_usage().items():
            self.counts["expenses"] += 1
            yield {"purpose": "annotation", "key": name, **usage.as_dict()}
        for one in self._of.ledger.expenses():
            self.counts["expenses"] += 1
            own = {"purpose": one.purpose, "key": one.key, "time": moment(one.time)}
            yield {**own, **one.usage.as_dict()}


class RoundsTable(Table):
    """Each round, with the figures that it ended with."""

    def __init__(self, run: RunContents) -> None:
        self._of = run
        self._rounds = run.ledger.rounds()
        self.columns = [
            Column("round", "whole"),
            Column("phase"),
            Column("selector"),
            Column("picked", "whole"),
            Column("started"),
            Column("finished"),
            Column("metrics", "any"),
        ]
        self.counts = Counter({"rounds": len(self._rounds)})

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows, once."""
        for one in self._rounds:
            yield {
                "round": one.number,
                "phase": one.phase,
                "selector": one.selector,
                "picked": len(one.item_ids),
                "started": moment(one.started),
                "finished": None if one.finished is None else moment(one.finished),
                "metrics": dict(one.metrics),
            }


class QueueTable(Table):
    """What people were asked, and when they answered."""

    def __init__(self, run: RunContents) -> None:
        self._entries = run.ledger.queue.entries()
        # In the order of their ends: the last one stands.
        self._leases = {(one.stage, one.item_id, one.round): one for one in run.ledger.leases.all()}
        self.columns = [
            Column("id"),
            Column("queue"),
            Column("round", "whole"),
            Column("worker"),
            Column("leased_until"),
            Column("answered"),
        ]
        answered = sum(one.answered is not None for one in self._entries)
        self.counts = Counter(
            {"answered questions": answered, "open ones": len(self._entries) - answered}
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows, once."""
        for one in self._entries:
            lease = self._leases.get((one.queue, one.item_id, one.round))
            yield {
                "id": one.item_id,
                "queue": one.queue,
                "round": one.round,
                "worker": None if lease is None else lease.worker,
                "leased_until": None if lease is None else moment(lease.until),
                "answered": None if one.answered is None else moment(one.answered),
            }


class DecisionsTable(Table):
    """What rules have decided about annotations, the router's own decisions among them."""

    def __init__(self, run: RunContents) -> None:
        self._ledger = run.ledger
        self.columns = [
            Column("id"),
            Column("annotator"),
            Column("stage"),
            Column("annotation_round", "whole"),
            Column("revision", "whole"),
            Column("rule"),
            Column("outcome"),
            Column("round", "whole"),
            Column("time"),
        ]
        self.counts = Counter({"decisions": 0})

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows, once."""
        for one in self._ledger.decisions():
            self.counts["decisions"] += 1
            yield {
                "id": one.item_id,
                "annotator": one.annotator,
                "stage": one.stage,
                "annotation_round": one.annotation_round,
                "revision": one.revision,
                "rule": one.rule,
                "outcome": one.outcome,
                "round": one.round,
                "time": moment(one.time),
            }


class EventsTable(Table):
    """What the run told: plans, warnings, fallbacks, and how it stopped."""

    def __init__(self, run: RunContents) -> None:
        self._events = run.ledger.events()
        self.columns = [Column("time"), Column("kind"), Column("message"), Column("data", "any")]
        self.counts = Counter({"events": len(self._events)})

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows, once."""
        for one in self._events:
            yield {
                "time": moment(one.time),
                "kind": one.kind,
                "message": one.message,
                "data": dict(one.data),
            }
