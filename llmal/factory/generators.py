"""The generator of a configuration, and the filters behind it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from llmal.annotators.protocol import drawn_texts
from llmal.calibration.default import AUTO, Calibrate
from llmal.config import GeneratorConfig, PlugInGeneratorConfig, RunConfig
from llmal.core.records import Item
from llmal.embed.protocol import Embedder
from llmal.factory.calibrators import make_calibrators
from llmal.factory.offers import style_of
from llmal.factory.places import within
from llmal.generators import REGISTRY
from llmal.generators.filters import FilterLike, make_filters
from llmal.generators.policies import REGISTRY as POLICIES
from llmal.lm.protocol import LanguageModel
from llmal.pool import Pool
from llmal.prompting.templates import load_prompt
from llmal.run.budget import Budget
from llmal.run.synthetic_use import SyntheticUse
from llmal.task import Task

PROTECTING = ("format_length", "near_duplicates", "leakage", "label_agreement")
"""The filters where nothing may be given away and none are named; cheap ones first."""


def make_run_generator(
    config: RunConfig,
    task: Task,
    lm: LanguageModel | None,
    embedder: Embedder | None,
    pool: Pool,
    test: Pool | None,
) -> tuple[Any, list[Any]]:
    """The generator that a run writes items with, and its filters; None and none without it."""
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
        style=style_of(config),
        calibrate=make_calibrators(config, section.calibrate, "generator"),
        unlabelled=drawn_texts(pool, config.seed),
        # What is audited is told to the filters as the run goes.
        filters=PROTECTING if section.filters is None else None,
        seed=config.seed,
        where=within(config, "generator"),
    )


def synthetic_options(config: RunConfig) -> dict[str, Any]:
    """What an `Orchestrator` is told of writing and of what becomes of it."""
    section = config.generator
    if section is None:
        return {}
    own = section.budget
    limited = own.money is not None or own.tokens is not None
    policies = None
    if section.when is not None:
        policies = [
            POLICIES.make(one.name, one.options, where=within(config, "generator", "when", n))
            for n, one in enumerate(section.when)
        ]
    return {
        "generate_per_label": section.per_class,
        "generate_every": section.every,
        "generate_when": policies,
        "generate_budget": Budget(money=own.money, tokens=own.tokens) if limited else None,
        "synthetic": SyntheticUse(**config.synthetic.model_dump()),
    }


def make_generator(
    section: Any,
    task: Task,
    lm: LanguageModel,
    embedder: Embedder | None,
    pool: Pool | Sequence[Item] | None,
    test: Pool | Sequence[Item] | None,
    *,
    audit: Sequence[Item] | None = None,
    style: str = "auto",
    calibrate: Calibrate = AUTO,
    unlabelled: Sequence[Item] = (),
    labelled: Sequence[Item] | None = None,
    filters: Sequence[FilterLike] | None = None,
    seed: int = 0,
    where: Callable[..., str] | None = None,
) -> tuple[Any, list[Any]]:
    """The generator of a configuration, and the filters behind it.

    Args:
        section: The configuration.
        task: The task.
        lm: Writes and judges.
        embedder: Finds near duplicates.
        pool: Texts that must not be written again.
        test: Texts that nothing may be written near to.
        audit: Likewise; items by which labels are audited.
        style: The form of the prompts.
        calibrate: What makes probabilities of the judge's scores.
        unlabelled: Texts that the judge is calibrated on.
        labelled: Labelled items that are not of the pool.
        filters: In the place of those of the configuration.
        seed: For what draws.
        where: Says where a key of the section stands, or one further in, given as a path.
    """
    limits = {
        name: value
        for name in ("min_words", "max_words")
        if (value := getattr(section, name)) is not None
    }
    offers = {"task": task, "lm": lm, "embedder": embedder, "style": style, **limits}
    shown = {**offers, "shots": section.shots, "seed": seed}
    generator = REGISTRY.make(section.name, _options_of(section), offers=shown, where=where)
    chain = filters
    if chain is None and section.filters is not None:
        chain = [{"name": one.name, **one.options} for one in section.filters]
    made = make_filters(
        chain,
        offers={
            **offers,
            "pool": pool,
            "test": test,
            "audit": audit,
            "labelled": labelled,
            "unlabelled": unlabelled,
            "calibrate": calibrate,
            "seed": seed,
        },
        settings={
            "near_duplicates": {"threshold": section.similarity},
            "label_agreement": {"minimum": section.agreement},
        },
        where=None if where is None else lambda n: functools.partial(where, "filters", n),
    )
    return generator, made


def _options_of(section: GeneratorConfig | PlugInGeneratorConfig) -> dict[str, Any]:
    """What the generator of a section is made with, besides what it is offered."""
    if isinstance(section, PlugInGeneratorConfig):
        chosen = {} if section.prompt is None else {"prompt": section.prompt}
        return {**section.options, **chosen}
    prompt = load_prompt(section.prompt or "generate/class_conditional")
    options: dict[str, Any] = {
        "prompt": prompt.with_values(section.prompt_values),
        "structure": section.structure,
        "temperature": section.temperature,
        "others": section.others,
        "attributes": section.attributes,
    }
    if section.per_prompt is not None:
        options["per_prompt"] = section.per_prompt
    return options
