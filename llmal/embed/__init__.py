"""Text embeddings with a cache on disk, and nearest neighbours among them.

Names are imported when they are first used, so that importing this package loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes
from llmal.core.registry import Registry

if TYPE_CHECKING:
    from llmal.embed.cache import EmbeddingCache as EmbeddingCache
    from llmal.embed.hidden_states import HiddenStateEmbedder as HiddenStateEmbedder
    from llmal.embed.neighbours import nearest as nearest
    from llmal.embed.pool_matrix import embed_pool as embed_pool
    from llmal.embed.protocol import Embedder as Embedder
    from llmal.embed.sentence import SentenceEmbedder as SentenceEmbedder
    from llmal.embed.served import ServedEmbedder as ServedEmbedder

REGISTRY = Registry(
    "embed",
    {
        "hidden_states": "llmal.embed.hidden_states:HiddenStateEmbedder",
        "served": "llmal.embed.served:ServedEmbedder",
        "sentence": "llmal.embed.sentence:SentenceEmbedder",
    },
)
"""Embedders by their name in the configuration."""

_HOMES = {
    "Embedder": "protocol",
    "EmbeddingCache": "cache",
    "HiddenStateEmbedder": "hidden_states",
    "SentenceEmbedder": "sentence",
    "ServedEmbedder": "served",
    "embed_pool": "pool_matrix",
    "nearest": "neighbours",
}

__all__ = [
    "REGISTRY",
    "Embedder",
    "EmbeddingCache",
    "HiddenStateEmbedder",
    "SentenceEmbedder",
    "ServedEmbedder",
    "embed_pool",
    "nearest",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
