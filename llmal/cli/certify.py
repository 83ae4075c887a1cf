"""`llmal certify`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import typer

from llmal.cli.annotate import label_names
from llmal.cli.telling import FAILED, give, results_only_on_stdout
from llmal.core.tables import check_output, check_place
from llmal.core.words import counted
from llmal.errors import ConfigError, LlmalError
from llmal.functions.certification import certify as run
from llmal.functions.certification import draw_audit
from llmal.guarantee.certificate import Mode
from llmal.pool.readers import Reading


@dataclass(frozen=True)
class Columns:
    """What stands where in the file.

    Attributes:
        label: The machine's labels.
        score: How much each is trusted.
        audit: What people said of the audited rows.
        audited: The file with that, where it is another.
        people: What they said of others.
        skipped: What stands in the audit column where a person could not say.
        labels: All labels, as a line of CSV.
        kind: What an answer is.
    """

    label: str
    score: str
    audit: str | None
    audited: Path | None
    people: str | None
    skipped: str | None
    labels: str | None
    kind: str | None


@dataclass(frozen=True)
class Wanted:
    """What is to be promised.

    Attributes:
        max_error: The share of wrong labels that is allowed.
        confidence: With what probability it holds.
        mode: What is promised.
        looks: The planned looks, as a line of CSV.
        seed: The seed of the audit.
    """

    max_error: float
    confidence: float
    mode: str
    looks: str | None
    seed: int | None


def certify(
    data: Path,
    columns: Columns,
    wanted: Wanted,
    *,
    audit_plan: str | None,
    out: Path | None,
    certificate: Path | None,
    reading: Reading,
    force: bool,
    as_json: bool,
) -> None:
    """Certify labels by an audit, or draw the rows to audit."""
    if out is not None:
        check_output(out, force=force)
    if certificate is not None:
        check_place(certificate, force=force)
    common: dict[str, Any] = {
        "label": columns.label,
        "score": columns.score,
        "people": columns.people,
        "max_error": wanted.max_error,
        "confidence": wanted.confidence,
        "labels": None if columns.labels is None else label_names(columns.labels),
        "kind": columns.kind or "single",
        "reading": reading,
    }
    if audit_plan is not None:
        _draw(data, audit_plan, wanted.seed or 0, common, out, force=force, as_json=as_json)
        return
    if columns.audit is None and columns.audited is None:
        raise ConfigError(
            "there is no audit to certify by",
            fix="name its column with --audit or its file with --audited, or have one drawn with "
            "--audit-plan",
        )
    with results_only_on_stdout(as_json):
        made = run(
            data,
            audit=columns.audit or "audit",
            audited=columns.audited,
            mode=_mode(wanted.mode),
            looks=None if wanted.looks is None else _looks(wanted.looks),
            seed=wanted.seed,
            skipped=columns.skipped,
            **common,
        )
        # Where nothing may stay there are no labels to deliver.
        promised = made.certificate.holds or wanted.mode == "estimate_only"
        if out is not None and promised:
            made.save(out, force=force)
        if certificate is not None:
            _write(certificate, made.certificate.to_json() + "\n")
    result: dict[str, Any] = made.as_dict()
    lines = [made.summary(), *made.notes]
    if out is not None:
        result["out"] = str(out) if promised else None
        lines.append(f"rows: {out}" if promised else f"{out} is not written")
    give(result, "\n".join(lines), as_json=as_json)
    if not promised:
        raise typer.Exit(FAILED)


def _draw(
    data: Path,
    plan: str,
    seed: int,
    common: dict[str, Any],
    out: Path | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    if out is None:
        raise ConfigError("it is not said where the rows to audit go", fix="name a file with --out")
    with results_only_on_stdout(as_json):
        drawn = draw_audit(data, items=_items(plan), seed=seed, **common)
        drawn.save(out, force=force)
    result = {
        "out": str(out),
        "items": len(drawn),
        "seed": seed,
        "needed": drawn.needed,
        "notes": list(drawn.notes),
    }
    text = (
        f"{counted(len(drawn), 'row')} to audit, in order of draw: {out}\n"
        "Have people fill in its column audit, and certify with "
        f"--audited {out.name} --seed {seed}. Labels and scores must stay as they are."
    )
    give(result, "\n".join([text, *drawn.notes]), as_json=as_json)


def _items(word: str) -> int | Literal["auto"]:
    if word == "auto":
        return "auto"
    if not word.isdecimal() or int(word) == 0:
        raise ConfigError(f"--audit-plan is {word!r}", fix="give a number of rows, or auto")
    return int(word)


def _looks(words: str) -> tuple[int, ...]:
    parts = [one.strip() for one in words.split(",")]
    if not all(one.isdecimal() for one in parts):
        raise ConfigError(
            f"--looks is {words!r}", fix="give how many rows are audited at each: 60,100,160"
        )
    return tuple(int(one) for one in parts)


def _mode(word: str) -> Mode:
    modes: tuple[Mode, ...] = (
        "pool_error",
        "looks",
        "anytime",
        "accepted_precision",
        "fdr",
        "estimate_only",
    )
    for mode in modes:
        if word == mode:
            return mode
    raise ConfigError(f"--promise is {word!r}", fix=f"take one of {', '.join(modes)}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LlmalError(
            f"the certificate cannot be written ({error.strerror})", where=str(path)
        ) from error
