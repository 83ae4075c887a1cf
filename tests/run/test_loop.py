"""The loop: what it asks, records and learns, and how it ends."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from llmal import Budget, Orchestrator, Pool, Task, WorkOrder
from llmal.annotators import (
    Context,
    HumanQueue,
    LLMAnnotator,
    Recorded,
    Router,
    SimulatedHuman,
    Stage,
    Threshold,
)
from llmal.annotators.protocol import plan_at
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, Item, Usage
from llmal.embed import SentenceEmbedder
from llmal.errors import BudgetError, ConfigError, DataError, LedgerError
from llmal.generators import ClassConditional, FormatAndLength, NearDuplicates
from llmal.ledger import Ledger
from llmal.lm import TransformersLM
from llmal.run.events import Event
from llmal.selectors import Margin, Random, TypiClust
from llmal.stopping import AgreementSettled, Plateau

ANIMALS = ["cat", "dog", "horse", "cow", "sheep", "goat", "hen", "duck", "owl", "frog"]
PLACES = ["barn", "field", "river", "hill", "wood", "yard", "road", "bridge"]
FOODS = ["bread", "soup", "cheese", "pie", "rice", "salad", "stew", "cake", "fish", "beans"]
COOKS = ["aunt", "neighbour", "cook", "baker", "sister", "father", "friend", "guest"]


def _task() -> Task:
    return Task(name="farm", labels=["animal", "food"], guidelines="What is it about?")


def _rows() -> list[tuple[str, str]]:
    rows = [(f"The {a} slept by the {p}.", "animal") for a in ANIMALS for p in PLACES]
    return rows + [(f"My {c} made {f} for lunch.", "food") for f in FOODS for c in COOKS]


def _pool(cache: Path, part: slice = slice(0, None, 2)) -> Pool:
    rows = _rows()[part]
    return Pool.from_texts([t for t, _ in rows], [g for _, g in rows], cache=cache)


def _test_set(cache: Path) -> Pool:
    return _pool(cache, slice(1, None, 4))


def _run(tmp_path: Path, embedder: SentenceEmbedder, **options: object) -> Orchestrator:
    given: dict = {
        "test": _test_set(tmp_path / "cache"),
        "directory": tmp_path / "run",
        "annotator": SimulatedHuman(),
        "embedder": embedder,
        "budget": Budget(human_labels=24, batch=8),
        "seed": 1,
        **options,
    }
    return Orchestrator(_task(), _pool(tmp_path / "cache"), **given)


def _picks(run: Orchestrator) -> list[tuple[str, ...]]:
    with Ledger.open(run.ledger_url) as ledger:
        return [one.item_ids for one in ledger.rounds()]


def test_model_objective_spends_the_budget(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    result = _run(tmp_path, embedder).run()
    assert result.status == "finished"
    assert result.reason == "the budget of 24 human labels is spent"
    assert result.cost.human_labels == 24
    assert len(result.annotations) == len(result.labels) == 24
    picked = [i for one in result.rounds for i in one.item_ids]
    assert len(set(picked)) == len(picked) == 24
    assert [one.phase for one in result.rounds] == ["start", "query", "query"]
    assert [one.metrics["labelled"] for one in result.rounds] == [8, 16, 24]
    assert result.accuracy == result.rounds[-1].metrics["accuracy"]
    assert result.accuracy > 0.9
    assert (tmp_path / "run" / "learner").is_dir()
    assert (tmp_path / "run" / "picks" / "round-002.json").is_file()


def test_the_task_is_kept_with_its_answers(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    run = _run(tmp_path, embedder)
    result = run.run()
    with Ledger.open(run.ledger_url) as ledger:
        [version] = ledger.task_versions()
    assert (version.version, version.task) == (1, _task().as_dict())
    assert {one.task_version for one in result.annotations} == {1}


def test_same_seed_same_picks(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    runs = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run = _run(tmp_path, embedder, directory=tmp_path / name, seed=seed, start=Random())
        run.run()
        runs.append(_picks(run))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_run_again_asks_nobody(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    first = _run(tmp_path, embedder).run()
    again = _run(tmp_path, embedder).run()
    assert again.status == "finished"
    assert again.annotations == first.annotations
    assert again.accuracy == first.accuracy


def test_a_larger_budget_goes_on(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    first = _run(tmp_path, embedder).run()
    more = _run(tmp_path, embedder, budget=Budget(human_labels=32, batch=8)).run()
    assert more.annotations[:24] == first.annotations
    assert more.cost.human_labels == 32


def test_one_interrupt_ends_after_the_batch_and_run_goes_on(
    tmp_path: Path, embedder: SentenceEmbedder
) -> None:
    whole = _run(tmp_path, embedder, directory=tmp_path / "whole")
    whole.run()
    sent: list[str] = []

    def interrupt(event: Event) -> None:
        if event.kind == "progress" and "human" in event.message and not sent:
            sent.append(event.message)
            os.kill(os.getpid(), signal.SIGINT)

    result = _run(tmp_path, embedder, callbacks=[interrupt]).run()
    assert result.status == "interrupted"
    assert len(result.annotations) == 8
    assert result.rounds[-1].finished is None
    finished = _run(tmp_path, embedder).run()
    assert finished.status == "finished"
    assert _picks(whole) == [one.item_ids for one in finished.rounds]


def test_a_second_interrupt_ends_at_once(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    def interrupt(event: Event) -> None:
        if event.kind == "round_started":
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path, embedder, callbacks=[interrupt]).run()
    assert signal.getsignal(signal.SIGINT) is before
    assert _run(tmp_path, embedder).run().status == "finished"


def test_people_in_a_file(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    def run() -> Orchestrator:
        return _run(
            tmp_path,
            embedder,
            annotator=HumanQueue(_task()),
            budget=Budget(human_labels=16, batch=8),
        )

    result = run().run()
    assert result.status == "waiting"
    assert result.reason == (
        f"8 labels by people are wanted in {tmp_path / 'run' / 'to_label.csv'}: write animal or "
        'food into the column "label" (? skips an item), save, and run again; guidelines: What is '
        "it about?"
    )
    file = tmp_path / "run" / "to_label.csv"
    gold = dict(zip(run().pool.ids(), run().pool.gold(), strict=True))
    lines = file.read_text().splitlines()
    assert len(lines) == 9
    # Half of them first, one wrong.
    filled = [lines[0]]
    for number, line in enumerate(lines[1:]):
        item, text, *_ = line.split(",")
        label = gold[item] if number < 3 else "animla" if number == 3 else ""
        filled.append(f"{item},{text},{label},")
    file.write_text("\n".join(filled) + "\n")
    warnings: list[str] = []
    waiting = run()
    waiting.campaign.announcer.callbacks.append(
        lambda e: warnings.append(e.message) if e.kind == "warning" else None
    )
    result = waiting.run()
    assert result.status == "waiting"
    assert "5 labels by people are wanted" in result.reason
    assert len(result.annotations) == 3
    assert any("line 5, column label: 'animla' is not a label" in one for one in warnings)
    # The file now holds the other five, with what was typed.
    lines = file.read_text().splitlines()
    assert len(lines) == 6
    assert ",animla," in lines[1]
    for _ in range(2):
        rows = [line.split(",")[:2] for line in file.read_text().splitlines()[1:]]
        file.write_text("id,text,label,note\n" + "".join(f"{i},{t},{gold[i]},\n" for i, t in rows))
        result = run().run()
    assert result.status == "finished"
    assert result.cost.human_labels == 16
    assert all(gold[i] == one.label for i, one in result.labels.items())
    assert not file.exists()


def _with_column(tmp_path: Path) -> Pool:
    """A machine that is sure and right on food, unsure and often wrong on animals."""
    rows = [
        {
            "text": text,
            "label": gold,
            "guess": "food",
            "sure": 0.97 if gold == "food" else 0.6,
        }
        for text, gold in _rows()[::2]
    ]
    import datasets

    return Pool.from_dataset(
        datasets.Dataset.from_list(rows), gold="label", cache=tmp_path / "cache"
    )


def test_labels_objective_finishes_the_pool(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    pool = _with_column(tmp_path)
    task = _task()
    router = Router(
        [
            Stage(Recorded("guess", labels=task.names, confidence="sure"), Threshold(0.9)),
            SimulatedHuman(),
        ]
    )
    result = Orchestrator(
        task,
        pool,
        directory=tmp_path / "run",
        annotator=router,
        embedder=embedder,
        objective="labels",
        guarantee="off",
        budget=Budget(batch=8),
    ).run()
    assert result.reason == "every item of the pool is labelled"
    assert len(result.labels) == len(pool)
    gold = dict(zip(pool.ids(), pool.gold(), strict=True))
    assert all(one.label == gold[item] for item, one in result.labels.items())
    assert [one.phase for one in result.rounds][:3] == ["start", "sweep", "review"]
    by_people = sum(one.kind == "human" for one in result.labels.values())
    assert by_people == result.cost.human_labels
    animals = sum(label == "animal" for label in gold.values())
    assert animals <= by_people <= animals + 8


def test_labels_objective_leaves_open_what_the_budget_does_not_reach(
    tmp_path: Path, embedder: SentenceEmbedder
) -> None:
    pool = _with_column(tmp_path)
    router = Router(
        [
            Stage(Recorded("guess", labels=_task().names, confidence="sure"), Threshold(0.9)),
            SimulatedHuman(),
        ]
    )
    result = Orchestrator(
        _task(),
        pool,
        directory=tmp_path / "run",
        annotator=router,
        embedder=embedder,
        objective="labels",
        guarantee="off",
        budget=Budget(human_labels=16, batch=8),
    ).run()
    assert result.reason == "the budget of 16 human labels is spent"
    assert result.cost.human_labels == 16
    assert len(result.labels) < len(pool)
    by_machine = [one for one in result.labels.values() if one.kind == "recorded"]
    assert by_machine
    assert all(one.label == "food" for one in by_machine)


def test_labels_objective_without_people(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    pool = _with_column(tmp_path)
    result = Orchestrator(
        _task(),
        pool,
        directory=tmp_path / "run",
        annotator=Recorded("guess", labels=_task().names),
        embedder=embedder,
        objective="labels",
        guarantee="off",
    ).run()
    assert result.status == "finished"
    assert result.reason == "every annotator has been over the pool"
    assert len(result.labels) == len(pool)


def test_money_is_a_hard_limit(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    result = _run(
        tmp_path, embedder, annotator=SimulatedHuman(cost=0.3), budget=Budget(money=4.0, batch=8)
    ).run()
    assert result.cost.money == pytest.approx(3.9)
    assert result.cost.human_labels == 13
    assert result.reason == "the budget of 4 money is spent"


def test_tokens_are_a_hard_limit(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    annotator = LLMAnnotator(_task(), tiny_hf, style="completion", calibrate=None)
    run = _run(tmp_path, embedder, annotator=annotator, budget=Budget(tokens=700, batch=8))
    result = run.run()
    assert result.status == "finished"
    assert result.reason == "the budget of 700 tokens is spent"
    assert 600 < result.cost.tokens <= 700
    assert run.plan().tokens == 700


def test_a_sweep_goes_on_with_a_larger_budget(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    results = []
    # Calibration takes 64 of the 80 texts, which are then labelled for nothing.
    for tokens in (2200, None):
        run = _run(
            tmp_path,
            embedder,
            annotator=LLMAnnotator(_task(), tiny_hf, style="completion", batch_size=32),
            objective="labels",
            guarantee="off",
            budget=Budget(tokens=tokens, batch=8),
        )
        results.append(run.run())
    assert results[0].reason == "the budget of 2,200 tokens is spent"
    assert 0 < len(results[0].labels) < len(run.pool)
    assert results[0].cost.tokens <= 2200
    assert len(results[1].labels) == len(run.pool)
    assert results[1].annotations[: len(results[0].annotations)] == results[0].annotations


def test_a_rule_stops_the_run(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    result = _run(
        tmp_path,
        embedder,
        budget=Budget(batch=8),
        stop=[Plateau(rounds=2, tolerance=0.001), AgreementSettled(rounds=50)],
    ).run()
    assert result.reason.startswith("plateau: accuracy has not risen")
    assert len(result.rounds) < 10


def test_rounds_are_counted_after_the_start(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    result = _run(tmp_path, embedder, budget=Budget(rounds=2, batch=4)).run()
    assert result.reason == "2 rounds are done"
    assert len(result.rounds) == 3


def test_a_pool_that_runs_out(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    rows = _rows()[:10]
    pool = Pool.from_texts([t for t, _ in rows], [g for _, g in rows], cache=tmp_path / "cache")
    result = Orchestrator(
        _task(),
        pool,
        directory=tmp_path / "run",
        annotator=SimulatedHuman(),
        embedder=embedder,
        budget=Budget(batch=4),
    ).run()
    # All ten are animals: one class only, which the learner and the selectors must live with.
    assert result.reason == "every item of the pool is labelled"
    assert len(result.labels) == 10


class _Silent:
    """An annotator that abstains from everything."""

    name = "silent"
    kind = "human"
    batch_size = 100

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        return [Annotation(i.id, None, self.name, "human", round=context.round) for i in items]

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        return plan_at(Usage(), self.annotate, items, context)


def test_abstentions_are_not_asked_again(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    result = _run(
        tmp_path, embedder, annotator=_Silent(), budget=Budget(rounds=3, batch=8), start=Random()
    ).run()
    assert len(result.annotations) == 32
    assert len({one.item_id for one in result.annotations}) == 32
    assert result.labels == {}
    assert result.accuracy is None
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        said = [one.message for one in ledger.events() if one.kind == "warning"]
    assert any("fewer than two labels have been seen" in one for one in said)


def test_synthetic_items_are_marked_and_never_picked(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    run = _run(
        tmp_path,
        embedder,
        budget=Budget(human_labels=16, batch=8),
        generator=ClassConditional(_task(), tiny_hf, structure="line", max_words=20),
        filters=[FormatAndLength(), NearDuplicates(_pool(tmp_path / "cache"))],
        generate_per_label=3,
    )
    result = run.run()
    with Ledger.open(run.ledger_url) as ledger:
        synthetic = ledger.synthetic()
        spent = ledger.usage()
    assert len(synthetic) >= 6
    assert {one.label for one in synthetic} == {"animal", "food"}
    assert {one.provenance["round"] for one in synthetic} == {0, 1}
    assert all(one.accepted or one.reason for one in synthetic)
    accepted = sum(one.accepted for one in synthetic)
    assert result.rounds[-1].metrics["synthetic"] == accepted
    picked = {i for one in result.rounds for i in one.item_ids}
    assert not picked & {one.id for one in synthetic}
    assert spent["class_conditional"].completion_tokens > 0


def test_the_first_synthetic_items_are_written_after_the_labels_of_the_start(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    run = _run(
        tmp_path,
        embedder,
        budget=Budget(rounds=1, batch=8),
        generator=ClassConditional(
            _task(), tiny_hf, structure="line", max_words=20, shots=2, style="completion"
        ),
        generate_per_label=3,
    )
    plan = run.plan()
    result = run.run()
    people = {i for i, label in result.labels.items() if label.kind == "human"}
    by_then = [people & set(result.rounds[0].item_ids), people]
    with Ledger.open(run.ledger_url) as ledger:
        synthetic, spent = ledger.synthetic(), ledger.usage()
    for number, known in enumerate(by_then):
        shown = [
            set(one.provenance["demonstrations"])
            for one in synthetic
            if one.provenance["round"] == number
        ]
        assert shown
        assert all(one and one <= known for one in shown)
    assert spent["class_conditional"].tokens <= plan.parts["class_conditional"]


def test_warnings_become_events(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    def warn(event: Event) -> None:
        if event.kind == "round_started":
            logging.getLogger("llmal.embed").warning("something fell back")

    _run(tmp_path, embedder, callbacks=[warn]).run()
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        said = [one.message for one in ledger.events() if one.kind == "warning"]
    assert said == ["something fell back"]


def test_a_warning_that_is_in_the_ledger_is_not_recorded_again(
    tmp_path: Path, embedder: SentenceEmbedder
) -> None:
    def warn(event: Event) -> None:
        if event.kind in ("round_started", "stopped"):
            logging.getLogger("llmal.embed").warning("something fell back")

    for labels in (8, 16):
        budget = Budget(human_labels=labels, batch=8)
        _run(tmp_path, embedder, callbacks=[warn], budget=budget).run()
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        said = [one.message for one in ledger.events() if one.kind == "warning"]
    assert said == ["something fell back"]


def test_directory_of_another_task(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    _run(tmp_path, embedder).run()
    other = Orchestrator(
        Task(name="other", labels=["animal", "food", "tool"]),
        _pool(tmp_path / "cache"),
        directory=tmp_path / "run",
        annotator=SimulatedHuman(),
        embedder=embedder,
    )
    with pytest.raises(LedgerError, match="task") as caught:
        other.run()
    assert "choose another" in str(caught.value)


def test_two_runs_in_one_directory(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    def run_inside(event: Event) -> None:
        if event.kind == "round_started":
            _run(tmp_path, embedder).run()

    with pytest.raises(LedgerError, match="another process is running here"):
        _run(tmp_path, embedder, callbacks=[run_inside]).run()


def test_parts_that_do_not_fit(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    with pytest.raises(ConfigError, match="start selector margin needs probabilities"):
        _run(tmp_path, embedder, start=Margin())
    unlabelled = Pool.from_texts(["a b", "c d"], cache=tmp_path / "cache")
    with pytest.raises(DataError, match="the test set has no gold column"):
        _run(tmp_path, embedder, test=unlabelled)
    strange = Pool.from_texts(["a b", "c d"], ["animal", "tool"], cache=tmp_path / "cache")
    with pytest.raises(DataError, match="'tool'"):
        _run(tmp_path, embedder, test=strange)
    with pytest.raises(BudgetError, match="smaller than a batch"):
        Budget(human_labels=5, batch=10)


def test_starts_with_typiclust_unless_told(tmp_path: Path, embedder: SentenceEmbedder) -> None:
    assert isinstance(_run(tmp_path, embedder).start, TypiClust)


def _calibrated(lm: TransformersLM, **more: object) -> LLMAnnotator:
    return LLMAnnotator(
        _task(),
        lm,
        shots=2,
        demonstrations="allsh",
        calibrate=["batch", "temperature"],
        style="completion",
        **more,
    )


def test_choosing_and_calibrating_is_paid_for_and_done_again_for_nothing(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_lm_path: Path
) -> None:
    results = []
    for _ in range(2):
        lm = TransformersLM(tiny_lm_path, device="cpu")
        run = _run(
            tmp_path,
            embedder,
            annotator=Router([Stage(_calibrated(lm), Threshold(0.99)), SimulatedHuman()]),
            budget=Budget(human_labels=40, batch=8),
            lm=lm,
        )
        results.append((run.run(), lm.usage.requests))
    (first, asked), (again, asked_again) = results
    assert first.labels == again.labels
    assert first.cost == again.cost
    assert asked > 0
    assert asked_again == 0
    with Ledger.open(run.ledger_url) as ledger:
        spent = ledger.usage()
        machine = list(ledger.annotations(annotator="llm"))
    assert spent["demonstrations and calibration"].tokens > 0
    assert first.cost.tokens == sum(one.tokens for one in spent.values())
    calibrations = {one.round: one.provenance.get("calibration", "") for one in machine}
    # People label in the first round: before that there is nothing to fit a temperature on.
    assert calibrations[0].startswith("Batch#")
    assert calibrations[max(calibrations)].startswith("Batch+Temperature#")


def test_a_budget_of_tokens_holds_calibration_too(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    for tokens in (1500, 6000):
        run = _run(
            tmp_path / str(tokens),
            embedder,
            annotator=Router([Stage(_calibrated(tiny_hf), Threshold(0.99)), SimulatedHuman()]),
            budget=Budget(tokens=tokens, human_labels=24, batch=8),
        )
        result = run.run()
        assert result.cost.tokens <= tokens
        assert result.reason == f"the budget of {tokens:,} tokens is spent"


def test_a_plan_holds_what_calibration_costs(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    plain = LLMAnnotator(_task(), tiny_hf, shots=2, style="completion")
    budget = Budget(human_labels=24, rounds=2, batch=8)
    people = SimulatedHuman()
    tokens = []
    for name, annotator in (("plain", plain), ("calibrated", _calibrated(tiny_hf))):
        run = _run(
            tmp_path / name,
            embedder,
            annotator=Router([Stage(annotator, Threshold(0.99)), people]),
            budget=budget,
        )
        before = tiny_hf.usage.requests
        planned = run.plan().tokens
        assert tiny_hf.usage.requests == before
        assert run.run().cost.tokens <= planned
        tokens.append(planned)
    assert tokens[1] > tokens[0]


def test_texts_that_calibrate_are_asked_about_and_charged_once(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    """Without demonstrations every round asks the same: 64 texts of the pool, and its own picks."""
    budget = Budget(human_labels=24, rounds=2, batch=8)
    annotator = LLMAnnotator(_task(), tiny_hf, style="completion")
    run = _run(
        tmp_path,
        embedder,
        annotator=Router([Stage(annotator, Threshold(1.0)), SimulatedHuman()]),
        budget=budget,
    )
    planned = run.plan()
    result = run.run()
    with Ledger.open(run.ledger_url) as ledger:
        spent = ledger.usage()
        given = list(ledger.annotations(annotator="llm"))
    assert len(given) == 24
    assert spent["demonstrations and calibration"].requests == 64
    free = [one for one in given if one.usage.requests == 0]
    assert 0 < len(free) < 24
    assert spent["llm"].requests == 24 - len(free)
    assert result.cost.requests <= planned.requests == 64 + 24
    # An item of the sample costs nothing, whatever it is asked with.
    asked = run.pool[run.pool.positions([free[0].item_id])]
    order = WorkOrder(asked, "query", free[0].round or 0, "train", "llm", 1, [""])
    with Ledger.open(run.ledger_url) as ledger:
        context = run._contexts.of(ledger, order)
    (again,) = annotator.annotate([*asked], context)
    assert again.probabilities == pytest.approx(free[0].probabilities, abs=1e-4)
    assert again.usage.requests == 0


def test_a_run_says_whether_calibration_helps(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
) -> None:
    told: list[Event] = []

    def run(**more: object) -> Orchestrator:
        annotator = LLMAnnotator(_task(), tiny_hf, style="completion", **more)
        return _run(
            tmp_path / str(len(more)),
            embedder,
            annotator=Router([Stage(annotator, Threshold(1.0)), SimulatedHuman()]),
            callbacks=[told.append],
        )

    def said(one: Orchestrator) -> list[dict]:
        one.run()
        with Ledger.open(one.ledger_url) as ledger:
            return [dict(event.data) for event in ledger.events() if event.kind == "calibration"]

    calibrated = run()
    (data,) = said(calibrated)
    assert data["items"] == 24
    with Ledger.open(calibrated.ledger_url) as ledger:
        truth = {i: one.label for i, one in ledger.labels().items() if one.kind == "human"}
        given = {one.item_id: one for one in ledger.annotations(annotator="llm")}
    for key, p in (
        ("before", {i: one.provenance["uncalibrated"] for i, one in given.items()}),
        ("after", {i: one.probabilities for i, one in given.items()}),
    ):
        right = [max(p[i], key=p[i].get) == label for i, label in truth.items()]
        assert data[key]["accuracy"] == pytest.approx(sum(right) / 24)
    assert [one.kind for one in told].count("calibration") == 1
    # Said again only where there is something new.
    assert len(said(run())) == 1
    assert said(run(calibrate="none")) == []


def test_a_budget_too_small_for_the_texts_calibrates_without_them(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM, caplog
) -> None:
    def run(name: str) -> Orchestrator:
        return _run(
            tmp_path,
            embedder,
            directory=tmp_path / name,
            annotator=LLMAnnotator(_task(), tiny_hf, style="completion"),
            budget=Budget(tokens=900, batch=8),
        )

    with caplog.at_level(logging.WARNING, logger="llmal"):
        result = run("once").run()
    assert result.status == "finished"
    assert 0 < len(result.labels) < 64
    assert result.cost.tokens <= 900
    with Ledger.open(run("once").ledger_url) as ledger:
        given = list(ledger.annotations(annotator="llm"))
    assert all(one.provenance["calibration"].startswith("Contextual#") for one in given)
    assert "no texts of the pool to calibrate on" in caplog.text
    # Gone on with, it is calibrated in the same way, whatever is left of the budget.
    again = run("once").run()
    assert again.labels == result.labels
    assert again.cost == result.cost
