"""Which texts something is about, as hashes that are kept in place of the texts."""

from __future__ import annotations

import json
from collections.abc import Mapping

from llmal.core.fingerprint import fingerprint


def content_of(fields: Mapping[str, str]) -> str:
    """The hash of each text by the name of its column, as JSON."""
    return json.dumps(
        {name: fingerprint("text", text) for name, text in fields.items()}, ensure_ascii=False
    )


def is_same(earlier: str, present: str) -> bool:
    """Whether what an answer was about is still what stands there.

    Columns that both know are compared. Where there is none, as a column may be called otherwise
    now, the texts are compared in their order.

    Args:
        earlier: What `content_of` gave then.
        present: What it gives now.
    """
    if earlier == present:
        return True
    before: dict[str, str] = json.loads(earlier)
    now: dict[str, str] = json.loads(present)
    common = before.keys() & now.keys()
    if common:
        return all(before[name] == now[name] for name in common)
    return all(old == new for old, new in zip(before.values(), now.values(), strict=False))
