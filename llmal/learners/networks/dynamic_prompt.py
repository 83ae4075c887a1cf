"""A pretrained model behind a soft prompt that depends on the text (PromptAL)."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError, DataError, UnsupportedError
from llmal.learners.exporting.form import Form
from llmal.learners.networks.adaptations import ADAPTER, ADAPTER_WEIGHTS
from llmal.learners.networks.backbone import Backbone
from llmal.learners.networks.context import LongTexts
from llmal.learners.networks.devices import in_use
from llmal.learners.networks.generator import Fusing, Fusion, SampleVectors, check_fusion
from llmal.learners.networks.protocol import (
    Group,
    Loss,
    Output,
    Reading,
    no_scores_of_states,
    trainable,
    word_losses,
)
from llmal.learners.networks.template import Template, fill_in, room_in
from llmal.lm.padding import padded

TRAINED = "soft_prompt.safetensors"
BACKBONE = "backbone.safetensors"

SampleEncoder = Literal["pretrained", "live"]
Start = Literal["words", "normal", "demonstrations"]
Features = Literal["answer", "first", "prompt"]

_AT_ONCE = 32


@dataclass(frozen=True)
class PromptShape:
    """How a soft prompt is built.

    Attributes:
        m: Vectors of the task.
        n: Vectors of a text; 0 for none.
        fusion: How they join.
        heads: Of the attention.
        dropout: Of the attention.
        residual: Whether the attention is added to the task's vectors.
        start: The task's vectors start as embeddings of words, or as N(0, 1).
        radius: How far each of them may move from its start, in units of the root of width / 2048.
        learning_rate: Peak rate of the task's vectors; None for that of everything else.
    """

    m: int = 4
    n: int = 1
    fusion: Fusing = "attention"
    heads: int = 4
    dropout: float = 0.5
    residual: bool = False
    start: Start = "normal"
    radius: float | None = None
    learning_rate: float | None = None

    def __post_init__(self) -> None:
        check_fusion(self.fusion, self.m, self.n)
        if self.start not in get_args(Start):
            fix = 'use "words", "normal" or "demonstrations"'
            raise ConfigError(f"start is {self.start!r}", fix=fix)
        if self.radius is not None and not self.radius > 0:
            raise ConfigError(f"radius is {self.radius!r}", fix="it must be above 0, or None")

    @property
    def length(self) -> int:
        """Vectors that stand in front of a text."""
        return self.n if self.fusion == "sample" else self.m

    @property
    def depends_on_text(self) -> bool:
        """Whether texts have soft prompts of their own."""
        return self.n > 0 and self.fusion != "task"


class DynamicPrompt(nn.Module):
    """The trained part and the model behind it. A subclass knows where its answer stands.

    Args:
        backbone: The model.
        template: What it reads of a text.
        shape: How the soft prompt is built.
        initial: Tokens from whose embeddings the task's vectors start, in turn.
        sample_encoder: What the text's vectors are made from: "pretrained", the model as it was
            before training, computed once a text; "live", the model as it is; or an embedder.
        loss: Over the whole vocabulary, or among the classes.
        features: Which state `embed` gives: at the answer, of the first token, or of the first
            vector of the soft prompt.
        max_length: Most tokens kept of a text.
        device: Where to run.

    Raises:
        ConfigError: The parts do not fit each other or the model's context.
    """

    def __init__(
        self,
        backbone: Backbone,
        template: Template,
        shape: PromptShape,
        *,
        initial: Sequence[int],
        sample_encoder: SampleEncoder | Embedder,
        loss: Loss,
        features: Features,
        max_length: int,
        device: torch.device,
    ) -> None:
        super().__init__()
        self.backbone, self.template, self.shape = backbone, template, shape
        self.device, self._loss, self._features = device, loss, features
        self.model = backbone.model
        self._embedder = None if isinstance(sample_encoder, str) else sample_encoder
        self._live = sample_encoder == "live"
        self._original: list[Any] = []
        self._known: dict[tuple[int, ...], Tensor] = {}
        width = backbone.width
        self.task = nn.Parameter(self._start(initial, width))
        self.centre: Tensor | None
        self.register_buffer("centre", None if shape.radius is None else self.task.detach().clone())
        self.sample: SampleVectors | None = None
        if shape.depends_on_text:
            wide = width if self._embedder is None else self._embedder.dimensions
            self.sample = SampleVectors(
                wide, shape.n, width, normalise=shape.residual or self._embedder is not None
            )
        self.fusion = Fusion(
            shape.fusion,
            width,
            heads=shape.heads,
            dropout=shape.dropout,
            residual=shape.residual,
        )
        self.max_length = room_in(
            template,
            backbone,
            shape.length + self.answer_length,
            max_length,
            what="template and soft prompt",
            fix="shorten the instruction, or lower "
            + ("shots or max_length" if shape.start == "demonstrations" else "m"),
        )
        self._long = LongTexts(self.max_length)
        self.to(device)
        self.eval()

    @property
    def module(self) -> nn.Module:
        """All of it."""
        return self

    @abstractmethod
    def answer(
        self, readings: Sequence[Reading], prompts: Tensor, dropout: float
    ) -> tuple[Tensor, Tensor]:
        """Scores, shape (b, C), and states, (b, d), of texts behind soft prompts, (b, v, d)."""

    @abstractmethod
    def encode(self, ids: Sequence[tuple[int, ...]], model: Any) -> Tensor:
        """What a model says of texts without a soft prompt, shape (b, d)."""

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Token ids of the filled template, and what a frozen encoder says of each."""
        kept, ids = fill_in(texts, self.template, self.backbone, self._long)
        return self.read_ids(ids, kept)

    def read_ids(self, ids: Sequence[tuple[int, ...]], texts: Sequence[str]) -> list[Reading]:
        """Texts that stand in their templates already.

        Args:
            ids: Token ids of what the model reads.
            texts: What an embedder reads in their place.
        """
        if self.sample is None or self._live:
            return [Reading(one) for one in ids]
        if self._embedder is not None:
            vectors = np.asarray(self._embedder.embed(list(texts)), dtype=np.float32)
            rows = torch.from_numpy(vectors)
            return [Reading(one, row) for one, row in zip(ids, rows, strict=True)]
        self._remember(ids)
        return [Reading(one, self._known[one]) for one in ids]

    def prompts(self, readings: Sequence[Reading]) -> Tensor:
        """The soft prompts of texts, shape (b, v, d), float32."""
        sample = self._sample_vectors(readings)
        made: Tensor = self.fusion(self.task_vectors(), sample, len(readings))
        return made

    def task_vectors(self) -> Tensor:
        """The task's vectors, shape (m, d), brought back to where they may be."""
        if self.centre is None or self.shape.radius is None:
            return self.task
        most = self.shape.radius * math.sqrt(self.backbone.width / 2048)
        moved = self.task - self.centre
        distances = torch.linalg.vector_norm(moved, dim=1, keepdim=True)
        vectors: Tensor = self.centre + moved * (most / distances.clamp(min=most))
        return vectors

    def forward(self, readings: Sequence[Reading], dropout: float = 0.0) -> Output:
        """Scores and states of a batch."""
        scores, states = self.answer(readings, self.prompts(readings), dropout)
        return Output(scores, states)

    def losses(self, output: Output, targets: Tensor) -> Tensor:
        """Cross-entropy of each text, over the vocabulary or among the classes."""
        return word_losses(self._loss, output.scores, targets)

    def scores_of(self, states: Tensor) -> Tensor:
        """Refused: the words of the classes are read from the model itself."""
        raise no_scores_of_states()

    def embedding(self) -> nn.Module:
        """The model's input embeddings."""
        module: nn.Module = self.model.get_input_embeddings()
        return module

    def groups(self, learning_rate: float) -> list[Group]:
        """The task's vectors at their rate, and everything else that is trained."""
        own = self.shape.learning_rate
        others = [one for one in trainable(self) if one is not self.task]
        vectors: Group = {"params": [self.task], "lr": learning_rate if own is None else own}
        unused = self.shape.fusion == "sample"
        groups = [] if unused else [vectors]
        return [*groups, {"params": others, "lr": learning_rate}] if others else groups

    def trained_weights(self) -> dict[str, Tensor]:
        """What training changes, the model aside, by name."""
        return {
            name: value.detach().float().cpu().contiguous()
            for name, value in self.state_dict().items()
            if not name.startswith("model.")
        }

    def save(self, directory: Path) -> None:
        """Write the soft prompt; a fixed one as PEFT's prompt tuning has it; a model that was
        trained too.
        """
        from safetensors.torch import save_file

        if self.is_peft:
            self.write_peft(directory / ADAPTER)
        save_file(self.trained_weights(), directory / TRAINED)
        if not self.backbone.frozen:
            weights = {name: one.detach().cpu().contiguous().clone() for name, one in
                       self.model.state_dict().items()}  # fmt: skip
            save_file(weights, directory / BACKBONE)

    def export(self, directory: Path, names: Sequence[str], *, merge: bool) -> Form:
        """Refused, but for a fixed soft prompt over a causal model: that is a PEFT adapter."""
        raise UnsupportedError(
            "no other library computes a soft prompt that depends on the text, stands behind fixed "
            "words, or has a model behind it that is no causal one or was trained too",
            fix="use the saved learner: llmal.load_learner, or SoftPromptLM for a server of a "
            "causal model; with n=0, in front of a causal model that is left alone, it is a PEFT "
            "adapter",
        )

    def load(self, directory: Path) -> None:
        """Take over what `save` wrote.

        Raises:
            DataError: It is missing, damaged, or of a model of another shape.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = directory / TRAINED
        try:
            weights = load_file(path)
            own = {name for name in self.state_dict() if not name.startswith("model.")}
            if set(weights) != own:
                raise KeyError(next(iter(set(weights) ^ own)))
            self.load_state_dict(weights, strict=False)
            if not self.backbone.frozen:
                self._pretrained()
                path = directory / BACKBONE
                self.model.load_state_dict(load_file(path))
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise DataError(
                "the soft prompt is missing, damaged, or belongs to another model",
                where=str(path),
                fix="fit and save the learner again, or name the model that it was trained with",
            ) from error

    @property
    def is_peft(self) -> bool:
        """Whether it is what PEFT calls prompt tuning."""
        return self.backbone.kind == "causal" and not self.shape.depends_on_text

    def write_peft(self, directory: Path) -> None:
        """Write it as PEFT's prompt tuning."""
        from peft import PromptTuningConfig
        from safetensors.torch import save_file

        directory.mkdir(parents=True, exist_ok=True)
        settings = self.model.config.get_text_config()
        PromptTuningConfig(
            task_type="CAUSAL_LM",
            num_virtual_tokens=self.shape.m,
            base_model_name_or_path=str(self.model.config._name_or_path),
            token_dim=self.backbone.width,
            num_transformer_submodules=1,
            num_attention_heads=settings.num_attention_heads,
            num_layers=settings.num_hidden_layers,
            inference_mode=True,
        ).save_pretrained(str(directory))
        save_file(
            {"prompt_embeddings": self.task_vectors().detach().cpu().contiguous()},
            directory / ADAPTER_WEIGHTS,
        )

    def _start(self, initial: Sequence[int], width: int) -> Tensor:
        if self.shape.start == "normal":
            return torch.randn(self.shape.m, width)
        wanted = torch.tensor([initial[place % len(initial)] for place in range(self.shape.m)])
        with torch.no_grad():
            return self.backbone.embed(wanted.to(self.device)).cpu().clone()

    @property
    def answer_length(self) -> int:
        """Tokens that an answer takes behind what is read."""
        return 0

    def _sample_vectors(self, readings: Sequence[Reading]) -> Tensor | None:
        if self.sample is None:
            return None
        if self._live:
            with torch.no_grad():
                features = self.encode([one.ids for one in readings], self.model).float()
        else:
            features = torch.stack([one.features for one in readings]).to(self.device)  # type: ignore[misc]
        made: Tensor = self.sample(features)
        return made

    def _remember(self, ids: Sequence[tuple[int, ...]]) -> None:
        """What the pretrained model says of texts that it has not read yet."""
        new = sorted({one for one in ids if one not in self._known}, key=len)
        model = self._pretrained()
        with torch.no_grad(), in_use(model):
            for start in range(0, len(new), _AT_ONCE):
                part = new[start : start + _AT_ONCE]
                for one, row in zip(part, self.encode(part, model).float().cpu(), strict=True):
                    self._known[one] = row

    def _pretrained(self) -> Any:
        """The model as it was before training: itself, where training leaves it alone."""
        if self.backbone.frozen:
            return self.model
        if not self._original:
            import copy

            # At the first reading nothing has been trained yet. In a list, or it would be a part
            # of this module.
            self._original.append(copy.deepcopy(self.model).requires_grad_(False))
        return self._original[0]


def first_states(model: Any, ids: Sequence[tuple[int, ...]], device: torch.device) -> Tensor:
    """Last-layer states of the first tokens, shape (b, d), read by an encoder."""
    tokens, mask = padded(ids, device)
    base = getattr(model, model.base_model_prefix, model)
    states: Tensor = base(input_ids=tokens, attention_mask=mask).last_hidden_state[:, 0]
    return states
