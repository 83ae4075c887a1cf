"""ALLSH: items whose predicted labels move most when their text is changed a little."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.divergences import Divergence
from llmal.calibration.scores import probabilities_of
from llmal.core.plans import Plan
from llmal.core.records import Item, Usage, total
from llmal.demonstrations.asking import content, distinct, plan_once
from llmal.demonstrations.sensitivity import (
    GivenPerturbation,
    check_sensitivity,
    fit_perturbation,
    sensitivity,
)
from llmal.perturb import Perturbation, perturb_items
from llmal.selectors.highest import longest_items, plan_seen, scaled
from llmal.selectors.options import check_least, check_whose
from llmal.selectors.protocol import Utilities
from llmal.selectors.ranking import AskingRanking
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState

_log = logging.getLogger("llmal.selectors")

_AT_ONCE = 4096
"""Items whose copies are held in memory at a time."""


@dataclass(frozen=True)
class Allsh(AskingRanking):
    """Local sensitivity (ALLSH, Zhang et al. 2022).

    Utility: l(x) = max over the copies x' of x of D(p(·|x), p(·|x')). With one copy this is the
    paper's "Ours", with more its worst-case augmentation (WCA); how many that takes, the paper does
    not say. `llmal.demonstrations.Sensitive` chooses demonstrations by the same score.

    The learner's p(·|x) is that of the round, and only copies are predicted. The language model is
    asked about items and copies, without demonstrations. A copy that says the same as its item
    has divergence zero, and copies that are alike are asked about once among 4,096 items.

    Where `usage` counts what the language model was asked, it counts labels alone, not what a
    perturbation such as a paraphrase asks of a model of its own.

    Args:
        of: Whose probabilities: the "learner"'s, or the "lm"'s, those of the language model over
            the labels.
        copies: K, copies of each item.
        divergence: D: "kl" KL(p‖p'), "jsd" (the square root of the Jensen-Shannon divergence) or
            "alpha".
        alpha: α of the last.
        perturbation: Makes the copies: "tf-idf", a mapping of a name and options, or a
            `Perturbation`. One that needs a corpus and has none learns from unlabelled texts.
        corpus: Most texts that it learns from: where there are more, this many are drawn at
            random, which is logged as a warning.
        candidates: Perturb only this many unlabelled items, drawn at random. The others have
            utility zero, as if nothing changed their labels. None: all.

    Raises:
        ConfigError: An option cannot be used.
    """

    name = "allsh"

    of: Literal["learner", "lm"] = "learner"
    copies: int = 4
    divergence: Divergence = "kl"
    alpha: float = 0.5
    perturbation: GivenPerturbation = "tf-idf"
    corpus: int = 100_000
    candidates: int | None = None

    def __post_init__(self) -> None:
        check_whose(self)
        check_sensitivity(self.perturbation, self.copies, self.divergence, self.alpha)
        check_least(self, corpus=1, candidates=1)

    @property
    def requires(self) -> frozenset[Signal]:
        """Texts, and the learner's probabilities of items and copies, or the language model."""
        if self.of == "lm":
            return frozenset({"texts", "scorer"})
        return frozenset({"texts", "probabilities", "predict_items"})

    def plan_utilities(self, state: RoundState, rng: np.random.Generator | None) -> Plan[Utilities]:
        """Plan to ask about items and copies. What the learner is asked costs nothing."""
        if rng is None:
            return plan_seen(Usage if self.of == "learner" else lambda: self._highest(state))
        rows = self._looked_at(state, rng)
        perturbation = fit_perturbation(self.perturbation, lambda: self._corpus(state, rng))
        seed = int(rng.integers(2**31 - 1))
        parts = [rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)]

        def plan(part: NDArray[np.int64]) -> Plan[NDArray[np.float64]]:
            return self._plan_sensitivity(state, part, perturbation, seed)

        # Of very many, what is asked is made again when it is asked: it would not fit into memory.
        plans = [plan(part) for part in parts] if len(parts) < 2 else None

        def rank() -> Utilities:
            before = state.scorer.spent if self.of == "lm" else Usage()
            values = np.zeros(len(state.unlabelled))
            for part, one in zip(parts, plans or map(plan, parts), strict=True):
                values[part] = one.execute()
            usage = state.scorer.spent - before if self.of == "lm" else Usage()
            looked_at = np.zeros(len(values), dtype=np.bool_)
            looked_at[rows] = True

            def why(row: int) -> str:
                if not looked_at[row]:
                    return f"not among the {len(rows)} items that were perturbed"
                return f"a changed text moves its labels by {values[row]:.3f} ({self.divergence})"

            return Utilities(values, why, usage)

        return Plan(rank, highest=lambda: total(one.highest for one in plans or map(plan, parts)))

    def _highest(self, state: RoundState) -> Usage:
        """The most that it can cost, whichever items are perturbed and whatever their copies say:
        each is counted as long as its text twice. Of more than 2,000 items, that many from all over
        the pool stand for all.
        """
        scorer = state.scorer
        items, times = longest_items(
            scorer.lm,
            lambda some: [one.prompt for one in scorer.build(some, [()] * len(some))],
            state,
            self.candidates,
        )
        own = scorer.plan(items)
        twice = scorer.plan([_doubled(one) for one in items])
        copies = scaled(total(twice.each), float(self.copies))
        return own.once + twice.once + scaled(total(own.each) + copies, times)

    def _looked_at(self, state: RoundState, rng: np.random.Generator) -> NDArray[np.int64]:
        """The rows of `unlabelled` that are perturbed."""
        total = len(state.unlabelled)
        if self.candidates is None or self.candidates >= total:
            return np.arange(total)
        _log.warning(
            "allsh: %d of %d unlabelled items were perturbed, drawn at random (candidates)",
            self.candidates,
            total,
        )
        return np.sort(rng.choice(total, size=self.candidates, replace=False))

    def _corpus(self, state: RoundState, rng: np.random.Generator) -> list[str]:
        positions = state.unlabelled
        if len(positions) > self.corpus:
            _log.warning(
                "allsh: the perturbation learnt from %d of %d unlabelled texts, drawn at random "
                "(corpus)",
                self.corpus,
                len(positions),
            )
            positions = np.sort(rng.choice(positions, size=self.corpus, replace=False))
        return [item.text for item in state.items(positions)]

    def _plan_sensitivity(
        self, state: RoundState, rows: NDArray[np.int64], perturbation: Perturbation, seed: int
    ) -> Plan[NDArray[np.float64]]:
        items = state.items(state.unlabelled[rows])
        copied = perturb_items(perturbation, items, self.copies, seed)
        flat = [one for ones in copied for one in ones]
        if self.of == "lm":
            asked = [*items, *flat]

            def moved(scores: NDArray[np.float64]) -> NDArray[np.float64]:
                both = probabilities_of(scores)
                return sensitivity(
                    both[: len(items)], both[len(items) :], self.divergence, self.alpha
                )

            return plan_once(state.scorer, asked, [()] * len(asked)).map(moved)

        def predicted() -> NDArray[np.float64]:
            p = np.asarray(state.probabilities[rows], dtype=np.float64)
            changed = _predicted(state, items, flat, p)
            return sensitivity(p, changed, self.divergence, self.alpha)

        return Plan(predicted)


def _predicted(
    state: RoundState, items: Sequence[Item], copies: Sequence[Item], p: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The learner's probabilities of the copies, shape (n * K, C); those of an item, where a copy
    says the same.
    """
    each = len(copies) // len(items)
    own = [content(item) for item in items]
    keys = [content(one) for one in copies]
    changed = np.repeat(p, each, axis=0)
    fresh = [place for place, key in enumerate(keys) if key != own[place // each]]
    if fresh:
        first, of = distinct(keys[place] for place in fresh)
        changed[fresh] = state.predict_items([copies[fresh[place]] for place in first])[of]
    return changed


def _doubled(item: Item) -> Item:
    fields = {column: f"{text} {text}" for column, text in item.fields.items()}
    text = "\n".join(fields.values()) if fields else f"{item.text} {item.text}"
    return replace(item, text=text, fields=fields)
