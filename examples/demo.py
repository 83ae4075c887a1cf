"""The demo: a whole labelling job with a language model, as town_desk.yaml describes it.

    python examples/demo.py [--lm NAME, PATH or URL] [--backend transformers or vllm]

People are simulated from the gold column. Without --lm the model is a small one that llmal fetches
at first use; where it cannot be had, town_desk_similarity.yaml does the job without one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import llmal
from llmal.cli.models import fetch_known_model
from llmal.cli.run import carry_out
from llmal.config import LMConfig, RunConfig
from llmal.lm.server import installed_vllm
from llmal.progress import ProgressDisplay, cost_in_words, say

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lm", help="known name, path, hub name, or URL ending in /v1")
    parser.add_argument("--backend", choices=["transformers", "vllm"], help="who runs the model")
    options = parser.parse_args()
    begun = time.monotonic()
    try:
        with ProgressDisplay() as progress:
            config = configuration(options.lm, options.backend, progress)
            result, page = carry_out(config, progress)
    except llmal.LlmalError as error:
        raise SystemExit(f"error: {error}") from None
    if result.status != "finished":
        raise SystemExit(f"{result.status}: {result.reason}")
    report = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    print("\n".join(["", *summary(config, report, page, time.monotonic() - begun)]))


def configuration(model: str | None, backend: str | None, progress: ProgressDisplay) -> RunConfig:
    """The demo's configuration with the model that was asked for, or without any model."""
    config = llmal.load_config(HERE / "town_desk.yaml")
    if model is not None and model.startswith(("http://", "https://")):
        return with_model(config, LMConfig(url=(model,)), "lm")
    if model is not None:
        backend = backend or ("vllm" if installed_vllm() else "transformers")
        return with_model(config, LMConfig(model=model, backend=backend), "lm")
    if backend == "vllm":
        assert config.lm is not None
        served = config.lm.model_copy(update={"backend": backend, "max_model_len": 2048})
        config = with_model(config, served, "vllm")
    try:
        fetch_known_model(config, progress=progress)
    except llmal.errors.LanguageModelError as error:
        say(f"no language model: {error}")
        say("the demo goes on without one: similarity of text and label description labels")
        return llmal.load_config(HERE / "town_desk_similarity.yaml")
    return config


def with_model(config: RunConfig, lm: LMConfig, suffix: str) -> RunConfig:
    """A configuration with another model, in a run directory of its own."""
    directory = config.directory.with_name(f"{config.directory.name}-{suffix}")
    return config.model_copy(update={"lm": lm, "directory": directory})


def summary(config: RunConfig, report: dict[str, Any], page: Path, seconds: float) -> list[str]:
    """What was done, what it cost, how good it is, where to look, and what to try next."""
    delivered, synthetic, spent = report["delivered"], report["synthetic"], report["spending"]
    by = ", ".join(f"{n} by {name}" for name, n in delivered["by_kind"].items())
    done = f"{delivered['items']} of {report['pool']['items']} messages labelled ({by})"
    if synthetic:
        done += f", {synthetic['accepted']} of {synthetic['written']} synthetic ones kept"
    right = f"{percent(delivered['accuracy'])} of these labels are right ("
    right += ", ".join(
        f"{name} {percent(share)}" for name, share in delivered["accuracy_by_kind"].items()
    )
    right += ")"
    last = report["learning_curve"]["points"][-1]
    for machine in report["machines"]:
        right += f"; {machine['annotator']} alone would be right on {percent(machine['accuracy'])}"
        right += f" of {machine['items']}"
    right += f"; the learner is right on {last['accuracy']:.0%} of {last['test_items']} new ones"
    cost = cost_in_words(spent["total"]) or "nothing"
    command = brief(Path(sys.executable).with_name("llmal"))
    return [
        f"Done:    {done}",
        f"Cost:    {cost}; {seconds / 60:.1f} minutes",
        f"Quality: {right}",
        f"Look at: {brief(page)}",
        f"Next:    {command} export {brief(config.directory)} --to csv --out labels.csv; a larger "
        "model: make demo LM=<path or URL>; your own texts: a copy of examples/town_desk.yaml",
    ]


def brief(path: Path) -> Path:
    """A path as it is typed here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def percent(share: dict[str, Any] | None) -> str:
    """A share of the report in words."""
    return "unknown" if share is None else f"{share['value']:.0%}"


if __name__ == "__main__":
    main()
