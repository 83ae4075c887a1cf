"""Exact label scores: what every backend with a tokenizer shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Price, Usage
from llmal.errors import ContextLengthError
from llmal.lm.cache import ResponseCache, cache_key
from llmal.lm.encoder import Encoder
from llmal.lm.progress import Progress
from llmal.lm.protocol import LabelScores, Prompt
from llmal.lm.trie import Trie

Rows = Iterator[tuple[list[int], NDArray[np.float64]]]
"""Positions of prompts, and their rows of step log-probabilities, shape (len, trie.width)."""


Nodes = frozenset[int] | None
"""Nodes of a trie that are asked for; None means all."""


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


Ask = Callable[[list[list[int]], Trie, list[Nodes]], Rows]
"""Asks for the nodes of a trie that each prompt needs; the rest of a row is NaN."""

CountWork = Callable[[Trie, Nodes], Work]


def score(
    prompts: Sequence[Prompt],
    candidates: Sequence[str],
    *,
    encoder: Encoder,
    ask: Ask,
    context_length: int | None,
    work: CountWork,
    cache: ResponseCache | None,
    fingerprint: str,
    first_token_only: bool,
    on_progress: Progress | None = None,
    subsets: Sequence[Sequence[int]] | None = None,
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
        subsets: For each prompt the columns of the candidates that are scored after it; the others
            get minus infinity. Without them all are scored.

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
    rows = np.full((len(ids), trie.width), np.nan)
    needed = _needed(trie, len(ids), subsets)
    places: dict[tuple[tuple[int, ...], Nodes], list[int]] = {}
    for position, one in enumerate(ids):
        places.setdefault((tuple(one), needed[position]), []).append(position)
    todo = list(places)
    keys: dict[tuple[tuple[int, ...], Nodes], bytes] = {}
    if cache is not None:
        keys = {
            (path, nodes): cache_key(
                fingerprint,
                "score",
                trie.key if nodes is None else trie.key + repr(sorted(nodes)).encode(),
                np.asarray(path, dtype=np.uint32).tobytes(),
            )
            for path, nodes in todo
        }
        found = cache.get(keys.values())
        for path in todo:
            if keys[path] in found:
                rows[places[path]] = np.frombuffer(found[keys[path]])
        todo = [path for path in todo if keys[path] not in found]
    # Neighbours in this order share the longest prefixes, which the server keeps in its cache.
    todo.sort(key=lambda one: one[0])
    if todo:
        answered = len(places) - len(todo)
        asked = ask([list(path) for path, _ in todo], trie, [nodes for _, nodes in todo])
        for positions, values in asked:
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
    if subsets is not None:
        outside = np.ones(sums.shape, dtype=np.bool_)
        for row, columns in enumerate(subsets):
            outside[row, list(columns)] = False
        sums[outside] = first[outside] = -np.inf
    works = {nodes: work(trie, nodes) for nodes in {None, *needed}}
    done = [works[nodes] for nodes in needed]
    return LabelScores(
        log_probs=sums,
        first=first,
        lengths=trie.lengths,
        candidates=tuple(candidates),
        passes=works[None].passes,
        requests=np.array([one.passes for one in done], dtype=np.int64),
        prompt_tokens=np.array(
            [len(one) * each.reads + each.extra for one, each in zip(ids, done, strict=True)],
            dtype=np.int64,
        ),
        completion_tokens=np.array([one.written for one in done], dtype=np.int64),
        complete=not first_token_only,
    )


def costs(
    prompts: Sequence[Prompt],
    candidates: Sequence[str],
    *,
    encoder: Encoder,
    price: Price,
    work: CountWork,
    first_token_only: bool = False,
    subsets: Sequence[Sequence[int]] | None = None,
) -> list[Usage]:
    """What scoring would cost for each prompt, if nothing is in the cache."""
    trie = Trie(
        encoder.candidates(candidates),
        candidates,
        end=encoder.end,
        first_token_only=first_token_only,
    )
    needed = _needed(trie, len(prompts), subsets)
    works = {nodes: work(trie, nodes) for nodes in set(needed)}
    made: list[Usage] = []
    for ids, nodes in zip(encoder.encode(prompts), needed, strict=True):
        one = works[nodes]
        read = len(ids) * one.reads + one.extra
        money = price.of(read, one.written)
        made.append(Usage(one.passes, read, one.written, money=money))
    return made


def _needed(trie: Trie, prompts: int, subsets: Sequence[Sequence[int]] | None) -> list[Nodes]:
    """The nodes that each prompt needs."""
    if subsets is None:
        return [None] * prompts
    everything = len(trie.nodes)
    needed: dict[tuple[int, ...], Nodes] = {}
    for subset in {tuple(subset) for subset in subsets}:
        nodes = trie.nodes_of(subset)
        # All of them are one question with what is scored without subsets, in the cache too.
        needed[subset] = None if len(nodes) == everything else nodes
    return [needed[tuple(subset)] for subset in subsets]


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
