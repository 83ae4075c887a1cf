"""Calibrators one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.calibration.fittable import FittedOn, Saved, describe
from llmal.calibration.protocol import (
    Calibrator,
    FitsOn,
    LabelNaming,
    Normalise,
    OtherScores,
    Scores,
    TellsFit,
    normalise_of,
)
from llmal.calibration.scores import log_of, read_scores, refuse_labels
from llmal.errors import ConfigError, DataError


def scores_for(calibrator: Calibrator, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The scores that a calibrator gets from the probabilities of the one before it."""
    if isinstance(calibrator, OtherScores):
        return calibrator.scores_of(probabilities)
    return log_of(probabilities)


class Chain:
    """Each calibrator is given the logarithm of the probabilities that came out of the one before.

    Calibrators that are fitted when the chain is made stay as they are; `fit` fits the others in
    turn. So a prior that was found without labels can be corrected first, and a map fitted on
    labels can follow:

        Chain(Contextual().fit(content_free), Temperature()).fit(scores, labels)

    The scores are read by the `normalise` of the first.

    Args:
        calibrators: At least one. Those still to be fitted must all be fitted on the same kind of
            scores; scores of labelled texts will also do for one that is fitted on the pool.

    Raises:
        ConfigError: There is none, or those to be fitted need different scores.
    """

    name: ClassVar[str] = "chain"

    def __init__(self, *calibrators: Calibrator) -> None:
        if not calibrators:
            raise ConfigError("a chain needs at least one calibrator")
        self.calibrators = calibrators
        self._kept = tuple(calibrator.fitted for calibrator in calibrators)
        self._check()
        self.fitted_on: FittedOn | None = None
        self.source: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"Chain({', '.join(map(repr, self.calibrators))})"

    def _check(self) -> None:
        kinds = {one.fits_on for one in self._open()}
        if len(kinds) > 1 and kinds != {"pool", "labels"}:
            raise ConfigError(
                "the chain has calibrators to fit that need different scores "
                f"({', '.join(sorted(kinds))})",
                fix="fit the first before you put it into the chain",
            )

    def _open(self) -> list[Calibrator]:
        return [one for one, kept in zip(self.calibrators, self._kept, strict=True) if not kept]

    @property
    def fits_on(self) -> FitsOn:
        """Which inputs the calibrator is fitted on."""
        kinds = [one.fits_on for one in self._open() or self.calibrators]
        return "labels" if "labels" in kinds else kinds[-1]

    @property
    def normalise(self) -> Normalise:
        """How `LabelScores` are read: as the first calibrator reads them."""
        return normalise_of(self.calibrators[0])

    @property
    def fitted(self) -> bool:
        """Whether all calibrators are."""
        return all(calibrator.fitted for calibrator in self.calibrators)

    def name_labels(self, labels: Sequence[str]) -> None:
        """Say what the columns are called, for messages."""
        for calibrator in self.calibrators:
            if isinstance(calibrator, LabelNaming):
                calibrator.name_labels(labels)

    def fit(self, scores: Scores, labels: ArrayLike | None = None) -> Self:
        """Fit what was not fitted when the chain was made, in turn.

        Raises:
            DataError: There is nothing to fit, or a calibrator cannot use what is given.
        """
        if not self._open():
            raise DataError(
                "every calibrator of this chain is fitted already", fix="call transform"
            )
        if self.fits_on != "labels":
            refuse_labels(labels, self.name)
        current: Scores = scores
        last = len(self.calibrators) - 1
        for position, (one, kept) in enumerate(zip(self.calibrators, self._kept, strict=True)):
            if not kept:
                one.fit(current, labels if one.fits_on == "labels" else None)
            if position < last:
                current = scores_for(self.calibrators[position + 1], one.transform(current))
        fits = [one.fitted_on for one in self._open() if isinstance(one, TellsFit)]
        rows, columns = read_scores(scores, self.normalise).shape
        counts = [fit.label_counts for fit in fits if fit is not None and fit.label_counts]
        self.fitted_on = FittedOn(rows, columns, counts[-1] if counts else None)
        self.source = {}
        return self

    def transform(self, scores: Scores) -> NDArray[np.float64]:
        """Probabilities, shape (n, C).

        Raises:
            DataError: A calibrator is not fitted, or the scores are not usable.
        """
        probabilities = self.calibrators[0].transform(scores)
        for calibrator in self.calibrators[1:]:
            probabilities = calibrator.transform(scores_for(calibrator, probabilities))
        return probabilities

    def to_dict(self) -> dict[str, Any]:
        """All calibrators with their fitted numbers, as plain JSON data."""
        options = {"kept": list(self._kept)}
        state = {"calibrators": [calibrator.to_dict() for calibrator in self.calibrators]}
        return describe(self.name, self.fits_on, options, state, self.fitted_on, self.source)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The chain that `to_dict` described.

        Raises:
            DataError: Something is missing or is not what it should be.
        """
        from llmal.calibration.storage import from_dict

        content = Saved.read(data, cls.name)
        kept, inner = content.options.get("kept"), (content.state or {}).get("calibrators")
        if not (isinstance(kept, list) and isinstance(inner, list) and len(kept) == len(inner)):
            raise DataError("the calibrators of the chain are missing")
        made = cls(*(from_dict(one) for one in inner))
        made._kept = tuple(bool(one) for one in kept)
        made._check()
        content.hand_over(made)
        return made
