"""`llmal train`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmal.cli.data_file import DataFile
from llmal.cli.telling import give, results_only_on_stdout
from llmal.cli.wording import key_values
from llmal.functions.training import training


@dataclass(frozen=True)
class Columns:
    """What stands where in the file.

    Attributes:
        label: The labels.
        text: The texts.
        weights: Weights of the rows.
    """

    label: str
    text: tuple[str, ...]
    weights: str | None


def train(
    file: DataFile,
    columns: Columns,
    *,
    learner: str,
    options: Sequence[str],
    guidelines: str,
    test: Path | None,
    embedder: str | None,
    seed: int,
    out: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train a learner on a labelled file."""
    given = key_values(options, "--option")
    if not quiet and learner != "linear":
        given = {"progress": True, **given}
    with results_only_on_stdout(as_json):
        found = training(
            file.path,
            learner,
            options=given,
            label=columns.label,
            text=columns.text or None,
            labels=file.labels,
            guidelines=guidelines,
            test=test,
            weights=columns.weights,
            directory=out,
            embedder=embedder,
            seed=seed,
            reading=file.reading,
        )
    result = {
        "out": str(out),
        "items": found.items,
        "unlabelled": found.unlabelled,
        "labels": list(found.classifier.labels),
        "tested": found.tested,
        "accuracy": found.accuracy,
        "macro_f1": found.macro_f1,
    }
    give(result, f"{found}\nsaved: {out}; label a file: llmal predict {out} --data FILE --out FILE",
         as_json=as_json)  # fmt: skip
