"""People who label, by name: told apart by what a person sees of the name."""

from __future__ import annotations

from collections.abc import Sequence

from llmal.core.spelling import as_seen
from llmal.errors import ConfigError


def check_workers(workers: Sequence[str]) -> None:
    """See that people can be told apart by their names.

    Raises:
        ConfigError: There are none, or they cannot.
    """
    if not workers:
        raise ConfigError("there are no workers", fix="name at least one")
    seen: dict[str, str] = {}
    for name in workers:
        looks = as_seen(name).casefold()
        if not looks:
            raise ConfigError("a worker has an empty name", fix="say who labels")
        if looks in seen:
            what = f"two workers are called {name!r}"
            if seen[looks] != name:
                what = f"the workers {seen[looks]!r} and {name!r} cannot be told apart"
            raise ConfigError(what, fix="give one of them another name")
        seen[looks] = name
