"""What an answer is: one folder knows it, and everything else asks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol, get_args, runtime_checkable

from llmal.errors import ConfigError
from llmal.task.spaces.multi import Multi
from llmal.task.spaces.protocol import Space, SpaceKind
from llmal.task.spaces.single import Single

if TYPE_CHECKING:
    from llmal.task.task import Task

_TABLE: dict[SpaceKind, type[Single] | type[Multi]] = {"single": Single, "multi": Multi}

KINDS: tuple[SpaceKind, ...] = get_args(SpaceKind)
"""Every kind of answer, by its word in a configuration."""

__all__ = [
    "KINDS",
    "Multi",
    "Single",
    "Space",
    "SpaceKind",
    "WorksIn",
    "kinds_of",
    "make_space",
    "refuse_unless",
]


@runtime_checkable
class WorksIn(Protocol):
    """A part (a selector, a learner, an annotator) that says with which answers it works."""

    @property
    def spaces(self) -> Collection[str]:
        """The kinds of answers."""
        ...


def kinds_of(part: object) -> Collection[str]:
    """The kinds of answers that a part works with; one label an item, if it does not say."""
    return part.spaces if isinstance(part, WorksIn) else ("single",)


def make_space(kind: SpaceKind, labels: Sequence[str], owner: str = "the task") -> Space:
    """The space of a kind over some labels."""
    return _TABLE[kind](labels, owner)


def refuse_unless(
    task: Task, kinds: Collection[str], part: str, instead: str | None = None
) -> None:
    """Refuse a part that does not work with the answers of a task.

    Args:
        task: The task.
        kinds: What the part works with.
        part: What it is called, with its article: "the selector badge".
        instead: What to do.

    Raises:
        ConfigError: The task is of another kind.
    """
    if task.space.kind in kinds:
        return
    known = " or ".join(_TABLE[one].takes for one in KINDS if one in kinds)
    raise ConfigError(
        f"{part} works with {known}, and task {task.name!r} takes {task.space.takes}", fix=instead
    )
