"""The kinds of answers by name, those of other packages too, and which parts work with which."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, runtime_checkable

from llmal.core.registry import Registry
from llmal.errors import ConfigError
from llmal.task.spaces.protocol import Space, SpaceKind

TABLE = {
    "single": "llmal.task.spaces.single:Single",
    "multi": "llmal.task.spaces.multi:Multi",
}

REGISTRY = Registry("spaces", TABLE, contract=Space)
"""Words in the configuration, and the spaces that they stand for."""

TaskKind: TypeAlias = SpaceKind | Mapping[str, Any]
"""What an answer is: the word of a kind, or a mapping of its word (`name`) and its options."""


class EveryKind(Collection[SpaceKind]):
    """All kinds of answers, those that other packages add among them."""

    def __contains__(self, kind: object) -> bool:
        return isinstance(kind, str)

    def __iter__(self) -> Iterator[SpaceKind]:
        return iter([*TABLE, *(one for one in REGISTRY.names() if one not in TABLE)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return "KINDS"


KINDS = EveryKind()
"""Says of a part that it works with answers of every kind."""


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


def name_and_options(kind: TaskKind) -> tuple[SpaceKind, dict[str, Any]]:
    """The word of a kind, and its options.

    Raises:
        ConfigError: It is a mapping without a name.
    """
    if isinstance(kind, str):
        return kind, {}
    options = dict(kind)
    name = options.pop("name", None)
    if not isinstance(name, str):
        raise ConfigError(f"the kind of answer has no name: {dict(kind)!r}", fix="add name:")
    return name, options


def check_kind(kind: TaskKind) -> None:
    """Refuse a kind that is not there, or options that it does not take.

    Raises:
        ConfigError: It is.
    """
    name, options = name_and_options(kind)
    REGISTRY.check(name, options, offers={"labels": (), "owner": "", "earlier": {}})


def make_space(
    kind: TaskKind,
    labels: Sequence[str],
    owner: str = "the task",
    earlier: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Space:
    """The space of a kind over some labels.

    Args:
        kind: The kind.
        labels: Names of the labels.
        owner: Whose they are, for messages.
        earlier: Names that labels had before, and what they may be now.

    Raises:
        ConfigError: There is no such kind, or an option is not usable.
    """
    name, options = name_and_options(kind)
    offers = {"labels": tuple(labels), "owner": owner, "earlier": earlier}
    space: Space = REGISTRY.make(name, options, offers=offers)
    return space


def fits(space: Space, kinds: Collection[str]) -> bool:
    """Whether parts of some kinds work with the answers of a space."""
    return any(one in kinds for one in (space.kind, *space.works_as))


class HasSpace(Protocol):
    """A task, as far as its answers go."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def space(self) -> Space:
        """What an answer is."""
        ...


def refuse_unless(
    task: HasSpace, kinds: Collection[str], part: str, instead: str | None = None
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
    if fits(task.space, kinds):
        return
    known = " or ".join(REGISTRY.get(one).takes for one in KINDS if one in kinds)
    raise ConfigError(
        f"{part} works with {known or 'no answer of this llmal'}, and task {task.name!r} takes "
        f"{task.space.takes}",
        fix=instead,
    )
