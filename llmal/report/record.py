"""What a report is made from: everything that a run left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from llmal.annotators.aggregation import Aggregator, Majority
from llmal.core.records import Annotation, Answer, SyntheticItem, Usage
from llmal.guarantee import Certificate
from llmal.guarantee.forecast import Forecast
from llmal.guarantee.statement import Statement
from llmal.ledger import WorkerAnswer
from llmal.report.pool_map import PoolMap
from llmal.run.judgements import Judgement
from llmal.task import Task

Status = Literal["finished", "waiting", "interrupted", "running"]
Objective = Literal["model", "labels"]


class RoundLike(Protocol):
    """One round as the ledger keeps it; its fields are those of the ledger's own record."""

    @property
    def number(self) -> int: ...

    @property
    def phase(self) -> str: ...

    @property
    def selector(self) -> str: ...

    @property
    def item_ids(self) -> Sequence[str]: ...

    @property
    def scores(self) -> Sequence[float]: ...

    @property
    def why(self) -> Sequence[str]: ...

    @property
    def started(self) -> float: ...

    @property
    def finished(self) -> float | None: ...

    @property
    def metrics(self) -> Mapping[str, Any]: ...


class DecidedLike(Protocol):
    """The label that an item leaves the run with."""

    @property
    def label(self) -> Answer: ...

    @property
    def kind(self) -> str: ...

    @property
    def annotator(self) -> str: ...

    @property
    def confidence(self) -> float | None: ...

    @property
    def round(self) -> int | None: ...


class EventLike(Protocol):
    """Something that happened in the run."""

    @property
    def time(self) -> float: ...

    @property
    def kind(self) -> str: ...

    @property
    def message(self) -> str: ...

    @property
    def data(self) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, kw_only=True)
class PromisedLabels:
    """What a run is to promise of its labels, and how far it is.

    Attributes:
        epsilon: The share of wrong labels that is asked for, at most.
        alpha: With what probability the promise may fail.
        texts: Different texts: what people would label if they labelled all.
        certificate: What the audit has shown; None while there is none.
        as_they_are: What can be promised of the labels as they are; None where that is not known.
        unreviewed: Delivered labels that no person gave and no audit lets stay.
        forecast: How many labels it will take of people; None where that is not known, or known.
    """

    epsilon: float
    alpha: float
    texts: int
    certificate: Certificate | None = None
    as_they_are: Statement | None = None
    unreviewed: int = 0
    forecast: Forecast | None = None


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """All that a report says, before it is counted and drawn.

    Attributes:
        task: What was labelled.
        pool_source: Where the pool came from: a file, a hub name.
        pool_size: Items in the pool.
        duplicates: Items whose text stands in the pool more than once, beyond the first.
        objective: What the run was for.
        status: How it stands.
        stop_reason: Why it ended, in words.
        rounds: Its rounds. Of `metrics` these keys are read, all of them optional: "labelled"
            (labels in the training set), "human_labels" (so far), "accuracy" and "macro_f1" and
            "nll" (of the learner on the test set), "test_items" (size of that set),
            "mean_entropy", "agreement" (with the round before) and "seconds".
        annotations: All annotations that say something about the present task and pool, as they
            read now, in the order in which they were given.
        gold: Gold label by item id; None without a gold column. It may lack items.
        texts: Text by item id, of the picked items; it may lack some.
        usage: Cost by name of the annotator, or by purpose ("generator") for what no annotator
            spent. An annotator that is missing here is charged what its annotations say.
        events: What happened, in order. Those of kind "warning", "fallback" or "error" are shown.
        labels: The label that each item leaves the run with, by item id.
        without_audit: The labels that it would have left with if nobody had audited it.
        audited: What people have said in an audit, by item id.
        several: The answers of each item that several people have answered, by item id.
        aggregation: What made one label of them.
        baseline: The learner trained on random picks, as a list of {"labelled", "accuracy_mean",
            "accuracy_std", "draws"}; None if it was not measured.
        baseline_note: Why it was not.
        config: The configuration as it was.
        versions: Version by package name.
        synthetic: Texts that a generator wrote, those that were refused included.
        judgements: What was decided about them, round by round.
        guarantee: What it is to promise of its labels; None for a run that promises nothing.
        map: The pool and the picks in two dimensions; None if there are no embeddings.
    """

    task: Task
    pool_source: str
    pool_size: int
    duplicates: int = 0
    objective: Objective = "model"
    status: Status = "finished"
    stop_reason: str | None = None
    rounds: Sequence[RoundLike] = ()
    annotations: Sequence[Annotation] = ()
    gold: Mapping[str, Answer] | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    usage: Mapping[str, Usage] = field(default_factory=dict)
    events: Sequence[EventLike] = ()
    labels: Mapping[str, DecidedLike] = field(default_factory=dict)
    without_audit: Mapping[str, DecidedLike] = field(default_factory=dict)
    audited: Mapping[str, DecidedLike] = field(default_factory=dict)
    several: Mapping[str, Sequence[WorkerAnswer]] = field(default_factory=dict)
    aggregation: Aggregator = field(default_factory=Majority)
    baseline: Sequence[Mapping[str, float]] | None = None
    baseline_note: str | None = None
    config: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    synthetic: Sequence[SyntheticItem] = ()
    judgements: Sequence[Judgement] = ()
    guarantee: PromisedLabels | None = None
    map: PoolMap | None = None
