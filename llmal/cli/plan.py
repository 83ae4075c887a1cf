"""`llmal plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llmal.cli.models import planning_model_of
from llmal.cli.run_directory import has_ledger
from llmal.cli.telling import give, results_only_on_stdout
from llmal.config import load_config
from llmal.factory.orchestrator import build
from llmal.functions.promise_plan import PromisePlan, guess_promise

if TYPE_CHECKING:
    from llmal.run.orchestrator import Orchestrator


def plan(path: Path, *, as_json: bool) -> None:
    """Say what a run will cost at most, and show one of its prompts. Starts nothing."""
    config = load_config(path)
    with results_only_on_stdout(as_json), planning_model_of(config) as lm:
        orchestrator = build(config, lm=lm)
        made = orchestrator.plan()
        promise = _promise(orchestrator, begun=has_ledger(config))
    text = made.summary()
    if made.spenders:
        text += (
            f"\n\nbefore the limits:\n{made.table()}" if made.limited_by else f"\n{made.table()}"
        )
    without_say = orchestrator.campaign.without_say
    if without_say is not None:
        text += f"\n\n{without_say}"
    if made.phases:
        text += (
            f"\n\nin the phases {', '.join(made.phases)}: people are asked as many labels as the "
            "promise takes"
        )
    if promise is not None:
        text += f"\n\n{promise.text()}"
    if made.prompt is not None:
        text += f"\n\na prompt, after which {len(made.candidates)} answers are scored:\n"
        text += "\n".join(f"  | {line}" for line in made.prompt.splitlines())
        text += f"\nthe answers: {', '.join(repr(candidate) for candidate in made.candidates)}"
    result = made.as_dict()
    if promise is not None:
        result["guarantee"] = promise.as_dict()
    give(result, text, as_json=as_json)


def _promise(orchestrator: Orchestrator, *, begun: bool) -> PromisePlan | None:
    """How many labels the promise of a run will take of people, beside their budget."""
    campaign = orchestrator.campaign
    if campaign.guarantee is None:
        return None
    items, budget = len(campaign.asked_about), campaign.budget.human_labels
    if begun:
        with campaign:
            found = campaign.forecast()
        if found is not None:
            return PromisePlan(campaign.guarantee, items, budget, found)
    return guess_promise(campaign.guarantee, items, budget)
