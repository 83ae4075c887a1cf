"""People by the name that a configuration has for them: asked through a file, or simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from llmal.annotators.human_queue import HumanQueue
from llmal.annotators.simulated import SimulatedHuman
from llmal.annotators.worker_files import WorkerFiles
from llmal.errors import ConfigError
from llmal.task import Task


def make_human(
    task: Task,
    *,
    via: Literal["gold", "queue"],
    file: str | Path | None = None,
    context: Sequence[str] | None = None,
    hidden: Sequence[str] = (),
    noise: float = 0.0,
    confusion: Mapping[str, Mapping[str, float]] | None = None,
    cost: float = 0.0,
    name: str = "human",
    workers: Sequence[str] = (),
) -> HumanQueue | WorkerFiles | SimulatedHuman:
    """People who give labels.

    Args:
        task: The task.
        via: "queue" has people fill in a file; "gold" simulates them by the gold column.
        file: As for `HumanQueue`, like the next two.
        context: Columns that are shown besides the text.
        hidden: Columns that are not.
        noise: As for `SimulatedHuman`, like the next one.
        confusion: What a simulated person takes for what.
        cost: Money for each label.
        name: Who is recorded in the ledger; of several workers, the stage.
        workers: People who have a file each, by name.

    Raises:
        ConfigError: `via` is neither, or an option is not usable.
    """
    if via == "queue" and workers:
        return WorkerFiles(
            task, workers, file, context=context, hidden=hidden, cost=cost, name=name
        )
    if via == "queue":
        return HumanQueue(task, file, context=context, hidden=hidden, cost=cost, name=name)
    if via == "gold":
        return SimulatedHuman(
            labels=task.names, noise=noise, confusion=confusion, cost=cost, name=name
        )
    raise ConfigError(f"people cannot be asked via {via!r}", fix="use via: gold or via: queue")
