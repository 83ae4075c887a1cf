"""The annotators of a configuration, in the order in which they are asked."""

from __future__ import annotations

from typing import Any

from llmal.annotators.human import make_human
from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.policies import REGISTRY
from llmal.annotators.protocol import Annotator
from llmal.annotators.recorded import Recorded
from llmal.annotators.router import Router, Stage, Threshold
from llmal.config import (
    HumanAnnotatorConfig,
    LearnedAnnotatorConfig,
    LLMAnnotatorConfig,
    PlugInAnnotatorConfig,
    ProgramsAnnotatorConfig,
    RecordedAnnotatorConfig,
    RunConfig,
    SimilarityAnnotatorConfig,
)
from llmal.demonstrations import check_selector
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError
from llmal.factory.calibrators import make_calibrators
from llmal.factory.offers import offers_of, style_of
from llmal.factory.places import located, within
from llmal.lm.protocol import LanguageModel
from llmal.prompting.asking import default_prompt
from llmal.prompting.order import make_order
from llmal.prompting.templates import load_prompt
from llmal.task import Task


def make_router(
    config: RunConfig, task: Task, lm: LanguageModel | None, embedder: Embedder | None
) -> Router:
    """The annotators of a configuration, in order, with their thresholds and routing."""
    stages: list[Stage] = []
    for n, section in enumerate(config.annotator):
        annotator = _annotator(config, section, task, lm, embedder, ("annotator", n))
        stages.append(Stage(annotator, Threshold(section.smallest_accepted), *section.several))
    routing = config.routing
    if routing is None:
        return Router(stages)
    policy = REGISTRY.make(
        routing.name,
        routing.options,
        offers={"seed": config.seed},
        where=within(config, "routing"),
    )
    with located(config, "routing"):
        return Router(stages, policy)


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
                workers=section.workers or (),
            )
        case RecordedAnnotatorConfig():
            return Recorded(
                section.column,
                labels=task.names,
                space=task.space,
                confidence=section.confidence,
                name=section.ledger_name,
            )
        case ProgramsAnnotatorConfig():
            from llmal.annotators.programs.annotator import LabellingPrograms

            with located(config, *place, "programs"):
                return LabellingPrograms(
                    task,
                    section.programs,
                    seconds=section.seconds,
                    memory=section.memory,
                    name=section.ledger_name,
                )
        case LearnedAnnotatorConfig():
            from llmal.annotators.learned import LearnedAnnotator

            return LearnedAnnotator(
                task,
                strength=section.strength,
                fewest=section.fewest,
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

            offers = {**offers_of(config, task, lm, embedder), "name": section.ledger_name}
            made_by_plug_in: Annotator = REGISTRY.make(
                section.name, section.options, offers=offers, where=within(config, *place)
            )
            return made_by_plug_in
    raise ConfigError(f"there is no annotator {section!r}", where=where)


def _llm_annotator(
    config: RunConfig,
    section: LLMAnnotatorConfig,
    task: Task,
    lm: LanguageModel,
    embedder: Embedder | None,
    place: tuple[str | int, ...],
) -> LLMAnnotator:
    shown = section.demonstrations
    with located(config, *place, "demonstrations"):
        check_selector(shown.name, embedder=embedder, **shown.options)
    with located(config, *place, "order"):
        order = make_order(section.order, embedder=embedder)
    calibrators = make_calibrators(config, section.calibrate, *place)
    with located(config, *place, "prompt"):
        template = load_prompt(section.prompt) if section.prompt else default_prompt(task)
    with located(config, *place, "name"):
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
            style=style_of(config),
            normalise=section.normalise,
            rationale=section.rationale,
            shortlist=section.shortlist,
            recall=section.recall,
            codes=section.codes,
            thresholds=section.thresholds,
            name=section.ledger_name,
            batch_size=section.batch_size,
        )


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
    names = [name for one in recorded for name in (one.column, one.confidence)]
    if config.data.labels is not None:
        names += [config.data.labels.column, config.data.labels.by_column]
    return [name for name in names if name is not None]
