"""The contract of every text embedder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[int, int], None]
"""Called with the number of texts done and the number of all texts."""


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors, so that an inner product is a cosine."""

    @property
    def dimensions(self) -> int:
        """Length d of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """What tells this model's vectors from another's: part of cache keys and of the ledger."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One L2-normalised vector for each text, shape (n, d), in the order of the texts.

        Raises:
            DataError: Something among the texts is not a string.
            LanguageModelError: The model cannot be loaded.
        """
        ...


@runtime_checkable
class ConfiguredEmbedder(Protocol):
    """An embedder that can be had again from plain values."""

    @property
    def configuration(self) -> dict[str, Any] | None:
        """Its name in the registry, as `name`, and its options; None where it cannot be had
        again, as of a server that ends with this process.
        """
        ...


@runtime_checkable
class SavableEmbedder(Protocol):
    """An embedder whose model can be written into a folder that sentence-transformers loads."""

    model: str

    def save_model(self, directory: Path) -> None:
        """Write the model."""
        ...
