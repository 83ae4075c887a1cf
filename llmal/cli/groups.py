"""Commands that stand in a group of their own: `llmal icl …` and `llmal models …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmal.cli.options import (
    Backend,
    Calibrating,
    Debug,
    Delimiter,
    DryRun,
    Encoding,
    Force,
    Gold,
    Json,
    Labelled,
    Model,
    Most,
    MostMoney,
    MostTokens,
    Normalising,
    PromptFile,
    Quiet,
    Seed,
    Sheet,
    StrategyOptions,
    TaskFile,
    Url,
    Values,
)
from llmal.cli.telling import tell_mistakes

icl = typer.Typer(
    name="icl",
    help="Choose the demonstrations and the wording of a prompt.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@icl.command("choose")
@tell_mistakes
def icl_choose(
    task: TaskFile,
    out: Annotated[Path, typer.Option("--out", help="File to write, .yaml.")],
    data: Labelled = None,
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            help="random, balanced, similar, diverse, vote-k, uncertain, allsh or informative.",
        ),
    ] = "allsh",
    shots: Annotated[int, typer.Option("--shots", min=0, help="Demonstrations.")] = 8,
    option: StrategyOptions = None,
    order: Annotated[
        str,
        typer.Option("--order", help="as-chosen, reversed, alternating or similar-last."),
    ] = "as-chosen",
    calibrate: Calibrating = None,
    unlabelled: Annotated[
        Path | None, typer.Option("--unlabelled", help="Texts for calibration without labels.")
    ] = None,
    gold: Gold = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    prompt: PromptFile = "label",
    values: Values = None,
    normalise: Normalising = "sum",
    model: Model = None,
    url: Url = None,
    backend: Backend = None,
    most: Most = 1000,
    seed: Seed = None,
    tokens: MostTokens = None,
    money: MostMoney = None,
    dry_run: DryRun = False,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Choose demonstrations among labelled texts, calibrate, and write the prompt to a file.

    `llmal annotate --prompt FILE` labels with it.
    """
    from llmal.cli import icl as commands
    from llmal.cli.source import Source
    from llmal.cli.spending import Spending
    from llmal.cli.wording import Wording
    from llmal.pool.readers import Reading
    from llmal.prompting.style import check_normalise

    reading = Reading(encoding, delimiter, sheet)
    commands.choose(
        Source(task, data, gold, unlabelled, model, url, backend, most, seed, reading),
        Wording(prompt, tuple(values or ()), check_normalise(normalise)),
        strategy=strategy,
        shots=shots,
        options=option or [],
        order=order,
        calibrate=calibrate or ["auto"],
        spending=Spending(tokens, money, dry_run),
        out=out,
        force=force,
        as_json=as_json,
        quiet=quiet,
    )


@icl.command("rank-prompts")
@tell_mistakes
def icl_rank_prompts(
    prompts: Annotated[list[str], typer.Argument(help="Names or paths of two prompts or more.")],
    task: TaskFile,
    data: Labelled = None,
    labelled: Annotated[
        bool,
        typer.Option(
            "--labelled/--unlabelled", help="Whether the texts have labels to be right about."
        ),
    ] = True,
    calibrate: Annotated[
        str, typer.Option("--calibrate", help="Correction of the label prior.")
    ] = "batch",
    gold: Gold = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    values: Values = None,
    normalise: Normalising = "sum",
    model: Model = None,
    url: Url = None,
    backend: Backend = None,
    most: Most = 300,
    seed: Seed = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Rank prompts: by accuracy where there are labels, else by mutual information."""
    from llmal.cli import icl as commands
    from llmal.cli.source import Source
    from llmal.pool.readers import Reading
    from llmal.prompting.style import check_normalise

    reading = Reading(encoding, delimiter, sheet)
    commands.rank(
        Source(task, data, gold, None, model, url, backend, most, seed, reading),
        prompts,
        values=values or [],
        normalise=check_normalise(normalise),
        calibrate=calibrate,
        labelled=labelled,
        as_json=as_json,
        quiet=quiet,
    )


models = typer.Typer(
    name="models",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@models.callback()
@tell_mistakes
def models_list(context: typer.Context, as_json: Json = False, debug: Debug = False) -> None:
    """List the models that are known by a short name, wherever a model is asked for.

    `llmal models get NAME` fetches one; so does its first use.
    """
    if context.invoked_subcommand is None:
        from llmal.cli.known_models import list_models as command

        command(as_json=as_json)


@models.command("get")
@tell_mistakes
def models_get(
    name: Annotated[str, typer.Argument(help="Its short name.")],
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Fetch a model, or check every byte of one that is here already."""
    from llmal.cli.known_models import fetch_model as command

    command(name, as_json=as_json, quiet=quiet)
