"""Routing policies on recorded answers of several models: error, model calls, people's labels.

    python benchmarks/guarantee/routing.py [--seeds 5] [--sets llm_babe llm_cebab llm_css_stance]

None of these models says how sure it is. So the first machine is a vote of small models, which is
as sure as they agree; then comes a middling model and a strong one, whose labels have no
confidence. People say what gold says. Behind each policy stands the guarantee: all answers that the
policy asks for are its evidence. Each cell is kept as a line in the work folder as it comes, and
not run again.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from procedures import audit
from recorded_sets import DATA, RecordedSet, load
from results_file import keep_lines, record_command, recorded_commands, write_results

from llmal.annotators.policies import (
    Answers,
    Ask,
    Band,
    Cascade,
    FittedPolicy,
    InTurn,
    Machine,
    People,
    PilotItem,
    Route,
    RoutingPolicy,
    Stands,
    ThreeWay,
    last_answer_stands,
)
from llmal.annotators.router import Threshold
from llmal.core.records import Annotation
from llmal.guarantee.procedure import Procedure
from llmal.guarantee.seeding import UniformSeed

NAME = "guarantee_routing"
SMALL = {
    "llm_babe": [
        f"{one}|zero-shot"
        for one in ("flan_ul2", "mistral_7b", "mixtral_8x7b", "openchat", "zephyr")
    ],
    "llm_cebab": ["llama-31", "mistral-v03", "gemini_flash"],
    "llm_css_stance": ["flan-t5-base", "flan-t5-large", "flan-t5-xl", "flan-t5-xxl", "flan-ul2"],
}
LARGE = {
    "llm_babe": ("gpt_3_5|zero-shot", "gpt_4|zero-shot"),
    "llm_cebab": ("gpt-4o-mini", "gpt-4o"),
    "llm_css_stance": ("text-davinci-003", "chatgpt"),
}
PRICES = (1.0, 2.0, 20.0)
"""Of an answer of the small models together, of the middling one and of the strong one: a guess at
their proportions, as is the price of a person."""
PERSON = 200.0
SEED_ITEMS = 150


@dataclass(frozen=True)
class Arm:
    """A policy, and which of the three machines it has."""

    policy: RoutingPolicy
    machines: tuple[int, ...]


class Everybody:
    """All machines are asked, and the last answer stands."""

    def check(self, machines: Sequence[Machine], *, people: bool) -> None:
        """It fits all."""

    def route(self, answers: Sequence[Answers], machines: Sequence[Machine]) -> list[Route]:
        return [_next(said, len(machines)) for said in answers]


def _next(said: Answers, machines: int) -> Route:
    for place in range(machines):
        if place not in said:
            return Ask(place)
    labelled = [place for place, one in said.items() if one.label is not None]
    return Stands(max(labelled)) if labelled else People()


ARMS: dict[str, Arm] = {
    "small models alone": Arm(InTurn(), (0,)),
    "strong model alone": Arm(InTurn(), (2,)),
    "all models": Arm(Everybody(), (0, 1, 2)),
    "threshold": Arm(InTurn(), (0, 2)),
    "band": Arm(Band(low=0.5, high=0.9, agree=2), (0, 1, 2)),
    "cascade": Arm(Cascade(max_error=0.1, alpha=0.1), (0, 1, 2)),
    "three_way": Arm(ThreeWay(costs=(PRICES[0], PRICES[2], PERSON)), (0, 2)),
}
MINIMA = {"small models alone": (0.0,), "threshold": (0.9, 0.0)}
"""Thresholds of the machines; elsewhere everything of them stands, or the policy has its own."""


def answers_of(name: str) -> tuple[list[str], list[list[Annotation]]]:
    """What people say of each item, and what each machine does."""
    with gzip.open(DATA / name / "items.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    rows = [row for row in rows if row["gold"] is not None]
    labels = sorted({row["gold"] for row in rows})
    machines = [[_vote(row["llm_labels"], SMALL[name], labels) for row in rows]]
    for column in LARGE[name]:
        said = [row["llm_labels"][column] for row in rows]
        machines.append([_plain(one if one in labels else None) for one in said])
    return [row["gold"] for row in rows], machines


def _plain(label: str | None) -> Annotation:
    return Annotation("", label, "model", "llm")


def _vote(said: dict[str, str | None], names: Sequence[str], labels: Sequence[str]) -> Annotation:
    votes = Counter(said[one] for one in names if said[one] in labels)
    if not votes:
        return _plain(None)
    # Ties go to the label that comes first in the alphabet.
    label = min(votes, key=lambda one: (-votes[one], str(one)))
    shares = {one: votes[one] / len(names) for one in labels}
    return Annotation("", label, "small", "llm", probabilities=shares)


@dataclass(frozen=True)
class Routed:
    """How the items went: who answered, and which machine's label is the last, -1 for none."""

    asked: np.ndarray
    stands: np.ndarray
    last: np.ndarray


def route(
    arm: Arm, name: str, gold: list[str], machines: list[list[Annotation]], pilot: np.ndarray
) -> Routed:
    """Send every item its way; the pilot's are people's, and all machines answer them if a policy
    is fitted to them.
    """
    said = [machines[place] for place in arm.machines]
    minima = MINIMA.get(name, (0.0,) * len(said))
    known = [
        Machine(str(place), Threshold(least).accepts, gives_confidence=place == 0)
        for place, least in zip(arm.machines, minima, strict=True)
    ]
    policy, asked = arm.policy, np.zeros((len(gold), len(said)), dtype=bool)
    if isinstance(policy, FittedPolicy):
        items = [PilotItem(gold[i], {n: one[i] for n, one in enumerate(said)}) for i in pilot]
        policy = policy.fitted(policy.fit(items, known))
        asked[pilot] = True
    kept = last_answer_stands(policy)
    stands = np.full(len(gold), -1)
    last = np.full(len(gold), -1)
    for i in np.setdiff1d(np.arange(len(gold)), pilot).tolist():
        answers: dict[int, Annotation] = {}
        [step] = policy.route([answers], known)
        while isinstance(step, Ask):
            answers[step.machine] = said[step.machine][i]
            asked[i, step.machine] = True
            [step] = policy.route([answers], known)
        stands[i] = step.machine if isinstance(step, Stands) else -1
        [step] = kept.route([answers], known)
        last[i] = step.machine if isinstance(step, Stands) else -1
    return Routed(asked, stands, last)


def with_answers(
    recorded: RecordedSet, arm: Arm, machines: list[list[Annotation]], routed: Routed
) -> RecordedSet:
    """The set with what the policy has asked for as evidence, and nothing else."""
    space = recorded.evidence.space
    column = {label: place for place, label in enumerate(space.labels)}
    said = [machines[place] for place in arm.machines]
    targets = np.array([[column.get(str(one.label), -1) for one in some] for some in said]).T
    seen = np.where(routed.asked, targets, -1)
    # Items of the pilot have the last label that was asked for, too.
    places = np.where(seen >= 0, np.arange(len(said)), -1).max(axis=1)
    last = np.where(routed.last >= 0, routed.last, places)
    rows = np.arange(len(seen))
    machine = np.where(last >= 0, seen[rows, last], -1)
    sure = np.array([one.confidence or np.nan for one in machines[0]])
    first = (last == 0) & (arm.machines[0] == 0)
    votes = []
    for place in range(len(said)):
        other = np.where(last == place, -1, seen[:, place])
        if (other >= 0).any():
            votes.append(other)
    confidence = np.where(first, sure, np.nan)
    evidence = replace(
        recorded.evidence,
        machine=machine,
        votes=tuple(votes),
        confidence=None if np.isnan(confidence).all() else confidence,
    )
    return replace(recorded, evidence=evidence)


def cell(
    recorded: RecordedSet, name: str, gold: list[str], machines: list[list[Annotation]], seed: int
) -> dict[str, Any]:
    """One policy on one set: by itself, and with the guarantee behind it."""
    arm, items = ARMS[name], len(gold)
    seeded = min(SEED_ITEMS, items // 4)
    procedure = Procedure(seed=UniformSeed(least=seeded, share=0.0))
    pilot = procedure.seed(items, np.random.default_rng([seed, 1]))
    routed = route(arm, name, gold, machines, pilot)
    prices = np.array([PRICES[place] for place in arm.machines])
    money = float((routed.asked * prices).sum())
    said = [machines[place] for place in arm.machines]
    wrong = sum(
        said[place][i].label != gold[i]
        for i, place in enumerate(routed.stands.tolist())
        if place >= 0
    )
    people = int((routed.stands < 0).sum())
    outcome = audit(with_answers(recorded, arm, machines, routed), procedure, seed)
    certified = (1 - outcome.saved) * items
    return {
        "set": recorded.name,
        "policy": name,
        "seed": seed,
        "items": items,
        "model cost": money / items,
        "error": wrong / items,
        "people": people / items,
        "cost": (money + PERSON * people) / items,
        "certified error": outcome.wrong,
        "certified people": certified / items,
        "certified cost": (money + PERSON * certified) / items,
        "broken": outcome.broken,
        "seconds": outcome.seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="+", default=sorted(SMALL))
    parser.add_argument("--work", type=Path, default=Path("work-routing"))
    options = parser.parse_args()
    record_command(options.work)
    lines = options.work / "cells.jsonl"
    cells = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    done = {(one["set"], one["policy"], one["seed"]) for one in cells}
    for seed in range(options.seeds):
        for name in options.sets:
            recorded, (gold, machines) = load(name), answers_of(name)
            for policy in ARMS:
                if (name, policy, seed) in done:
                    continue
                cells.append(cell(recorded, policy, gold, machines, seed))
                print(json.dumps(cells[-1]), flush=True)
                with lines.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(cells[-1]) + "\n")
    keep_lines(NAME, lines)
    write_results(
        NAME,
        {
            "commands": recorded_commands(options.work)[:-1],
            "prices": [*PRICES, PERSON],
            "seed items": SEED_ITEMS,
            "small": SMALL,
            "large": LARGE,
            "rows": _rows(cells),
        },
    )


def _rows(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean and standard deviation over the seeds of each set and policy."""
    rows = []
    for key in dict.fromkeys((one["set"], one["policy"]) for one in cells):
        some = [one for one in cells if (one["set"], one["policy"]) == key]
        figures: dict[str, Any] = {
            "set": key[0],
            "policy": key[1],
            "seeds": len(some),
            "items": some[0]["items"],
            "broken": sum(one["broken"] for one in some),
        }
        for what in (
            "model cost",
            "error",
            "people",
            "cost",
            "certified error",
            "certified people",
            "certified cost",
        ):
            values = np.array([one[what] for one in some])
            figures[what] = [
                float(values.mean()),
                float(values.std(ddof=1)) if len(some) > 1 else 0,
            ]
        rows.append(figures)
    return rows


if __name__ == "__main__":
    main()
