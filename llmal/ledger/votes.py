"""What each person says about the items that several people have answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from llmal.ledger.combining import WorkerAnswer, in_order


@dataclass
class _Votes:
    """The votes on one item: of each person the last, with the task version that it is about.

    Attributes:
        said: By worker, what the task can say.
        unsaid: By worker, when an answer was given that the task cannot say any more.
    """

    said: dict[str, tuple[WorkerAnswer, int]] = field(default_factory=dict)
    unsaid: dict[str, tuple[float, int]] = field(default_factory=dict)


class Votes:
    """Keeps the votes of people, item by item."""

    def __init__(self) -> None:
        self._items: dict[str, _Votes] = {}

    def forget(self, item_ids: Iterable[str]) -> None:
        """Forget what was said about items."""
        for item_id in item_ids:
            self._items.pop(item_id, None)

    def say(self, item_id: str, vote: WorkerAnswer, task_version: int) -> None:
        """Let an answer take the place of what its worker has said before."""
        votes = self._items.setdefault(item_id, _Votes())
        votes.unsaid.pop(vote.worker, None)
        votes.said[vote.worker] = (vote, task_version)

    def unsay(self, item_id: str, worker: str, created: float, task_version: int) -> None:
        """Note that the last answer of a worker is one that the task cannot say any more."""
        votes = self._items.setdefault(item_id, _Votes())
        votes.said.pop(worker, None)
        votes.unsaid[worker] = (created, task_version)

    def of(self, item_id: str) -> list[WorkerAnswer]:
        """The answers about an item, in the order in which they were given. None count if more, or
        as many and later ones, cannot be said any more, and nobody has answered since the task
        changed.
        """
        votes = self._items.get(item_id, _Votes())
        given = in_order([vote for vote, _ in votes.said.values()])
        newest = max((version for _, version in votes.said.values()), default=0)
        unsaid = [(time, worker) for worker, (time, at) in votes.unsaid.items() if at >= newest]
        if not given or not unsaid:
            return given
        last_said = (given[-1].created, given[-1].worker)
        outvoted = (len(unsaid), max(unsaid)) > (len(given), last_said)
        return [] if outvoted else given

    def of_several(self) -> dict[str, list[WorkerAnswer]]:
        """The answers of each item that two people or more have answered, by item id."""
        found: dict[str, list[WorkerAnswer]] = {}
        for item_id in sorted(self._items):
            answers: Sequence[WorkerAnswer] = self.of(item_id)
            if len(answers) > 1:
                found[item_id] = list(answers)
        return found
