"""Which parts of "label the doubtful, learn, then audit the rest" pay, on recorded answers.

    python benchmarks/guarantee/variants.py run --work FOLDER [--minutes 30]
    python benchmarks/guarantee/variants.py tell --work FOLDER

`run` writes one line a job into FOLDER and goes on where it stopped; `tell` makes
results/guarantee_variants.json of them. At most 5 % of the delivered labels wrong with 95 %
confidence; people are gold, and answer what they are asked alone. LLMAL_SHARED names the folder of
the data, LLMAL_EMBEDDINGS that of embeddings that were made before. Three kinds of jobs:

- *run*: a whole run, from the seed to the certificate.
- *path*: doubtful items are labelled 3 % of the pool at a time, however long; at each step audits
  are drawn as other plans, looks and beginnings would have it. The same path for all of them, so
  that they differ by little but themselves.
- *score*: people label a share drawn uniformly; how much of the rest could stay if it were known
  where 5 % of the pool are wrong labels. No audit, and less noise than in whole runs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from procedures import audit
from recorded_sets import RecordedSet, load
from variants_figures import NAME, record_command, tell

from llmal.guarantee import Certificate, Frozen, Procedure
from llmal.guarantee.audit import allowed_wrong
from llmal.guarantee.audit_plan import BestShare
from llmal.guarantee.confidence_score import ConfidenceScore
from llmal.guarantee.error_score import ErrorScore, all_groups
from llmal.guarantee.evidence import differ
from llmal.guarantee.judging import judge
from llmal.guarantee.log_linear import LogLinear
from llmal.guarantee.look_plan import MultipleLooks
from llmal.guarantee.mixture import Mixture
from llmal.guarantee.recalibration import AsPredicted
from llmal.guarantee.trees import Trees

SETS = ("llm_stance", "llm_mrpc", "llm_mr", "llm_babe", "llm_cebab", "llm_css_stance")
EPSILON = ALPHA = 0.05
STEP = 0.03
AUDITS = 6
SHARES = (0.1, 0.3)


def _without(*names: str) -> Callable[[], ErrorScore]:
    return lambda: ErrorScore(features=[one for one in all_groups() if one.name not in names])


SCORES: dict[str, Callable[[], Any]] = {
    "default": ErrorScore,
    "machine's labels kept": lambda: ErrorScore(deliver="machine"),
    "model of errors, not of labels": lambda: ErrorScore(of="errors"),
    "log-linear alone": lambda: ErrorScore(model=LogLinear()),
    "trees alone": lambda: ErrorScore(model=Trees()),
    "boosted trees in place of trees": lambda: ErrorScore(model=Mixture((LogLinear(), Boosted()))),
    "one penalty, not chosen": lambda: ErrorScore(
        model=Mixture((LogLinear(((60.0, 60.0),)), Trees()))
    ),
    "no students": _without("student of embeddings", "student of words"),
    "no neighbours": _without("neighbours"),
    "no embedding": _without("embedding", "neighbours", "student of embeddings"),
    "no votes": _without("votes"),
    "no overlap": _without("overlap"),
    "no length": _without("length"),
    "not recalibrated": lambda: ErrorScore(recalibration=AsPredicted()),
    "confidence alone": ConfidenceScore,
}
RUNS: dict[str, tuple[Callable[[], Any], int]] = {
    "default": (ErrorScore, 40),
    "machine's labels kept": (lambda: ErrorScore(deliver="machine"), 1),
    "confidence alone": (ConfidenceScore, 40),
}
"""The score of each, and how many repetitions it is worth."""
BEGINNINGS = (0.5, 0.6, 0.7, 0.8, 0.88, 0.95)
AUDIT_VARIANTS: dict[str, tuple[BestShare, MultipleLooks]] = {
    "default": (BestShare(), MultipleLooks()),
    "one look": (BestShare(), MultipleLooks((1.0,))),
    "two looks, .8 and 1.6": (BestShare(), MultipleLooks((0.8, 1.6))),
    "five looks, .5 to 2.7": (BestShare(), MultipleLooks((0.5, 0.8, 1.2, 1.8, 2.7))),
    "audits larger by half": (BestShare(), MultipleLooks((0.9, 1.5, 2.4))),
    "audits smaller by a third": (BestShare(), MultipleLooks((0.4, 0.67, 1.07))),
    "z = 1.2": (BestShare(z=1.2), MultipleLooks()),
    "z = 2.3": (BestShare(z=2.3), MultipleLooks()),
}
Line = dict[str, Any]


class Boosted:
    """Gradient-boosted trees, five folds for what was left out."""

    def fit(self, design: Any, classes: Any, rng: np.random.Generator) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        from llmal.guarantee.label_model import Fitted

        kinds, fold = design.classes, rng.permutation(len(classes)) % 5

        def table(some: Any) -> np.ndarray:
            return np.concatenate([some.vectors[:, :32], some.columns], axis=1)

        def fitted(rows: np.ndarray) -> Callable[[Any], np.ndarray]:
            seen = np.unique(classes[rows])
            if len(seen) < 2:
                return lambda asked: np.full((len(asked), kinds), 1 / kinds)
            model = HistGradientBoostingClassifier(
                max_iter=60, learning_rate=0.08, max_leaf_nodes=8, min_samples_leaf=10
            ).fit(table(design.rows(rows)), classes[rows])

            def predict(asked: Any) -> np.ndarray:
                found = np.full((len(asked), kinds), 1e-3)
                found[:, seen] = np.clip(model.predict_proba(table(asked)), 1e-3, 1)
                return found / found.sum(axis=1, keepdims=True)

            return predict

        left_out = np.zeros((len(classes), kinds))
        for part in range(5):
            asked = np.flatnonzero(fold == part)
            left_out[asked] = fitted(np.flatnonzero(fold != part))(design.rows(asked))
        return Fitted(fitted(np.arange(len(classes))), left_out, {"model": "boosted"})


def run(recorded: RecordedSet, variant: str, seed: int, scores: dict[str, Any]) -> list[Line]:
    score = scores.setdefault(f"run {variant}", RUNS[variant][0]())
    found = audit(recorded, Procedure(epsilon=EPSILON, alpha=ALPHA, score=score), seed)
    return [{"variant": variant, **vars(found)}]


def path(recorded: RecordedSet, seed: int, scores: dict[str, Any]) -> list[Line]:
    """Every beginning and every way to audit along one path of doubtful items."""
    score = scores.setdefault("default", ErrorScore())
    items, gold = len(recorded), recorded.gold
    allowed = allowed_wrong(EPSILON, items)
    rng = np.random.default_rng([seed, 1])
    people, uniform = recorded.evidence.people.copy(), recorded.evidence.uniform.copy()
    seeded = Procedure().seed(items, rng)
    people[seeded], uniform[seeded] = gold[seeded], True
    waiting, lines = list(BEGINNINGS), []
    for number in range(int(1 / STEP)):
        evidence = replace(recorded.evidence, people=people.copy(), uniform=uniform)
        scored = score.fit(evidence, np.random.default_rng([seed, 2, number]))
        rest = np.flatnonzero(people == -1)
        rest = rest[np.argsort(scored.probability_wrong[rest], kind="stable")]
        fullness = BestShare().audit(scored.probability_wrong[rest], allowed).kept / len(rest)
        reached = [one for one in waiting if fullness >= one]
        waiting = [one for one in waiting if fullness < one]
        for name, (plan, looks) in AUDIT_VARIANTS.items():
            if reached and (name == "default" or 0.8 in reached):
                got = _audits(recorded, scored, rest, plan, looks, seed)
                which = [f"begins at {one}" for one in reached] if name == "default" else []
                lines += [
                    {"variant": one, "saved": got[0], "audited": got[1], "broken": got[2]}
                    for one in [*which, *([name] if 0.8 in reached else [])]
                ]
        if not waiting or len(rest) <= 2 * allowed:
            break
        doubtful = rest[::-1][: max(1, round(STEP * items))]
        people[doubtful] = gold[doubtful]
    return lines


def _audits(
    recorded: RecordedSet,
    scored: Any,
    rest: np.ndarray,
    plan: BestShare,
    looks: MultipleLooks,
    seed: int,
) -> tuple[float, float, float]:
    """Share that needs no person, share audited, and broken promises, on the mean over audits."""
    items, allowed = len(recorded), allowed_wrong(EPSILON, len(recorded))
    probability = scored.probability_wrong[rest]
    planned = plan.audit(probability, allowed)
    wrong = differ(scored.labels, recorded.gold)
    found = []
    for number in range(AUDITS):
        frozen = Frozen(
            items=items,
            order=rest,
            labels=scored.labels[rest],
            by=scored.by[rest],
            probability_wrong=probability,
            looks=looks.plan(planned.audited, len(rest)),
            epsilon=EPSILON,
            alpha=ALPHA,
            seed=1000 * seed + number,
            about={},
        )
        drawn, size = frozen.drawn(), 0
        while not isinstance(step := judge(frozen, wrong[drawn[:size]]), Certificate):
            size += len(step.positions)
        alone = np.setdiff1d(step.accepted, drawn[:size])
        found.append((len(alone) / items, size / items, wrong[alone].sum() > allowed))
    saved, audited, broken = np.mean(found, axis=0).tolist()
    return saved, audited, broken


def score(recorded: RecordedSet, variant: str, seed: int, scores: dict[str, Any]) -> list[Line]:
    """How well a score tells wrong from right when people have labelled a uniform share."""
    one = scores.setdefault(variant, SCORES[variant]())
    lines, items = [], len(recorded)
    for share in SHARES:
        rng = np.random.default_rng([seed, 3])
        shown = rng.choice(items, round(share * items), replace=False)
        people = recorded.evidence.people.copy()
        people[shown] = recorded.gold[shown]
        evidence = replace(recorded.evidence, people=people, uniform=people != -1)
        scored = one.fit(evidence, rng)
        rest = np.flatnonzero(people == -1)
        wrong = differ(scored.labels, recorded.gold)
        doubt = np.clip(scored.probability_wrong[rest], 1e-6, 1 - 1e-6)
        order = rest[np.argsort(doubt, kind="stable")]
        kept = int(np.searchsorted(np.cumsum(wrong[order]), allowed_wrong(EPSILON, items) + 1))
        loss = -np.log(np.where(wrong[rest], doubt, 1 - doubt)).mean()
        lines.append(
            {
                "variant": variant,
                "share": share,
                "kept": kept / items,
                "log_loss": float(loss),
                "wrong": float(wrong[rest].mean()),
            }
        )
    return lines


def jobs() -> Iterator[tuple[str, str, str, int]]:
    """Kind, set, variant and seed, in such an order that it can be stopped anywhere."""
    for seed in range(40):
        if seed % 3 == 0 and seed < 12:
            for variant in SCORES:
                for name in SETS:
                    yield "score", name, variant, seed // 3
        if seed < 6:
            for name in SETS:
                yield "path", name, "all", seed
        for name in SETS:
            for variant, (_, repetitions) in RUNS.items():
                if seed < repetitions:
                    yield "run", name, variant, seed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("run", "tell"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=1e9)
    arguments = parser.parse_args()
    if arguments.what == "tell":
        tell(arguments.work)
        return
    record_command(arguments.work)
    kept = arguments.work / f"{NAME}.jsonl"
    done = set()
    if kept.exists():
        for line in kept.read_text().splitlines():
            one = json.loads(line)
            done.add((one["kind"], one["set"], one["job"], one["seed"]))
    end = time.monotonic() + 60 * arguments.minutes
    sets: dict[str, RecordedSet] = {}
    scores: dict[str, dict[str, Any]] = {}
    for kind, name, variant, seed in jobs():
        if (kind, name, variant, seed) in done:
            continue
        if time.monotonic() > end:
            break
        if name not in sets:
            sets[name] = load(name)
        recorded = sets[name]
        kept_scores = scores.setdefault(name, {})
        if kind == "path":
            lines = path(recorded, seed, kept_scores)
        else:
            lines = (run if kind == "run" else score)(recorded, variant, seed, kept_scores)
        with kept.open("a") as file:
            for line in lines:
                said = {"kind": kind, "set": name, "job": variant, "seed": seed, **line}
                file.write(json.dumps(said, default=float) + "\n")
        print(kind, name, variant, seed, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
