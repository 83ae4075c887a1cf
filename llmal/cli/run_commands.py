"""The commands about runs, and about this machine. What they do is imported when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmal.cli.options import (
    Config,
    Debug,
    Force,
    Json,
    MovedPool,
    Quiet,
    RunDirectory,
)
from llmal.cli.telling import tell_mistakes


@tell_mistakes
def run(
    config: Config,
    directory: Annotated[
        Path | None, typer.Option("--directory", help="Run directory, in place of its own.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Seed, in place of its own.")
    ] = None,
    accept_changes: Annotated[
        bool,
        typer.Option(
            "--accept-changes",
            help="Go on although task or data have changed; without it that is told and refused.",
        ),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Label and learn as a configuration says, or go on where that was left.

    Ctrl-C once ends after the batch in hand; the same command goes on from there.
    """
    from llmal.cli.run import run as command

    command(
        config,
        directory=directory,
        seed=seed,
        accept_changes=accept_changes,
        as_json=as_json,
        quiet=quiet,
    )


@tell_mistakes
def plan(config: Config, as_json: Json = False, debug: Debug = False) -> None:
    """Say what a run will cost at most, and show one of its prompts. Asks nobody."""
    from llmal.cli.plan import plan as command

    command(config, as_json=as_json)


@tell_mistakes
def review(
    place: Annotated[
        Path, typer.Argument(help="A run directory, or the YAML file of a run.", exists=True)
    ],
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")
    ] = 0,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Who labels by the address. [default: your user name]"),
    ] = None,
    suggestions: Annotated[
        str,
        typer.Option(
            "--suggestions", help="When a machine's label is shown: after, before or never."
        ),
    ] = "after",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the address in a browser.")
    ] = True,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Let people label a run on a page in the browser, and go on with it as they do.

    The address holds a token; the page makes links for others. Ctrl-C stops it.
    """
    from llmal.cli.review import review as command

    command(
        place,
        host=host,
        port=port,
        name=name,
        suggestions=suggestions,
        browser=browser,
        as_json=as_json,
        quiet=quiet,
    )


@tell_mistakes
def relabel(
    directory: RunDirectory,
    item: Annotated[str | None, typer.Argument(help="The id of the item.")] = None,
    label: Annotated[str | None, typer.Argument(help="The label that is right.")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Several corrections: a file with the columns id and label."),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option("--by", help="Who corrects. [default: the person whose answer stands]"),
    ] = None,
    why: Annotated[str | None, typer.Option("--why", help="The reason, for the ledger.")] = None,
    data: MovedPool = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Correct labels of a run. The earlier answers stay in its ledger; its learner learns anew."""
    from llmal.cli.relabel import relabel as command

    command(
        directory,
        item=item,
        label=label,
        file=file,
        person=person,
        why=why,
        data=data,
        as_json=as_json,
        quiet=quiet,
    )


@tell_mistakes
def report(
    directory: RunDirectory,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Directory or .html file. [default: in the run directory]"),
    ] = None,
    data: MovedPool = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the report of a run again. Asks no annotator and starts no model."""
    from llmal.cli.report import report as command

    command(directory, out=out, data=data, as_json=as_json, quiet=quiet)


@tell_mistakes
def export(
    directory: RunDirectory,
    what: Annotated[
        str,
        typer.Option(
            "--what",
            help="labels, annotations (every answer of everybody), decisions, synthetic, spending, "
            "picks, rounds, queue or events.",
        ),
    ] = "labels",
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "--to",
            help="jsonl, csv, xlsx (Excel), parquet, hf (a datasets folder), or one that another "
            "package adds. [default: what --out ends in, or jsonl]",
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="An option of the format, key=value; several times."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="File to write, or - for standard output. "
            "[default: labels.jsonl and the like in the run directory]",
        ),
    ] = None,
    data: MovedPool = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Of labels: also items without one, with a machine's suggestion."
        ),
    ] = False,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write what a run has in its ledger: by default a row for each labelled item.

    Rows about items have all columns that the pool's file has, then those of llmal. The labels are
    followed by the synthetic items that were accepted.
    """
    from llmal.cli.export import export as command

    command(
        directory,
        what=what,
        format=format,
        options=option or [],
        out=out,
        data=data,
        everything=everything,
        force=force,
        as_json=as_json,
        quiet=quiet,
    )


@tell_mistakes
def doctor(
    url: Annotated[
        str | None, typer.Option("--url", help="A model server to look at, http://…/v1.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say what is installed and what works here."""
    from llmal.cli.doctor import doctor as command

    command(url=url, as_json=as_json)
