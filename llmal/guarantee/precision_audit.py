"""An audit for accepted precision that asks people about the beginning that is in question."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import ConfigError, DataError
from llmal.guarantee.accepted_precision import precision_certificate
from llmal.guarantee.audit import check_audit, check_rates
from llmal.guarantee.beginnings import STARTS, Beginnings, Stage, Start
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.walk_forecast import Ahead, Outlook, look_ahead

_HOPELESS = 0.1
"""With less chance of a first beginning to pass, people are asked no more for it."""
_FIRST_DRAWS = 20
"""A first beginning is not given up with fewer."""
_DRAW, _LOOK = 0xA0D17, 0x100C


class PrecisionAudit:
    """Asks for labels where they count, and says which labels may stay at the wanted precision.

    The promise is that of `certify(mode="accepted_precision")`. A uniform audit of the whole order
    spends most of its labels where none can stay. Here beginnings of the order are tested one
    after the other, and people are asked about a uniform draw from the one that is in question,
    until it passes, cannot pass, or the labels it would take are worth more than what they may
    bring. Labels are used again for every longer beginning.

    It is a conversation in two verbs, and the same answers lead to the same questions:

        audit = PrecisionAudit(order, most=500, epsilon=0.05, seed=0)
        while len(positions := audit.ask()):
            audit.tell(machine[positions] != people_say(positions))
        certificate = audit.certificate()

    Fixed-sequence testing of beginnings (Bauer 1991; Jung et al. 2025), each by draws without
    replacement that may be looked at after every one (`passing_times`). Asking within the threshold
    in question is BARGAIN's idea (Zeighami, Shankar and Parameswaran 2025).

    Args:
        order: Positions of the M items that no person has labelled, most trusted first, ties
            broken; frozen before the first is asked for.
        most: How many labels people may give at most; fixed before, as the tests depend on it.
        epsilon: The share of wrong ones among what is accepted: 1 − precision.
        alpha: With what probability the promise may fail.
        seed: Draws the items.
        batch: How many items people are asked about at once.
        starts: Where walks down the order begin, and what share of alpha each may spend. A later
            one is taken where the one before it reaches nothing.

    Raises:
        ConfigError: A number is out of its range.
        DataError: The order is none.
    """

    def __init__(
        self,
        order: ArrayLike,
        *,
        most: int,
        epsilon: float = 0.05,
        alpha: float = 0.05,
        seed: int,
        batch: int = 10,
        starts: Sequence[Start] = STARTS,
    ) -> None:
        check_rates(epsilon, alpha)
        for name, value in (("most", most), ("batch", batch)):
            if value < 1:
                raise ConfigError(f"{name} is {value}", fix="give the number of labels, 1 or more")
        self._audit = check_audit(order, [], [])
        rest = len(self._audit.order)
        self._most, self._batch, self._seed = min(most, rest), batch, seed
        self._epsilon, self._alpha = epsilon, alpha
        rng = np.random.default_rng(np.random.SeedSequence([seed, _DRAW]))
        self._beginnings = Beginnings(
            rng.permutation(rest), epsilon=epsilon, alpha=alpha, most=self._most, starts=starts
        )
        self._asked = np.zeros(rest, np.bool_)
        self._wrong = np.zeros(rest, np.bool_)
        self._skipped = np.zeros(rest, np.bool_)
        self._places: list[int] = []
        self._start = 0
        self._waiting: NDArray[np.int64] | None = None

    def ask(self) -> NDArray[np.int64]:
        """The positions that people label next; none where the audit has ended.

        Until they are told the same are asked for.
        """
        if self._waiting is None:
            self._waiting = self._next()
        return np.asarray(self._audit.order[self._waiting])

    def tell(self, wrong: ArrayLike, skipped: ArrayLike | None = None) -> None:
        """Take what people say of the positions that were asked for, in that order.

        Args:
            wrong: Which labels are wrong, shape (asked,): a person says something else.
            skipped: Which ones the person could not label; they count as wrong.

        Raises:
            DataError: These are no answers to what was asked.
        """
        places = self._audit.places if self._waiting is None else self._waiting
        if self._waiting is None or not len(places):
            raise DataError("nothing was asked", fix="call ask() first, and tell what it asks for")
        known = check_audit(self._audit.order, self._audit.order[places], wrong, skipped=skipped,
                            planned=self._audit.order[places])  # fmt: skip
        self._asked[places] = True
        self._wrong[places] = known.wrong
        self._skipped[places] = known.skipped
        self._places += places.tolist()
        self._waiting = None

    def certificate(self) -> Certificate:
        """What may stay by the labels so far; it holds whenever people stop."""
        reached = self._reached()
        places = np.array(self._places, dtype=np.int64)
        order = self._audit.order
        audit = check_audit(
            order,
            order[places],
            self._wrong[places],
            skipped=self._skipped[places],
            planned=order[places],
        )
        return precision_certificate(
            audit,
            prefix=0 if reached is None else reached.size,
            drawn=0 if reached is None else reached.drawn,
            errors=0 if reached is None else reached.errors,
            epsilon=self._epsilon,
            alpha=self._alpha,
            kind="growing",
        )

    def _reached(self) -> Stage | None:
        """The longest beginning that any walk has reached."""
        found = [
            self._beginnings.walk(start, self._asked, self._wrong)[0]
            for start in range(len(self._beginnings.starts))
        ]
        return max((one for one in found if one is not None), key=_size, default=None)

    def _next(self) -> NDArray[np.int64]:
        left = self._most - len(self._places)
        nothing = np.zeros(0, dtype=np.int64)
        while left > 0:
            reached, stage = self._beginnings.walk(self._start, self._asked, self._wrong)
            if stage is not None and self._pays(reached, stage, left):
                # No more than it takes to pass if all of them are right.
                draws = self._beginnings.draws(stage.size)[: stage.times[stage.errors]]
                return draws[~self._asked[draws]][: min(self._batch, left)]
            if reached is not None or self._start + 1 == len(self._beginnings.starts):
                return nothing
            self._start += 1
        return nothing

    def _pays(self, reached: Stage | None, stage: Stage, left: int) -> bool:
        """Whether to ask on for a beginning."""
        if stage.errors >= len(stage.times):
            return False
        if reached is None and stage.drawn < _FIRST_DRAWS:
            return True
        outlook = self._look_ahead(reached, stage, left)
        return outlook.passes >= _HOPELESS if reached is None else outlook.gain > 0

    def _look_ahead(self, reached: Stage | None, stage: Stage, left: int) -> Outlook:
        further = [
            self._beginnings.stage(self._start, size, self._asked, self._wrong)
            for size in self._beginnings.sizes(self._start)
            if size > stage.size
        ]
        ahead = Ahead(
            0 if reached is None else reached.size,
            [stage, *further],
            self._beginnings.draws(stage.size),
            left,
            self._epsilon,
        )
        rng = np.random.default_rng([self._seed, _LOOK, len(self._places)])
        return look_ahead(ahead, self._asked, self._wrong, rng)


def _size(stage: Stage) -> int:
    return stage.size
