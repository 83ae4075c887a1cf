"""The embedder of a configuration."""

from __future__ import annotations

from llmal.config import RunConfig
from llmal.embed.protocol import Embedder


def make_embedder(config: RunConfig) -> Embedder | None:
    """The embedder of a configuration; it loads its model when first used."""
    from llmal.embed import SentenceEmbedder

    if config.embedder is None:
        return None
    return SentenceEmbedder(config.embedder.model)
