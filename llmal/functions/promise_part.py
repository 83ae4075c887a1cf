"""Which rows a promise is about: all, or for a class those that were given it, or were not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer
from llmal.errors import ConfigError
from llmal.functions.audited_labels import AuditedLabels
from llmal.guarantee.certificate import Mode
from llmal.guarantee.recall import ClassFound

_OF_A_CLASS = ("pool_error", "recall")
_IN_GROUPS = ("pool_error", "looks", "anytime")


def alpha_of(max_error: float, confidence: float) -> float:
    """With what probability a promise may fail.

    Raises:
        ConfigError: A figure is out of its range.
    """
    if not 0.5 <= confidence < 1:
        raise ConfigError(
            f"the confidence is {confidence}", fix="give at least 0.5 and less than 1, such as 0.95"
        )
    if not 0 <= max_error < 1:
        raise ConfigError(
            f"the largest error is {max_error}",
            fix="give the share of labels that may be wrong, at least 0 and below 1, such as 0.05",
        )
    return round(1 - confidence, 12)


@dataclass(frozen=True, eq=False)
class PromisePart:
    """The rows that a promise is about.

    Attributes:
        order: Positions of those that no person had labelled, most trusted first, shape (M,).
        items: How many labels are promised something of.
        about: All rows that the promise is about, those that people labelled included.
        of: The class, where it is about one.
        found: For recall: what is known of the rows that were given the class.
    """

    order: NDArray[np.int64]
    items: int
    about: tuple[int, ...]
    of: str | None = None
    found: ClassFound | None = None
    _wrong: NDArray[np.bool_] = field(repr=False, default_factory=lambda: np.zeros(0, np.bool_))

    def wrong(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of some audited rows are wrong; one that a person skipped is."""
        return self._wrong[positions]

    def options(self) -> dict[str, Any]:
        """What `llmal.guarantee.certify` has to know of it."""
        more = {"of": self.of, "found": self.found}
        return {"items": self.items, **{key: one for key, one in more.items() if one is not None}}


def check_part(mode: Mode, *, of: str | None, group: str | None, looks: object = None) -> None:
    """Refuse what no promise is about.

    Raises:
        ConfigError: Mode, class, groups and looks do not go together.
    """
    if mode == "recall" and of is None:
        raise ConfigError(
            "recall is about the items of a class, and no class is named",
            fix="name it: --class, or of= in Python",
        )
    if of is not None and mode not in _OF_A_CLASS:
        raise ConfigError(
            f"the class {of!r} is named, and {mode} is a promise about all labels",
            fix="take recall (few items of the class are missed) or pool_error (few that were "
            "given it are wrong), or name no class",
        )
    if of is not None and group is not None:
        raise ConfigError(
            "rows are drawn in groups, and a promise about a class counts rows",
            fix="leave out the groups, or the class",
        )
    if of is not None and looks is not None:
        raise ConfigError(
            "looks count all audited rows, and a promise about a class rests on some of them",
            fix="leave out the looks",
        )
    if group is not None and mode not in _IN_GROUPS:
        raise ConfigError(
            f"rows are drawn in groups, and {mode} counts rows",
            fix=f"take {' or '.join(_IN_GROUPS)}, or leave out the groups",
        )


def part_of(found: AuditedLabels, mode: Mode, of: str | None) -> PromisePart:
    """The rows that a promise is about.

    Rows of a class and those of no class are uniform draws too where all rows were drawn uniformly.

    Args:
        found: The rows.
        mode: What is promised.
        of: A class of the task; None for all rows.

    Raises:
        ConfigError: The task has no such class.
    """
    count = len(found.machine)
    if of is None:
        differs = [
            skip or said != own
            for skip, said, own in zip(found.skipped, found.audit, found.machine, strict=True)
        ]
        return PromisePart(
            found.order, count, tuple(range(count)), _wrong=np.array(differs, dtype=np.bool_)
        )
    if of not in found.names:
        raise ConfigError(
            f"there is no class {of!r} among the labels", fix=f"take one of {_listed(found.names)}"
        )
    given = np.array([_has(one, of) for one in found.machine], dtype=np.bool_)
    really = np.array([_has(one, of) for one in found.audit], dtype=np.bool_)
    by_people = np.array([_has(one, of) for one in found.people], dtype=np.bool_)
    inside = given[found.order]
    if mode == "pool_error":
        order = found.order[inside]
        about = {*order.tolist(), *np.flatnonzero(by_people).tolist()}
        return PromisePart(order, len(about), tuple(sorted(about)), of, _wrong=~really)
    order = found.order[~inside]
    candidates = found.order[inside]
    audited = [
        row for row in candidates.tolist() if found.skipped[row] or found.audit[row] is not None
    ]
    known = ClassFound(
        by_people=int(by_people.sum()),
        by_machine=len(candidates),
        audited=len(audited),
        right=int(really[audited].sum()),
    )
    return PromisePart(order, count, tuple(range(count)), of, known, _wrong=really | found.skipped)


def _has(answer: Answer | None, label: str) -> bool:
    return answer == label or (isinstance(answer, tuple) and label in answer)


def _listed(names: tuple[str, ...], most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return f"{shown}, … ({len(names)} in all)" if len(names) > most else shown
