"""What differs between two versions of a task, in words and in what becomes of its labels."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from llmal.errors import ConfigError
from llmal.task.task import Task

LabelMap = Mapping[str, Sequence[str]]


class OriginError(ConfigError):
    """A label is said to have been one that never was.

    Attributes:
        label: The label.
    """

    def __init__(self, label: str, what: str, *, fix: str) -> None:
        super().__init__(what, fix=fix)
        self.label = label


def origins_of(task: Task) -> dict[str, list[str]]:
    """For labels of a task, which earlier ones they are said to be."""
    return {one.name: [*one.was] for one in task.labels if one.was}


def map_labels(
    before: Sequence[str], known: Collection[str], origins: LabelMap, task: Task
) -> dict[str, list[str]]:
    """What labels of the version before may be in a new version of the task.

    A label is what says that it was that one. It is itself too while the task has it, unless that
    label says that it was another one and something else is this one now. So two labels can change
    their names, one can be split off another that stays, and one can take in a second.

    Args:
        before: Labels of the version before.
        known: Labels of all earlier versions.
        origins: What labels of the version before were said to have been. What one says again of a
            label that stays has been done.
        task: The new version.

    Returns:
        One label or several, for each that is not just itself.

    Raises:
        OriginError: A label is said to have been one that no version had.
    """
    pairs = [(name, old) for name, was in origins_of(task).items() for old in was]
    for name, old in pairs:
        if old not in known:
            near = difflib.get_close_matches(old, [*known], n=1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise OriginError(
                name,
                f"label {name!r} is said to have been {old!r}, which was no label of this run",
                fix=f"its labels were {', '.join(before)}{hint}",
            )
    stays = {*before} & {*task.names}
    repeated = [(name, old) for name, old in pairs if old in origins.get(name, ()) and old in stays]
    said = {name for name, old in pairs if (name, old) not in repeated}
    # What is said once more is meant once more if that label itself is said to be another now.
    meant = [(name, old) for name, old in pairs if (name, old) not in repeated or old in said]
    said |= {name for name, _ in meant}
    claims: dict[str, list[str]] = defaultdict(list)
    for name, old in meant:
        claims[old].append(name)
    result: dict[str, list[str]] = {}
    for old in dict.fromkeys([*before, *claims]):
        names = {*claims[old]}
        if old in task.names and (old not in said or not names):
            names.add(old)
        if names and names != {old}:
            result[old] = [name for name in task.names if name in names]
    return result


def differences(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    label_map: LabelMap = MappingProxyType({}),
) -> list[str]:
    """What differs, a phrase each; none if the two are the same.

    Args:
        old: The older version, as `Task.as_dict` gave it.
        new: The newer one.
        label_map: What labels of the older one are in the newer.
    """
    before = {one["name"]: one for one in old["labels"]}
    after = {one["name"]: one for one in new["labels"]}
    taken = {name for names in label_map.values() for name in names}
    phrases = [
        *_renamed(old, new),
        *(f"the column {name!r} is shown too" for name in new["text"] if name not in old["text"]),
        *(f"the column {name!r} is gone" for name in old["text"] if name not in new["text"]),
        *_mapped(before, label_map),
        *(
            f"the label {name!r} is gone"
            for name in before
            if name not in after and name not in label_map
        ),
        *(
            f"the label {name!r} is new"
            for name in after
            if name not in before and name not in taken
        ),
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


def _mapped(before: Collection[str], label_map: LabelMap) -> list[str]:
    into: dict[str, list[str]] = defaultdict(list)
    for old, names in label_map.items():
        if len(names) == 1:
            into[names[0]].append(old)
    phrases = []
    for name, olds in into.items():
        # One that keeps its name while others become it is not in the map.
        several = [name, *olds] if name in before and name not in label_map else olds
        if len(several) == 1:
            phrases.append(f"the label {several[0]!r} is called {name!r} now")
        else:
            phrases.append(f"the labels {_listed(several, 'and')} are {name!r} now")
    for old, names in label_map.items():
        if len(names) > 1:
            phrases.append(f"the label {old!r} is split: it is {_listed(names, 'or')} now")
    return phrases


def _listed(names: Sequence[str], word: str) -> str:
    *first, last = map(repr, names)
    return f"{', '.join(first)} {word} {last}" if first else last


def _renamed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    phrases = []
    if old["name"] != new["name"]:
        phrases.append(f"it was called {old['name']!r} and is called {new['name']!r}")
    if old["kind"] != new["kind"]:
        phrases.append(f"its answers were of the kind {old['kind']!r} and are {new['kind']!r}")
    if old["guidelines"] != new["guidelines"]:
        phrases.append("the guidelines are worded anew")
    return phrases
