"""The language model of a configuration: started, loaded, or only counted with."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from llmal.config import LMConfig
from llmal.core.records import Price
from llmal.errors import ConfigError
from llmal.lm.protocol import LanguageModel


def language_model(config: LMConfig, *, directory: Path | None = None) -> LanguageModel:
    """Start or load the language model of a configuration.

    Args:
        config: The section `lm`.
        directory: Where the log of a server goes.

    Raises:
        LanguageModelError: It cannot be had.
    """
    price = Price(prompt=config.price.prompt, completion=config.price.completion)
    if config.backend == "transformers":
        from llmal.lm.transformers import TransformersLM

        return TransformersLM(str(config.model), dtype=config.dtype, price=price)
    started: dict[str, Any] = {
        "dtype": config.dtype,
        "max_model_len": config.max_model_len,
        "log_file": None if directory is None else directory / "vllm.log",
        "arguments": [part for item in config.args.items() for part in _argument(*item)],
        "price": price,
    }
    if config.learner is not None:
        from llmal.learners.serving.opening import lm_class

        kind = lm_class(config.learner)
        if config.url:
            given = {"model": config.model, "price": price, "api_key": _api_key(config)}
            return kind(config.url, config.learner, **given)
        return kind.start(config.learner, **started)
    from llmal.lm.vllm import VLLM

    if config.url:
        return VLLM(config.url, config.model, price=price, api_key=_api_key(config))
    return VLLM.start(str(config.model), **started)


def planning_model(config: LMConfig) -> LanguageModel:
    """What `plan` needs of a language model: its tokenizer. Starts nothing."""
    from llmal.lm.counting import CountingLM

    price = Price(prompt=config.price.prompt, completion=config.price.completion)
    if config.backend == "transformers":
        from llmal.lm.transformers import in_process_work

        return CountingLM(str(config.model), price=price, work=in_process_work)
    if config.url:
        return language_model(config)
    if config.learner is not None:
        from llmal.learners.serving.opening import counting_learner

        return counting_learner(config.learner, price=price, context_length=config.max_model_len)
    return CountingLM(str(config.model), price=price, context_length=config.max_model_len)


def _api_key(config: LMConfig) -> str | None:
    if config.api_key_env is None:
        return None
    with contextlib.suppress(KeyError):
        return os.environ[config.api_key_env]
    raise ConfigError(
        f"the environment variable {config.api_key_env} is not set",
        fix="set it to the key of the model server",
    )


def _argument(name: str, value: Any) -> list[str]:
    flag = f"--{name.lstrip('-').replace('_', '-')}"
    return [flag] if value is True else [flag, str(value)]
