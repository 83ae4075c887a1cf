"""`llmal annotate`."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from llmal.annotators import Context, LLMAnnotator, Router, Stage
from llmal.cli.demonstrations import labelled_by_people
from llmal.cli.models import language_model_of, planning_model_of
from llmal.cli.source import lm_section
from llmal.cli.spending import Spending, give_most
from llmal.cli.telling import give, results_only_on_stdout
from llmal.config import LLMAnnotatorConfig, RunConfig, load_config
from llmal.config.explain import explain
from llmal.config.references import Surroundings
from llmal.config.yaml_lines import Places, scalar
from llmal.core.tables import check_output, write_table
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError
from llmal.factory.annotators import make_router
from llmal.factory.embedders import make_embedder
from llmal.factory.pools import open_pool, reading_of
from llmal.few_shot.chosen import ChosenPrompt
from llmal.functions.annotating import Annotating, Wanted, drawn_items, reading_whole_rows
from llmal.functions.labelled import with_own_ids, with_text_ids
from llmal.functions.rows import InputRows, open_rows, with_ids
from llmal.lm.cache import ResponseCache
from llmal.lm.protocol import LanguageModel
from llmal.pool import Pool
from llmal.pool.readers import DETECTED, Reading
from llmal.progress import ProgressDisplay, cost_in_words, say


@dataclass(frozen=True)
class Flags:
    """What the command line says in place of a configuration."""

    text: tuple[str, ...] = ()
    labels: str | None = None
    kind: str | None = None
    guidelines: str = ""
    model: str | None = None
    url: str | None = None
    backend: str | None = None
    calibrate: tuple[str, ...] = ()
    shortlist: str | None = None
    codes: bool = False
    reading: Reading = DETECTED

    @property
    def given(self) -> bool:
        """Whether any of them was used."""
        return replace(self, reading=DETECTED) != Flags()


@dataclass(frozen=True)
class Added:
    """Which columns are added beside those that always are.

    Attributes:
        id: The column with the ids; by default "id", or ids are made from the texts.
        rationale: Why, in the model's words.
        probabilities: The probability of every label.
    """

    id: str | None = None
    rationale: bool = False
    probabilities: bool = False


def annotate(
    *,
    config_file: Path | None,
    data: Path | None,
    prompt: Path | None,
    flags: Flags,
    added: Added,
    out: Path,
    spending: Spending,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Label a file with machines, outside a run."""
    chosen = None if prompt is None else _chosen(prompt, config_file, data, flags)
    config = _configuration(config_file, data, flags, chosen, rationale=added.rationale)
    format = check_output(out, force=force)
    with results_only_on_stdout(as_json), ProgressDisplay(quiet=quiet) as progress:
        rows = with_ids(_rows(config, data, flags.reading), added.id)
        shown = labelled_by_people(config, _own_pool(config)) if config_file is not None else ()
        model: AbstractContextManager[LanguageModel | None] = (
            planning_model_of(config)
            if spending.dry_run
            else language_model_of(config, quiet=quiet, progress=progress)
        )
        with model as lm:
            if lm is not None and not spending.dry_run:
                lm.cache = ResponseCache(out.with_name(f"{out.name}.cache.sqlite"))
            router = _router(config, lm, make_embedder(config), chosen, added)
            work = Annotating(
                rows,
                router,
                Context(
                    demonstrations=with_text_ids(shown),
                    unlabelled=drawn_items(rows, config.seed),
                    seed=config.seed,
                ),
                config.task_object().space,
                Wanted(
                    probabilities=added.probabilities,
                    rationale=added.rationale,
                    decision=config_file is not None,
                ),
                budget=spending.budget(config),
                count_only=spending.dry_run,
                whole=reading_whole_rows(router),
                strict=True,
                on_progress=progress.step,
            )
            if work.leaves_out_people:
                say("people are left out: what they would be asked about is not accepted")
            if spending.dry_run:
                count = sum(1 for _ in work.rows())
            else:
                with _told_that_answers_are_kept(lm):
                    count = write_table(out, format, work.columns, work.rows())
    if spending.dry_run:
        give_most(work.usage, f"{count:,} rows cost", as_json=as_json, items=count)
        return
    usage = {**work.usage.as_dict(), "tokens": work.usage.tokens}
    cost = cost_in_words(work.usage.as_dict())
    result = {
        "out": str(out),
        "items": count,
        "accepted": work.accepted,
        "failed": work.failed,
        "labels": dict(sorted(work.counts.items())),
        "usage": usage,
    }
    text = f"{count - work.failed:,} of {count:,} rows are labelled"
    if config_file is not None:
        text += f", {work.accepted:,} of them accepted"
    if work.failed:
        text += f"; the column {work.called['error']!r} says why {work.failed:,} are not"
    text += f": {out}"
    give(result, f"{text}\ncost: {cost}" if cost else text, as_json=as_json)


@contextlib.contextmanager
def _told_that_answers_are_kept(lm: LanguageModel | None) -> Iterator[None]:
    """Say after a Ctrl-C that the same command goes on from there."""
    try:
        yield
    except KeyboardInterrupt:
        if lm is not None and lm.cache is not None:
            say(f"all answers so far are in {lm.cache.path}: the same command goes on from there")
        raise


def _router(
    config: RunConfig,
    lm: LanguageModel | None,
    embedder: Embedder | None,
    chosen: ChosenPrompt | None,
    added: Added,
) -> Router:
    if chosen is None or lm is None:
        return make_router(config, config.task_object(), lm, embedder)
    annotator = LLMAnnotator.from_chosen(
        with_own_ids(chosen), lm, embedder=embedder, rationale=added.rationale
    )
    return Router([Stage(annotator)])


def _rows(config: RunConfig, data: Path | None, reading: Reading) -> InputRows:
    """The rows to label; another file than that of the configuration need not have its gold."""
    text = list(config.task.text)
    file = data if data is not None else config.data.pool
    if not isinstance(file, Path):
        return open_rows(_own_pool(config), text)
    return open_rows(
        file, text, reading=reading_of(config, file) if reading == DETECTED else reading
    )


def _chosen(
    prompt: Path, config_file: Path | None, data: Path | None, flags: Flags
) -> ChosenPrompt:
    """A prompt that was chosen before; it comes with its task."""
    if config_file is not None or flags.text or flags.labels or flags.kind or flags.guidelines:
        raise ConfigError(
            "--prompt comes with its task",
            fix="leave --config, --text, --labels, --kind and --guidelines out",
        )
    if flags.calibrate or flags.shortlist or flags.codes:
        raise ConfigError(
            "--prompt comes with how the labels are scored",
            fix="leave --calibrate, --shortlist and --codes out, or choose again",
        )
    if data is None:
        raise ConfigError("--data is missing", fix="name the file to label")
    return ChosenPrompt.load(prompt)


def _configuration(
    file: Path | None,
    data: Path | None,
    flags: Flags,
    chosen: ChosenPrompt | None,
    *,
    rationale: bool,
) -> RunConfig:
    if file is not None:
        if flags.given:
            raise ConfigError(
                "--config comes with the task and the model",
                fix="leave --text, --labels, --kind, --guidelines, --model, --url, --backend, "
                "--calibrate, --shortlist and --codes out",
            )
        config = load_config(file)
        return _with_rationales(config) if rationale else config
    missing = [
        name
        for name, value in (
            ("--data", data),
            ("--labels", flags.labels or chosen),
            ("--model or --url", flags.model or flags.url),
        )
        if not value
    ]
    if missing:
        raise ConfigError(f"{missing[0]} is missing", fix="give it, or a --config")
    lm = lm_section(flags.model, flags.url, flags.backend)
    if chosen is not None:
        task = chosen.task.as_dict()
        task["labels"] = {
            label.name: {"description": label.description, "words": list(label.words)}
            for label in chosen.task.labels
        }
    else:
        task = {
            "name": "annotate",
            "text": list(flags.text or ("text",)),
            "labels": label_names(str(flags.labels)),
            "guidelines": flags.guidelines,
            **({"kind": flags.kind} if flags.kind else {}),
        }
    content = {
        "task": task,
        "data": {
            "pool": str(data),
            **{key: value for key, value in asdict(flags.reading).items() if value is not None},
        },
        "lm": {key: value for key, value in lm.items() if value is not None},
        "annotator": [
            {
                "name": "llm",
                "rationale": rationale,
                **({"calibrate": list(flags.calibrate)} if flags.calibrate else {}),
                **({"shortlist": scalar(flags.shortlist)} if flags.shortlist else {}),
                "codes": flags.codes,
            }
        ],
    }
    from pydantic import ValidationError

    try:
        return RunConfig.model_validate(content, context=Surroundings(Path.cwd(), "annotate"))
    except ValidationError as error:
        raise explain(error, content, Places("the options")) from None


def label_names(words: str) -> list[str]:
    """Names of labels, as a line of CSV: a name with a comma in it stands in double quotes."""
    rows: Iterator[Sequence[str]] = csv.reader([words], skipinitialspace=True)
    return [name.strip() for name in next(rows)]


def _with_rationales(config: RunConfig) -> RunConfig:
    sections = [
        one.model_copy(update={"rationale": True}) if isinstance(one, LLMAnnotatorConfig) else one
        for one in config.annotator
    ]
    if not any(isinstance(section, LLMAnnotatorConfig) for section in sections):
        raise ConfigError(
            "no annotator of the configuration is a language model",
            fix="leave --rationale out, or add one",
        )
    return config.model_copy(update={"annotator": tuple(sections)})


def _own_pool(config: RunConfig) -> Pool:
    return open_pool(config, config.data.pool)
