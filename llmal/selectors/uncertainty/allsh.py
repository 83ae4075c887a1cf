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
from llmal.core.records import Item, Usage
from llmal.demonstrations.asking import ask_once, content, distinct
from llmal.demonstrations.sensitivity import (
    GivenPerturbation,
    check_sensitivity,
    fit_perturbation,
    sensitivity,
)
from llmal.perturb import Perturbation, perturb_items
from llmal.prompting.scorer import PromptScorer
from llmal.selectors.options import check_least, check_whose
from llmal.selectors.protocol import Utilities
from llmal.selectors.ranking import Ranking
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState

_log = logging.getLogger("llmal.selectors")

_AT_ONCE = 4096
"""Items whose copies are held in memory at a time."""

_COUNTED = 500
"""Items whose prompts an estimate counts, in the place of all."""


@dataclass(frozen=True)
class Allsh(Ranking):
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

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """The local sensitivity of each item."""
        rows = self._looked_at(state, rng)
        perturbation = fit_perturbation(self.perturbation, lambda: self._corpus(state, rng))
        seed = int(rng.integers(2**31 - 1))
        before = state.scorer.spent if self.of == "lm" else Usage()
        values = np.zeros(len(state.unlabelled))
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            values[part] = self._sensitivity(state, part, perturbation, seed)
        usage = state.scorer.spent - before if self.of == "lm" else Usage()
        looked_at = np.zeros(len(values), dtype=np.bool_)
        looked_at[rows] = True

        def why(row: int) -> str:
            if not looked_at[row]:
                return f"not among the {len(rows)} items that were perturbed"
            return f"a changed text moves its labels by {values[row]:.3f} ({self.divergence})"

        return Utilities(values, why, usage)

    def estimate(self, state: RoundState, k: int) -> Usage:
        """The most that `select` can cost: of the learner's probabilities, nothing.

        What the copies will say is not known, so each is counted as long as its text twice. Of
        more than 500 items, that many from all over the pool stand for all.
        """
        if self.of == "learner":
            return Usage()
        count = min(len(state.unlabelled), self.candidates or len(state.unlabelled))
        spread = np.linspace(0, len(state.unlabelled) - 1, min(count, _COUNTED))
        items = state.items(state.unlabelled[spread.astype(np.int64)])
        counter = PromptScorer(
            state.scorer.prompts, state.scorer.normalise, state.scorer.order, counting=True
        )
        once = sum(counter.score(items).usage, Usage())
        twice = sum(counter.score([_doubled(one) for one in items]).usage, Usage())
        return _times(once + _times(twice, self.copies), count / len(items))

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

    def _sensitivity(
        self, state: RoundState, rows: NDArray[np.int64], perturbation: Perturbation, seed: int
    ) -> NDArray[np.float64]:
        items = state.items(state.unlabelled[rows])
        copied = perturb_items(perturbation, items, self.copies, seed)
        flat = [one for ones in copied for one in ones]
        if self.of == "lm":
            asked = [*items, *flat]
            both = probabilities_of(ask_once(state.scorer, asked, [()] * len(asked)))
            p, changed = both[: len(items)], both[len(items) :]
        else:
            p = np.asarray(state.probabilities[rows], dtype=np.float64)
            changed = _predicted(state, items, flat, p)
        return sensitivity(p, changed, self.divergence, self.alpha)


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


def _times(usage: Usage, times: float) -> Usage:
    """Rounded up."""
    return Usage(
        requests=int(np.ceil(usage.requests * times)),
        prompt_tokens=int(np.ceil(usage.prompt_tokens * times)),
        completion_tokens=int(np.ceil(usage.completion_tokens * times)),
        money=usage.money * times,
    )
