"""The commands about promises on labels. What they do is imported when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmal.cli.options import (
    AllLabels,
    Confidence,
    Debug,
    Delimiter,
    Encoding,
    Force,
    IdColumn,
    Json,
    Kind,
    MaxError,
    Model,
    Quiet,
    Sheet,
    Text,
    Url,
)
from llmal.cli.telling import tell_mistakes

Seeded = Annotated[
    int | None,
    typer.Option(
        "--seed", min=0, help="Of the audit; by default what --audited says, and 0 to draw."
    ),
]


@tell_mistakes
def trial(
    data: Annotated[Path, typer.Option("--data", help="The file with the answers.")],
    machine: Annotated[
        list[str], typer.Option("--machine", help="Column of a machine's labels; several times.")
    ],
    people: Annotated[
        str | None, typer.Option("--people", help="Columns of people, as CSV: anna,ben,cleo.")
    ] = None,
    worker: Annotated[
        str | None,
        typer.Option("--worker", help="Where each row is one answer: the column that says whose."),
    ] = None,
    item: Annotated[str | None, typer.Option("--item", help="And about what.")] = None,
    label: Annotated[str, typer.Option("--label", help="And the answer.")] = "label",
    labels: AllLabels = None,
    kind: Kind = None,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="Labels are numbers; near is a small distance.")
    ] = False,
    epsilon: Annotated[
        str,
        typer.Option(
            "--epsilon",
            help="How much better a person may be: experts (.2), skilled (.15), crowd (.1), or a "
            "number.",
        ),
    ] = "experts",
    level: Annotated[float, typer.Option("--level", help="The false discovery rate.")] = 0.05,
    fewest_items: Annotated[
        int, typer.Option("--fewest-items", min=2, help="People with fewer items are left out.")
    ] = 30,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Test whether a language model may label in a person's place.

    Three people or more, 50 to 100 items each. Each person is left out in turn: is the machine
    nearer to the others than he is (Calderon, Reichart and Dror 2025)? Says how many items it
    would take.
    """
    from llmal.cli.data_file import data_file
    from llmal.cli.trial import Answers
    from llmal.cli.trial import trial as command

    command(
        data_file(data, labels, kind, encoding, delimiter, sheet),
        Answers(tuple(machine), people, worker, item, label),
        numbers=numbers,
        epsilon=epsilon,
        level=level,
        fewest_items=fewest_items,
        as_json=as_json,
    )


@tell_mistakes
def certify(
    data: Annotated[Path, typer.Option("--data", help="The file with the labels.")],
    label: Annotated[str, typer.Option("--label", help="Column of the machine's labels.")],
    score: Annotated[
        str, typer.Option("--score", help="How much each is trusted: larger is surer.")
    ],
    audit: Annotated[
        str | None,
        typer.Option("--audit", help="What people said of the audited rows; else empty."),
    ] = None,
    audited: Annotated[
        Path | None,
        typer.Option("--audited", help="The rows of --audit-plan, filled in; in place of --audit."),
    ] = None,
    review: Annotated[
        str | None,
        typer.Option("--review", help="What people have said since of rows that go to them."),
    ] = None,
    reviewed: Annotated[
        Path | None,
        typer.Option(
            "--reviewed", help="The rows of --to-people, filled in; in place of --review."
        ),
    ] = None,
    people: Annotated[
        str | None,
        typer.Option("--people", help="Labels by people from before the audit, if there are."),
    ] = None,
    max_error: MaxError = 0.05,
    confidence: Confidence = 0.95,
    promise: Annotated[
        str,
        typer.Option(
            "--promise",
            help="pool_error, looks, anytime, accepted_precision, recall (with --class), fdr or "
            "estimate_only.",
        ),
    ] = "pool_error",
    of: Annotated[
        str | None,
        typer.Option(
            "--class",
            help="A label that the promise is about: with recall few of it are missed, with "
            "pool_error few that were given it are wrong.",
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", help="Column that says which rows are near-duplicates."),
    ] = None,
    looks: Annotated[
        str | None,
        typer.Option("--looks", help="Rows audited at each planned look, as 60,100,160."),
    ] = None,
    audit_plan: Annotated[
        str | None,
        typer.Option("--audit-plan", help="Write this many rows to audit to --out, or auto."),
    ] = None,
    seed: Seeded = None,
    skipped: Annotated[
        str | None,
        typer.Option(
            "--skipped", help="What stands there where a person could not say. [default: ?]"
        ),
    ] = None,
    labels: AllLabels = None,
    kind: Kind = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="All rows with label, by and action; .csv, .jsonl, …."),
    ] = None,
    to_people: Annotated[
        Path | None,
        typer.Option("--to-people", help="Write the rows here that people have still to label."),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="Write the certificate here, as JSON.")
    ] = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    force: Force = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Promise something of labels that any system made, by an audit of them.

    First `--audit-plan auto --out audit.csv` draws rows; people fill in its column audit; then
    `--audited audit.csv` says which labels may stay, and what is promised of them;
    `--to-people review.csv` writes the others, people fill in its column review, and with
    `--reviewed review.csv` besides --out has all labels and the promise waits for nothing.
    Where the answers stand in the data itself, --audit and --review name their columns. Where
    nothing can be promised it ends with status 1, and --out is not written.
    """
    from llmal.cli.certify import Answers, Outputs, Wanted
    from llmal.cli.certify import certify as command
    from llmal.cli.data_file import data_file

    command(
        data_file(data, labels, kind, encoding, delimiter, sheet),
        Answers(label, score, audit, audited, review, reviewed, people, group, skipped),
        Wanted(max_error, confidence, promise, of, looks, seed),
        Outputs(out, to_people, certificate, force, as_json),
        audit_plan=audit_plan,
    )


@tell_mistakes
def label(
    data: Annotated[Path, typer.Option("--data", help="The file to label.")],
    labels: Annotated[str, typer.Option("--labels", help="The labels, as CSV: 'A,\"B, or C\",D'.")],
    directory: Annotated[
        Path, typer.Option("--directory", help="Where everything is kept; to_label.csv too.")
    ],
    text: Text = None,
    id: IdColumn = None,
    kind: Kind = None,
    guidelines: Annotated[
        str, typer.Option("--guidelines", help="What annotators must know.")
    ] = "",
    model: Model = None,
    url: Url = None,
    machine_label: Annotated[
        str | None,
        typer.Option("--machine-label", help="In place of a model: column of a machine's labels."),
    ] = None,
    machine_confidence: Annotated[
        str | None,
        typer.Option("--machine-confidence", help="And how sure it was of each, from 0 to 1."),
    ] = None,
    people: Annotated[
        str,
        typer.Option(
            "--people", help="queue: they fill in to_label.csv; gold: the gold column plays them."
        ),
    ] = "queue",
    gold: Annotated[
        str | None, typer.Option("--gold", help="Column of gold labels; for --people gold.")
    ] = None,
    max_error: MaxError = 0.05,
    confidence: Confidence = 0.95,
    human_labels: Annotated[
        int | None, typer.Option("--human-labels", min=0, help="Labels that people give at most.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="File to write once it is finished: .jsonl, .csv, .xlsx or .parquet."
        ),
    ] = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all that is drawn.")] = 0,
    accept_changes: Annotated[
        bool,
        typer.Option("--accept-changes", help="Go on although labels, guidelines or data changed."),
    ] = False,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Label every row of a file, with a promise: of all labels at most 5 % are wrong.

    A machine labels, and people label what is doubtful; an audit of the rest shows what may stay.
    Where people label in a file, it ends with status 3: fill in to_label.csv and run it again.
    """
    from llmal.cli.data_file import data_file
    from llmal.cli.label import label as command

    command(
        data_file(data, labels, kind, encoding, delimiter, sheet),
        model=model,
        url=url,
        out=out,
        force=force,
        as_json=as_json,
        quiet=quiet,
        text=text,
        id=id,
        guidelines=guidelines,
        machine_label=machine_label,
        machine_confidence=machine_confidence,
        people=people,
        gold=gold,
        max_error=max_error,
        confidence=confidence,
        budget=human_labels,
        directory=directory,
        seed=seed,
        accept_changes=accept_changes,
    )


@tell_mistakes
def forecast(
    run: Annotated[Path | None, typer.Argument(help="The directory of a run.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Or a file with labels of any system.")
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="Its column of labels.")] = None,
    score: Annotated[
        str | None,
        typer.Option("--score", help="Its column that says how sure each is; higher is surer."),
    ] = None,
    audit: Annotated[
        str | None,
        typer.Option(
            "--audit", help="Its column of people's labels, of rows drawn at random; else empty."
        ),
    ] = None,
    labels: AllLabels = None,
    kind: Kind = None,
    max_error: Annotated[
        list[float] | None,
        typer.Option("--max-error", help="Shares of wrong labels. [default: .01 .02 .05 .1]"),
    ] = None,
    confidence: Confidence = 0.95,
    level: Annotated[
        float, typer.Option("--level", help="How often the interval should hold, with --data.")
    ] = 0.9,
    audit_only: Annotated[
        bool,
        typer.Option("--audit-only", help="No doubtful rows are labelled before the audit."),
    ] = False,
    cost_per_label: Annotated[
        float, typer.Option("--cost-per-label", min=0, help="Money for a person's label.")
    ] = 0.0,
    seconds_per_label: Annotated[
        float, typer.Option("--seconds-per-label", min=0, help="Time that one takes.")
    ] = 0.0,
    currency: Annotated[str, typer.Option("--currency", help="Of the money.")] = "",
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say how many labels people will have to give for a promise, with an interval.

    For a run, by its ledger. For labels of any system: a score that says how sure each is, and some
    that people have labelled; without those it is a guess.
    """
    from llmal.cli.data_file import data_file
    from llmal.cli.forecast import FileOfLabels
    from llmal.cli.forecast import forecast as command
    from llmal.guarantee.forecast import Rates

    file = None
    if data is not None:
        read = data_file(data, labels, kind, encoding, delimiter, sheet)
        file = FileOfLabels(read, score, label, audit, audit_only, confidence, level)
    command(
        run,
        file,
        max_error=tuple(max_error or ()),
        rates=Rates(cost_per_label, seconds_per_label, currency),
        as_json=as_json,
    )
