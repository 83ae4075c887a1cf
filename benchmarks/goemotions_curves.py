"""Learners of several labels beside scikit-learn's, and selectors beside small-text's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from goemotions_data import Part
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from llmal.learners import LinearHead
from llmal.selectors import RoundState, make

SIZES = (100, 200, 500, 1000)
START, BATCH, ROUNDS = 50, 100, 4
C = 10.0
"""Of the learner in the curves: fixed, as choosing it takes nine times as long."""

OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "random": ("random", {}),
    "margin, mean": ("margin", {}),
    "margin, max": ("margin", {"over": "max"}),
    "label_cardinality": ("label_cardinality", {"threshold": 0.2}),
    "label_cardinality, weighed": (
        "label_cardinality",
        {"threshold": 0.2, "uncertainty_weight": 0.5},
    ),
    "cvirs": ("cvirs", {"threshold": 0.2}),
    "bald": ("bald", {}),
    "badge": ("badge", {}),
    "cal": ("cal", {}),
    "dropquery": ("dropquery", {}),
    "typiclust": ("typiclust", {}),
}
NEED_MEMBERS = {"bald"}
PEERS = ("LabelCardinalityInconsistency", "AdaptiveActiveLearning",
         "CategoryVectorInconsistencyAndRanking")  # fmt: skip
MEMBERS = 5

Pick = Callable[[RoundState, int, np.random.Generator], NDArray[np.int64]]


def learners(train: Part, X: np.ndarray, test: Part, test_X: np.ndarray) -> list[dict[str, Any]]:
    """Figures of each learner for so many random labels and each seed."""
    space = train.task.space
    rows = []
    for size in SIZES:
        for seed in range(3):
            chosen = np.random.default_rng(seed).permutation(len(X))[:size]
            models: dict[str, Any] = {
                "llmal": LinearHead(),
                "llmal, above 0.5": LinearHead(thresholds=0.5),
                "llmal, C=30": LinearHead(C=30.0),
                "scikit-learn": OneVsRestClassifier(LogisticRegression(max_iter=1000)),
                "scikit-learn, C=30": OneVsRestClassifier(LogisticRegression(C=30, max_iter=1000)),
                "scikit-learn, balanced": OneVsRestClassifier(
                    LogisticRegression(class_weight="balanced", max_iter=1000)
                ),
            }
            for name, model in models.items():
                begun = time.process_time()
                model.fit(X[chosen], train.y[chosen])
                seconds = time.process_time() - begun
                figures = space.measures(model.predict(test_X), test.y)
                row = {"learner": name, "labels": size, "seed": seed, **figures}
                rows.append({**row, "seconds": round(seconds, 3)})
    return rows


def _of_llmal(name: str) -> Pick:
    selector, options = OURS[name]
    made = make(selector, **options)
    return lambda state, k, rng: made.select(state, k, rng).indices


def _of_small_text(name: str) -> Pick:
    """A strategy of small-text on the same arrays."""
    import small_text.query_strategies as peers
    from scipy.sparse import csr_matrix
    from small_text.data.datasets import SklearnDataset

    options = {"pbar": None} if name == "CategoryVectorInconsistencyAndRanking" else {}
    # The adaptive strategy takes a threshold and does not hand it on.
    options |= {"prediction_threshold": 0.2}
    strategy = getattr(peers, name)(**options)

    def pick(state: RoundState, k: int, rng: np.random.Generator) -> NDArray[np.int64]:
        probabilities = np.zeros((state.size, state.labels.shape[1]))
        probabilities[state.unlabelled] = state.probabilities

        class Given:
            multi_label = True
            num_classes = probabilities.shape[1]

            def predict_proba(self, dataset: Any) -> np.ndarray:
                return probabilities[state.unlabelled]

        holds = np.zeros(probabilities.shape, dtype=int)
        holds[state.labelled] = state.labels
        dataset = SklearnDataset(
            np.asarray(state.embeddings),
            csr_matrix(holds),
            target_labels=np.arange(holds.shape[1]),
        )
        np.random.seed(int(rng.integers(2**31)))  # noqa: NPY002 - all the seed that it takes
        found = strategy.query(
            Given(), dataset, state.unlabelled, state.labelled, csr_matrix(state.labels), n=k
        )
        return np.asarray(found, dtype=np.int64)

    return pick


def curve(
    pick: Pick,
    train: Part,
    X: np.ndarray,
    test: Part,
    test_X: np.ndarray,
    seed: int,
    *,
    members: bool,
) -> dict[str, Any]:
    """Figures on test rows after each round; every strategy of a seed starts alike."""
    labelled = np.random.default_rng([1, seed]).permutation(len(X))[:START]
    points: list[dict[str, float]] = []
    seconds = 0.0
    for number in range(ROUNDS + 1):
        order = np.sort(labelled)
        head = LinearHead(C=C).fit(X[order], train.y[order])
        points.append(dict(train.task.space.measures(head.predict(test_X), test.y)))
        if number == ROUNDS:
            break
        state = RoundState.from_arrays(
            embeddings=X,
            probabilities=head.predict_proba(X),
            labelled=labelled,
            labels=train.y[labelled],
            predict=head.predict_proba,
            committee=[one(X) for one in head.committee(MEMBERS, seed)] if members else None,
            space=train.task.space,
        )
        begun = time.process_time()
        found = pick(state, BATCH, np.random.default_rng([2, seed, number]))
        seconds += time.process_time() - begun
        labelled = np.concatenate([labelled, found])
    return {
        "labels": [START + BATCH * n for n in range(ROUNDS + 1)],
        "points": {name: [one[name] for one in points] for name in points[0]},
        "seconds": round(seconds / ROUNDS, 4),
    }


def curves(
    train: Part, X: np.ndarray, test: Part, test_X: np.ndarray, seeds: int
) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """The curves of the strategies so far, by their names and seeds; after each of them."""
    picks = {name: _of_llmal(name) for name in OURS}
    picks |= {f"small-text {name}": _of_small_text(name) for name in PEERS}
    found: dict[str, list[dict[str, Any]]] = {}
    for name, pick in picks.items():
        members = name in NEED_MEMBERS
        found[name] = [
            curve(pick, train, X, test, test_X, seed, members=members) for seed in range(seeds)
        ]
        last = [one["points"]["micro_f1"][-1] for one in found[name]]
        print(name, np.round(last, 3), flush=True)
        yield found
