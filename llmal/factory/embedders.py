"""The embedder of a configuration."""

from __future__ import annotations

from llmal.config import EmbedderConfig, RunConfig
from llmal.embed.protocol import Embedder
from llmal.factory.places import within


def make_embedder(config: RunConfig) -> Embedder | None:
    """The embedder of a configuration; llmal's own loads its model when first used.

    Raises:
        ConfigError: There is no such embedder or option.
    """
    from llmal.embed import REGISTRY, SentenceEmbedder

    section = config.embedder
    if section is None:
        return None
    if isinstance(section, EmbedderConfig):
        return SentenceEmbedder(section.model)
    offers = {"task": config.task_object(), "seed": config.seed}
    embedder: Embedder = REGISTRY.make(
        section.name, section.options, offers=offers, where=within(config, "embedder")
    )
    return embedder
