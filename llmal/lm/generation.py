"""Generated answers and the response cache, alike for every backend."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import numpy as np

from llmal.lm.cache import ResponseCache, cache_key
from llmal.lm.encoder import Encoder
from llmal.lm.progress import Progress
from llmal.lm.protocol import Completion

Ask = Callable[[list[int]], Iterator[tuple[int, list[Completion]]]]
"""Takes positions of prompts; gives positions within that list, and their answers."""


def answers_from_cache(
    ids: Sequence[Sequence[int]],
    ask: Ask,
    *,
    cache: ResponseCache | None,
    fingerprint: str,
    parameters: str,
    on_progress: Progress | None = None,
) -> list[list[Completion]]:
    """Answers to all prompts: from the cache where they are there, else by asking.

    Args:
        ids: Token ids of each prompt.
        ask: Asks the model.
        cache: Where answers are kept, if anywhere; filled as answers arrive.
        fingerprint: The model.
        parameters: Everything else that an answer depends on.
        on_progress: Told as answers arrive.
    """
    keys = [
        cache_key(fingerprint, "generate", parameters, np.asarray(one, np.uint32).tobytes())
        for one in ids
    ]
    found = cache.get(keys) if cache is not None else {}
    result: list[list[Completion]] = [
        [Completion(**answer) for answer in json.loads(found[key])] if key in found else []
        for key in keys
    ]
    todo = [i for i, key in enumerate(keys) if key not in found]
    if todo:
        answered = len(keys) - len(todo)
        for position, answers in ask(todo):
            i = todo[position]
            result[i] = answers
            if cache is not None:
                cache.put({keys[i]: json.dumps([asdict(answer) for answer in answers]).encode()})
            answered += 1
            if on_progress is not None:
                on_progress(answered, len(keys))
    return result


def completion_counts(encoder: Encoder, texts: Sequence[str], written: int, most: int) -> list[int]:
    """Tokens of each answer of a request. They add up to the server's own count: an answer may have
    been written in more tokens than its text takes.

    Args:
        encoder: The model's tokenizer.
        texts: The answers.
        written: What the server counted for all of them.
        most: Tokens that an answer may have.
    """
    counts = [min(len(ids), most) for ids in encoder.candidates(texts)]
    for place, count in enumerate(counts):
        more = min(max(written - sum(counts), -count), most - count)
        counts[place] = count + more
    return counts
