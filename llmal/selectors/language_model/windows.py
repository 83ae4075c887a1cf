"""Lists of numbered texts for a prompt, and the windows that a long list is cut into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Item
from llmal.errors import ContextLengthError
from llmal.lm.formats import DistinctIds
from llmal.lm.protocol import LanguageModel, Prompt
from llmal.prompting.templates import to_one_line, without_special_tokens
from llmal.selectors.highest import longest_items
from llmal.selectors.state import RoundState

_MARK = " …"


def lines_of(
    items: Sequence[Item], lm: LanguageModel, most: int | None
) -> tuple[list[str], NDArray[np.int64], int]:
    """Texts as lines of a list, their tokens with a number before them, and how many were cut.

    A text has no line break, so that it cannot begin another line of the list, and its control
    tokens are broken.

    Args:
        items: n items.
        lm: The model.
        most: Tokens of a line; longer texts lose their end. None for any length.
    """
    special = lm.special_tokens
    lines = [without_special_tokens(to_one_line(item.text), special) for item in items]
    tokens = _tokens(lines, lm)
    long = np.flatnonzero(tokens > most) if most is not None else np.zeros(0, dtype=np.int64)
    cut = len(long)
    while most is not None and len(long):
        for i in long.tolist():
            # A little less than the share that fits, for tokens are not of one length.
            length = int(len(lines[i].removesuffix(_MARK)) * 0.95 * most / tokens[i])
            lines[i] = lines[i][:length].rstrip() + _MARK if length else ""
        tokens[long] = _tokens([lines[i] for i in long.tolist()], lm)
        long = long[(tokens[long] > most) & np.array([bool(lines[i]) for i in long.tolist()])]
    return lines, tokens, cut


def longest_lines(lm: LanguageModel, state: RoundState, count: int, most: int | None) -> list[str]:
    """The `count` longest lines that texts of a round can make, in a list of them.

    Of a pool of more than 2,000 items, so many are looked at, evenly spaced.

    Args:
        lm: The model.
        state: The round.
        count: How many; the longest stand for others where there are fewer.
        most: As for `lines_of`.
    """

    def build(some: list[Item]) -> Sequence[Prompt]:
        return [f"8888: {line}\n" for line in lines_of(some, lm, most)[0]]

    items, times = longest_items(lm, build, state, count)
    lines, _, _ = lines_of(items, lm, most)
    return [lines[int(place / times)] for place in range(count)]


def listing(lines: Sequence[str], first: int = 1) -> str:
    """Lines with their numbers, from `first` on."""
    return "\n".join(f"{number}: {line}" for number, line in enumerate(lines, first))


def even_windows(
    tokens: NDArray[np.int64],
    least: int,
    room: Callable[[int], int | None],
    fits: Callable[[list[slice]], bool],
) -> list[slice]:
    """As few windows as the context allows, of even size, over texts in their order.

    Args:
        tokens: Shape (n,): of each line.
        least: Windows there are at least.
        room: Takes the size of a window and gives the tokens that its lines may have; None for
            any number.
        fits: Whether the prompts of these windows fit; asked once they should.

    Raises:
        ContextLengthError: Not even one text fits.
    """
    total = len(tokens)
    ends = np.concatenate([[0], np.cumsum(tokens)])
    for count in _counts(min(least, total), total):
        size, larger = -(-total // count), total % count or count
        sizes = np.where(np.arange(count) < larger, size, size - 1)
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        limit = room(size)
        if limit is not None and np.diff(ends[bounds]).max() > limit:
            continue
        windows = [slice(a, b) for a, b in pairwise(bounds.tolist())]
        if fits(windows):
            return windows
    raise ContextLengthError(
        "the prompt for a window does not fit into the model's context even with one text",
        fix="shorten the guidelines, lower reason_tokens, or use another model",
    )


def _counts(least: int, total: int) -> Iterator[int]:
    """From `least` up to `total`, one more at a time, by hundredths where there are many."""
    count = max(1, least)
    while count < total:
        yield count
        count += max(1, count // 100)
    yield total


def id_format(lm: LanguageModel, ids: DistinctIds) -> Any:
    """What holds an answer to the ids: a grammar, or for a hosted chat model a structure."""
    if lm.exact:
        return ids
    from pydantic import create_model

    return create_model("Ids", ids=(list[int], ...))


def _tokens(lines: Sequence[str], lm: LanguageModel) -> NDArray[np.int64]:
    """Of each line with the longest number there can be, and the line break."""
    prompts: list[Prompt] = [f"8888: {line}\n" for line in lines]
    return lm.count_tokens(prompts) if prompts else np.zeros(0, dtype=np.int64)
