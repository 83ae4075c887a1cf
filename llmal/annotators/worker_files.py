"""Several people who label in files of their own: who is to answer what, a file for each."""

from __future__ import annotations

import glob
import logging
from collections.abc import Sequence
from pathlib import Path

from llmal.annotators.human_queue import HumanQueue
from llmal.annotators.protocol import Context, plan_at
from llmal.core.fingerprint import digest
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, AnnotatorKind, Item, Usage
from llmal.core.workers import check_workers
from llmal.errors import ConfigError
from llmal.ledger.queue import Queue
from llmal.task import Task
from llmal.task.spaces import KINDS

log = logging.getLogger("llmal.annotators")


class WorkerFiles:
    """Writes a file for each of several people, and takes the files back; see `HumanQueue`.

    Each item is in the files of as many people as are to answer it. Who that is, is drawn by a hash
    of the item's id, so that everybody gets about as many, and the same at each call. Somebody who
    is no longer among the workers is no longer waited for: others get what is left.

    Args:
        task: The task.
        workers: The people, by name.
        file: As for `HumanQueue`; anna's is `to_label.anna.csv`.
        context: As for `HumanQueue`.
        hidden: As for `HumanQueue`.
        cost: Money for each label.
        name: The stage of the router.

    Raises:
        ConfigError: There is no worker, one has no name, two have one or names that look the same;
            or what `HumanQueue` refuses.
    """

    kind: AnnotatorKind = "human"
    spaces = KINDS
    batch_size = 1_000_000

    def __init__(
        self,
        task: Task,
        workers: Sequence[str],
        file: str | Path | None = None,
        *,
        context: Sequence[str] | None = None,
        hidden: Sequence[str] = (),
        cost: float = 0.0,
        name: str = "human",
    ) -> None:
        check_workers(workers)
        self.name = name
        self._cost = cost
        self._queues = {
            worker: HumanQueue(
                task,
                None if file is None else _of_worker(Path(file), worker),
                context=context,
                hidden=hidden,
                cost=cost,
                name=worker,
                stage=name,
            )
            for worker in workers
        }

    @property
    def workers(self) -> Sequence[str]:
        """The people, by name."""
        return tuple(self._queues)

    @property
    def files(self) -> Sequence[Path]:
        """The files of those who have something to label."""
        return [one for queue in self._queues.values() for one in queue.files if one.exists()]

    @property
    def request(self) -> str:
        """What people are asked to do."""
        return next(iter(self._queues.values())).request

    @property
    def cost(self) -> float:
        """Money for each label."""
        return self._cost

    def attach(self, queue: Queue, directory: Path) -> None:
        """Use a run's queue in the ledger, and its directory for the files."""
        for one in self._queues.values():
            one.attach(queue, directory)
        self._tell_of_others()

    def _tell_of_others(self) -> None:
        """Warn of files of people who are no longer among the workers: nobody reads them."""
        mine = {path for one in self._queues.values() for path in one.files}
        worker, path = next((worker, one.files[0]) for worker, one in self._queues.items())
        stem = path.stem.removesuffix(f".{worker}")
        for file in sorted(path.parent.glob(f"{glob.escape(stem)}.*{glob.escape(path.suffix)}")):
            if file not in mine:
                left = file.stem.removeprefix(f"{stem}.")
                log.warning(
                    "%s is not read, as %r is not among the workers; name %r under workers: until "
                    "what is filled in there is taken, or remove the file",
                    *(file, left, left),
                )

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """Take back what has been filled in, and write out what each is still waited for.

        Raises:
            ConfigError: An item wants more answers than there are people left to give them.
            AnnotationError: A file cannot be read or written.
        """
        told: list[Annotation] = []
        asked = {item.id: self._asked(item, context) for item in items}
        for worker, queue in self._queues.items():
            told += queue.annotate([one for one in items if worker in asked[one.id]], context)
        return told

    def _asked(self, item: Item, context: Context) -> Sequence[str]:
        """Who is to answer an item, of those who have not: the first in an order of its own."""
        names = [*self._queues]
        turn = int.from_bytes(digest(item.id, 8), "little") % len(names)
        before = context.answered_by.get(item.id, frozenset())
        left = [one for one in names[turn:] + names[:turn] if one not in before]
        missing = context.missing.get(item.id, 1)
        if missing > len(left):
            raise ConfigError(
                f"item {item.id!r} wants {missing} more answers of different people at the stage "
                f"{self.name!r}, and {len(left)} of {', '.join(names)} have not answered it",
                fix="name more workers, or fewer answers",
            )
        return left[:missing]

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """So many labels of people, at their cost."""
        each = Usage(human_labels=1, money=self._cost)
        return plan_at(each, self.annotate, items, context)


def _of_worker(file: Path, worker: str) -> Path:
    """The file of a worker beside where the one file would be."""
    return file.with_name(f"{file.stem}.{worker}{file.suffix}")
