"""From a configuration to the objects that it names."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from llmal.annotators.human import make_human
from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import Annotator, drawn_texts
from llmal.annotators.recorded import Recorded
from llmal.annotators.router import Router, Stage, Threshold
from llmal.calibration import make as make_calibrator
from llmal.calibration.default import AUTO
from llmal.calibration.protocol import Calibrator
from llmal.config import (
    HubDataset,
    HumanAnnotatorConfig,
    LLMAnnotatorConfig,
    LMConfig,
    PlugInAnnotatorConfig,
    RecordedAnnotatorConfig,
    RunConfig,
    SimilarityAnnotatorConfig,
)
from llmal.config.annotator_sections import CalibratorConfig
from llmal.core.options import OptionError
from llmal.core.records import Price
from llmal.core.registry import Where
from llmal.demonstrations import check_selector
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError
from llmal.generators.from_section import make_generator
from llmal.lm.protocol import LanguageModel
from llmal.pool import Pool
from llmal.pool.readers import DETECTED, Reading, format_of
from llmal.prompting.asking import default_prompt
from llmal.prompting.order import make_order
from llmal.prompting.templates import load_prompt
from llmal.run.budget import Budget
from llmal.run.events import Callback
from llmal.run.orchestrator import Orchestrator
from llmal.selectors.protocol import Selector
from llmal.task import Task


def build(
    config: RunConfig,
    *,
    lm: LanguageModel | None = None,
    callbacks: Sequence[Callback] = (),
) -> Orchestrator:
    """The run that a configuration describes.

    Args:
        config: The configuration.
        lm: Used in place of the one that the configuration names. Start that one with
            `language_model`, and close it when the run is over.
        callbacks: Told of every event.

    Raises:
        LlmalError: Something in the configuration cannot be had.
    """
    from llmal.learners import REGISTRY as LEARNERS
    from llmal.stopping import REGISTRY as RULES

    task = config.task_object()
    pool = open_pool(config, config.data.pool)
    test = None if config.data.test is None else open_pool(config, config.data.test)
    embedder = make_embedder(config)
    chosen = config.learner
    offers = _offers(config, task, lm, embedder)
    learner = LEARNERS.make(
        chosen.name, chosen.options, offers=offers, where=_within(config, "learner")
    )
    generator, filters = _generator(config, task, lm, embedder, pool, test)
    options: dict[str, Any] = {}
    if config.generator is not None:
        options = {
            "generate_per_label": config.generator.per_class,
            "generate_every": config.generator.every,
        }
    return Orchestrator(
        task,
        pool,
        directory=config.directory,
        annotator=make_router(config, task, lm, embedder),
        test=test,
        lm=lm,
        embedder=embedder,
        selector=_selector(config.selector.name, config.selector.options, config, ("selector",)),
        start=_start_selector(config),
        start_items=config.start.items,
        learner=learner,
        budget=Budget(
            human_labels=config.budget.human_labels,
            money=config.budget.money,
            tokens=config.budget.tokens,
            rounds=config.budget.rounds,
            batch=config.budget.batch,
        ),
        stop=[
            RULES.make(rule.name, rule.options, where=_within(config, "stop", n))
            for n, rule in enumerate(config.stop)
        ],
        objective=config.objective,
        generator=generator,
        filters=filters,
        committee=config.committee,
        duplicates=config.data.duplicates,
        overlap=config.data.overlap,
        seed=config.seed,
        ledger=config.ledger,
        callbacks=callbacks,
        **options,
    )


def language_model(config: LMConfig, *, directory: Path | None = None) -> LanguageModel:
    """Start or load the language model of a configuration.

    Args:
        config: The section `lm`.
        directory: Where the log of a server goes.

    Raises:
        LanguageModelError: It cannot be had.
    """
    price = Price(prompt=config.price.prompt, completion=config.price.completion)
    if config.backend == "transformers":
        from llmal.lm.transformers import TransformersLM

        return TransformersLM(str(config.model), dtype=config.dtype, price=price)
    from llmal.lm.vllm import VLLM

    if config.url:
        return VLLM(config.url, config.model, price=price, api_key=_api_key(config))
    return VLLM.start(
        str(config.model),
        dtype=config.dtype,
        max_model_len=config.max_model_len,
        log_file=None if directory is None else directory / "vllm.log",
        arguments=[part for item in config.args.items() for part in _argument(*item)],
        price=price,
    )


def planning_model(config: LMConfig) -> LanguageModel:
    """What `plan` needs of a language model: its tokenizer. Starts nothing."""
    from llmal.lm.counting import CountingLM

    price = Price(prompt=config.price.prompt, completion=config.price.completion)
    if config.backend == "transformers":
        from llmal.lm.transformers import in_process_work

        return CountingLM(str(config.model), price=price, work=in_process_work)
    if config.url:
        return language_model(config)
    return CountingLM(str(config.model), price=price, context_length=config.max_model_len)


def make_embedder(config: RunConfig) -> Embedder | None:
    """The embedder of a configuration; it loads its model when first used."""
    from llmal.embed import SentenceEmbedder

    if config.embedder is None:
        return None
    return SentenceEmbedder(config.embedder.model)


def open_pool(config: RunConfig, source: Path | HubDataset) -> Pool:
    """A pool or test set of a configuration, with its text, gold and id columns."""
    text, gold, item_id = list(config.task.text), config.data.gold, config.data.id
    if isinstance(source, HubDataset):
        return Pool.from_hub(source.hub, split=source.split, text=text, gold=gold, id=item_id)
    reading = asdict(reading_of(config, source))
    return Pool.from_file(source, text=text, gold=gold, id=item_id, **reading)


def reading_of(config: RunConfig, file: Path) -> Reading:
    """How a configuration wants a file of texts to be read.

    Raises:
        ConfigError: There is no such encoding or delimiter, or an option that none of the
            configuration's files has.
    """
    data = config.data
    for key in ("encoding", "delimiter", "sheet"):
        value = getattr(data, key)
        if value is None:
            continue
        with _at(config, "data", key):
            reading = Reading(**{key: value})
        files = [one for one in (data.pool, data.test, file) if isinstance(one, Path)]
        suffixes = {format_of(one, str(one)): None for one in files}
        if all(reading.for_suffix(suffix) == DETECTED for suffix in suffixes):
            raise ConfigError(
                f"a {' or '.join(suffixes)} file has no {key}",
                where=config.where("data", key),
                fix=f"leave {key} out",
            )
    return Reading(data.encoding, data.delimiter, data.sheet).for_suffix(format_of(file, str(file)))


def make_router(
    config: RunConfig, task: Task, lm: LanguageModel | None, embedder: Embedder | None
) -> Router:
    """The annotators of a configuration, in order, with their thresholds."""
    stages: list[Stage] = []
    for n, section in enumerate(config.annotator):
        annotator = _annotator(config, section, task, lm, embedder, ("annotator", n))
        threshold = getattr(section, "threshold", 0.0)
        if isinstance(section, RecordedAnnotatorConfig):
            threshold = section.smallest_accepted
        stages.append(Stage(annotator, Threshold(threshold)))
    return Router(stages)


def _annotator(
    config: RunConfig,
    section: Any,
    task: Task,
    lm: LanguageModel | None,
    embedder: Embedder | None,
    place: tuple[str | int, ...],
) -> Annotator:
    where = config.where(*place, "name")
    match section:
        case LLMAnnotatorConfig():
            if lm is None:
                raise ConfigError(
                    "the annotator llm needs a language model", where=where, fix="add lm:"
                )
            return _llm_annotator(config, section, task, lm, embedder, place)
        case HumanAnnotatorConfig():
            return make_human(
                task,
                via=section.via,
                file=section.file,
                context=section.context,
                hidden=_answered_columns(config),
                noise=section.noise,
                confusion=_confusion(section, task),
                cost=section.cost,
                name=section.ledger_name,
            )
        case RecordedAnnotatorConfig():
            return Recorded(
                section.column,
                labels=task.names,
                space=task.space,
                confidence=section.confidence,
                name=section.ledger_name,
            )
        case SimilarityAnnotatorConfig():
            from llmal.annotators.similarity import SimilarityAnnotator

            if embedder is None:
                raise ConfigError(
                    "the annotator similarity needs an embedder", where=where, fix="add embedder:"
                )
            made = SimilarityAnnotator(task, embedder, name=section.ledger_name)
            if section.temperature is not None:
                made.temperature = section.temperature
            return made
        case PlugInAnnotatorConfig():
            from llmal.annotators import REGISTRY

            offers = {**_offers(config, task, lm, embedder), "name": section.ledger_name}
            made_by_plug_in: Annotator = REGISTRY.make(
                section.name, section.options, offers=offers, where=_within(config, *place)
            )
            return made_by_plug_in
    raise ConfigError(f"there is no annotator {section!r}", where=where)


def _offers(
    config: RunConfig, task: Task, lm: LanguageModel | None, embedder: Embedder | None
) -> dict[str, Any]:
    """What the classes behind names may have from the run."""
    return {
        "task": task,
        "lm": lm,
        "embedder": embedder,
        "seed": config.seed,
        "random_state": config.seed,
    }


def _confusion(section: HumanAnnotatorConfig, task: Task) -> dict[str, dict[str, float]] | None:
    """The confusion of a simulated person, its labels spelt as the task spells them."""
    if section.confusion is None:
        return None
    return {
        task.match_label(gold) or gold: {
            task.match_label(name) or name: p for name, p in row.items()
        }
        for gold, row in section.confusion.items()
    }


def _answered_columns(config: RunConfig) -> list[str]:
    """Columns with answers of others, which people are not to be led by."""
    recorded = [one for one in config.annotator if isinstance(one, RecordedAnnotatorConfig)]
    return [name for one in recorded for name in (one.column, one.confidence) if name is not None]


def make_calibrators(
    config: RunConfig, sections: Sequence[CalibratorConfig], *place: str | int
) -> list[str | Calibrator]:
    """The calibrators of a section, which stands at a place of the configuration.

    Raises:
        ConfigError: There is no such calibrator or option.
    """
    made: list[str | Calibrator] = []
    for number, one in enumerate(sections):
        with _at(config, *place, "calibrate", number):
            if one.name != AUTO:
                made.append(make_calibrator(one.name, **one.options))
            elif one.options:
                raise ConfigError(
                    f"{AUTO!r} has no options, and {next(iter(one.options))!r} is given",
                    fix="name the calibrator that the option belongs to",
                )
            else:
                made.append(AUTO)
    return made


def _llm_annotator(
    config: RunConfig,
    section: LLMAnnotatorConfig,
    task: Task,
    lm: LanguageModel,
    embedder: Embedder | None,
    place: tuple[str | int, ...],
) -> LLMAnnotator:
    shown = section.demonstrations
    with _at(config, *place, "demonstrations"):
        check_selector(shown.name, embedder=embedder, **shown.options)
    with _at(config, *place, "order"):
        order = make_order(section.order, embedder=embedder)
    calibrators = make_calibrators(config, section.calibrate, *place)
    with _at(config, *place, "prompt"):
        template = load_prompt(section.prompt) if section.prompt else default_prompt(task)
    with _at(config, *place, "name"):
        return LLMAnnotator(
            task,
            lm,
            shots=section.shots,
            demonstrations=shown.name,
            options=shown.options,
            order=order,
            calibrate=calibrators,
            embedder=embedder,
            prompt=template.with_values(section.prompt_values),
            style=_style(config),
            normalise=section.normalise,
            rationale=section.rationale,
            shortlist=section.shortlist,
            recall=section.recall,
            codes=section.codes,
            thresholds=section.thresholds,
            name=section.ledger_name,
            batch_size=section.batch_size,
        )


@contextlib.contextmanager
def _at(config: RunConfig, *place: str | int) -> Iterator[None]:
    """Tell a mistake with the line that it was written on."""
    try:
        yield
    except ConfigError as error:
        option = (error.option,) if isinstance(error, OptionError) and error.option else ()
        where = error.where or config.where(*place, *option)
        raise ConfigError(error.what, where=where, fix=error.fix) from None


def _generator(
    config: RunConfig,
    task: Task,
    lm: LanguageModel | None,
    embedder: Embedder | None,
    pool: Pool,
    test: Pool | None,
) -> tuple[Any, list[Any]]:
    section = config.generator
    if section is None or lm is None:
        return None, []
    return make_generator(
        section,
        task,
        lm,
        embedder,
        pool,
        test,
        style=_style(config),
        calibrate=make_calibrators(config, section.calibrate, "generator"),
        unlabelled=drawn_texts(pool, config.seed),
        where=_within(config, "generator"),
    )


def _style(config: RunConfig) -> str:
    return config.lm.prompt_style if config.lm is not None else "auto"


def _start_selector(config: RunConfig) -> Selector:
    chosen = config.start.selector
    if isinstance(chosen, str):
        return _selector(chosen, config.start.options, config, ("start",), key="selector")
    return _selector(chosen.name, chosen.options, config, ("start", "selector"))


def _selector(
    name: str,
    options: Mapping[str, Any],
    config: RunConfig,
    place: tuple[str | int, ...],
    *,
    key: str = "name",
) -> Selector:
    """A selector, with those inside it."""
    from llmal.selectors import REGISTRY

    made: Selector = REGISTRY.make(name, options, where=_within(config, *place), key=key)
    return made


def _within(config: RunConfig, *place: str | int) -> Where:
    """Gives the place of a key of a section."""
    return functools.partial(config.where, *place)


def _api_key(config: LMConfig) -> str | None:
    if config.api_key_env is None:
        return None
    with contextlib.suppress(KeyError):
        return os.environ[config.api_key_env]
    raise ConfigError(
        f"the environment variable {config.api_key_env} is not set",
        fix="set it to the key of the model server",
    )


def _argument(name: str, value: Any) -> list[str]:
    flag = f"--{name.lstrip('-').replace('_', '-')}"
    return [flag] if value is True else [flag, str(value)]
