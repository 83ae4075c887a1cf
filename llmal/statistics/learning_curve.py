"""The shape of a learning curve: from a few rounds to the labels that a target will take."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import ConfigError, DataError

FEWEST_POINTS = 5
_FLOOR = 1e-8
"""The authors' least base of the power: below -alpha batches the model has no value."""
_LOG_RATE = (-300.0, 3.0)
"""Of -ln(1 - delta); the upper end keeps delta below one by more than a rounding error."""
_ALPHA_HIGH, _BETA_HIGH = 1000.0, 100.0
_STARTS = 4

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LearningCurve:
    """PALM: accuracy after B labels, A(B) = A_max · (1 − (1 − δ)^((B/b + α)^β)).

    Fitted by least squares with A_max and δ in [0, 1], from the best of a grid of starts. Four
    parameters on a handful of rounds are seldom well determined: curves that agree on the rounds
    seen part ways beyond them. So every prediction has an interval: the range over all curves whose
    squared error E is at most E_min · (1 + F / (n − 4)), F the quantile of the F distribution with
    1 and n − 4 degrees of freedom (the profile-likelihood interval). With five points it is very
    wide. It allows for independent noise about a PALM curve. Rounds of one run share their labels
    and their test set, and real curves go on rising where PALM's level off: measured accuracy at
    twice the labels falls out of the 90 % interval of many points more often than one time in ten
    (see the results page). Its ends come from descents that start from the best of thousands of
    such curves.

    Source: Machnio et al., 2025, "To label or not to label: PALM", and the authors' code. That fits
    from one start, lets α be anything above −1000 (then the model may be flat at zero up to a
    point), and gives no uncertainty; here α is no less than minus the first point.

    Attributes:
        a_max: Accuracy that labels without end would reach.
        delta: Coverage of one batch.
        alpha: Head start, in batches.
        beta: Scalability: below one, each batch adds less and less.
        batch: b, labels in a batch. It scales delta and alpha; predictions do not depend on it.
        labels: Shape (n,): the labels of the points fitted.
        accuracy: Shape (n,): their accuracy.
    """

    a_max: float
    delta: float
    alpha: float
    beta: float
    batch: float
    labels: Array = field(repr=False, compare=False)
    accuracy: Array = field(repr=False, compare=False)

    @classmethod
    def fit(cls, labels: ArrayLike, accuracy: ArrayLike, *, batch: float | None = None) -> Self:
        """Fit to the rounds of one run, or of several runs together.

        Args:
            labels: Shape (n,): the number of labels at each point, in any order.
            accuracy: Shape (n,): the accuracy there, from 0 to 1.
            batch: b; by default the median step between numbers of labels.

        Raises:
            DataError: There are fewer than five different numbers of labels, or something is no
                number of labels or no accuracy.
            ConfigError: The batch is not above zero.
        """
        counts, values = _points(labels, accuracy)
        distinct = np.unique(counts)
        if len(distinct) < FEWEST_POINTS:
            raise DataError(
                f"a learning curve has four parameters, and there are {len(distinct)} different "
                "numbers of labels",
                fix=f"fit it once there are {FEWEST_POINTS}",
            )
        step = float(np.median(np.diff(distinct))) if batch is None else float(batch)
        if not 0 < step < np.inf:
            raise ConfigError(f"batch is {batch}", fix="it must be above 0")
        a_max, log_rate, alpha, beta = _fit(counts / step, values).tolist()
        return cls(
            a_max,
            float(-np.expm1(-np.exp(log_rate))),
            alpha,
            beta,
            batch=step,
            labels=counts,
            accuracy=values,
        )

    def predict(self, labels: ArrayLike) -> Array:
        """Accuracy after so many labels, in the shape of `labels`."""
        x = np.asarray(labels, dtype=np.float64) / self.batch
        return np.asarray(self.a_max * _shape(x, _rate(self.delta), self.alpha, self.beta))

    def predict_interval(self, labels: ArrayLike, level: float = 0.9) -> tuple[Array, Array]:
        """Lower and upper end for the curve itself; measured accuracies scatter around it.

        Raises:
            ConfigError: The level is not between 0 and 1.
        """
        x = np.asarray(labels, dtype=np.float64) / self.batch
        near = self._near(level)
        low, high = np.empty(x.shape), np.empty(x.shape)
        for place in np.ndindex(x.shape):
            low[place], high[place] = near.range_of(_height(float(x[place])))
        return low, high

    def labels_for(self, target: float) -> float:
        """B*: labels at which the curve reaches an accuracy; infinite where it never does.

        Zero where it is above the target from the first label on.

        Raises:
            ConfigError: The target is not between 0 and 1.
        """
        _check_target(target)
        one = (np.array([v]) for v in (self.a_max, _rate(self.delta), self.alpha, self.beta))
        return float(self.batch * _batches(target, *one)[0])

    def labels_for_interval(self, target: float, level: float = 0.9) -> tuple[float, float]:
        """Lower and upper end of `labels_for`; either may be infinite.

        Raises:
            ConfigError: The target or the level is not between 0 and 1.
        """
        _check_target(target)
        near = self._near(level)
        # Curves that stay below the target are infinitely far away, from which nothing descends.
        if near.range_of(_height(np.inf))[1] <= target:
            return np.inf, np.inf
        low, high = near.range_of(_way(target))
        if near.range_of(_height(np.inf))[0] <= target:
            high = np.inf
        # Measured as ln(1 + batches).
        return float(self.batch * np.expm1(low)), float(self.batch * np.expm1(high))

    @property
    def residual(self) -> float:
        """Root mean square of measured minus fitted accuracy, over n − 4 degrees of freedom."""
        apart = self.accuracy - self.predict(self.labels)
        return float(np.sqrt((apart**2).sum() / (len(apart) - 4)))

    def _near(self, level: float) -> _Near:
        from scipy.stats import f

        if not 0 < level < 1:
            raise ConfigError(f"the level is {level}", fix="it must be between 0 and 1")
        freedom = len(self.labels) - 4
        x = self.labels / self.batch
        own = np.array([self.a_max, _log(_rate(self.delta)), self.alpha, self.beta])
        least = min(self.residual**2 * freedom, *(float(grid.error.min()) for grid in self._grids))
        most = least * (1 + float(f.ppf(level, 1, freedom)) / freedom)
        kept = [grid.within(most) for grid in self._grids]
        return _Near(x, self.accuracy, most, np.vstack([own, *kept]))

    @cached_property
    def _grids(self) -> tuple[_Grid, _Grid]:
        x = self.labels / self.batch
        own = np.array([self.a_max, _log(_rate(self.delta)), self.alpha, self.beta])
        return _Grid.everywhere(x, self.accuracy, fine=True), _Grid.around(x, self.accuracy, own)


def _points(labels: ArrayLike, accuracy: ArrayLike) -> tuple[Array, Array]:
    counts, values = (np.asarray(one, dtype=np.float64) for one in (labels, accuracy))
    if counts.ndim != 1 or counts.shape != values.shape:
        raise DataError(
            f"a learning curve has labels of shape {counts.shape} and accuracies of shape "
            f"{values.shape}",
            fix="give one accuracy for each number of labels",
        )
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise DataError("a number of labels is negative or not finite")
    if not ((values >= 0) & (values <= 1)).all():
        worst = values[int(np.argmin((values >= 0) & (values <= 1)))]
        raise DataError(f"an accuracy is {worst:g}", fix="it must be from 0 to 1, not in percent")
    return counts, values


def _check_target(target: float) -> None:
    if not 0 < target < 1:
        raise ConfigError(f"the target accuracy is {target}", fix="it must be between 0 and 1")


def _rate(delta: float) -> float:
    """−ln(1 − δ): A = A_max · (1 − exp(−rate · (x + α)^β))."""
    return float(-np.log1p(-delta))


def _log(rate: float) -> float:
    return float(np.log(rate)) if rate > 0 else _LOG_RATE[0]


def _shape(x: ArrayLike, rate: ArrayLike, alpha: ArrayLike, beta: ArrayLike) -> Array:
    """The curve without A_max."""
    rates = np.asarray(rate, dtype=np.float64)
    # Infinitely many labels, and 0 · inf where the rate is zero and labels change nothing.
    with np.errstate(over="ignore", invalid="ignore"):
        power = np.maximum(np.add(x, alpha), _FLOOR) ** np.asarray(beta)
        return np.asarray(-np.expm1(-np.where(rates > 0, rates * power, 0.0)))


def _batches(target: float, a_max: Array, rate: Array, alpha: Array, beta: Array) -> Array:
    found = np.full(len(a_max), np.inf)
    can = (a_max > target) & (rate > 0) & (beta > 0)
    with np.errstate(over="ignore"):
        share = -np.log1p(-target / a_max[can]) / rate[can]
        found[can] = np.maximum(share ** (1 / beta[can]) - alpha[can], 0)
    return found


Thetas = NDArray[np.float64]
"""Shape (m, 4): A_max, ln of the rate, alpha, beta."""

Figure = tuple[Callable[[Thetas], Array], Callable[[Array], Array]]
"""Something about each of m curves, shape (m,), and its slopes by the parameters of one, (4,)."""


def _height(x: float) -> Figure:
    """Accuracy after x batches."""

    def values(thetas: Thetas) -> Array:
        a_max, log_rate, alpha, beta = thetas.T
        return np.asarray(a_max * _shape(x, np.exp(log_rate), alpha, beta))

    def slopes(theta: Array) -> Array:
        if np.isinf(x):
            return np.array([1.0, 0.0, 0.0, 0.0])
        return np.asarray(_value_and_slopes(np.array([x]), theta)[1][0])

    return values, slopes


def _way(target: float) -> Figure:
    """ln(1 + batches) to an accuracy."""

    def values(thetas: Thetas) -> Array:
        a_max, log_rate, alpha, beta = thetas.T
        return np.asarray(np.log1p(_batches(target, a_max, np.exp(log_rate), alpha, beta)))

    def slopes(theta: Array) -> Array:
        x = float(np.expm1(values(theta[None])[0]))
        # From A(x; theta) = target, where the slope by x is that by alpha.
        by = _value_and_slopes(np.array([x]), theta)[1][0]
        return np.asarray(-by / max(by[2], 1e-12) / (1 + x))

    return values, slopes


@dataclass(frozen=True)
class _Near:
    """The curves whose squared error is at most `most`.

    Attributes:
        x: Shape (n,), in batches.
        values: Shape (n,): accuracy.
        most: Of the sum of squared errors.
        thetas: Some of them, from all over.
    """

    x: Array
    values: Array
    most: float
    thetas: Thetas

    def range_of(self, figure: Figure) -> tuple[float, float]:
        """Least and largest of a figure over the curves: from the best known, downhill."""
        known = figure[0](self.thetas)
        low, high = int(known.argmin()), int(known.argmax())
        return (
            self._further(figure, float(known[low]), self.thetas[low], 1.0),
            self._further(figure, float(known[high]), self.thetas[high], -1.0),
        )

    def _further(self, figure: Figure, known: float, theta: Array, sign: float) -> float:
        from scipy.optimize import minimize

        value, slopes = figure
        if not np.isfinite(known) or self.most < 1e-12:
            return known
        low, high = _bounds(self.x)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a step outside the bounds, clipped
            found = minimize(
                lambda one: sign * float(value(one[None])[0]),
                theta,
                jac=lambda one: sign * slopes(one),
                bounds=np.stack([low, high], axis=1),
                constraints={
                    "type": "ineq",
                    "fun": lambda one: 1 - self._error(one)[0] / self.most,
                    "jac": lambda one: -self._error(one)[1] / self.most,
                },
                method="SLSQP",
                options={"maxiter": 100, "ftol": 1e-7},
            )
            better = float(value(found.x[None])[0])
            allowed = self._error(found.x)[0] <= self.most * (1 + 1e-4)
        improves = np.isfinite(better) and sign * better < sign * known
        return better if allowed and improves else known

    def _error(self, theta: Array) -> tuple[float, Array]:
        fitted, slopes = _value_and_slopes(self.x, theta)
        apart = fitted - self.values
        return float(apart @ apart), np.asarray(2 * apart @ slopes)


@dataclass(frozen=True)
class _Grid:
    """Curves over a range of parameters, each with the A_max of least squares.

    Attributes:
        rest: Shape (G, 3): ln of the rate, alpha and beta.
        a_max: Shape (G,), in [0, 1].
        squares: Shape (G,): sum of squares of the curve without A_max, by which the error grows
            with the square of the distance to the best A_max.
        error: Shape (G,): sum of squared errors.
    """

    rest: Array
    a_max: Array
    squares: Array
    error: Array

    @classmethod
    def of(cls, x: Array, values: Array, alphas: Array, betas: Array, reached: Array) -> _Grid:
        """All combinations.

        Args:
            x: Shape (n,), in batches.
            values: Shape (n,): accuracy.
            alphas: Head starts.
            betas: Powers.
            reached: Exponents in the middle of x, of which 1 - exp(-reached) is the share of A_max.
        """
        alpha, beta, done = (one.ravel() for one in np.meshgrid(alphas, betas, reached))
        middle = np.maximum(np.median(x) + alpha, _FLOOR)
        rate = np.clip(np.log(done) - beta * np.log(middle), *_LOG_RATE)
        curves = _shape(x, np.exp(rate)[:, None], alpha[:, None], beta[:, None])
        squares = np.maximum((curves**2).sum(axis=1), 1e-300)
        a_max = np.clip(curves @ values / squares, 0, 1)
        curves *= -a_max[:, None]
        curves += values
        return cls(
            np.stack([rate, alpha, beta], axis=1),
            a_max,
            squares,
            np.einsum("ij,ij->i", curves, curves),
        )

    @classmethod
    def everywhere(cls, x: Array, values: Array, *, fine: bool = False) -> _Grid:
        """Coarse, to start a descent from, or fine, to see what else would do."""
        first = x.min()
        # Of x + alpha at the first point.
        heads = np.geomspace(0.01, 100, 9 if fine else 7)
        return cls.of(
            x,
            values,
            heads - first,
            np.geomspace(0.05, 6, 17 if fine else 9),
            np.geomspace(0.02, 8, 29 if fine else 9),
        )

    @classmethod
    def around(cls, x: Array, values: Array, theta: Array) -> _Grid:
        """Dense about a fit, which is one of its curves, and sparse far from it."""
        _, log_rate, alpha, beta = theta
        head = max(x.min() + alpha, 1e-3)
        middle = max(float(np.median(x)) + alpha, _FLOOR)
        reached = np.exp(np.clip(log_rate + beta * np.log(middle), -20, 4))
        return cls.of(
            x,
            values,
            np.clip(head * _factors(0.03, 4.0, 6) - x.min(), -x.min(), _ALPHA_HIGH),
            np.clip(max(beta, 1e-3) * _factors(0.01, 2.0, 8), 0, _BETA_HIGH),
            reached * _factors(0.003, 3.0, 10),
        )

    def within(self, most: float) -> Thetas:
        """Curves of an error of at most `most`, each with the lowest and the highest A_max."""
        slack = most - self.error
        kept = slack >= 0
        reach = np.sqrt(slack[kept] / self.squares[kept])
        ends = [np.clip(self.a_max[kept] + sign * reach, 0, 1) for sign in (-1, 1)]
        return np.vstack([np.column_stack([end, self.rest[kept]]) for end in ends])

    def starts(self, count: int) -> Thetas:
        """The `count` of least error, as rows of A_max, ln of the rate, alpha, beta."""
        best = np.argsort(self.error, kind="stable")[:count]
        return np.column_stack([self.a_max[best], self.rest[best]])


def _factors(least: float, most: float, each_way: int) -> Array:
    """The powers of e of 0 and of ±`least` to ±`most`, in geometric steps."""
    steps = np.geomspace(least, most, each_way)
    return np.asarray(np.exp(np.concatenate([-steps[::-1], [0.0], steps])))


def _bounds(x: Array) -> tuple[Array, Array]:
    low = np.array([0.0, _LOG_RATE[0], -x.min(), 0.0])
    return low, np.array([1.0, _LOG_RATE[1], _ALPHA_HIGH, _BETA_HIGH])


def _fit(x: Array, values: Array) -> Array:
    """Parameters A_max, ln of the rate, alpha, beta."""
    from scipy.optimize import least_squares

    low, high = _bounds(x)
    fits = [
        least_squares(
            lambda theta: _value_and_slopes(x, theta)[0] - values,
            np.clip(start, low + 1e-6, high - 1e-6),
            jac=lambda theta: _value_and_slopes(x, theta)[1],
            bounds=(low, high),
            x_scale=np.array([0.1, 1.0, 1.0, 0.3]),
            max_nfev=100,
        )
        for start in _Grid.everywhere(x, values).starts(_STARTS)
    ]
    return np.asarray(min(fits, key=lambda one: float(one.cost)).x)


def _value_and_slopes(x: Array, theta: Array) -> tuple[Array, Array]:
    a_max, log_rate, alpha, beta = theta
    base = np.maximum(x + alpha, _FLOOR)
    logs = np.log(base)
    done = np.exp(np.minimum(log_rate + beta * logs, 700.0))
    left = np.exp(-done)
    # The slope by ln(done), which the last three parameters share.
    inner = a_max * left * done
    slopes = np.stack([1 - left, inner, inner * beta / base, inner * logs], axis=1)
    return a_max * (1 - left), slopes
