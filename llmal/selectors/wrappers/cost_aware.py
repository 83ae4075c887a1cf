"""Utility per cost: for pools in which some items cost much more to label than others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError, SelectionError
from llmal.selectors.picking import most_useful
from llmal.selectors.protocol import Selection, Utilities, UtilitySelector
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import Wrapper

_TEXTS_AT_ONCE = 10_000


@dataclass(frozen=True)
class CostAware(Wrapper):
    """Divide a utility by what the label of the item costs: the "return on investment" of Haertel
    et al., 2008, "Return on investment for active learning" [recall].

    Utility: u / cost^power for u >= 0, and u * cost^power for u < 0. A negative utility that
    was divided would gain from a higher cost. Multiplied, of two items of the same utility the
    cheaper is ahead on both sides of zero, of two of the same cost the more useful, and the unit
    of the costs changes no order. A shift to a lowest value of zero would keep these, too, but
    let one item of the pool decide how much cost weighs for all others. Ratios mean most where a
    utility of zero means no use, as in margin, entropy or BALD.

    Costs are the round's, or, with `price` or `price_per_word`, price + price_per_word * words of
    the text, divided at white space and at least one.

    Args:
        selector: Gives the utilities.
        price: Of a label, whatever its text.
        price_per_word: Of reading the text. With neither price, the round's costs.
        power: How much cost weighs: 0 not at all, 1 in full.

    Raises:
        ConfigError: A price or `power` is out of range, the price is the same for all items, or
            the selector has no utilities.
    """

    name = "cost_aware"

    selector: UtilitySelector
    price: float | None = None
    price_per_word: float = 0.0
    power: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_utilities(self.selector)
        given = {
            "price": self.price or 0.0,
            "price_per_word": self.price_per_word,
            "power": self.power,
        }
        for option, value in given.items():
            if not 0 <= value < np.inf:
                raise ConfigError(f"cost_aware: {option} is {value}", fix="zero or more")
        if self.price is not None and not self.price_per_word:
            raise ConfigError(
                "cost_aware: without price_per_word, the price is the same for all items",
                fix="give price_per_word, or leave out both to use the costs of the round",
            )

    @property
    def reads(self) -> frozenset[Signal]:
        """The round's costs, or the texts to tell them from."""
        return frozenset({"texts" if self.price_per_word else "costs"})

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """The utility of each item for its cost."""
        inner = self.selector.utilities(state, rng)
        costs = self._costs(state)
        values = np.asarray(inner.values, dtype=np.float64)
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            weights = costs**self.power
            worth = np.where(values < 0, values * weights, values / weights)
        if not np.isfinite(worth).all():
            raise SelectionError(
                f"costs from {costs.min():g} to {costs.max():g} to the power of {self.power:g} "
                "are too far apart to divide by",
                fix="use a lower power",
            )

        def why(row: int) -> str:
            return f"{inner.why(row)}, at a cost of {costs[row]:.4g}"

        return Utilities(worth, why, inner.usage)

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the k items of the highest utility for their cost."""
        k = self._check_request(state, k)
        return most_useful(state, self.utilities(state, rng), k, rng)

    def _costs(self, state: RoundState) -> NDArray[np.float64]:
        if not self.price_per_word:
            return state.costs
        words = np.empty(len(state.unlabelled))
        for start in range(0, len(words), _TEXTS_AT_ONCE):
            part = slice(start, start + _TEXTS_AT_ONCE)
            words[part] = [len(one.text.split()) for one in state.items(state.unlabelled[part])]
        return np.asarray((self.price or 0.0) + self.price_per_word * np.maximum(words, 1))
