"""ALLSH: the candidates whose answer changes most when their text is changed a little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.divergences import Divergence
from llmal.calibration.protocol import Calibrator
from llmal.core.plans import Plan, free
from llmal.core.records import Item
from llmal.demonstrations.asking import check_calibrator, plan_once, to_probabilities
from llmal.demonstrations.conditions import Condition, check_condition, conditioned
from llmal.demonstrations.ranking import Ranking
from llmal.demonstrations.sensitivity import (
    GivenPerturbation,
    check_sensitivity,
    fit_perturbation,
    sensitivity,
)
from llmal.prompting.protocol import Need
from llmal.prompting.scorer import PromptScorer


@dataclass(frozen=True)
class Sensitive(Ranking):
    """The k candidates of highest local sensitivity (ALLSH, Zhang et al. 2022, few-shot mode).

    l(x) = max over the copies x' of x of D(p(·|x), p(·|x')). With one copy this is the paper's
    "Ours", with more its worst-case augmentation (WCA). The paper does not say how many copies
    that takes, nor whether candidates are scored with demonstrations, balanced over the labels or
    calibrated: these are options.

    A candidate and its copies are scored once each, all together; copies equal to the text or to
    each other are not scored again. That is at most 1 + `copies` prompts for each candidate.

    Args:
        scorer: Asks the model.
        perturbation: Makes the copies: "tf-idf", a mapping of a name and options, or a
            `Perturbation`.
        copies: K, copies of each candidate.
        divergence: D: "kl" KL(p‖p'), "jsd" (the square root of the Jensen-Shannon divergence) or
            "alpha".
        alpha: α of the last.
        corpus: Texts whose words the perturbation learns from. Without them a perturbation that
            is not fitted learns from the candidates.
        balance: Take the most sensitive of each label, then the second of each, and so on.
        condition: The demonstrations that candidates and copies are scored with.
        shots: How many, where `condition` is a selector.
        calibrator: Corrects the probabilities first: fitted, or one that fits on a pool, which
            the candidates (without their copies) then are.

    Raises:
        ConfigError: An option cannot be used.
    """

    requires: ClassVar[tuple[Need, ...]] = ("scorer",)
    per_query: ClassVar[bool] = False

    scorer: PromptScorer
    perturbation: GivenPerturbation = "tf-idf"
    _: KW_ONLY
    copies: int = 4
    divergence: Divergence = "kl"
    alpha: float = 0.5
    corpus: Sequence[str] | None = None
    balance: bool = False
    condition: Condition = "zero-shot"
    shots: int = 4
    calibrator: Calibrator | None = None

    def __post_init__(self) -> None:
        check_sensitivity(self.perturbation, self.copies, self.divergence, self.alpha)
        check_condition(self.condition, self.shots)
        check_calibrator(self.calibrator)

    def _plan_scores(
        self, ordered: Sequence[Item], rng: np.random.Generator
    ) -> Plan[NDArray[np.float64]]:
        from llmal.perturb import perturb_items

        if not ordered:
            return free(np.zeros(0))
        n = len(ordered)
        seed = int(rng.integers(2**31 - 1))
        perturbation = fit_perturbation(
            self.perturbation,
            lambda: [one.text for one in ordered] if self.corpus is None else list(self.corpus),
            refit=self.corpus is not None,
        )
        copied = perturb_items(perturbation, ordered, self.copies, seed)
        shown = conditioned(self.condition, self.shots, ordered, rng)
        asked = [*ordered, *(one for ones in copied for one in ones)]
        # A copy sees what its candidate sees, so that no candidate tells its copies the answer.
        with_ = [*shown, *(one for one in shown for _ in range(self.copies))]

        def rank(scores: NDArray[np.float64]) -> NDArray[np.float64]:
            p = to_probabilities(scores, self.calibrator, fit_on=n)
            return sensitivity(p[:n], p[n:], self.divergence, self.alpha)

        return plan_once(self.scorer, asked, with_).map(rank)
