"""Refuses texts to which the language model would not give the label that they were written for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from llmal.calibration.default import (
    AUTO,
    FEWEST_TEXTS,
    Calibrate,
    Stage,
    default_for,
    default_for_each_label,
    stages_of,
)
from llmal.core.plans import Plan, dearest, free
from llmal.core.records import Answer, Item, SyntheticItem, Usage, confidence_of
from llmal.errors import ConfigError
from llmal.few_shot.preparation import PreparationPlan, plan_preparation
from llmal.few_shot.prompt import FewShotPrompt
from llmal.generators.answers import answer_of, takes_one
from llmal.lm.protocol import LanguageModel, Normalise
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.style import StyleTrial
from llmal.prompting.templates import PromptTemplate, load_prompt
from llmal.task import Task
from llmal.task.spaces import SpaceKind, refuse_unless


class LabelAgreement:
    """Asks a language model for the label of each text, by exact scores that are calibrated.

    The label that was asked for must have at least `minimum` of the probability over all labels;
    the words of a label are summed. Where an item takes several, each that was asked for must have
    at least that probability, and each other at least that of not being given. If the model that
    wrote the texts judges them too, what both tasks get wrong in the same way stays: another model,
    or people on a few of them, sees more.

    Args:
        task: The task.
        lm: The model.
        minimum: Smallest probability of the intended label.
        prompt: Name of a labelling prompt of llmal, path of a YAML file, or a `PromptTemplate`; by
            default that of the task's kind of answers.
        style: "chat", "completion", or "auto" (see `llmal.prompting.style.choose_style`).
        normalise: How labels of several tokens are compared.
        calibrate: What makes probabilities of scores: a name from `llmal.calibration`, a
            `Calibrator`, or several that are applied in turn; None or "none" leaves the scores as
            they are. "auto" fits the default of `llmal.calibration.default` on `unlabelled`; where
            those are too few, on inputs without content.
        unlabelled: Texts of the pool, for calibration without labels. Synthetic texts would not do:
            as many are written of each label, however rare it is.
        seed: For calibrators that draw.

    Raises:
        ConfigError: `minimum` is no probability, the prompt cannot be used, or a calibrator wants
            labelled items, which there are none of.
    """

    name = "label_agreement"
    spaces: ClassVar[tuple[SpaceKind, ...]] = ("single", "multi")

    def __init__(
        self,
        task: Task,
        lm: LanguageModel,
        minimum: float = 0.5,
        *,
        prompt: str | Path | PromptTemplate | None = None,
        style: str = "auto",
        normalise: Normalise = "sum",
        calibrate: Calibrate = AUTO,
        unlabelled: Sequence[Item] = (),
        seed: int = 0,
    ) -> None:
        refuse_unless(task, self.spaces, "the filter of generated texts by their label")
        if not 0 <= minimum <= 1:
            raise ConfigError(f"minimum is {minimum}", fix="it must be from 0 to 1")
        self.task = task
        self.lm = lm
        self.minimum = minimum
        template = load_prompt(task.space.prompt if prompt is None else prompt)
        self._trial = StyleTrial(task, template, lm, style)
        self._normalise: Normalise = normalise
        self._stages = self._usable(stages_of(calibrate), len(unlabelled))
        self._unlabelled = unlabelled
        self._seed = seed
        self._prepared: FewShotPrompt | None = None
        self._usage = Usage()
        self.measured: list[dict[str, float]] = []
        """The probability of the intended label of each item of the last check."""

    @property
    def usage(self) -> Usage:
        """What the checks have cost so far."""
        return self._usage

    def plan_setup(self) -> Plan[object]:
        """Plan to find the form of the prompt; it costs nothing if that was given, or is found."""
        return self._trial.plan()

    def plan_preparation(self, *, less: bool = False) -> Plan[Usage]:
        """Plan to calibrate, if that is not done yet.

        Args:
            less: As if there were no texts to calibrate on, where that is left to "auto".
        """
        if self._prepared is not None:
            return free(self._prepared.usage)
        plans = [self._calibration(one, less) for one in self._scorers()]
        return Plan(
            lambda: self._prompt(less).usage,
            highest=lambda: dearest([one.highest for one in plans]),
            prompts=lambda: plans[0].prompts,
        )

    def _scorers(self) -> list[PromptScorer]:
        """One for each form that the prompt may have."""
        return [PromptScorer(one, self._normalise) for one in self._trial.possible]

    def _prompt(self, less: bool = False) -> FewShotPrompt:
        if self._prepared is None:
            scorer = PromptScorer(self._trial.prompts, self._normalise)
            self._prepared = self._calibration(scorer, less).execute()
            self._usage += self._prepared.usage
        return self._prepared

    def _calibration(self, scorer: PromptScorer, less: bool) -> PreparationPlan:
        return plan_preparation(
            scorer,
            (),
            shots=0,
            selector=None,
            calibrators=self._usable(self._stages, 0) if less else self._stages,
            unlabelled=self._unlabelled,
            rng=np.random.default_rng(self._seed),
        )

    def highest(self, tokens: int) -> Usage:
        """The most that checking a text of so many tokens costs, calibration left out."""
        item = Item("text", _text_of(self.lm, tokens))
        return dearest([one.plan([item]).highest for one in self._scorers()])

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """Score the labels of every text.

        Raises:
            DataError: An item has a label that the task lacks.
            LanguageModelError: The model failed.
        """
        self.measured = []
        if not items:
            return []
        intended = [answer_of(self.task, item.label) for item in items]
        prompt = self._prompt()
        seconds = self.lm.usage.seconds
        answer = prompt.score([Item(item.id, item.text) for item in items])
        self._usage += sum(answer.scored.usage, Usage(seconds=self.lm.usage.seconds - seconds))
        names = self.task.names
        rows = [dict(zip(names, row, strict=True)) for row in answer.probabilities.tolist()]
        pairs = list(zip(rows, intended, strict=True))
        self.measured = [{"label_probability": confidence_of(own, row)} for row, own in pairs]
        return [self._reason(row, own) for row, own in pairs]

    def _usable(self, stages: Sequence[Stage], texts: int) -> list[Stage]:
        """Calibrators that can be fitted without labels, on so many texts."""
        made = [_stage(one, texts, takes_one(self.task)) for one in stages]
        return [one for one in made if one is not None]

    def _reason(self, row: Mapping[str, float], own: Answer) -> str | None:
        if confidence_of(own, row) >= self.minimum:
            return None
        if not isinstance(own, str):
            held = {name: row[name] if name in own else 1 - row[name] for name in row}
            worst = min(held, key=held.__getitem__)
            not_ = "" if worst in own else "not "
            return (
                f"for the model {worst!r} is {not_}a label of it with {held[worst]:.2f}, less than "
                f"{self.minimum:g}"
            )
        best = max(row, key=row.__getitem__)
        given = f"the model gives it {row[own]:.2f} of {own!r}"
        if best == own:
            return f"{given}, less than {self.minimum:g}"
        return f"{given}, most to {best!r} ({row[best]:.2f})"


def _stage(stage: Stage, texts: int, one_label: bool) -> Stage | None:
    """A stage that can be fitted without labels, on so many texts; None for none.

    Raises:
        ConfigError: It cannot.
    """
    if stage == "auto":
        if texts >= FEWEST_TEXTS:
            return stage
        return default_for(0) if one_label else default_for_each_label(0)
    if stage.fits_on == "labels" and not stage.fitted:
        raise ConfigError(
            f"the filter label_agreement has no labelled items to fit {type(stage).__name__} on",
            fix="calibrate with auto, batch or contextual, or with one that is fitted",
        )
    return stage


def _text_of(lm: LanguageModel, tokens: int) -> str:
    """A text of at least so many tokens, and few more."""
    words = tokens
    while int(lm.count_tokens([text := "so " * words])[0]) < tokens:
        words += tokens
    return text
