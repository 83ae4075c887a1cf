"""Any value as plain JSON data that is fit to be passed on."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

# "max_tokens" and "prompt_tokens" are no secrets; "token", "hf_token" and "api_key" are.
_SECRET_KEY = re.compile(
    r"(^|[_-])(api[_-]?key|token|password|passwd|secret|credentials?|authorization)$", re.I
)
_SECRET_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")
HIDDEN = "***"


def plain(value: Any) -> Any:
    """The value made of dict, list, str, int, finite float, bool and None only.

    Numbers of numpy become Python's; nan and infinities become None, since JSON has none; lone
    surrogates, which no UTF-8 file can hold, become question marks; whatever else there is becomes
    its string.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(one) for key, one in value.items()}
    if isinstance(value, Set):
        return sorted(plain(str(one)) for one in value)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return plain(value.tolist())
    return plain(str(value))


def without_secrets(value: Any) -> Any:
    """Plain data with keys, tokens and passwords replaced by asterisks: reports get passed on."""
    if isinstance(value, dict):
        return {
            key: HIDDEN
            if _SECRET_KEY.search(key) and isinstance(one, str) and one
            else without_secrets(one)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(one) for one in value]
    if isinstance(value, str):
        return _SECRET_IN_URL.sub(HIDDEN, value)
    return value


def shorten(text: str, length: int) -> str:
    """The text on one line, cut at a number of characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
