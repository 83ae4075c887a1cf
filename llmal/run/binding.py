"""A ledger and the campaign that it is a record of."""

from __future__ import annotations

from dataclasses import dataclass

from llmal.ledger import Ledger
from llmal.pool import Pool
from llmal.run.changing import Changes, WhenChanged, find_changes, pool_version
from llmal.task import Task
from llmal.task.changes import origins_of


@dataclass(frozen=True)
class Bound:
    """A ledger that is tied to its campaign.

    Attributes:
        task_version: The version of the task that is answered from now on.
        changes: What was accepted just now; None if nothing was.
    """

    task_version: int
    changes: Changes | None = None


def bind(
    ledger: Ledger,
    task: Task,
    pool: Pool,
    objective: str,
    seed: int,
    *,
    where: str,
    accept_changes: bool = False,
    when_changed: WhenChanged = "keep",
) -> Bound:
    """Tie a ledger to its campaign, with the versions of task and pool as they are now.

    Args:
        ledger: The ledger.
        task: Of the campaign, as the following are.
        pool: Its texts.
        objective: What it is for.
        seed: Of its picks.
        where: The run directory, for messages.
        accept_changes: Whether to go on with a task or a pool that has changed.
        when_changed: What becomes of machines' answers if the task has changed.

    Raises:
        LedgerError: It is the record of another campaign, or task or pool have changed and that is
            not accepted. The message says what differs, and what would become of the answers.
        OriginError: A label is said to have been one that never was.
    """
    begun = {"objective": objective, "seed": str(seed)}
    if not ledger.identity:
        begun |= {"task": task.fingerprint, "pool": pool.fingerprint}
    ledger.bind(**begun)
    if not ledger.task_versions():
        ledger.task_version(task.fingerprint, task.as_dict(), origins=origins_of(task))
    if not ledger.pool_versions():
        ledger.keep_pool(pool_version(pool, 1, 0))
    changes = find_changes(ledger, task, pool, when_changed=when_changed, where=where)
    if changes is not None:
        if changes.needs_consent and not accept_changes:
            raise changes.refusal(where)
        changes.accept(ledger)
    version, kept = ledger.task_versions()[-1], ledger.pool_versions()[-1]
    if version.task is None:
        ledger.keep_words(version.version, task.as_dict())
    if kept.ids is None:
        ledger.keep_pool(pool_version(pool, kept.version, 0))
    ledger.read_as(pool.contents)
    told = changes is not None and changes.needs_consent
    return Bound(version.version, changes if told else None)
