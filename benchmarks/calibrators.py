"""What each calibrator brings back of a miscalibration that is known.

    python benchmarks/calibrators.py [--seeds 10] [--labels 50 200 1000]

Simulated scores of three labels: true log-probabilities are drawn, labels are drawn from them, and
a calibrator sees the scores after one of three distortions: all log-probabilities times 3 (a
temperature of 3 brings them back); the first label's probability times 10 (a class prior of 10:1);
or both, first the one and then the other. A perfect calibrator gives the true probabilities, whose
ECE (that of 5,000 finite items) and negative log-likelihood stand in the line "true", and whose
divergence from itself is 0: KL(true || calibrated), the mean over the items in nats, is the
measure of recovery that no luck of the labels touches.

The prior corrections are fitted without labels: on 3 rows without content (a true distribution near
uniform, distorted), on 20 of random words (further from it), on a pool of 1,000. Maps on labels get
50, 200 or 1,000. Beside llmal's temperature: scikit-learn's own, in the same runs.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from results_file import write_results

from llmal.calibration import (
    Calibrator,
    Chain,
    Contextual,
    PriorMatching,
    Prototypical,
    Temperature,
    classwise_calibration_error,
    expected_calibration_error,
    make,
    negative_log_likelihood,
)

Array = NDArray[np.float64]
CLASSES, POOL, TEST, SHARPNESS = 3, 1000, 5000, 1.5
WITHOUT_LABELS = (
    "contextual",
    "domain-context",
    "batch",
    "promptal-prior",
    "prior-matching",
    "prototypical",
)
ON_LABELS = ("temperature", "vector", "isotonic", "beta", "dirichlet")


def _over_labels(logs: Array) -> Array:
    return logs - np.logaddexp.reduce(logs, axis=1, keepdims=True)


def too_sure(logs: Array) -> Array:
    return _over_labels(3 * logs)


def skewed(logs: Array) -> Array:
    return _over_labels(logs + np.log([10, 1, 1]))


DISTORTIONS: dict[str, Callable[[Array], Array]] = {
    "temperature 3": too_sure,
    "class prior 10:1": skewed,
    "both": lambda logs: skewed(too_sure(logs)),
}


def truth(rng: np.random.Generator, rows: int, sharpness: float = SHARPNESS) -> Array:
    """True log-probabilities; all labels are equally frequent."""
    return _over_labels(rng.normal(scale=sharpness, size=(rows, CLASSES)))


def draw(rng: np.random.Generator, logs: Array) -> NDArray[np.int64]:
    return (logs + rng.gumbel(size=logs.shape)).argmax(axis=1)


@dataclass
class Given:
    """What there is to fit on, distorted."""

    content_free: Array
    random_words: Array
    pool: Array
    labelled: Array
    labels: NDArray[np.int64]

    def fit(self, calibrator: Calibrator) -> Calibrator:
        if calibrator.fits_on == "labels":
            return calibrator.fit(self.labelled, self.labels)
        rows = {
            "content-free": self.content_free,
            "random-words": self.random_words,
            "pool": self.pool,
        }
        return calibrator.fit(rows[calibrator.fits_on])


def scikit_learn_temperature(given: Given, scores: Array) -> Array:
    """Their temperature scaling, over scores that are taken for a model's decision function."""
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    class Scores(ClassifierMixin, BaseEstimator):
        def fit(self, X: Array, y: Array) -> Scores:
            self.classes_ = np.arange(CLASSES)
            return self

        def decision_function(self, X: Array) -> Array:
            return X

        def predict(self, X: Array) -> NDArray[np.int64]:
            return X.argmax(axis=1)

    frozen = FrozenEstimator(Scores().fit(given.labelled, given.labels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = CalibratedClassifierCV(frozen, method="temperature")
        return theirs.fit(given.labelled, given.labels).predict_proba(scores)


def measures(probabilities: Array, labels: NDArray[np.int64], true: Array) -> dict[str, float]:
    logs = np.log(np.maximum(probabilities, 1e-12))
    return {
        "ece": expected_calibration_error(probabilities, labels),
        "classwise_ece": classwise_calibration_error(probabilities, labels),
        "nll": negative_log_likelihood(probabilities, labels),
        "kl": float((np.exp(true) * (true - logs)).sum(axis=1).mean()),
        "accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
    }


def run(seed: int, distortion: str, sizes: list[int]) -> dict[tuple[str, int], dict[str, float]]:
    """Measures of each calibrator and number of labels (0 for those without)."""
    rng = np.random.default_rng(seed)
    distort = DISTORTIONS[distortion]
    test = truth(rng, TEST)
    test_labels, scores = draw(rng, test), distort(test)
    pool, labelled = truth(rng, POOL), truth(rng, max(sizes))
    labels = draw(rng, labelled)
    base = Given(
        distort(truth(rng, 3, 0.1)),
        distort(truth(rng, 20, 0.3)),
        distort(pool),
        distort(labelled),
        labels,
    )

    def measured(probabilities: Array) -> dict[str, float]:
        return measures(probabilities, test_labels, test)

    found = {("true", 0): measured(np.exp(test)), ("raw", 0): measured(np.exp(scores))}
    for name in WITHOUT_LABELS:
        found[name, 0] = measured(base.fit(make(name)).transform(scores))
    for size in sizes:
        given = Given(
            base.content_free, base.random_words, base.pool, base.labelled[:size], labels[:size]
        )
        for name in ON_LABELS:
            found[name, size] = measured(given.fit(make(name)).transform(scores))
        for first in (Contextual(), PriorMatching(), Prototypical()):
            chain = Chain(given.fit(first), Temperature())
            found[f"{first.name}, then temperature", size] = measured(
                given.fit(chain).transform(scores)
            )
        found["temperature of scikit-learn", size] = measured(
            scikit_learn_temperature(given, scores)
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--labels", type=int, nargs="+", default=[50, 200, 1000])
    options = parser.parse_args()

    rows: list[dict[str, Any]] = []
    for distortion in DISTORTIONS:
        all_found: dict[tuple[str, int], list[dict[str, float]]] = defaultdict(list)
        for seed in range(options.seeds):
            for key, one in run(seed, distortion, options.labels).items():
                all_found[key].append(one)
        print(f"\n{distortion}\n{'':32} labels     ECE   classwise     NLL      KL     sd of KL")
        for (name, size), many in all_found.items():
            mean = {key: float(np.mean([one[key] for one in many])) for key in many[0]}
            spread = {key: float(np.std([one[key] for one in many])) for key in many[0]}
            rows.append(
                {
                    "distortion": distortion,
                    "calibrator": name,
                    "labels": size,
                    "mean": mean,
                    "sd": spread,
                }
            )
            print(
                f"{name:32} {size or '-':>6} {mean['ece']:7.3f} {mean['classwise_ece']:11.3f} "
                f"{mean['nll']:7.3f} {mean['kl']:7.4f} {spread['kl']:12.4f}",
                flush=True,
            )
    figures = {
        "seeds": options.seeds,
        "classes": CLASSES,
        "pool": POOL,
        "test": TEST,
        "label_numbers": options.labels,
        "rows": rows,
    }
    print(write_results("calibrators", figures))


if __name__ == "__main__":
    main()
