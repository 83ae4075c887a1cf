"""Checks of the texts and options of every perturbation."""

from __future__ import annotations

from collections.abc import Sequence

from llmal.errors import DataError


def check_texts(texts: Sequence[str]) -> None:
    """See that texts are strings.

    Raises:
        DataError: One is not, or a single string stands for a list.
    """
    if isinstance(texts, str):
        raise DataError("a single string was given where texts are wanted", fix="give a list")
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(
                f"text {position} is a {type(text).__name__}, not a string",
                fix="give strings only",
            )


def check_copies(copies: int) -> None:
    """See that copies are asked for.

    Raises:
        DataError: None are.
    """
    if copies < 1:
        raise DataError(f"{copies} copies were asked for", fix="ask for at least one")


def valid_unicode(text: str) -> str:
    """A text without half surrogate pairs, which JSON files hold and tokenizers refuse."""
    return text.encode("utf-8", "replace").decode()
