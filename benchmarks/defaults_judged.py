"""Every calibrator on the scores of one cell of the defaults table, without the model."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from defaults_scores import Array, Scored, read
from numpy.typing import NDArray

from llmal.calibration import (
    Calibrator,
    Chain,
    accuracy,
    expected_calibration_error,
    macro_f1,
    make,
)
from llmal.calibration.scores import probabilities_of
from llmal.errors import DataError

Columns = NDArray[np.int64]
NORMALISE = ("sum", "mean", "first")
SUPPORT = 20
WITHOUT_LABELS: dict[str, Callable[[], Calibrator] | None] = {
    "none": None,
    "contextual": lambda: make("contextual"),
    "domain-context": lambda: make("domain-context"),
    "batch": lambda: make("batch"),
    "batch, gamma 0.5": lambda: make("batch", gamma=0.5),
    # Of 100 for each label, the support set would be the whole pool.
    "promptal-prior": lambda: make("promptal-prior", per_label=SUPPORT),
    "prior-matching": lambda: make("prior-matching"),
    "prototypical": lambda: make("prototypical"),
}
ON_LABELS: dict[str, Callable[[], Calibrator]] = {
    name: lambda name=name: make(name)  # type: ignore[misc]
    for name in ("temperature", "vector", "isotonic", "beta", "dirichlet")
}
CHAINS: dict[str, Callable[[], Calibrator]] = {
    f"{first}, then temperature": lambda first=first: Chain(  # type: ignore[misc]
        make(first), make("temperature")
    )
    for first in ("batch", "prior-matching")
}
CALIBRATORS = {**WITHOUT_LABELS, **ON_LABELS, **CHAINS}
POOL_SIZES = (8, 16, 32, 64, 128, 256)
SUBSETS = 10
SKEW, LEAST_SKEWED, KNOWN = 0.9, 20, 30
SKEWED_WITH = (
    "none",
    "contextual",
    "domain-context",
    "batch",
    "batch, gamma 0.5",
    "prior-matching",
)
SLOW = ("prototypical", *ON_LABELS, *CHAINS)
"""Fitted on summed log-probabilities alone: they take longest, and none can be a default."""


def figures_of(path: Path) -> dict[str, Any]:
    """What there is to tell of a cell; kept beside it, and worked out anew when this file changes.

    The cell, what was told of it, `judged` (normalisation, calibrator, figures), `failed`, `sizes`
    (calibrator, texts, gain) and `skewed` (calibrator, judged on, gains).
    """
    version = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    kept = path.with_suffix(".json")
    if kept.exists() and kept.stat().st_mtime > path.stat().st_mtime:
        figures: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        if figures["version"] == version:
            return figures
    scored, told = read(path)
    whole = "content-free" in scored.kinds
    failed: list[str] = []
    figures = {
        "version": version,
        "cell": vars(scored.cell),
        "told": told,
        "judged": [
            [normalise, name, found]
            for normalise in (NORMALISE if whole else ("sum",))
            for name, found in judge(scored, normalise, failed).items()
        ],
        "failed": failed,
        "sizes": [[*key, gain] for key, gain in vary_pool(scored).items()],
        "skewed": [[*key, gains] for key, gains in (skew(scored).items() if whole else ())],
    }
    kept.write_text(json.dumps(figures), encoding="utf-8")
    return figures


def judge(scored: Scored, normalise: str, failed: list[str]) -> dict[str, dict[str, float]]:
    """Each calibrator on the test rows, and its accuracy on the second half of the pool."""
    test, pool = scored.matrix("test", normalise), scored.matrix("pool", normalise)
    half = len(pool) // 2
    fits = {"pool": pool[:half]}
    if "content-free" in scored.kinds:
        fits |= {
            kind: scored.matrix(kind, normalise)
            for kind in ("content-free", "random-words", "labels")
        }
    truth, chosen = scored.kinds["test"].truth, scored.kinds["pool"].truth[half:]
    found = {}
    for name, build in CALIBRATORS.items():
        if normalise != "sum" and name in SLOW:
            continue
        fitted = None
        if build is not None:
            try:
                fitted = fit(build(), fits, scored)
            except DataError:
                failed.append(f"{normalise}, {name}")
            if fitted is None:
                continue
        found[name] = measure(transform(fitted, test), truth, scored.labels)
        after = transform(fitted, pool[half:])
        found[name]["choice"] = accuracy(after.argmax(axis=1), chosen)
    return found


def fit(calibrator: Calibrator, fits: dict[str, Array], scored: Scored) -> Calibrator | None:
    """The calibrator fitted on what it wants; None where that was not scored."""
    if isinstance(calibrator, Chain):
        first, second = calibrator.calibrators
        if "labels" not in fits:
            return None
        first = first.fit(fits["pool"])
        after = np.log(np.maximum(first.transform(fits["labels"]), 1e-300))
        return Chain(first, second.fit(after, scored.kinds["labels"].truth))
    if calibrator.fits_on not in fits:
        return None
    if calibrator.fits_on == "labels":
        return calibrator.fit(fits["labels"], scored.kinds["labels"].truth)
    return calibrator.fit(fits[calibrator.fits_on])


def transform(calibrator: Calibrator | None, scores: Array) -> Array:
    return probabilities_of(scores) if calibrator is None else calibrator.transform(scores)


def measure(probabilities: Array, truth: Columns, labels: Sequence[str]) -> dict[str, float]:
    given = probabilities.argmax(axis=1)
    return {
        "accuracy": accuracy(given, truth),
        "macro_f1": macro_f1([labels[c] for c in given], [labels[c] for c in truth], labels),
        "ece": expected_calibration_error(probabilities.max(axis=1), given == truth),
    }


def vary_pool(scored: Scored) -> dict[tuple[str, int], float]:
    """Test accuracy when fitted on fewer texts, less that without calibration: mean of subsets."""
    test, pool = scored.matrix("test", "sum"), scored.matrix("pool", "sum")
    truth = scored.kinds["test"].truth
    raw = accuracy(test.argmax(axis=1), truth)
    rng = np.random.default_rng(scored.cell.seed)
    found = {}
    for name in ("batch", "prior-matching"):
        for count in POOL_SIZES:
            if count > len(pool):
                continue
            gains = []
            for _ in range(SUBSETS if count < len(pool) else 1):
                rows = rng.choice(len(pool), count, replace=False)
                after = make(name).fit(pool[rows]).transform(test)
                gains.append(accuracy(after.argmax(axis=1), truth) - raw)
            found[name, count] = float(np.mean(gains))
    return found


def skew(scored: Scored) -> dict[tuple[str, str], list[float]]:
    """Gain in accuracy over no calibration where nine tenths of the pool have one label.

    Judged on the test rows as they are, and on the skewed pool itself, which is what a run labels.
    """
    test, pool = scored.matrix("test", "sum"), scored.matrix("pool", "sum")
    truth, gold = scored.kinds["test"].truth, scored.kinds["pool"].truth
    rng = np.random.default_rng(scored.cell.seed)
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for column in range(len(scored.labels)):
        own, others = np.flatnonzero(gold == column), np.flatnonzero(gold != column)
        count = min(len(pool) // 2, int(len(own) / SKEW))
        if count < LEAST_SKEWED:
            continue
        most = round(SKEW * count)
        rows = np.concatenate(
            [
                rng.choice(own, most, replace=False),
                rng.choice(others, count - most, replace=False),
            ]
        )
        fits = {"pool": pool[rows]}
        for kind in ("content-free", "random-words"):
            fits[kind] = scored.matrix(kind, "sum")
        known = np.bincount(rng.choice(gold[rows], KNOWN), minlength=len(scored.labels)) + 1.0
        target = tuple(float(share) for share in known / known.sum())
        fitted: dict[str, Calibrator | None] = {"none": None}
        for name in SKEWED_WITH[1:]:
            build = CALIBRATORS[name]
            assert build is not None
            fitted[name] = fit(build(), fits, scored)
        fitted[f"prior-matching, class prior of {KNOWN} labels"] = make(
            "prior-matching", target=target
        ).fit(pool[rows])
        for where, scores, right in (
            ("the test rows", test, truth),
            ("the skewed pool", pool[rows], gold[rows]),
        ):
            raw = accuracy(scores.argmax(axis=1), right)
            for name, calibrator in fitted.items():
                after = transform(calibrator, scores)
                found[name, where].append(accuracy(after.argmax(axis=1), right) - raw)
    return found
