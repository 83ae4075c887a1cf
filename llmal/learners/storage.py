"""How a fitted learner lies on disk: `learner.json` and safetensors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.files import failures_to_write, write_whole
from llmal.core.registry import former_names_of
from llmal.errors import DataError

FILE = "learner.json"
FORMAT = 1


def require_fitted(learner: Any) -> None:
    """Refuse to go on with a learner that has seen no label.

    Raises:
        UnfittedError: It is not fitted.
    """
    if not hasattr(learner, "classes_"):
        from llmal.learners.unfitted import UnfittedError

        raise UnfittedError(f"this {type(learner).__name__} is not fitted", fix="call fit first")


@contextmanager
def saving(directory: Path) -> Iterator[None]:
    """Make the folder of a learner, into which the block writes.

    Raises:
        DataError: It cannot be made, or a file in it not be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with failures_to_write():
            yield
    except OSError as error:
        raise _not_saved(directory, error) from error


def write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write the weights of a learner as safetensors.

    Raises:
        DataError: The disk is full, or cannot be written to.
    """
    from safetensors.numpy import save

    _write(path, save(dict(tensors)))


def write_learner(directory: Path, name: str, content: Mapping[str, Any]) -> None:
    """Write the configuration of a fitted learner; last, so that its presence means all is there.

    Raises:
        DataError: A parameter cannot be written as JSON, or the file cannot be written.
    """
    try:
        raw = json.dumps({"learner": name, "format": FORMAT, **content}, indent=2)
    except TypeError as error:
        raise DataError(
            f"a parameter of the learner cannot be saved ({error})",
            fix="use plain numbers and strings",
        ) from error
    _write(directory / FILE, raw)


def _write(path: Path, content: bytes | str) -> None:
    try:
        # Not waiting for the disk: it is written once a round, and can be trained again.
        write_whole(path, content, durable=False)
    except OSError as error:
        raise _not_saved(path, error) from error


def _not_saved(path: Path, error: OSError) -> DataError:
    return DataError(
        f"the learner cannot be saved ({error.strerror or error})",
        where=str(path),
        fix="free some space, or check the folder's rights, and run again",
    )


def kind_and_parameters(directory: Path) -> tuple[str, dict[str, Any]]:
    """Which kind of learner a folder holds, by its name in the registry, and its parameters.

    Raises:
        DataError: It holds none.
    """
    content = _content(directory)
    name, parameters = content.get("learner"), content.get("parameters")
    if not isinstance(name, str) or not isinstance(parameters, dict):
        raise DataError(
            "this is not a saved learner", where=str(directory / FILE), fix="save it again"
        )
    return name, parameters


def present_parameters(parameters: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Parameters of a saved learner under the names that they have now."""
    former = former_names_of(kind)
    return {
        former.get(name, name): value
        for name, value in parameters.items()
        if value is not None or name not in former
    }


def read_learner(directory: Path, name: str, fields: Sequence[str]) -> dict[str, Any]:
    """Read what `write_learner` wrote.

    Raises:
        DataError: It is missing, damaged, or of another kind of learner.
    """
    path = directory / FILE
    content = _content(directory)
    if content.get("learner") != name:
        raise DataError(f"this is not a saved {name!r} learner", where=str(path))
    if content.get("format") != FORMAT:
        raise DataError(
            f"this learner was saved in format {content.get('format')}",
            where=str(path),
            fix=f"this version of llmal reads format {FORMAT}; fit the learner again",
        )
    missing = [field for field in fields if field not in content]
    if missing:
        raise DataError(
            f"the field {missing[0]!r} is missing", where=str(path), fix="save the learner again"
        )
    return content


def _content(directory: Path) -> dict[str, Any]:
    path = directory / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(
            "there is no saved learner here", where=str(directory), fix=f"{FILE} is missing"
        ) from error
    except ValueError as error:
        raise DataError(
            "this file is not valid JSON", where=str(path), fix="save the learner again"
        ) from error
    if not isinstance(content, dict):
        raise DataError("this is not a saved learner", where=str(path), fix="save it again")
    return content


def read_tensors(path: Path, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Read named tensors from a safetensors file.

    Raises:
        DataError: The file or a tensor is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
        return {name: tensors[name] for name in names}
    except (OSError, SafetensorError, KeyError) as error:
        raise DataError(
            "the weights of the learner are missing or damaged",
            where=str(path),
            fix="save the learner again",
        ) from error
