"""No two labels for one text: picks that are near a labelled item or each other are replaced."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Usage, total
from llmal.embed.chunks import chunks
from llmal.errors import ConfigError
from llmal.selectors.options import check_least
from llmal.selectors.picking import highest
from llmal.selectors.protocol import Selection, Selector, Utilities, UtilitySelector
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import Wrapper, called, highest_of, no_higher_than_before

_log = logging.getLogger("llmal.selectors")

_OVERASK = 10
"""Candidates for each pick, where the utilities of all are known and more of them are free."""

_BLOCK = 512
"""Candidates that are compared with each other at once."""

_ROUNDING = 1e-6
"""Of cosines of float32 vectors: copies stay copies at a threshold of one."""


@dataclass(frozen=True)
class NearDuplicates(Wrapper):
    """Refuse picks whose cosine to a labelled item or to an earlier pick reaches the threshold.

    The picks of the selector inside are gone through, best first. What is refused is replaced: by
    the next best of a selector that has utilities; else the selector is asked again for what is
    missing, from the items that are left once those near what caused a refusal are taken out. Where
    no distinct item is left, or the selector was asked `asks` times, the best refused ones
    fill the rest: `why` says so, and the log warns.

    Only candidates are compared with labelled items and picks, and all items only with those that
    caused a refusal: O((k L + U r) d) for U unlabelled and L labelled items, k picks and r
    such causes, never all with all. An embedding of zeros has no direction, and is near nothing.

    Score: the inner selector's, no higher than that of the pick before.

    Args:
        selector: Picks.
        threshold: Lowest cosine of near-duplicates; above 0, up to 1 (copies).
        asks: Most times that a selector without utilities is asked.

    Raises:
        ConfigError: An argument is out of range.
    """

    name = "near_duplicates"

    selector: Selector
    threshold: float = 0.95
    asks: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.threshold <= 1:
            raise ConfigError(
                f"near_duplicates: threshold is {self.threshold}", fix="above 0, at most 1"
            )
        check_least(self, asks=1)

    @property
    def reads(self) -> frozenset[Signal]:
        """The embeddings."""
        return frozenset({"embeddings"})

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick k items, distinct as far as there are any."""
        k = self._check_request(state, k)
        ranked = (
            self.selector.utilities(state, rng)
            if isinstance(self.selector, UtilitySelector)
            else None
        )
        sieve = _Sieve(state, self.threshold - _ROUNDING, frozenset(state.labelled.tolist()))
        left = np.arange(len(state.unlabelled))
        usage = Usage() if ranked is None else ranked.usage
        asked = 0
        while len(left) and len(sieve.kept) < k and (ranked is not None or asked < self.asks):
            missing = k - len(sieve.kept)
            if ranked is not None:
                rows, proposed = _next_best(state, ranked, left, missing * _OVERASK, rng)
            else:
                within = state if len(left) == len(state.unlabelled) else state.among(left)
                proposed = self.selector.select(within, min(missing, len(left)), rng)
                rows = np.searchsorted(state.unlabelled, proposed.indices)
                usage += proposed.usage
            sieve.put(rows, proposed, k)
            asked += 1
            left = np.setdiff1d(left, rows, assume_unique=True)
            if len(sieve.kept) < k:
                left = sieve.away_from_causes(left)

        missing = k - len(sieve.kept)
        if missing:
            _log.warning(
                "near_duplicates: %s; %d of %d picks are near-duplicates",
                "no more distinct items are left"
                if not len(left)
                else f"{called(self.selector)} was asked {asked} times",
                missing,
                k,
            )
        picks = [*sieve.kept, *sieve.refused[:missing]]
        return Selection(
            state.unlabelled[[one.row for one in picks]],
            no_higher_than_before(np.array([one.score for one in picks])),
            [one.why for one in picks],
            usage,
        )

    def _highest(self, state: RoundState, k: int) -> Usage:
        """What one ask can cost at most, times the asks; one, if the selector has utilities."""
        once = highest_of(self.selector, state, k)
        times = 1 if isinstance(self.selector, UtilitySelector) else self.asks
        return total([once] * times)


@dataclass(frozen=True)
class _Candidate:
    row: int
    score: float
    why: str


@dataclass
class _Sieve:
    """What was kept and refused so far, and the positions of what refused it."""

    state: RoundState
    threshold: float
    labelled: frozenset[int]
    kept: list[_Candidate] = field(default_factory=list)
    refused: list[_Candidate] = field(default_factory=list)
    causes: set[int] = field(default_factory=set)

    def put(self, rows: NDArray[np.int64], proposed: Selection, k: int) -> None:
        """Go through candidates, best first, until k are kept; refuse those near others."""
        for start in range(0, len(rows), _BLOCK):
            self._put_block(rows, proposed, start, min(start + _BLOCK, len(rows)), k)

    def _put_block(
        self, rows: NDArray[np.int64], proposed: Selection, start: int, end: int, k: int
    ) -> None:
        state = self.state
        positions = state.unlabelled[rows[start:end]]
        vectors = _unit(state.embeddings[positions])
        nearest = np.full(len(positions), -np.inf, dtype=np.float32)
        cause = np.full(len(positions), -1, dtype=np.int64)
        picked = state.unlabelled[[one.row for one in self.kept]]
        for others in (state.labelled, picked):
            for part in chunks(len(others), max(vectors.shape)):
                cosines = vectors @ _unit(state.embeddings[others[part]]).T
                _note_nearer(nearest, cause, cosines, others[part])
        among = vectors @ vectors.T
        for i in range(len(positions)):
            if len(self.kept) == k:
                return
            place = start + i
            why = str(proposed.why[place])
            refused = nearest[i] >= self.threshold
            if refused:
                whom = "a labelled item" if int(cause[i]) in self.labelled else "another pick"
                why += f"; cosine {nearest[i]:.3f} to {whom}, but no distinct item was found"
                self.causes.add(int(cause[i]))
            found = _Candidate(int(rows[place]), float(proposed.scores[place]), why)
            (self.refused if refused else self.kept).append(found)
            if not refused:
                _note_nearer(nearest, cause, among[:, i : i + 1], positions[i : i + 1])

    def away_from_causes(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those rows that are near nothing that has refused others since this was last asked."""
        if not self.causes:
            return rows
        causes = _unit(self.state.embeddings[sorted(self.causes)])
        self.causes.clear()
        far = np.empty(len(rows), dtype=np.bool_)
        for part in chunks(len(rows), max(causes.shape)):
            vectors = self.state.embeddings[self.state.unlabelled[rows[part]]]
            # Dividing the vectors takes several times as long as all the rest.
            far[part] = (vectors @ causes.T).max(axis=1) < self.threshold * _lengths(vectors)
        return rows[far]


def _next_best(
    state: RoundState,
    ranked: Utilities,
    left: NDArray[np.int64],
    count: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], Selection]:
    values = ranked.values[left]
    best = highest(values, min(count, len(left)), rng)
    rows = left[best]
    why = [ranked.why(row) for row in rows.tolist()]
    return rows, Selection(state.unlabelled[rows], values[best], why)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / _lengths(rows)[:, None])


def _lengths(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shape (n,), above zero also for a row of zeros, which then stays one when divided."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.asarray(np.maximum(lengths, np.finfo(np.float32).tiny))


def _note_nearer(
    nearest: NDArray[np.float32],
    cause: NDArray[np.int64],
    cosines: NDArray[np.float32],
    positions: NDArray[np.int64],
) -> None:
    """Raise the highest cosine of each row, and note the position that it belongs to."""
    best = cosines.argmax(axis=1)
    values = cosines[np.arange(len(cosines)), best]
    higher = values > nearest
    nearest[higher] = values[higher]
    cause[higher] = positions[best[higher]]
