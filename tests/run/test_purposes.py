"""An audit reaches no prompt, demonstration, calibrator, selector, learner or generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from promised import SMALL
from told_answers import TASK, campaign_of, pool_of
from word_bayes import WordBayes

from llmal import Annotation, Budget, Orchestrator, Pool
from llmal.annotators import (
    Context,
    HumanQueue,
    LLMAnnotator,
    Outside,
    Router,
    SimulatedHuman,
    Stage,
    Threshold,
)
from llmal.core.plans import BatchPlan
from llmal.core.records import Item, Purpose
from llmal.errors import AnnotationError
from llmal.generators import ClassConditional
from llmal.guarantee import Guarantee
from llmal.guarantee.error_score import ErrorScore
from llmal.guarantee.seeding import UniformSeed
from llmal.ledger import Ledger
from llmal.lm import ResponseCache, TransformersLM
from llmal.run.events import Event
from llmal.run.phases import Audit
from llmal.selectors import Margin, Random, RoundState, Selection

KEPT_APART: tuple[Purpose, ...] = ("audit", "calibrate")


class Watching(Margin):
    """Margin that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[int, int]] = []

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        self.told.append(dict(zip(state.labelled.tolist(), state.labels.tolist(), strict=True)))
        return super().select(state, k, rng)


class Remembering(WordBayes):
    """A learner that keeps what it was trained on."""

    def __init__(self) -> None:
        self.trained_on: list[list[tuple[str, int]]] = []

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> WordBayes:
        self.trained_on.append(list(zip(X, np.asarray(y).tolist(), strict=True)))
        return super().fit(X, y)


class Listening(LLMAnnotator):
    """A language model that keeps what it is shown."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.shown: list[list[tuple[str, Any]]] = []

    def plan(
        self, items: Sequence[Item | str], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        plan = super().plan(items, context)

        def execute() -> list[Annotation]:
            self.shown.append([(one.id, one.gold) for one in context.demonstrations])
            return plan.execute()

        return BatchPlan(
            execute,
            each=lambda: plan.each,
            first=lambda count: self.plan(items[:count], context),
            prompts=lambda: plan.prompts,
            once=lambda: plan.once,
        )


@pytest.fixture(scope="module")
def lm(
    tiny_hf: TransformersLM, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TransformersLM]:
    """The small model, which computes once what several runs ask it in the same words."""
    before = tiny_hf.cache
    tiny_hf.cache = ResponseCache(tmp_path_factory.mktemp("answers") / "responses.sqlite")
    yield tiny_hf
    tiny_hf.cache.close()
    tiny_hf.cache = before


def _gold_pool(tmp_path: Path) -> Pool:
    texts = pool_of(60, tmp_path / "cache")
    gold = ["animal" if n % 2 else "food" for n in range(60)]
    return Pool.from_texts(texts.texts(), gold, ids=texts.ids(), cache=tmp_path / "cache")


def _audit(item_id: str, label: str, purpose: Purpose) -> Annotation:
    return Annotation(item_id, label, "auditor", "human", purpose=purpose)


def _consumers(
    tmp_path: Path, lm: TransformersLM, objective: str, name: str, told: Purpose | None, **more: Any
) -> dict[str, Any]:
    """Run, and give what everybody saw that feeds a prompt or a model.

    Args:
        told: For what purpose the first labels are contradicted; None to leave them alone.
        more: Further arguments of the orchestrator.
    """
    selector, learner = Watching(), Remembering()
    machine = Listening(TASK, lm, shots=2, calibrate=["batch", "temperature"], style="completion")
    people = more.pop("people", None) or SimulatedHuman()
    pool = _gold_pool(tmp_path)
    calibrations: list[dict[str, Any]] = []

    def interfere(event: Event) -> None:
        if event.kind == "calibration":
            calibrations.append(dict(event.data))
        if event.kind == "round_finished" and event.data["round"] == 0 and told:
            labels = orchestrator.campaign.labels
            assert len(labels) == 12
            orchestrator.campaign.tell(
                _audit(i, "food" if one.label == "animal" else "animal", told)
                for i, one in labels.items()
            )

    orchestrator = Orchestrator(
        TASK,
        pool,
        directory=tmp_path / name,
        annotator=Router([Stage(machine, Threshold(0.99)), people]),
        selector=selector,
        start=Random(),
        start_items=12,
        learner=learner,
        budget=Budget(batch=6, rounds=2),
        objective=objective,
        guarantee=more.pop("guarantee", "off"),
        generator=ClassConditional(
            TASK, lm, structure="line", max_words=12, shots=2, style="completion"
        ),
        generate_per_label=2,
        seed=5,
        callbacks=[interfere],
        **more,
    )
    result = orchestrator.run()
    with Ledger.open(orchestrator.ledger_url) as ledger:
        answers = list(ledger.annotations())
        assert told is None or sum(one.purpose == told for one in answers) == 12
        return {
            "selector": selector.told,
            "picks": [one.item_ids for one in result.rounds],
            "learner": learner.trained_on,
            "demonstrations": machine.shown,
            "prompts": {
                one.item_id: (one.provenance["demonstrations"], one.provenance["calibration"])
                for one in answers
                if one.annotator == "llm"
            },
            "probabilities": {
                one.item_id: one.probabilities for one in answers if one.annotator == "llm"
            },
            "generator": [(one.text, one.provenance) for one in ledger.synthetic()],
            "calibration": calibrations,
            "labels": {i: one.label for i, one in result.labels.items()},
            "audited": {i: one.label for i, one in result.audited.items()},
            "accuracy": [one.metrics.get("mean_entropy") for one in result.rounds],
        }


@pytest.mark.slow
@pytest.mark.parametrize("purpose", KEPT_APART)
@pytest.mark.parametrize("objective", ["model", "labels"])
def test_audits_that_contradict_change_nothing_that_anybody_sees(
    tmp_path: Path, lm: TransformersLM, objective: str, purpose: Purpose
) -> None:
    plain = _consumers(tmp_path, lm, objective, "plain", None)
    disturbed = _consumers(tmp_path, lm, objective, "audited", purpose)
    assert any(plain["demonstrations"]), "the prompts show labelled items"
    assert any("Temperature" in one[1] for one in plain["prompts"].values())
    assert all(one[1]["demonstrations"] for one in plain["generator"])
    assert plain["selector"]
    plain.pop("audited")
    for consumer, seen in plain.items():
        assert disturbed[consumer] == seen, consumer


class Contrary(SimulatedHuman):
    """Says in audits the opposite of what is so."""

    def annotate(self, items: Any, context: Context = Context()) -> list[Annotation]:
        told = super().annotate(items, context)
        if context.purpose != "audit":
            return told
        other = {"food": "animal", "animal": "food"}
        return [replace(one, label=other[str(one.label)]) for one in told]


@pytest.mark.parametrize(
    ("objective", "audit"),
    [
        ("model", Audit(15)),
        ("labels", Audit(15, when="last", of="all")),
        pytest.param("model", Audit(15, when="last", of="all"), marks=pytest.mark.slow),
        pytest.param("labels", Audit(15), marks=pytest.mark.slow),
    ],
)
def test_whatever_an_audit_says_nobody_sees_it(
    tmp_path: Path, lm: TransformersLM, objective: str, audit: Audit
) -> None:
    seen = [
        _consumers(tmp_path, lm, objective, name, None, audit=audit, people=people)
        for name, people in (("so", SimulatedHuman()), ("contrary", Contrary()))
    ]
    assert any(seen[0]["demonstrations"])
    said = [one.pop("audited") for one in seen]
    assert len(said[0]) == 15
    assert all(said[0][item] != said[1][item] for item in said[0])
    for consumer, what in seen[0].items():
        assert seen[1][consumer] == what, consumer
    learnt = {item for one in seen[0]["picks"] for item in one} - said[0].keys()
    assert set(seen[0]["labels"]) & said[0].keys() <= set(seen[0]["prompts"])
    assert learnt


def test_whatever_the_audit_of_a_promise_says_nobody_sees_it(
    tmp_path: Path, lm: TransformersLM
) -> None:
    parts = {**SMALL, "seed": UniformSeed(least=12, share=0.0), "score": ErrorScore()}
    seen = [
        _consumers(
            *(tmp_path, lm, "labels", name, None),
            people=people,
            guarantee=Guarantee(parts=parts),
        )
        for name, people in (("so", SimulatedHuman()), ("contrary", Contrary()))
    ]
    so, contrary = seen
    assert any(so["demonstrations"])
    audited = so["audited"].keys() & contrary["audited"].keys()
    assert len(audited) >= 20
    assert all(so["audited"][item] != contrary["audited"][item] for item in audited)
    for consumer in ("demonstrations", "prompts", "probabilities"):
        assert contrary[consumer] == so[consumer], consumer
    # Seed, sweep, doubtful items and the first look.
    assert contrary["picks"][:4] == so["picks"][:4]
    assert set(so["picks"][3]) <= audited
    texts = dict(
        zip(pool_of(60, tmp_path / "cache").texts(), _gold_pool(tmp_path).ids(), strict=True)
    )
    learnt = [
        {
            (texts[text], label)
            for fit in one["learner"]
            for text, label in fit
            if texts.get(text) in audited
        }
        for one in seen
    ]
    assert learnt[0] == learnt[1]
    assert learnt[0]
    written = [[one for one in run["generator"] if one[1]["round"] <= 3] for run in seen]
    assert written[0] == written[1]
    assert written[0]


@pytest.mark.parametrize("purpose", KEPT_APART)
def test_items_that_are_audited_are_labelled_for_nobody(tmp_path: Path, purpose: Purpose) -> None:
    pool = pool_of(60, tmp_path / "cache")
    selector, learner = Watching(), Remembering()
    kept = pool.ids()[:20]
    with campaign_of(
        pool,
        tmp_path / "run",
        annotator=Outside("human"),
        selector=selector,
        learner=learner,
        budget=Budget(batch=5),
    ) as campaign:
        assert campaign.tell(_audit(i, "food", purpose) for i in kept) == 20
        asked: list[str] = []
        while (order := campaign.ask()) is not None:
            asked += order.items.ids()
            campaign.tell(Annotation(i, "animal", "human", "human") for i in order.items.ids())
        assert set(asked) == set(pool.ids()[20:])
        assert set(campaign.labels) == set(asked)
    positions = set(range(20))
    assert not any(positions & told.keys() for told in selector.told)
    texts = set(pool.texts(np.arange(20)))
    assert not any(text in texts for one in learner.trained_on for text, _ in one)


def _audited_campaign(tmp_path: Path, pool: Pool, **options: Any) -> Any:
    budget = Budget(batch=5, rounds=1)
    return campaign_of(pool, tmp_path / "run", budget=budget, audit=8, **options)


def _orders(campaign: Any) -> Iterator[Any]:
    while (order := campaign.ask()) is not None:
        yield order


def test_an_audit_is_a_phase_more_and_nothing_else(tmp_path: Path) -> None:
    pool = pool_of(40, tmp_path / "cache")
    learner = Remembering()
    with _audited_campaign(tmp_path, pool, learner=learner) as campaign:
        seen = []
        for order in _orders(campaign):
            seen.append((order.phase, order.purpose, order.stage))
            if order.phase == "audit":
                audited = set(order.items.ids())
                wrong = Annotation(order.items[0].id, "food", "anna", "human", purpose="calibrate")
                with pytest.raises(AnnotationError, match="round 0 asks for 'audit'"):
                    campaign.tell([replace(wrong, round=0)])
            campaign.tell(
                Annotation(i, "food", "anna", "human")
                if order.stage == "human"
                else Annotation(i, "animal", "llm", "llm", probabilities={"animal": 1, "food": 0})
                for i in order.items.ids()
            )
        assert seen[:2] == [("audit", "audit", "human"), ("start", "train", "llm")]
        kept = [one for one in campaign.open().annotations() if one.purpose == "audit"]
        assert {one.item_id for one in kept} == audited
        assert not audited & {i for one in campaign.rounds[1:] for i in one.item_ids}
        assert not audited & set(campaign.labels)
    assert all(label == TASK.index("animal") for one in learner.trained_on for _, label in one)


def test_a_file_of_a_review_and_of_an_audit_says_what_its_answers_are_for(tmp_path: Path) -> None:
    pool = pool_of(20, tmp_path / "cache")
    queue = HumanQueue(TASK)
    orchestrator = Orchestrator(
        TASK,
        pool,
        directory=tmp_path / "run",
        annotator=queue,
        learner=WordBayes(),
        selector=Random(),
        start=Random(),
        budget=Budget(batch=4, rounds=0),
        audit=3,
    )
    for labelled in (3, 4):
        assert orchestrator.run().status == "waiting"
        file = tmp_path / "run" / "to_label.csv"
        lines = file.read_text(encoding="utf-8-sig").splitlines()
        assert len(lines) == labelled + 1
        rows = [line.split(",") for line in lines[1:]]
        file.write_text(lines[0] + "\n" + "".join(f"{i},{t},food,\n" for i, t, *_ in rows))
    assert orchestrator.run().reason == "0 rounds are done"
    with Ledger.open(orchestrator.ledger_url) as ledger:
        purposes = [one.purpose for one in ledger.annotations()]
    assert purposes == ["audit"] * 3 + ["train"] * 4
