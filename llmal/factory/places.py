"""Where a mistake stands in the file of a configuration."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

from llmal.config import RunConfig
from llmal.core.options import OptionError
from llmal.core.registry import Where
from llmal.errors import ConfigError


@contextlib.contextmanager
def located(config: RunConfig, *place: str | int) -> Iterator[None]:
    """Tell a mistake with the line that it was written on."""
    try:
        yield
    except ConfigError as error:
        option = (error.option,) if isinstance(error, OptionError) and error.option else ()
        where = error.where or config.where(*place, *option)
        raise ConfigError(error.what, where=where, fix=error.fix) from None


def within(config: RunConfig, *place: str | int) -> Where:
    """Gives the place of a key of a section."""
    return functools.partial(config.where, *place)
