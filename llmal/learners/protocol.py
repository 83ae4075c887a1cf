"""The contract of every learner: a scikit-learn classifier over texts or embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import UnsupportedError
from llmal.learners.soft_labels import SoftLabels


@runtime_checkable
class Learner(Protocol):
    """A model that is trained from labels."""

    input: Literal["embeddings", "texts"]
    """What `fit` and `predict_proba` take: an array (n, d), or a list of n strings."""

    classes_: NDArray[Any]
    """The classes seen in `fit`, sorted; the columns of `predict_proba`."""

    def fit(
        self, X: Any, y: ArrayLike | SoftLabels, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train from scratch on n items.

        y holds label columns or names, or is a `SoftLabels`: the shares of the classes for each
        item, such as an annotator's probabilities. A plain table of 0 and 1 is something else, the
        labels that hold for each item (`TableLearner`). A weight of 0 leaves an item out.
        """
        ...

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities, shape (n, number of classes seen)."""
        ...

    def save(self, directory: Path) -> None:
        """Write the fitted learner: JSON and safetensors, no pickle."""
        ...

    def load(self, directory: Path) -> Self:
        """Read what `save` wrote, into this object."""
        ...


@runtime_checkable
class CommitteeLearner(Protocol):
    """A learner that can be asked for several opinions."""

    def committee(self, members: int, seed: int) -> list[Callable[[Any], NDArray[np.float64]]]:
        """For each member a function from X to probabilities, with the columns of `classes_`.

        The members are refits on other weights of the items, or dropout passes.

        Raises:
            DataError: The learner is not fitted.
        """
        ...


@runtime_checkable
class TableLearner(Protocol):
    """A learner that can be trained on tables of labels, where an item takes several."""

    multilabel_: bool
    """Whether it was; then the columns of `predict_proba` are probabilities of their own."""

    thresholds_: NDArray[np.float64] | None
    """Shape (C,): probabilities above which it gives a label; None if it was not."""


def thresholds_of(learner: Learner) -> NDArray[np.float64] | None:
    """The probabilities above which a learner gives labels, shape (C,); None if it has none."""
    return learner.thresholds_ if isinstance(learner, TableLearner) else None


@runtime_checkable
class ProbabilityLearner(Protocol):
    """A learner that wants to be told how probable its annotators' labels are, as soft labels."""

    reads_probabilities: Literal[True]


@runtime_checkable
class LearnerOverModel(Protocol):
    """A learner over a pretrained model that may not be there."""

    def check_model(self) -> None:
        """Look for the model, before people work for a learner that cannot be trained.

        Raises:
            LanguageModelError: It is not there, or cannot be read.
        """
        ...


@runtime_checkable
class ExportingLearner(Protocol):
    """A learner that can be written for other libraries."""

    def export(
        self,
        directory: str | Path,
        *,
        names: Sequence[str] | None = None,
        metrics: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """Write a folder with a model card.

        One over embeddings takes an `embedder`, which goes along; one over texts takes `merge`.
        """
        ...


@runtime_checkable
class EmbeddingLearner(Protocol):
    """A learner that has a feature space of its own."""

    def embed(self, X: Any) -> NDArray[np.float32]:
        """Where its classes are separated, shape (n, d)."""
        ...


def no_form(learner: Learner) -> UnsupportedError:
    """That no other library loads a learner."""
    return UnsupportedError(
        f"a {type(learner).__name__} has no form that another library loads",
        fix="use the saved learner: llmal.load_learner",
    )
