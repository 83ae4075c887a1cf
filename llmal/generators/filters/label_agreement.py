"""Refuses texts to which the language model would not give the label that they were written for."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
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
from llmal.core.records import Item, SyntheticItem, Usage
from llmal.errors import ConfigError
from llmal.few_shot.preparation import FewShotPrompt, prepare
from llmal.lm.protocol import LanguageModel, Normalise
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.style import check_style, foreseen_prompts, labelling_prompts, style_cost
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
        check_style(style)
        self.task = task
        self.lm = lm
        self.minimum = minimum
        self._template = load_prompt(prompt)
        self._style = style
        self._normalise: Normalise = normalise
        self._calibrators = [_stage(one, len(unlabelled)) for one in stages_of(calibrate)]
        self._unlabelled = unlabelled
        self._seed = seed
        self._scorer: PromptScorer | None = None
        self._prepared: FewShotPrompt | None = None
        self._usage = Usage()

    @property
    def usage(self) -> Usage:
        """What the checks have cost so far."""
        return self._usage

    def setup_cost(self) -> Usage:
        """What finding the form of the prompt costs, once; nothing if it was given."""
        if self._style != "auto":
            return Usage()
        return style_cost(self.task, self._template, self.lm)

    def set_up(self) -> None:
        """Find the form of the prompt, by asking the model where it was not given."""
        if self._scorer is None:
            prompts = labelling_prompts(self.task, self._template, self.lm, self._style)
            self._scorer = PromptScorer(prompts, self._normalise)

    def preparation_cost(self, *, less: bool = False) -> Usage:
        """The most that calibration costs, once. Asks nobody.

        Args:
            less: As if there were no texts to calibrate on, where that is left to "auto".
        """
        return self._calibrated(self._counting(), less).usage

    def prepare(self, *, less: bool = False) -> Usage:
        """Calibrate, if that is not done yet, and give what it has cost.

        Raises:
            LanguageModelError: The model failed; what it answered before is in its cache.
        """
        return self._prompt(less).usage

    def _prompt(self, less: bool = False) -> FewShotPrompt:
        if self._prepared is None:
            self.set_up()
            assert self._scorer is not None
            self._prepared = self._calibrated(self._scorer, less)
            self._usage += self._prepared.usage
        return self._prepared

    def _calibrated(self, scorer: PromptScorer, less: bool) -> FewShotPrompt:
        stages = [
            default_for(0) if less and calibrator == "auto" else calibrator
            for calibrator in self._calibrators
        ]
        return prepare(
            scorer,
            (),
            shots=0,
            selector=None,
            calibrators=deepcopy(stages),
            unlabelled=self._unlabelled,
            rng=np.random.default_rng(self._seed),
        )

    def _counting(self) -> PromptScorer:
        prompts = foreseen_prompts(self.task, self._template, self.lm, self._style, self._scorer)
        return PromptScorer(prompts, self._normalise, counting=True)

    def estimate(self, k: int, tokens: int) -> Usage:
        """The most that checking k texts of so many tokens costs, calibration left out."""
        if not k:
            return Usage()
        counting = self._counting()
        text = _text_of(self.lm, tokens)
        counting.score([Item(f"foreseen-{number}", text) for number in range(k)])
        return counting.spent

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """Score the labels of every text.

        Raises:
            DataError: An item has a label that the task lacks.
            LanguageModelError: The model failed.
        """
        if not items:
            return []
        intended = [self.task.index(item.label) for item in items]
        prompt = self._prompt()
        seconds = self.lm.usage.seconds
        answer = prompt.score([Item(item.id, item.text) for item in items])
        self._usage += sum(answer.scored.usage, Usage(seconds=self.lm.usage.seconds - seconds))
        return [
            self._reason(row, own)
            for row, own in zip(answer.probabilities.tolist(), intended, strict=True)
        ]

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
