"""What a run may spend: everything is foreseen, admitted before it is done, and booked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmal import Budget, Orchestrator, Pool, Task
from llmal.annotators import LLMAnnotator, Router, SimulatedHuman, Stage, Threshold, drawn_texts
from llmal.core.records import SyntheticItem, Usage
from llmal.embed import SentenceEmbedder
from llmal.generators import ClassConditional, FormatAndLength, LabelAgreement, NearDuplicates
from llmal.ledger import Ledger
from llmal.lm import TransformersLM
from llmal.run.events import Event
from llmal.selectors import Entropy, Random, make

ANIMALS = ["cat", "dog", "horse", "cow", "sheep", "goat"]
FOODS = ["bread", "soup", "cheese", "pie", "rice", "salad"]


def _task() -> Task:
    return Task("farm", ["animal", "food"], guidelines="What is it about?")


def _pool(tmp_path: Path) -> Pool:
    rows = [(f"The {a} slept by the {p}.", "animal") for a in ANIMALS for p in ("barn", "river")]
    rows += [(f"My aunt made {f} for {m}.", "food") for f in FOODS for m in ("lunch", "us all")]
    return Pool.from_texts([t for t, _ in rows], [g for _, g in rows], cache=tmp_path / "cache")


def _run(tmp_path: Path, embedder: SentenceEmbedder, **options: Any) -> Orchestrator:
    given: dict[str, Any] = {
        "directory": tmp_path / "run",
        "annotator": SimulatedHuman(),
        "embedder": embedder,
        "start": Random(),
        "selector": Random(),
        "budget": Budget(rounds=2, batch=4),
        **options,
    }
    return Orchestrator(_task(), _pool(tmp_path), **given)


def _both(annotator: LLMAnnotator, sure: float = 0.99) -> Router:
    return Router([Stage(annotator, Threshold(sure)), SimulatedHuman(cost=0.1)])


def _spent(run: Orchestrator) -> dict[str, Usage]:
    with Ledger.open(run.ledger_url) as ledger:
        return ledger.usage()


def _synthetic(run: Orchestrator) -> list[SyntheticItem]:
    with Ledger.open(run.ledger_url) as ledger:
        return ledger.synthetic()


def test_the_form_of_the_prompt_is_not_looked_for_beyond_the_budget(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    before = tiny_hf.usage.requests
    annotator = LLMAnnotator(_task(), tiny_hf)
    needed = annotator.plan_setup().highest.tokens
    steps: list[str] = []
    run = _run(
        tmp_path,
        embedder,
        annotator=annotator,
        budget=Budget(tokens=needed - 1, batch=4),
        callbacks=[lambda event: steps.append(event.message)],
    )
    result = run.run()
    assert result.status == "finished"
    assert "does not reach for finding out which form of prompt suits" in result.reason
    assert result.cost.tokens == 0
    assert tiny_hf.usage.requests == before
    more = _run(tmp_path, embedder, annotator=annotator, budget=Budget(tokens=4 * needed, batch=4))
    result = more.run()
    assert _spent(more)["prompt style"].tokens == needed
    assert needed < result.cost.tokens <= 4 * needed
    assert result.labels


def test_looking_for_the_form_of_the_prompt_is_told(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    steps: list[str] = []

    def note(event: Event) -> None:
        steps.append(f"{event.kind}: {event.message}")

    run = _run(tmp_path, embedder, annotator=LLMAnnotator(_task(), tiny_hf), callbacks=[note])
    before = tiny_hf.usage.requests
    plan = run.plan()
    assert tiny_hf.usage.requests == before
    assert plan.parts["prompt style"] > 0
    run.run()
    assert "step: finding out which form of prompt suits the model" in steps
    assert [one.split(":")[0] for one in steps].index("plan") == 0


def _writer(lm: TransformersLM, **options: Any) -> ClassConditional:
    given = {"structure": "line", "max_words": 12, "max_tokens": 24, "shots": 2, **options}
    return ClassConditional(_task(), lm, **given)


def _judged(lm: TransformersLM, pool: Pool, embedder: SentenceEmbedder) -> list[Any]:
    return [
        FormatAndLength(2, 20),
        NearDuplicates(pool, embedder=embedder, threshold=0.9),
        LabelAgreement(_task(), lm, minimum=0.3, unlabelled=drawn_texts(pool, 0)),
    ]


@pytest.mark.slow
def test_generation_is_in_plan_budget_and_ledger(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    def run(name: str, **limits: Any) -> Orchestrator:
        return _run(
            tmp_path,
            embedder,
            directory=tmp_path / name,
            generator=_writer(tiny_hf),
            filters=_judged(tiny_hf, _pool(tmp_path), embedder),
            generate_per_label=3,
            budget=Budget(batch=4, human_labels=12, **limits),
        )

    whole = run("whole")
    plan = whole.plan()
    result = whole.run()
    written = sum((one.usage for one in _synthetic(whole)), Usage())
    spent = _spent(whole)
    assert spent["class_conditional"].tokens == written.tokens > 0
    setup = LabelAgreement(_task(), tiny_hf).plan_setup()
    assert spent["prompt style"].tokens == setup.highest.tokens
    calibrated = spent["demonstrations and calibration"].tokens
    judge = _judged(tiny_hf, _pool(tmp_path), embedder)[2]
    assert 0 < calibrated <= judge.plan_preparation().highest.tokens
    assert result.cost.tokens <= plan.tokens
    assert plan.parts["class_conditional"] >= written.tokens + calibrated
    # A budget that is too small for it has the judge calibrated with less, again after a kill.
    judge.plan_setup().execute()
    enough = spent["prompt style"].tokens + judge.plan_preparation().highest.tokens - 1
    for _ in range(2):
        short = run("short", tokens=enough)
        assert short.run().cost.tokens <= enough
        with Ledger.open(short.ledger_url) as ledger:
            keys = [one.key for one in ledger.expenses() if one.key.startswith("prepare-")]
        assert keys == ["prepare-label_agreement-2-less"]
    for share in (0.1, 0.7):
        limit = int(result.cost.tokens * share)
        limited = run(f"limited-{share}", tokens=limit)
        end = limited.run()
        assert end.cost.tokens <= limit
        assert f"the budget of {limit:,} tokens" in end.reason
        assert limited.plan().tokens == limit


class _Stop(Exception):
    """Stands for a kill: nothing after it is done."""


@pytest.mark.slow
def test_a_resumed_run_writes_the_same_items_and_pays_for_them_once(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    def run(name: str, **options: Any) -> Orchestrator:
        # At a low temperature the model repeats itself, and the filter has much to remember.
        return _run(
            tmp_path,
            embedder,
            directory=tmp_path / name,
            generator=_writer(tiny_hf, temperature=0.2),
            filters=[NearDuplicates(_pool(tmp_path), embedder=embedder, threshold=0.7)],
            generate_per_label=5,
            **options,
        )

    whole = run("whole")
    wanted = whole.run()
    refused = [one for one in _synthetic(whole) if one.refused_by == "near_duplicates"]
    assert any("syn-" in (one.reason or "") for one in refused)
    for moment in ("round 1: writing 5 items of 'animal'", "round 2: writing 5 items of 'food'"):

        def kill(event: Event, moment: str = moment) -> None:
            if event.message == moment:
                raise _Stop

        name = moment[6:7]
        with pytest.raises(_Stop):
            run(name, callbacks=[kill]).run()
        result = run(name).run()
        again = _synthetic(run(name))
        assert [(o.id, o.accepted, o.reason) for o in again] == [
            (o.id, o.accepted, o.reason) for o in _synthetic(whole)
        ]
        assert result.cost.tokens == wanted.cost.tokens


def test_items_of_an_older_llmal_that_was_killed_before_it_booked_them_are_paid_for(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    def stop(event: Event) -> None:
        if "writing" in event.message:
            raise _Stop

    def run(**options: Any) -> Orchestrator:
        return _run(tmp_path, embedder, generator=_writer(tiny_hf), generate_per_label=1, **options)

    with pytest.raises(_Stop):
        run(callbacks=[stop]).run()
    cost = Usage(requests=1, prompt_tokens=20, completion_tokens=7)
    old = SyntheticItem(
        "syn-1", "A hen sat.", "animal", "class_conditional", usage=cost, provenance={"round": 0}
    )
    with Ledger.open(run().ledger_url) as ledger:
        ledger.add_synthetic([old])
    run().run()
    of_round = [one for one in _synthetic(run()) if one.provenance["round"] == 0]
    assert [one.label for one in of_round] == ["animal", "food"]
    total = sum((one.usage for one in _synthetic(run())), Usage())
    assert _spent(run())["class_conditional"].tokens == total.tokens


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "zero-shot": {},
    "shots": {"shots": 3, "calibrate": "batch"},
    "labels": {"shots": 2, "demonstrations": "allsh", "calibrate": "temperature"},
    "similar": {"shots": 2, "demonstrations": "similar", "style": "completion"},
    "first": {"normalise": "first", "rationale": True, "style": "completion"},
}


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["model", "labels"])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_no_run_spends_more_than_was_foreseen_or_than_its_budget(
    name: str,
    objective: str,
    tmp_path: Path,
    embedder: SentenceEmbedder,
    tiny_lm_path: Path,
) -> None:
    from llmal.core.records import Price

    lm = TransformersLM(tiny_lm_path, device="cpu", price=Price(prompt=1000.0, completion=3000.0))
    options = CONFIGURATIONS[name]

    def run(directory: str, **limits: Any) -> Orchestrator:
        annotator = LLMAnnotator(_task(), lm, embedder=embedder, **options)
        return _run(
            tmp_path,
            embedder,
            directory=tmp_path / directory,
            annotator=_both(annotator),
            objective=objective,
            guarantee="off",
            budget=Budget(rounds=2, batch=4, **limits),
        )

    free = run("free")
    plan, result = free.plan(), free.run()
    assert result.cost.tokens <= plan.tokens
    assert result.cost.requests <= plan.requests
    assert result.cost.money <= plan.money + 1e-9
    assert result.cost.human_labels <= plan.human_labels
    assert plan.tokens < 4 * result.cost.tokens
    for limits in (
        {"tokens": result.cost.tokens // 3},
        {"money": result.cost.money / 2, "human_labels": 8},
    ):
        limited = run(str(limits), **limits)
        foreseen, spent = limited.plan(), limited.run().cost
        assert spent.tokens <= min(foreseen.tokens, limits.get("tokens", foreseen.tokens))
        assert spent.money <= foreseen.money + 1e-9
        assert spent.human_labels <= foreseen.human_labels <= limits.get("human_labels", 99)
        assert spent.requests <= foreseen.requests
        assert foreseen.money <= foreseen.tokens * 3000 / 1e6 + 0.1 * foreseen.human_labels + 1e-9
        assert foreseen.money <= limits.get("money", foreseen.money)


def test_what_selectors_ask_is_foreseen_without_asking(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_lm_path: Path
) -> None:
    lm = TransformersLM(tiny_lm_path, device="cpu")
    run = _run(tmp_path, embedder, lm=lm, selector=Entropy(of="lm"))
    plan = run.plan()
    assert lm.usage.requests == 0
    result = run.run()
    assert {"prompt style", "selection"} <= set(plan.parts)
    assert result.cost.tokens <= plan.tokens


def test_selectors_know_what_people_take_for_a_label(
    tmp_path: Path, embedder: SentenceEmbedder
) -> None:
    selector = make("cost_aware", selector="entropy")
    run = _run(tmp_path, embedder, annotator=SimulatedHuman(cost=0.25), selector=selector)
    result = run.run()
    assert "at a cost of 0.25" in result.rounds[1].why[0]


def test_a_model_goes_back_without_the_cache_of_the_run(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_lm_path: Path
) -> None:
    lm = TransformersLM(tiny_lm_path, device="cpu")
    run = _run(tmp_path, embedder, annotator=LLMAnnotator(_task(), lm, style="completion"))
    run.run()
    asked = lm.usage.requests
    assert lm.cache is None
    assert (tmp_path / "run" / "responses.sqlite").is_file()
    (tmp_path / "run" / "ledger.sqlite").unlink()
    run.run()
    assert lm.usage.requests == asked
