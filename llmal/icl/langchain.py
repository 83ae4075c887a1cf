"""The former home of `llmal.integrations.langchain`."""

from __future__ import annotations

import warnings
from typing import Any

from llmal.integrations import langchain

__all__: list[str] = []


def __getattr__(name: str) -> Any:
    if name not in langchain.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"llmal.icl.langchain.{name} is now llmal.integrations.langchain.{name}; llmal.icl goes in "
        "the next version",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(langchain, name)


def __dir__() -> list[str]:
    return []
