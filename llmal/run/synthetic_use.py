"""What becomes of the synthetic items of a run: what they weigh, and which are withdrawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import SyntheticItem
from llmal.core.words import counted
from llmal.errors import ConfigError
from llmal.run.held_out import HeldOut
from llmal.run.judgements import Judgement, LabelShare, batch_of

_WEIGHTS = (0.0, 0.1, 0.3, 1.0)
_LOOK_AGAIN = 1.5
"""A batch is looked at again when there are so many times as many labels by people."""
_LEAST_USED = 0.1


@dataclass(frozen=True)
class SyntheticUse:
    """How synthetic items are judged by labels that people gave.

    Each of these labels is predicted by a learner that was not shown it, with synthetic items and
    without, and the Brier scores are compared.

    Args:
        weight: What a synthetic item weighs in training beside an item of the pool; "auto" takes
            0, 0.1, 0.3 or 1, whichever gives the lowest score.
        folds: Parts of people's labels, each held out in turn.
        least_labels: Labels by people from which on there is a judgement.
        harm: A batch is withdrawn if the score without it is lower, by a one-sided paired t-test at
            this level; 0 withdraws none.
        patience: Nothing more is written when so many times in a row what was written brought no
            lower score; None for ever.
        check: Items of each batch that people are asked about in a file, `synthetic-check.csv`.
        least_right: A batch is withdrawn if people give a smaller share of its checked items the
            label that was asked for.

    Raises:
        ConfigError: A number is out of its range.
    """

    weight: float | Literal["auto"] = "auto"
    folds: int = 5
    least_labels: int = 10
    harm: float = 0.05
    patience: int | None = 3
    check: int = 0
    least_right: float = 0.5

    def __post_init__(self) -> None:
        for what, value, least in (
            ("folds", self.folds, 2),
            ("least_labels", self.least_labels, 4),
            ("check", self.check, 0),
            ("patience", 1 if self.patience is None else self.patience, 1),
        ):
            if value < least:
                raise ConfigError(f"{what} is {value}", fix=f"it must be at least {least}")
        for what, share in (("harm", self.harm), ("least_right", self.least_right)):
            if not 0 <= share < 1:
                raise ConfigError(f"{what} is {share}", fix="it must be at least 0 and below 1")
        if self.weight != "auto" and not 0 < self.weight <= 1:
            raise ConfigError(
                f"weight is {self.weight}", fix="it must be above 0 and at most 1, or 'auto'"
            )

    @property
    def unjudged(self) -> float:
        """What an item weighs while nothing can be judged."""
        return 1.0 if self.weight == "auto" else self.weight

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights that are tried, none first."""
        return _WEIGHTS if self.weight == "auto" else (0.0, self.weight)

    def judge(
        self,
        held_out: HeldOut,
        items: Sequence[SyntheticItem],
        number: int,
        before: Judgement | None,
        *,
        wrote: bool,
        refuted: Mapping[str, str],
    ) -> Judgement:
        """Judge what was written up to a round.

        Args:
            held_out: People's labels up to it.
            items: Accepted synthetic items that were not withdrawn.
            number: Of the round.
            before: The judgement before.
            wrote: Whether something was written in the round.
            refuted: Batches that people have found wrong, and why, by name.
        """
        before = before or Judgement(-1, self.unjudged)
        withdrawn = {**before.withdrawn, **refuted}
        standing = [one for one in items if batch_of(one) not in withdrawn]
        judgement = replace(
            before,
            round=number,
            weight=self.unjudged,
            withdrawn=withdrawn,
            synthetic=len(standing),
            people=0,
            used=0.0,
            accuracy=None,
            accuracy_without=None,
            brier=None,
            brier_without=None,
            by_label={},
            why_not=self._why_not(held_out),
        )
        if judgement.why_not:
            return judgement
        if standing:
            used = float(held_out.usable(standing).mean())
            if used < _LEAST_USED:
                return replace(judgement, used=used, why_not=_TOO_FEW_USED)
        standing, harmful, looked = self._without_harmful(held_out, standing, before.looked)
        withdrawn.update(harmful)
        used = float(held_out.usable(standing).mean()) if standing else 0.0
        judgement = replace(judgement, synthetic=len(standing), used=used, looked=looked)
        return self._weighed(held_out, standing, judgement, wrote=wrote)

    def can_judge(self, held_out: HeldOut) -> bool:
        """Whether there are enough labels by people."""
        return self._why_not(held_out) is None

    def _why_not(self, held_out: HeldOut) -> str | None:
        several = sum(count > 1 for count in held_out.counts.values())
        if len(held_out) >= self.least_labels and several > 1:
            return None
        given = counted(len(held_out), "label by people", "labels by people")
        return f"{given} so far; {self.least_labels}, and two each of two labels, are the least"

    def _without_harmful(
        self, held_out: HeldOut, standing: list[SyntheticItem], looked: Mapping[str, int]
    ) -> tuple[list[SyntheticItem], dict[str, str], dict[str, int]]:
        """What is left of the items without batches that do harm, those, and when each was looked
        at.
        """
        batches = list(dict.fromkeys(batch_of(one) for one in standing))
        due = [one for one in batches if len(held_out) >= _LOOK_AGAIN * looked.get(one, 0)]
        harmful: dict[str, str] = {}
        while due and self.harm > 0:
            names = np.array([batch_of(one) for one in standing])
            weights = np.full((len(due) + 1, len(standing)), self.unjudged)
            for row, name in enumerate(due, start=1):
                weights[row, names == name] = 0
            scores = held_out.brier(held_out.probabilities(standing, weights))
            levels = [_level_of_harm(scores[0] - one) for one in scores[1:]]
            worst = int(np.argmin(levels))
            if levels[worst] >= self.harm:
                break
            name = due.pop(worst)
            more = float((scores[0] - scores[1 + worst]).mean())
            harmful[name] = (
                f"the Brier score on {len(held_out)} labels by people is higher with it by "
                f"{more:.3f} (p = {levels[worst]:.2g})"
            )
            standing = [one for one in standing if batch_of(one) != name]
        seen = {name: len(held_out) for name in due} | {name: len(held_out) for name in harmful}
        return standing, harmful, {**looked, **seen}

    def _weighed(
        self,
        held_out: HeldOut,
        standing: Sequence[SyntheticItem],
        judgement: Judgement,
        *,
        wrote: bool,
    ) -> Judgement:
        tried = self.weights if standing else (0.0,)
        rows = np.array(tried)[:, None] * np.ones(len(standing))
        probabilities = held_out.probabilities(standing, rows)
        scores = held_out.brier(probabilities)
        # With a weight of one's own, what is told is what it brought.
        chosen = -1 if self.weight != "auto" else int(np.argmin(scores.mean(axis=1)))
        weight = tried[chosen] if standing else self.unjudged
        rows_told = self._told(scores, held_out.folds)
        places = np.arange(len(held_out))
        right = probabilities.argmax(axis=-1) == held_out.truths
        with_, without = right[rows_told, places], right[0]
        brier, brier_without = float(scores[rows_told, places].mean()), float(scores[0].mean())
        fruitless, stopped = judgement.fruitless, judgement.stopped
        if wrote:
            fruitless = 0 if brier < brier_without else fruitless + 1
        if stopped is None and self.patience is not None and fruitless >= self.patience:
            stopped = (
                f"what was written brought nothing, {counted(fruitless, 'time', 'times')} in a row"
            )
        return replace(
            judgement,
            weight=weight,
            stopped=stopped,
            people=len(held_out),
            accuracy=float(with_.mean()),
            accuracy_without=float(without.mean()),
            brier=brier,
            brier_without=brier_without,
            by_label={
                name: LabelShare(
                    count,
                    float(with_[held_out.truths == column].mean()),
                    float(without[held_out.truths == column].mean()),
                )
                for column, (name, count) in enumerate(held_out.counts.items())
                if count
            },
            fruitless=fruitless,
        )

    def _told(self, scores: NDArray[np.float64], folds: NDArray[np.int64]) -> NDArray[np.int64]:
        """The variant by which each held-out item is told of, shape (H,): the one that is best on
        the other folds, so that the choice is not praised for its own luck.
        """
        if self.weight != "auto":
            return np.full(len(folds), len(scores) - 1)
        result = np.zeros(len(folds), dtype=np.int64)
        for fold in np.unique(folds).tolist():
            others = scores[:, folds != fold]
            result[folds == fold] = np.argmin(others.mean(axis=1))
        return result


_TOO_FEW_USED = (
    "nearly all synthetic items were written after the labels that would judge them; fewer shots "
    "would leave some"
)


def _level_of_harm(differences: NDArray[np.float64]) -> float:
    """The level of a one-sided paired t-test that a mean is above 0."""
    from scipy.stats import t

    mean, n = float(differences.mean()), len(differences)
    error = float(differences.std(ddof=1)) / math.sqrt(n)
    if not error:
        return 0.0 if mean > 0 else 1.0
    return float(t.sf(mean / error, n - 1))
