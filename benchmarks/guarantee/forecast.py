"""How often a forecast's interval holds the number of labels that people were then asked for.

    python benchmarks/guarantee/forecast.py run --work FOLDER [--runs 20] [--sets "llm_stance;…"]
    python benchmarks/guarantee/forecast.py tell --work FOLDER

Whole runs of the procedure (seed, doubtful items, audit in looks, the rest to people) on recorded
answers of real language models; people are gold and answer what they are asked. The forecast is
made after the seed, and again when the audit begins. It is held against what people had given in
the end. `run` writes one line a run into FOLDER and goes on
where it stopped; `tell` makes results/guarantee_forecast.json of them.

What a forecast takes as known beforehand (how far frozen predictions are off, how much is learnt)
was set on other sets: llm_semeval_relations, llm_css_stance, and tiny-lm's labels of public sets
(--sets "sst2, tiny-lm;…" --labels FOLDER, which collect_labels.py wrote).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from model_sets import load_model_set
from recorded_sets import RecordedSet
from recorded_sets import load as load_recorded
from results_file import record_command, recorded_commands, write_results

from llmal.guarantee import Certificate, Frozen, Procedure
from llmal.guarantee.evidence import differ
from llmal.guarantee.forecast import Needed, forecast_audit, forecast_pool

NAME = "guarantee_forecast"
SETS = ("llm_stance", "llm_mrpc", "llm_mr", "llm_babe", "llm_cebab")
LEVEL = 0.9
RUNS = "runs.jsonl"


def seeded(recorded: RecordedSet, procedure: Procedure, seed: int) -> tuple[Any, Any]:
    """People's labels after the seed, and which of them were drawn uniformly."""
    people = recorded.evidence.people.copy()
    uniform = recorded.evidence.uniform.copy()
    drawn = procedure.seed(len(recorded), np.random.default_rng([seed, 1]))
    people[drawn] = recorded.gold[drawn]
    uniform[drawn] = True
    return people, uniform


def run(recorded: RecordedSet, epsilon: float, seed: int) -> dict[str, Any]:
    """One run: both forecasts, what was needed, and how wrong frozen predictions were."""
    start = time.perf_counter()
    procedure = Procedure(epsilon=epsilon)
    people, uniform = seeded(recorded, procedure, seed)
    first: Needed | None = None
    rounds = 0
    while True:
        rounds += 1
        evidence = replace(recorded.evidence, people=people.copy(), uniform=uniform)
        rng = np.random.default_rng([seed, 2, rounds])
        if first is None:
            scored = procedure.score(evidence, np.random.default_rng([seed, 2, rounds]))
            first = forecast_pool(evidence, scored, epsilons=(epsilon,), level=LEVEL).at(epsilon)
        step = procedure.advance(evidence, rng)
        if isinstance(step, Frozen):
            break
        people[step.positions] = recorded.gold[step.positions]
    second = forecast_audit(step, level=LEVEL).at(epsilon)
    label = np.empty_like(recorded.gold)
    label[step.order] = step.labels
    wrong = np.zeros(0, dtype=bool)
    while not isinstance(outcome := procedure.judge(step, wrong), Certificate):
        more = outcome.positions
        wrong = np.concatenate([wrong, differ(label[more], recorded.gold[more])])
    needed = len(recorded) - len(step.order) + len(wrong) + len(outcome.to_people)
    errors = differ(label[step.order], recorded.gold[step.order])
    return {
        "set": recorded.name,
        "epsilon": epsilon,
        "seed": seed,
        "items": len(recorded),
        "seeded": int(uniform.sum()),
        "rounds": rounds,
        "before audit": len(recorded) - len(step.order),
        "audited": len(wrong),
        "needed": needed,
        "after the seed": [first.people, first.low, first.high],
        "as the audit begins": [second.people, second.low, second.high],
        "frozen": {"predicted": float(step.probability_wrong.sum()), "wrong": int(errors.sum())},
        "seconds": time.perf_counter() - start,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("run", "tell"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--sets", default=";".join(SETS))
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--epsilons", default="0.05")
    options = parser.parse_args()
    path = options.work / RUNS
    if options.what == "tell":
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        write_results(NAME, {"level": LEVEL, "commands": recorded_commands(options.work),
                             "runs": lines})  # fmt: skip
        return
    record_command(options.work)
    done = set()
    if path.exists():
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        done = {(one["set"], one["epsilon"], one["seed"]) for one in lines}
    loaded = {
        name: load_model_set(name, options.labels, options.shared)
        if ", " in name
        else load_recorded(name)
        for name in options.sets.split(";")
    }
    for seed in range(options.runs):
        for name, recorded in loaded.items():
            assert recorded is not None, f"nobody has collected {name}"
            for epsilon in map(float, options.epsilons.split(",")):
                if (name, epsilon, seed) in done:
                    continue
                found = run(recorded, epsilon, seed)
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
                print(found, flush=True)


if __name__ == "__main__":
    main()
