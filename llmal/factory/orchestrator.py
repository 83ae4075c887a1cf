"""The run that a configuration describes."""

from __future__ import annotations

from collections.abc import Sequence

from llmal.config import RunConfig
from llmal.factory.aggregation import make_aggregation
from llmal.factory.annotators import make_router
from llmal.factory.embedders import make_embedder
from llmal.factory.generators import make_run_generator, synthetic_options
from llmal.factory.guarantees import make_guarantee
from llmal.factory.offers import offers_of
from llmal.factory.phases import make_phases
from llmal.factory.places import within
from llmal.factory.pools import make_known_labels, open_pool
from llmal.factory.selectors import make_selector, make_start_selector
from llmal.lm.protocol import LanguageModel
from llmal.run.budget import Budget
from llmal.run.events import Callback
from llmal.run.orchestrator import Orchestrator
from llmal.run.phases import Audit
from llmal.stopping import StoppingRule


def build(
    config: RunConfig,
    *,
    lm: LanguageModel | None = None,
    accept_changes: bool = False,
    callbacks: Sequence[Callback] = (),
) -> Orchestrator:
    """The run that a configuration describes.

    Args:
        config: The configuration.
        lm: Used in place of the one that the configuration names. Start that one with
            `language_model`, and close it when the run is over.
        accept_changes: Whether to go on although task or pool have changed.
        callbacks: Told of every event.

    Raises:
        LlmalError: Something in the configuration cannot be had.
    """
    from llmal.learners import REGISTRY as LEARNERS
    from llmal.learners.words import words_offered
    from llmal.stopping import REGISTRY as RULES

    task = config.task_object()
    pool = open_pool(config, config.data.pool)
    test = None if config.data.test is None else open_pool(config, config.data.test)
    embedder = make_embedder(config)
    chosen = config.learner
    offers = offers_of(config, task, lm, embedder)
    learner = LEARNERS.make(
        chosen.name,
        chosen.options,
        offers={**offers, **words_offered(task)},
        where=within(config, "learner"),
    )
    generator, filters = make_run_generator(config, task, lm, embedder, pool, test)
    budget = Budget(
        human_labels=config.budget.human_labels,
        money=config.budget.money,
        tokens=config.budget.tokens,
        rounds=config.budget.rounds,
        batch=config.budget.batch,
    )
    stop: list[StoppingRule] = [
        RULES.make(rule.name, rule.options, where=within(config, "stop", n))
        for n, rule in enumerate(config.stop)
    ]
    return Orchestrator(
        task,
        pool,
        directory=config.directory,
        annotator=make_router(config, task, lm, embedder),
        test=test,
        lm=lm,
        embedder=embedder,
        selector=make_selector(config),
        start=make_start_selector(config),
        start_items=config.start.items,
        learner=learner,
        budget=budget,
        stop=stop,
        objective=config.objective,
        phases=make_phases(config, budget, stop),
        generator=generator,
        filters=filters,
        aggregation=make_aggregation(config),
        audit=None if config.audit is None else Audit(**config.audit.model_dump()),
        guarantee=make_guarantee(config),
        committee=config.committee,
        duplicates=config.data.duplicates,
        overlap=config.data.overlap,
        seed=config.seed,
        ledger=config.ledger,
        accept_changes=accept_changes,
        when_changed=config.task.when_changed,
        known=make_known_labels(config),
        callbacks=callbacks,
        **synthetic_options(config),
    )
