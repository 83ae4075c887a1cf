"""A stand-in that only counts: the tokenizer of a model that has not been loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Price, Usage
from llmal.errors import UnsupportedError
from llmal.lm.encoder import Encoder, load_pretrained
from llmal.lm.questions import questions_work
from llmal.lm.scoring import CountWork
from llmal.lm.tokenized import Tokenized


class CountingLM(Tokenized):
    """Builds and counts prompts for a plan, and answers nothing.

    Args:
        model: Folder or hub name, for its tokenizer.
        price: What its tokens will cost.
        context_length: Its context; by default what the model's configuration says.
        work: What scoring will take of the backend; by default that of a server.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        price: Price = Price(),
        context_length: int | None = None,
        work: CountWork = questions_work,
    ) -> None:
        super().__init__(Encoder.load(model), work, price, None)
        self._context_length = context_length or context_of(model)
        self._name = str(model)

    @property
    def fingerprint(self) -> str:
        """Says that this is no model."""
        return f"counting/{self._name}"

    @property
    def usage(self) -> Usage:
        """Nothing."""
        return Usage()

    @property
    def context_length(self) -> int | None:
        """The context that prompts are held to, if it is known."""
        return self._context_length

    def log_likelihood(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Always raises: a stand-in has no probabilities.

        Raises:
            UnsupportedError: Always.
        """
        raise self._no()

    def _no(self) -> UnsupportedError:
        return UnsupportedError("the model has not been loaded: it can only count tokens")


def context_of(model: str | Path) -> int | None:
    """Most tokens of prompt and answer together, as the configuration of a model says."""
    from transformers import AutoConfig

    settings = load_pretrained(AutoConfig, model, "configuration")
    length = getattr(settings, "max_position_embeddings", None)
    return None if length is None else int(length)
