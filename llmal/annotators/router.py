"""Who labels what: each item goes down a row of annotators until an answer may stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from llmal.annotators.policies.protocol import Machine, RoutingPolicy
from llmal.annotators.policies.walk import Walk
from llmal.annotators.protocol import Annotator, Context, PerhapsUnsure
from llmal.core.fingerprint import digest
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, Item, total
from llmal.errors import ConfigError


@runtime_checkable
class AcceptanceRule(Protocol):
    """Decides whether an annotator's answer may stand without asking the next one.

    A rule with a guarantee (a certificate from an audit of the pool) has this shape too.
    """

    def accepts(self, annotation: Annotation) -> bool:
        """Whether the label may stand."""
        ...


@dataclass(frozen=True)
class Threshold:
    """Accepts from a probability on. A threshold promises nothing about the labels' accuracy.

    An answer without probabilities is accepted by a threshold of 0 alone.
    """

    minimum: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.minimum <= 1:
            raise ConfigError(
                f"a threshold of {self.minimum} is no probability", fix="use one from 0 to 1"
            )

    def accepts(self, annotation: Annotation) -> bool:
        """Whether the probability of the label reaches the minimum."""
        confidence = annotation.confidence
        return self.minimum == 0 or (confidence is not None and confidence >= self.minimum)


_USUAL = Threshold()


@dataclass(frozen=True)
class Stage:
    """One annotator of a router, and the rule that its answers must pass.

    Attributes:
        annotator: Who answers.
        rule: What an answer must pass to stand; people's always do.
        answers: How many different people are to answer an item.
        share: Of the items, the share that gets so many answers, drawn by the seed of the run; the
            others get one.

    Raises:
        ConfigError: Fewer than one answer, several of who is no person, or a share that is none.
    """

    annotator: Annotator
    rule: AcceptanceRule = _USUAL
    answers: int = 1
    share: float = 1.0

    def __post_init__(self) -> None:
        name = self.annotator.name
        if self.answers < 1:
            raise ConfigError(
                f"the stage {name!r} wants {self.answers} answers", fix="use 1 or more"
            )
        if self.answers > 1 and self.annotator.kind != "human":
            raise ConfigError(
                f"the stage {name!r} wants {self.answers} answers, and only people give several",
                fix="leave answers out, or name several annotators",
            )
        if not 0 < self.share <= 1:
            raise ConfigError(
                f"the stage {name!r} wants several answers for a share of {self.share}",
                fix="use a share above 0, up to 1",
            )
        if self.share < 1 and self.answers == 1:
            raise ConfigError(
                f"the stage {name!r} names a share of items, and wants one answer of each",
                fix="say how many answers these items get, or leave the share out",
            )

    def wanted(self, item_id: str, seed: int) -> int:
        """How many people are to answer an item, in a run with this seed."""
        if self.answers == 1 or self.share == 1:
            return self.answers
        number = int.from_bytes(digest(f"{seed}\0answers\0{item_id}", 8), "little")
        return self.answers if number < self.share * 2**64 else 1


def _accepts_all(annotation: Annotation) -> bool:
    return True


def _is_unsure(annotator: Annotator) -> bool:
    return isinstance(annotator, PerhapsUnsure) and not annotator.gives_confidence


def _stage(given: Stage | Annotator) -> Stage:
    stage = given if isinstance(given, Stage) else Stage(given)
    unasked = stage.rule is _USUAL and _is_unsure(stage.annotator)
    return replace(stage, rule=Threshold(0.0)) if unasked else stage


class Router:
    """A row of annotators, from the cheapest to the one of record.

    People's answers stand whenever they give one, and so does any answer of the last annotator.

    Args:
        stages: The annotators in order; one without a rule gets a threshold of 0.9, or of 0 if its
            labels come without probabilities.
        policy: Says which machine is asked next about an item, and whose answer stands. By default
            they are asked in order, until an answer passes the rule of its stage.

    Raises:
        ConfigError: There is none, two have one name, the labels of one come without probabilities
            that could reach its threshold, or the policy does not fit them.
    """

    def __init__(
        self, stages: Iterable[Stage | Annotator], policy: RoutingPolicy | None = None
    ) -> None:
        self.stages = tuple(map(_stage, stages))
        if not self.stages:
            raise ConfigError("there is no annotator", fix="name at least one")
        names = [stage.annotator.name for stage in self.stages]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(
                    f"two annotators are recorded as {name!r}", fix="give one of them another name"
                )
        for stage in self.stages[:-1]:
            rule = stage.rule
            if _is_unsure(stage.annotator) and isinstance(rule, Threshold) and rule.minimum > 0:
                raise ConfigError(
                    f"the labels of {stage.annotator.name!r} come without confidence, so none "
                    f"would reach the threshold of {rule.minimum}",
                    fix="name the column with the confidences, or use a threshold of 0, which "
                    "takes every label",
                )
        self.policy = policy
        self.machines = self._machines()
        """What the policy knows of those who are no people."""
        if policy is not None:
            self._check(policy)

    def _machines(self) -> tuple[Machine, ...]:
        machines = [stage for stage in self.stages if stage.annotator.kind != "human"]
        last = self.stages[-1]
        return tuple(
            Machine(
                stage.annotator.name,
                _accepts_all if stage is last else stage.rule.accepts,
                gives_confidence=not _is_unsure(stage.annotator),
            )
            for stage in machines
        )

    def _check(self, policy: RoutingPolicy) -> None:
        kinds = [stage.annotator.kind == "human" for stage in self.stages]
        if kinds != sorted(kinds) or not self.machines:
            raise ConfigError(
                "a routing policy says which machines are asked before people, and "
                + ("people come first" if self.machines else "all annotators are people"),
                fix="name the machines first, then people, or leave the policy out",
            )
        policy.check(self.machines, people=kinds[-1])

    def decide(self, number: int, annotations: Sequence[Annotation]) -> list[Annotation]:
        """Mark the answers of one stage as accepted, or deferred to the next.

        Where there is a policy, it decides about machines' answers later, once it knows what
        others have said.
        """
        stage = self.stages[number]
        if self.policy is not None and number < len(self.machines):
            return [replace(one, decision="deferred") for one in annotations]
        last = number == len(self.stages) - 1
        return [
            replace(
                one,
                decision="accepted"
                if one.label is not None
                and (last or one.kind == "human" or stage.rule.accepts(one))
                else "deferred",
            )
            for one in annotations
        ]

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """All answers that were given, those that were not accepted included."""
        given: list[Annotation] = []
        left = list(items)
        first = 0
        if self.policy is not None:
            given, left = self._walk(self.policy, left, context)
            first = len(self.machines)
        for number, stage in enumerate(self.stages[first:], first):
            if not left:
                break
            answers = self.decide(number, stage.annotator.annotate(left, context))
            given += answers
            deferred = {one.item_id for one in answers if one.decision == "deferred"}
            left = [item for item in left if item.id in deferred]
        return given

    def _walk(
        self, policy: RoutingPolicy, items: Sequence[Item], context: Context
    ) -> tuple[list[Annotation], list[Item]]:
        """The answers of machines, and the items that go to people."""
        by_id = {item.id: item for item in items}
        walk = Walk(policy, self.machines, by_id)
        given: list[tuple[int, Annotation]] = []
        while asked := walk.next():
            for place, ids in asked.items():
                annotator = self.stages[place].annotator
                answers = annotator.annotate([by_id[one] for one in ids], context)
                walk.take(place, answers)
                given += [(place, one) for one in answers]
        return [walk.decided(*one) for one in given], [by_id[one] for one in walk.people]

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """As dear as can be: if every answer is deferred to the end."""
        plans = [stage.annotator.plan(items, context) for stage in self.stages]
        return BatchPlan(
            lambda: self.annotate(items, context),
            each=lambda: [total(costs) for costs in zip(*(one.each for one in plans), strict=True)],
            first=lambda count: self.plan(items[:count], context),
            once=lambda: total(one.once for one in plans),
        )
