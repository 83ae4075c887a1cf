"""Refuses texts to which the language model would not give the label that they were written for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from llmal.calibration.default import (
    AUTO,
    FEWEST_TEXTS,
    Calibrate,
    Stage,
    default_for,
    stages_of,
)
from llmal.core.plans import Plan, dearest, free
from llmal.core.records import Item, SyntheticItem, Usage
from llmal.errors import ConfigError
from llmal.few_shot.preparation import PreparationPlan, plan_preparation
from llmal.few_shot.prompt import FewShotPrompt
from llmal.lm.protocol import LanguageModel, Normalise
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.style import StyleTrial
from llmal.prompting.templates import PromptTemplate, load_prompt
from llmal.task import Task
from llmal.task.spaces import refuse_unless


class LabelAgreement:
    """Asks a language model for the label of each text, by exact scores that are calibrated.

    The label that was asked for must have at least `minimum` of the probability over all labels;
    the words of a label are summed. If the model that wrote the texts judges them too, what both
    tasks get wrong in the same way stays: another model, or people on a few of them, sees more.

    Args:
        task: The task.
        lm: The model.
        minimum: Smallest probability of the intended label.
        prompt: Name of a labelling prompt of llmal, path of a YAML file, or a `PromptTemplate`.
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

    def __init__(
        self,
        task: Task,
        lm: LanguageModel,
        minimum: float = 0.5,
        *,
        prompt: str | Path | PromptTemplate = "label",
        style: str = "auto",
        normalise: Normalise = "sum",
        calibrate: Calibrate = AUTO,
        unlabelled: Sequence[Item] = (),
        seed: int = 0,
    ) -> None:
        refuse_unless(task, ("single",), "the filter of generated texts by their label")
        if not 0 <= minimum <= 1:
            raise ConfigError(f"minimum is {minimum}", fix="it must be from 0 to 1")
        self.task = task
        self.lm = lm
        self.minimum = minimum
        template = load_prompt(prompt)
        self._trial = StyleTrial(task, template, lm, style)
        self._normalise: Normalise = normalise
        self._stages = [_stage(one, len(unlabelled)) for one in stages_of(calibrate)]
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
            calibrators=[default_for(0) if less and one == "auto" else one for one in self._stages],
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
        intended = [self.task.index(item.label) for item in items]
        prompt = self._prompt()
        seconds = self.lm.usage.seconds
        answer = prompt.score([Item(item.id, item.text) for item in items])
        self._usage += sum(answer.scored.usage, Usage(seconds=self.lm.usage.seconds - seconds))
        rows = answer.probabilities.tolist()
        self.measured = [
            {"label_probability": row[own]} for row, own in zip(rows, intended, strict=True)
        ]
        return [self._reason(row, own) for row, own in zip(rows, intended, strict=True)]

    def _reason(self, row: list[float], own: int) -> str | None:
        if row[own] >= self.minimum:
            return None
        names = self.task.names
        best = max(range(len(row)), key=row.__getitem__)
        given = f"the model gives it {row[own]:.2f} of {names[own]!r}"
        if best == own:
            return f"{given}, less than {self.minimum:g}"
        return f"{given}, most to {names[best]!r} ({row[best]:.2f})"


def _stage(stage: Stage, texts: int) -> Stage:
    """A stage that can be fitted without labels, on so many texts.

    Raises:
        ConfigError: It cannot.
    """
    if stage == "auto":
        return stage if texts >= FEWEST_TEXTS else default_for(0)
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
