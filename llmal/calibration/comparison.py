"""Whether calibration helps: the same labelled items before and after it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from llmal.calibration import measures

FEWEST_JUDGED = 10
"""Fewest labelled items that a comparison is told of."""


@dataclass(frozen=True)
class Judged:
    """Probabilities of m items whose label is known.

    Attributes:
        ids: The items.
        before: Shape (m, C): as the model gives them, normalised over the labels.
        after: Shape (m, C): calibrated.
        truth: Shape (m,): columns of the labels.
    """

    ids: tuple[str, ...]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    truth: NDArray[np.int64]

    def joined(self, other: Judged) -> Judged:
        """Join the items of two samples; an item that is in both counts once."""
        known = set(self.ids)
        rows = [row for row, one in enumerate(other.ids) if one not in known]
        return Judged(
            (*self.ids, *(other.ids[row] for row in rows)),
            np.concatenate([self.before, other.before[rows]]),
            np.concatenate([self.after, other.after[rows]]),
            np.concatenate([self.truth, other.truth[rows]]),
        )


@dataclass(frozen=True)
class Figures:
    """How good probabilities are.

    Attributes:
        accuracy: Share of items whose most probable label is right.
        nll: Mean negative log-likelihood of the true label, in nats.
        ece: Expected calibration error.
    """

    accuracy: float
    nll: float
    ece: float

    @classmethod
    def of(cls, probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> Self:
        """The figures of probabilities, shape (m, C)."""
        return cls(
            measures.accuracy(probabilities.argmax(axis=1), truth),
            measures.negative_log_likelihood(probabilities, truth),
            measures.expected_calibration_error(probabilities, truth),
        )


@dataclass(frozen=True)
class Comparison:
    """What calibration changes on labelled items.

    Attributes:
        items: How many they are.
        before: Without calibration.
        after: With it.
    """

    items: int
    before: Figures
    after: Figures

    @classmethod
    def of(cls, judged: Judged) -> Self | None:
        """Compare; None for fewer than `FEWEST_JUDGED` items."""
        if len(judged.ids) < FEWEST_JUDGED:
            return None
        return cls(
            len(judged.ids),
            Figures.of(judged.before, judged.truth),
            Figures.of(judged.after, judged.truth),
        )

    @property
    def verdict(self) -> str:
        """Where accuracy and likelihood do not contradict each other "helps" or "harms", else
        "mixed".
        """
        better = (self.after.accuracy - self.before.accuracy, self.before.nll - self.after.nll)
        if min(better) >= 0 and max(better) > 0:
            return "helps"
        return "harms" if max(better) <= 0 and min(better) < 0 else "mixed"

    def sentence(self) -> str:
        """The figures in words."""
        figures = ", ".join(
            f"{name} {before:.3f} without, {after:.3f} with"
            for name, before, after in (
                ("accuracy", self.before.accuracy, self.after.accuracy),
                ("log loss", self.before.nll, self.after.nll),
                ("calibration error", self.before.ece, self.after.ece),
            )
        )
        said = {
            "helps": "calibration helps",
            "harms": "calibration does harm ('calibrate: none' switches it off)",
            "mixed": "calibration helps in one way and harms in another",
        }[self.verdict]
        return f"{said}: on {self.items} labelled items {figures}"

    def as_dict(self) -> dict[str, Any]:
        """The comparison as plain data."""
        return {**asdict(self), "verdict": self.verdict}
