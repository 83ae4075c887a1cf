"""What backends with a tokenizer of their own have in common."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.closing import Closing
from llmal.core.records import Price, Usage, total
from llmal.lm import scoring
from llmal.lm.cache import ResponseCache
from llmal.lm.encoder import Encoder
from llmal.lm.formats import format_key
from llmal.lm.generation import answers_from_cache
from llmal.lm.likelihood import Means, likelihoods
from llmal.lm.progress import Progress
from llmal.lm.protocol import Completion, LabelScores, Prompt, Sampling
from llmal.lm.trie import Trie


class Tokenized(Closing):
    """Prompts to token ids, answers from the cache; a backend asks the model for the rest.

    A backend gives `fingerprint` and `context_length`, `_ask` (log-probabilities of the steps of a
    trie), `_generate` (answers) and `_likelihoods`.

    Args:
        encoder: The model's tokenizer.
        work: What scoring a trie takes of the backend.
        price: What its tokens cost.
        cache: Where answers are kept.
    """

    exact = True

    _answer_to_reading = 0
    """Tokens that the model must write after a text that it reads."""

    def __init__(
        self,
        encoder: Encoder,
        work: scoring.CountWork,
        price: Price,
        cache: ResponseCache | None,
    ) -> None:
        self.cache = cache
        self.on_progress: Progress | None = None
        self._encoder = encoder
        self._work = work
        self._price = price

    @property
    def fingerprint(self) -> str:
        """The model, for cache keys and the ledger."""
        raise NotImplementedError

    @property
    def context_length(self) -> int | None:
        """Most tokens of prompt and answer together."""
        raise NotImplementedError

    @property
    def price(self) -> Price:
        """What its tokens cost."""
        return self._price

    @property
    def chat(self) -> bool:
        """Whether there is a chat template."""
        return self._encoder.chat

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """Strings that the tokenizer turns into control tokens."""
        return self._encoder.special_tokens

    def count_tokens(self, prompts: Sequence[Prompt]) -> NDArray[np.int64]:
        """Tokens of each prompt, shape (n,)."""
        return np.array([len(ids) for ids in self._encoder.encode(prompts)], dtype=np.int64)

    def score_cost(
        self,
        prompts: Sequence[Prompt],
        candidates: Sequence[str],
        *,
        first_token_only: bool = False,
    ) -> Usage:
        """What `score` would cost at most."""
        each = self.score_costs(prompts, candidates, first_token_only=first_token_only)
        return total(each)

    def score_costs(
        self,
        prompts: Sequence[Prompt],
        candidates: Sequence[str],
        *,
        first_token_only: bool = False,
        subsets: Sequence[Sequence[int]] | None = None,
    ) -> list[Usage]:
        """What `score`, or with `subsets` `score_subsets`, would cost at most for each prompt."""
        return scoring.costs(
            prompts,
            candidates,
            encoder=self._encoder,
            price=self._price,
            work=self._work,
            first_token_only=first_token_only,
            subsets=subsets,
        )

    def score(
        self,
        prompts: Sequence[Prompt],
        candidates: Sequence[str],
        *,
        first_token_only: bool = False,
    ) -> LabelScores:
        """Exact log-probabilities of the candidates, by the trie of their tokens."""
        return scoring.score(
            prompts,
            candidates,
            encoder=self._encoder,
            ask=self._ask,
            context_length=self.context_length,
            work=self._work,
            cache=self.cache,
            fingerprint=self.fingerprint,
            first_token_only=first_token_only,
            on_progress=self.on_progress,
        )

    def subsets_cost(
        self,
        prompts: Sequence[Prompt],
        candidates: Sequence[str],
        subsets: Sequence[Sequence[int]],
    ) -> Usage:
        """What `score_subsets` would cost at most."""
        return total(self.score_costs(prompts, candidates, subsets=subsets))

    def score_subsets(
        self,
        prompts: Sequence[Prompt],
        candidates: Sequence[str],
        subsets: Sequence[Sequence[int]],
    ) -> LabelScores:
        """Exact log-probabilities of some of the candidates after each prompt: only those nodes of
        the trie are asked for that they pass through.
        """
        return scoring.score(
            prompts,
            candidates,
            encoder=self._encoder,
            ask=self._ask,
            context_length=self.context_length,
            work=self._work,
            cache=self.cache,
            fingerprint=self.fingerprint,
            first_token_only=False,
            on_progress=self.on_progress,
            subsets=subsets,
        )

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        format: Any | None = None,
        n: int = 1,
        sampling: Sampling = Sampling(),
    ) -> list[list[Completion]]:
        """Answers, held to a format through outlines."""
        ids = self._encoder.encode(prompts)
        scoring.check_context(ids, 1, self.context_length)

        def ask(todo: list[int]) -> Iterator[tuple[int, list[Completion]]]:
            yield from self._generate([ids[i] for i in todo], format, n, sampling)

        return answers_from_cache(
            ids,
            ask,
            cache=self.cache,
            fingerprint=self.fingerprint,
            parameters=json.dumps([format_key(format), n, repr(sampling)]),
            on_progress=self.on_progress,
        )

    def log_likelihood(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Mean log-probability per token, shape (n,); the first token is scored after the
        begin token where the model has one.
        """
        ids = self._encoder.with_begin(texts)
        scoring.check_context(ids, self._answer_to_reading, self.context_length)
        return likelihoods(
            ids,
            self._likelihoods,
            cache=self.cache,
            fingerprint=self.fingerprint,
            on_progress=self.on_progress,
        )

    def close(self) -> None:
        """Release what is held."""

    def _ask(self, ids: list[list[int]], trie: Trie, needed: list[scoring.Nodes]) -> scoring.Rows:
        raise NotImplementedError

    def _likelihoods(self, ids: list[list[int]]) -> Means:
        raise NotImplementedError

    def _generate(
        self, ids: list[list[int]], format: Any | None, n: int, sampling: Sampling
    ) -> Iterator[tuple[int, list[Completion]]]:
        raise NotImplementedError
