"""The commands from a file to a file, and their options. What they do is imported when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmal.cli.options import (
    AllLabels,
    Backend,
    Calibrating,
    Count,
    Debug,
    Delimiter,
    DryRun,
    Encoding,
    Force,
    IdColumn,
    Json,
    Kind,
    Model,
    MostMoney,
    MostTokens,
    Normalising,
    Probabilities,
    PromptFile,
    Quiet,
    Sheet,
    StrategyOptions,
    TableOut,
    Text,
    ToLabel,
    Url,
    Values,
)
from llmal.cli.telling import tell_mistakes
from llmal.learners import REGISTRY as LEARNERS


@tell_mistakes
def annotate(
    out: TableOut,
    config: Annotated[
        Path | None, typer.Option("--config", help="Take task, model and annotators from here.")
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="The file to label.")] = None,
    prompt: Annotated[
        Path | None,
        typer.Option("--prompt", help="A prompt that `llmal icl choose` wrote, with its task."),
    ] = None,
    text: Text = None,
    id: IdColumn = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    labels: Annotated[
        str | None,
        typer.Option("--labels", help="Without --config: the labels, as CSV: 'A,\"B, or C\",D'."),
    ] = None,
    kind: Kind = None,
    guidelines: Annotated[
        str, typer.Option("--guidelines", help="Without --config: what annotators must know.")
    ] = "",
    model: Model = None,
    url: Url = None,
    backend: Backend = None,
    calibrate: Calibrating = None,
    shortlist: Annotated[
        str | None,
        typer.Option(
            "--shortlist",
            help="Labels that are scored for each text: a number, off, or auto (the default: so "
            "with more than 20 labels).",
        ),
    ] = None,
    codes: Annotated[
        bool,
        typer.Option("--codes", help="Show labels as codes of one token; one pass scores them."),
    ] = False,
    rationale: Annotated[
        bool, typer.Option("--rationale", help="Also why, in the model's words; costs more.")
    ] = False,
    probabilities: Probabilities = False,
    tokens: MostTokens = None,
    money: MostMoney = None,
    dry_run: DryRun = False,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Label a file with machines, without a run.

    Every row comes back in its order with its own columns, and label, confidence, flags and error;
    added columns whose names the file has already begin with "llmal_". How the model is asked comes
    from --config, or from the options in its place.
    Answers are kept in <out>.cache.sqlite: stopped and started again, nothing is asked twice.
    """
    from llmal.cli.annotate import Added, Flags
    from llmal.cli.annotate import annotate as command
    from llmal.cli.spending import Spending
    from llmal.pool.readers import Reading

    reading = Reading(encoding, delimiter, sheet)
    flags = Flags(
        tuple(text or ()),
        labels,
        kind,
        guidelines,
        model,
        url,
        backend,
        tuple(calibrate or ()),
        shortlist,
        codes,
        reading,
    )
    command(
        config_file=config,
        data=data,
        prompt=prompt,
        flags=flags,
        added=Added(id, rationale, probabilities),
        out=out,
        spending=Spending(tokens, money, dry_run),
        force=force,
        as_json=as_json,
        quiet=quiet,
    )


@tell_mistakes
def train(
    data: Annotated[Path, typer.Option("--data", help="The file with labelled texts.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to save the learner in.")],
    label: Annotated[str, typer.Option("--label", help="The column of the labels.")] = "label",
    text: Text = None,
    learner: Annotated[
        str,
        typer.Option(
            "--learner",
            help=f"One of {', '.join(LEARNERS.names())}.",
        ),
    ] = "linear",
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", help="An option of the learner, model=smollm2-135m-instruct; several times."
        ),
    ] = None,
    test: Annotated[
        Path | None, typer.Option("--test", help="A file to test it on; nothing is chosen by it.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option("--weights", help="A column of weights, such as a confidence.")
    ] = None,
    labels: AllLabels = None,
    guidelines: Annotated[
        str, typer.Option("--guidelines", help="What annotators must know, in a sentence or more.")
    ] = "",
    embedder: Annotated[
        str | None, typer.Option("--embedder", help="Path or name of sentence-transformers.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="For everything that is drawn.")] = 0,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a learner on a labelled file. Asks nobody and costs nothing."""
    from llmal.cli.data_file import data_file
    from llmal.cli.train import Columns
    from llmal.cli.train import train as command

    command(
        data_file(data, labels, None, encoding, delimiter, sheet),
        Columns(label, tuple(text or ()), weights),
        learner=learner,
        options=option or (),
        guidelines=guidelines,
        test=test,
        embedder=embedder,
        seed=seed,
        out=out,
        as_json=as_json,
        quiet=quiet,
    )


@tell_mistakes
def predict(
    learner: Annotated[
        Path, typer.Argument(help="A run directory, or the folder of a trained learner.")
    ],
    data: ToLabel,
    out: TableOut,
    text: Annotated[
        list[str] | None,
        typer.Option(
            "--text", help="Text column; several times. [default: those that it learnt from]"
        ),
    ] = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    embedder: Annotated[
        str | None,
        typer.Option("--embedder", help="Path or name of the embedder that it was trained with."),
    ] = None,
    probabilities: Probabilities = False,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Label a file with a trained learner. Asks nobody and costs nothing."""
    from llmal.cli.predict import predict as command
    from llmal.pool.readers import Reading

    command(
        learner,
        data=data,
        text=text or (),
        reading=Reading(encoding, delimiter, sheet),
        embedder=embedder,
        probabilities=probabilities,
        out=out,
        force=force,
        as_json=as_json,
        quiet=quiet,
    )


@tell_mistakes
def serve(
    learner: Annotated[
        Path, typer.Argument(help="A run directory, or the folder of a trained learner.")
    ],
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port.")] = 9090,
    embedder: Annotated[
        str | None,
        typer.Option("--embedder", help="Path or name of the embedder that it was trained with."),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Serve a trained learner over HTTP, as Label Studio asks a model."""
    from llmal.cli.serve import serve as command

    command(learner, host=host, port=port, embedder=embedder, as_json=as_json)


@tell_mistakes
def export_learner(
    learner: Annotated[
        Path, typer.Argument(help="A run directory, or the folder of a trained learner.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder to write.")],
    adapter: Annotated[
        bool,
        typer.Option("--adapter", help="Of low-rank updates a PEFT adapter, not the merged model."),
    ] = False,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", help="What its card says was measured, accuracy=0.9; several."),
    ] = None,
    embedder: Annotated[
        str | None,
        typer.Option("--embedder", help="Path or name of the embedder that it was trained with."),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a trained learner as transformers, PEFT or scikit-learn load it, with a model card."""
    from llmal.cli.export_learner import export_learner as command

    command(
        learner,
        out=out,
        adapter=adapter,
        metrics=metric or (),
        embedder=embedder,
        as_json=as_json,
    )


@tell_mistakes
def select(
    data: Annotated[Path, typer.Option("--data", help="The file to choose from.")],
    out: TableOut,
    k: Count,
    strategy: Annotated[
        str, typer.Option("--strategy", help="Name of the query strategy; see llmal strategies.")
    ] = "typiclust",
    option: StrategyOptions = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Labels so far: a file with id and label.")
    ] = None,
    text: Text = None,
    id: IdColumn = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    embedder: Annotated[
        str | None, typer.Option("--embedder", help="Path or name of sentence-transformers.")
    ] = None,
    task: Annotated[
        Path | None, typer.Option("--task", help="A YAML file with the section task.")
    ] = None,
    model: Model = None,
    url: Url = None,
    backend: Backend = None,
    prompt: PromptFile = "label",
    values: Values = None,
    normalise: Normalising = "sum",
    calibrate: Calibrating = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same picks.")] = 0,
    tokens: MostTokens = None,
    money: MostMoney = None,
    dry_run: DryRun = False,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Choose items of a file to label next, without a run.

    Some strategies learn from --labels, some ask a language model: --task with --model or --url.
    Answers are kept in <out>.cache.sqlite. `llmal strategies` says what each needs.
    """
    from llmal.cli.select import Request
    from llmal.cli.select import select as command
    from llmal.cli.source import Source
    from llmal.cli.spending import Spending
    from llmal.cli.wording import Wording
    from llmal.pool.readers import Reading
    from llmal.prompting.style import check_normalise

    if task is None and (model or url or backend):
        from llmal.errors import ConfigError

        raise ConfigError(
            "a language model is asked about a task, and there is none", fix="give --task"
        )
    reading = Reading(encoding, delimiter, sheet)
    request = Request(
        data=data,
        strategy=strategy,
        options=option or [],
        k=k,
        labels=labels,
        text=tuple(text or ()),
        id=id,
        embedder=embedder,
        source=None
        if task is None
        else Source(task, data, None, None, model, url, backend, reading=reading),
        wording=Wording(prompt, tuple(values or ()), check_normalise(normalise)),
        seed=seed,
        reading=reading,
        calibrate=tuple(calibrate or ("auto",)),
        spending=Spending(tokens, money, dry_run),
    )
    command(request, out=out, force=force, as_json=as_json, quiet=quiet)


@tell_mistakes
def strategies(
    name: Annotated[str | None, typer.Argument(help="One of them, with its options.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the query strategies and what each needs, or tell all about one."""
    from llmal.cli.strategies import strategies as command

    command(name, as_json=as_json)


@tell_mistakes
def generate(
    config: Annotated[Path, typer.Option("--config", help="The configuration of a run.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File of the items: .jsonl, .csv, .xlsx or .parquet."),
    ] = None,
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="Accepted items to reach, of each label.")
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="Of this label alone.")] = None,
    generator: Annotated[
        str | None,
        typer.Option("--generator", help="In the place of the configuration's, with its filters."),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--option", help="An option of --generator, key=value; several times."),
    ] = None,
    learner: Annotated[
        Path | None,
        typer.Option(
            "--learner",
            help="A learner for generators that go by one: its folder, or that of a run. It should "
            "have been trained on other items than the demonstrations.",
        ),
    ] = None,
    preview: Annotated[
        int | None,
        typer.Option(
            "--preview",
            min=1,
            help="Write so many texts, of all labels together and in turn, and show what every "
            "filter says of each; no file is written, whatever --out says.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Write a page about the items, .html, and its figures."),
    ] = None,
    audit: Annotated[
        Path | None,
        typer.Option(
            "--audit",
            help="With --report: a sample for a person to judge, as a file. Where it is not there "
            "it is drawn; once its column 'right' holds yes and no, the report reads it.",
        ),
    ] = None,
    chat: Annotated[
        Path | None,
        typer.Option("--chat", help="Write the items as chat messages to train on, .jsonl."),
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(
            "--dataset", help="Write them as a folder for datasets.load_dataset, with a card."
        ),
    ] = None,
    tokens: MostTokens = None,
    money: MostMoney = None,
    dry_run: DryRun = False,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Have the language model write items, and filter them.

    Refused items are written too, with the reason. Demonstrations are what people have labelled in
    the run, if it has begun. No more is written than the budget's tokens and money allow.
    Without -k nothing is written anew: --report, --chat and --dataset are made of the items that
    are in --out.
    """
    from llmal.cli.generate import Wanted
    from llmal.cli.generate import generate as command
    from llmal.cli.products import Products
    from llmal.cli.spending import Spending

    command(
        config,
        Wanted(k, label, generator, tuple(options or ()), preview, learner),
        out=out,
        products=Products(report, audit, chat, dataset),
        spending=Spending(tokens, money, dry_run),
        force=force,
        as_json=as_json,
        quiet=quiet,
    )
