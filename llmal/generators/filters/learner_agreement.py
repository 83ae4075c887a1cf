"""Refuses texts to which a trained learner would not give the label that they were written for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import SyntheticItem
from llmal.errors import ConfigError, DataError


class TextProbabilities(Protocol):
    """What gives probabilities to texts: a loaded learner, or a pipeline of scikit-learn."""

    @property
    def classes_(self) -> Any:
        """Shape (C,): names of the labels, the columns of the probabilities."""
        ...

    def predict_proba(self, X: Any, /) -> NDArray[np.float64]:
        """Shape (n, C)."""
        ...


def opened(learner: TextProbabilities | str | Path) -> TextProbabilities:
    """A learner, or that of a folder.

    Raises:
        DataError: There is none in the folder.
    """
    if isinstance(learner, str | Path):
        from llmal.learners.saved import load_learner

        return load_learner(learner)
    return learner


class LearnerAgreement:
    """Asks a learner trained on people's labels, where `label_agreement` asks a language model.

    It errs in other ways than the model that wrote the texts, and is quick; with few labels it
    knows little.

    Args:
        learner: A fitted one that takes texts (`llmal.load_learner`), or its folder.
        minimum: Smallest probability of the intended label.

    Raises:
        ConfigError: `minimum` is no probability.
        DataError: There is no learner in the folder.
    """

    name = "learner_agreement"

    def __init__(self, learner: TextProbabilities | str | Path, minimum: float = 0.2) -> None:
        if not 0 <= minimum <= 1:
            raise ConfigError(f"minimum is {minimum}", fix="it must be from 0 to 1")
        self.minimum = minimum
        self._learner = opened(learner)

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """For each item what the learner gives it.

        Raises:
            DataError: An item has a label that the learner was not trained on.
        """
        if not items:
            return []
        names = [str(one) for one in self._learner.classes_]
        unknown = next((item.label for item in items if item.label not in names), None)
        if unknown is not None:
            raise DataError(
                f"the learner of the filter learner_agreement does not know the label {unknown!r}",
                fix=f"it knows {', '.join(names)}; train it on the labels of the task",
            )
        rows = self._learner.predict_proba([item.text for item in items])
        return [
            self._reason(np.asarray(row), names.index(item.label), names)
            for row, item in zip(rows, items, strict=True)
        ]

    def _reason(self, row: NDArray[np.float64], own: int, names: Sequence[str]) -> str | None:
        if row[own] >= self.minimum:
            return None
        best = int(row.argmax())
        return (
            f"the learner gives it {row[own]:.2f} of {names[own]!r}, less than {self.minimum:g}, "
            f"most to {names[best]!r} ({row[best]:.2f})"
        )
