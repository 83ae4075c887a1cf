"""Demonstrations and calibration of an annotator, as far as the budget reaches for them."""

from __future__ import annotations

from llmal.annotators.protocol import Annotator, Context, Prepares
from llmal.few_shot.prompt import FewShotPrompt
from llmal.run.events import Announcer
from llmal.run.purse import PREPARATION, Purse


def preparation_key(name: str, trail: int) -> str:
    """The expense of a preparation: the same one wherever the same is asked for the same name."""
    return f"prepare-{name}-{trail:032x}"


def book_preparation(purse: Purse, name: str, prepared: FewShotPrompt) -> None:
    """Record what was asked for it, once however many rounds ask the same."""
    purse.book(PREPARATION, prepared.usage, preparation_key(name, prepared.trail))


def make_ready(
    annotator: Annotator, context: Context, purse: Purse, announcer: Announcer
) -> Context | None:
    """Have an annotator choose demonstrations and calibrate for a round, if it does such things.

    Args:
        annotator: Gets ready.
        context: What is known of the round.
        purse: Admits what it costs, and pays.
        announcer: Told what is going on.

    Returns:
        The context that it is to answer in: the one given, or one in which preparing costs less.
        None if the budget does not allow even that.
    """
    if not isinstance(annotator, Prepares):
        return context
    key = f"prepare-{annotator.name}-{context.round}"
    ways = [(key, context)]
    less = annotator.with_less(context)
    if less is not None:
        ways.append((f"{key}-less", less))
    refused = purse.refused
    # What was prepared before a kill is prepared in the same way again.
    before = [way for way in ways if purse.has_booked(way[0])]
    for mark, way in before or ways:
        plan = annotator.plan_preparation(way)
        booked_as = preparation_key(annotator.name, plan.trail)
        if not before and not purse.admits(plan, key=booked_as):
            continue
        purse.refused = refused
        announcer.activity = f"round {context.round}: {PREPARATION} of {annotator.name}"
        book_preparation(purse, annotator.name, plan.execute())
        purse.mark(PREPARATION, mark)
        return way
    return None
