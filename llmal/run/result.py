"""How a run ended."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from llmal.core.records import Annotation, Usage
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.statement import Statement
from llmal.ledger import Decided, Ledger, Round
from llmal.run.campaign import Campaign
from llmal.run.purposes import audit_labels

Status = Literal["finished", "waiting", "interrupted"]


@dataclass(frozen=True)
class RunResult:
    """How a call of `Orchestrator.run` ended.

    Attributes:
        status: "finished"; "waiting" for people; or "interrupted" by Ctrl-C. After the last two,
            `run` again goes on.
        reason: Why, in words.
        accuracy: Of the learner on the test set after the last round; None without one.
        rounds: The rounds so far.
        labels: The label of each item that has one, by item id; without audits.
        audited: What people said in audits, by item id. Nothing has learnt from it.
        cost: Everything that was spent in this run directory.
        directory: The run directory.
        certificate: What an audit has shown of the labels; None without one. See
            `Campaign.certificate`.
        promised: What can be promised of the labels as they are; None where the run is to promise
            nothing.
    """

    status: Status
    reason: str
    accuracy: float | None
    rounds: list[Round]
    labels: dict[str, Decided]
    audited: dict[str, Decided]
    cost: Usage
    directory: Path
    certificate: Certificate | None = None
    promised: Statement | None = None
    _ledger_url: str = field(repr=False, default="")
    _annotations: int = field(repr=False, default=0)

    @property
    def annotations(self) -> list[Annotation]:
        """Every annotation that was in the ledger then, in the order in which they came."""
        with Ledger.open(self._ledger_url) as ledger:
            return list(itertools.islice(ledger.annotations(), self._annotations))


def result_of(campaign: Campaign, ledger: Ledger, status: Status, reason: str) -> RunResult:
    """The result of a run, from its ledger."""
    rounds = ledger.rounds()
    tested = [one.metrics["accuracy"] for one in rounds if one.metrics.get("accuracy") is not None]
    return RunResult(
        status=status,
        reason=reason,
        accuracy=tested[-1] if tested else None,
        rounds=rounds,
        labels=campaign.items.with_copies(ledger.labels()),
        audited=campaign.items.with_copies(audit_labels(ledger)),
        cost=ledger.total_usage(),
        directory=campaign.directory,
        certificate=campaign.certificate,
        promised=campaign.promised,
        _ledger_url=campaign.record.url,
        _annotations=ledger.annotation_count(),
    )
