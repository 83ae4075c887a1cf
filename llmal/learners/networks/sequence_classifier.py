"""A pretrained model with a classification head."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from llmal.errors import DataError, UnsupportedError
from llmal.learners.exporting.form import Form, classifier_form, head_adapter_form
from llmal.learners.networks.adaptations import (
    ADAPTER,
    Adaptation,
    adapted,
    load_adapter,
    merged,
    write_adapter,
)
from llmal.learners.networks.context import LongTexts, room_for_text
from llmal.learners.networks.protocol import (
    Group,
    Output,
    Reading,
    cross_entropies,
    no_scores_of_states,
    trainable,
)
from llmal.lm.padding import padded
from llmal.loading import load_local, load_offline_first, local_directory, quiet_loading

logger = logging.getLogger("llmal.learners")

HEADS = ("classifier", "score")
WEIGHTS = "model.safetensors"


class SequenceClassifier:
    """Tokenizer and Hugging Face classifier, whole or adapted by PEFT, as a network.

    PEFT hands the model input embeddings in place of token ids. A decoder-only classifier of
    transformers finds its last text token by the ids, and without them reads the last position,
    which is padding in all but the longest text of a batch. Padding on the left is no way out: it
    would stand between prompt and text and move them apart. So decoders are padded on the right
    here and read at the last token of each text; causal attention keeps the padding out of it.
    For a text alone in its batch this equals PEFT's own forward pass.

    Encoders go through their own head, which reads the first position: with a soft prompt that is
    its first vector, as in PEFT.

    Args:
        model: Directory or hub name.
        labels: Number of classes.
        adaptation: What is trained.
        max_length: Most tokens kept of a text.
        device: Where to run.
        train_head: Whether the classification head is trained too.
        initial: Words of the task, for what starts from words.

    Raises:
        LanguageModelError: The model cannot be found or loaded.
        UnsupportedError: It is an encoder-decoder, or takes no such adaptation.
        ConfigError: The soft prompt leaves no room for a text.
    """

    def __init__(
        self,
        model: str,
        labels: int,
        *,
        adaptation: Adaptation,
        max_length: int,
        device: torch.device,
        train_head: bool = True,
        initial: str = "",
    ) -> None:
        self.device = device
        self.virtual_tokens = adaptation.virtual_tokens
        self.tokenizer, base, fresh = _load(model, labels)
        self._decoder = hasattr(base, "score")
        self.max_length = room_for_text(
            base, self.tokenizer, self.virtual_tokens, max_length, "virtual_tokens"
        )
        self._long = LongTexts(self.max_length)
        config = adaptation.config()
        self._prefix = config is not None and config.peft_type.value == "PREFIX_TUNING"
        if self._prefix and not self._decoder:
            raise UnsupportedError(
                f"{model!r} is an encoder, which takes no prefix of keys and values",
                fix='use method "prompt" or "p_tuning"',
            )
        self.peft: Any = base if config is None else adapted(base, config, fresh)
        self._whole = config is None
        self._mergeable = not self.virtual_tokens
        if adaptation.starts_as_words:
            self._start_as(initial)
        self.peft.to(device).eval()
        if not train_head:
            for name, parameter in self.peft.named_parameters():
                if "modules_to_save" in name:
                    parameter.requires_grad_(False)

    def _start_as(self, words: str) -> None:
        """Let the soft prompt start as the embeddings of words, again and again."""
        ids = self.tokenizer(words, add_special_tokens=False).input_ids or [0]
        wanted = [ids[place % len(ids)] for place in range(self.virtual_tokens)]
        with torch.no_grad():
            vectors = self._base.get_input_embeddings()(torch.tensor(wanted))
            self.peft.prompt_encoder["default"].embedding.weight.copy_(vectors)

    @property
    def module(self) -> torch.nn.Module:
        """The classifier with what PEFT put around it."""
        module: torch.nn.Module = self.peft
        return module

    def groups(self, learning_rate: float) -> list[Group]:
        """All that is trained, at one rate."""
        return [{"params": trainable(self.peft), "lr": learning_rate}]

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Token ids of each text, cut at the end to `max_length`."""
        return [Reading(tuple(ids)) for ids in self._long.read(self.tokenizer, texts)]

    def losses(self, output: Output, targets: Tensor) -> Tensor:
        """Cross-entropy of each text, shape (n,)."""
        return cross_entropies(output.scores, targets)

    @property
    def _base(self) -> Any:
        """The classifier without what PEFT put around it."""
        return self.peft if self._whole else self.peft.get_base_model()

    def scores_of(self, states: Tensor) -> Tensor:
        """What the linear head of a decoder says; an encoder's reads more than states."""
        if not self._decoder:
            raise no_scores_of_states()
        scores: Tensor = self._base.score(states).float()
        return scores

    def embedding(self) -> torch.nn.Module:
        """The model's input embeddings."""
        module: torch.nn.Module = self._base.get_input_embeddings()
        return module

    def forward(self, readings: Sequence[Reading], dropout: float = 0.0) -> Output:
        """Scores, and the hidden states they are read from."""
        inputs, mask, more = self._inputs(readings)
        if dropout:
            inputs = torch.nn.functional.dropout(inputs, dropout)
        base = self._base
        if self._decoder:
            backbone = getattr(base, base.base_model_prefix)
            hidden = backbone(
                inputs_embeds=inputs, attention_mask=mask, use_cache=bool(more), **more
            ).last_hidden_state
            last = mask.sum(dim=1) - 1 - (mask.shape[1] - inputs.shape[1])
            pooled = hidden[torch.arange(len(hidden), device=self.device), last]
            return Output(self.scores_of(pooled), pooled)
        output = base(inputs_embeds=inputs, attention_mask=mask, output_hidden_states=True)
        return Output(output.logits.float(), output.hidden_states[-1][:, 0])

    def save(self, directory: Path) -> None:
        """Write what was trained: a PEFT adapter, or all weights."""
        if self._whole:
            self.peft.save_pretrained(str(directory))
            self.tokenizer.save_pretrained(str(directory))
            return
        write_adapter(self.peft, directory / ADAPTER)

    def export(self, directory: Path, names: Sequence[str], *, merge: bool) -> Form:
        """Write the classifier with its labels, low-rank updates added in; or a PEFT adapter."""
        if not self._whole and not (merge and self._mergeable):
            write_adapter(self.peft, directory)
            return head_adapter_form(names, self.max_length)
        model = self.peft if self._whole else merged(self.peft)
        kept = model.config
        model.config = copy.deepcopy(kept)
        model.config.id2label = dict(enumerate(names))
        model.config.label2id = {name: place for place, name in enumerate(names)}
        model.config.problem_type = "single_label_classification"
        tokenizer = copy.deepcopy(self.tokenizer)
        tokenizer.model_max_length = self.max_length
        try:
            model.save_pretrained(str(directory))
            tokenizer.save_pretrained(str(directory))
        finally:
            model.config = kept
        return classifier_form()

    def load(self, directory: Path) -> None:
        """Take over what `save` wrote.

        Raises:
            DataError: It is missing, damaged, or of a model of another shape.
        """
        if not self._whole:
            load_adapter(self.peft, directory)
            return
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = directory / WEIGHTS
        try:
            # Weights that are tied are written once.
            missing = self.peft.load_state_dict(load_file(path), strict=False)
            if missing.unexpected_keys:
                raise KeyError(missing.unexpected_keys[0])
            self.peft.tie_weights()
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise DataError(
                "the weights are missing, damaged, or belong to another model",
                where=str(path),
                fix="fit and save the learner again",
            ) from error

    def _inputs(self, readings: Sequence[Reading]) -> tuple[Tensor, Tensor, dict[str, Any]]:
        """Input embeddings, the mask of what stands before and in them, and further arguments."""
        ids, mask = padded([one.ids for one in readings], self.device)
        if self._whole or not self.virtual_tokens:
            return self.embedding()(ids), mask, {}
        embedded = self.peft.word_embeddings(ids)
        count = len(readings)
        mask = torch.cat([mask.new_ones((count, self.virtual_tokens)), mask], dim=1)
        prompt = self.peft.get_prompt(batch_size=count)
        if self._prefix:
            return embedded, mask, {"past_key_values": prompt}
        return torch.cat([prompt.to(embedded.dtype), embedded], dim=1), mask, {}


def _load(model: str, labels: int) -> tuple[Any, Any, list[str]]:
    """The tokenizer, the classifier, and the modules that its checkpoint does not hold."""
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
