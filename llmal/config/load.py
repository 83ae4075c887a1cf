"""Reading a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from llmal.config.explain import explain
from llmal.config.extending import read_extended, read_file
from llmal.config.references import Surroundings
from llmal.config.schema import RunConfig


def load_config(
    path: str | Path, *, given: Mapping[str, Mapping[str, Any]] | None = None
) -> RunConfig:
    """Read the configuration of a run from a YAML file, with what it extends.

    Args:
        path: The file.
        given: Keys of sections that stand in place of those in the file, or beside them.

    Raises:
        ConfigError: The file cannot be read, or something in it is not usable; the message has a
            line for each mistake, with file, line, key and what to do.
    """
    file = Path(path)
    text = read_file(file, str(path))
    return parse_config(text, source=str(path), base=file.parent, given=given)


def parse_config(
    text: str,
    *,
    source: str = "<config>",
    base: Path,
    given: Mapping[str, Mapping[str, Any]] | None = None,
) -> RunConfig:
    """Read the configuration of a run from YAML text, with what it extends.

    Args:
        text: The YAML.
        source: Name of the text, for error messages; without its ending the name of a task that
            has none.
        base: The directory that paths are relative to.
        given: As for `load_config`.

    Raises:
        ConfigError: Something in it is not usable; the message has a line for each mistake.
    """
    data, places = read_extended(text, source, base)
    for section, values in (given or {}).items():
        written = data.get(section)
        data[section] = {**(written if isinstance(written, Mapping) else {}), **values}
    surroundings = Surroundings(base.resolve(), Path(source).stem.strip("<>"))
    try:
        config = RunConfig.model_validate(data, context=surroundings)
    except ValidationError as error:
        raise explain(error, data, places) from None
    return config.placed(places)
