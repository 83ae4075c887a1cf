"""The ledger of a campaign: how it is opened, and what answers in it are answers to."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from llmal.annotators.aggregation import Aggregator, CombinedBy
from llmal.core.records import Annotation
from llmal.errors import ConfigError, LedgerError
from llmal.ledger import Ledger
from llmal.pool import Pool
from llmal.run.binding import bind
from llmal.run.changing import Changes, WhenChanged, find_changes
from llmal.run.events import Announcer
from llmal.run.known_labels import KnownLabels, record_known
from llmal.run.phases import Objective
from llmal.task import Task


class CampaignLedger:
    """Opens the ledger of a campaign, for the task and the pool of now.

    Args:
        url: Database URL, or path of an SQLite file.
        directory: The run directory, for messages.
        task: Of the campaign, as the following are.
        pool: Its texts.
        objective: What it is for.
        seed: Of its picks.
        accept_changes: Whether to go on with a task or a pool that has changed.
        when_changed: What becomes of machines' answers if the task has changed.
        known: Labels that there are already.
        aggregation: Makes one label of several people's answers.
        announcer: Told what is taken in and what has changed.

    Raises:
        ConfigError: There is no such `when_changed`.
    """

    def __init__(
        self,
        url: str,
        directory: Path,
        task: Task,
        pool: Pool,
        *,
        objective: Objective,
        seed: int,
        accept_changes: bool,
        when_changed: WhenChanged,
        known: KnownLabels | None,
        aggregation: Aggregator | None,
        announcer: Announcer,
    ) -> None:
        if when_changed not in get_args(WhenChanged):
            raise ConfigError(
                f"when_changed is {when_changed!r}", fix="it must be 'keep' or 'ask_again'"
            )
        self.url = url
        self._where = str(directory)
        self._task = task
        self._pool = pool
        self._objective: Objective = objective
        self._seed = seed
        self._accept_changes = accept_changes
        self._when_changed: WhenChanged = when_changed
        self._known = known
        self.aggregation = aggregation
        self._announcer = announcer
        self._task_version = 1

    def open(self, held: contextlib.ExitStack) -> tuple[Ledger, Changes | None]:
        """Open it: made if it is not there, refused if it is another's.

        Args:
            held: Closes it.

        Returns:
            The ledger, and what was accepted just now.

        Raises:
            LedgerError: It cannot be used, or belongs to another objective or seed; or task or pool
                have changed, and that is not accepted.
        """
        # Before the pool is bound: labels that are mended after a refusal are no change of it.
        known = None if self._known is None else self._known.read(self._pool, self._task)
        ledger = held.enter_context(Ledger.open(self.url))
        bound = bind(
            ledger,
            *(self._task, self._pool, self._objective, self._seed),
            where=self._where,
            accept_changes=self._accept_changes,
            when_changed=self._when_changed,
        )
        self._task_version = bound.task_version
        if self._known is not None and known is not None:
            words = record_known(ledger, self._known, self.stamped(known))
            if words is not None:
                self._announcer.tell("known_labels", words)
        self.combine_answers(ledger)
        return ledger, bound.changes

    def combine_answers(self, ledger: Ledger) -> None:
        """Have a ledger, also one that others open, combine several people's answers."""
        if self.aggregation is not None:
            ledger.combine_by(CombinedBy(self.aggregation, self._task.space))

    def stamped(self, annotations: Sequence[Annotation]) -> list[Annotation]:
        """The answers with what they are answers to: the version of the task, and the texts."""
        contents = self._pool.contents([one.item_id for one in annotations])
        return [
            replace(one, task_version=self._task_version, content=content)
            for one, content in zip(annotations, contents, strict=True)
        ]

    def check_changes(self) -> None:
        """See that task and pool are those of the ledger, if there is one, or that their changes
        are accepted. Does nothing else.

        Raises:
            LedgerError: They are not; the message says what would become of the answers.
        """
        file = "://" not in self.url
        if self._accept_changes or (file and not Path(self.url).is_file()):
            return
        with Ledger.open(self.url, read_only=file) as ledger:
            if not ledger.identity:
                return
            changes = find_changes(
                ledger,
                self._task,
                self._pool,
                when_changed=self._when_changed,
                where=self._where,
            )
            if changes is not None and changes.needs_consent:
                raise changes.refusal(self._where)


def begun_phases(url: str) -> set[str]:
    """What the phases of a campaign are called that have begun; none where there is no ledger, or
    where it cannot be read, of which is told when it is opened.
    """
    if "://" not in url and not Path(url).is_file():
        return set()
    try:
        with Ledger.open(url, read_only=True) as ledger:
            return {one.phase for one in ledger.rounds()}
    except LedgerError:
        return set()
