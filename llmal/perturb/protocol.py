"""The contract of everything that changes a text and keeps its meaning, or means to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class Perturbation(Protocol):
    """Makes changed copies of texts."""

    @property
    def fingerprint(self) -> str:
        """Name, options and what it was fitted on, in short: part of cache keys and provenance."""
        ...

    def fit(self, texts: Sequence[str]) -> Perturbation:
        """Learn what it needs of the corpus (word statistics); others return themselves."""
        ...

    def perturb(self, texts: Sequence[str], copies: int, seed: int) -> list[list[str]]:
        """`copies` changed copies of each text.

        A copy depends on its text, its number and the seed alone, not on what else is asked for
        in the same call. A text is never changed into an empty one: where nothing is left, or
        nothing can be changed, the copy is the text itself.

        Raises:
            DataError: `copies` is below one, or it needs a corpus and has none.
        """
        ...
