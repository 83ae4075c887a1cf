"""The contract of every language model, and the data that passes through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import Message as Message
from llmal.core.plans import Prompt as Prompt
from llmal.core.records import Price, Usage
from llmal.lm.cache import ResponseCache

Normalise = Literal["sum", "mean", "first"]


@dataclass(frozen=True)
class LabelScores:
    """Log-probabilities of candidates after prompts, in natural log.

    Attributes:
        log_probs: Shape (n, C): log p(candidate | prompt), summed over the candidate's tokens.
            Where only first tokens were asked for, it equals `first`.
        first: Shape (n, C): log-probability of the candidate's first token.
        lengths: Shape (C,): tokens of each candidate, a closing end token included.
        candidates: The candidates, in the order of the columns.
        exact: False if the numbers are estimates by sampling.
        passes: Forward passes that a prompt takes after which all candidates are scored.
        requests: Shape (n,): forward passes of each prompt.
        prompt_tokens: Shape (n,): tokens read for each prompt, over all its passes. Counted alike
            whether the answer came from the model or from the response cache.
        completion_tokens: Shape (n,): tokens written for each prompt, counted likewise.
        complete: False if only first tokens were scored.
    """

    log_probs: NDArray[np.float64]
    first: NDArray[np.float64]
    lengths: NDArray[np.int64]
    candidates: tuple[str, ...]
    exact: bool = True
    passes: int = 1
    requests: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    prompt_tokens: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    completion_tokens: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    complete: bool = True

    def normalised(self, how: Normalise = "sum") -> NDArray[np.float64]:
        """The scores, shape (n, C): the sum over tokens, their mean, or the first token's."""
        if how == "first" or not self.complete:
            return self.first
        return self.log_probs / self.lengths if how == "mean" else self.log_probs

    def probabilities(self, how: Normalise = "sum") -> NDArray[np.float64]:
        """Shape (n, C): the scores as probabilities that sum to one over the candidates."""
        from scipy.special import softmax

        return np.asarray(softmax(self.normalised(how), axis=1))


@dataclass(frozen=True)
class Sampling:
    """How to sample. The defaults are greedy.

    Attributes:
        temperature: 0 takes the most probable token at each step.
        top_p: Nucleus size.
        max_tokens: Most tokens to write.
        stop: Strings that end an answer; they are not part of it.
        seed: Makes sampling repeatable; answer j of a prompt is drawn with seed + j.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Completion:
    """One answer of a language model.

    Attributes:
        text: What it wrote.
        finished: False if it ran into `max_tokens`.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
    """

    text: str
    finished: bool = True
    prompt_tokens: int = 0
    completion_tokens: int = 0


@runtime_checkable
class Asking(Protocol):
    """A part that asks a language model."""

    lm: LanguageModel


@runtime_checkable
class LanguageModel(Protocol):
    """What llmal asks of a language model; the backends are in this package."""

    exact: bool
    """Whether `score` gives exact log-probabilities."""

    cache: ResponseCache | None
    """Where answers are kept; may be set at any time."""

    @property
    def fingerprint(self) -> str:
        """Model, revision, dtype and server version: part of cache keys and of the ledger."""
        ...

    @property
    def usage(self) -> Usage:
        """What this object has cost so far; answers from the response cache cost nothing."""
        ...

    @property
    def context_length(self) -> int | None:
        """Most tokens of prompt and answer together; None if it is not known."""
        ...

    @property
    def price(self) -> Price:
        """What its tokens cost."""
        ...

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """Strings that the tokenizer turns into control tokens wherever they stand."""
        ...

    @property
    def chat(self) -> bool:
        """Whether chat prompts can be used: the model has a chat template."""
        ...

    def score(
        self,
        prompts: Sequence[Prompt],
        candidates: Sequence[str],
        *,
        first_token_only: bool = False,
    ) -> LabelScores:
        """Log-probability of each candidate string after each prompt.

        Args:
            prompts: n completion or chat prompts.
            candidates: C strings; each is tokenised on its own, without special tokens.
            first_token_only: Ask for the first token of each candidate alone: one forward pass.

        Raises:
            ContextLengthError: A prompt and its longest candidate do not fit into the context.
            LanguageModelError: A candidate has no token, or two have the same ones.
        """
        ...

    def score_cost(
        self,
        prompts: Sequence[Prompt],
        candidates: Sequence[str],
        *,
        first_token_only: bool = False,
    ) -> Usage:
        """What `score` would cost at most. Asks nobody."""
        ...

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        format: Any | None = None,
        n: int = 1,
        sampling: Sampling = Sampling(),
    ) -> list[list[Completion]]:
        """Answers to prompts: a list of n for each.

        Args:
            prompts: Completion or chat prompts.
            format: What an answer must look like: any output type of outlines (`Literal`, a
                pydantic model, `outlines.types.Regex`, `Choice`, `JsonSchema`) or
                `llmal.lm.DistinctIds`.
            n: Answers to each prompt.
            sampling: How to draw them.
        """
        ...

    def log_likelihood(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Mean log-probability per token of each text, shape (n,)."""
        ...

    def count_tokens(self, prompts: Sequence[Prompt]) -> NDArray[np.int64]:
        """Tokens of each prompt, shape (n,), as the model would read it."""
        ...

    def close(self) -> None:
        """Release what is held: a server that was started, connections, memory."""
        ...


@runtime_checkable
class SubsetScoring(Protocol):
    """Can score only some of the candidates after each prompt, for less."""

    def score_subsets(
        self,
        prompts: Sequence[Prompt],
        candidates: Sequence[str],
        subsets: Sequence[Sequence[int]],
    ) -> LabelScores:
        """As `score`; candidates that are not in the subset of a prompt get minus infinity.

        Args:
            prompts: n prompts.
            candidates: C strings.
            subsets: For each prompt, columns of the candidates.
        """
        ...

    def subsets_cost(
        self,
        prompts: Sequence[Prompt],
        candidates: Sequence[str],
        subsets: Sequence[Sequence[int]],
    ) -> Usage:
        """What `score_subsets` would cost at most. Asks nobody."""
        ...


@runtime_checkable
class Losing(Protocol):
    """A language model behind a server, whose answers can get lost on the way. It asks again; but
    the server may have computed them, and whoever pays pays twice.
    """

    on_lost: Callable[[Usage], bool] | None
    """Told the most that an answer has cost that did not arrive; says whether it may be asked for
    again. May be set at any time; called from any thread."""


@runtime_checkable
class EachCost(Protocol):
    """Can say of many prompts what each would cost, without being asked one by one."""

    def score_costs(
        self,
        prompts: Sequence[Prompt],
        candidates: Sequence[str],
        *,
        first_token_only: bool = False,
        subsets: Sequence[Sequence[int]] | None = None,
    ) -> list[Usage]:
        """What `score`, or with `subsets` `score_subsets`, would cost at most for each prompt. Asks
        nobody.
        """
        ...
