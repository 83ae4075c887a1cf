"""Beginnings of an order that pass one after the other, whichever of their items were audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError
from llmal.guarantee.audit import allowed_wrong
from llmal.guarantee.passing_times import passing_times

_STEPS = 20
"""In how many steps beginnings grow to the whole order."""


@dataclass(frozen=True)
class Start:
    """Where a walk down the order begins.

    Attributes:
        share: Of the order, above 0: the first beginning that is tested.
        spends: The share of alpha that this walk may spend.
    """

    share: float
    spends: float


STARTS = (Start(0.25, 0.95), Start(0.05, 0.05))
"""A quarter first, which takes few labels where labels are good; where a quarter is too much, the
surest twentieth."""


def check_starts(starts: Sequence[Start]) -> None:
    """Refuse starts that are none, or that spend more than alpha.

    Raises:
        ConfigError: What is wrong with them.
    """
    sound = all(0 < one.share <= 1 and 0 < one.spends <= 1 for one in starts)
    if not starts or not sound or sum(one.spends for one in starts) > 1 + 1e-12:
        raise ConfigError(
            "the starts "
            + ", ".join(f"({s.share:g}, {s.spends:g})" for s in starts)
            + " do not do",
            fix="give shares of the order and of alpha, above 0, those of alpha 1 in all at most",
        )


@dataclass(frozen=True)
class Stage:
    """How it stands with one beginning.

    Attributes:
        size: How many items it has.
        times: After how many draws 0, 1, 2, … errors pass.
        drawn: How many of its draws people have labelled, without a gap.
        errors: How many of these were wrong.
        passed: Whether it has passed.
        failed: Whether more are wrong than may be.
    """

    size: int
    times: tuple[int, ...]
    drawn: int
    errors: int
    passed: bool
    failed: bool


class Beginnings:
    """Which beginnings of an order have passed, by the items that people have labelled of it.

    One permutation of the places of the order is drawn. Restricted to a beginning it is a uniform
    draw from that without replacement, so that one label counts for every beginning that has its
    item. A beginning is judged by its first draws up to the first that nobody has labelled.

    Args:
        drawn: The permutation, shape (M,).
        epsilon: The share of wrong ones that a beginning may have.
        alpha: With what probability one that has more may be reached.
        most: How many labels people may give.
        starts: Where walks begin.
    """

    def __init__(
        self,
        drawn: NDArray[np.int64],
        *,
        epsilon: float,
        alpha: float,
        most: int,
        starts: Sequence[Start],
    ) -> None:
        check_starts(starts)
        self.starts = tuple(starts)
        self._drawn = drawn
        self._epsilon = epsilon
        self._alpha = alpha
        self._most = most
        self._draws: dict[int, NDArray[np.int64]] = {}

    def sizes(self, start: int) -> list[int]:
        """The beginnings of the walk from a start, the shortest first."""
        rest = len(self._drawn)
        first = min(rest, max(1, round(self.starts[start].share * rest)))
        return sorted({*range(first, rest, max(1, rest // _STEPS)), rest} - {0})

    def draws(self, size: int) -> NDArray[np.int64]:
        """The places of a beginning in order of draw, shape (size,)."""
        if size not in self._draws:
            self._draws[size] = self._drawn[self._drawn < size]
        return self._draws[size]

    def stage(
        self, start: int, size: int, asked: NDArray[np.bool_], wrong: NDArray[np.bool_]
    ) -> Stage:
        """How it stands with a beginning in the walk from a start.

        Args:
            start: Which walk.
            size: How many items it has.
            asked: Which places people have labelled, shape (M,).
            wrong: Which of them were wrong, shape (M,).
        """
        allowed = allowed_wrong(self._epsilon, size)
        level = self._alpha * self.starts[start].spends
        times = passing_times(size, allowed, self._most, level)
        draws = self.draws(size)
        gaps = ~asked[draws]
        drawn = int(gaps.argmax()) if gaps.any() else size
        errors = np.concatenate([[0], np.cumsum(wrong[draws[:drawn]])])
        reached = [time for time in times if time <= drawn]
        passed = any(errors[time] <= count for count, time in enumerate(reached))
        return Stage(size, times, drawn, int(errors[-1]), passed, bool(errors[-1] > allowed))

    def walk(
        self, start: int, asked: NDArray[np.bool_], wrong: NDArray[np.bool_]
    ) -> tuple[Stage | None, Stage | None]:
        """The longest beginning that was reached from a start, and the one that comes next.

        Either is None where there is none.
        """
        reached = None
        for size in self.sizes(start):
            stage = self.stage(start, size, asked, wrong)
            if not stage.passed:
                return reached, stage
            reached = stage
        return reached, None
