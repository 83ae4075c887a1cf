"""Exact label scores: what every backend with a tokenizer shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ContextLengthError
from llmal.lm.cache import ResponseCache, cache_key
from llmal.lm.encoder import Encoder
from llmal.lm.progress import Progress
from llmal.lm.protocol import LabelScores, Prompt
from llmal.lm.trie import Trie
from llmal.records import Price, Usage

Rows = Iterator[tuple[list[int], NDArray[np.float64]]]
"""Positions of prompts, and their rows of step log-probabilities, shape (len, trie.width)."""


@dataclass(frozen=True)
class Work:
    """What a backend does for each prompt to score the candidates of a trie.

    Attributes:
        passes: Forward passes.
        reads: Times that it reads the prompt.
        extra: Candidate tokens that it reads besides.
        written: Tokens that it writes.
    """

    passes: int
    reads: int
    extra: int
    written: int


Ask = Callable[[list[list[int]], Trie], Rows]


def score(
    prompts: Sequence[Prompt],
    candidates: Sequence[str],
    *,
    encoder: Encoder,
    ask: Ask,
    context_length: int | None,
    work: Callable[[Trie], Work],
    cache: ResponseCache | None,
    fingerprint: str,
    first_token_only: bool,
    on_progress: Progress | None = None,
) -> LabelScores:
    """Score candidates after prompts by walking the trie of the candidates' tokens.

    Identical prompts are asked once. Answers go to the cache as they arrive, so what has been
    received is kept even if the call does not end.

    Args:
        prompts: n prompts.
        candidates: C strings.
        encoder: The model's tokenizer.
        ask: Gives the log-probability of every child of every node, in any order of prompts.
        context_length: Most tokens of prompt and candidate; None if not known.
        work: What the backend does for each prompt.
        cache: Where answers are kept, if anywhere.
        fingerprint: The model, for the keys of the cache.
        first_token_only: Score first tokens only.
        on_progress: Told as answers arrive.

    Raises:
        ContextLengthError: A prompt does not fit.
    """
    trie = Trie(
        encoder.candidates(candidates),
        candidates,
        end=encoder.end,
        first_token_only=first_token_only,
    )
    ids = encoder.encode(prompts)
    check_context(ids, trie.depth, context_length)
    if ids:
        encoder.warn_of_seam(prompts[0], ids[0], candidates)
        if first_token_only:
            encoder.warn_of_shared_first(candidates)
    rows = np.empty((len(ids), trie.width))
    places: dict[tuple[int, ...], list[int]] = {}
    for position, one in enumerate(ids):
        places.setdefault(tuple(one), []).append(position)
    todo = list(places)
    keys: dict[tuple[int, ...], bytes] = {}
    if cache is not None:
        keys = {
            path: cache_key(
                fingerprint, "score", trie.key, np.asarray(path, dtype=np.uint32).tobytes()
            )
            for path in todo
        }
        found = cache.get(keys.values())
        for path in todo:
            if keys[path] in found:
                rows[places[path]] = np.frombuffer(found[keys[path]])
        todo = [path for path in todo if keys[path] not in found]
    # Neighbours in this order share the longest prefixes, which the server keeps in its cache.
    todo.sort()
    if todo:
        answered = len(places) - len(todo)
        for positions, values in ask([list(one) for one in todo], trie):
            for position, value in zip(positions, values, strict=True):
                rows[places[todo[position]]] = value
            if cache is not None:
                cache.put(
                    {
                        keys[todo[position]]: value.astype(np.float64).tobytes()
                        for position, value in zip(positions, values, strict=True)
                    }
                )
            answered += len(positions)
            if on_progress is not None:
                on_progress(answered, len(places))
    sums, first = trie.assemble(rows)
    done = work(trie)
    return LabelScores(
        log_probs=sums,
        first=first,
        lengths=trie.lengths,
        candidates=tuple(candidates),
        passes=done.passes,
        prompt_tokens=np.array([len(one) * done.reads + done.extra for one in ids], dtype=np.int64),
        completion_tokens=np.full(len(ids), done.written, dtype=np.int64),
        complete=not first_token_only,
    )


def cost(
    prompts: Sequence[Prompt],
    candidates: Sequence[str],
    *,
    encoder: Encoder,
    price: Price,
    work: Callable[[Trie], Work],
    first_token_only: bool = False,
) -> Usage:
    """What scoring would cost if no prompt is there twice and nothing is in the cache."""
    trie = Trie(
        encoder.candidates(candidates),
        candidates,
        end=encoder.end,
        first_token_only=first_token_only,
    )
    done = work(trie)
    read = sum(len(ids) * done.reads + done.extra for ids in encoder.encode(prompts))
    written = done.written * len(prompts)
    return Usage(
        requests=done.passes * len(prompts),
        prompt_tokens=read,
        completion_tokens=written,
        money=price.of(read, written),
    )


def check_context(ids: Sequence[Sequence[int]], answer: int, context_length: int | None) -> None:
    """Raise if a prompt and an answer of so many tokens do not fit into the context.

    Raises:
        ContextLengthError: Names the first such prompt.
    """
    for position, one in enumerate(ids):
        if context_length is not None and len(one) + answer > context_length:
            raise ContextLengthError(
                f"prompt {position + 1} of {len(ids)} has {len(one)} tokens, and with up to "
                f"{answer} tokens of answer it exceeds the model's context of {context_length}",
                fix="shorten the text or use fewer demonstrations",
            )
        if not one:
            raise ContextLengthError(
                f"prompt {position + 1} of {len(ids)} is empty", fix="give it some text"
            )
