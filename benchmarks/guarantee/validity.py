"""How often promises are broken: simulated audits in 24 settings, and audits used wrongly.

    python benchmarks/guarantee/validity.py [--audits 2000] [--work FOLDER] [--only MODE,…]

In each setting the pool is fixed (which labels are wrong, and their order), and only the audit is
drawn again and again, as the promises say. A promise is broken where what may stay holds more
wrong labels than was promised; for "fdr", which promises an average, the share itself stands in
its place. What was done stands in FOLDER, and is not done again.
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

sys.path.append(str(Path(__file__).resolve().parents[1]))

from results_file import write_results

from llmal.guarantee.accepted_precision import certify_accepted_precision
from llmal.guarantee.anytime import certify_anytime
from llmal.guarantee.audit import Audit, allowed_wrong
from llmal.guarantee.beginnings import STARTS, Beginnings
from llmal.guarantee.fdr import certify_fdr
from llmal.guarantee.groups import group_audit
from llmal.guarantee.largest_promise import find_largest_promise
from llmal.guarantee.pool_error import certify_pool_error
from llmal.guarantee.recall import ClassFound, certify_recall

NAME = "guarantee_validity"
EPSILON = ALPHA = 0.05
SEED = 20

MODES = (
    "pool_error",
    "three looks",
    "looks",
    "anytime",
    "accepted_precision",
    "recall",
    "fdr",
    "largest promise",
    "precision by asking",
)


@dataclass(frozen=True)
class Setting:
    """A pool and the size of its audit.

    Attributes:
        items: N; no person has labelled any.
        error: The share of wrong labels.
        score: How the order knows of them.
        audited: m.
        clustered: Whether wrong labels come in groups of near-duplicates, which are drawn whole.
    """

    items: int
    error: float
    score: str
    audited: int
    clustered: bool = False

    @property
    def name(self) -> str:
        """In words."""
        groups = ", duplicates" if self.clustered else ""
        return f"N {self.items:,}, error {self.error:.0%}, {self.score}, m {self.audited}{groups}"


SETTINGS = (
    Setting(200, 0.0, "useless", 20),
    Setting(200, 0.06, "useless", 60),
    Setting(200, 0.10, "good", 100),
    Setting(200, 0.30, "perfect", 60),
    Setting(200, 0.08, "inverted", 80),
    Setting(500, 0.055, "useless", 100),
    Setting(500, 0.20, "good", 150),
    Setting(500, 0.50, "ties", 100),
    Setting(500, 0.07, "worst", 120),
    Setting(500, 0.10, "good", 250, clustered=True),
    Setting(1000, 0.06, "useless", 200),
    Setting(1000, 0.15, "good", 200),
    Setting(1000, 0.25, "ties", 300),
    Setting(1000, 0.50, "inverted", 200),
    Setting(1000, 0.075, "worst", 200),
    Setting(1000, 0.06, "useless", 300, clustered=True),
    Setting(5000, 0.053, "useless", 500),
    Setting(5000, 0.20, "good", 500),
    Setting(5000, 0.10, "worst", 400),
    Setting(5000, 0.50, "perfect", 200),
    Setting(20000, 0.055, "useless", 1000),
    Setting(20000, 0.25, "good", 1000),
    Setting(20000, 0.10, "worst", 600),
    Setting(20000, 0.08, "ties", 400),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=2000)
    parser.add_argument("--work", type=Path, default=Path("validity-work"))
    parser.add_argument("--only", default=",".join((*MODES, "misuse")))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    wanted = options.only.split(",")
    for number, setting in enumerate(SETTINGS):
        for mode in MODES:
            if mode in wanted:
                _cell(options, f"{number}-{mode}", lambda s=setting, m=mode, n=number: run(
                    s, m, options.audits, n))  # fmt: skip
    for name in MISUSES:
        if "misuse" in wanted:
            _cell(options, f"misuse-{name}", lambda n=name: misused(n, options.audits))
    rows = [json.loads(path.read_text()) for path in sorted(options.work.glob("*.json"))]
    write_results(
        NAME,
        {
            "audits": options.audits,
            "epsilon": EPSILON,
            "alpha": ALPHA,
            "seed": SEED,
            "rows": sorted((row for row in rows if "mode" in row), key=_place),
            "misused": [row for row in rows if "misuse" in row],
        },
    )


def _place(row: dict[str, Any]) -> tuple[int, int]:
    return [one.name for one in SETTINGS].index(row["setting"]), MODES.index(row["mode"])


def _cell(options: argparse.Namespace, key: str, compute: Callable[[], dict[str, Any]]) -> None:
    path = options.work / f"{key.replace(' ', '_')}.json"
    if path.exists() and json.loads(path.read_text())["audits"] >= options.audits:
        return
    began = time.perf_counter()
    row = {**compute(), "audits": options.audits, "seconds": round(time.perf_counter() - began, 1)}
    path.write_text(json.dumps(row))
    print(key, row, flush=True)


def pool_of(setting: Setting, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Which places of the order are wrong, shape (N,), and the group of each place."""
    items = setting.items
    wrong = np.zeros(items, bool)
    groups = np.arange(items)
    if setting.clustered:
        sizes = rng.choice([1, 1, 1, 1, 2, 3], items)
        groups = np.repeat(np.arange(items), sizes)[:items]
        bad = rng.permutation(groups[-1] + 1)
        number = np.searchsorted(np.cumsum(np.bincount(groups)[bad]), setting.error * items)
        wrong = np.isin(groups, bad[:number])
    else:
        wrong[: round(setting.error * items)] = True
        rng.shuffle(wrong)
    score = scores_of(setting, wrong, rng)
    order = np.lexsort((rng.permutation(items), -score))
    return wrong[order], groups[order]


def scores_of(setting: Setting, wrong: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How much each label is trusted: larger is more."""
    noise = rng.normal(size=len(wrong))
    allowed = allowed_wrong(EPSILON, setting.items)
    match setting.score:
        case "perfect":
            return noise - 100.0 * wrong
        case "good":
            return noise - 1.5 * wrong
        case "useless":
            return noise
        case "inverted":
            return noise + 1.5 * wrong
        case "ties":
            return np.round(noise - 1.5 * wrong)
        case "worst":
            # As many wrong ones as break the promise, alone at the top of a clean order.
            found = np.flatnonzero(wrong)
            at_top = np.zeros(len(wrong), bool)
            at_top[found[: allowed + 1]] = True
            return noise + 100.0 * at_top - 100.0 * (wrong & ~at_top)
    raise ValueError(setting.score)


def draw(setting: Setting, wrong: np.ndarray, groups: np.ndarray, rng: Any) -> Audit:
    """One audit of the pool; places are positions."""
    order = np.arange(len(wrong))
    if not setting.clustered:
        places = rng.permutation(len(wrong))[: setting.audited]
        return _audit(order, places, wrong)
    count = round(setting.audited / np.bincount(groups).mean())
    drawn = rng.permutation(groups.max() + 1)[:count]
    by_group = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[by_group], np.arange(groups.max() + 2))
    places = np.concatenate([by_group[starts[one] : starts[one + 1]] for one in drawn])
    return group_audit(_audit(order, places, wrong), groups)


def _audit(order: np.ndarray, places: np.ndarray, wrong: np.ndarray) -> Audit:
    nothing = np.zeros(len(places), bool)
    return Audit(len(order), order, places, wrong[places], nothing, places)


def run(setting: Setting, mode: str, audits: int, number: int) -> dict[str, Any]:
    """The share of broken promises of a mode in a setting."""
    wrong, groups = pool_of(setting, np.random.default_rng([SEED, number]))
    rng = np.random.default_rng([SEED, number, MODES.index(mode) + 1])
    row = {"setting": setting.name, "mode": mode}
    if mode == "precision by asking":
        return {**row, **asked_anything(setting, audits, wrong, rng)}
    if setting.clustered and mode in ("accepted_precision", "fdr", "largest promise"):
        # They count items; an audit that draws items one by one is valid with duplicates too.
        setting = Setting(setting.items, setting.error, setting.score, setting.audited)
    broken, kept, holds = [], [], 0
    for left, stays, held, breaks in _outcomes(setting, mode, audits, wrong, groups, rng):
        broken.append(breaks)
        kept.append(stays / setting.items)
        holds += held
        del left
    share = float(np.mean(broken))
    error = float(np.std(broken) / np.sqrt(audits)) if mode == "fdr" else None
    limit = ALPHA if mode != "fdr" else EPSILON
    spread = error if error is not None else float(np.sqrt(limit * (1 - limit) / audits))
    return {
        **row,
        "broken": round(share, 5),
        "limit": round(limit + 2 * spread, 5),
        "kept": round(float(np.mean(kept)), 4),
        "holds": round(holds / audits, 4),
    }


def asked_anything(
    setting: Setting, audits: int, wrong: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    """The share of broken promises of `PrecisionAudit`, if whoever asks did the worst.

    What people are asked about is up to it. The more they are asked, the further its walks go, so
    here they are asked about everything: no way to ask breaks the promise more often.
    """
    broken, asked = 0, np.ones(setting.items, bool)
    for _ in range(audits):
        beginnings = Beginnings(
            rng.permutation(setting.items),
            epsilon=EPSILON,
            alpha=ALPHA,
            most=setting.audited,
            starts=STARTS,
        )
        walks = [beginnings.walk(start, asked, wrong)[0] for start in range(len(STARTS))]
        prefix = max((one.size for one in walks if one is not None), default=0)
        broken += int(wrong[:prefix].sum()) > allowed_wrong(EPSILON, prefix)
    return {
        "broken": round(broken / audits, 5),
        "limit": round(ALPHA + 2 * float(np.sqrt(ALPHA * (1 - ALPHA) / audits)), 5),
        "kept": None,
        "holds": None,
    }


def _outcomes(
    setting: Setting, mode: str, audits: int, wrong: np.ndarray, groups: np.ndarray, rng: Any
) -> Iterator[tuple[int, int, bool, float]]:
    allowed = allowed_wrong(EPSILON, setting.items)
    for _ in range(audits):
        audit = draw(setting, wrong, groups, rng)
        audited = audit.audited if not setting.clustered else np.flatnonzero(
            np.isin(groups, groups_of(audit, groups)))  # fmt: skip
        made, breaks = judge(mode, audit, rng, wrong)
        stays = np.zeros(len(wrong), bool)
        stays[made.accepted] = True
        stays[audited] = False
        left = int(wrong[stays].sum())
        count = int(stays.sum())
        if breaks is None:
            breaks = float(left > allowed)
            if mode == "accepted_precision":
                prefix = made.details["prefix"]
                breaks = float(wrong[:prefix].sum() > EPSILON * prefix + 1e-9)
            if mode == "fdr":
                breaks = left / count if count else 0.0
        yield left, count, made.holds, float(breaks)


def groups_of(audit: Audit, groups: np.ndarray) -> np.ndarray:
    """The groups that an audit of groups holds, by their own names."""
    ends = audit.ends  # type: ignore[attr-defined]
    first = audit.members[np.concatenate([[0], ends[:-1]])]  # type: ignore[attr-defined]
    return groups[first[audit.places]]


def judge(mode: str, audit: Audit, rng: Any, wrong: np.ndarray) -> tuple[Any, float | None]:
    """The certificate of a mode, and whether it is broken where that needs more than a count."""
    rates = {"epsilon": EPSILON, "alpha": ALPHA}
    looks = tuple(sorted({max(1, round(len(audit) * f)) for f in (0.375, 0.625, 1.0)}))
    match mode:
        case "pool_error":
            return certify_pool_error(audit, **rates, looks=None), None
        case "three looks":
            return certify_pool_error(audit, **rates, looks=looks), None
        case "looks":
            return certify_pool_error(audit, **rates, looks=looks, mode="looks"), None
        case "anytime":
            return certify_anytime(audit, **rates), None
        case "accepted_precision":
            return certify_accepted_precision(audit, **rates, future=False, start=None), None
        case "fdr":
            return certify_fdr(audit, epsilon=EPSILON), None
        case "largest promise":
            made = find_largest_promise(audit, **rates)
            left = int(wrong.sum() - audit.wrong.sum())
            return made.part, float(left > made.wrong_at_most)
        case "recall":
            # As many items again were given the class, of which four in five are right.
            size = len(wrong)
            right = round(0.8 * size)
            seen = int(rng.hypergeometric(right, size - right, len(audit)))
            found = ClassFound(by_machine=size, audited=len(audit), right=seen)
            # In this mode a wrong item is one of the class; a fifth as many are allowed to be.
            made = certify_recall(audit, **rates, looks=None, found=found, of=None)
            stays = np.setdiff1d(made.accepted, _items(audit))
            missed = int(wrong[stays].sum())
            return made, float(missed > EPSILON * (right + int(wrong.sum())) + 1e-9)
    raise ValueError(mode)


def _items(audit: Audit) -> np.ndarray:
    members = getattr(audit, "members", None)
    if members is None:
        return audit.audited
    starts = np.concatenate([[0], audit.ends[:-1]])  # type: ignore[attr-defined]
    return np.concatenate([members[starts[p] : audit.ends[p]] for p in audit.places])  # type: ignore[attr-defined]


MISUSES = {
    "none": "nothing: the same pool, used as planned",
    "fitted": "labels of the audit are used to make the score again: what was wrong sinks",
    "doubtful only": "the doubtful half of an order that is inverted in part is audited, and it is "
    "called a uniform draw",
    "order changed": "the best of 20 orders is taken after the audit",
    "duplicates split": "one item is audited of each group of duplicates, and counts as an item",
    "skipped left out": "two in three of the wrong audited items are skipped and left out",
    "peeking": "the rule for one look is tried after every 10 labels, and the one that lets most "
    "stay is taken",
    "best share": "the rule is run for many shares of wrong labels, and the one is quoted that "
    "lets most labels stay for each percent",
}


def misused(name: str, audits: int) -> dict[str, Any]:
    """The share of broken promises where the audit is not used as the promise says."""
    rng = np.random.default_rng([SEED, 999, list(MISUSES).index(name)])
    broken, kept = [], []
    items, m = 2000, 200
    allowed = allowed_wrong(EPSILON, items)
    for _ in range(audits):
        wrong = rng.permutation(np.arange(items) < 0.08 * items)
        score = rng.normal(size=items) - 0.8 * wrong
        share = EPSILON
        places, bad = _misused_audit(name, wrong, score, rng, m)
        if name == "fitted":
            score = score.copy()
            score[places[bad]] -= 100
        if name == "doubtful only":
            score = score + 1.6 * wrong * (np.arange(items) % 2)
            half = np.argsort(score)[: items // 2]
            places = rng.permutation(half)[:m]
            bad = wrong[places]
        if name == "duplicates split":
            wrong, score, places, bad = _split_duplicates(rng, items, m)
        made, share = _misused_judge(name, score, places, bad, items, share, rng)
        stays = np.zeros(items, bool)
        stays[made.accepted] = True
        stays[places] = False
        limit = allowed if name != "best share" else allowed_wrong(share, items)
        broken.append(float(wrong[stays].sum() > limit))
        kept.append(stays.sum() / items)
    return {
        "misuse": name,
        "words": MISUSES[name],
        "broken": round(float(np.mean(broken)), 4),
        "limit": round(ALPHA + 2 * float(np.sqrt(ALPHA * (1 - ALPHA) / audits)), 4),
        "kept": round(float(np.mean(kept)), 4),
    }


def _misused_audit(
    name: str, wrong: np.ndarray, score: np.ndarray, rng: Any, m: int
) -> tuple[np.ndarray, np.ndarray]:
    places = rng.permutation(len(wrong))[:m]
    if name == "skipped left out":
        places = places[~(wrong[places] & (rng.random(m) < 2 / 3))]
    return places, wrong[places]


def _split_duplicates(
    rng: Any, items: int, m: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    # 40 groups of 10 and 1,600 single items; large groups are wrong more often.
    groups = np.concatenate([np.repeat(np.arange(40), 10), np.arange(40, 1640)])
    bad = rng.permutation(40)[:14]
    wrong = np.isin(groups, bad) | ((groups >= 40) & (rng.random(items) < 0.01))
    score = rng.normal(size=items) - 0.8 * wrong
    _, one_of_each = np.unique(groups[::-1], return_index=True)
    places = items - 1 - rng.permutation(one_of_each)[:m]
    return wrong, score, places, wrong[places]


def _misused_judge(
    name: str,
    score: np.ndarray,
    places: np.ndarray,
    bad: np.ndarray,
    items: int,
    share: float,
    rng: Any,
) -> tuple[Any, float]:
    def certificate(order: np.ndarray, size: int, epsilon: float = EPSILON) -> Any:
        rank = np.empty(items, np.int64)
        rank[order] = np.arange(items)
        drawn, wrong = places[:size], bad[:size]
        audit = Audit(items, order, drawn, wrong, np.zeros(len(drawn), bool), rank[drawn])
        return certify_pool_error(audit, epsilon=epsilon, alpha=ALPHA, looks=None)

    order = np.argsort(-score)
    if name == "order changed":
        tried = [
            certificate(np.argsort(-(score + 2 * rng.normal(size=items))), len(places))
            for _ in range(20)
        ]
        return max(tried, key=lambda one: one.details["stays"]), share
    if name == "peeking":
        tried = [certificate(order, size) for size in range(60, len(places) + 1, 10)]
        return max(tried, key=lambda one: one.details["prefix"]), share
    if name == "best share":
        shares = np.arange(0.02, 0.09, 0.0025)
        tried = [certificate(order, len(places), float(one)) for one in shares]
        values = [
            one.details["stays"] / items - 4 * s for one, s in zip(tried, shares, strict=True)
        ]
        best = int(np.argmax(values))
        return tried[best], float(shares[best])
    return certificate(order, len(places)), share


if __name__ == "__main__":
    main()
