"""A pretrained model under a soft prompt: masked, causal, or an encoder without a language head."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from llmal.errors import ConfigError, UnsupportedError
from llmal.lm.encoder import Encoder, load_pretrained, model_identity
from llmal.loading import local_directory

Kind = Literal["masked", "causal", "encoder"]
KINDS: tuple[Kind, ...] = ("masked", "causal", "encoder")


@dataclass
class Backbone:
    """A model of transformers with its tokenizer.

    Attributes:
        kind: What it can do at the place of an answer.
        encoder: Its tokenizer.
        model: The model with its language head, if it has one.
        identity: Its name and a hash of its folder.
        frozen: Whether training leaves it alone.
    """

    kind: Kind
    encoder: Encoder
    model: Any
    identity: str
    frozen: bool

    @property
    def width(self) -> int:
        """d, of its input embeddings."""
        return int(self.model.get_input_embeddings().weight.shape[1])

    @property
    def base(self) -> torch.nn.Module:
        """The model without its language head."""
        inner = getattr(self.model, self.model.base_model_prefix, self.model)
        module: torch.nn.Module = inner
        return module

    def embed(self, ids: Tensor) -> Tensor:
        """Input embeddings, shape (..., d), float32."""
        vectors: Tensor = self.model.get_input_embeddings()(ids)
        return vectors.float()

    @contextmanager
    def seen(self, places: Tensor | None = None) -> Iterator[list[Tensor]]:
        """What the base model gives inside the block, before the language head.

        Args:
            places: Shape (b,): the head is shown each text's state at its place alone, so that
                the vocabulary is not scored where nobody asks. None shows it what there is.
        """
        states: list[Tensor] = []

        def look(module: Any, given: Any, output: Any) -> Any:
            hidden = output.last_hidden_state
            if places is not None:
                rows = torch.arange(len(hidden), device=hidden.device)
                hidden = hidden[rows, places][:, None]
                output.last_hidden_state = hidden
            states.append(hidden)
            return output

        hook = self.base.register_forward_hook(look)
        try:
            yield states
        finally:
            hook.remove()


def load_backbone(
    model: str | Path, kind: str, device: torch.device, dtype: str | None, *, frozen: bool | None
) -> Backbone:
    """Load a model with its tokenizer.

    Args:
        model: Folder, known name or hub name.
        kind: "auto" takes what its checkpoint was made as.
        device: Where to run.
        dtype: "float32", "bfloat16", …; by default float32 where it is trained or runs on a CPU,
            else what the checkpoint has.
        frozen: Whether training leaves it alone; by default a causal model is.

    Raises:
        LanguageModelError: It cannot be found or loaded.
        UnsupportedError: It is an encoder-decoder.
        ConfigError: There is no such kind or dtype.
    """
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM

    source = local_directory(str(model)) or str(model)
    settings = load_pretrained(AutoConfig, source, "configuration")
    if settings.is_encoder_decoder:
        raise UnsupportedError(
            f"{str(model)!r} is an encoder-decoder, which takes no soft prompt here",
            fix="use a masked or a causal language model, or an encoder",
        )
    chosen = kind_of(settings) if kind == "auto" else kind
    factories = {"masked": AutoModelForMaskedLM, "causal": AutoModelForCausalLM,
                 "encoder": AutoModel}  # fmt: skip
    if chosen not in factories:
        raise ConfigError(f"there is no kind {kind!r}", fix=f"use auto, {', '.join(KINDS)}")
    still = chosen == "causal" if frozen is None else frozen
    if dtype is not None:
        given: Any = getattr(torch, dtype, None)
        if not isinstance(given, torch.dtype):
            raise ConfigError(f"{dtype!r} is no dtype", fix="use float32, bfloat16 or float16")
    else:
        given = "auto" if still and device.type == "cuda" else torch.float32
    loaded = load_pretrained(factories[chosen], source, "model", dtype=given)
    loaded.to(device).eval()
    loaded.requires_grad_(not still)
    return Backbone(
        chosen,  # type: ignore[arg-type]
        Encoder.load(source),
        loaded,
        model_identity(source),
        still,
    )


def kind_of(settings: Any) -> Kind:
    """What a checkpoint was made as, by its configuration."""
    names = getattr(settings, "architectures", None) or []
    if any(name.endswith("ForMaskedLM") for name in names):
        return "masked"
    if any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in names):
        return "causal"
    return "encoder"
