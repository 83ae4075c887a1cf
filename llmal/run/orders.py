"""What the stages of a campaign have still to answer in a round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmal.annotators.outside import Outside
from llmal.annotators.protocol import Annotator
from llmal.annotators.router import Router, Stage
from llmal.errors import ConfigError
from llmal.ledger import Ledger, Round
from llmal.run.items import RunItems
from llmal.run.phases import Asked, Phase
from llmal.run.purposes import seen_labels
from llmal.run.purse import Purse
from llmal.run.work_order import WorkOrder

_KINDS: dict[Asked, tuple[bool, ...]] = {
    "everybody": (True, False),
    "people": (True,),
    "machines": (False,),
}


def stages_of(router: Router, asked: Asked) -> list[int]:
    """Numbers of the stages of a router that are people, that are none, or all."""
    people = [stage.annotator.kind == "human" for stage in router.stages]
    return [number for number, human in enumerate(people) if human in _KINDS[asked]]


def router_of(annotator: Annotator | Router | None) -> Router:
    """The router of those who answer; people outside, if nobody is given."""
    if isinstance(annotator, Router):
        return annotator
    return Router([Stage(Outside() if annotator is None else annotator)])


class Orders:
    """Makes work orders of what the ledger lacks.

    Args:
        items: The items of the campaign.
        router: Who answers.
        phases: The phases of the campaign.
    """

    def __init__(self, items: RunItems, router: Router, phases: Sequence[Phase]) -> None:
        self._items = items
        self._router = router
        self._phases = phases
        self._picked: dict[int, frozenset[str]] = {}
        self._forgone: set[tuple[int, str]] = set()

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

    def forgo(self, order: WorkOrder) -> None:
        """Give out no more of an order, until all are forgiven."""
        self._forgone.add((order.round, order.stage))

    def forgive(self) -> None:
        """Give out again what was forgone."""
        self._forgone.clear()

    def open(self, ledger: Ledger, purse: Purse, current: Round) -> Iterator[WorkOrder]:
        """What is left of a round, stage by stage; an item that one defers goes to the next.

        Of people no more labels are asked for than the budget has left.
        """
        phase = self.phase_of(current)
        left: Sequence[str] = current.item_ids or self._swept_items(ledger, current.number)
        why = dict(zip(current.item_ids, current.why, strict=True))
        reserved = 0
        stages = stages_of(self._router, phase.asks)
        for number in stages:
            annotator = self._router.stages[number].annotator
            answered = ledger.annotated(annotator.name, current.number)
            todo = [i for i in left if i not in answered]
            if annotator.kind == "human":
                todo = todo[: purse.human_labels(len(todo) + reserved) - reserved]
                reserved += len(todo)
            if todo and (current.number, annotator.name) not in self._forgone:
                yield WorkOrder(
                    items=self._items.pool[self._items.pool.positions(todo)],
                    phase=phase.names[0],
                    round=current.number,
                    purpose=phase.purpose,
                    stage=annotator.name,
                    wanted=1,
                    why=[why.get(i, "the whole pool is gone over") for i in todo],
                    answered=len(answered.intersection(left)),
                )
            if number == stages[-1]:
                return
            # An item that is still waited for is not passed on.
            deferred = ledger.deferred(annotator.name, current.number)
            left = [i for i in left if i in deferred]
            if not left:
                return

    def _swept_items(self, ledger: Ledger, number: int) -> list[str]:
        """The items that a sweep goes over: those that no person has labelled before it."""
        labels = self._items.with_copies(seen_labels(ledger, before_round=number))
        by_people = {i for i, label in labels.items() if label.kind == "human"}
        return [i for i in self._items.distinct.ids() if i not in by_people]
