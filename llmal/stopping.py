"""When a run has learnt enough: rules over the metrics of its rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from llmal.calibration.measures import wilson_interval
from llmal.core.registry import Registry
from llmal.errors import ConfigError
from llmal.statistics.learning_curve import FEWEST_POINTS, LearningCurve

Metrics = Mapping[str, Any]


@runtime_checkable
class StoppingRule(Protocol):
    """Looks at the metrics of the finished rounds and says whether to stop."""

    needs: str
    """The metric that it reads."""

    def reason(self, history: Sequence[Metrics]) -> str | None:
        """Why the run should stop now, or None to go on.

        Args:
            history: Metrics of the finished rounds, oldest first. Rules skip rounds that lack
                what they read.
        """
        ...


@dataclass(frozen=True)
class Plateau:
    """Stops when the test accuracy has not risen by `tolerance` for `rounds` rounds."""

    rounds: int = 3
    tolerance: float = 0.002
    needs: str = "accuracy"

    def __post_init__(self) -> None:
        _at_least_one("plateau", self.rounds)
        _not_negative("plateau", self.tolerance)

    def reason(self, history: Sequence[Metrics]) -> str | None:
        """Compare the best of the last rounds with the best before them."""
        values = _series(history, self.needs)
        if len(values) <= self.rounds:
            return None
        before, recent = max(values[: -self.rounds]), max(values[-self.rounds :])
        if _moved(recent - before, self.tolerance):
            return None
        return (
            f"plateau: accuracy has not risen by {self.tolerance:g} over {self.rounds} rounds "
            f"(best before {before:.3f}, since {recent:.3f})"
        )


@dataclass(frozen=True)
class TargetAccuracy:
    """Stops when the lower bound of the test accuracy reaches a target.

    The bound is the one-sided Wilson bound at 95 %, so that a lucky draw on a small test set does
    not end the run.
    """

    accuracy: float = 0.9
    needs: str = "accuracy"

    def __post_init__(self) -> None:
        if not 0 < self.accuracy < 1:
            raise ConfigError(
                f"the target accuracy is {self.accuracy}",
                fix="it must be between 0 and 1; no finite test set proves an accuracy of 1",
            )

    def reason(self, history: Sequence[Metrics]) -> str | None:
        """Look at the last round that was tested."""
        tested = [
            one
            for one in history
            if one.get("accuracy") is not None and one.get("test_items") is not None
        ]
        if not tested:
            return None
        accuracy, n = float(tested[-1]["accuracy"]), int(tested[-1]["test_items"])
        # The lower end of a two-sided 90 % interval is a one-sided bound at 95 %.
        bound = wilson_interval(round(accuracy * n), n, level=0.90)[0]
        if bound < self.accuracy:
            return None
        return (
            f"target: accuracy {accuracy:.3f} on {n} test items, at least {bound:.3f} with 95 % "
            f"confidence, reaches {self.accuracy:g}"
        )


@dataclass(frozen=True)
class EntropySettled:
    """Stops when the learner's mean entropy on the pool has not fallen for `rounds` rounds."""

    rounds: int = 3
    tolerance: float = 0.005
    needs: str = "mean_entropy"

    def __post_init__(self) -> None:
        _at_least_one("entropy_settled", self.rounds)
        _not_negative("entropy_settled", self.tolerance)

    def reason(self, history: Sequence[Metrics]) -> str | None:
        """Compare the lowest of the last rounds with the lowest before them."""
        values = _series(history, self.needs)
        if len(values) <= self.rounds:
            return None
        before, recent = min(values[: -self.rounds]), min(values[-self.rounds :])
        if _moved(before - recent, self.tolerance):
            return None
        return (
            f"entropy settled: it has not fallen by {self.tolerance:g} over {self.rounds} rounds "
            f"(lowest before {before:.3f}, since {recent:.3f})"
        )


@dataclass(frozen=True)
class AgreementSettled:
    """Stops when the learner's predictions hardly change: Cohen's kappa with the round before
    stays at or above `agreement` for `rounds` rounds (Bloodgood & Vijay-Shanker 2009).
    """

    rounds: int = 3
    agreement: float = 0.99
    needs: str = "agreement"

    def __post_init__(self) -> None:
        _at_least_one("agreement_settled", self.rounds)
        if not 0 <= self.agreement <= 1:
            raise ConfigError(
                f"agreement_settled waits for a kappa of {self.agreement}",
                fix="use one from 0 to 1",
            )

    def reason(self, history: Sequence[Metrics]) -> str | None:
        """Look at the last rounds."""
        values = _series(history, self.needs)[-self.rounds :]
        if len(values) < self.rounds or min(values) < self.agreement:
            return None
        return (
            f"agreement settled: predictions agree with the round before at kappa "
            f"{min(values):.3f} or more over {self.rounds} rounds"
        )


@dataclass(frozen=True)
class GainBelowCost:
    """Stops when the accuracy that the next round would bring is worth less than its labels cost.

    What it would bring is read off the learning curve fitted to all rounds so far
    (`llmal.LearningCurve`), as the difference of two measured accuracies is mostly noise. A
    point of accuracy (0.01) is worth `labels_per_point` labels: the least that you would give for
    it. Speaks from `rounds` tested rounds on.
    """

    labels_per_point: float = 100.0
    rounds: int = 8
    needs: str = "accuracy"

    def __post_init__(self) -> None:
        _enough_to_fit("gain_below_cost", self.rounds)
        if not 0 < self.labels_per_point < float("inf"):
            raise ConfigError(
                f"gain_below_cost gives {self.labels_per_point} labels for a point of accuracy",
                fix="use a number above 0",
            )

    def reason(self, history: Sequence[Metrics]) -> str | None:
        """Compare the next round with the price of its labels."""
        labels, accuracy = _curve(history)
        if len(set(labels)) < self.rounds:
            return None
        step = sorted(set(labels))[-1] - sorted(set(labels))[-2]
        curve = LearningCurve.fit(labels, accuracy)
        now, then = curve.predict([max(labels), max(labels) + step]).tolist()
        worth = (then - now) * 100 * self.labels_per_point
        if worth >= step:
            return None
        return (
            f"gain below cost: the next {step:g} labels would bring {(then - now) * 100:.2f} "
            f"points of accuracy, which are worth {worth:.1f} labels"
        )


@dataclass(frozen=True)
class PredictedTarget:
    """Stops when the learning curve says that a target is reached, or never will be.

    Reached: the lower end of the curve's interval at the labels so far is at the target; all
    rounds speak for it, not only the last, as in `target_accuracy`, but the noise of the test set
    that they share is left out. Out of reach: the upper end of its interval at `labels` (at any
    number of labels, if None) is below the target. `level` is that of the two-sided interval; it is
    high by default, as measured curves scatter and rise in other ways than the interval allows for.
    The curve is PALM's (`llmal.LearningCurve`). Speaks from `rounds` tested rounds on.
    """

    accuracy: float = 0.9
    labels: int | None = None
    level: float = 0.99
    rounds: int = 8
    needs: str = "accuracy"

    def __post_init__(self) -> None:
        _enough_to_fit("predicted_target", self.rounds)
        for what, value in (("target accuracy", self.accuracy), ("level", self.level)):
            if not 0 < value < 1:
                raise ConfigError(
                    f"predicted_target has a {what} of {value}", fix="it must be between 0 and 1"
                )
        if self.labels is not None and self.labels < 1:
            raise ConfigError(
                f"predicted_target looks ahead to {self.labels} labels", fix="use 1 or more"
            )

    def reason(self, history: Sequence[Metrics]) -> str | None:
        """Fit the curve to all rounds, and look at it here and at the end."""
        labels, accuracy = _curve(history)
        if len(set(labels)) < self.rounds:
            return None
        curve = LearningCurve.fit(labels, accuracy)
        most = max(labels)
        low = float(curve.predict_interval(most, self.level)[0])
        if low >= self.accuracy:
            return (
                f"predicted target: with {most:g} labels the learning curve is at "
                f"{float(curve.predict(most)):.3f}, at least {low:.3f}, and reaches "
                f"{self.accuracy:g}"
            )
        end = float("inf") if self.labels is None else max(self.labels, most)
        high = float(curve.predict_interval(end, self.level)[1])
        if high >= self.accuracy:
            return None
        by = "however many labels" if self.labels is None else f"with {end:g} labels"
        return (
            f"predicted target: {by}, the learning curve ends at "
            f"{float(curve.predict(end)):.3f}, at most {high:.3f}, and does not reach "
            f"{self.accuracy:g}"
        )


REGISTRY = Registry(
    "stopping",
    {
        "plateau": "llmal.stopping:Plateau",
        "target_accuracy": "llmal.stopping:TargetAccuracy",
        "entropy_settled": "llmal.stopping:EntropySettled",
        "agreement_settled": "llmal.stopping:AgreementSettled",
        "gain_below_cost": "llmal.stopping:GainBelowCost",
        "predicted_target": "llmal.stopping:PredictedTarget",
    },
)


def _series(history: Sequence[Metrics], name: str) -> list[float]:
    return [float(one[name]) for one in history if one.get(name) is not None]


def _curve(history: Sequence[Metrics]) -> tuple[list[float], list[float]]:
    """Labels and test accuracy of the rounds that have both."""
    tested = [
        one
        for one in history
        if one.get("accuracy") is not None and one.get("labelled") is not None
    ]
    return [float(one["labelled"]) for one in tested], [float(one["accuracy"]) for one in tested]


def _enough_to_fit(rule: str, rounds: int) -> None:
    if rounds < FEWEST_POINTS:
        raise ConfigError(
            f"{rule} after {rounds} rounds has too few points for a learning curve",
            fix=f"use {FEWEST_POINTS} or more",
        )


def _at_least_one(rule: str, rounds: int) -> None:
    if rounds < 1:
        raise ConfigError(f"{rule} over {rounds} rounds says nothing", fix="use 1 or more")


def _not_negative(rule: str, tolerance: float) -> None:
    if not tolerance >= 0:
        raise ConfigError(f"{rule} has a tolerance of {tolerance}", fix="use 0 or more")


def _moved(by: float, tolerance: float) -> bool:
    """Whether a figure moved at all, and by the tolerance; sums of decimals may miss by a bit."""
    return by > 0 and by >= tolerance - 1e-12
