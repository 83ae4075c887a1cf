"""Where the items of a round go next, as a routing policy says of the answers in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import islice

from llmal.annotators.policies import (
    Answers,
    Ask,
    FittedPolicy,
    People,
    PilotItem,
    RoutingPolicy,
    Stands,
)
from llmal.annotators.protocol import Priced
from llmal.annotators.router import Router
from llmal.core.records import Annotation, Outcome
from llmal.ledger import Ledger, Round
from llmal.pool import Pool
from llmal.run.purposes import seen_labels

RULE = "routing"
"""What lets a machine's answer stand where there is a routing policy, in decisions; and what events
are called that say what it has fitted."""

_AT_ONCE = 1024


@dataclass(frozen=True)
class Sent:
    """Where items go.

    Attributes:
        to_machines: Items that a machine is to be asked about, by the number of its stage, of all.
        to_people: Items that people are to be asked about.
    """

    to_machines: dict[int, list[str]]
    to_people: list[str]


class Routing:
    """Has the policy of a router decide about the items of a round.

    An answer is recorded as deferred, and accepted by a later decision once all is known that the
    policy decides by. So it makes no difference in what order answers are told.

    Args:
        router: With a policy.
        policy: Of the router.
        pool: The items.
    """

    def __init__(self, router: Router, policy: RoutingPolicy, pool: Pool) -> None:
        self._policy = policy
        self._pool = pool
        self._machines = router.machines
        people = [one.annotator for one in router.stages if one.annotator.kind == "human"]
        self._cost = max((one.cost for one in people if isinstance(one, Priced)), default=0.0)
        self._fitted: RoutingPolicy | None = None

    def send(self, ledger: Ledger, current: Round, item_ids: Sequence[str]) -> Sent:
        """Where items go next. What stands is recorded.

        Args:
            ledger: Of the campaign.
            current: The round.
            item_ids: All items that the round asks about.
        """
        answered = [ledger.annotated(one.name, current.number) for one in self._machines]
        pilot = self._pilot(ledger, current)
        lacking = {
            place: [i for i in pilot if i not in done] for place, done in enumerate(answered)
        }
        if any(lacking.values()):
            return Sent(lacking, [])
        policy = self._policy_for(ledger, current, pilot)
        return self._send(ledger, current.number, item_ids, policy, answered)

    def _send(
        self,
        ledger: Ledger,
        number: int,
        item_ids: Sequence[str],
        policy: RoutingPolicy,
        answered: Sequence[Set[str]],
    ) -> Sent:
        sent = Sent({place: [] for place in range(len(self._machines))}, [])
        names = [one.name for one in self._machines]
        deferred = [ledger.deferred(name, number) for name in names]
        settled: set[str] = set()
        for done, left in zip(answered, deferred, strict=True):
            settled |= done - left
        some = set[str]().union(*answered)
        # Nothing has to be read of those that nobody has answered: they all go the same way.
        [first] = policy.route([{}], self._machines)
        for part in _parts(i for i in item_ids if i not in settled):
            given = _of_round(ledger, number, [i for i in part if i in some], names)
            begun = [i for i in part if i in some]
            routes = iter(policy.route([given[i] for i in begun], self._machines))
            outcomes: list[tuple[Annotation, Outcome]] = []
            for item_id in part:
                match next(routes) if item_id in some else first:
                    case Stands(place):
                        outcomes.append((given[item_id][place], "accepted"))
                    # What was said of an earlier version of the task may count no more.
                    case Ask(place) if item_id not in answered[place]:
                        sent.to_machines[place].append(item_id)
                    case Ask() | People():
                        sent.to_people.append(item_id)
            ledger.decide(RULE, outcomes, round=number)
        return sent

    def _pilot(self, ledger: Ledger, current: Round) -> list[str]:
        """Items that people have labelled, which all machines answer before anything is fitted."""
        if not isinstance(self._policy, FittedPolicy) or current.item_ids:
            return []
        if self._fitted is not None or self._fit_of(ledger) is not None:
            return []
        labels = seen_labels(ledger, before_round=current.number)
        picked = [i for one in ledger.rounds()[: current.number] for i in one.item_ids]
        by_people = [i for i in dict.fromkeys(picked) if i in labels and labels[i].kind == "human"]
        return self._pool.held(by_people)

    def _policy_for(self, ledger: Ledger, current: Round, pilot: Sequence[str]) -> RoutingPolicy:
        """The policy as it was fitted; it is fitted now if the pilot is there."""
        policy = self._policy
        if not isinstance(policy, FittedPolicy):
            return policy
        if pilot and self._fit_of(ledger) is None:
            labels = seen_labels(ledger, before_round=current.number)
            names = [one.name for one in self._machines]
            items = [
                PilotItem(labels[i].label, said, self._cost)
                for part in _parts(pilot)
                for i, said in _of_round(ledger, current.number, part, names).items()
            ]
            fit = policy.fit(items, self._machines)
            ledger.event(
                RULE,
                f"the routing was fitted to {len(items)} items that people have labelled",
                {"fit": fit, "round": current.number, "items": len(items)},
            )
        if self._fitted is None and (fit_of := self._fit_of(ledger)) is not None:
            self._fitted = policy.fitted(fit_of)
        return self._fitted or policy

    def _fit_of(self, ledger: Ledger) -> dict[str, object] | None:
        """What was fitted, if anything: the first counts, should there be several."""
        for one in ledger.events():
            if one.kind == RULE and "fit" in one.data:
                return dict(one.data["fit"])
        return None


def _of_round(
    ledger: Ledger, number: int, item_ids: Sequence[str], names: Sequence[str]
) -> dict[str, Answers]:
    """What machines have said of items in a round, by item and by the place of the machine."""
    places = {name: place for place, name in enumerate(names)}
    found: dict[str, dict[int, Annotation]] = {i: {} for i in item_ids}
    for item_id, answers in ledger.annotations_of(item_ids).items():
        for one in ledger.present(answers):
            place = places.get(one.stage or one.annotator)
            if place is not None and one.round == number:
                found[item_id][place] = one
    return {i: dict(sorted(said.items())) for i, said in found.items()}


def _parts(item_ids: Iterable[str]) -> Iterator[list[str]]:
    left = iter(item_ids)
    while part := list(islice(left, _AT_ONCE)):
        yield part
