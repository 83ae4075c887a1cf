"""People by name: who may ask for work and answer at a stage."""

from __future__ import annotations

from dataclasses import dataclass

from llmal.annotators.router import Router
from llmal.core.spelling import as_seen
from llmal.errors import ConfigError


@dataclass(frozen=True)
class Claim:
    """Somebody who asks for work.

    Attributes:
        worker: Who, by name.
        seconds: How long the work is kept for this worker.
        at_most: How many items; None for all.
    """

    worker: str
    seconds: float
    at_most: int | None


def claim_of(
    worker: str | None, router: Router, *, seconds: float, at_most: int | None
) -> Claim | None:
    """The claim of a worker; None if nobody in particular asks.

    Raises:
        ConfigError: The name is none of a person, or `at_most` is said for nobody.
    """
    if worker is not None:
        return Claim(check_worker(worker, router), seconds, at_most)
    if at_most is not None:
        raise ConfigError("at_most is for one worker", fix="say who: worker='anna'")
    return None


def check_worker(name: str, router: Router) -> str:
    """The name of a person who answers.

    Raises:
        ConfigError: It is empty, has space around it, or is that of a stage of machines.
    """
    if not as_seen(name):
        raise ConfigError("the worker has an empty name", fix="say who answers")
    if as_seen(name) != name:
        raise ConfigError(
            f"the worker {name!r} could not be told from {as_seen(name)!r}",
            fix="write the name without what nobody sees",
        )
    for stage in router.stages:
        if stage.annotator.name == name and stage.annotator.kind != "human":
            raise ConfigError(
                f"a person is called {name!r}, like an annotator that is none",
                fix="give one of them another name",
            )
    return name
