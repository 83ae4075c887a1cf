"""The records that the rooms pass to each other: items, annotations, usage, money."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from llmal.errors import DataError

AnnotatorKind = Literal["llm", "human", "similarity", "recorded", "learner"]
Decision = Literal["accepted", "deferred"]
Outcome = Literal["accepted", "deferred", "overruled"]
Purpose = Literal["train", "audit", "review", "calibrate"]

Answer: TypeAlias = str | tuple[str, ...]
"""What an answer is as plain data, by the kind of the task. `single`: the name of a label. `multi`:
the sorted names of labels, perhaps none. In JSON a tuple is a list. None is an abstention in every
kind."""


def confidence_of(answer: Answer, probabilities: Mapping[str, float]) -> float:
    """How sure an answer is: of one label its probability, of several that of the least sure.

    Where an item takes any number of labels, each label that is given counts with its probability,
    and each that is not with one less it.
    """
    if isinstance(answer, str):
        return probabilities[answer]
    held = set(answer)
    return min(p if name in held else 1 - p for name, p in probabilities.items())


def one_label(answer: Answer | None) -> str:
    """The name of the label of an answer that is one label, for what works with no other.

    Raises:
        DataError: There is none, or a list of labels.
    """
    if isinstance(answer, str):
        return answer
    raise DataError(
        "there is no label" if answer is None else f"one label is expected, and not {answer!r}",
        fix="give every item one label",
    )


@dataclass(frozen=True)
class Item:
    """One text of a pool.

    Attributes:
        id: Stable name of the item.
        text: Its text; the text columns joined by a newline where there are several.
        fields: The text columns by name.
        gold: The answer of the gold column, if there is one.
        extra: The other columns of the row.
    """

    id: str
    text: str
    fields: Mapping[str, str] = field(default_factory=dict)
    gold: Answer | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Usage:
    """What something cost. Adds up with `+`.

    Attributes:
        requests: Prompts that a language model was run on.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        cached_tokens: Prompt tokens that were not read again: the server had them in its prefix
            cache, or other prompts of the same call begin with them.
        seconds: Time spent waiting for answers.
        money: In the currency of the price that was configured.
        human_labels: Labels given by people.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    seconds: float = 0.0
    money: float = 0.0
    human_labels: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Usage)))

    def __sub__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, f.name) - getattr(other, f.name) for f in fields(Usage)))

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.prompt_tokens + self.completion_tokens

    def as_dict(self) -> dict[str, float]:
        """The figures by name."""
        return {f.name: getattr(self, f.name) for f in fields(Usage)}


def total(costs: Iterable[Usage]) -> Usage:
    """The sum of costs; for thousands of them faster than to add one to the next."""
    columns = zip(*(vars(one).values() for one in costs), strict=True)
    return Usage(*(sum(column) for column in columns))


@dataclass(frozen=True)
class Price:
    """Price of a language model, in money per million tokens.

    A model that runs on one's own machine is free unless a price is set for it.
    """

    prompt: float = 0.0
    completion: float = 0.0

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Money for so many tokens read and written."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6


@dataclass(frozen=True)
class Annotation:
    """One answer of one annotator about one item. Appended to the ledger, never changed.

    Attributes:
        item_id: The item that it is about.
        label: The answer, or None for an abstention.
        annotator: The worker who gave it (a person's name, or the name of the annotator).
        kind: What sort of annotator that is.
        probabilities: Probability of each label, by name, where the annotator has them.
        exact: Whether the probabilities are exact; False for estimates by sampling.
        decision: Whether the router let the label stand ("accepted") or asked the next annotator
            ("deferred") when it came. What has been decided since is in the ledger.
        rationale: Why, in the annotator's words.
        usage: What it cost.
        provenance: What is needed to reproduce it: model fingerprint, prompt name and version,
            demonstrations.
        flags: Things a person should know, such as "instruction-like text" or "truncated".
        round: The round that asked for it; None outside a run.
        created: Unix time of the answer, in seconds.
        stage: The place in the router that it was asked for; "" reads as the annotator's name.
        purpose: What it was asked for: to train on, to audit, to review what a machine said, or to
            calibrate. An audit is neither shown to a model nor trained on.
        task_version: The version of the task that it answers.
        revision: 0, or one more than the answer of the same worker that it takes the place of. Both
            stay in the ledger; the highest stands.
        reason: Why it takes the place of an earlier one.
        content: Which texts it is about, as `llmal.core.content.content_of` says; None where that
            is not known.
    """

    item_id: str
    label: Answer | None
    annotator: str
    kind: AnnotatorKind
    probabilities: Mapping[str, float] | None = None
    exact: bool = True
    decision: Decision = "accepted"
    rationale: str | None = None
    usage: Usage = field(default_factory=Usage)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    round: int | None = None
    created: float = field(default_factory=time.time)
    stage: str = ""
    purpose: Purpose = "train"
    task_version: int = 1
    revision: int = 0
    reason: str | None = None
    content: str | None = None

    @property
    def confidence(self) -> float | None:
        """How sure the annotator is of its answer; None without probabilities or answer."""
        if self.probabilities is None or self.label is None:
            return None
        return confidence_of(self.label, self.probabilities)


@dataclass(frozen=True)
class SyntheticItem:
    """A text that a generator wrote. It is marked as such for ever.

    Attributes:
        id: Stable name, made from the content.
        text: The text.
        label: The label that was asked for; where an item takes several, the answer as the space
            of the task writes it.
        generator: Name of the generator.
        accepted: Whether it passed every filter.
        refused_by: Name of the filter that refused it.
        reason: Why it was refused.
        usage: What it cost.
        provenance: Model fingerprint, prompt, demonstrations.
    """

    id: str
    text: str
    label: str
    generator: str
    accepted: bool = True
    refused_by: str | None = None
    reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    provenance: Mapping[str, Any] = field(default_factory=dict)
