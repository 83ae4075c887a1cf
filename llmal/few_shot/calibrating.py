"""What fitting the calibrators of a few-shot prompt asks, settled before, and the fitting."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.chain import Chain, scores_for
from llmal.calibration.comparison import Judged
from llmal.calibration.default import (
    FEWEST_TEXTS,
    MOST_TEXTS,
    WITHOUT_TEXTS,
    Stage,
    default_for,
    default_for_each_label,
)
from llmal.calibration.per_label import PerLabel
from llmal.calibration.protocol import Calibrator, LabelNaming, Settling
from llmal.calibration.scores import probabilities_of
from llmal.core.plans import Prompt
from llmal.core.records import Answer, Item, Usage, one_label, total
from llmal.core.words import counted
from llmal.errors import DataError
from llmal.few_shot.prompt import FewShotPrompt, parts_of
from llmal.prompting.scorer import Scored, ScoringPlan
from llmal.task.spaces import Space
from llmal.task.spaces.thresholds import Chosen, expected_f1_threshold, f1_thresholds

log = logging.getLogger("llmal.few_shot")

LEAST_LABELLED = 10
"""Fewest labelled items, besides the demonstrations, that a map is fitted on."""

SETS = 8
"""How many sets of demonstrations an input without content is asked with, where each query has
other ones."""

_UNSEEN = 5
"""Items that shares of labels are smoothed by."""

_DIGITS = 4
"""Of thresholds: what scores of other batches differ in is beyond them."""

Thresholds = NDArray[np.float64] | Chosen | None


@dataclass
class _Step:
    """One calibrator, and what is asked to fit it.

    Attributes:
        calibrator: Fitted, or about to be.
        asks: What it is fitted on; None if it is fitted already.
        items: The items that are asked about, where they are texts of the pool.
        golds: Their labels, where it learns from labels.
        says: A warning, for when it is done.
    """

    calibrator: Calibrator
    asks: ScoringPlan | None = None
    items: Sequence[Item] = ()
    golds: Sequence[Answer] = ()
    says: str = ""


@dataclass
class CalibrationSteps:
    """What fitting the calibrators of a prompt asks, settled; and the fitting.

    Attributes:
        made: The prompt, its demonstrations chosen.
        labelled: Labelled items.
        unlabelled: Texts of the pool.
        rng: Draws.
        stages: The calibrators.
        thresholds: As for `plan_preparation`.
        sets: How many sets of demonstrations each input without content is asked with, where the
            prompt stands for one that has other ones for each query.
    """

    made: FewShotPrompt
    labelled: Sequence[Item]
    unlabelled: Sequence[Item]
    rng: np.random.Generator
    stages: Sequence[Stage]
    thresholds: Thresholds
    sets: int = 1
    paid: Set[bytes] = frozenset()
    steps: list[_Step] = field(default_factory=list)
    says: list[str] = field(default_factory=list)
    for_thresholds: ScoringPlan | None = None

    def __post_init__(self) -> None:
        space = self.made.scorer.prompts.task.space
        shown = {one.id for one in self.made.candidates} if self.made.selector is None else set()
        texts = [one for one in self.unlabelled if one.id not in shown]
        for stage in self.stages:
            sample: Sequence[Item] = texts or self.unlabelled
            if stage == "auto":
                sample = self._drawn(texts)
                default = self._default(sample)
                if default is None:
                    continue
                stage = default
            one: Calibrator = stage
            if not space.rows_sum_to_one and not isinstance(one, PerLabel):
                one = PerLabel(one, _label_shares(space, self.labelled))
            if one.fitted:
                self.steps.append(_Step(one))
                continue
            step = self._step(one, sample)
            if step is not None:
                self.steps.append(step)
        if isinstance(self.thresholds, str) and self.thresholds == "f1":
            self._plan_thresholds()

    def _step(self, calibrator: Calibrator, texts: Sequence[Item]) -> _Step | None:
        """What is asked to fit a calibrator; None if there are not labels enough yet."""
        name = type(calibrator).__name__
        made = self.made
        if isinstance(calibrator, LabelNaming):
            calibrator.name_labels(made.scorer.labels)
        if calibrator.fits_on == "labels":
            items = self._not_shown()
            golds = [one.gold for one in items if one.gold is not None]
            enough = len(items) >= LEAST_LABELLED
            if not enough or (len(set(golds)) < 2 and not made.standing_in):
                self.says.append(
                    f"{name} waits for {LEAST_LABELLED} labelled items of two labels besides the "
                    "demonstrations; until then scores are not calibrated by it"
                )
                return None
            return _Step(calibrator, self._plan(items), golds=golds)
        if calibrator.fits_on == "pool":
            if not texts:
                raise DataError(
                    f"{name} is fitted on texts of the pool, and there are none",
                    fix="give unlabelled texts, or use a calibrator that needs none (contextual)",
                )
            asks = self._plan(texts, paid=self.paid)
            self.paid = self.paid | set(asks.keys)
            return _Step(calibrator, asks, items=texts)
        return _Step(calibrator, self._plan_inputs(calibrator, texts))

    def _plan(self, items: Sequence[Item], paid: Set[bytes] = frozenset()) -> ScoringPlan:
        made = self.made
        return made.scorer.plan_each(
            items,
            made.demonstrations(items),
            paid=paid,
            whole=True,
            standing_in=made.standing_in,
        )

    def _plan_inputs(self, calibrator: Calibrator, texts: Sequence[Item]) -> ScoringPlan:
        made = self.made
        fields = made.scorer.prompts.task.text
        items = [
            Item(f"input-{number}", "\n".join([text] * len(fields)), dict.fromkeys(fields, text))
            for number, text in enumerate(self._inputs(calibrator, texts))
        ]
        queries = list(texts[:SETS]) or list(made.candidates[:SETS])
        if made.selector is not None:
            sets = made.demonstrations(queries)
        elif self.sets > 1:
            sets = [made.candidates] * min(self.sets, max(len(queries), 1))
        else:
            sets = [made.candidates]
        return made.scorer.plan_each(
            [item for item in items for _ in sets],
            [shown for _ in items for shown in sets],
            whole=True,
            standing_in=made.standing_in,
        )

    def _inputs(self, calibrator: Any, texts: Sequence[Item]) -> Sequence[str]:
        if calibrator.fits_on != "random-words":
            given: Sequence[str] = calibrator.inputs
            return given
        if not texts:
            raise DataError(
                f"{type(calibrator).__name__} draws words from texts of the pool, and there are "
                "none",
                fix="give unlabelled texts, or use a calibrator that needs none (contextual)",
            )
        drawn: Sequence[str] = calibrator.inputs([item.text for item in texts], self.rng)
        return drawn

    def _plan_thresholds(self) -> None:
        items = self._not_shown()
        if len(items) < LEAST_LABELLED:
            self.says.append(
                f"thresholds for F1 wait for {LEAST_LABELLED} labelled items besides the "
                "demonstrations; until then they are one half"
            )
        elif not any(step.golds for step in self.steps):
            self.for_thresholds = self._plan(items, paid=self.paid)

    def _not_shown(self) -> list[Item]:
        """Labelled items that do not stand in every prompt."""
        made = self.made
        shown = {one.id for one in made.candidates} if made.selector is None else set()
        return [one for one in self.labelled if one.id not in shown]

    def _drawn(self, texts: Sequence[Item]) -> list[Item]:
        """At most `MOST_TEXTS` of them at random, the same ones in every round; the longest, where
        it is not known which are left.
        """
        if self.made.standing_in and len(texts) > MOST_TEXTS:
            lengths = self.made.scorer.lm.count_tokens([one.text for one in texts])
            rows = np.argsort(-lengths, kind="stable")[:MOST_TEXTS]
        else:
            rows = np.random.default_rng(len(texts)).permutation(len(texts))[:MOST_TEXTS]
        return [texts[row] for row in np.sort(rows)]

    def _default(self, texts: Sequence[Item]) -> Calibrator | None:
        if not self.made.scorer.prompts.task.space.rows_sum_to_one:
            return default_for_each_label(len(texts))
        if self.made.scorer.shortlist is not None:
            # All labels of each text would cost many times what the items themselves do.
            return default_for(0)
        chosen = default_for(len(texts))
        if chosen.fits_on != "pool":
            self.says.append(
                f"{_too_few(len(texts))} to calibrate on ({FEWEST_TEXTS} or more would do): "
                f"{WITHOUT_TEXTS} calibration stands in, which asks about inputs without content"
            )
        return chosen

    @property
    def _plans(self) -> list[ScoringPlan]:
        plans = [step.asks for step in self.steps if step.asks is not None]
        return plans if self.for_thresholds is None else [*plans, self.for_thresholds]

    @property
    def highest(self) -> Usage:
        """The most that it can cost."""
        return total(one.highest for one in self._plans)

    @property
    def prompts(self) -> list[Prompt]:
        """What is asked."""
        return [prompt for one in self._plans for prompt in one.prompts]

    @property
    def trail(self) -> int:
        """Of all that is asked."""
        return sum(one.trail for one in self._plans) % 2**128

    def execute(self, made: FewShotPrompt) -> FewShotPrompt:
        """Ask, and fit."""
        for sentence in self.says:
            log.warning("%s", sentence)
        space = made.scorer.prompts.task.space
        fitted: list[Calibrator] = []
        texts: list[Item] = []
        of_texts: list[Scored] = []
        of_labelled: Scored | None = None
        for step in self.steps:
            if step.asks is not None:
                scored = step.asks.execute()
                scores = scored.scores
                if step.items:
                    texts += step.items
                    of_texts.append(scored)
                elif step.golds:
                    of_labelled = scored
                _fit(step.calibrator, _composed(fitted), scores, _targets(space, step.golds))
            fitted.append(step.calibrator)
        made = replace(made, calibrator=_composed(fitted), paid=self.paid)
        if self.for_thresholds is not None:
            of_labelled = self.for_thresholds.execute()
        thresholds = self.thresholds
        if isinstance(thresholds, str) and thresholds == "auto":
            thresholds = _expected_thresholds(made, of_texts)
        elif isinstance(thresholds, str):
            thresholds = None if of_labelled is None else self._best_thresholds(made, of_labelled)
        return replace(
            made,
            thresholds=thresholds,
            judged=_judged(made, texts, of_texts, {one.id: one.gold for one in self.labelled}),
        )

    def _best_thresholds(self, made: FewShotPrompt, scored: Scored) -> NDArray[np.float64]:
        """The thresholds of the best F1 on labelled items that are not shown."""
        probabilities = (
            scored.probabilities
            if made.calibrator is None
            else made.calibrator.transform(scored.scores)
        )
        golds = [one.gold for one in self._not_shown() if one.gold is not None]
        found = f1_thresholds(probabilities, made.scorer.prompts.task.space.targets(golds))
        return np.asarray(np.round(found, _DIGITS))


def _label_shares(space: Space, labelled: Sequence[Item]) -> list[float]:
    """C shares of the labelled items, those that have each label, as if `_UNSEEN` more had
    been labelled that have one label each.
    """
    golds = [one.gold for one in labelled if one.gold is not None]
    labels = len(space.labels)
    counts = space.targets(golds).sum(axis=0) if golds else np.zeros(labels)
    shares = (counts + _UNSEEN / max(labels, 2)) / (len(golds) + _UNSEEN)
    return [float(share) for share in shares]


def _expected_thresholds(
    made: FewShotPrompt, scored: Sequence[Scored]
) -> NDArray[np.float64] | None:
    """The threshold of the best expected F1 on texts of the pool; None where none were asked
    about.
    """
    if made.calibrator is None or not scored:
        return None
    scores = np.concatenate([part.scores for part in scored])
    threshold = expected_f1_threshold(made.calibrator.transform(scores))
    return np.full(scores.shape[1], np.round(threshold, _DIGITS))


def _targets(space: Space, golds: Sequence[Answer]) -> NDArray[np.int64] | None:
    return space.targets(golds) if golds else None


def _fit(
    calibrator: Calibrator,
    earlier: Calibrator | None,
    scores: NDArray[np.float64],
    labels: NDArray[np.int64] | None,
) -> None:
    if earlier is not None:
        scores = _scores(calibrator, earlier.transform(scores))
    calibrator.fit(scores, labels)
    if isinstance(calibrator, Settling):
        # A run that was killed scores some inputs in other batches, and must come to the same.
        calibrator.settle()


def _composed(calibrators: Sequence[Calibrator]) -> Calibrator | None:
    """Fitted calibrators as one."""
    if len(calibrators) > 1:
        return Chain(*calibrators)
    return calibrators[0] if calibrators else None


def _scores(calibrator: Calibrator, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a calibrator is fitted on of the probabilities that came before it; finite."""
    limits = np.finfo(np.float64)
    least = limits.tiny if not isinstance(calibrator, PerLabel) else limits.eps
    most = np.inf if not isinstance(calibrator, PerLabel) else 1 - limits.eps
    return scores_for(calibrator, np.clip(probabilities, least, most))


def _too_few(texts: int) -> str:
    if not texts:
        return "no texts of the pool"
    return counted(texts, "text of the pool is too few", "texts of the pool are too few")


def _judged(
    made: FewShotPrompt,
    texts: Sequence[Item],
    scored: Sequence[Scored],
    labels: Mapping[str, Answer | None],
) -> Judged | None:
    """What was asked about and has a label, before and after calibration."""
    if not made.scorer.prompts.task.space.rows_sum_to_one:
        return None
    learnt = made.calibrator is None or any(
        one.fits_on == "labels" for one in parts_of(made.calibrator)
    )
    if learnt or not texts or made.calibrator is None:
        return None
    first = {one.id: row for row, one in reversed(list(enumerate(texts)))}
    ids = sorted(one for one in first if one in labels)
    if not ids:
        return None
    scores = np.concatenate([part.scores for part in scored])[[first[one] for one in ids]]
    truth = [made.scorer.prompts.task.index(one_label(labels[one])) for one in ids]
    return Judged(
        tuple(ids),
        probabilities_of(scores),
        made.calibrator.transform(scores),
        np.asarray(truth, dtype=np.int64),
    )
