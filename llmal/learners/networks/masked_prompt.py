"""Soft prompts over a masked language model, and over an encoder with a head of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from llmal.errors import ConfigError
from llmal.learners.networks.backbone import Backbone
from llmal.learners.networks.dynamic_prompt import DynamicPrompt, first_states
from llmal.learners.networks.protocol import Reading, no_scores_of_states
from llmal.learners.networks.template import Template, single_tokens
from llmal.lm.padding import padded


class _InFront(DynamicPrompt):
    """The soft prompt stands in front of all tokens; texts are padded behind, as encoders count
    positions from the front.
    """

    def encode(self, ids: Sequence[tuple[int, ...]], model: Any) -> Tensor:
        """The state of the first token."""
        return first_states(model, ids, self.device)

    def _inputs(
        self, readings: Sequence[Reading], prompts: Tensor, dropout: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids, and embeddings and mask with the soft prompt in front."""
        tokens, mask = padded([one.ids for one in readings], self.device)
        inputs = torch.cat([prompts, self.backbone.embed(tokens)], dim=1)
        if dropout:
            inputs = nn.functional.dropout(inputs, dropout)
        seen = mask.new_ones((len(readings), prompts.shape[1]))
        dtype = self.model.get_input_embeddings().weight.dtype
        return tokens, inputs.to(dtype), torch.cat([seen, mask], dim=1)

    def _chosen(self, hidden: Tensor, answer: Tensor, length: int) -> Tensor:
        """The states that `embed` gives."""
        place = {"first": length, "prompt": 0}.get(self._features)
        return answer if place is None else hidden[:, place]


class MaskedPrompt(_InFront):
    """A masked language model fills in the word of a class (PromptAL).

    Args:
        backbone: The model.
        template: With its mask.
        words: The classes' words, one token each.
        options: As for `DynamicPrompt`.
    """

    def __init__(
        self, backbone: Backbone, template: Template, words: Sequence[str], **options: Any
    ) -> None:
        if backbone.encoder.tokenizer.mask_token_id is None:
            raise ConfigError(
                "the model's tokenizer has no mask token", fix='use kind "causal" or "encoder"'
            )
        super().__init__(backbone, template, options.pop("shape"), **options)
        self._tokens = torch.tensor(single_tokens(words, backbone), device=self.device)

    def answer(
        self, readings: Sequence[Reading], prompts: Tensor, dropout: float
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the classes' words at the mask."""
        tokens, inputs, mask = self._inputs(readings, prompts, dropout)
        length = prompts.shape[1]
        is_mask = tokens == self.backbone.encoder.tokenizer.mask_token_id
        # A text may hold the mask's own word; the template's is taken: the last.
        steps = torch.arange(tokens.shape[1], device=self.device)
        places = (is_mask * (steps + 1)).argmax(dim=1) + length
        with self.backbone.seen() as whole, self.backbone.seen(places) as states:
            logits = self.model(inputs_embeds=inputs, attention_mask=mask).logits[:, 0].float()
        scores = torch.log_softmax(logits, dim=1)[:, self._tokens]
        return scores, self._chosen(whole[0], states[0][:, 0], length)


class EncoderPrompt(_InFront):
    """An encoder without a language head: the mean state of the text, and a linear head.

    Args:
        backbone: The model.
        template: What it reads of a text.
        words: The classes' words.
        options: As for `DynamicPrompt`.
    """

    def __init__(
        self, backbone: Backbone, template: Template, words: Sequence[str], **options: Any
    ) -> None:
        super().__init__(backbone, template, options.pop("shape"), **options)
        self.head = nn.Linear(int(self.model.config.hidden_size), len(words)).to(self.device)

    def scores_of(self, states: Tensor) -> Tensor:
        """What the head says of mean states."""
        if self._features != "answer":
            raise no_scores_of_states()
        scores: Tensor = self.head(states)
        return scores

    def answer(
        self, readings: Sequence[Reading], prompts: Tensor, dropout: float
    ) -> tuple[Tensor, Tensor]:
        """Scores of the head on the mean state of soft prompt and text."""
        _, inputs, mask = self._inputs(readings, prompts, dropout)
        hidden = self.model(inputs_embeds=inputs, attention_mask=mask).last_hidden_state.float()
        shares = mask[..., None] / mask.sum(dim=1)[:, None, None]
        pooled = (hidden * shares).sum(dim=1)
        return self.head(pooled), self._chosen(hidden, pooled, prompts.shape[1])
