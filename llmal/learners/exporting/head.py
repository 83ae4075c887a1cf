"""A linear head as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.core.files import write_whole
from llmal.embed.protocol import Embedder, SavableEmbedder
from llmal.errors import ConfigError, DataError, UnsupportedError
from llmal.learners.exporting.card import Card, whole_export, write_card
from llmal.learners.exporting.form import embedder_form

EMBEDDER = "embedder"
"""The folder of an embedder, which `SentenceEmbedder` takes too."""
HEAD = "head.skops"


class Head(Protocol):
    """A fitted linear head."""

    trained_on_: list[int] | None

    classes_: NDArray[Any]
    coef_: NDArray[np.float64]
    intercept_: NDArray[np.float64]
    multilabel_: bool
    n_features_in_: int


def export_head(
    head: Head,
    directory: str | Path,
    embedder: Embedder,
    names: Sequence[str],
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> None:
    """Write a fitted head with its embedder, as sentence-transformers and scikit-learn load them.

    Args:
        head: The head.
        directory: An empty folder, or none yet.
        embedder: Made the vectors that it was trained on.
        names: The labels, in the order of the classes.
        settings: What the card says of how it was trained.
        metrics: What the card says was measured.

    Raises:
        DataError: The head has seen a single class, or the folder holds something.
        UnsupportedError: The embedder has no files that could go along.
        ConfigError: skops is not installed.
    """
    if not isinstance(embedder, SavableEmbedder):
        raise UnsupportedError(
            f"a {type(embedder).__name__} has no files that could go along with the learner",
            fix="use the saved learner: llmal.load_learner",
        )
    with whole_export(directory) as place:
        write_head(place, as_scikit_learn(head))
        embedder.save_model(place / EMBEDDER)
        card = Card(
            type(head).__name__,
            names,
            head.trained_on_,
            Path(embedder.model).name,
            embedder.fingerprint,
            settings,
            metrics,
        )
        write_card(place, card, embedder_form(names))


def as_scikit_learn(head: Head) -> Any:
    """The estimator of scikit-learn that gives the same probabilities.

    Args:
        head: A fitted head; of a table of labels it is a `OneVsRestClassifier`.

    Raises:
        DataError: It has seen a single class.
    """
    if head.multilabel_:
        return _one_vs_rest(head)
    if len(head.classes_) < 2:
        raise DataError(
            "the learner has seen a single class, and a classifier has two or more",
            fix="train it on items of several classes",
        )
    return linear_classifier(head.coef_, head.intercept_, head.classes_)


def linear_classifier(
    coef: NDArray[np.float64], intercept: NDArray[np.float64], classes: NDArray[Any]
) -> Any:
    """A fitted `LogisticRegression`.

    Args:
        coef: Shape (C, d), a row for each of two or more classes.
        intercept: Shape (C,).
        classes: What it calls them.
    """
    if len(coef) == 2:
        coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
    return _logistic_regression(coef, intercept, classes)


def _logistic_regression(
    coef: NDArray[np.float64], intercept: NDArray[np.float64], classes: NDArray[Any]
) -> Any:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression()
    model.classes_, model.coef_, model.intercept_ = classes, coef, intercept
    model.n_features_in_ = coef.shape[1]
    return model


def _one_vs_rest(head: Head) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import LabelBinarizer

    model = OneVsRestClassifier(LogisticRegression())
    # A label that was always there, or never, has an infinite intercept, and so a sure probability.
    model.estimators_ = [
        _logistic_regression(row[None], np.array([one]), np.arange(2))
        for row, one in zip(head.coef_, head.intercept_, strict=True)
    ]
    model.label_binarizer_ = LabelBinarizer().fit(np.eye(len(head.classes_), dtype=np.int64))
    model.n_features_in_ = head.n_features_in_
    return model


def write_head(directory: Path, estimator: Any) -> None:
    """Write an estimator as skops does.

    Raises:
        ConfigError: skops is not installed.
    """
    try:
        from skops.io import dumps
    except ImportError as error:
        raise ConfigError(
            "a learner on embeddings is exported by skops, which is not installed",
            fix='pip install "llmal[export]"',
        ) from error
    write_whole(directory / HEAD, dumps(estimator), durable=False)
