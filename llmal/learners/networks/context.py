"""How much of a text a model can read."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from llmal.errors import ConfigError

logger = logging.getLogger("llmal.learners")


def context_of(model: Any) -> int | None:
    """Most tokens that a model reads; None where its configuration does not say."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if not context:
        return None
    for name, module in model.named_modules():
        # RoBERTa and its kin count positions from the padding id on.
        offset = getattr(module, "padding_idx", None)
        if name.endswith("position_embeddings") and offset is not None:
            context -= offset + 1
    return int(context)


def room_for_text(model: Any, tokenizer: Any, taken: int, max_length: int, parameter: str) -> int:
    """Most tokens of a text, at most `max_length`, beside those that something else takes.

    Args:
        model: Of transformers.
        tokenizer: Its tokenizer.
        taken: Places that a soft prompt and the like take.
        max_length: Most tokens that are wanted.
        parameter: The name of what takes them, for messages.

    Raises:
        ConfigError: There is no room for a text.
    """
    context = context_of(model)
    if context is None:
        return max_length
    room = context - taken
    # A text of nothing but the tokenizer's own marks would carry no text.
    if room <= tokenizer.num_special_tokens_to_add():
        raise ConfigError(
            f"{taken} virtual tokens leave no room for a text in a context of {context} tokens",
            fix=f"lower {parameter}",
        )
    if room < max_length:
        logger.warning(
            "texts are cut to %d tokens, not %d: the model's context is %d%s",
            room,
            max_length,
            context,
            f" and the soft prompt takes {taken}" if taken else "",
        )
    return min(room, max_length)


class LongTexts:
    """Says once that texts are longer than what is read of them.

    Args:
        most: Most tokens that are read of a text.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._said = False

    def tell(self, cut: int, count: int) -> None:
        """Say it, where some are.

        Args:
            cut: How many texts are cut.
            count: Of how many.
        """
        if cut and not self._said:
            self._said = True
            logger.warning(
                "%d of %d texts are cut at the end to %d tokens: max_length, or what the model has "
                "room for",
                cut,
                count,
                self.most,
            )

    def read(self, tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text with the tokenizer's own marks, cut at the end.

        Many decoders' tokenizers make no token of an empty text, and a model cannot read none: it
        reads the end token there, or another mark where there is no end token.
        """
        if not texts:
            return []
        encoded = tokenizer(list(texts), truncation=True, max_length=self.most)
        # Tokenizers that are not in Rust do not say what they cut.
        self.tell(sum(bool(one.overflowing) for one in encoded.encodings or ()), len(texts))
        marks = (tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id)
        empty = [next((one for one in marks if one is not None), 0)]
        return [ids or empty for ids in encoded["input_ids"]]
