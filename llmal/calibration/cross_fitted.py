"""Cross-fitting: calibrated probabilities of rows that a calibrator has not learnt from."""

from __future__ import annotations

import copy
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
    Scores,
    TellsFit,
    normalise_of,
)
from llmal.calibration.scores import read_fitting_scores, read_labels
from llmal.errors import ConfigError, DataError


class CrossFitted:
    """A calibrator whose own rows can be judged: `fit_transform` gives each from the other folds.

    `fit` fits it on all rows, and `transform`, which is for other rows, uses that fit.

    Args:
        calibrator: What to fit; each fold fits a copy of it.
        folds: How many.
        seed: Of the draw of the folds.

    Raises:
        ConfigError: There are fewer than two folds, or the calibrator is fitted already.
    """

    name: ClassVar[str] = "cross-fitted"

    def __init__(self, calibrator: Calibrator, folds: int = 5, seed: int = 0) -> None:
        if folds < 2:
            raise ConfigError(f"{folds} folds were asked for", fix="ask for at least two")
        if calibrator.fitted:
            raise ConfigError(
                "the calibrator to cross-fit is fitted already, so it may know the rows",
                fix="give a fresh one",
            )
        self.calibrator = calibrator
        self.folds = folds
        self.seed = seed
        self.fitted_on: FittedOn | None = None
        self.source: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"CrossFitted({self.calibrator!r}, folds={self.folds}, seed={self.seed})"

    @property
    def fits_on(self) -> FitsOn:
        """Which inputs the calibrator is fitted on."""
        return self.calibrator.fits_on

    @property
    def normalise(self) -> Normalise:
        """How `LabelScores` are read: as the calibrator reads them."""
        return normalise_of(self.calibrator)

    @property
    def fitted(self) -> bool:
        """Whether it was fitted on all rows."""
        return self.calibrator.fitted

    def name_labels(self, labels: Sequence[str]) -> None:
        """Say what the columns are called, for messages."""
        if isinstance(self.calibrator, LabelNaming):
            self.calibrator.name_labels(labels)

    def fit(self, scores: Scores, labels: ArrayLike | None = None) -> Self:
        """Fit on all rows.

        Raises:
            DataError: As the calibrator's.
        """
        self.calibrator.fit(scores, labels)
        inner = self.calibrator
        self.fitted_on = inner.fitted_on if isinstance(inner, TellsFit) else None
        self.source = {}
        return self

    def fit_transform(self, scores: Scores, labels: ArrayLike | None = None) -> NDArray[np.float64]:
        """Probabilities of these rows, shape (n, C), each from a fit on the other folds.

        Rows of each label are spread evenly over the folds. Then it is fitted on all rows.

        Raises:
            DataError: There are fewer rows than folds, or as the calibrator's.
        """
        matrix = read_fitting_scores(scores, self.normalise, self.name, self.fits_on)
        rows, columns = matrix.shape
        truth = None
        if self.fits_on == "labels" or labels is not None:
            truth = read_labels(labels, rows, columns, self.name)
        fold = self.assign(np.zeros(rows, dtype=np.int64) if truth is None else truth)
        result = np.empty((rows, columns))
        for number in range(self.folds):
            inside = fold == number
            one = copy.deepcopy(self.calibrator)
            one.fit(matrix[~inside], None if truth is None else truth[~inside])
            result[inside] = one.transform(matrix[inside])
        self.fit(scores, labels)
        return result

    def transform(self, scores: Scores) -> NDArray[np.float64]:
        """Probabilities of other rows, shape (n, C), from the fit on all.

        Raises:
            DataError: As the calibrator's.
        """
        return self.calibrator.transform(scores)

    def assign(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """The fold of each row, shape (n,): rows of a label are dealt out in random order.

        Raises:
            DataError: There are fewer rows than folds.
        """
        rows = len(labels)
        if rows < self.folds:
            raise DataError(
                f"{rows} rows are too few for {self.folds} folds", fix="ask for fewer folds"
            )
        drawn = np.random.default_rng(self.seed).permutation(rows)
        # Dealt on from label to label, so that the folds are of equal size too.
        dealt = drawn[np.argsort(labels[drawn], kind="stable")]
        fold = np.empty(rows, dtype=np.int64)
        fold[dealt] = np.arange(rows) % self.folds
        return fold

    def to_dict(self) -> dict[str, Any]:
        """The options and the calibrator with its fitted numbers, as plain JSON data."""
        options = {"folds": self.folds, "seed": self.seed}
        state = {"calibrator": self.calibrator.to_dict()}
        return describe(self.name, self.fits_on, options, state, self.fitted_on, self.source)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The calibrator that `to_dict` described.

        Raises:
            DataError: Something is missing or is not what it should be.
        """
        from llmal.calibration.storage import from_dict

        content = Saved.read(data, cls.name)
        folds, seed = content.options.get("folds"), content.options.get("seed")
        if not (isinstance(folds, int) and isinstance(seed, int) and folds >= 2):
            raise DataError("the folds of the cross-fitting are not told in whole numbers")
        made = cls.__new__(cls)
        made.calibrator = from_dict((content.state or {}).get("calibrator"))
        made.folds, made.seed = folds, seed
        content.hand_over(made)
        return made
