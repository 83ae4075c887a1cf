"""Learning from how probable labels are."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from llmal.errors import ConfigError
from llmal.learners.noisy.wrapped import WrappedLearner
from llmal.learners.soft_labels import SoftLabels


class FromProbabilities(WrappedLearner):
    """A learner that learns from its annotators' probabilities, and not from their labels alone.

    A run hands it the probabilities that were given with each label, where there are some: what a
    person says is sure. Where an annotator only tells how sure it is of its label, the rest is
    shared evenly among the others.

    Args:
        learner: What is trained: a learner, its name, or a mapping of a name and options.
        use: "shares": the learner is fitted on soft labels. "weights": on the likeliest class of
            each item, weighted by its share.

    Attributes:
        classes_: Classes seen in `fit`, sorted.
        learner_: What was trained.
    """

    registered_as = "from_probabilities"
    reads_probabilities: ClassVar[Literal[True]] = True

    def __init__(self, learner: Any, *, use: Literal["shares", "weights"] = "shares") -> None:
        self.learner = learner
        self.use = use

    def fit(
        self, X: Any, y: ArrayLike | SoftLabels, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train from scratch.

        Args:
            X: n texts or embeddings, as the learner takes them.
            y: Soft labels; plain ones are learnt as they are.
            sample_weight: n weights of at least 0.

        Raises:
            DataError: X, y or the weights are not usable.
            ConfigError: A parameter is not usable.
        """
        if self.use not in ("shares", "weights"):
            raise ConfigError(f"use is {self.use!r}", fix='use "shares" or "weights"')
        if self.use == "weights" and isinstance(y, SoftLabels):
            own = y.shares.max(axis=1)
            if sample_weight is not None and np.shape(sample_weight) == own.shape:
                own = own * np.asarray(sample_weight, dtype=np.float64)
            elif sample_weight is not None:
                own = np.asarray(sample_weight)
            y, sample_weight = y.best, own
        self.learner_ = self._made().fit(X, y, sample_weight)
        self.classes_ = self.learner_.classes_
        return self
