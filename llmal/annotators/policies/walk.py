"""Items on their way through machines, as a routing policy sends them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from llmal.annotators.policies.protocol import Ask, Machine, People, RoutingPolicy, Stands
from llmal.core.records import Annotation


class Walk:
    """Holds in memory what has been said of some items; for a batch, not for a pool.

    Args:
        policy: Says who is asked next.
        machines: In the order of the router.
        item_ids: The items.
    """

    def __init__(
        self, policy: RoutingPolicy, machines: Sequence[Machine], item_ids: Iterable[str]
    ) -> None:
        self._policy = policy
        self._machines = machines
        self._said: dict[str, dict[int, Annotation]] = {one: {} for one in item_ids}
        self._open = [*self._said]
        self._asked: set[tuple[int, str]] = set()
        self._stands: dict[str, int] = {}
        self.people: list[str] = []
        """Items that go to people."""

    def next(self) -> dict[int, list[str]]:
        """The items that are to be asked about now, by the place of the machine; none at the end.

        What was asked before and not answered is waited for, and asked no more.
        """
        routes = self._policy.route([self._said[one] for one in self._open], self._machines)
        asked: dict[int, list[str]] = {}
        for item_id, route in zip(self._open, routes, strict=True):
            match route:
                case Ask(place) if (place, item_id) not in self._asked:
                    asked.setdefault(place, []).append(item_id)
                    self._asked.add((place, item_id))
                case Stands(place):
                    self._stands[item_id] = place
                case People():
                    self.people.append(item_id)
        self._open = [item_id for ids in asked.values() for item_id in ids]
        return dict(sorted(asked.items()))

    def take(self, place: int, annotations: Iterable[Annotation]) -> None:
        """Answers of a machine that was asked."""
        for one in annotations:
            self._said[one.item_id][place] = one

    def decided(self, place: int, annotation: Annotation) -> Annotation:
        """An answer, accepted if it is the one that stands, else deferred."""
        stands = self._stands.get(annotation.item_id) == place
        return replace(annotation, decision="accepted" if stands else "deferred")
