"""What the stages of a campaign have still to answer in a round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace

import numpy as np

from llmal.annotators.outside import Outside
from llmal.annotators.protocol import Annotator
from llmal.annotators.router import Router, Stage
from llmal.core.records import Annotation
from llmal.errors import ConfigError
from llmal.ledger import Ledger, Round
from llmal.ledger.translation import Reading
from llmal.run.items import RunItems
from llmal.run.phases import Again, Asked, Phase
from llmal.run.purposes import SEEN
from llmal.run.purse import Purse
from llmal.run.reopening import earlier_answers, to_sweep
from llmal.run.routing import Routing
from llmal.run.work_order import WorkOrder
from llmal.run.workers import Claim

_AGAIN = Again().names

_KINDS: dict[Asked, tuple[bool, ...]] = {
    "everybody": (True, False),
    "people": (True,),
    "machines": (False,),
}


def stages_of(router: Router, asked: Asked) -> list[int]:
    """Numbers of the stages of a router that are people, that are none, or all."""
    people = [stage.annotator.kind == "human" for stage in router.stages]
    return [number for number, human in enumerate(people) if human in _KINDS[asked]]


def router_of(annotator: Annotator | Stage | Router | None) -> Router:
    """The router of those who answer; people outside, if nobody is given."""
    if isinstance(annotator, Router):
        return annotator
    return Router([Outside() if annotator is None else annotator])


class Orders:
    """Makes work orders of what the ledger lacks.

    Args:
        items: The items of the campaign.
        router: Who answers.
        phases: The phases of the campaign.
        seed: Draws the items that get several answers.
    """

    def __init__(
        self, items: RunItems, router: Router, phases: Sequence[Phase], seed: int = 0
    ) -> None:
        self._seed = seed
        self._items = items
        self._router = router
        self._phases = phases
        self._picked: dict[int, frozenset[str]] = {}
        self._forgone: set[tuple[int, str]] = set()
        self._swept: tuple[int, Reading, list[str]] | None = None
        policy = router.policy
        self._routing = None if policy is None else Routing(router, policy, items.pool)

    def phase_of(self, current: Round) -> Phase:
        """The phase that a round belongs to.

        Raises:
            ConfigError: It is none of this campaign's.
        """
        by_own_name = [one for one in self._phases if one.names[0] == current.phase]
        by_earlier_name = [one for one in self._phases if current.phase in one.names]
        for phase in (*by_own_name, *by_earlier_name):
            return phase
        raise ConfigError(
            f"round {current.number} belongs to a phase {current.phase!r}, which this campaign "
            "does not have",
            fix="go on with the annotators, and the objective or phases, that it was begun with",
        )

    def asks(self, current: Round, stage: int, item_id: str) -> bool:
        """Whether a round asks a stage, by its number, about an item."""
        if stage not in stages_of(self._router, self.phase_of(current).asks):
            return False
        if current.number not in self._picked:
            self._picked[current.number] = frozenset(current.item_ids)
        return not current.item_ids or item_id in self._picked[current.number]

    def waiting(self, rounds: Sequence[Round], one: Annotation) -> Annotation:
        """An answer of a person that no order was for, placed where one waits for it: in the round
        that is under way, if that asks people about the item for a purpose that is seen as its own.
        """
        current = rounds[-1] if rounds else None
        if current is None or current.finished is not None:
            return one
        purpose = self.phase_of(current).purpose
        if purpose != one.purpose and not {purpose, one.purpose} <= SEEN:
            return one
        for number in stages_of(self._router, "people"):
            if self.asks(current, number, one.item_id):
                stage = self._router.stages[number].annotator.name
                return replace(one, round=current.number, stage=stage)
        return one

    def forgo(self, order: WorkOrder) -> None:
        """Give out no more of an order, until all are forgiven."""
        self._forgone.add((order.round, order.stage))

    def forgive(self) -> None:
        """Give out again what was forgone."""
        self._forgone.clear()

    def open(self, ledger: Ledger, purse: Purse, current: Round) -> Iterator[WorkOrder]:
        """What is left of a round, stage by stage; an item that one defers goes to the next, or
        where the routing policy sends it.

        Of people no more labels are asked for than the budget has left.
        """
        phase = self.phase_of(current)
        left: Sequence[str] = current.item_ids or self._swept_items(ledger, current.number)
        if not ledger.reading.is_plain:
            # Of what was picked some may be gone since.
            left = self._items.pool.held(left)
        why = dict(zip(current.item_ids, current.why, strict=True))
        reserved = 0
        stages = stages_of(self._router, phase.asks)
        sent = None
        if self._routing is not None and phase.asks != "people":
            sent = self._routing.send(ledger, current, left)
            left = sent.to_people
        for number in stages:
            stage = self._router.stages[number]
            routed = sent is not None and number in sent.to_machines
            asked = sent.to_machines[number] if sent is not None and routed else left
            annotator = stage.annotator
            given = _Given(ledger, stage, current.number, self._seed)
            waited = {i: count for i in asked if (count := given.missing(i))}
            todo = waited
            if annotator.kind == "human":
                labels = sum(waited.values()) + reserved
                todo = _at_most(waited, purse.human_labels(labels) - reserved)
                reserved += sum(todo.values())
            if todo and (current.number, annotator.name) not in self._forgone:
                earlier = earlier_answers(ledger, [*todo]) if phase.names == _AGAIN else {}
                yield WorkOrder(
                    items=self._items.pool[self._items.pool.positions([*todo])],
                    phase=phase.names[0],
                    round=current.number,
                    purpose=phase.purpose,
                    stage=annotator.name,
                    wanted=stage.answers,
                    why=[why.get(i, "the whole pool is gone over") for i in todo],
                    answered=given.count() if routed else len(left) - len(waited),
                    missing=[*todo.values()],
                    answered_by=[given.workers(i) for i in todo] if stage.answers > 1 else (),
                    earlier=earlier,
                )
            if number == stages[-1]:
                return
            if routed:
                continue
            # An item that is still waited for is not passed on.
            deferred = given.deferred()
            left = [i for i in left if i in deferred and i not in waited]
            if not left:
                return

    def for_worker(self, ledger: Ledger, order: WorkOrder, claim: Claim) -> WorkOrder | None:
        """The part of an order that one person may answer, kept for this person for a while; None
        if there is nothing.
        """
        kinds = {one.annotator.name: one.annotator.kind for one in self._router.stages}
        if kinds[order.stage] != "human":
            return None
        ids = order.items.ids()
        given = [len(one) for one in order.answered_by] or [0] * len(ids)
        wanted = {i: n + done for i, n, done in zip(ids, order.missing, given, strict=True)}
        taken = set(
            ledger.leases.take(
                order.stage,
                claim.worker,
                wanted,
                round=order.round,
                seconds=claim.seconds,
                at_most=claim.at_most,
            )
        )
        rows = [row for row, item_id in enumerate(ids) if item_id in taken]
        if not rows:
            return None
        return replace(
            order,
            items=order.items[np.array(rows, dtype=np.int64)],
            why=[order.why[row] for row in rows],
            missing=[order.missing[row] for row in rows],
            answered_by=[order.answered_by[row] for row in rows] if order.answered_by else (),
        )

    def _swept_items(self, ledger: Ledger, number: int) -> list[str]:
        """The items that a sweep goes over."""
        if ledger.reading.is_plain:
            return to_sweep(ledger, self._items, number)
        # What counts of the answers of earlier rounds changes with the task alone.
        if self._swept is None or self._swept[:2] != (number, ledger.reading):
            self._swept = number, ledger.reading, to_sweep(ledger, self._items, number)
        return self._swept[2]


class _Given:
    """The answers of a stage in a round."""

    def __init__(self, ledger: Ledger, stage: Stage, number: int, seed: int) -> None:
        self._ledger = ledger
        self._stage = stage
        self._round = number
        self._seed = seed
        self._workers: Mapping[str, Mapping[str, bool]] = {}
        self._answered: Set[str] = set()
        # The common case: one answer, and it is of no importance whose.
        if stage.answers == 1:
            self._answered = ledger.annotated(stage.annotator.name, number)
        else:
            self._workers = ledger.workers(stage.annotator.name, number)

    def missing(self, item_id: str) -> int:
        """How many answers of an item are still wanted."""
        if self._stage.answers == 1:
            return int(item_id not in self._answered)
        wanted = self._stage.wanted(item_id, self._seed)
        return max(0, wanted - len(self._workers.get(item_id, ())))

    def count(self) -> int:
        """How many items have an answer, where each gets one."""
        return len(self._answered)

    def workers(self, item_id: str) -> Set[str]:
        """Who has answered an item."""
        return frozenset(self._workers.get(item_id, ()))

    def deferred(self) -> Set[str]:
        """Items that somebody has skipped or deferred, and for which nobody has an answer."""
        deferred = self._ledger.deferred(self._stage.annotator.name, self._round)
        return {i for i in deferred if not any(self._workers.get(i, {}).values())}


def _at_most(wanted: Mapping[str, int], labels: int) -> dict[str, int]:
    """The longest beginning of what is wanted that takes no more labels."""
    found: dict[str, int] = {}
    for item_id, count in wanted.items():
        if labels < 1:
            break
        found[item_id] = min(count, labels)
        labels -= found[item_id]
    return found
