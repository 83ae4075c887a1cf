"""`llmal predict`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from llmal.cli.run_directory import read_run_directory
from llmal.cli.telling import give, results_only_on_stdout
from llmal.config import EmbedderConfig
from llmal.core.tables import check_output, write_table
from llmal.embed.protocol import Embedder
from llmal.factory.embedders import make_embedder
from llmal.factory.kept_config import FILE
from llmal.functions.prediction import predicting
from llmal.learners.saved import LABELS_FILE
from llmal.pool.readers import Reading
from llmal.progress import ProgressDisplay


def predict(
    learner: Path,
    *,
    data: Path,
    text: Sequence[str],
    reading: Reading,
    embedder: str | None,
    probabilities: bool,
    out: Path,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Label a file with a learner that a run has trained."""
    format = check_output(out, force=force)
    labels, columns, made_by = _of_the_run(learner)
    with results_only_on_stdout(as_json), ProgressDisplay(quiet=quiet) as progress:
        work = predicting(
            learner,
            data,
            text=list(text) or columns,
            probabilities=probabilities,
            labels=labels,
            embedder=embedder or made_by,
            reading=reading,
            on_progress=progress.step,
        )
        count = write_table(out, format, work.columns, work.rows())
    result = {
        "out": str(out),
        "items": count,
        "labels": dict(sorted(work.counts.items())),
        "failed": work.failed,
    }
    words = f"{count - work.failed:,} of {count:,} rows are labelled: {out}"
    give(result, words, as_json=as_json)


def _of_the_run(
    path: Path,
) -> tuple[Sequence[str] | None, Sequence[str] | None, Embedder | str | None]:
    """Labels, text columns and embedder of a run whose learner was saved without them.

    An embedder that another package adds is made as the run made it, whatever the learner says.
    """
    folder = path / "learner"
    if not (path / FILE).is_file() or not folder.is_dir():
        return None, None, None
    config, _ = read_run_directory(path)
    named = config.embedder.model if isinstance(config.embedder, EmbedderConfig) else None
    embedder = make_embedder(config) if named is None else named
    if (folder / LABELS_FILE).is_file():
        return None, None, embedder if named is None else None
    return config.task_object().names, list(config.task.text), embedder
