"""`llmal label`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from llmal.cli.data_file import DataFile
from llmal.cli.telling import INTERRUPTED, WAITING, give, results_only_on_stdout
from llmal.core.tables import check_output
from llmal.errors import ConfigError
from llmal.functions.labelling import label as run
from llmal.guarantee.standing import standing_of
from llmal.progress import ProgressDisplay

_EXIT = {"finished": 0, "waiting": WAITING, "interrupted": INTERRUPTED}


def label(
    file: DataFile,
    *,
    model: str | None,
    url: str | None,
    out: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Label every row of a file with a promise, write its report and, once finished, the labels.

    Args:
        file: The file, and the labels.
        model: Path or name of a language model.
        url: Of a server, in place of one.
        out: Where the labels go.
        force: Whether to replace what is there.
        as_json: One JSON object on standard output.
        quiet: No progress.
        **options: As for `llmal.label`.
    """
    if model is not None and url is not None:
        raise ConfigError("--model and --url are both given", fix="leave one of them out")
    _check_options(model or url, **options)
    if out is not None:
        check_output(out, force=force)
    with results_only_on_stdout(as_json), ProgressDisplay(quiet=quiet) as progress:
        result = run(
            file.path,
            file.labels,
            kind=file.kind,
            lm=url or model,
            progress=progress.step,
            **asdict(file.reading),
            **options,
        )
        page = result.report()
        written = out is not None and result.status == "finished"
        if written:
            assert out is not None
            result.save(out, force=force)
        # While people are at work they want to know how much is to come.
        forecast = None if result.status == "finished" else result.forecast()
    certificate = result.certificate
    answer = {
        "status": result.status,
        "reason": result.reason,
        "standing": standing_of(certificate, len(result.unreviewed)),
        "people_labels": result.people_labels,
        "labelled_by": dict(Counter(one for one in result.by if one is not None)),
        "unreviewed": len(result.unreviewed),
        "certificate": None if certificate is None else certificate.as_dict(),
        "forecast": None if forecast is None else forecast.as_dict(),
        "waiting_for": [str(one) for one in result.waiting_for],
        "cost": {**result.cost.as_dict(), "tokens": result.cost.tokens},
        "directory": str(result.directory),
        "report": str(page),
        "out": str(out) if written else None,
    }
    # Warnings are on stderr already.
    notes = [one for one in result.notes if one not in result.warnings]
    lines = [result.summary(), *notes, f"report: {page}"]
    lines += [f"labels: {out}"] if written else []
    lines += [] if forecast is None else [forecast.text()]
    give(answer, "\n".join(lines), as_json=as_json)
    if _EXIT[result.status]:
        raise typer.Exit(_EXIT[result.status])


def _check_options(
    machine: str | None,
    *,
    machine_label: str | None,
    machine_confidence: str | None,
    people: str,
    gold: str | None,
    **_: Any,
) -> None:
    """Tell what `llmal.label` would refuse, by the names that options have here."""
    if machine_confidence is not None and machine_label is None:
        raise ConfigError(
            "--machine-confidence says how sure labels are, and there are none",
            fix="name their column too with --machine-label",
        )
    if machine is None and machine_label is None:
        raise ConfigError(
            "there is no machine that labels",
            fix="name a model with --model (a small one is smollm2-135m-instruct), a server with "
            "--url, or the column of labels that there are with --machine-label",
        )
    if machine is not None and machine_label is not None:
        raise ConfigError(
            "--machine-label and a model are both given",
            fix="leave out the one that is not to label",
        )
    if people not in ("queue", "gold"):
        raise ConfigError(f"--people is {people!r}", fix="use queue or gold")
    if people == "gold" and gold is None:
        raise ConfigError(
            "people are played by the gold column, and there is none", fix="name it with --gold"
        )
