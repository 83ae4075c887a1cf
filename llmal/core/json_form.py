"""Values of other types as what JSON has."""

from __future__ import annotations

import base64
import datetime
import decimal
import uuid
from collections.abc import Mapping, Set
from typing import Protocol, runtime_checkable


@runtime_checkable
class _Listable(Protocol):
    """Numbers and arrays of numpy and of those that follow it."""

    def tolist(self) -> object: ...


def json_form(value: object) -> object:
    """A value that JSON has no form for, as one that it has: the `default` of `json.dumps`.

    Raises:
        TypeError: It has none.
    """
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, _Listable):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return sorted(map(str, value))
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
