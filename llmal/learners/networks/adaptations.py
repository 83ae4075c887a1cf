"""What of a sequence classifier is trained: all of it, low-rank updates, or a soft prompt."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from llmal.errors import ConfigError, DataError

ADAPTER = "adapter"
"""The folder of what PEFT writes, inside that of a learner."""
ADAPTER_WEIGHTS = "adapter_model.safetensors"

PromptMethod = Literal["prompt", "p_tuning", "prefix"]


class Adaptation(Protocol):
    """Makes of a classifier what is trained."""

    @property
    def virtual_tokens(self) -> int:
        """Places that it takes in front of a text."""
        ...

    @property
    def starts_as_words(self) -> bool:
        """Whether its vectors start as the words of the task."""
        ...

    def config(self) -> Any | None:
        """A configuration of PEFT; None where the model itself is trained."""
        ...


@dataclass(frozen=True)
class WholeModel:
    """Every weight is trained."""

    virtual_tokens: int = 0
    starts_as_words: bool = False

    def config(self) -> None:
        """None: the model itself is trained."""


@dataclass(frozen=True)
class LowRank:
    """LoRA (Hu et al., 2022).

    Attributes:
        rank: Of each update.
        alpha: Updates are scaled by alpha / rank.
        dropout: Before each update.
        modules: Names of the layers that get one; "all-linear" for every linear layer.
        task: What the model is to PEFT: a classifier of sequences, or a causal language model.
        virtual_tokens: None.
        starts_as_words: No; it starts as nothing.
    """

    rank: int = 8
    alpha: float = 16
    dropout: float = 0.0
    modules: str | Sequence[str] = "all-linear"
    task: Literal["SEQ_CLS", "CAUSAL_LM"] = "SEQ_CLS"
    virtual_tokens: int = 0
    starts_as_words: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.rank, int) or self.rank < 1:
            raise ConfigError(f"rank is {self.rank!r}", fix="it must be a whole number above 0")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout is {self.dropout!r}", fix="give a share below 1")

    def config(self) -> Any:
        """A `LoraConfig`."""
        from peft import LoraConfig

        modules = self.modules if isinstance(self.modules, str) else list(self.modules)
        return LoraConfig(
            task_type=self.task,
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=modules,
        )


@dataclass(frozen=True)
class SoftPrompt:
    """Vectors in front of a text; the model stays as it is.

    Attributes:
        virtual_tokens: How many.
        method: "prompt": free vectors (Lester et al., 2021). "p_tuning": made by a small network
            (Liu et al., 2021). "prefix": keys and values in every layer (Li and Liang, 2021), for
            decoders only.
        start: "words": the vectors of "prompt" start as the words of the task; "random": as those
            of random tokens.
    """

    virtual_tokens: int = 8
    method: PromptMethod = "prompt"
    start: Literal["words", "random"] = "random"

    def __post_init__(self) -> None:
        if not isinstance(self.virtual_tokens, int) or self.virtual_tokens < 1:
            raise ConfigError(
                f"virtual_tokens is {self.virtual_tokens!r}",
                fix="it must be a whole number above 0",
            )
        if self.method not in ("prompt", "p_tuning", "prefix"):
            raise ConfigError(
                f"there is no soft prompt {self.method!r}",
                fix='use "prompt", "p_tuning" or "prefix"; context-aware prompt tuning is '
                'DynamicSoftPrompt(start="demonstrations", n=0, radius=0.1)',
            )
        if self.start not in ("words", "random"):
            raise ConfigError(f"start is {self.start!r}", fix='use "words" or "random"')

    @property
    def starts_as_words(self) -> bool:
        """Whether its vectors start as the words of the task."""
        return self.method == "prompt" and self.start == "words"

    def config(self) -> Any:
        """A configuration of PEFT's prompt tuning, P-tuning or prefix tuning."""
        from peft import PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig, TaskType

        common = {"task_type": TaskType.SEQ_CLS, "num_virtual_tokens": self.virtual_tokens}
        if self.method == "p_tuning":
            return PromptEncoderConfig(**common)
        if self.method == "prefix":
            # Zeros leave the model as it is at the start; random keys would drown the text.
            return PrefixTuningConfig(**common, init_weights="zero")
        # PEFT's own default start is N(0, 1), some fifty times the size of a token's embedding.
        return PromptTuningConfig(**common, prompt_tuning_init="SAMPLE_VOCAB")


def adapted(base: Any, config: Any, fresh: Sequence[str] | None = None) -> Any:
    """A model with what PEFT puts around it.

    Args:
        base: A model of transformers.
        config: A configuration of PEFT.
        fresh: Modules that are trained and kept as a whole.

    Raises:
        ConfigError: The model has no layer that is named.
    """
    from peft import get_peft_model

    wanted = getattr(config, "target_modules", None)
    names = [name for name, _ in base.named_modules()]
    missing = [
        one
        for one in (wanted if isinstance(wanted, (list, set)) else ())
        if not any(name == one or name.endswith(f".{one}") for name in names)
    ]
    fix = 'name layers of the model in modules, or use "all-linear"'
    if missing:
        raise ConfigError(f"the model has no layer {sorted(missing)[0]!r} to adapt", fix=fix)
    if fresh is not None:
        config.modules_to_save = list(fresh)
    try:
        return get_peft_model(base, config)
    except ValueError as error:
        reason = (str(error).strip().splitlines() or [repr(error)])[0]
        raise ConfigError(f"the model cannot be adapted ({reason})", fix=fix) from error


def write_adapter(peft: Any, directory: Path) -> None:
    """Write what PEFT trained, as PEFT itself loads it."""
    # "auto" would ask the hub whether the vocabulary was resized; it never is.
    peft.save_pretrained(str(directory), save_embedding_layers=False)


def merged(peft: Any) -> Any:
    """A copy of a model with its low-rank updates added into its weights."""
    return copy.deepcopy(peft).merge_and_unload()


def load_adapter(peft: Any, directory: Path) -> None:
    """Take over what `write_adapter` wrote into the folder of a learner.

    Raises:
        DataError: It is missing, damaged, or of a model of another shape.
    """
    from peft import set_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = directory / ADAPTER / ADAPTER_WEIGHTS
    try:
        found = set_peft_model_state_dict(peft, load_file(path))
        # What PEFT puts elsewhere, such as a prompt's vectors, stands among the unexpected too.
        foreign = [name for name in found.unexpected_keys if "lora_" in name]
        if foreign:
            raise KeyError(foreign[0])
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise DataError(
            "the adapter is missing, damaged, or belongs to another model",
            where=str(path),
            fix="fit and save the learner again",
        ) from error
