"""The commands about promises on labels. What they do is imported when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmal.cli.options import Debug, Delimiter, Encoding, Json, Kind, Sheet
from llmal.cli.telling import tell_mistakes

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
