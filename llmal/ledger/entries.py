"""What the ledger gives back that is not already one of llmal's records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmal.core.records import AnnotatorKind, Answer, Outcome, Usage


@dataclass(frozen=True)
class Decided:
    """The label of an item, as the aggregate of its annotations.

    Attributes:
        label: The label that stands.
        kind: What sort of annotator gave it.
        annotator: Who gave it.
        confidence: The probability that this annotator put on it; None where it gave none.
        round: The round that it was given in; None outside a run.
        copy_of: The item with the same text that it was given for, where that is another.
        answers: How many people's answers it was made of. Of several, `annotator` and `round` are
            those of the last one who gave it, or the name of what combined them where nobody gave
            just that, and `confidence` says how sure the combined answer is.
        distribution: By label how far it holds, where several people have answered: shares or
            probabilities.
    """

    label: Answer
    kind: AnnotatorKind
    annotator: str
    confidence: float | None
    round: int | None
    copy_of: str | None = None
    answers: int = 1
    distribution: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Round:
    """One round as it was recorded: what was picked and why, and how it ended.

    Attributes:
        number: Its number, the key of the round.
        phase: The part of the run that it belongs to, such as "start" or "query".
        selector: Name of the selector that picked.
        item_ids: The items that were picked, best first.
        scores: What the selector scored each of them.
        why: The selector's reason for each of them.
        started: Unix time in seconds.
        finished: Unix time in seconds; None while the round is unfinished.
        metrics: The figures that it ended with; empty while it is unfinished.
    """

    number: int
    phase: str
    selector: str
    item_ids: tuple[str, ...]
    scores: tuple[float, ...]
    why: tuple[str, ...]
    started: float
    finished: float | None
    metrics: Mapping[str, Any]


@dataclass(frozen=True)
class RecordedDecision:
    """What a rule decided about an annotation.

    Attributes:
        item_id: The item of the annotation.
        stage: Its place in the router.
        annotator: Who gave it.
        annotation_round: The round that it was given in; None outside a run.
        revision: Its revision.
        rule: What decided.
        outcome: "accepted"; "deferred", to be asked of the next annotator; or "overruled".
        round: The round that decided; None outside a run.
        time: Unix time in seconds.
    """

    item_id: str
    stage: str
    annotator: str
    annotation_round: int | None
    revision: int
    rule: str
    outcome: Outcome
    round: int | None
    time: float


@dataclass(frozen=True)
class TaskVersion:
    """One version of the task of a run.

    Attributes:
        version: Counted from 1; what annotations have as `task_version`.
        fingerprint: Of the task.
        task: The task as plain data; None where it was not kept.
        reason: Why it took the place of the version before.
        time: When it was recorded, in Unix seconds.
        label_map: For labels of the version before, what they may be in this one: one label, or
            several. A label that is not in it keeps its name, whether the task still has it or not.
        origins: For labels of this version, which earlier ones they were said to be.
        asks_again: Whether answers of machines to earlier versions no longer count.
        rounds: How many rounds had begun when it was recorded.
    """

    version: int
    fingerprint: str
    task: Mapping[str, Any] | None
    reason: str | None
    time: float
    label_map: Mapping[str, Sequence[str]] = field(default_factory=dict)
    origins: Mapping[str, Sequence[str]] = field(default_factory=dict)
    asks_again: bool = False
    rounds: int = 0

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Names of its labels; None where the task was not kept."""
        return None if self.task is None else tuple(one["name"] for one in self.task["labels"])


@dataclass(frozen=True)
class PoolVersion:
    """One version of the pool of a run.

    Attributes:
        version: Counted from 1.
        fingerprint: Of the pool.
        items: How many items it has; None where that was not kept, as the next two.
        columns: Its columns.
        ids: Hashes of the ids in their order, eight bytes each.
        reason: Why it took the place of the version before.
        time: When it was recorded, in Unix seconds.
        rounds: How many rounds had begun when it was recorded.
    """

    version: int
    fingerprint: str
    items: int | None = None
    columns: tuple[str, ...] | None = None
    ids: bytes | None = None
    reason: str | None = None
    time: float = 0.0
    rounds: int = 0


@dataclass(frozen=True)
class FrozenLabels:
    """The labels and their order as they were when an audit began.

    Attributes:
        round: The round in which people were first asked about the audit.
        fingerprint: Names labels, order and plan.
        labels: They as plain data (`llmal.guarantee.Frozen.as_dict`), by position.
        item_ids: The items that the positions are those of.
        contents: Hashes of their texts, as `llmal.core.content.content_of` has them.
        task_version: The version of the task that the labels are of.
        pool_version: The version of the pool.
        time: When it was recorded, in Unix seconds.
    """

    round: int
    fingerprint: str
    labels: Mapping[str, Any]
    item_ids: tuple[str, ...]
    contents: tuple[str, ...]
    task_version: int
    pool_version: int
    time: float = 0.0


@dataclass(frozen=True)
class RecordedCertificate:
    """What an audit has shown.

    Attributes:
        certificate: As plain data (`llmal.guarantee.Certificate.as_dict`).
        frozen: The fingerprint of the labels that were audited.
        round: The last round that it rests on.
        time: When it was recorded, in Unix seconds.
    """

    certificate: Mapping[str, Any]
    frozen: str
    round: int
    time: float = 0.0


@dataclass(frozen=True)
class LoggedEvent:
    """Something worth telling that happened during a run, such as a fallback.

    Attributes:
        time: Unix time in seconds.
        kind: A short word to filter by.
        message: One sentence for people.
        data: The figures behind it.
    """

    time: float
    kind: str
    message: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Expense:
    """A cost that belongs to no annotation.

    Attributes:
        key: Names this one expense.
        purpose: What it was spent on.
        time: Unix time in seconds.
        usage: The cost.
    """

    key: str
    purpose: str
    time: float
    usage: Usage


@dataclass(frozen=True)
class QueueEntry:
    """An item that people were asked about, in one round.

    Attributes:
        queue: Name of the queue.
        item_id: The item.
        round: The round that asks; None outside a run.
        answered: When it was answered, in Unix seconds; None while it waits.
    """

    queue: str
    item_id: str
    round: int | None
    answered: float | None


@dataclass(frozen=True)
class Lease:
    """An item that is kept for a worker.

    Attributes:
        stage: Where in the router it is answered.
        item_id: The item.
        round: The round that asks; None outside a run.
        worker: Whom it is kept for.
        until: Until when, in Unix seconds.
    """

    stage: str
    item_id: str
    round: int | None
    worker: str
    until: float
