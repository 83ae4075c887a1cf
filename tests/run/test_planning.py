"""What a run will cost at most, worked out by hand on small pools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmal.annotators import LLMAnnotator, Recorded, Router, SimulatedHuman
from llmal.core.records import Price
from llmal.errors import DataError
from llmal.lm.counting import CountingLM
from llmal.lm.questions import questions_work
from llmal.lm.transformers import in_process_work
from llmal.pool import Pool
from llmal.run.budget import Budget
from llmal.run.plan import RunPlan
from llmal.run.planning import forecast
from llmal.task import Task

LABELS = ["Number", "Person"]


def _pool(folder: Path, size: int = 100) -> Pool:
    texts = [f"how many {'very ' * (n % 7)}long words {n} ?" for n in range(size)]
    return Pool.from_texts(texts, [LABELS[n % 2] for n in range(size)], cache=folder)


def _human(**more: Any) -> SimulatedHuman:
    return SimulatedHuman(labels=LABELS, **more)


def _recorded() -> Recorded:
    return Recorded("answer", labels=LABELS)


def _plan(
    pool: Pool, *annotators: Any, objective: str = "model", start_items: int = 20, **limits: Any
) -> RunPlan:
    return forecast(
        Task("t", LABELS),
        pool,
        Router(annotators),
        Budget(**limits),
        objective=objective,
        start_items=start_items,
    )


def test_a_start_and_some_rounds_of_a_paid_person(tmp_path: Path):
    plan = _plan(_pool(tmp_path), _human(cost=0.25), rounds=3, batch=10, start_items=12)
    assert (plan.items, plan.human_labels, plan.money) == (42, 42, 10.5)
    assert (plan.requests, plan.tokens, plan.limited_by) == (0, 0, ())
    assert plan.summary() == (
        "at most 42 items are picked; people give at most 42 labels; it costs at most 10.50"
    )


def test_no_more_than_the_pool_can_be_asked(tmp_path: Path):
    plan = _plan(_pool(tmp_path), _human(cost=0.25), rounds=30, batch=10)
    assert (plan.items, plan.human_labels, plan.money) == (100, 100, 25.0)
    assert _plan(_pool(tmp_path), _human()).items == 100


def test_labels_of_people_hold_a_run_down(tmp_path: Path):
    plan = _plan(_pool(tmp_path), _human(cost=0.5), human_labels=30, batch=10)
    assert (plan.items, plan.human_labels, plan.money) == (30, 30, 15.0)
    # What is said of the time before the limits is not held down by them.
    assert (plan.spenders[0].human_labels, plan.spenders[0].money) == (100, 50.0)
    assert plan.limited_by == ("the budget of 30 human labels",)


def test_recorded_answers_cost_nothing(tmp_path: Path):
    plan = _plan(_pool(tmp_path), _recorded(), rounds=2, batch=10)
    assert (plan.items, plan.human_labels, plan.money, plan.tokens) == (40, 0, 0.0, 0)
    assert plan.summary() == "at most 40 items are picked; it costs no money"


def test_every_answer_may_be_passed_on(tmp_path: Path):
    plan = _plan(_pool(tmp_path), _recorded(), _human(cost=2.0), rounds=2, batch=10)
    assert (plan.items, plan.human_labels, plan.money) == (40, 40, 80.0)


def test_people_behind_another_annotator_give_no_more_than_their_budget(tmp_path: Path):
    pair = (_recorded(), _human(cost=2.0))
    plan = _plan(_pool(tmp_path), *pair, rounds=2, batch=10, human_labels=15)
    assert (plan.items, plan.human_labels, plan.money) == (40, 15, 30.0)
    assert plan.limited_by == ("the budget of 15 human labels",)


def test_two_people_share_one_budget(tmp_path: Path):
    pair = (_human(cost=1.0), _human(cost=1.0, name="second"))
    plan = _plan(_pool(tmp_path), *pair, human_labels=25, batch=10)
    assert plan.human_labels == 25
    assert plan.limited_by == ("the budget of 25 human labels",)


def test_to_finish_the_pool_only_people_go_by_rounds(tmp_path: Path):
    pair = (_recorded(), _human(cost=1.0))
    plan = _plan(_pool(tmp_path), *pair, objective="labels", rounds=2, batch=10)
    assert (plan.items, plan.human_labels, plan.money) == (100, 40, 40.0)


def test_money_holds_a_run_down(tmp_path: Path):
    plan = _plan(_pool(tmp_path), _human(cost=0.5), money=7.5)
    assert (plan.money, plan.human_labels) == (7.5, 15)
    assert plan.limited_by == ("the budget of 7.5 money",)
    assert plan.summary() == (
        "at most 35 items are picked; people give at most 15 labels; it costs at most 7.50; held "
        "down by the budget of 7.5 money"
    )


def test_a_limit_is_never_written_lower_than_it_is(tmp_path: Path):
    plan = _plan(_pool(tmp_path, 3), _human(cost=0.001))
    assert plan.summary().endswith("it costs at most 0.01")


def test_an_empty_pool_has_no_plan(tmp_path: Path):
    pool = _pool(tmp_path)[:0]
    with pytest.raises(DataError, match="the pool is empty"):
        _plan(pool, _human())


def test_a_large_pool_is_sampled_and_says_so(tmp_path: Path):
    plan = _plan(_pool(tmp_path, 2500), _human(cost=1.0))
    assert (plan.items, plan.human_labels, plan.money) == (2500, 2500, 2500.0)
    assert (plan.counted, plan.estimated) == (2000, True)
    assert "about 2500.00" in plan.summary()
    assert not _plan(_pool(tmp_path, 2000), _human()).estimated


def test_a_plan_is_plain_data(tmp_path: Path):
    plan = _plan(_pool(tmp_path), _human(cost=0.5), human_labels=30, batch=10)
    plain = plan.as_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["limited_by"] == ["the budget of 30 human labels"]


def _llm(path: Path, **more: Any) -> LLMAnnotator:
    lm = CountingLM(path, price=Price(prompt=1e6, completion=0.0))
    return LLMAnnotator(Task("t", LABELS), lm, style="completion", **more)


def test_tokens_of_a_language_model_are_those_of_its_longest_prompts(
    tmp_path: Path, tiny_lm_path: Path
):
    annotator, pool = _llm(tiny_lm_path, calibrate=None), _pool(tmp_path)
    plan = _plan(pool, annotator, rounds=1, batch=10, start_items=10)
    built = [one.prompt for one in annotator.build(list(pool))]
    one_by_one = [annotator.lm.score_cost([p], annotator.prompts.candidates) for p in built]
    dearest = sorted(cost.tokens for cost in one_by_one)[-20:]
    assert plan.requests == 20 * one_by_one[0].requests
    assert plan.tokens == sum(dearest)
    assert not plan.estimated
    assert plan.money == sum(sorted(cost.prompt_tokens for cost in one_by_one)[-20:])
    assert plan.candidates == (" Number", " Person")
    assert plan.prompt is not None
    assert plan.prompt.endswith("Label:")
    assert any(item.text in plan.prompt for item in pool)


def test_the_default_calibration_is_planned_once(tmp_path: Path, tiny_lm_path: Path):
    pool = _pool(tmp_path)

    def planned(**more: Any) -> int:
        return _plan(pool, _llm(tiny_lm_path, **more), _human(), rounds=3, batch=10).requests

    off = planned(calibrate=None)
    assert planned() == off + 64
    # Other demonstrations in each of four rounds.
    assert planned(shots=2) == off + 4 * 64


def test_demonstrations_are_counted_before_there_are_any(tmp_path: Path, tiny_lm_path: Path):
    pool = _pool(tmp_path)
    bare = _plan(pool, _llm(tiny_lm_path), _human(), rounds=3)
    shots = _plan(pool, _llm(tiny_lm_path, shots=4), _human(), rounds=3)
    assert shots.tokens > 1.5 * bare.tokens
    assert shots.prompt is not None
    assert shots.prompt.count("Label:") == 5
    assert shots.estimated
    # Without people nobody gives labels that could be shown.
    alone = _plan(pool, _llm(tiny_lm_path, shots=4), rounds=3)
    assert alone.tokens == bare.tokens


def test_the_figures_of_a_limited_plan_fit_each_other(tmp_path: Path, tiny_lm_path: Path):
    pool = _pool(tmp_path)
    annotator = _llm(tiny_lm_path)  # a million a million tokens: one for each
    free = _plan(pool, annotator, _human(cost=0.5))
    plan = _plan(pool, annotator, _human(cost=0.5), tokens=1000, human_labels=20)
    assert plan.tokens == 1000
    assert plan.money == 1000 + 10.0
    assert plan.requests <= free.requests / 2
    assert plan.items < free.items
    poor = _plan(pool, annotator, _human(cost=0.5), money=300.0)
    assert poor.money == 300.0
    assert poor.human_labels == 100
    assert poor.limited_by == ("the budget of 300 money",)


def test_a_model_in_process_takes_fewer_passes_than_a_server(tmp_path: Path, tiny_lm_path: Path):
    task = Task("t", ["a number of things", "a number of people", "a person of rank", "a place"])
    plans = []
    for work in (in_process_work, questions_work):
        lm = CountingLM(tiny_lm_path, work=work)
        annotator = LLMAnnotator(task, lm, style="completion", calibrate=None)
        router = Router([annotator])
        plans.append(
            forecast(
                task, _pool(tmp_path), router, Budget(rounds=1), objective="model", start_items=20
            )
        )
    assert plans[0].requests == 2 * 40
    assert plans[0].tokens < plans[1].tokens / 2


def test_tokens_hold_a_run_down(tmp_path: Path, tiny_lm_path: Path):
    plan = _plan(_pool(tmp_path), _llm(tiny_lm_path), tokens=500)
    assert plan.tokens == 500
    assert plan.limited_by == ("the budget of 500 tokens",)
