"""`llmal certify`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import typer

from llmal.cli.data_file import DataFile
from llmal.cli.telling import FAILED, give, results_only_on_stdout
from llmal.core.tables import check_output, check_place
from llmal.core.words import counted
from llmal.errors import ConfigError, LlmalError
from llmal.functions.audit_drawing import draw_audit
from llmal.functions.audited_labels import AUDIT
from llmal.functions.certification import certify as run
from llmal.functions.certified import Certified
from llmal.guarantee.certificate import Mode


@dataclass(frozen=True)
class Answers:
    """What stands where in the file, and in those that people filled in.

    Attributes:
        label: The machine's labels.
        score: How much each is trusted.
        audit: What people said of the audited rows.
        audited: The file with that, where it is another.
        review: What they have said since of rows that go to them.
        reviewed: The file with that, where it is another.
        people: What they said of others before.
        group: Which rows are near-duplicates.
        skipped: What stands there where a person could not say.
    """

    label: str
    score: str
    audit: str | None
    audited: Path | None
    review: str | None
    reviewed: Path | None
    people: str | None
    group: str | None
    skipped: str | None


@dataclass(frozen=True)
class Wanted:
    """What is to be promised.

    Attributes:
        max_error: The share of wrong labels that is allowed.
        confidence: With what probability it holds.
        mode: What is promised.
        of: The class that it is about.
        looks: The planned looks, as numbers with commas.
        seed: The seed of the audit.
    """

    max_error: float
    confidence: float
    mode: str
    of: str | None
    looks: str | None
    seed: int | None


@dataclass(frozen=True)
class Outputs:
    """What is written, and how.

    Attributes:
        out: Where the rows go.
        to_people: Where those go that people have still to label.
        certificate: Where the certificate goes.
        force: Whether to replace what is there.
        as_json: One JSON object on standard output.
    """

    out: Path | None
    to_people: Path | None
    certificate: Path | None
    force: bool
    as_json: bool

    def check(self) -> None:
        """See that everything can be written.

        Raises:
            ConfigError: Something is there, or a name does not say the format.
        """
        for option, table in (("--out", self.out), ("--to-people", self.to_people)):
            if table is not None:
                check_output(table, force=self.force, option=option)
        if self.certificate is not None:
            check_place(self.certificate, force=self.force, option="--certificate")
        places = [one for one in (self.out, self.to_people, self.certificate) if one is not None]
        if len({one.absolute() for one in places}) < len(places):
            raise ConfigError("two outputs have the same name", fix="name different files")


def certify(
    file: DataFile, answers: Answers, wanted: Wanted, outputs: Outputs, *, audit_plan: str | None
) -> None:
    """Certify labels by an audit, or draw the rows to audit."""
    outputs.check()
    common: dict[str, Any] = {
        "label": answers.label,
        "score": answers.score,
        "people": answers.people,
        "group": answers.group,
        "max_error": wanted.max_error,
        "confidence": wanted.confidence,
        "labels": file.labels,
        "kind": file.kind,
        "reading": file.reading,
    }
    mode = _mode(wanted.mode)
    if audit_plan is not None:
        _refuse_with_plan(answers, outputs)
        common |= {"mode": mode, "of": wanted.of}
        _draw(file.path, audit_plan, wanted.seed or 0, common, outputs)
        return
    if answers.audit is None and answers.audited is None:
        raise ConfigError(
            "there is no audit to certify by",
            fix="name its column with --audit or its file with --audited, or have one drawn with "
            "--audit-plan",
        )
    with results_only_on_stdout(outputs.as_json):
        made = run(
            file.path,
            audit=answers.audit or AUDIT,
            audited=answers.audited,
            review=answers.review,
            reviewed=answers.reviewed,
            mode=mode,
            of=wanted.of,
            looks=None if wanted.looks is None else _looks(wanted.looks),
            seed=wanted.seed,
            skipped=answers.skipped,
            **common,
        )
        # Where nothing may stay there are no labels to deliver.
        promised = made.certificate.holds or mode == "estimate_only"
        written = _write(made, outputs, promised=promised)
    give(
        {
            **made.as_dict(),
            **{key: None if one is None else str(one) for key, one in written.items()},
        },
        "\n".join([made.in_words(), *_on_files(made, outputs, written)]),
        as_json=outputs.as_json,
    )
    if not promised:
        raise typer.Exit(FAILED)


def _write(made: Certified, outputs: Outputs, *, promised: bool) -> dict[str, Path | None]:
    """Write what can be written; by the option the place, or None where it was not."""
    written: dict[str, Path | None] = {}
    if outputs.out is not None:
        written["out"] = made.save(outputs.out, force=outputs.force) if promised else None
    if outputs.to_people is not None:
        rows = made.for_people
        needed = promised and len(rows)
        place = outputs.to_people
        written["rows_for_people"] = rows.save(place, force=outputs.force) if needed else None
    if outputs.certificate is not None:
        _write_text(outputs.certificate, made.certificate.to_json() + "\n")
    return written


def _on_files(made: Certified, outputs: Outputs, written: dict[str, Path | None]) -> list[str]:
    """What is said of the files, and of what comes next."""
    lines = []
    if outputs.out is not None:
        is_there = written["out"] is not None
        lines.append(f"rows: {outputs.out}" if is_there else f"{outputs.out} is not written")
    waiting = len(made.for_people)
    if outputs.to_people is not None:
        place = outputs.to_people
        if written["rows_for_people"] is not None:
            lines.append(
                f"{counted(waiting, 'row')} for people: {place}; have them fill in its column "
                f"review, and certify again with --reviewed {place} besides"
            )
        else:
            why = "people have nothing left to label" if not waiting else "nothing is promised yet"
            lines.append(f"{place} is not written: {why}")
    elif waiting and made.certificate.condition:
        lines.append("to go on: --to-people FILE writes the rows that go to people")
    return lines


def _refuse_with_plan(answers: Answers, outputs: Outputs) -> None:
    given = {
        "--audit": answers.audit,
        "--audited": answers.audited,
        "--review": answers.review,
        "--reviewed": answers.reviewed,
        "--to-people": outputs.to_people,
        "--certificate": outputs.certificate,
    }
    for name, value in given.items():
        if value is not None:
            raise ConfigError(
                f"{name} is given, and --audit-plan draws the rows of an audit that is still to be "
                "labelled",
                fix="leave out one of the two",
            )


def _draw(data: Path, plan: str, seed: int, common: dict[str, Any], outputs: Outputs) -> None:
    out = outputs.out
    if out is None:
        raise ConfigError("it is not said where the rows to audit go", fix="name a file with --out")
    with results_only_on_stdout(outputs.as_json):
        drawn = draw_audit(data, items=_items(plan), seed=seed, **common)
        drawn.save(out, force=outputs.force)
    result = {
        "out": str(out),
        "items": len(drawn),
        "seed": seed,
        "needed": drawn.needed,
        "notes": list(drawn.notes),
    }
    text = (
        f"{counted(len(drawn), 'row')} to audit, in order of draw: {out}\n"
        f"Have people fill in its column audit, and certify with --audited {out} beside the "
        "options of this command. Labels and scores must stay as they are. (Where answers stand "
        f"in the data itself: --audit COLUMN --seed {seed}.)"
    )
    give(result, "\n".join([text, *drawn.notes]), as_json=outputs.as_json)


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
        "recall",
        "fdr",
        "estimate_only",
    )
    for mode in modes:
        if word == mode:
            return mode
    raise ConfigError(f"--promise is {word!r}", fix=f"take one of {', '.join(modes)}")


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LlmalError(
            f"the certificate cannot be written ({error.strerror})", where=str(path)
        ) from error
