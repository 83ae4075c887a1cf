"""`llmal export-learner`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from llmal.cli.telling import give, results_only_on_stdout
from llmal.cli.wording import key_values
from llmal.learners.saved import load_learner


def export_learner(
    learner: Path,
    *,
    out: Path,
    adapter: bool,
    metrics: Sequence[str],
    embedder: str | None,
    as_json: bool,
) -> None:
    """Write a trained learner as other libraries load it."""
    measured = key_values(metrics, "--metric")
    with results_only_on_stdout(as_json):
        classifier = load_learner(learner, embedder=embedder)
        classifier.export(out, merge=not adapter, metrics=measured)
    kind = type(classifier.learner).__name__
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    give(
        {"out": str(out), "model_class": kind, "labels": list(classifier.labels), "files": files},
        f"{kind}, exported: {out}; {out / 'README.md'} says how to load it",
        as_json=as_json,
    )
