"""Options of the commands, each in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path, typer.Argument(help="The configuration of the run, a YAML file.")]
RunDirectory = Annotated[
    Path,
    typer.Argument(help="The directory of a run.", exists=True, file_okay=False),
]
MovedPool = Annotated[
    Path | None,
    typer.Option("--data", help="The pool, if it is no longer where the run had it."),
]
TableOut = Annotated[
    Path, typer.Option("--out", help="File to write: .jsonl, .csv, .xlsx or .parquet.")
]
Kind = Annotated[
    str | None,
    typer.Option("--kind", help="Labels of a text: single (one, the default) or multi (several)."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the output if it is there.")]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object on stdout, all else on stderr.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, only warnings and errors.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Text = Annotated[
    list[str] | None,
    typer.Option("--text", help="Text column; may be given several times. [default: text]"),
]
Encoding = Annotated[
    str | None,
    typer.Option("--encoding", help="Of text files. [default: by their mark, else UTF-8]"),
]
Delimiter = Annotated[
    str | None,
    typer.Option("--delimiter", help="Of a CSV file, such as ';'. [default: by its first line]"),
]
Sheet = Annotated[
    str | None,
    typer.Option("--sheet", help="Of an Excel workbook. [default: the only one with rows]"),
]
TaskFile = Annotated[
    Path,
    typer.Option("--task", help="A YAML file with the section task, such as a run's."),
]
Labelled = Annotated[
    Path | None,
    typer.Option("--data", help="Labelled texts. [default: the pool of the task file]"),
]
Gold = Annotated[str | None, typer.Option("--gold", help="Its column with the labels.")]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", help="Path, known name, hub name, or a learner's folder, in place of the lm."
    ),
]
Url = Annotated[str | None, typer.Option("--url", help="A server that runs, http://…/v1.")]
Backend = Annotated[str | None, typer.Option("--backend", help="vllm or transformers.")]
Values = Annotated[
    list[str] | None, typer.Option("--set", help="A value of the prompt, noun=question.")
]
Most = Annotated[int, typer.Option("--most", min=1, help="Most texts that are drawn from a file.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="In place of the file's.")]
Normalising = Annotated[
    str, typer.Option("--normalise", help="Labels of several tokens: sum, mean or first.")
]
IdColumn = Annotated[
    str | None, typer.Option("--id", help="Id column. [default: id, or made from the text]")
]
ToLabel = Annotated[Path, typer.Option("--data", help="The file to label.")]
Probabilities = Annotated[
    bool, typer.Option("--probabilities", help="Also the probability of every label.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what it can cost at most. Asks nobody.")
]
MostTokens = Annotated[
    int | None,
    typer.Option("--tokens", min=0, help="Spend no more tokens. [default: budget of the file]"),
]
MostMoney = Annotated[
    float | None,
    typer.Option("--money", min=0, help="Spend no more money. [default: budget of the file]"),
]
PromptFile = Annotated[str, typer.Option("--prompt", help="Name or path of the prompt.")]
StrategyOptions = Annotated[
    list[str] | None,
    typer.Option("--option", help="An option of the strategy, copies=8; several times."),
]
Calibrating = Annotated[
    list[str] | None,
    typer.Option(
        "--calibrate",
        help="auto (the default), none, contextual, batch, …; several are applied in turn.",
    ),
]
Count = Annotated[int, typer.Option("-k", min=1, help="How many.")]
AllLabels = Annotated[
    str | None,
    typer.Option(
        "--labels", help="All labels, as CSV: 'A,\"B, or C\",D'. [default: those that occur]"
    ),
]
MaxError = Annotated[
    float, typer.Option("--max-error", help="The largest share of wrong labels, such as 0.05.")
]
Confidence = Annotated[
    float,
    typer.Option("--confidence", help="With what probability a promise is kept, such as 0.95."),
]
