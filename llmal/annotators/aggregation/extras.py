"""Packages that come with an extra of llmal's."""

from __future__ import annotations

import importlib.util

from llmal.errors import ConfigError


def require(module: str, what: str, extra: str) -> None:
    """See that a package is installed, without importing it.

    Raises:
        ConfigError: It is not.
    """
    if importlib.util.find_spec(module) is None:
        raise ConfigError(
            f"{what} needs the package {module}, which is not installed",
            fix=f"pip install 'llmal[{extra}]'",
        )
