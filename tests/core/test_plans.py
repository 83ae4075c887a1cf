"""Plans put together: what they cost at most, and when what is done."""

from __future__ import annotations

from llmal.core.plans import BatchPlan, Plan, dearest, dearest_each, free
from llmal.core.records import Usage


def _batch(costs: list[int], done: list[int]) -> BatchPlan[int]:
    def execute() -> int:
        done.extend(costs)
        return sum(costs)

    return BatchPlan(
        execute,
        each=lambda: [Usage(requests=1, prompt_tokens=one) for one in costs],
        first=lambda count: _batch(costs[:count], done),
        once=lambda: Usage(prompt_tokens=100),
    )


def test_a_part_of_a_batch_costs_its_items_and_what_comes_once() -> None:
    done: list[int] = []
    plan = _batch([3, 4, 5], done)
    assert plan.highest == Usage(requests=3, prompt_tokens=112)
    assert plan.first(2).highest == Usage(requests=2, prompt_tokens=107)
    assert not done
    assert plan.first(2).execute() == 7
    assert done == [3, 4]


def test_what_follows_is_planned_when_it_is_reached_and_counted_at_its_highest() -> None:
    planned: list[str] = []

    def follow(found: str) -> Plan[str]:
        planned.append(found)
        return Plan(lambda: found.upper(), highest=Usage(requests=1))

    first = Plan(lambda: "found", highest=Usage(requests=2), prompts=lambda: ["a"])
    both = first.then(follow, at_most=Plan(lambda: "", highest=Usage(requests=5)))
    assert both.highest == Usage(requests=7)
    assert list(both.prompts) == ["a"]
    assert not planned
    assert both.map(len).execute() == 5
    assert planned == ["found"]
    assert free("known").highest == Usage()


def test_of_several_plans_the_dearest_counts_figure_by_figure() -> None:
    one, other = Usage(requests=1, prompt_tokens=9), Usage(requests=2, prompt_tokens=3)
    assert dearest([one, other]) == Usage(requests=2, prompt_tokens=9)
    plans = [_batch([3, 9], []), _batch([4, 2], [])]
    assert [cost.prompt_tokens for cost in dearest_each(plans)] == [4, 9]
