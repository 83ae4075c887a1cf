"""The parts of a campaign: whether they fit its task, and those that nobody named."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from llmal.annotators.aggregation import Aggregator
from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.policies import last_answer_stands
from llmal.annotators.protocol import (
    Annotator,
    Foreseeing,
    Foresight,
    ScoresZeroShot,
    drawn_texts,
)
from llmal.annotators.router import Router, Threshold
from llmal.core.words import counted
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError
from llmal.guarantee.guarantee import Guarantee
from llmal.learners.protocol import EmbeddingLearner, Learner
from llmal.ledger import Round
from llmal.lm.protocol import LanguageModel
from llmal.pool import Pool
from llmal.run.budget import Budget
from llmal.run.events import Announcer
from llmal.run.items import Positions, RunItems
from llmal.run.orders import stages_of
from llmal.run.phases import Audit, ClosesCampaign, Phase, phases_before_all
from llmal.run.preparing import preparation_key
from llmal.run.selector_questions import SelectorQuestions
from llmal.selectors.protocol import Selector
from llmal.stopping import StoppingRule
from llmal.task import Task
from llmal.task.spaces import kinds_of, refuse_unless

log = logging.getLogger("llmal.run")

HasBooked = Callable[[str], bool]
"""Whether the expense of a key is in the ledger."""


def check_answers_fit(
    task: Task,
    annotators: Sequence[Annotator],
    learner: Learner,
    aggregation: Aggregator | None = None,
) -> None:
    """See that annotators, learner and aggregation know the answers of a task.

    Raises:
        ConfigError: One does not; the message names it.
    """
    for one in annotators:
        who = f"the annotator {one.name}"
        refuse_unless(task, kinds_of(one), who, "use llm, human or recorded")
    who = f"the learner {type(learner).__name__}"
    refuse_unless(task, kinds_of(learner), who, "use linear")
    if aggregation is not None:
        who = f"the aggregation {aggregation.name}"
        refuse_unless(task, kinds_of(aggregation), who, "use majority or dawid_skene")


def check_phases(phases: Sequence[Phase], router: Router) -> list[Phase]:
    """The phases that somebody named, after those that come first in every campaign.

    Raises:
        ConfigError: There are none, two of one name, or one in which nobody answers.
    """
    if not phases:
        raise ConfigError("there are no phases", fix="name one, or leave them to the objective")
    names = [one.names[0] for one in phases]
    for phase, name in zip(phases, names, strict=True):
        if names.count(name) > 1:
            raise ConfigError(f"there are two phases {name}", fix="keep one of them")
        if not stages_of(router, phase.asks):
            raise ConfigError(
                f"the phase {name} asks {phase.asks}, and no annotator is of them",
                fix="add one, or leave the phase out",
            )
    first = phases_before_all(
        people=bool(stages_of(router, "people")), sweeps=any(one.stays_open for one in phases)
    )
    return [*(one for one in first if one.names[0] not in names), *phases]


def with_audit(
    phases: Sequence[Phase], audit: Audit | int | None, router: Router, budget: Budget
) -> list[Phase]:
    """Phases with an audit before or behind them.

    Raises:
        ConfigError: Nobody is there to be asked, there is an audit already, or the budget of labels
            does not reach for it.
    """
    if audit is None:
        return [*phases]
    phase = Audit(audit) if isinstance(audit, int) else audit
    both = [*phases, phase] if phase.closes else [phase, *phases]
    names = [one.names[0] for one in both]
    if names.count("audit") > 1:
        raise ConfigError("there are two phases audit", fix="keep one of them")
    if not stages_of(router, phase.asks):
        raise ConfigError(
            "an audit asks people, and no annotator is one", fix="add people, or leave it out"
        )
    labels = phase.items * _most_answers(router)
    if budget.human_labels is not None and labels > budget.human_labels:
        raise ConfigError(
            f"an audit of {phase.items} items takes {labels} labels of people, and the budget has "
            f"{budget.human_labels}",
            fix="raise human_labels, or audit fewer items",
        )
    return both


def wanted_guarantee(
    guarantee: Guarantee | Literal["off"] | None,
    router: Router,
    *,
    objective: str,
    own_rounds: str | None,
    begun: Callable[[], Collection[str]],
) -> Guarantee | None:
    """The promise that a campaign works for; None where it promises nothing.

    Args:
        guarantee: What was asked for; None leaves it to the campaign.
        router: Who answers.
        objective: What the campaign is for.
        own_rounds: What was named that has an audit or phases of its own.
        begun: What the phases are called that have begun already.

    Raises:
        ConfigError: What was asked for cannot be promised here.
    """
    if isinstance(guarantee, str):
        if guarantee != "off":
            raise ConfigError(
                f"guarantee is {guarantee!r}", fix="give a Guarantee, or 'off' for none"
            )
        return None
    if guarantee is not None and guarantee.policy != "certify":
        return None
    both = bool(stages_of(router, "people")) and bool(stages_of(router, "machines"))
    if guarantee is not None:
        if objective != "labels":
            raise ConfigError(
                "a guarantee is about the labels of a pool, and the objective is 'model'",
                fix="use objective 'labels', or leave the guarantee out",
            )
        if own_rounds is not None:
            raise ConfigError(
                f"there is a guarantee and also {own_rounds}", fix="leave one of them out"
            )
        if not both:
            raise ConfigError(
                "a guarantee is about labels of machines that people audit, and not both answer",
                fix="name an annotator of each kind, or turn the guarantee off",
            )
        return guarantee
    if objective != "labels" or own_rounds is not None or not both:
        return None
    phases = {*begun()}
    if "seed" not in phases and phases & {"start", "query", "review"}:
        return None
    return Guarantee()


def has_no_say(
    guarantee: Guarantee | None, stop: Sequence[StoppingRule], budget: Budget
) -> str | None:
    """What ends other campaigns and not this one, in a sentence; None where there is nothing.

    Rules and a number of rounds end a campaign whatever its labels are worth. One that works for a
    promise ends when that is kept, or when what people may give is spent.
    """
    if guarantee is None:
        return None
    named = ["stop"] * bool(stop) + ["budget.rounds"] * (budget.rounds is not None)
    if not named:
        return None
    have = "has" if len(named) == 1 else "have"
    return (
        f"{' and '.join(named)} {have} no say here: a run that works for a promise ends when that "
        "is kept or the budget is spent; limit it with budget.human_labels, or promise nothing "
        "with guarantee: off"
    )


def taking_every_label(router: Router) -> Router:
    """A router whose last machine's labels all stand, as an audit decides which may stay."""
    if router.policy is not None:
        return Router(router.stages, last_answer_stands(router.policy))
    last = stages_of(router, "machines")[-1]
    return Router(
        replace(stage, rule=Threshold(0.0)) if number == last else stage
        for number, stage in enumerate(router.stages)
    )


def labels_put_by(phases: Sequence[Phase], rounds: Sequence[Round], router: Router) -> int:
    """Labels of people that are kept for phases that come last."""
    items = sum(one.reserved(rounds) for one in phases if isinstance(one, ClosesCampaign))
    return items * _most_answers(router)


def _most_answers(router: Router) -> int:
    """Labels that people give to an item at most."""
    return max((one.answers for one in router.stages if one.annotator.kind == "human"), default=1)


def default_embedder(learner: Learner, selectors: Sequence[Selector]) -> Embedder | None:
    """What embeds texts where nobody has named it; None if nobody wants embeddings."""
    from llmal.embed import SentenceEmbedder

    wanted = {"embeddings", "features"}
    if isinstance(learner, EmbeddingLearner):
        wanted.discard("features")
    needed = any(wanted & one.requires for one in selectors)
    return SentenceEmbedder() if needed or learner.input == "embeddings" else None


def make_selector_questions(
    task: Task,
    pool: Pool,
    annotators: Sequence[Annotator],
    lm: LanguageModel | None,
    *,
    seed: int,
    has_booked: HasBooked,
) -> SelectorQuestions | None:
    """What selectors ask the language model with: the prompt of an annotator, else that of one made
    for it; None if there is no language model.
    """
    found: list[ScoresZeroShot] = [one for one in annotators if isinstance(one, ScoresZeroShot)]
    if not found and lm is not None:
        found.append(LLMAnnotator(task, lm))
    if not found:
        return None
    asking = found[0]
    return SelectorQuestions(
        lambda: asking,
        lambda: drawn_texts(pool, seed),
        seed,
        lambda trail: has_booked(preparation_key(asking.name, trail)),
    )


def look_ahead(
    items: RunItems,
    annotators: Sequence[Annotator],
    phases: Sequence[Phase],
    announcer: Announcer,
    said: Collection[str],
) -> Positions | None:
    """Say what is to be known of items before a run; see `find_unanswered`."""
    for sentence in items.sentences():
        log.warning("%s", sentence)
    count = len(items.usable)
    for phase in phases:
        if isinstance(phase, Audit) and not phase.closes and phase.items >= count:
            log.warning("the audit takes all %d items, and nothing is left to learn from", count)
    if len(items.copies):
        announcer.tell(
            "step",
            f"of {counted(len(items.pool), 'item')} "
            f"{counted(len(items.copies), 'repeats', 'repeat')} the text of an earlier one; "
            "it is asked about once, and the label goes to all",
        )
    return find_unanswered(annotators, items.pool, said)


def find_unanswered(
    annotators: Sequence[Annotator], pool: Pool, said: Collection[str]
) -> Positions | None:
    """The items that none of the people has an answer for; None where no people are asked.

    Args:
        annotators: Who is asked.
        pool: The pool.
        said: Warnings that need not be said again.

    Raises:
        LlmalError: An annotator has no answers at all.
    """
    unanswered = []
    for annotator in annotators:
        foresight = Foresight()
        if isinstance(annotator, Foreseeing):
            foresight = annotator.foresee(pool)
        for warning in foresight.warnings:
            if warning not in said:
                log.warning("%s", warning)
        if annotator.kind == "human":
            unanswered.append(foresight.unanswered)
    return functools.reduce(np.intersect1d, unanswered) if unanswered else None
