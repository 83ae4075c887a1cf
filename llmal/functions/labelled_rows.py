"""The rows that were given, with the labels that a run leaves with."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from llmal.annotators.protocol import TakesQueue
from llmal.core.tables import Column
from llmal.exporters.certificates import DeliveredLabels
from llmal.functions.annotating import renamed
from llmal.functions.label_result import LabelResult, RunEnd
from llmal.functions.rows import Row
from llmal.functions.run_pool import RunPool
from llmal.guarantee.forecast import Forecast, Needed, Rates
from llmal.ledger import Ledger
from llmal.run.audited import unreviewed, what_is_promised
from llmal.run.events import Event
from llmal.run.orchestrator import Orchestrator
from llmal.run.promise_forecast import forecast_promise
from llmal.run.result import RunResult

_BY = {"human": "people", "learner": "learner"}
_NOBODY = "nobody has labelled it"
_FORECAST_ITEMS = 5000
"""A larger pool's error score takes its time, and a result is to be there at once."""


class Remarks:
    """What a run warns of, and what it says has changed: an event callback."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.changes: list[str] = []

    def __call__(self, event: Event) -> None:
        """Keep it, once."""
        kept = {"warning": self.warnings, "changed": self.changes}.get(event.kind)
        if kept is not None and event.message not in kept:
            kept.append(event.message)


def labelled_rows(
    opened: RunPool, run: Orchestrator, ended: RunResult, remarks: Remarks
) -> LabelResult:
    """All rows of some data, each with its label and who gave it.

    Args:
        opened: The rows, and the pool of the run.
        run: The run.
        ended: How it ended.
        remarks: What it said meanwhile.
    """
    rows = opened.rows
    added = [
        run.task.space.column("label"),
        Column("by"),
        Column("unreviewed", "flag"),
        Column("confidence", "number"),
        Column("error"),
    ]
    called = renamed(added, rows.names)
    delivered = {**ended.labels, **ended.audited}
    with Ledger.open(run.ledger_url, read_only=True) as ledger:
        run.campaign.record.combine_answers(ledger)
        ledger.read_as(run.pool.contents)
        open_to_doubt = unreviewed(ledger, run.task, run.pool)
        as_they_are = what_is_promised(ledger, run.task, run.pool)
        asked = _labels_of_people(ledger)
        skipped = ended.cost.human_labels - asked
        cost = replace(ended.cost, human_labels=asked)
        kept = ended.status == "finished" and not open_to_doubt
        expected = None if kept else _expected(run, ledger)
    ids = dict(zip(opened.places.tolist(), opened.pool.ids(), strict=True))
    labelled: list[Row] = []
    for place, row in enumerate(rows):
        id = ids.get(place)
        decided = None if id is None else delivered.get(id)
        if decided is None:
            found: Row = {"error": opened.errors.get(place, _NOBODY)}
        else:
            found = {
                "label": decided.label,
                "by": _BY.get(decided.kind, "machine"),
                "unreviewed": (decided.copy_of or id) in open_to_doubt,
                "confidence": decided.confidence,
            }
        labelled.append(
            {
                **{name: row.get(name) for name in rows.names},
                **{name: found.get(own) for own, name in called.items()},
            }
        )
    return LabelResult(
        labelled,
        [*rows.columns, *(replace(one, name=called[one.name]) for one in added)],
        rows.text,
        called,
        cost,
        origin=rows.origin,
        end=RunEnd(
            status=ended.status,
            reason=ended.reason,
            directory=ended.directory,
            cost=cost,
            texts=len(run.campaign.asked_about),
            skipped=skipped,
            without_text=len(opened.errors),
            expected=expected,
            warnings=(*remarks.warnings,),
            changes=(*remarks.changes,),
            waiting_for=_files(run) if ended.status == "waiting" else (),
            certificate=ended.certificate,
            as_they_are=as_they_are,
            delivered=DeliveredLabels(
                run.task,
                rows.name,
                ended.certificate,
                as_they_are,
                Counter(one.kind for one in delivered.values()),
                sum((one.copy_of or i) in open_to_doubt for i, one in delivered.items()),
            ),
            foresee=functools.partial(_foresee, run),
            write_report=functools.partial(_write_report, run),
        ),
    )


def _files(run: Orchestrator) -> tuple[Path, ...]:
    queues: list[Any] = [one.annotator for one in run.router.stages]
    return tuple(file for one in queues if isinstance(one, TakesQueue) for file in one.files)


def _labels_of_people(ledger: Ledger) -> int:
    """How many labels people have given; an item that somebody skipped has none of them."""
    answers = ledger.annotations(kind="human")
    return sum(one.usage.human_labels for one in answers if one.label is not None)


def _expected(run: Orchestrator, ledger: Ledger) -> Needed | None:
    """How many labels the promise is expected to take of people in all; None if nothing can be said
    yet.
    """
    promise = run.campaign.promise
    if promise is None:
        return None
    found = forecast_promise(promise, ledger, run.pool, epsilons=(), most_items=_FORECAST_ITEMS)
    return None if found is None else found.at(promise.procedure.epsilon)


def _foresee(run: Orchestrator, rates: Rates) -> Forecast | None:
    with Ledger.open(run.ledger_url, read_only=True) as ledger:
        run.campaign.record.combine_answers(ledger)
        ledger.read_as(run.pool.contents)
        return run.campaign.forecast(rates=rates, ledger=ledger)


def _write_report(run: Orchestrator, out: Path | None) -> Path:
    from llmal.report.gather import write_run

    return write_run(run, out=out, baseline=False)
