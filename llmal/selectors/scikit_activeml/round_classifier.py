"""The round's learner in the clothes of a classifier of scikit-activeml.

Imported only where scikit-activeml is at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from skactiveml.base import SkactivemlClassifier

from llmal.errors import SelectionError


class RoundClassifier(SkactivemlClassifier):  # type: ignore[misc]
    """Answers with probabilities that others have computed; cannot be fitted.

    Args:
        answer: Takes features, shape (n, d), and gives probabilities, shape (n, C).
        classes: The columns of the task.
        missing_label: Marks unlabelled items; not a number.
        cost_matrix: Unused; every wrong label counts alike.
        random_state: Unused; of equally probable labels, `predict` gives the first.
    """

    def __init__(
        self,
        answer: Callable[[NDArray[np.float32]], NDArray[np.floating[Any]]],
        classes: Any = None,
        missing_label: Any = np.nan,
        cost_matrix: Any = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(classes, missing_label, cost_matrix, random_state)
        self.answer = answer

    @property
    def classes_(self) -> NDArray[np.int64]:
        """The columns of the task."""
        return np.asarray(self.classes)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NoReturn:
        """Refuse: the round's learner is trained elsewhere.

        Raises:
            SelectionError: Always.
        """
        raise SelectionError(
            "the strategy trains the learner anew, and the round's cannot be trained here",
            fix="use learner: logistic",
        )

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Shape (n, C) for features of shape (n, d)."""
        # A copy: strategies write into what they are given.
        return np.array(self.answer(np.asarray(X, dtype=np.float32)), dtype=np.float64)

    def predict(self, X: Any) -> NDArray[np.int64]:
        """The most probable labels, shape (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def __sklearn_is_fitted__(self) -> bool:
        return True
