"""The alternative annotator test of llmal beside the authors' own code, on llm_cebab.

    python benchmarks/guarantee/trial.py [--shared ../shared] [--authors FOLDER]

FOLDER is a clone of nitaytech/AltTest: the code of its notebook is run in the same process on the
same answers, and on the authors' own file of this set. Without it their published figures alone
stand beside llmal's. The power calculation is tried on the people of the set: trials of so many
items, drawn at random, as it says are needed.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from results_file import write_results

import llmal
from llmal.guarantee.trial import Trial, compare, nearness_in, p_value, refuted, run_trial
from llmal.task.spaces import make_space

NAME = "guarantee_trial"
EPSILON = 0.1
PUBLISHED = {
    "gemini_flash": (0.70, 0.91),
    "gemini_pro": (0.90, 0.94),
    "gpt-4o": (0.90, 0.93),
    "llama-31": (0.60, 0.89),
    "gpt-4o-mini": (0.50, 0.90),
    "mistral-v03": (0.10, 0.81),
}
"""Winning rate and average advantage probability at epsilon .1, from the authors' notebook."""

LABELS = ("Negative", "Positive", "unknown")

Answers = dict[str, dict[str, str]]


def handed_out(shared: Path) -> tuple[Answers, Answers]:
    """Answers of people and of machines, by name and item."""
    people: Answers = {}
    machines: Answers = {}
    path = shared / "data" / "llm_cebab" / "items.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            for answers, given in ((people, row["human_labels"]), (machines, row["llm_labels"])):
                for name, label in given.items():
                    if label is not None:
                        answers.setdefault(name, {})[row["id"]] = label
    return people, machines


def authors_code(folder: Path) -> Callable[..., tuple[float, float]]:
    """`alt_test` of the notebook; the cells after its definition are not run."""
    notebook = json.loads((folder / "alt_test_example.ipynb").read_text("utf-8"))
    cells = ["".join(one["source"]) for one in notebook["cells"] if one["cell_type"] == "code"]
    names: dict[str, Any] = {}
    for cell in cells:
        exec(compile(cell, "alt_test_example.ipynb", "exec"), names)
        if "alt_test" in names:
            break
    return names["alt_test"]


def beside(people: Answers, machines: Answers, authors: Any) -> list[dict[str, Any]]:
    """Both on the same answers, at three epsilons."""
    rows = []
    for name in PUBLISHED:
        for epsilon in (0.1, 0.15, 0.2):
            ours = trial_of(people, machines[name], epsilon)
            row = {
                "machine": name,
                "epsilon": epsilon,
                "people": len(ours.people),
                "items": ours.items,
                "winning rate": ours.winning_rate,
                "advantage": ours.advantage,
                "passed": ours.passed,
                "items needed": ours.size.items,
                "items there": ours.size.have,
            }
            if authors is not None:
                with contextlib.redirect_stdout(io.StringIO()):
                    row["authors"] = list(authors(machines[name], people, "accuracy", epsilon))
            rows.append(row)
    return rows


def trial_of(people: Answers, machine: dict[str, str], epsilon: float) -> Trial:
    return run_trial(people, machine, nearness_in(make_space("single", LABELS)), epsilon=epsilon)


def power(people: Answers, machines: Answers, draws: int) -> list[dict[str, Any]]:
    """How often trials of as many items as advised pass, each person's items drawn from his own
    with replacement: people and machine go on as they did, which is what the advice assumes.
    """
    rows = []
    rng = np.random.default_rng(0)
    for name in PUBLISHED:
        whole = trial_of(people, machines[name], EPSILON)
        row: dict[str, Any] = {"machine": name, "items needed": whole.size.items}
        rows.append(row)
        near = nearness_in(make_space("single", LABELS))
        counts = Counter(item for answers in people.values() for item in answers)
        items = {item for item in machines[name] if counts[item] > 1}
        ahead = compare(people, machines[name], near, items)
        differences = [ahead[one.person][:, 1] - ahead[one.person][:, 0] for one in whole.people]
        for factor in (0.5, 1, 2):
            if whole.size.items is None:
                continue
            need = round(whole.size.items * factor)
            passed = 0
            for _ in range(draws):
                values = [p_value(one[rng.integers(len(one), size=need)], EPSILON)
                          for one in differences]  # fmt: skip
                passed += sum(refuted(values, 0.05)) >= len(values) / 2
            row[f"passed at {factor:g} times as many"] = passed / draws
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--authors", type=Path)
    parser.add_argument("--draws", type=int, default=200)
    options = parser.parse_args()
    people, machines = handed_out(options.shared)
    authors = None if options.authors is None else authors_code(options.authors)
    figures: dict[str, Any] = {
        "version": llmal.__version__,
        "published": {name: list(both) for name, both in PUBLISHED.items()},
        "handed out": beside(people, machines, authors),
        "power": power(people, machines, options.draws),
    }
    if options.authors is not None:
        folder = options.authors / "data" / "cebab_aspects"
        theirs = [json.loads((folder / f"{one}_annotations.json").read_text("utf-8"))
                  for one in ("human", "llm")]  # fmt: skip
        figures["authors' file"] = [
            row for row in beside(*theirs, authors) if row["epsilon"] == EPSILON
        ]
    print(json.dumps(figures, indent=1))
    write_results(NAME, figures)


if __name__ == "__main__":
    main()
