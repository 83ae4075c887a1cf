"""`llmal plan`."""

from __future__ import annotations

from pathlib import Path

from llmal.cli.models import planning_model_of
from llmal.cli.telling import give, results_only_on_stdout
from llmal.config import load_config
from llmal.factory.orchestrator import build


def plan(path: Path, *, as_json: bool) -> None:
    """Say what a run will cost at most, and show one of its prompts. Starts nothing."""
    config = load_config(path)
    with results_only_on_stdout(as_json), planning_model_of(config) as lm:
        made = build(config, lm=lm).plan()
    text = made.summary()
    if made.spenders:
        text += (
            f"\n\nbefore the limits:\n{made.table()}" if made.limited_by else f"\n{made.table()}"
        )
    if made.phases:
        text += (
            f"\n\nin the phases {', '.join(made.phases)}: people are asked as many labels as the "
            "promise takes;\nllmal forecast says how many that may be"
        )
    if made.prompt is not None:
        text += f"\n\na prompt, after which {len(made.candidates)} answers are scored:\n"
        text += "\n".join(f"  | {line}" for line in made.prompt.splitlines())
        text += f"\nthe answers: {', '.join(repr(candidate) for candidate in made.candidates)}"
    give(made.as_dict(), text, as_json=as_json)
