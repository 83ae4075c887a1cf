"""A ledger and the campaign that it is a record of."""

from __future__ import annotations

from llmal.errors import LedgerError
from llmal.ledger import Ledger
from llmal.pool import Pool
from llmal.task import Task
from llmal.task.changes import differences


def bind(ledger: Ledger, task: Task, pool: Pool, objective: str, seed: int, *, where: str) -> None:
    """Tie a ledger to its campaign, and keep the words of the task in it.

    Args:
        ledger: The ledger.
        task: Of the campaign, as the following are.
        pool: Its texts.
        objective: What it is for.
        seed: Of its picks.
        where: The run directory, for messages.

    Raises:
        LedgerError: It is the record of another campaign. Where only the task differs, the message
            says in which words.
    """
    versions = ledger.task_versions()
    if versions and versions[-1].fingerprint != task.fingerprint:
        old = versions[-1].task
        phrases = [] if old is None else differences(old, task.as_dict())
        if phrases:
            raise LedgerError(
                f"the task has changed since this run began: {'; '.join(phrases)}",
                where=where,
                fix="take the task as it was, or choose another directory",
            )
    ledger.bind(task=task.fingerprint, pool=pool.fingerprint, objective=objective, seed=str(seed))
    ledger.task_version(task.fingerprint, task.as_dict())
