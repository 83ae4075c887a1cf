"""The command line: all commands, in the order in which the help lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from llmal.cli.file_commands import (
    annotate,
    export_learner,
    generate,
    predict,
    select,
    serve,
    strategies,
    train,
)
from llmal.cli.groups import icl, models
from llmal.cli.guarantee_commands import certify, forecast, label, trial
from llmal.cli.run_commands import doctor, export, plan, relabel, report, review, run

app = typer.Typer(
    name="llmal",
    help="Label a pool of text with a language model and a few hours of human attention.",
    epilog=("Exit status: 0 done, 1 error, 2 wrong usage, 3 waiting for people, 130 interrupted."),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Help in boxes takes twice as long to come.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(icl)
app.add_typer(models)


def _version(wanted: bool) -> None:
    if wanted:
        from llmal import __version__

        typer.echo(f"llmal {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    pass


for _command in (
    run,
    plan,
    label,
    annotate,
    review,
    relabel,
    train,
    predict,
    serve,
    export_learner,
    select,
    strategies,
    generate,
    certify,
    forecast,
    trial,
    report,
    export,
    doctor,
):
    app.command()(_command)
