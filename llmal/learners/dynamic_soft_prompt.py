"""Soft prompts that depend on the text (PromptAL), over masked, causal and headless models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from llmal.embed.sentence import SentenceEmbedder
from llmal.errors import ConfigError
from llmal.learners.networks.backbone import KINDS, Backbone, Kind, load_backbone
from llmal.learners.networks.causal_prompt import CausalPrompt, Place
from llmal.learners.networks.dynamic_prompt import (
    DynamicPrompt,
    Features,
    PromptShape,
    Start,
)
from llmal.learners.networks.generator import Fusing
from llmal.learners.networks.masked_prompt import EncoderPrompt, MaskedPrompt
from llmal.learners.networks.protocol import Loss
from llmal.learners.networks.template import Template, cut, make_template, words_of
from llmal.learners.soft_labels import SoftLabels
from llmal.learners.text_learner import TextLearner
from llmal.learners.training.settings import Settings
from llmal.learners.training.terms import Term
from llmal.learners.training_set import Targets
from llmal.learners.words import initial_words

M_TRIED = (4, 8, 16)
N_TRIED = (0, 1)
LEAST_HELD_OUT = 0.2


@dataclass(frozen=True)
class Defaults:
    """What is taken where nothing is given.

    Attributes:
        m: Vectors of the task.
        epochs: Most passes over the items.
        learning_rate: Of all but the task's vectors; for an encoder see `rate_for`.
        prompt_learning_rate: Of the task's vectors.
        dropout: Of the attention.
        residual: Whether the attention is added to the task's vectors.
        start: How the task's vectors start.
        loss: Over the vocabulary or among the classes.
    """

    m: int
    epochs: int
    learning_rate: float
    prompt_learning_rate: float | None
    dropout: float
    residual: bool
    start: Start
    loss: Loss


PROMPTAL = Defaults(4, 10, 2e-5, None, 0.5, False, "normal", "vocabulary")
"""The authors' own, for a masked language model of the size of RoBERTa."""
CAUSAL = Defaults(20, 20, 1e-3, 3e-3, 0.1, True, "words", "classes")
"""By benchmarks/learners/search.py."""
DEFAULTS: Mapping[Kind, Defaults] = {
    "masked": PROMPTAL,
    "encoder": Defaults(4, 10, 2e-4, None, 0.5, False, "normal", "classes"),
    "causal": CAUSAL,
}


class DynamicSoftPrompt(TextLearner):
    """A soft prompt that depends on the text, in front of a pretrained model (PromptAL, 2025).

    Vectors of the task and of the text are mixed by self-attention. Over a masked language model a
    template with a mask asks for the word of a class, over a causal one the whole label is scored
    behind the text, over an encoder without a language head there is a linear one. What is None
    takes PromptAL's own value over a masked language model, and over a causal one what a search on
    other sets chose (`DEFAULTS`).

    Args:
        model: Directory, known name or hub name.
        m: Vectors of the task; "auto" takes what has the lowest held-out loss.
        n: Vectors of the text, 0 for none; "auto" likewise.
        fusion: "attention"; "hadamard" and "addition", with the sigmoid of the text's vector;
            "task" or "sample" alone.
        heads: Of the attention.
        dropout: Of the attention.
        residual: Add the task's vectors to what the attention gives.
        start: The task's vectors start as embeddings of the task's "words", as "normal" noise, or,
            over a causal model, as those of labelled "demonstrations" out of the items, as in
            context-aware prompt tuning (CPT: Blau et al., 2024), which is `n=0` and a radius; m is
            then the number of their tokens.
        shots: Items of each class that are demonstrations.
        radius: How far each vector of the task may move from where it started, in units of the
            root of width / 2048 as in CPT, which has 0.1; None for any distance.
        template: With `{text}` and, for a masked language model, `{mask}`; by default llmal's own
            labelling prompt for a causal model, and `{text} It was {mask}.` for a masked one.
        instruction: Guidelines of the task, in front of the template.
        verbalizers: The word of each class; by default its name.
        place: Over a causal model: the soft prompt stands at the "front", as in PEFT, or "before
            text", behind the template's fixed words, which a server then has to read only once.
        kind: "masked", "causal", "encoder"; "auto" takes what the checkpoint was made as.
        freeze_backbone: Whether the model is left as it is.
        sample_encoder: The text's vectors are made from what the model says of it before training
            ("pretrained", kept for each text), as it is ("live"), or from the vectors of an
            embedder, by its name or path.
        features: Which state `embed` gives: at the "answer", of the "first" token, or of the first
            vector of the soft "prompt".
        loss: Cross-entropy over the "vocabulary", or among the "classes".
        epochs: Most passes over the items.
        learning_rate: Peak rate of all that is trained but the task's vectors.
        prompt_learning_rate: Peak rate of the task's vectors.
        batch_size: Items in one step.
        max_length: Most tokens kept of a text.
        validation: Share of the items that is held out to stop early, where there are 100 or more;
            from 20 on where the share is at least a fifth, as it is where m or n is "auto".
        patience: Passes without a lower held-out loss after which training ends.
        dtype: Of a model that is left alone; vectors are float32 always.
        random_state: For everything that is drawn.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        terms: What is added to the training against noisy labels (`llmal.learners.noisy`).
        progress: Show a bar on a terminal.

    Attributes:
        classes_: Classes seen in `fit`, sorted.
        history_: How training went.
        m_: Vectors of the task that were taken.
        n_: Vectors of the text that were taken.
    """

    registered_as = "dynamic_soft_prompt"
    found_in_fit = ("m_", "n_")

    network_: DynamicPrompt
    m_: int
    n_: int
    _demonstrations: Sequence[tuple[str, int]] | None = None

    def __init__(
        self,
        model: str | Path,
        *,
        m: int | Literal["auto"] | None = None,
        n: int | Literal["auto"] = 1,
        fusion: Fusing = "attention",
        heads: int = 4,
        dropout: float | None = None,
        residual: bool | None = None,
        start: Start | None = None,
        shots: int = 2,
        radius: float | None = None,
        template: str | None = None,
        instruction: str = "",
        verbalizers: Mapping[Any, str] | None = None,
        place: Place = "front",
        kind: Kind | Literal["auto"] = "auto",
        freeze_backbone: bool | None = None,
        sample_encoder: str = "pretrained",
        features: Features = "answer",
        loss: Loss | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        prompt_learning_rate: float | None = None,
        batch_size: int = 16,
        max_length: int = 256,
        validation: float = 0.1,
        patience: int = 3,
        dtype: str | None = None,
        random_state: int = 0,
        device: str = "auto",
        terms: Sequence[Term] = (),
        progress: bool = False,
    ) -> None:
        self.model = model
        self.m = m
        self.n = n
        self.fusion = fusion
        self.heads = heads
        self.dropout = dropout
        self.residual = residual
        self.start = start
        self.shots = shots
        self.radius = radius
        self.template = template
        self.instruction = instruction
        self.verbalizers = verbalizers
        self.place = place
        self.kind = kind
        self.freeze_backbone = freeze_backbone
        self.sample_encoder = sample_encoder
        self.features = features
        self.loss = loss
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.prompt_learning_rate = prompt_learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.validation = validation
        self.patience = patience
        self.dtype = dtype
        self.random_state = random_state
        self.device = device
        self.terms = terms
        self.progress = progress

    def fit(
        self, X: Any, y: ArrayLike | SoftLabels, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train from scratch; with m or n "auto" once for each pair that is tried.

        Args:
            X: n texts.
            y: n label names or label columns, or soft labels.
            sample_weight: n weights of at least 0.

        Raises:
            DataError: X, y or the weights are not usable.
            ConfigError: A parameter is not usable, or training diverged.
            LanguageModelError: The model cannot be found, loaded or used.
        """
        if "auto" not in (self.m, self.n):
            try:
                super().fit(X, y, sample_weight)
            finally:
                self._demonstrations = None
            self.m_, self.n_ = self.network_.shape.m, self.network_.shape.n
            return self
        best = min(
            (self._trial(m, n).fit(X, y, sample_weight) for m, n in self._tried()),
            key=_held_out_loss,
        )
        self.network_, self.classes_, self.history_ = best.network_, best.classes_, best.history_
        self.terms_, self.trained_on_ = best.terms_, best.trained_on_
        self.m_, self.n_ = best.m_, best.n_
        return self

    def _tried(self) -> list[tuple[int | None, int]]:
        return list(
            product(
                M_TRIED if self.m == "auto" else (self.m,),
                N_TRIED if self.n == "auto" else (self.n,),
            )
        )

    def _trial(self, m: int | None, n: int) -> DynamicSoftPrompt:
        given = {**self.get_params(), "m": m, "n": n}
        return DynamicSoftPrompt(**{**given, "validation": max(self.validation, LEAST_HELD_OUT)})

    def _settings(self) -> Settings:
        kind, width = self._kind_and_width()
        defaults = DEFAULTS[kind]
        rate = rate_for(width) if kind == "encoder" else defaults.learning_rate
        return Settings(
            epochs=defaults.epochs if self.epochs is None else self.epochs,
            learning_rate=_given(self.learning_rate, rate),
            batch_size=self.batch_size,
            schedule="constant" if defaults is PROMPTAL else "linear",
            validation=self.validation,
            patience=self.patience,
            fewest_to_hold_out=20 if self.validation >= LEAST_HELD_OUT else 100,
        )

    def _prepare(self, items: list[str], made: Targets) -> None:
        if self.start != "demonstrations":
            return
        if self.m is not None:
            raise ConfigError(
                f"m is {self.m!r}, and with demonstrations it is the number of their tokens",
                fix="leave m out, and give shots",
            )
        if not isinstance(self.shots, int) or self.shots < 1:
            raise ConfigError(f"shots is {self.shots!r}", fix="it must be a whole number above 0")
        rng = np.random.default_rng(self.random_state)
        order = rng.permutation(len(items))
        rows = np.concatenate(
            [order[made.codes[order] == code][: self.shots] for code in np.unique(made.codes)]
        )
        self._demonstrations = [(items[row], int(made.codes[row])) for row in rng.permutation(rows)]

    def _initial(
        self, classes: NDArray[Any], words: Sequence[str], template: Template, backbone: Backbone
    ) -> tuple[int, ...]:
        """Tokens from whose embeddings the task's vectors start."""
        tokenizer = backbone.encoder.tokenizer
        if self.start != "demonstrations":
            text = initial_words(self.instruction, classes, words)
            return tuple(tokenizer(text, add_special_tokens=False).input_ids) or (0,)
        if backbone.kind != "causal":
            raise ConfigError(
                f"a soft prompt over a {backbone.kind} model cannot start as demonstrations",
                fix="use a causal model, or another start",
            )
        if self._demonstrations is None:  # of a saved one, which has its vectors
            return (0,) * self.m_
        kept, _ = cut(
            [text for text, _ in self._demonstrations], tokenizer, self.max_length, one_line=True
        )
        shown = [
            f"{Template('', template.around).fill(text).rstrip()} {words[code]}\n\n"
            for text, (_, code) in zip(kept, self._demonstrations, strict=True)
        ]
        return tuple(tokenizer("".join(shown), add_special_tokens=False).input_ids)

    def _network(self, classes: NDArray[Any], device: torch.device) -> DynamicPrompt:
        backbone = load_backbone(
            self.model, self.kind, device, self.dtype, frozen=self.freeze_backbone
        )
        defaults = DEFAULTS[backbone.kind]
        verbalizers = self.verbalizers
        if backbone.kind == "encoder" and verbalizers is None:
            # Its head says no words, so that classes may be numbers.
            verbalizers = {one: str(one) for one in classes.tolist()}
        words = words_of(classes.tolist(), verbalizers)
        template = make_template(self.template, self.instruction, words, backbone)
        initial = self._initial(classes, words, template, backbone)
        m = getattr(self, "m_", None) if self.m == "auto" else self.m
        if self.start == "demonstrations":
            m = len(initial)
        shape = PromptShape(
            m=_given(m, defaults.m),
            n=getattr(self, "n_", 1) if self.n == "auto" else self.n,
            fusion=self.fusion,
            heads=self.heads,
            dropout=_given(self.dropout, defaults.dropout),
            residual=_given(self.residual, defaults.residual),
            start=_given(self.start, defaults.start),
            radius=self.radius,
            learning_rate=_given(self.prompt_learning_rate, defaults.prompt_learning_rate),
        )
        options: dict[str, Any] = {
            "shape": shape,
            "initial": initial,
            "sample_encoder": self._encoder(),
            "loss": _given(self.loss, defaults.loss),
            "features": self.features,
            "max_length": self.max_length,
            "device": device,
        }
        if backbone.kind == "causal":
            return CausalPrompt(backbone, template, words, place=self.place, **options)
        if self.place != "front":
            raise ConfigError(
                f"over a {backbone.kind} model the soft prompt stands in front, not {self.place!r}",
                fix='leave place out, or say "front"',
            )
        network = MaskedPrompt if backbone.kind == "masked" else EncoderPrompt
        return network(backbone, template, words, **options)

    def _encoder(self) -> Any:
        if self.sample_encoder in ("pretrained", "live"):
            return self.sample_encoder
        return SentenceEmbedder(self.sample_encoder)

    def _kind_and_width(self) -> tuple[Kind, int]:
        from transformers import AutoConfig

        from llmal.learners.networks.backbone import kind_of
        from llmal.lm.encoder import load_pretrained

        config = load_pretrained(AutoConfig, str(self.model), "configuration")
        kind = self.kind if self.kind in KINDS else kind_of(config)
        return kind, int(config.get_text_config().hidden_size)


def rate_for(width: int) -> float:
    """The peak rate for an encoder without a language head, all of whose weights are trained.

    Of a small one it is what `benchmarks/learners/promptal.py settings` found for MiniLM, of width
    384; it falls with the square of the width, to the 5e-5 that models of 768 are tuned with.
    """
    most = DEFAULTS["encoder"].learning_rate
    return min(most, most * (384 / width) ** 2)


def _given(value: Any, default: Any) -> Any:
    return default if value is None else value


def _held_out_loss(learner: DynamicSoftPrompt) -> float:
    history = learner.history_
    losses = history.held_out or history.losses
    return losses[history.best]
