"""Synthetic items: their ids, and what a cost is for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from llmal.core.fingerprint import fingerprint
from llmal.core.records import SyntheticItem, Usage


def synthetic_item(
    text: str,
    label: str,
    generator: str,
    *,
    reason: str | None,
    usage: Usage,
    provenance: dict[str, Any],
) -> SyntheticItem:
    """A text as an item whose id is made from it; with a reason, one that its generator refuses."""
    return SyntheticItem(
        id="syn-" + fingerprint("synthetic item", f"{label}\0{text}"),
        text=text,
        label=label,
        generator=generator,
        accepted=reason is None,
        refused_by=None if reason is None else generator,
        reason=reason,
        usage=usage,
        provenance=provenance,
    )


def with_distinct_ids(items: Sequence[SyntheticItem]) -> list[SyntheticItem]:
    """The same items; those with the label and text of an earlier one get a running number."""
    seen: dict[str, int] = {}
    result: list[SyntheticItem] = []
    for item in items:
        count = seen[item.id] = seen.get(item.id, 0) + 1
        result.append(item if count == 1 else replace(item, id=f"{item.id}-{count}"))
    return result
