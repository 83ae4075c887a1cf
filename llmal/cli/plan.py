"""`llmal plan`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmal.cli.models import planning_model_of
from llmal.cli.run_directory import has_ledger
from llmal.cli.telling import give, results_only_on_stdout
from llmal.config import load_config
from llmal.factory.orchestrator import build

if TYPE_CHECKING:
    from llmal.run.orchestrator import Orchestrator

ASSUMED = (0.05, 0.15, 0.3)
"""Shares of wrong labels that a plan reckons with where no machine has answered yet."""


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
    if made.phases:
        text += (
            f"\n\nin the phases {', '.join(made.phases)}: people are asked as many labels as the "
            "promise takes"
        )
    if promise is not None:
        text += f"\n\n{promise[1]}"
    if made.prompt is not None:
        text += f"\n\na prompt, after which {len(made.candidates)} answers are scored:\n"
        text += "\n".join(f"  | {line}" for line in made.prompt.splitlines())
        text += f"\nthe answers: {', '.join(repr(candidate) for candidate in made.candidates)}"
    result = made.as_dict()
    if promise is not None:
        result["guarantee"] = promise[0]
    give(result, text, as_json=as_json)


def _promise(orchestrator: Orchestrator, *, begun: bool) -> tuple[dict[str, Any], str] | None:
    """How many labels the promise of a run will take of people, as data and in words."""
    guarantee = orchestrator.campaign.guarantee
    if guarantee is None:
        return None
    if begun:
        with orchestrator.campaign as campaign:
            found = campaign.forecast()
        if found is not None:
            return {"forecast": found.as_dict()}, found.text()
    from llmal.guarantee.forecast import if_wrong_on

    items = len(orchestrator.campaign.asked_about)
    alpha = round(1 - guarantee.confidence, 12)
    guessed = {
        share: if_wrong_on(share, items, epsilon=guarantee.max_error, alpha=alpha)
        for share in ASSUMED
    }
    words = [
        f"labels of people for at most {guarantee.max_error:.1%} wrong at a confidence of "
        f"{guarantee.confidence:.0%}, a GUESS as long as the machine has not answered, if it errs"
    ]
    words += [
        f"  on {share:.0%} of the items: {one.people:,} ({one.low:,} to {one.high:,}) of {items:,}"
        for share, one in guessed.items()
    ]
    assumed = [{"wrong": share, **asdict(one)} for share, one in guessed.items()]
    return {"basis": "guess", "if_wrong_on": assumed}, "\n".join(words)
