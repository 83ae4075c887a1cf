"""What differs between two versions of a task, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs, a phrase each; none if the two are the same.

    Args:
        old: The older version, as `Task.as_dict` gave it.
        new: The newer one.
    """
    before = {one["name"]: one for one in old["labels"]}
    after = {one["name"]: one for one in new["labels"]}
    phrases = [
        *_renamed(old, new),
        *(f"the column {name!r} is shown too" for name in new["text"] if name not in old["text"]),
        *(f"the column {name!r} is gone" for name in old["text"] if name not in new["text"]),
        *(f"the label {name!r} is gone" for name in before if name not in after),
        *(f"the label {name!r} is new" for name in after if name not in before),
    ]
    for name in (name for name in after if name in before):
        if after[name]["description"] != before[name]["description"]:
            phrases.append(f"the label {name!r} is described anew")
        if after[name]["words"] != before[name]["words"]:
            phrases.append(f"the label {name!r} has other words for language models")
    if set(before) == set(after) and [*before] != [*after]:
        phrases.append("the labels stand in another order")
    if set(old["text"]) == set(new["text"]) and old["text"] != new["text"]:
        phrases.append("the columns stand in another order")
    return phrases


def _renamed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    phrases = []
    if old["name"] != new["name"]:
        phrases.append(f"it was called {old['name']!r} and is called {new['name']!r}")
    if old["kind"] != new["kind"]:
        phrases.append(f"its answers were of the kind {old['kind']!r} and are {new['kind']!r}")
    if old["guidelines"] != new["guidelines"]:
        phrases.append("the guidelines are worded anew")
    return phrases
