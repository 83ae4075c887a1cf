"""The contract of every calibrator: from scores to probabilities that can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

from numpy import float64
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from llmal.calibration.fittable import FittedOn

Normalise = Literal["sum", "mean", "first"]

FitsOn = Literal["content-free", "random-words", "pool", "labels"]
"""What the scores that a calibrator is fitted on are scores of: prompts without content, random
words of the pool, texts of the pool, or texts whose label is known."""


class LabelScoresLike(Protocol):
    """What a language model's `LabelScores` offer to a calibrator."""

    def normalised(self, how: Normalise = "sum") -> NDArray[float64]:
        """Log-probabilities, shape (n, C)."""
        ...


Scores = LabelScoresLike | ArrayLike
"""Scores of n prompts over C labels: `LabelScores`, or an array (n, C) of log-probabilities in
natural log, which need not be normalised over the labels."""


@runtime_checkable
class LabelNaming(Protocol):
    """Tells of labels by name, once it knows what its columns are called."""

    def name_labels(self, labels: Sequence[str]) -> None:
        """Say what the columns are called."""
        ...


@runtime_checkable
class OtherScores(Protocol):
    """Takes scores that are no log-probabilities, such as log-odds."""

    def scores_of(self, probabilities: NDArray[float64]) -> NDArray[float64]:
        """The scores that stand for probabilities, shape (n, C)."""
        ...


@runtime_checkable
class ReadsTokens(Protocol):
    """Reads `LabelScores` in a way of its own."""

    @property
    def normalise(self) -> Normalise:
        """How labels of several tokens are compared."""
        ...


def normalise_of(calibrator: Calibrator) -> Normalise:
    """How a calibrator reads `LabelScores`; the sum over tokens, if it does not say."""
    return calibrator.normalise if isinstance(calibrator, ReadsTokens) else "sum"


@runtime_checkable
class TellsFit(Protocol):
    """Says what it was fitted on."""

    @property
    def fitted_on(self) -> FittedOn | None:
        """Rows, columns and labels of the fit; None before it."""
        ...


@runtime_checkable
class MatchesPrior(Protocol):
    """Brings the mean probability of each label to a share, one that it is told if it has none."""

    def with_default_target(self, shares: Sequence[float]) -> Self:
        """A copy that is not fitted, with these shares if none were given to it."""
        ...


@runtime_checkable
class Settling(Protocol):
    """Can round what it has learnt, so that scores that differ in their last digits alone, as those
    of other batches do, come to the same.
    """

    def settle(self) -> None:
        """Round the fitted numbers."""
        ...


@runtime_checkable
class Calibrator(Protocol):
    """Maps scores to calibrated probabilities.

    The same normalisation over a label's tokens holds in `fit` and in `transform`: a calibrator
    that is given `LabelScores` reads them by its own `normalise`.
    """

    @property
    def fits_on(self) -> FitsOn:
        """Which inputs the calibrator is fitted on; a constant of the class where it can be."""
        ...

    @property
    def fitted(self) -> bool:
        """Whether `fit` was called, or a fitted state loaded."""
        ...

    def fit(self, scores: Scores, labels: ArrayLike | None = None) -> Self:
        """Learn from scores, shape (n, C).

        Args:
            scores: Of what `fits_on` says.
            labels: True columns, shape (n,), for those that fit on labels; others take none.

        Raises:
            DataError: There are no rows, a score is NaN or every score of a row is minus infinity,
                the shapes do not fit, or labels are missing or given in vain.
        """
        ...

    def transform(self, scores: Scores) -> NDArray[float64]:
        """Probabilities, shape (n, C); each row sums to one.

        Raises:
            DataError: Not fitted, or the scores have another number of columns.
        """
        ...

    def to_dict(self) -> dict[str, Any]:
        """Name, options, fitted numbers and what they were fitted on, as plain JSON data.

        `llmal.calibration.from_dict` makes a calibrator of it that transforms exactly alike.
        """
        ...
