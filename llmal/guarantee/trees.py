"""A forest of random trees, for what no linear model can see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.design import Design
from llmal.guarantee.features import Floats
from llmal.guarantee.label_model import Fitted

_FLOOR = 1e-3


@dataclass(frozen=True)
class Trees:
    """Extremely randomised trees; each item is judged by the trees that were not shown its label.

    Args:
        count: How many.
        leaf: Items in a leaf, at least.
        share: Of the features that a split is chosen from.
        directions: Of the embedding that are looked at.
        most: Labelled items that each tree is shown.
    """

    count: int = 40
    leaf: int = 3
    share: float = 0.3
    directions: int = 32
    most: int = 4000

    def fit(self, design: Design, classes: NDArray[np.int64], rng: np.random.Generator) -> Fitted:
        """Grow them; with fewer than two classes, the shares of the classes, with one more each."""
        kinds = design.classes
        seen = np.unique(classes)
        shares = (np.bincount(classes, minlength=kinds) + 1.0) / (len(classes) + kinds)
        if len(seen) < 2:
            return Fitted(
                lambda asked: np.tile(shares, (len(asked), 1)),
                np.tile(shares, (len(classes), 1)),
                {"model": "trees", "shares": shares.tolist()},
            )
        from sklearn.ensemble import ExtraTreesClassifier

        forest = ExtraTreesClassifier(
            self.count,
            min_samples_leaf=self.leaf,
            max_features=self.share,
            bootstrap=True,
            max_samples=min(self.most, len(classes)),
            oob_score=_no_score,
            random_state=int(rng.integers(2**31)),
        ).fit(self._table(design), classes)

        def filled(some: Floats) -> Floats:
            table = np.zeros((len(some), kinds))
            table[:, seen] = some
            table = np.clip(np.where(np.isfinite(table), table, shares), _FLOOR, 1)
            return np.asarray(table / table.sum(axis=1, keepdims=True))

        return Fitted(
            lambda asked: filled(forest.predict_proba(self._table(asked))),
            filled(forest.oob_decision_function_),
            {"model": "trees", "count": self.count, "items": len(classes)},
        )

    def _table(self, design: Design) -> Floats:
        return np.concatenate([design.vectors[:, : self.directions], design.columns], axis=1)


def _no_score(true: NDArray[np.int64], predicted: Floats) -> float:
    """What sklearn asks for with the probabilities that are wanted."""
    return 0.0
