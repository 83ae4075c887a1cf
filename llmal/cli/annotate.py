"""`llmal annotate`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from llmal.annotators import Context, LLMAnnotator, Router, Stage, drawn_texts
from llmal.cli.demonstrations import labelled_by_people
from llmal.cli.models import language_model_of
from llmal.cli.telling import give, results_only_on_stdout
from llmal.config import RunConfig, load_config
from llmal.config.explain import explain
from llmal.config.references import Surroundings
from llmal.config.yaml_lines import Places
from llmal.errors import ConfigError
from llmal.factory import make_embedder, make_router, open_pool, reading_of
from llmal.icl.chosen import ChosenPrompt
from llmal.lm.cache import ResponseCache
from llmal.pool import Pool
from llmal.pool.readers import DETECTED, Reading
from llmal.progress import ProgressDisplay, cost_in_words, say
from llmal.records import Annotation, Item, Usage
from llmal.tables import Column, check_output, text_columns, write_table

_BATCH = 512
_TAKEN = ("id", "label", "accepted", "annotator", "confidence", "probabilities", "flags")


@dataclass(frozen=True)
class Flags:
    """What the command line says in place of a configuration."""

    text: tuple[str, ...] = ()
    labels: str | None = None
    guidelines: str = ""
    model: str | None = None
    url: str | None = None
    backend: str | None = None
    reading: Reading = DETECTED

    @property
    def given(self) -> bool:
        """Whether any of them was used."""
        return replace(self, reading=DETECTED) != Flags()


def annotate(
    *,
    config_file: Path | None,
    data: Path | None,
    prompt: Path | None,
    flags: Flags,
    out: Path,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Label a file with machines, outside a run."""
    chosen = None if prompt is None else _chosen(prompt, config_file, data, flags)
    config = _configuration(config_file, data, flags, chosen)
    format = check_output(out, force=force)
    with results_only_on_stdout(as_json), ProgressDisplay(quiet=quiet) as progress:
        pool = _pool(config, data, flags.reading)
        shown = labelled_by_people(config, _own_pool(config)) if config_file is not None else ()
        with language_model_of(config, quiet=quiet, progress=progress) as lm:
            if lm is not None:
                lm.cache = ResponseCache(out.with_name(f"{out.name}.cache.sqlite"))
            embedder = make_embedder(config)
            if chosen is None or lm is None:
                router = make_router(config, config.task_object(), lm, embedder)
            else:
                router = Router([Stage(LLMAnnotator.from_chosen(chosen, lm, embedder=embedder))])
            context = Context(
                demonstrations=shown, unlabelled=drawn_texts(pool, config.seed), seed=config.seed
            )
            work = _Work(router, pool, context, progress)
            names = config.task_object().names
            columns = [
                Column("id"),
                *(Column(name) for name in text_columns(pool.text_columns, _TAKEN).values()),
                Column("label"),
                Column("accepted", "flag"),
                Column("annotator"),
                Column("confidence", "number"),
                Column("probabilities", "shares", names),
                Column("flags", "texts"),
            ]
            count = write_table(out, format, columns, work.rows())
    result = {
        "out": str(out),
        "items": count,
        "accepted": work.accepted,
        "labels": dict(sorted(work.labels.items())),
        "usage": {**work.usage.as_dict(), "tokens": work.usage.tokens},
    }
    text = f"{count:,} items are labelled, {work.accepted:,} of them accepted: {out}"
    cost = cost_in_words(work.usage.as_dict())
    give(result, f"{text}\ncost: {cost}" if cost else text, as_json=as_json)


class _Work:
    """The annotators at work on a pool, people left out."""

    def __init__(
        self, router: Router, pool: Pool, context: Context, progress: ProgressDisplay
    ) -> None:
        kinds = [stage.annotator.kind for stage in router.stages]
        self._machines = [place for place, kind in enumerate(kinds) if kind != "human"]
        if not self._machines:
            raise ConfigError(
                "the configuration names no annotator but people",
                fix="add one that is a machine (llm, similarity, recorded), or use llmal run",
            )
        if len(self._machines) < len(kinds):
            say("people are left out: what they would be asked about is marked as not accepted")
        self._router = router
        self._pool = pool
        self._context = context
        self._progress = progress
        self.accepted = 0
        self.labels: Counter[str] = Counter()
        self.usage = Usage()

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row for each item, in the order of the pool."""
        done = 0
        for place in self._machines:
            annotator = self._router.stages[place].annotator
            if isinstance(annotator, LLMAnnotator):
                self.usage += annotator.setup_cost() + annotator.prepare(self._context).usage
        names = text_columns(self._pool.text_columns, _TAKEN)
        for items in self._pool.map_batches(list, _BATCH):
            answers = self._answers(items)
            for item in items:
                yield self._row(item, answers.get(item.id), names)
            done += len(items)
            self._progress.step("annotating", done, len(self._pool), self.usage)

    def _answers(self, items: Sequence[Item]) -> dict[str, Annotation]:
        """The answer for each item: the accepted one, or the last that was given."""
        answers: dict[str, Annotation] = {}
        left = list(items)
        for place in self._machines:
            annotator = self._router.stages[place].annotator
            given = self._router.decide(place, annotator.annotate(left, self._context))
            for one in given:
                self.usage += one.usage
                if one.label is not None or one.item_id not in answers:
                    answers[one.item_id] = one
            settled = {one.item_id for one in given if one.decision == "accepted"}
            left = [item for item in left if item.id not in settled]
            if not left:
                break
        return answers

    def _row(self, item: Item, answer: Annotation | None, names: dict[str, str]) -> dict[str, Any]:
        row: dict[str, Any] = {"id": item.id, "accepted": False}
        row |= {names[name]: text for name, text in item.fields.items()}
        if answer is not None:
            accepted = answer.decision == "accepted"
            self.accepted += accepted
            if answer.label is not None:
                self.labels[answer.label] += 1
            row |= {
                "label": answer.label,
                "accepted": accepted,
                "annotator": answer.annotator,
                "confidence": answer.confidence,
                "probabilities": answer.probabilities,
                "flags": list(answer.flags),
            }
        return row


def _chosen(
    prompt: Path, config_file: Path | None, data: Path | None, flags: Flags
) -> ChosenPrompt:
    """A prompt that was chosen before; it comes with its task."""
    if config_file is not None or flags.text or flags.labels or flags.guidelines:
        raise ConfigError(
            "--prompt comes with its task",
            fix="leave --config, --text, --labels and --guidelines out",
        )
    if data is None:
        raise ConfigError("--data is missing", fix="name the file to label")
    return ChosenPrompt.load(prompt)


def _configuration(
    file: Path | None, data: Path | None, flags: Flags, chosen: ChosenPrompt | None
) -> RunConfig:
    if file is not None:
        if flags.given:
            raise ConfigError(
                "--config comes with the task and the model",
                fix="leave --text, --labels, --guidelines, --model, --url and --backend out",
            )
        return load_config(file)
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
    lm = {"model": flags.model, "url": flags.url, "backend": flags.backend}
    if chosen is not None:
        task = chosen.task.as_dict()
        task["labels"] = {
            one.name: {"description": one.description, "words": list(one.words)}
            for one in chosen.task.labels
        }
    else:
        task = {
            "name": "annotate",
            "text": list(flags.text or ("text",)),
            "labels": [one.strip() for one in str(flags.labels).split(",")],
            "guidelines": flags.guidelines,
        }
    content = {
        "task": task,
        "data": {
            "pool": str(data),
            **{key: value for key, value in asdict(flags.reading).items() if value is not None},
        },
        "lm": {key: value for key, value in lm.items() if value is not None},
    }
    from pydantic import ValidationError

    try:
        return RunConfig.model_validate(content, context=Surroundings(Path.cwd(), "annotate"))
    except ValidationError as error:
        raise explain(error, content, Places("the options")) from None


def _own_pool(config: RunConfig) -> Pool:
    return open_pool(config, config.data.pool)


def _pool(config: RunConfig, data: Path | None, reading: Reading) -> Pool:
    if data is None:
        return _own_pool(config)
    if reading == DETECTED:
        reading = reading_of(config, data)
    # Another file need not have the gold column.
    text, id = list(config.task.text), config.data.id
    return Pool.from_file(data, text=text, id=id, **asdict(reading))
