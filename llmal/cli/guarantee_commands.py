"""The commands about promises on labels. What they do is imported when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmal.cli.options import Debug, Delimiter, Encoding, Force, Json, Kind, Sheet
from llmal.cli.telling import tell_mistakes

Seeded = Annotated[
    int | None,
    typer.Option("--seed", min=0, help="Of the audit; with --audit-plan 0 where it is not named."),
]
AllLabels = Annotated[
    str | None,
    typer.Option("--labels", help="All labels, as CSV. [default: those that occur]"),
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
    from llmal.cli.trial import Answers
    from llmal.cli.trial import trial as command
    from llmal.pool.readers import Reading

    command(
        data,
        Answers(tuple(machine), people, worker, item, label),
        labels=labels,
        kind=kind,
        numbers=numbers,
        epsilon=epsilon,
        level=level,
        fewest_items=fewest_items,
        reading=Reading(encoding, delimiter, sheet),
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
    people: Annotated[
        str | None,
        typer.Option("--people", help="Labels that people gave for other reasons, if there are."),
    ] = None,
    max_error: Annotated[
        float, typer.Option("--max-error", help="The share of labels that may be wrong.")
    ] = 0.05,
    confidence: Annotated[
        float, typer.Option("--confidence", help="With what probability that is to hold.")
    ] = 0.95,
    promise: Annotated[
        str,
        typer.Option(
            "--promise",
            help="pool_error, looks, anytime, accepted_precision, fdr or estimate_only.",
        ),
    ] = "pool_error",
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
        typer.Option("--skipped", help="What the audit column says where a person can't."),
    ] = None,
    labels: AllLabels = None,
    kind: Kind = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The rows with label, by and action; .csv, .jsonl, …."),
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

    First `--audit-plan auto --out audit.csv` draws rows; people label them without seeing the
    machine's labels; then the same command with their answers in --audit and the seed says which
    labels may stay, and what is promised of them.
    """
    from llmal.cli.certify import Columns, Wanted
    from llmal.cli.certify import certify as command
    from llmal.pool.readers import Reading

    command(
        data,
        Columns(label, score, audit, people, skipped, labels, kind),
        Wanted(max_error, confidence, promise, looks, seed),
        audit_plan=audit_plan,
        out=out,
        certificate=certificate,
        reading=Reading(encoding, delimiter, sheet),
        force=force,
        as_json=as_json,
    )
