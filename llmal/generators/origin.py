"""How synthetic items came about, as plain data that may be passed on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from llmal.core.records import Usage
from llmal.errors import DataError
from llmal.generators.protocol import Filter

_PATH = re.compile(r"(?<![\w.:])(?<!:/)/(?:[^\s/@#]+/)+([^\s/@#]+)")
"""An absolute path inside a fingerprint; not the rest of a URL, or of `owner/model`."""


@dataclass(frozen=True)
class Origin:
    """How the items of one call were made. It holds no path of the machine that made them.

    Attributes:
        task: The task, as `Task.as_dict` gives it.
        generator: The name of the generator, and its options.
        model: Fingerprint of the language model.
        filters: Of each filter in turn its name and its settings.
        wanted: Accepted items that were asked for, by label.
        demonstrations: Labelled items that prompts could show, or new ones be made from.
        real: Texts of the pool that nothing was to repeat.
        seed: Same seed, same prompts.
        usage: What it cost, what filters asked before the first text included.
        version: Of llmal.
    """

    task: Mapping[str, Any]
    generator: Mapping[str, Any]
    model: str
    filters: Sequence[Mapping[str, Any]] = ()
    wanted: Mapping[str, int] = field(default_factory=dict)
    demonstrations: int = 0
    real: int = 0
    seed: int = 0
    usage: Mapping[str, float] = field(default_factory=lambda: Usage().as_dict())
    version: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: object, where: str) -> Origin:
        """What `as_dict` gave, by way of JSON.

        Args:
            data: The data.
            where: The file, for messages.

        Raises:
            DataError: It is something else.
        """
        names = {one.name for one in fields(cls)}
        if not isinstance(data, Mapping) or not {"task", "generator", "model"} <= {*data} <= names:
            raise DataError(
                "this does not say how synthetic items were made",
                where=where,
                fix="remove it, or write the items anew",
            )
        return cls(**data)


def settings_of(filters: Iterable[Filter]) -> list[dict[str, Any]]:
    """The name of each filter, and of its public attributes those that are plain values."""
    return [
        {
            "name": one.name,
            **{
                key: without_paths(value)
                for key, value in vars(one).items()
                if not key.startswith("_") and key not in ("name", "measured") and _is_plain(value)
            },
        }
        for one in filters
    ]


def without_paths(value: Any) -> Any:
    """Plain data whose paths of this machine are cut down to the name of the file or folder."""
    if isinstance(value, Mapping):
        return {str(key): without_paths(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(one) for one in value]
    if isinstance(value, Path) or (isinstance(value, str) and Path(value).is_absolute()):
        return Path(value).name
    return value


def model_name(fingerprint: str) -> str:
    """The fingerprint of a model, in which a path is cut down to the name of its folder."""
    return _PATH.sub(r"\1", fingerprint)


def public_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance of an item without paths of this machine; its texts stay as they are."""
    found = {
        key: value if key == "fields" else without_paths(value) for key, value in provenance.items()
    }
    if isinstance(model := provenance.get("model"), str):
        found["model"] = model_name(model)
    return found


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(one) for one in value)
    return value is None or isinstance(value, str | int | float)
