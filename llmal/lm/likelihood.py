"""Likelihoods of texts and the response cache, alike for every backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.lm.cache import ResponseCache, cache_key
from llmal.lm.progress import Progress

Means = Iterator[tuple[list[int], NDArray[np.float64]]]
"""Positions of texts, and the mean log-probability per token of each."""


def likelihoods(
    ids: Sequence[Sequence[int]],
    read: Callable[[list[list[int]]], Means],
    *,
    cache: ResponseCache | None,
    fingerprint: str,
    on_progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Mean log-probability per token of each text, shape (n,): from the cache, else by reading.

    Args:
        ids: Token ids of n texts.
        read: Has the model read texts, each of them once, in any order.
        cache: Where answers are kept, if anywhere; filled as they arrive.
        fingerprint: The model.
        on_progress: Told as answers arrive.
    """
    keys = [
        cache_key(fingerprint, "likelihood", np.asarray(one, np.uint32).tobytes()) for one in ids
    ]
    known = {} if cache is None else cache.get(keys)
    values = {key: float(np.frombuffer(raw)[0]) for key, raw in known.items()}
    todo = {key: list(one) for key, one in zip(keys, ids, strict=True) if key not in values}
    total = len(values) + len(todo)
    names = list(todo)
    for positions, means in read(list(todo.values())) if todo else ():
        new = {names[at]: float(mean) for at, mean in zip(positions, means, strict=True)}
        if cache is not None:
            cache.put({key: np.float64(mean).tobytes() for key, mean in new.items()})
        values |= new
        if on_progress is not None:
            on_progress(len(values), total)
    return np.array([values[key] for key in keys], dtype=np.float64)
