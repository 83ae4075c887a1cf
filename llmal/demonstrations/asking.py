"""Probabilities of labels for candidates and other texts, each prompt asked once."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.protocol import Calibrator
from llmal.calibration.scores import probabilities_of
from llmal.core.plans import Plan
from llmal.core.records import Item, Usage
from llmal.errors import ConfigError, LanguageModelError
from llmal.prompting.scorer import PromptScorer, ScoringPlan

_AT_ONCE = 2**14
"""Prompts that are held in memory at a time; many more than fit into a batch of the model."""


def ask_once(
    scorer: PromptScorer, items: Sequence[Item], demonstrations: Sequence[Sequence[Item]]
) -> NDArray[np.float64]:
    """What `plan_once` plans.

    Raises:
        LanguageModelError: The model failed, or gave an item no probability at all.
    """
    return plan_once(scorer, items, demonstrations).execute()


def plan_once(
    scorer: PromptScorer,
    items: Sequence[Item],
    demonstrations: Sequence[Sequence[Item]],
    *,
    standing_in: bool = False,
) -> Plan[NDArray[np.float64]]:
    """Plan to ask for log-probabilities of the labels, shape (n, C), in the order of the items.

    Items whose prompts cannot differ (the same text, columns and demonstrations) are asked about
    once. Everything goes to the model together, so that it can be batched.

    Args:
        scorer: Asks.
        items: n items.
        demonstrations: Of each.
        standing_in: As for `PromptScorer.plan_each`.
    """
    first, of = distinct(
        (*content(item), tuple(one.id for one in shown if one.id != item.id))
        for item, shown in zip(items, demonstrations, strict=True)
    )
    parts = [first[start : start + _AT_ONCE] for start in range(0, len(first), _AT_ONCE)]

    def plan(part: Sequence[int]) -> ScoringPlan:
        asked, shown = [items[i] for i in part], [demonstrations[i] for i in part]
        return scorer.plan_each(asked, shown, standing_in=standing_in)

    # Of very many, what is asked is made again when it is asked: it would not fit into memory.
    plans = [plan(part) for part in parts] if len(parts) < 2 else None

    def ask() -> NDArray[np.float64]:
        if not first:
            return np.zeros((0, len(scorer.labels)))
        asked = plans or (plan(part) for part in parts)
        scores = np.concatenate([one.execute().scores for one in asked])
        unusable = np.isnan(scores).any(axis=1) | (scores.max(axis=1) == -np.inf)
        if unusable.any():
            raise LanguageModelError(
                f"the model gave item {items[first[int(unusable.argmax())]].id!r} no usable "
                "probability of any label",
                fix="check the model and its dtype",
            )
        return scores[of]

    def highest() -> Usage:
        return sum((one.highest for one in plans or map(plan, parts)), Usage())

    return Plan(
        ask, highest=highest, prompts=lambda: [p for one in plans or () for p in one.prompts]
    )


def content(item: Item) -> tuple[Hashable, ...]:
    """What a prompt or a learner can read of an item: all but its id and its gold."""
    return item.text, _plain(item.fields), _plain(item.extra)


def distinct(keys: Iterable[Hashable]) -> tuple[list[int], list[int]]:
    """Positions of the distinct keys, and for each key which of these it equals."""
    kinds: dict[Hashable, int] = {}
    first: list[int] = []
    of: list[int] = []
    for place, key in enumerate(keys):
        kind = kinds.setdefault(key, len(first))
        if kind == len(first):
            first.append(place)
        of.append(kind)
    return first, of


def to_probabilities(
    scores: NDArray[np.float64], calibrator: Calibrator | None = None, fit_on: int | None = None
) -> NDArray[np.float64]:
    """Shape (n, C): normalised over the labels, and calibrated where there is a calibrator.

    Args:
        scores: Log-probabilities, shape (n, C).
        calibrator: Fitted; or one that fits on a pool, which is then fitted here (a copy of it).
        fit_on: That many of the first rows are what it is fitted on; all, if None.

    Raises:
        ConfigError: It is not fitted, and needs other scores than these.
    """
    if calibrator is None:
        return probabilities_of(scores)
    if not calibrator.fitted:
        check_calibrator(calibrator)
        calibrator = copy.deepcopy(calibrator).fit(scores[:fit_on])
    return calibrator.transform(scores)


def check_calibrator(calibrator: Calibrator | None) -> None:
    """Refuse a calibrator that is not fitted and cannot be fitted on the texts at hand.

    Raises:
        ConfigError: It is one.
    """
    if calibrator is not None and not calibrator.fitted and calibrator.fits_on != "pool":
        raise ConfigError(
            f"the calibrator {type(calibrator).__name__} is not fitted",
            fix="fit it, or use one that is fitted on texts of the pool",
        )


def _plain(values: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    return tuple((key, repr(value)) for key, value in sorted(values.items()))
