"""What was decided about the synthetic items of a run, round by round, as the ledger has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from llmal.core.records import SyntheticItem
from llmal.core.words import counted
from llmal.ledger import Ledger

JUDGED = "synthetic"
"""The kind of such events."""


@dataclass(frozen=True)
class LabelShare:
    """Accuracy on the items of one label that people gave.

    Attributes:
        items: How many they are.
        with_synthetic: Share that the learner gets right with synthetic items.
        without: Without them.
    """

    items: int
    with_synthetic: float
    without: float


@dataclass(frozen=True)
class Judgement:
    """What was decided about the synthetic items up to a round.

    Attributes:
        round: Number of the round.
        weight: What each that stands weighs beside an item of the pool.
        withdrawn: Batches that are not learnt from any more, and why, by name.
        stopped: Why nothing more is written; None where more may be.
        people: Labels by people that it goes by; 0 where nothing could be judged.
        synthetic: Items that stand.
        used: Mean share of them that the folds could use.
        accuracy: On people's labels, held out in turn, with what stands at its weight.
        accuracy_without: Without synthetic items.
        brier: Brier score likewise.
        brier_without: Likewise.
        by_label: Accuracy by label.
        fruitless: Times in a row that something was written and nothing gained.
        looked: Labels by people at which each batch was last looked at, by name.
        why_not: Why nothing could be judged.
    """

    round: int
    weight: float
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    stopped: str | None = None
    people: int = 0
    synthetic: int = 0
    used: float = 0.0
    accuracy: float | None = None
    accuracy_without: float | None = None
    brier: float | None = None
    brier_without: float | None = None
    by_label: Mapping[str, LabelShare] = field(default_factory=dict)
    fruitless: int = 0
    looked: Mapping[str, int] = field(default_factory=dict)
    why_not: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For the ledger."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Judgement:
        """What `as_dict` gave."""
        shares = {name: LabelShare(**one) for name, one in data["by_label"].items()}
        return cls(**{**data, "by_label": shares})


def in_words(now: Judgement, before: Judgement | None) -> str:
    """A judgement in a sentence or two.

    Args:
        now: The judgement.
        before: The one before it.
    """
    parts = []
    earlier = {} if before is None else before.withdrawn
    for name, why in now.withdrawn.items():
        if name not in earlier:
            parts.append(f"what was written by {name} is withdrawn: {why}")
    if now.why_not:
        parts.append(f"{counted(now.synthetic, 'synthetic item')} not judged: {now.why_not}")
    elif now.synthetic:
        parts.append(
            f"{counted(now.synthetic, 'synthetic item')} at weight {now.weight:g}: on "
            f"{counted(now.people, 'label')} by people, held out in turn, accuracy "
            f"{now.accuracy:.3f}, without them {now.accuracy_without:.3f}"
        )
    else:
        parts.append(
            f"no synthetic items; accuracy on {counted(now.people, 'label')} by people, held out "
            f"in turn, {now.accuracy_without:.3f}"
        )
    if now.stopped and (before is None or not before.stopped):
        parts.append(f"nothing more is written: {now.stopped}")
    return "; ".join(parts)


def batch_of(one: SyntheticItem) -> str:
    """The name of the batch that an item is of: its generator and its round."""
    return f"{one.generator} in round {one.provenance.get('round', 0)}"


def judgements(ledger: Ledger) -> list[Judgement]:
    """All of them, one for each round that had one, in order."""
    found: dict[int, Judgement] = {}
    for one in ledger.events():
        if one.kind == JUDGED:
            judgement = Judgement.of(one.data)
            found.setdefault(judgement.round, judgement)
    return [found[number] for number in sorted(found)]


def judgement_at(ledger: Ledger, number: int | None = None) -> Judgement | None:
    """The last one, or the last up to a round."""
    earlier = [one for one in judgements(ledger) if number is None or one.round <= number]
    return earlier[-1] if earlier else None


def standing_synthetic(ledger: Ledger, number: int | None = None) -> list[SyntheticItem]:
    """The accepted items that are not withdrawn, as they read now: all, or those up to a round."""
    judgement = judgement_at(ledger, number)
    withdrawn = () if judgement is None else judgement.withdrawn
    return [
        one
        for one in ledger.reading.written(ledger.synthetic(accepted=True))
        if (number is None or one.provenance.get("round", 0) <= number)
        and batch_of(one) not in withdrawn
    ]
