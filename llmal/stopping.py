"""When a run has learnt enough: rules over the metrics of its rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from llmal.calibration.measures import wilson_interval
from llmal.errors import ConfigError
from llmal.registry import Registry

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


REGISTRY = Registry(
    "stopping",
    {
        "plateau": "llmal.stopping:Plateau",
        "target_accuracy": "llmal.stopping:TargetAccuracy",
        "entropy_settled": "llmal.stopping:EntropySettled",
        "agreement_settled": "llmal.stopping:AgreementSettled",
    },
)


def _series(history: Sequence[Metrics], name: str) -> list[float]:
    return [float(one[name]) for one in history if one.get(name) is not None]


def _at_least_one(rule: str, rounds: int) -> None:
    if rounds < 1:
        raise ConfigError(f"{rule} over {rounds} rounds says nothing", fix="use 1 or more")


def _not_negative(rule: str, tolerance: float) -> None:
    if not tolerance >= 0:
        raise ConfigError(f"{rule} has a tolerance of {tolerance}", fix="use 0 or more")


def _moved(by: float, tolerance: float) -> bool:
    """Whether a figure moved at all, and by the tolerance; sums of decimals may miss by a bit."""
    return by > 0 and by >= tolerance - 1e-12
