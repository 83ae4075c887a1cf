"""Refuses texts in another script or language than the pool's."""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import SyntheticItem
from llmal.errors import ConfigError
from llmal.generators.filters.texts import Texts, text_chunks
from llmal.pool.text_keys import fold

_MOST_TEXTS = 5_000
_FEWEST_TEXTS = 50
_LEAST_LETTERS = 10
_PARTS = 5
_STRENGTH = 5.0


class Language:
    """Refuses what is written unlike the pool: in other letters, or in other sequences of them.

    What the language is comes from the pool itself, so no model of languages is needed, and a pool
    of tweets, of two languages or of chemistry sets its own measure. Each run of three characters
    is judged by how often the third follows the other two in the pool (with back-off to shorter
    contexts), and a text by the mean log-probability of its runs, in units of how far texts of its
    length stray. The limit is a quantile of the pool's own texts, each judged by counts that it had
    no part in. Which language a text is in, this does not say.

    Args:
        pool: Texts as they should be, up to 5,000 of which are read.
        quantile: Share of the pool's own texts that are stranger than the limit.
        script: A text is refused if the share of its letters in scripts that make up less than one
            in a hundred of the pool's letters is above this.
        seed: For which texts of the pool are read.

    Raises:
        ConfigError: A share is not between 0 and 1, or the pool has fewer than 50 texts.
    """

    name = "language"

    def __init__(
        self,
        pool: Texts,
        *,
        quantile: float = 0.02,
        script: float = 0.3,
        seed: int = 0,
    ) -> None:
        for what, value in (("quantile", quantile), ("script", script)):
            if not 0 < value < 1:
                raise ConfigError(f"{what} is {value}", fix="it must be between 0 and 1")
        if len(pool) < _FEWEST_TEXTS:
            raise ConfigError(
                f"the filter language learns from the pool, which has {len(pool)} texts",
                fix=f"give at least {_FEWEST_TEXTS}, or leave the filter out",
            )
        self.quantile = quantile
        self.script = script
        self._pool = pool
        self._seed = seed
        self._profile: _Profile | None = None

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """For each item how far its letters are from the pool's."""
        if not items:
            return []
        if self._profile is None:
            self._profile = _Profile(self._read(), self.quantile)
        return [self._reason(item.text, self._profile) for item in items]

    def _read(self) -> list[str]:
        rng = np.random.default_rng([self._seed, _MOST_TEXTS])
        count = len(self._pool)
        drawn = {*rng.choice(count, min(count, _MOST_TEXTS), replace=False).tolist()}
        texts = (text for chunk in text_chunks(self._pool) for text in chunk)
        return [text for row, text in enumerate(texts) if row in drawn]

    def _reason(self, text: str, profile: _Profile) -> str | None:
        scripts = _scripts(text)
        letters = scripts.total()
        strange = {one: n for one, n in scripts.items() if profile.scripts.get(one, 0) < 0.01}
        share = sum(strange.values()) / letters if letters else 0.0
        if share > self.script:
            most = max(strange, key=lambda one: (strange[one], one))
            return (
                f"{share:.0%} of its letters are in scripts that the pool is not written in, "
                f"most {most.title()}"
            )
        if letters < _LEAST_LETTERS:
            return None
        distance = profile.distance(text)
        if distance >= profile.limit:
            return None
        return (
            f"its sequences of letters are unlike the pool's: {distance:.1f}, where "
            f"{1 - self.quantile:.1%} of the pool has at least {profile.limit:.1f}"
        )


class _Profile:
    """What sequences of characters texts are made of, and how far they stray from it."""

    def __init__(self, texts: Sequence[str], quantile: float) -> None:
        from scipy.optimize import nnls

        self.scripts = _shares(sum(map(_scripts, texts), Counter()))
        runs = [_runs(text) for text in texts]
        parts = [_Counts(runs[part::_PARTS]) for part in range(_PARTS)]
        self._counts = functools.reduce(_Counts.plus, parts)
        held = []
        for part in range(_PARTS):
            rest = functools.reduce(
                _Counts.plus, [one for number, one in enumerate(parts) if number != part]
            )
            held += [rest.scores(one) for one in runs[part::_PARTS] if one]
        means = np.array([scores.mean() for scores in held])
        counts = np.array([len(scores) for scores in held])
        self._mean = float(np.average(means, weights=counts))
        # Texts differ from one another, and the shorter they are the more their means stray.
        columns = np.stack([np.ones(len(counts)), 1 / counts], axis=1)
        (between, within), _ = nnls(columns, (means - self._mean) ** 2)
        self._variances = float(between) + 1e-12, float(within)
        self.limit = float(np.quantile(self._strayed(means, counts), quantile))

    def _strayed(
        self, means: NDArray[np.float64], counts: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        between, within = self._variances
        return np.asarray((means - self._mean) / np.sqrt(between + within / counts))

    def distance(self, text: str) -> float:
        """Mean log-probability of a text against that of the pool, in standard deviations."""
        scores = self._counts.scores(_runs(text))
        if not len(scores):
            return 0.0
        return float(self._strayed(np.array([scores.mean()]), np.array([len(scores)]))[0])


class _Counts:
    """How often characters follow one and two others."""

    def __init__(self, texts: Sequence[Sequence[str]] = ()) -> None:
        self._three = Counter(run for text in texts for run in text)
        self._settle()

    def plus(self, other: _Counts) -> _Counts:
        joined = _Counts()
        joined._three = self._three + other._three
        joined._settle()
        return joined

    def _settle(self) -> None:
        self._context: Counter[str] = Counter()
        self._two: Counter[str] = Counter()
        self._before: Counter[str] = Counter()
        self._one: Counter[str] = Counter()
        for run, count in self._three.items():
            self._context[run[:2]] += count
            self._two[run[1:]] += count
            self._before[run[1]] += count
            self._one[run[2]] += count
        self._total = self._three.total()

    def scores(self, runs: Sequence[str]) -> NDArray[np.float64]:
        """Log-probability of the third character of each run, Dirichlet-smoothed twice."""
        return np.log([self._probability(run) for run in runs])

    def _probability(self, run: str) -> float:
        single = (self._one[run[2]] + 1 / len("abcdefghijklmnopqrstuvwxyz")) / (self._total + 2)
        pair = (self._two[run[1:]] + _STRENGTH * single) / (self._before[run[1]] + _STRENGTH)
        return (self._three[run] + _STRENGTH * pair) / (self._context[run[:2]] + _STRENGTH)


def _runs(text: str) -> list[str]:
    """Runs of three characters of the words of a text, with a space around each word."""
    letters = "".join(one if one.isalpha() else " " for one in fold(text))
    padded = f"  {' '.join(letters.split())} "
    return [padded[n : n + 3] for n in range(len(padded) - 2)] if letters.strip() else []


def _scripts(text: str) -> Counter[str]:
    return Counter(_script(one) for one in text if one.isalpha())


@functools.lru_cache(maxsize=65_536)
def _script(letter: str) -> str:
    """The first word of the name of a character, which is its script."""
    return unicodedata.name(letter, "UNKNOWN").split()[0].split("-")[0]


def _shares(counts: Counter[str]) -> dict[str, float]:
    total = counts.total() or 1
    return {one: count / total for one, count in counts.items()}
