"""How much needs no person: llmal against what users would pick in its place, in one run.

    python benchmarks/guarantee/versus.py run --work FOLDER --labels FOLDER [--shared ../shared]
    python benchmarks/guarantee/versus.py tell --work FOLDER

At most 5 % of the delivered labels wrong with 95 % confidence. People are gold, and answer only
what is asked; what was audited or labelled on the way counts as people's work, and an item is paid
for once. `run` writes one line an audit into FOLDER, and goes on where it stopped; `tell` makes
results/guarantee_versus.json of them. `--labels` is what `collect_labels.py` wrote.

The rules that take the size of an audit as it comes (PAC labels, Bonferroni, the exact rule) are
run at each of five; the table has the size that was best in hindsight for each of them and set,
which nobody knows beforehand and which is in their favour.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from model_sets import NAMES, load_model_set
from numpy.typing import NDArray
from peers.bargain_target import MISSING, bargain, load
from peers.coannotating import entropy_of_answers, entropy_of_probabilities
from peers.pac_labels import pac_labels
from peers.people import People, first_positions, ranked
from peers.thresholds import bonferroni, in_hindsight
from procedures import audit
from recorded_sets import RecordedSet
from recorded_sets import load as load_recorded
from versus_figures import record_command, tell
from versus_llmal import exact_rule, learned_procedures

from llmal.guarantee.procedure import Procedure

RECORDED = ("llm_stance", "llm_mrpc", "llm_mr", "llm_babe", "llm_cebab")
EPSILON = ALPHA = 0.05
AUDITED = (100, 200, 300, 500, 800)
FIXED = 0.9
BLOCK = 2
"""Repeats of a method on a set before the next one has its turn."""


@dataclass(frozen=True)
class Case:
    """A set as the rules see it: which labels are wrong, and one score of how sure each is."""

    recorded: RecordedSet
    wrong: NDArray[np.bool_]
    score: NDArray[np.float64]
    entropy: NDArray[np.float64]


Method = Callable[[Case, int], dict[str, Any]]


def case_of(recorded: RecordedSet) -> Case:
    """The machine's probability of its label or its confidence; with neither, how many of the
    other answers agree; with none, nothing.
    """
    evidence = recorded.evidence
    total = len(recorded)
    answers = np.stack([evidence.machine, *evidence.votes])
    score = np.zeros(total)
    entropy = entropy_of_answers(answers)
    if evidence.probabilities is not None:
        score = np.nanmax(evidence.probabilities, axis=1)
        entropy = entropy_of_probabilities(evidence.probabilities)
    elif evidence.confidence is not None:
        score = evidence.confidence
        if len(answers) == 1:
            entropy = -score
    elif len(answers) > 1:
        score = (answers == evidence.machine).mean(axis=0)
    unlabelled = ~evidence.by_machine
    return Case(
        recorded,
        recorded.gold != evidence.machine,
        np.where(unlabelled, np.nan, score),
        np.where(unlabelled, np.inf, entropy),
    )


def outcome(case: Case, stays: NDArray[np.bool_], asked: int | None = None) -> dict[str, Any]:
    """The figures of one audit of labels that stay, shape (N,)."""
    wrong = int((case.wrong & stays).sum())
    found = {
        "saved": float(stays.mean()),
        "wrong": wrong / len(stays),
        "broken": wrong > int(EPSILON * len(stays) + 1e-9),
    }
    return found if asked is None else {**found, "audited": asked}


def with_audit(
    rule: Callable[..., NDArray[np.bool_]], count: int, *, replace: bool = False
) -> Method:
    """A rule that is told the size of its audit."""

    def method(case: Case, seed: int) -> dict[str, Any]:
        rng = np.random.default_rng([seed, count])
        order = ranked(case.score, rng)
        total = len(order)
        draws = rng.integers(0, total, count) if replace else rng.permutation(total)[:count]
        stays = rule(People(case.wrong), order, draws, epsilon=EPSILON, alpha=ALPHA)
        return outcome(case, stays, count)

    return method


def hindsight(case: Case, seed: int) -> dict[str, Any]:
    order = ranked(case.score, np.random.default_rng([seed, 0]))
    count = in_hindsight(order, case.wrong, EPSILON)
    return outcome(case, first_positions(order, count, len(order)))


def fixed_threshold(case: Case, seed: int) -> dict[str, Any]:
    known = np.nan_to_num(case.score, nan=-np.inf)
    return outcome(case, known >= FIXED)


def coannotating(case: Case, seed: int) -> dict[str, Any]:
    order = ranked(-case.entropy, np.random.default_rng([seed, 0]))
    total = len(order)
    half = outcome(case, first_positions(order, total // 2, total))
    errors = np.cumsum(case.wrong[order]) / total
    # The error of the pool with the first 1 %, 2 %, ... left to the machine.
    curve = [float(errors[max(total * part // 100, 1) - 1]) for part in range(1, 101)]
    return {**half, "curve": curve}


def all_to_people(case: Case, seed: int) -> dict[str, Any]:
    return outcome(case, np.zeros(len(case.wrong), dtype=np.bool_))


def bargain_with(package: Any) -> Method:
    def method(case: Case, seed: int) -> dict[str, Any]:
        order = ranked(case.score, np.random.default_rng([seed, 0]))
        people = People(case.wrong)
        stays = bargain(package, people, order, epsilon=EPSILON, alpha=ALPHA, seed=seed)
        return outcome(case, stays)

    return method


def audited_by(name: str) -> Method:
    """Each set has a procedure of its own, which keeps what no label of a person changes."""
    procedures: dict[str, Procedure] = {}

    def method(case: Case, seed: int) -> dict[str, Any]:
        of = case.recorded.name
        if of not in procedures:
            procedures[of] = learned_procedures(EPSILON, ALPHA)[name]
        found = audit(case.recorded, procedures[of], seed)
        kept = ("saved", "wrong", "broken", "before", "audited", "rounds", "seconds")
        return {key: getattr(found, key) for key in kept}

    return method


def methods(bargain_folder: Path | None) -> Iterator[tuple[str, Method, str]]:
    """Name, what runs it, and how often: "once", "often" or "learned"."""
    yield "hindsight", hindsight, "often"
    yield "people", all_to_people, "once"
    yield "fixed threshold", fixed_threshold, "once"
    yield "CoAnnotating", coannotating, "once"
    for count in AUDITED:
        yield f"PAC labels, {count}", with_audit(pac_labels, count, replace=True), "often"
        yield f"Bonferroni, {count}", with_audit(bonferroni, count), "often"
        yield f"exact rule, {count}", with_audit(exact_rule, count), "often"
    package = load(bargain_folder)
    if package is None:
        print(MISSING, file=sys.stderr)
    else:
        yield "BARGAIN", bargain_with(package), "often"
    for name in learned_procedures(EPSILON, ALPHA):
        yield name, audited_by(name), "learned"


def cases(options: argparse.Namespace) -> Iterator[tuple[str, Case]]:
    for name in (*RECORDED, *NAMES):
        if options.sets and not any(part in name for part in options.sets):
            continue
        if name in RECORDED:
            yield name, case_of(load_recorded(name))
            continue
        found = load_model_set(name, options.labels, options.shared)
        if found is None:
            print(f"{name}: not labelled yet, left out", file=sys.stderr)
        else:
            yield name, case_of(found)


def run(options: argparse.Namespace) -> None:
    repeats = {"once": 1, "often": options.repeats, "learned": options.learned}
    chosen = [
        one
        for one in methods(options.bargain)
        if not options.methods or any(part in one[0] for part in options.methods)
    ]
    known = dict(cases(options))
    for name, case in known.items():
        about = {
            "items": len(case.wrong),
            "error": float(case.wrong.mean()),
            "votes": len(case.recorded.evidence.votes),
        }
        (options.work / f"{name}.json").write_text(json.dumps(about))
    for start in range(0, max(repeats.values()), BLOCK):
        for name, case in known.items():
            for method, call, kind in chosen:
                size = method.rpartition(", ")[2]
                if size.isdigit() and int(size) > len(case.wrong) / 2:
                    continue
                path = options.work / f"{name}.{method}.jsonl"
                done = len(path.read_text().splitlines()) if path.exists() else 0
                for seed in range(max(start, done), min(start + BLOCK, repeats[kind])):
                    begun = time.perf_counter()
                    found = call(case, seed)
                    with path.open("a", encoding="utf-8") as file:
                        file.write(json.dumps({"seed": seed, **found}) + "\n")
                    if kind == "learned":
                        print(
                            f"{name}, {method}, {seed}: {found['saved']:.3f}, "
                            f"{time.perf_counter() - begun:.1f} s",
                            flush=True,
                        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["run", "tell"])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--labels", type=Path, default=Path("labels"))
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--bargain", type=Path, help="where the package is, if not installed")
    parser.add_argument("--repeats", type=int, default=300)
    parser.add_argument("--learned", type=int, default=30, help="repeats of what learns")
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--methods", nargs="+")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.what == "run":
        record_command(options.work)
        run(options)
    else:
        print(tell(options.work))


if __name__ == "__main__":
    main()
