"""The demo with a language model: python examples/demo.py --lm <path, hub name or URL>.

The same job as town_desk.yaml, in Python: the model labels the whole pool, people (simulated from
the gold column) label the start and review what the model was not sure of.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import llmal
from llmal.annotators import LLMAnnotator, Router, SimulatedHuman, Stage, Threshold
from llmal.lm.server import installed_vllm
from llmal.progress import ProgressDisplay

HERE = Path(__file__).resolve().parent


def language_model(name: str) -> llmal.lm.LanguageModel:
    """A running server by its URL; else a server of our own if vLLM is installed."""
    if name.startswith(("http://", "https://")):
        return llmal.lm.VLLM(name)
    if installed_vllm():
        return llmal.lm.VLLM.start(name)
    logging.getLogger("llmal").warning("vLLM is not installed: the model runs in this process")
    return llmal.lm.TransformersLM(name)


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lm", required=True, help="path, hub name, or URL ending in /v1")
    parser.add_argument("--shots", type=int, default=4, help="demonstrations in each prompt")
    given = parser.parse_args()
    config = llmal.load_config(HERE / "town_desk.yaml")
    task = config.task_object()
    pool = llmal.Pool.from_file(HERE / "town_desk" / "pool.jsonl", gold="label")
    test = llmal.Pool.from_file(HERE / "town_desk" / "test.jsonl", gold="label")
    try:
        lm = language_model(given.lm)
    except llmal.LlmalError as error:
        raise SystemExit(f"error: {error}") from None
    try:
        router = Router(
            [
                Stage(LLMAnnotator(task, lm, shots=given.shots), Threshold(0.9)),
                Stage(SimulatedHuman(cost=0.10)),
            ]
        )
        with ProgressDisplay() as progress:
            run = llmal.Orchestrator(
                task,
                pool,
                test=test,
                directory=HERE.parent / "runs" / "town-desk-lm",
                lm=lm,
                annotator=router,
                objective="labels",
                budget=llmal.Budget(human_labels=200, batch=20),
                callbacks=[progress],
            )
            result = run.run()
        print(f"{len(result.labels)} of {len(pool)} items labelled ({result.reason})")
        print(f"report: {llmal.report.write_run(run)}")
    except llmal.LlmalError as error:
        raise SystemExit(f"error: {error}") from None
    finally:
        lm.close()


if __name__ == "__main__":
    main()
