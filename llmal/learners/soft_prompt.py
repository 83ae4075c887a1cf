"""A frozen sequence classifier with a trainable soft prompt before its input."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from llmal.errors import ConfigError, DataError, UnsupportedError
from llmal.loading import load_local, load_offline_first, local_directory, quiet_loading

logger = logging.getLogger("llmal.learners")

HEADS = ("classifier", "score")
ADAPTER = "adapter"


class SoftPromptClassifier:
    """Tokenizer, frozen Hugging Face classifier and PEFT soft prompt, as one function of texts.

    PEFT hands the model input embeddings in place of token ids. A decoder-only classifier of
    transformers finds its last text token by the ids, and without them reads the last position,
    which is padding in all but the longest text of a batch. Padding on the left is no way out: it
    would stand between prompt and text and move them apart. So decoders are padded on the right
    here and read at the last token of each text; causal attention keeps the padding out of it.
    For a text alone in its batch this equals PEFT's own forward pass.

    Encoders go through their own head, which reads the first position: the first soft-prompt
    token, as in PEFT.

    Args:
        model: Directory or hub name.
        labels: Number of classes.
        virtual_tokens: Length of the soft prompt; it starts as embeddings of random tokens.
        max_length: Most tokens kept of a text.
        device: Where to run.
        train_head: Whether the classification head is trained too.

    Raises:
        LanguageModelError: The model cannot be found or loaded.
        UnsupportedError: It is an encoder-decoder.
        ConfigError: The soft prompt leaves no room for a text.
    """

    def __init__(
        self,
        model: str,
        labels: int,
        *,
        virtual_tokens: int,
        max_length: int,
        device: torch.device,
        train_head: bool,
    ) -> None:
        from peft import PromptTuningConfig, TaskType, get_peft_model

        self.device = device
        self.virtual_tokens = virtual_tokens
        self.tokenizer, base, fresh = _load(model, labels)
        self._decoder = hasattr(base, "score")
        self.max_length = self._fit_to_context(base, max_length)
        config = PromptTuningConfig(
            task_type=TaskType.SEQ_CLS,
            num_virtual_tokens=virtual_tokens,
            # PEFT's default start is N(0, 1), some fifty times the size of a token's embedding.
            prompt_tuning_init="SAMPLE_VOCAB",
        )
        config.modules_to_save = fresh
        self.peft = get_peft_model(base, config).to(device)
        self.peft.eval()
        if not train_head:
            for name, parameter in self.peft.named_parameters():
                if "modules_to_save" in name:
                    parameter.requires_grad_(False)

    def trainable(self) -> list[torch.nn.Parameter]:
        """The parameters that training changes."""
        return [one for one in self.peft.parameters() if one.requires_grad]

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, cut at the end to `max_length`."""
        if not texts:
            return []
        encoded = self.tokenizer(list(texts), truncation=True, max_length=self.max_length)
        return [list(ids) for ids in encoded["input_ids"]]

    def forward(
        self, token_ids: Sequence[Sequence[int]], dropout: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Logits, shape (n, labels), and the hidden states they are read from, shape (n, d).

        Args:
            token_ids: n texts.
            dropout: Share of the input embeddings' entries that is dropped.
        """
        inputs, mask = self._with_prompt(token_ids)
        if dropout:
            inputs = torch.nn.functional.dropout(inputs, dropout)
        base = self.peft.get_base_model()
        if self._decoder:
            backbone = getattr(base, base.base_model_prefix)
            hidden = backbone(
                inputs_embeds=inputs, attention_mask=mask, use_cache=False
            ).last_hidden_state
            last = mask.sum(dim=1) - 1
            pooled = hidden[torch.arange(len(hidden), device=self.device), last]
            return base.score(pooled), pooled
        output = base(inputs_embeds=inputs, attention_mask=mask, output_hidden_states=True)
        return output.logits, output.hidden_states[-1][:, 0]

    def save(self, directory: Path) -> None:
        """Write the soft prompt and the head as a PEFT adapter."""
        # "auto" would ask the hub whether the vocabulary was resized; it never is.
        self.peft.save_pretrained(str(directory / ADAPTER), save_embedding_layers=False)

    def load(self, directory: Path) -> None:
        """Take over the soft prompt and the head that `save` wrote.

        Raises:
            DataError: They are missing, damaged, or of a model of another shape.
        """
        from peft import set_peft_model_state_dict
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = directory / ADAPTER / "adapter_model.safetensors"
        try:
            set_peft_model_state_dict(self.peft, load_file(path))
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise DataError(
                "the adapter is missing, damaged, or belongs to another model",
                where=str(path),
                fix="fit and save the learner again",
            ) from error

    def _with_prompt(self, token_ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        count, longest = len(token_ids), max(len(ids) for ids in token_ids)
        ids = torch.zeros((count, longest), dtype=torch.long)
        mask = torch.zeros((count, longest), dtype=torch.long)
        for row, one in enumerate(token_ids):
            ids[row, : len(one)] = torch.tensor(one, dtype=torch.long)
            mask[row, : len(one)] = 1
        ids, mask = ids.to(self.device), mask.to(self.device)
        embedded = self.peft.word_embeddings(ids)
        prompt = self.peft.get_prompt(batch_size=count).to(embedded.dtype)
        seen = torch.ones((count, self.virtual_tokens), dtype=torch.long, device=self.device)
        return torch.cat([prompt, embedded], dim=1), torch.cat([seen, mask], dim=1)

    def _fit_to_context(self, base: Any, max_length: int) -> int:
        context = getattr(base.config.get_text_config(), "max_position_embeddings", None)
        if not context:
            return max_length
        for name, module in base.named_modules():
            # RoBERTa and its kin count positions from the padding id on.
            offset = getattr(module, "padding_idx", None)
            if name.endswith("position_embeddings") and offset is not None:
                context -= offset + 1
        room = int(context) - self.virtual_tokens
        # A text of nothing but the tokenizer's own marks would carry no text.
        if room <= self.tokenizer.num_special_tokens_to_add():
            raise ConfigError(
                f"{self.virtual_tokens} virtual tokens leave no room for a text in a context of "
                f"{context} tokens",
                fix="lower virtual_tokens",
            )
        if room < max_length:
            logger.warning(
                "texts are cut to %d tokens, not %d: the model's context is %d and the soft "
                "prompt takes %d",
                room,
                max_length,
                context,
                self.virtual_tokens,
            )
        return min(room, max_length)


def pick_device(device: str) -> torch.device:
    """The named device, or for "auto" the best there is.

    Raises:
        ConfigError: torch knows no such device.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise ConfigError(
            f"there is no device {device!r}", fix='use "auto", "cpu", "cuda", "cuda:1" or "mps"'
        ) from error


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch inside the block, and give the caller's random state back after it."""
    # torch.manual_seed would reseed every accelerator, also those that are not restored here.
    accelerator = device.type if device.type in ("cuda", "mps") else None
    devices = [device.index or 0] if accelerator else []
    with torch.random.fork_rng(devices=devices, device_type=accelerator or "cuda"):
        torch.default_generator.manual_seed(seed)
        if accelerator == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif accelerator == "mps":
            torch.mps.manual_seed(seed)
        yield


def _load(model: str, labels: int) -> tuple[Any, Any, list[str]]:
    """The tokenizer, the frozen classifier, and the modules that its checkpoint does not hold."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    directory = local_directory(model)
    name = str(directory) if directory is not None else model

    def load(local: bool) -> tuple[Any, Any, dict[str, Any]]:
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=local)
        classifier, report = AutoModelForSequenceClassification.from_pretrained(
            name,
            num_labels=labels,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            local_files_only=local,
        )
        return tokenizer, classifier, report

    with quiet_loading():
        if directory is not None:
            tokenizer, base, report = load_local(directory, lambda: load(True))
        else:
            tokenizer, base, report = load_offline_first(name, load)
    if base.config.is_encoder_decoder:
        raise UnsupportedError(
            f"{model!r} is an encoder-decoder, and its classifier takes no soft prompt",
            fix="use an encoder or a decoder-only model",
        )
    missing = {key.rpartition(".")[0] for key in report["missing_keys"]}
    # What PEFT takes for the head anyway must not be wrapped twice.
    fresh = sorted(
        one for one in missing if not any(part.endswith(HEADS) for part in one.split("."))
    )
    return tokenizer, base, fresh
