"""What of a sequence classifier is trained: all of it, low-rank updates, or a soft prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from llmal.errors import ConfigError

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
        virtual_tokens: None.
        starts_as_words: No; it starts as nothing.
    """

    rank: int = 8
    alpha: float = 16
    dropout: float = 0.0
    modules: str | Sequence[str] = "all-linear"
    virtual_tokens: int = 0
    starts_as_words: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.rank, int) or self.rank < 1:
            raise ConfigError(f"rank is {self.rank!r}", fix="it must be a whole number above 0")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout is {self.dropout!r}", fix="give a share below 1")

    def config(self) -> Any:
        """A `LoraConfig`."""
        from peft import LoraConfig, TaskType

        modules = self.modules if isinstance(self.modules, str) else list(self.modules)
        return LoraConfig(
            task_type=TaskType.SEQ_CLS,
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
                fix='use "prompt", "p_tuning" or "prefix"',
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
