"""The contract of models that learn from people's labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.design import Design
from llmal.guarantee.features import Floats


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model that has learned.

    Attributes:
        predict: Probabilities of the classes of a design, shape (N, K).
        out_of_fold: Of the labelled items, in their order, by models that were not shown the label
            of the item, shape (n, K).
        about: Its state, or what stands for it, as plain JSON.
    """

    predict: Callable[[Design], Floats]
    out_of_fold: Floats
    about: Mapping[str, Any]


class LabelModel(Protocol):
    """Learns the class of an item from its features."""

    def fit(self, design: Design, classes: NDArray[np.int64], rng: np.random.Generator) -> Fitted:
        """Learn from all rows of a design.

        Args:
            design: Of the labelled items, n of them, perhaps none.
            classes: Of these, shape (n,), from 0.
            rng: For folds, and whatever else is drawn.
        """
        ...
