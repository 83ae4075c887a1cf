"""Precision targets: `accepted_precision` beside MAPIE's and BARGAIN's, on the same labels.

    python benchmarks/guarantee/precision.py [--audits 300] [--work FOLDER] [--peers FOLDER]
        [--methods NAME …]

FOLDER of the peers holds the packages mapie and bargain (`pip install --no-deps --target FOLDER
mapie==1.6.0 bargain==0.1.3`); a package that is not there is left out, and said so. Each method may
have `audited` labels by people. llmal's uniform audit and MAPIE get the same draw; llmal's audit
that asks as it goes, and BARGAIN, choose what they ask about. Scores are places in the pool, ties
broken at random once for all methods.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from guarantee.peers.people import People, ranked
from guarantee.recorded_sets import load
from guarantee.versus import case_of
from results_file import write_results

from llmal.guarantee.accepted_precision import certify_accepted_precision, first_size
from llmal.guarantee.audit import Audit
from llmal.guarantee.precision_audit import PrecisionAudit

NAME = "guarantee_precision"
ALPHA = 0.05
SEED = 21
SLOW = 60
"""Audits of BARGAIN, whose bound is computed anew for every ten labels."""

CASES: dict[str, tuple[int, float]] = {
    "llm_stance": (500, 0.85),
    "llm_mrpc": (500, 0.80),
    "llm_babe": (500, 0.85),
    "llm_cebab": (300, 0.95),
    "made: error 20 %": (500, 0.95),
    "made: error 10 %": (300, 0.95),
    "made: error 10 %, m 1,000": (1000, 0.95),
    "made: error 50 %": (500, 0.95),
}
"""Audited items, and the precision wanted: above that of all labels, and within reach."""

MADE = {
    "made: error 20 %": (5000, 0.2, 1.5),
    "made: error 10 %": (3000, 0.1, 1.5),
    "made: error 50 %": (5000, 0.5, 2.0),
}
"""Items, the share of wrong ones, and how far their scores lie apart, in standard deviations."""

Method = Callable[[np.ndarray, int, float, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=300)
    parser.add_argument("--work", type=Path, default=Path("precision-work"))
    parser.add_argument("--peers", type=Path)
    parser.add_argument(
        "--methods", nargs="+", choices=list(METHODS), help="to run these alone, and write nothing"
    )
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.peers is not None:
        sys.path.append(str(options.peers))
    rows, missing = [], []
    for name in options.methods or METHODS:
        method = METHODS[name]
        package = {"MAPIE": "mapie", "BARGAIN": "BARGAIN"}.get(name.split(",")[0])
        if package is not None and not _there(package):
            missing.append(name)
            continue
        for number, (case, (audited, precision)) in enumerate(CASES.items()):
            path = options.work / f"{number}-{name.replace(' ', '_').replace('/', '-')}.json"
            if not path.exists():
                count = min(options.audits, SLOW) if name == "BARGAIN" else options.audits
                row = cell(case, number, name, method, audited, 1 - precision, count)
                path.write_text(json.dumps(row))
                print(row, flush=True)
            rows.append(json.loads(path.read_text()))
    if options.methods:
        return
    order = list(CASES)
    rows.sort(key=lambda row: (order.index(row["case"]), list(METHODS).index(row["method"])))
    write_results(NAME, {"alpha": ALPHA, "seed": SEED, "left out": missing, "rows": rows})


def _there(package: str) -> bool:
    try:
        import_module(package)
    except ModuleNotFoundError:
        return False
    return True


def pool_of(case: str) -> np.ndarray:
    """Which labels are wrong, from the surest to the least sure."""
    rng = np.random.default_rng([SEED, list(CASES).index(case)])
    if not case.startswith("made"):
        found = case_of(load(case, embedded=False))
        return found.wrong[ranked(found.score, rng)]
    items, error, apart = MADE[case.partition(",")[0]]
    wrong = rng.permutation(np.arange(items) < error * items)
    return wrong[np.argsort(-(rng.normal(size=items) - apart * wrong))]


def cell(
    case: str, number: int, name: str, method: Method, audited: int, epsilon: float, count: int
) -> dict[str, Any]:
    """What one method lets stay of one pool."""
    wrong = pool_of(case)
    began = time.perf_counter()
    kept, asked_of, broken, some = [], [], [], 0
    for repeat in range(count):
        rng = np.random.default_rng([SEED, number, repeat])
        accepted, asked = method(wrong, audited, epsilon, rng)
        share = wrong[accepted].mean() if accepted.any() else 0.0
        broken.append(bool(share > epsilon + 1e-9))
        kept.append(float((accepted & ~asked).mean()))
        asked_of.append(int(asked.sum()))
        some += bool(accepted.any())
    hits = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    best = np.flatnonzero(hits <= epsilon)
    return {
        "case": case,
        "method": name,
        "items": len(wrong),
        "error": round(float(wrong.mean()), 4),
        "audited": audited,
        "asked": round(float(np.mean(asked_of)), 1),
        "precision": round(1 - epsilon, 3),
        "kept": round(float(np.mean(kept)), 4),
        "spread": round(float(np.std(kept)), 4),
        "some": round(some / count, 3),
        "broken": round(float(np.mean(broken)), 4),
        "limit": round(ALPHA + 2 * float(np.sqrt(ALPHA * (1 - ALPHA) / count)), 4),
        "hindsight": round((int(best[-1]) + 1) / len(wrong) if len(best) else 0.0, 4),
        "audits": count,
        "seconds": round(time.perf_counter() - began, 1),
    }


def _llmal(
    wrong: np.ndarray,
    audited: int,
    epsilon: float,
    rng: np.random.Generator,
    *,
    part: float = 1.0,
    future: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    rest = round(part * len(wrong))
    places = rng.permutation(rest)[: min(audited, rest)]
    nothing = np.zeros(len(places), bool)
    audit = Audit(rest, np.arange(rest), places, wrong[places], nothing, places)
    made = certify_accepted_precision(
        audit, epsilon=epsilon, alpha=ALPHA, future=future, start=None
    )
    return _first(wrong, made.details["prefix"]), _asked(wrong, places)


def _growing(
    wrong: np.ndarray, audited: int, epsilon: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    audit = PrecisionAudit(
        np.arange(len(wrong)),
        most=audited,
        epsilon=epsilon,
        alpha=ALPHA,
        seed=int(rng.integers(2**31)),
    )
    asked = np.zeros(len(wrong), bool)
    while len(positions := audit.ask()):
        asked[positions] = True
        audit.tell(wrong[positions])
    return _first(wrong, audit.certificate().details["prefix"]), asked


def _mapie(
    wrong: np.ndarray,
    audited: int,
    epsilon: float,
    rng: np.random.Generator,
    *,
    sequence: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    from mapie.risk_control import BinaryClassificationController

    places = rng.permutation(len(wrong))[:audited]
    score = 1 - (np.arange(len(wrong)) + 0.5) / len(wrong)

    def predict(x: np.ndarray) -> np.ndarray:
        return np.column_stack([1 - x[:, 0], x[:, 0]])

    options: dict[str, Any] = {}
    if sequence:
        # The same beginnings as llmal's, from strict to loose.
        start = min(1.0, first_size(audited, epsilon, ALPHA) / audited)
        options = {
            "list_predict_params": np.arange(1 - start, 0, -0.05),
            "fwer_method": "fixed_sequence",
        }
    controller = BinaryClassificationController(
        predict, "precision", target_level=1 - epsilon, confidence_level=1 - ALPHA, **options
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        controller.calibrate(score[places, None], (~wrong[places]).astype(int))
    threshold = controller.best_predict_param
    size = 0 if threshold is None else int((score >= threshold).sum())
    return _first(wrong, size), _asked(wrong, places)


def _bargain(
    wrong: np.ndarray, audited: int, epsilon: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    package = import_module("BARGAIN")
    people = People(wrong)
    score = 1 - (np.arange(len(wrong)) + 0.5) / len(wrong)

    class Proxy(package.Proxy):  # type: ignore[misc]
        def get_preds_and_scores(self, indxs: Any, data_records: Any) -> Any:
            positions = np.asarray(indxs, dtype=np.int64)
            return np.ones(len(positions)), score[positions]

    class Oracle(package.Oracle):  # type: ignore[misc]
        def is_answer_correct(self, data_indxs: Any, data_records: Any, answers: Any) -> Any:
            return ~people.judge(np.asarray(data_indxs, dtype=np.int64))

        def get_pred(self, data_records: Any, indxs: Any = None) -> Any:
            # What people have said already costs nothing again.
            return (~people.judge(np.asarray(data_records, dtype=np.int64))).astype(int)

    method = _module("BARGAIN_P").BARGAIN_P(
        Proxy(verbose=False),
        Oracle(verbose=False),
        delta=ALPHA,
        target=1 - epsilon,
        budget=audited,
        seed=int(rng.integers(2**31)),
    )
    accepted = np.zeros(len(wrong), bool)
    accepted[np.asarray(method.process(np.arange(len(wrong))), dtype=np.int64)] = True
    return accepted, people.asked


def _module(name: str) -> Any:
    return import_module(f"BARGAIN.process.{name}")


def _first(wrong: np.ndarray, size: int) -> np.ndarray:
    return np.arange(len(wrong)) < size


def _asked(wrong: np.ndarray, places: np.ndarray) -> np.ndarray:
    asked = np.zeros(len(wrong), bool)
    asked[places] = True
    return asked


METHODS: dict[str, Method] = {
    "llmal": _llmal,
    "llmal, asking as it goes": _growing,
    "llmal, audit of the surest half": lambda *a: _llmal(*a, part=0.5),
    "llmal, for future items": lambda *a: _llmal(*a, future=True),
    "MAPIE": _mapie,
    "MAPIE, fixed sequence": lambda *a: _mapie(*a, sequence=True),
    "BARGAIN": _bargain,
}

if __name__ == "__main__":
    main()
