"""One learning curve: start, pick, label, train, measure, again."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from learning_curves_data import Embedded
from numpy.typing import NDArray

from llmal.calibration.measures import accuracy, macro_f1
from llmal.core.records import Item
from llmal.learners import LinearHead
from llmal.selectors import RoundState, Selector, make

START = 20
"""Labels to begin with, and in each round if nothing else is said."""
C = 30.0
"""Fixed: choosing it anew after each round would take ten times as long."""

_START, _ROUND = 1, 2


@dataclass(frozen=True)
class Key:
    """What tells a run from others; every strategy of the same setting and seed starts alike."""

    set: str
    embedding: str
    start: str
    strategy: str
    seed: int
    rounds: int
    batch: int = START

    @property
    def setting(self) -> tuple[str, str, str]:
        return self.set, self.embedding, self.start


def start_positions(embedded: Embedded, start: str, seed: int) -> NDArray[np.int64]:
    """The first labels, by `start` ("random" or a selector that needs no labels)."""
    state = RoundState.from_arrays(embeddings=embedded.X, labelled=[], labels=[])
    return make(start).select(state, START, np.random.default_rng([_START, seed])).indices


def run(
    key: Key, embedded: Embedded, selector: Selector, start: NDArray[np.int64]
) -> dict[str, Any]:
    """Accuracy and macro F1 on the test set after the start and after each round.

    Beside them the mean entropy (nats) of the learner over the pool, and Cohen's kappa of its
    predictions there with those of the round before: what stopping rules read.
    """
    data = embedded.data
    labelled = start
    made: dict[str, list[Any]] = {
        name: [] for name in ("labels", "accuracy", "macro_f1", "mean_entropy", "agreement")
    }
    seconds = {"fit": 0.0, "select": 0.0}
    before: NDArray[np.int64] | None = None
    for number in range(key.rounds + 1):
        started = time.perf_counter()
        # The order of the picks says nothing of the labels.
        order = np.sort(labelled)
        learner = LinearHead(C=C).fit(embedded.X[order], data.y[order])
        predict = _Predict(learner, len(data.labels))
        pool = predict(embedded.X)
        test = predict(embedded.test_X).argmax(axis=1)
        seconds["fit"] += time.perf_counter() - started

        now = pool.argmax(axis=1)
        made["labels"].append(len(labelled))
        made["accuracy"].append(round(float(accuracy(test, data.test_y)), 4))
        made["macro_f1"].append(round(float(macro_f1(test, data.test_y)), 4))
        entropy = -(pool * np.log(np.clip(pool, 1e-12, None))).sum(axis=1)
        made["mean_entropy"].append(round(float(entropy.mean()), 5))
        made["agreement"].append(None if before is None else round(_kappa(before, now), 5))
        before = now
        if number == key.rounds:
            break

        started = time.perf_counter()
        state = RoundState.from_arrays(
            embeddings=embedded.X,
            probabilities=pool,
            labelled=labelled,
            labels=data.y[labelled],
            texts=data.texts,
            predict=predict,
            predict_items=lambda items, by=predict: by(_of_items(embedded, items)),
        )
        rng = np.random.default_rng([_ROUND, key.seed, number])
        picks = selector.select(state, key.batch, rng).indices
        seconds["select"] += time.perf_counter() - started
        labelled = np.concatenate([labelled, picks])
    return {
        **vars(key),
        **made,
        "test_items": len(data.test_y),
        "started_from": zlib.crc32(np.sort(start).tobytes()),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }


class _Predict:
    """A learner's probabilities with a column for each label, those not seen yet included."""

    def __init__(self, learner: LinearHead, labels: int) -> None:
        self._learner, self._labels = learner, labels

    def __call__(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        made = np.zeros((len(X), self._labels))
        made[:, self._learner.classes_] = self._learner.predict_proba(X)
        return made


def _of_items(embedded: Embedded, items: Sequence[Item]) -> NDArray[np.float32]:
    return embedded.embedding.embed([item.text for item in items])


def _kappa(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Cohen's kappa; 1 where both always say the same one thing."""
    observed = float((a == b).mean())
    expected = float(sum((a == v).mean() * (b == v).mean() for v in np.union1d(a, b)))
    return 1.0 if expected >= 1 else (observed - expected) / (1 - expected)
