"""Reading a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from llmal.config.explain import explain
from llmal.config.references import Surroundings
from llmal.config.schema import RunConfig, is_text
from llmal.config.yaml_lines import read
from llmal.errors import ConfigError


def load_config(
    path: str | Path, *, given: Mapping[str, Mapping[str, Any]] | None = None
) -> RunConfig:
    """Read the configuration of a run from a YAML file.

    Args:
        path: The file.
        given: Keys of sections that stand in place of those in the file, or beside them.

    Raises:
        ConfigError: The file cannot be read, or something in it is not usable; the message has a
            line for each mistake, with file, line, key and what to do.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file", where=str(path), fix="give the path of a YAML configuration"
        ) from None
    except IsADirectoryError:
        raise ConfigError(
            "this is a directory", where=str(path), fix="give the path of a YAML configuration"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"the byte 0x{error.object[error.start]:02x} is not UTF-8",
            where=f"{path}, line {line}",
            fix="save the file as UTF-8",
        ) from None
    except OSError as error:
        raise ConfigError(f"the file cannot be read ({error.strerror})", where=str(path)) from None
    return parse_config(text, source=str(path), base=file.parent, given=given)


def parse_config(
    text: str,
    *,
    source: str = "<config>",
    base: Path,
    given: Mapping[str, Mapping[str, Any]] | None = None,
) -> RunConfig:
    """Read the configuration of a run from YAML text.

    Args:
        text: The YAML.
        source: Name of the text, for error messages; without its ending the name of a task that
            has none.
        base: The directory that paths are relative to.
        given: As for `load_config`.

    Raises:
        ConfigError: Something in it is not usable; the message has a line for each mistake.
    """
    data, places = read(text, source, is_text)
    for section, values in (given or {}).items():
        written = data.get(section)
        data[section] = {**(written if isinstance(written, Mapping) else {}), **values}
    surroundings = Surroundings(base.resolve(), Path(source).stem.strip("<>"))
    try:
        config = RunConfig.model_validate(data, context=surroundings)
    except ValidationError as error:
        raise explain(error, data, places) from None
    return config.placed(places)
