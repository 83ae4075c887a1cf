"""A calibrator for each label by itself, where an item takes several."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.calibration.fittable import FittedOn, Saved, describe
from llmal.calibration.protocol import (
    Calibrator,
    FitsOn,
    LabelNaming,
    MatchesPrior,
    Scores,
    Settling,
)
from llmal.calibration.scores import refuse_labels
from llmal.errors import ConfigError, DataError

log = logging.getLogger("llmal.calibration")


class PerLabel:
    """Fits a copy of a calibrator on the yes and no of every label.

    Scores are log-odds of yes against no, shape (n, C); probabilities are those of yes, each column
    its own. A label that has only yes or only no among labelled rows is left as it is.

    `PriorMatching` without a target brings the mean probability of each label to its share of the
    items: without `shares` to 1 / C, so that an item has one label on average. One half, which it
    takes for yes and no, would give an item half of all labels; so does `Batch`.

    Args:
        calibrator: Not fitted; what is copied for each label.
        shares: C shares of the items that have each label, between 0 and 1.

    Raises:
        ConfigError: The calibrator is fitted, or a share is out of range.
    """

    name: ClassVar[str] = "per-label"

    def __init__(self, calibrator: Calibrator, shares: Sequence[float] | None = None) -> None:
        if calibrator.fitted:
            raise ConfigError(
                "a calibrator that is fitted cannot be fitted on each label",
                fix="give one that is not fitted yet",
            )
        for share in () if shares is None else shares:
            if not (isinstance(share, float) and 0 < share < 1):
                raise ConfigError(
                    f"the share of items with a label is {share}",
                    fix="give a number between 0 and 1 for each label",
                )
        self.calibrator = calibrator
        self.shares = None if shares is None else tuple(float(one) for one in shares)
        self.fitted_on: FittedOn | None = None
        self.source: dict[str, Any] = {}
        self._columns: list[Calibrator | None] = []
        self._labels: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"PerLabel({self.calibrator!r})"

    @property
    def fits_on(self) -> FitsOn:
        """What `fit` must be given scores of."""
        return self.calibrator.fits_on

    @property
    def inputs(self) -> Any:
        """What a calibrator that makes its own inputs asks about."""
        made: Any = self.calibrator
        return made.inputs

    @property
    def fitted(self) -> bool:
        """Whether `fit` was called, or a fitted state loaded."""
        return bool(self._columns)

    def name_labels(self, labels: Sequence[str]) -> None:
        """Say what the columns are called, for messages."""
        self._labels = tuple(labels)

    def fit(self, scores: Scores, labels: ArrayLike | None = None) -> Self:
        """Learn from log-odds, shape (n, C).

        Args:
            scores: Of what `fits_on` says.
            labels: 1 where a label holds, shape (n, C), for those that fit on labels.

        Raises:
            DataError: There are no rows, a score is NaN, or labels are missing or given in vain.
        """
        odds = _odds(scores)
        if not len(odds):
            raise DataError(f"the {self.name} calibrator was given no rows", fix="give some")
        truth = self._truth(labels, odds.shape)
        shares = self._shares_of(odds.shape[1])
        self._columns = []
        alone: list[int] = []
        for column in range(odds.shape[1]):
            own = None if truth is None else 1 - truth[:, column]
            if own is not None and len(np.unique(own)) < 2:
                alone.append(column)
                self._columns.append(None)
                continue
            made = copy.deepcopy(self.calibrator)
            if isinstance(made, MatchesPrior):
                made = made.with_default_target((shares[column], 1 - shares[column]))
            if isinstance(made, LabelNaming):
                made.name_labels(("yes", "no"))
            self._columns.append(made.fit(_yes_no(odds[:, column]), own))
        if alone:
            log.warning(
                "%d of %d labels are not calibrated, as all labelled items or none have them: %s",
                len(alone),
                odds.shape[1],
                ", ".join(self._called(column) for column in alone),
            )
        counts = None if truth is None else tuple(int(n) for n in truth.sum(axis=0))
        self.fitted_on = FittedOn(len(odds), odds.shape[1], counts)
        self.source = {}
        return self

    def _shares_of(self, labels: int) -> tuple[float, ...]:
        if self.shares is None:
            # Of a single label nothing is known; of several one holds on average.
            return (1 / max(labels, 2),) * labels
        if len(self.shares) != labels:
            raise DataError(
                f"there are {len(self.shares)} shares of labels, and the scores have {labels} "
                "labels",
                fix="give one for each label",
            )
        return self.shares

    def _called(self, column: int) -> str:
        return repr(self._labels[column]) if self._labels else f"number {column + 1}"

    def _truth(self, labels: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.int64] | None:
        if self.fits_on != "labels":
            refuse_labels(labels, self.name)
            return None
        if labels is None:
            raise DataError(
                f"the {self.name} calibrator learns from labels and was given none",
                fix="give 1 for each label that holds, and 0 for the others",
            )
        truth = np.asarray(labels)
        if truth.shape != shape or not np.isin(truth, (0, 1)).all():
            raise DataError(
                f"labels of shape {truth.shape} stand beside scores of shape {shape}",
                fix="give 0 or 1 for each label of each row",
            )
        return truth.astype(np.int64)

    def transform(self, scores: Scores) -> NDArray[np.float64]:
        """Probabilities of yes, shape (n, C).

        Raises:
            DataError: Not fitted, or the scores have another number of columns.
        """
        from scipy.special import expit

        if not self._columns:
            raise DataError(f"the {self.name} calibrator is not fitted", fix="call fit first")
        odds = _odds(scores)
        if odds.shape[1] != len(self._columns):
            raise DataError(
                f"the {self.name} calibrator was fitted on {len(self._columns)} labels, and these "
                f"scores have {odds.shape[1]}",
                fix="fit it anew for these labels",
            )
        result = np.empty_like(odds)
        for column, one in enumerate(self._columns):
            own = odds[:, column]
            result[:, column] = (
                expit(own) if one is None or not len(own) else one.transform(_yes_no(own))[:, 0]
            )
        return result

    def scores_of(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds."""
        from scipy.special import logit

        return np.asarray(logit(probabilities))

    def settle(self) -> None:
        """Round the fitted numbers of every label, where that can be."""
        for column in self._columns:
            made: object = column
            if isinstance(made, Settling):
                made.settle()

    def to_dict(self) -> dict[str, Any]:
        """The calibrator of each label with its fitted numbers, as plain JSON data."""
        options: dict[str, Any] = {"calibrator": self.calibrator.to_dict()}
        if self.shares is not None:
            options["shares"] = list(self.shares)
        columns = [None if column is None else column.to_dict() for column in self._columns]
        state = {"columns": columns} if self._columns else None
        return describe(self.name, self.fits_on, options, state, self.fitted_on, self.source)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` described.

        Raises:
            DataError: Something is missing or is not what it should be.
        """
        from llmal.calibration.storage import from_dict

        content = Saved.read(data, cls.name)
        options = content.options
        made = cls(from_dict(options.get("calibrator")), options.get("shares"))
        content.hand_over(made)
        if content.state is not None:
            columns = content.state.get("columns")
            if not isinstance(columns, list) or not columns:
                raise DataError("the fitted calibrators of the labels are missing")
            made._columns = [None if column is None else from_dict(column) for column in columns]
        return made


def _odds(scores: Any) -> NDArray[np.float64]:
    """Log-odds as a table of numbers.

    Raises:
        DataError: They are none, or hold NaN.
    """
    try:
        odds = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the scores are not a table of numbers ({error})", fix="give log-odds, (rows, labels)"
        ) from error
    if odds.ndim != 2 or not odds.shape[1]:
        raise DataError(f"scores of shape {odds.shape} are not a table (rows, labels)")
    if np.isnan(odds).any():
        row = int(np.flatnonzero(np.isnan(odds).any(axis=1))[0])
        raise DataError(
            f"row {row} of the scores (counted from 0) holds a score that is NaN",
            fix="look at what the language model answered there",
        )
    return odds


def _yes_no(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-probabilities of yes and no, shape (n, 2)."""
    from scipy.special import log_expit

    return np.stack([log_expit(odds), log_expit(-odds)], axis=1)
