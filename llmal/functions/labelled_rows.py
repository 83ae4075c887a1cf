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
from llmal.guarantee.forecast import Forecast, Rates
from llmal.ledger import Ledger
from llmal.run.audited import unreviewed, what_is_promised
from llmal.run.orchestrator import Orchestrator
from llmal.run.result import RunResult

_BY = {"human": "people", "learner": "learner"}
_NOBODY = "nobody has labelled it"


def labelled_rows(opened: RunPool, run: Orchestrator, ended: RunResult) -> LabelResult:
    """All rows of some data, each with its label and who gave it.

    Args:
        opened: The rows, and the pool of the run.
        run: The run.
        ended: How it ended.
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
        words = what_is_promised(ledger, run.task, run.pool)
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
        ended.cost,
        origin=rows.origin,
        end=RunEnd(
            status=ended.status,
            reason=ended.reason,
            directory=ended.directory,
            cost=ended.cost,
            texts=len(run.campaign.asked_about),
            waiting_for=_files(run) if ended.status == "waiting" else (),
            certificate=ended.certificate,
            words=words,
            delivered=DeliveredLabels(
                run.task,
                rows.name,
                ended.certificate,
                words,
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


def _foresee(run: Orchestrator, rates: Rates) -> Forecast | None:
    with Ledger.open(run.ledger_url, read_only=True) as ledger:
        run.campaign.record.combine_answers(ledger)
        ledger.read_as(run.pool.contents)
        return run.campaign.forecast(rates=rates, ledger=ledger)


def _write_report(run: Orchestrator, out: Path | None) -> Path:
    from llmal.report.gather import write_run

    return write_run(run, out=out, baseline=False)
