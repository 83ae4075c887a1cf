"""What the calibrators share: a table of fitted numbers, and what they were fitted on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol, Self, get_args

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.protocol import FitsOn, Normalise, Scores
from llmal.calibration.scores import read_scores
from llmal.errors import ConfigError, DataError

FORMAT = 1
"""Of saved calibrators; raised when old ones cannot be read any more."""


@dataclass(frozen=True)
class FittedOn:
    """What a calibrator has learnt from.

    Attributes:
        rows: Rows of scores.
        columns: Labels, C.
        label_counts: Rows of each label, where labels were given.
    """

    rows: int
    columns: int
    label_counts: tuple[int, ...] | None = None


@dataclass(eq=False)
class Fittable:
    """A calibrator whose fitted state is a table of arrays.

    Attributes:
        normalise: How `LabelScores` of several tokens are read, by `fit` and `transform` alike.
        fitted_on: What it was fitted on; None before.
        source: Free notes on where the scores came from (the model's fingerprint, the prompt's
            key), saved beside the numbers. Set it after `fit`, which clears it.
    """

    name: ClassVar[str]
    """The name in the registry."""

    fits_on: ClassVar[FitsOn]
    """What `fit` must be given scores of."""

    layout: ClassVar[Mapping[str, str]]
    """The fitted arrays: the shape of each, one letter an axis. "C" is the number of labels, "n"
    anything."""

    normalise: Normalise = field(default="sum", kw_only=True)
    fitted_on: FittedOn | None = field(default=None, init=False, repr=False)
    source: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict, init=False, repr=False)
    _labels: tuple[str, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        check_normalise(self.normalise)

    @property
    def fitted(self) -> bool:
        """Whether `fit` was called, or a fitted state loaded."""
        return self.layout.keys() <= self._numbers.keys()

    def name_labels(self, labels: Sequence[str]) -> None:
        """Say what the columns are called, for messages."""
        self._labels = tuple(labels)

    def _called(self, columns: Iterable[int]) -> str:
        """Labels by name, where the names are known."""
        places = [int(column) for column in columns]
        if self._labels and max(places, default=0) < len(self._labels):
            return ", ".join(repr(self._labels[place]) for place in places)
        return ", ".join(f"number {place + 1}" for place in places)

    def to_dict(self) -> dict[str, Any]:
        """Name, options, fitted numbers and what they were fitted on, as plain JSON data."""
        given = {one.name: getattr(self, one.name) for one in fields(self) if one.init}
        return describe(
            self.name,
            self.fits_on,
            {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()},
            {key: self._numbers[key].tolist() for key in self.layout} if self.fitted else None,
            self.fitted_on if self.fitted else None,
            self.source,
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The calibrator that `to_dict` described.

        Raises:
            DataError: Something is missing or is not what it should be.
            ConfigError: An option has a value that it cannot have.
        """
        content = Saved.read(data, cls.name)
        if set(content.options) != {one.name for one in fields(cls) if one.init}:
            raise DataError(f"the options of the {cls.name} calibrator are missing or unknown")
        given: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in content.options.items()
        }
        try:
            made = cls(**given)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"an option of the {cls.name} calibrator is of the wrong type ({error})"
            ) from error
        content.hand_over(made)
        if content.state is not None:
            if made.fitted_on is None:
                raise DataError(f"the {cls.name} calibrator does not say what it was fitted on")
            made._numbers = {
                key: _array(content.state.get(key), shape, made.fitted_on.columns, key)
                for key, shape in cls.layout.items()
            }
            if not made._sound():
                raise DataError(f"the fitted numbers of the {cls.name} calibrator contradict it")
        return made

    def _keep(self, numbers: Mapping[str, Any], fitted_on: FittedOn) -> None:
        self._numbers = {k: np.asarray(v, dtype=np.float64) for k, v in numbers.items()}
        self.fitted_on = fitted_on
        self.source = {}

    def _sound(self) -> bool:
        """Whether numbers of the right shape are also possible ones."""
        return True

    def _number(self, key: str) -> NDArray[np.float64]:
        self._require_fitted()
        return self._numbers[key]

    def _require_fitted(self) -> None:
        if not self.fitted:
            raise DataError(f"the {self.name} calibrator is not fitted", fix="call fit first")

    def _read(self, scores: Scores) -> NDArray[np.float64]:
        self._require_fitted()
        matrix = read_scores(scores, self.normalise)
        assert self.fitted_on is not None
        if matrix.shape[1] != self.fitted_on.columns:
            raise DataError(
                f"the {self.name} calibrator was fitted on {self.fitted_on.columns} labels, and "
                f"these scores have {matrix.shape[1]}",
                fix="fit it anew for these labels",
            )
        return matrix


def check_normalise(normalise: str) -> None:
    """Refuse what is no way to compare labels of several tokens.

    Raises:
        ConfigError: It is none of sum, mean and first.
    """
    if normalise not in get_args(Normalise):
        raise ConfigError(f"there is no normalisation {normalise!r}", fix="use sum, mean or first")


def check_weight(value: float, option: str, name: str) -> None:
    """Refuse a penalty that is not a number above zero.

    Raises:
        ConfigError: It is not.
    """
    if not (isinstance(value, (int, float)) and 0 < value < float("inf")):
        raise ConfigError(
            f"the {option} of the {name} calibrator is {value!r}", fix="give a number above zero"
        )


class Restorable(Protocol):
    """Keeps what it was fitted on, and notes."""

    fitted_on: FittedOn | None
    source: dict[str, Any]


@dataclass(frozen=True)
class Saved:
    """What every saved calibrator holds, checked as far as it is the same for all.

    Attributes:
        options: What it was made with.
        state: What it has learnt; None if nothing.
        fitted_on: What from.
        source: Free notes.
    """

    options: Mapping[str, Any]
    state: Mapping[str, Any] | None
    fitted_on: FittedOn | None
    source: dict[str, Any]

    @classmethod
    def read(cls, data: Mapping[str, Any], name: str) -> Self:
        """What `describe` wrote of a calibrator of this name.

        Raises:
            DataError: A part is missing, or is not told as `describe` tells it.
        """
        options, state, source = data.get("options"), data.get("state"), data.get("source", {})
        if not isinstance(options, Mapping):
            raise DataError(f"the options of the {name} calibrator are missing or unknown")
        if not (state is None or isinstance(state, Mapping)):
            raise DataError(f"what the {name} calibrator has learnt is not a mapping")
        if not isinstance(source, Mapping):
            raise DataError("the source of the calibrator is not a mapping")
        return cls(options, state, _read_fitted_on(data), dict(source))

    def hand_over(self, made: Restorable) -> None:
        """Give a calibrator that was made anew what it was fitted on, and the notes."""
        made.fitted_on, made.source = self.fitted_on, dict(self.source)


def describe(
    name: str,
    fits_on: FitsOn,
    options: Mapping[str, Any],
    state: Mapping[str, Any] | None,
    fitted_on: FittedOn | None,
    source: Mapping[str, Any],
) -> dict[str, Any]:
    """The form in which every calibrator is saved."""
    told: dict[str, Any] = {"fits_on": fits_on}
    if fitted_on is not None:
        counts = fitted_on.label_counts
        told |= {
            "rows": fitted_on.rows,
            "columns": fitted_on.columns,
            "label_counts": None if counts is None else list(counts),
        }
    return {
        "calibrator": name,
        "format": FORMAT,
        "options": dict(options),
        "state": None if state is None else dict(state),
        "fitted_on": told,
        "source": dict(source),
    }


def _read_fitted_on(data: Mapping[str, Any]) -> FittedOn | None:
    """What a saved calibrator was fitted on; None if it was not fitted.

    Raises:
        DataError: It is not told as `describe` tells it.
    """
    told = data.get("fitted_on")
    if not isinstance(told, Mapping):
        raise DataError("it is not said what the calibrator was fitted on")
    if "rows" not in told:
        return None
    rows, columns, counts = (told.get(key) for key in ("rows", "columns", "label_counts"))
    numbers = [rows, columns, *(counts if isinstance(counts, list) else [])]
    if not (counts is None or isinstance(counts, list)) or not all(
        isinstance(number, int) and number >= 0 for number in numbers
    ):
        raise DataError("what the calibrator was fitted on is not told in whole numbers")
    assert isinstance(rows, int)
    assert isinstance(columns, int)
    return FittedOn(rows, columns, None if counts is None else tuple(counts))


def label_counts(truth: NDArray[np.int64], columns: int) -> tuple[int, ...]:
    """Rows of each label."""
    counts: Sequence[int] = np.bincount(truth, minlength=columns).tolist()
    return tuple(counts)


def _array(values: Any, shape: str, columns: int, key: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"the fitted {key} of the calibrator are not numbers") from error
    right = array.ndim == len(shape) and all(
        letter == "n" or size == columns for letter, size in zip(shape, array.shape, strict=False)
    )
    if values is None or not right or not np.isfinite(array).all():
        raise DataError(f"the fitted {key} of the calibrator do not fit {columns} labels")
    return array
