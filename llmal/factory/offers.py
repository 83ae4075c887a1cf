"""What a run offers to the classes behind names."""

from __future__ import annotations

from typing import Any

from llmal.config import RunConfig
from llmal.embed.protocol import Embedder
from llmal.lm.protocol import LanguageModel
from llmal.task import Task


def offers_of(
    config: RunConfig, task: Task, lm: LanguageModel | None, embedder: Embedder | None
) -> dict[str, Any]:
    """What the classes behind names may have from the run."""
    return {
        "task": task,
        "lm": lm,
        "embedder": embedder,
        "seed": config.seed,
        "random_state": config.seed,
    }


def style_of(config: RunConfig) -> str:
    """The form of prompts that a configuration asks for."""
    return config.lm.prompt_style if config.lm is not None else "auto"
