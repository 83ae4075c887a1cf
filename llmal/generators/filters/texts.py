"""Texts that synthetic ones are compared with: of a pool, of items, or plain strings."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Protocol

from llmal.core.records import Item
from llmal.errors import DataError

_CHUNK = 4096


class Texts(Protocol):
    """A `Pool`, or a sequence of items or of strings."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __getitem__(self, index: int, /) -> Any: ...


def text_of(one: Any) -> str:
    """The text of an item, or a string as it is.

    Raises:
        DataError: It is something else.
    """
    text = one.text if isinstance(one, Item) else one
    if not isinstance(text, str):
        raise DataError(
            f"a {type(text).__name__} is no text to compare with",
            fix="give a pool, a list of items or a list of strings",
        )
    return text


def text_chunks(texts: Texts) -> Iterator[list[str]]:
    """All texts, some thousands at a time."""
    rest = iter(texts)
    while chunk := [text_of(one) for one in islice(rest, _CHUNK)]:
        yield chunk


def sources_of(
    pool: Texts | None, labelled: Texts | None, test: Texts | None
) -> list[tuple[str, Texts]]:
    """Those that there are, with what reasons call them."""
    all_three = (("the pool", pool), ("the labelled items", labelled), ("the test set", test))
    return [(name, texts) for name, texts in all_three if texts is not None]


def named(texts: Texts, row: int, source: str) -> str:
    """How a reason speaks of one of them."""
    one = texts[row]
    what = f"item {one.id!r}" if isinstance(one, Item) else f"text {row} (from 0)"
    return f"{what} of {source}"
