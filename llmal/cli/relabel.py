"""`llmal relabel`."""

from __future__ import annotations

from pathlib import Path

from llmal.cli.run_directory import read_run_directory
from llmal.cli.telling import give, results_only_on_stdout
from llmal.core.records import Annotation, Answer
from llmal.errors import ConfigError, DataError
from llmal.factory.orchestrator import build
from llmal.pool.label_file import LabelFile
from llmal.progress import ProgressDisplay
from llmal.run.correcting import person_to_correct
from llmal.run.guards import only_one


def relabel(
    directory: Path,
    *,
    item: str | None,
    label: str | None,
    file: Path | None,
    person: str | None,
    why: str | None,
    data: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Correct labels of a run: one, or those of a file."""
    if (item is None) != (label is None) or (item is None) == (file is None):
        raise ConfigError(
            "nothing says what is to be corrected",
            fix="give an item and its label, or --file with the columns id and label",
        )
    config, _ = read_run_directory(directory, data=data)
    with (
        results_only_on_stdout(as_json),
        ProgressDisplay(quiet=quiet) as progress,
        only_one(config.directory),
        build(config, callbacks=[progress]).campaign as campaign,
    ):
        if item is not None:
            told: dict[str, Answer | None] = {item: label}
        else:
            read = LabelFile.read(file, campaign.pool, campaign.task, option="--file")
            if not len(read):
                raise DataError(
                    "there is no label in it",
                    where=str(file),
                    fix="give the columns id and label, and a label in some row",
                )
            told = dict[str, Answer | None](zip(read.ids, read.labels, strict=True))
        ledger = campaign.open()
        changed = campaign.correct(
            Annotation(
                one,
                answer,
                annotator=person or person_to_correct(ledger, one) or "human",
                kind="human",
                reason=why,
            )
            for one, answer in told.items()
        )
    words = (
        f"{changed} of {len(told)} labels are corrected; the earlier answers stay in the ledger"
        if changed
        else "nothing is corrected: these labels stand already"
    )
    give({"corrected": changed, "labels": len(told)}, words, as_json=as_json)
