"""Selectors of scikit-activeml and small-text, called on the same arrays as llmal's.

Each peer gets the learner's probabilities as they are, in place of a classifier, so that no side
pays for a prediction that the other does not, and both see the same numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

STRENGTH = 30.0
"""C of the logistic regression on unit vectors: llmal's own default below 30 labels."""


@dataclass(frozen=True)
class Round:
    """Arrays of a round: N items, L of them labelled, U not, C labels, T members of a committee."""

    embeddings: np.ndarray  # (N, d) float32
    labelled: np.ndarray  # (L,)
    labels: np.ndarray  # (L,)
    probabilities: np.ndarray | None = None  # (N, C) float32
    committee: np.ndarray | None = None  # (T, N, C) float32
    k: int = 100

    @cached_property
    def unlabelled(self) -> np.ndarray:
        free = np.ones(len(self.embeddings), dtype=bool)
        free[self.labelled] = False
        return np.flatnonzero(free)

    @cached_property
    def model(self) -> LogisticRegression:
        model = LogisticRegression(C=STRENGTH, max_iter=1000)
        return model.fit(self.embeddings[self.labelled], self.labels)

    @cached_property
    def y(self) -> np.ndarray:
        y = np.full(len(self.embeddings), np.nan)
        y[self.labelled] = self.labels
        return y

    def head(self, rows: int, k: int) -> Round:
        """The same round with its first rows alone, which must hold the labelled."""
        return replace(
            self,
            embeddings=self.embeddings[:rows],
            probabilities=None if self.probabilities is None else self.probabilities[:rows],
            committee=None if self.committee is None else self.committee[:, :rows],
            k=k,
        )

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(rows)


def committee(given: Round, members: int, seed: int) -> list[LogisticRegression]:
    """Learners on draws with replacement from the labelled, one item of each label always in."""
    rng = np.random.default_rng(seed)
    fixed = np.unique(given.labels, return_index=True)[1]
    models = []
    for _ in range(members):
        drawn = rng.integers(len(given.labels), size=len(given.labels) - len(fixed))
        chosen = np.concatenate([fixed, drawn])
        model = LogisticRegression(C=STRENGTH, max_iter=1000)
        models.append(model.fit(given.embeddings[given.labelled[chosen]], given.labels[chosen]))
    return models


@dataclass(frozen=True)
class Picks:
    indices: np.ndarray
    utilities: np.ndarray | None = None  # (U,), those before the first pick
    strategy: Any = None
    why: Sequence[str] = ()


Query = Callable[..., Picks]
"""Takes a round, a seed and options of the peer's class; `utilities=True` asks for them too."""


# scikit-activeml ----------------------------------------------------------------------------------


def _classifier(given: Round) -> Any:
    from skactiveml.base import SkactivemlClassifier

    class Given(SkactivemlClassifier):
        """Probabilities by the number of rows asked for; another matrix is predicted for real."""

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            self.classes_ = given.model.classes_
            return self

        def predict_proba(self, X: Any, **_: Any) -> np.ndarray:
            assert given.probabilities is not None
            # Of X, scikit-activeml keeps the order.
            known = len(X) == len(given.labelled)
            rows = np.sort(given.labelled) if known else given.unlabelled
            assert len(rows) == len(X)
            return given.probabilities[rows]  # a copy: some strategies clip it in place

        def predict(self, X: Any, **_: Any) -> np.ndarray:
            return given.model.predict(X)

        def members(self, X: Any) -> np.ndarray:
            assert given.committee is not None
            assert len(X) == len(given.unlabelled)
            return given.committee[:, given.unlabelled]

    # The tags that fitting sets are not read; `classes_` is.
    return Given(classes=given.model.classes_).fit(None, None)


def _skactiveml(name: str, *, uses: str = "", **fixed: Any) -> Query:
    def query(given: Round, seed: int, *, utilities: bool = False, **options: Any) -> Picks:
        import skactiveml.pool as peers

        signals: dict[str, Any] = {}
        made = fixed | options
        if uses == "classifier":
            signals = {"clf": _classifier(given), "fit_clf": False}
        elif uses == "members":
            signals = {"ensemble": _classifier(given), "fit_ensemble": False}
            made["sample_predictions_method_name"] = "members"
        elif uses == "discriminator":
            from skactiveml.classifier import SklearnClassifier

            signals = {
                "discriminator": SklearnClassifier(LogisticRegression(**made.pop("logistic", {})))
            }
        strategy = getattr(peers, name)(random_state=seed, **made)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = strategy.query(
                given.embeddings,
                given.y,
                batch_size=given.k,
                return_utilities=utilities,
                **signals,
            )
        if not utilities:
            return Picks(np.asarray(found), strategy=strategy)
        before = np.asarray(found[1])[0][given.unlabelled]
        return Picks(np.asarray(found[0]), before, strategy)

    return query


# small-text ---------------------------------------------------------------------------------------


def _dataset(given: Round) -> Any:
    from small_text.data.datasets import SklearnDataset

    y = np.zeros(len(given.embeddings), dtype=int)
    y[given.labelled] = given.labels
    return SklearnDataset(given.embeddings, y, target_labels=np.unique(given.labels))


class _Learner:
    """What small-text asks of a classifier."""

    def __init__(self, given: Round) -> None:
        self.given = given

    def predict_proba(self, dataset: Any, dropout_sampling: int = 1) -> np.ndarray:
        if dropout_sampling > 1:
            assert self.given.committee is not None
            return np.ascontiguousarray(self.given.committee.transpose(1, 0, 2))
        assert self.given.probabilities is not None
        return self.given.probabilities[getattr(dataset, "selection", slice(None))].copy()

    def embed(
        self, dataset: Any, return_proba: bool = False, pbar: Any = None
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray | None]:
        if not return_proba:
            return dataset.x
        known = self.given.probabilities is not None
        return dataset.x, self.predict_proba(dataset) if known else None


def _small_text(make: Callable[..., Any]) -> Query:
    def query(given: Round, seed: int, *, utilities: bool = False, **options: Any) -> Picks:
        strategy = make(given, **options)
        np.random.seed(seed)  # noqa: NPY002 - all the seed that it takes
        dataset = _dataset(given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = strategy.query(
                _Learner(given), dataset, given.unlabelled, given.labelled, given.labels, n=given.k
            )
        scores = getattr(strategy, "scores_", None) if utilities else None
        if scores is not None:
            scores = (-scores if strategy.lower_is_better else scores)[given.unlabelled]
        return Picks(np.asarray(found, dtype=np.int64), scores, strategy)

    return query


def _plain(name: str) -> Query:
    def make(given: Round, **options: Any) -> Any:
        import small_text.query_strategies as peers

        return getattr(peers, name)(**options)

    return _small_text(make)


def _st_badge(given: Round, **options: Any) -> Any:
    from small_text.integrations.pytorch.query_strategies import BADGE

    return BADGE(given.probabilities.shape[1], **options)


def _st_bald(given: Round, **options: Any) -> Any:
    from small_text.query_strategies import BALD

    return BALD(dropout_samples=len(given.committee), **options)


def _st_cal(given: Round, **options: Any) -> Any:
    from small_text.query_strategies import ContrastiveActiveLearning

    return ContrastiveActiveLearning(pbar=None, **options)


def _st_dal(
    given: Round, num_iterations: int = 10, logistic: dict[str, Any] | None = None, **options: Any
) -> Any:
    from small_text.classifiers.factories import SklearnClassifierFactory
    from small_text.query_strategies import DiscriminativeActiveLearning

    factory = SklearnClassifierFactory(LogisticRegression(**(logistic or {})), 2)
    return DiscriminativeActiveLearning(factory, num_iterations, pbar=None, **options)


SCIKIT_ACTIVEML: Mapping[str, Query] = {
    "random": _skactiveml("RandomSampling"),
    "least_confidence": _skactiveml(
        "UncertaintySampling", uses="classifier", method="least_confident"
    ),
    "margin": _skactiveml("UncertaintySampling", uses="classifier", method="margin_sampling"),
    "entropy": _skactiveml("UncertaintySampling", uses="classifier", method="entropy"),
    "bald": _skactiveml("GreedyBALD", uses="members"),
    "query_by_committee": _skactiveml("QueryByCommittee", uses="members", method="KL_divergence"),
    "variation_ratio": _skactiveml("QueryByCommittee", uses="members", method="variation_ratios"),
    "badge": _skactiveml("Badge", uses="classifier"),
    "coreset": _skactiveml("CoreSet"),
    "typiclust": _skactiveml("TypiClust"),
    "probcover": _skactiveml("ProbCover"),
    "cal": _skactiveml("ContrastiveAL", uses="classifier"),
    "dal": _skactiveml("DiscriminativeAL", uses="discriminator"),
    "dropquery": _skactiveml("DropQuery", uses="classifier"),
}

SMALL_TEXT: Mapping[str, Query] = {
    "random": _plain("RandomSampling"),
    "least_confidence": _plain("LeastConfidence"),
    "margin": _plain("BreakingTies"),
    "entropy": _plain("PredictionEntropy"),
    "bald": _small_text(_st_bald),
    "badge": _small_text(_st_badge),
    "coreset": _plain("GreedyCoreset"),
    "kmeans": _plain("EmbeddingKMeans"),
    "cal": _small_text(_st_cal),
    "dal": _small_text(_st_dal),
}

BY_PEER: Mapping[str, Mapping[str, Query]] = {
    "scikit-activeml": SCIKIT_ACTIVEML,
    "small-text": SMALL_TEXT,
}

SIGNALS: Mapping[str, frozenset[str]] = {
    name: frozenset(needs.split())
    for names, needs in (
        ("least_confidence margin entropy", "probabilities"),
        ("bald query_by_committee variation_ratio", "committee"),
        ("badge cal dropquery", "embeddings probabilities"),
    )
    for name in names.split()
}
"""Which arrays a peer's strategy reads, beside the embeddings that all get."""
