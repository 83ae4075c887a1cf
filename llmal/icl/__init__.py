"""The former home of `llmal.prompting`, `llmal.demonstrations` and `llmal.few_shot`.

Its names still work for one version, each with a DeprecationWarning that says the new home.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

_HOMES = ("demonstrations", "few_shot", "prompting")

__all__: list[str] = []


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        for home in _HOMES:
            package = importlib.import_module(f"llmal.{home}")
            if name in package.__all__:
                warnings.warn(
                    f"llmal.icl.{name} is now llmal.{home}.{name}; llmal.icl goes in the next "
                    "version",
                    DeprecationWarning,
                    stacklevel=2,
                )
                return getattr(package, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return []
