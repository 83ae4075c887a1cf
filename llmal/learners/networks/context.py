"""How much of a text a model can read."""

from __future__ import annotations

import logging
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
