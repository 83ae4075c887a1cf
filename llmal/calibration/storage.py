"""Calibrators on disk: JSON that says what they are, what they learnt and from what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmal.calibration.catalogue import REGISTRY
from llmal.calibration.chain import Chain
from llmal.calibration.cross_fitted import CrossFitted
from llmal.calibration.fittable import FORMAT
from llmal.calibration.per_label import PerLabel
from llmal.calibration.protocol import Calibrator
from llmal.core.files import write_whole
from llmal.errors import DataError, LlmalError

_WRAPPERS = {one.name: one for one in (Chain, CrossFitted, PerLabel)}


def save(calibrator: Calibrator, path: str | Path, source: Mapping[str, Any] | None = None) -> Path:
    """Write a calibrator as JSON; `load` gives back one that transforms exactly alike.

    Args:
        calibrator: Fitted or not.
        path: The file; its folder must be there.
        source: Notes on where the scores came from, in place of the calibrator's own `source`.

    Raises:
        DataError: The file cannot be written, or the notes are not plain JSON data.
    """
    content = calibrator.to_dict()
    if source is not None:
        content["source"] = dict(source)
    path = Path(path)
    try:
        raw = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the calibrator cannot be written as JSON ({error})",
            where=str(path),
            fix="let its source hold plain numbers and strings",
        ) from error
    try:
        write_whole(path, raw + "\n")
    except OSError as error:
        raise DataError(
            f"the calibrator cannot be written ({error.strerror})", where=str(path)
        ) from error
    return path


def load(path: str | Path) -> Calibrator:
    """Read what `save` wrote.

    Raises:
        DataError: The file is missing, is not JSON, or does not hold a calibrator.
    """
    where = str(path)
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"the calibrator cannot be read ({error.strerror})", where=where) from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            "this file is not valid JSON", where=where, fix="save the calibrator again"
        ) from error
    try:
        return from_dict(content)
    except LlmalError as error:
        raise DataError(
            error.what, where=where, fix=error.fix or "save the calibrator again"
        ) from error


def from_dict(data: Any) -> Calibrator:
    """The calibrator that a `to_dict` described.

    Raises:
        DataError: It is not such a description, or of another format.
        ConfigError: There is no calibrator of that name, or an option has a value it cannot have.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("calibrator"), str):
        raise DataError("this is not a saved calibrator")
    if data.get("format") != FORMAT:
        raise DataError(
            f"this calibrator was saved in format {data.get('format')}",
            fix=f"this version of llmal reads format {FORMAT}; fit it again",
        )
    name = data["calibrator"]
    kind: Any = _WRAPPERS.get(name) or REGISTRY.get(name)
    made: Calibrator = kind.from_dict(data)
    return made
