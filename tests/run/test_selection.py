"""What the loop gives to selectors, and what it lets them spend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmal import Budget, Orchestrator, Pool, Task
from llmal.annotators import LLMAnnotator, SimulatedHuman, drawn_texts
from llmal.embed import SentenceEmbedder
from llmal.errors import ConfigError
from llmal.learners import PromptTuned
from llmal.ledger import Ledger
from llmal.lm import TransformersLM
from llmal.selectors import Entropy, LeastConfidence, Margin, Random, RoundState, Selection, make

COLOURS = ["red", "green", "blue", "white", "black", "brown"]
TASTES = ["sweet", "sour", "salty", "bitter", "bland", "spicy"]
THINGS = ["wall", "coat", "door", "bird", "roof", "boat"]
DISHES = ["soup", "cake", "rice", "stew", "tea", "salad"]

LEARNT = [
    "margin",
    "bald",
    "query_by_committee",
    "variation_ratio",
    "badge",
    "coreset",
    "probcover",
    "cluster_margin",
    "cal",
    "dal",
    "dropquery",
    "promptal",
    "bayesian_density",
    "allsh",
]


def _pool(cache: Path) -> Pool:
    rows = [(f"A {c} {t}.", "colour") for c in COLOURS for t in THINGS]
    rows += [(f"The {d} is {t}.", "taste") for d in DISHES for t in TASTES]
    return Pool.from_texts([t for t, _ in rows], [g for _, g in rows], cache=cache)


def _run(tmp_path: Path, embedder: SentenceEmbedder | None, **options: Any) -> Orchestrator:
    given: dict[str, Any] = {
        "directory": tmp_path / "run",
        "annotator": SimulatedHuman(),
        "embedder": embedder,
        "budget": Budget(human_labels=18, batch=6),
        "committee": 3,
        "start": Random(),
        **options,
    }
    return Orchestrator(Task("what", ["colour", "taste"]), _pool(tmp_path / "cache"), **given)


@pytest.mark.parametrize("name", LEARNT)
def test_a_run_gives_every_strategy_what_it_needs(
    name: str, tmp_path: Path, embedder: SentenceEmbedder
):
    result = _run(tmp_path, embedder, selector=make(name)).run()
    assert [one.phase for one in result.rounds] == ["start", "query", "query"]
    assert [one.selector for one in result.rounds] == ["random", name, name]
    assert len(result.labels) == 18
    assert result.cost.requests == 0


def test_a_switch_may_start_a_run(tmp_path: Path, embedder: SentenceEmbedder):
    switch = make("switch", first="kmeans", then="margin", labels=12)
    result = _run(tmp_path, embedder, start=switch, selector=switch).run()
    with Ledger.open(str(tmp_path / "run" / "ledger.sqlite")) as ledger:
        why = [one.why[0] for one in ledger.rounds()]
    assert ["cluster" in one for one in why] == [True, True, False]
    assert "margin" in why[2]
    assert len(result.labels) == 18


def test_a_pipeline_of_selectors(tmp_path: Path, embedder: SentenceEmbedder):
    nested = make("subsample", items=30, selector={"name": "diverse", "selector": "entropy"})
    result = _run(tmp_path, embedder, selector=nested).run()
    assert len(result.labels) == 18


def _asked(run: Orchestrator) -> dict[str, Any]:
    with Ledger.open(run.ledger_url) as ledger:
        return ledger.usage()


def _counts(run: Orchestrator) -> dict[str, tuple[int, int, int]]:
    return {
        name: (one.requests, one.prompt_tokens, one.completion_tokens)
        for name, one in _asked(run).items()
    }


def test_what_selectors_ask_of_the_model_is_in_the_ledger(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
):
    run = _run(tmp_path, embedder, selector=Entropy(of="lm"), lm=tiny_hf)
    plan = run.plan()
    result = run.run()
    spent = _asked(run)["selection"]
    # The first selection asks about 66 unlabelled items; calibration has asked about 64 of the 72,
    # which costs nothing more. The second finds all answers there. A prompt takes two passes.
    assert _asked(run)["demonstrations and calibration"].requests == 2 * 64
    sample = {one.id for one in drawn_texts(run.pool, 0)}
    first = [i for i in result.rounds[0].item_ids if i not in sample]
    assert spent.requests == 2 * (72 - 64 - len(first))
    assert 0 < spent.tokens <= plan.parts["selection"]
    assert _asked(run)["prompt style"].requests > 0
    assert result.cost.tokens == sum(one.tokens for one in _asked(run).values())


SCORING = {
    "entropy": {"of": "lm"},
    "llm_difficulty": {"candidates": None},
    "llm_disagreement": {"prompts": ("label", "pattern"), "candidates": None},
    "quality": {"selector": "random", "candidates": None},
    "perplexity": {"selector": "random", "candidates": None},
    "subsample": {"selector": {"name": "entropy", "of": "lm"}, "items": 40},
}


class _Broken:
    """A selector whose process dies when it has picked for the second time."""

    name = "broken"

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.requires = inner.requires
        self.calls = 0

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        picks: Selection = self.inner.select(state, k, rng)
        self.calls += 1
        if self.calls == 2:
            raise KeyboardInterrupt
        return picks


@pytest.mark.slow
@pytest.mark.parametrize("name", SCORING)
def test_what_selectors_ask_again_is_paid_for_once(
    name: str, tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
):
    def run(folder: str, selector: Any, **limits: Any) -> Orchestrator:
        return _run(
            tmp_path,
            embedder,
            directory=tmp_path / folder,
            selector=selector,
            lm=tiny_hf,
            budget=Budget(human_labels=18, batch=6, **limits),
        )

    whole = run("whole", make(name, **SCORING[name]))
    plan = whole.plan()
    before = tiny_hf.usage.requests
    result = whole.run()
    asked = tiny_hf.usage.requests - before
    spent = _asked(whole)
    assert len(result.rounds) == 3
    with Ledger.open(whole.ledger_url) as ledger:
        paid = [one.key for one in ledger.expenses() if one.purpose == "selection"]
    assert paid == (["select-1"] if name != "subsample" else ["select-1", "select-2"])
    # All that was paid for was asked, and what was asked was paid for.
    assert sum(one.requests for one in spent.values()) == asked
    assert 0 < spent["selection"].tokens <= plan.parts["selection"]

    # It is enough to have what it costs.
    if name in ("entropy", "llm_disagreement"):
        just = run("just", make(name, **SCORING[name]), tokens=result.cost.tokens)
        assert len(just.run().rounds) == 3
        assert _counts(just) == _counts(whole)

    # Killed between asking and booking, and gone on with, it comes to the same.
    broken = run("broken", _Broken(make(name, **SCORING[name])))
    with pytest.raises(KeyboardInterrupt):
        broken.run()
    again = run("broken", make(name, **SCORING[name]))
    assert again.run().rounds[-1].item_ids == result.rounds[-1].item_ids
    assert _counts(again) == _counts(whole)


def test_the_language_model_can_start_a_run(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
):
    run = _run(tmp_path, embedder, start=Margin(of="lm"), lm=tiny_hf)
    assert run.run().rounds[0].selector == "margin"
    asked = _asked(run)
    assert asked["demonstrations and calibration"].requests == 2 * 64
    assert asked["selection"].requests >= 2 * (72 - 64)


def test_selectors_ask_with_the_prompt_of_the_annotator(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
):
    task = Task("what", ["colour", "taste"])
    annotator = LLMAnnotator(task, tiny_hf, prompt="pattern", style="completion")
    budget = Budget(rounds=1, batch=6)
    run = _run(
        tmp_path,
        embedder,
        annotator=annotator,
        selector=Entropy(of="lm"),
        lm=tiny_hf,
        budget=budget,
    )
    run.run()
    assert run.campaign.signals._scorer().prompts is annotator.prompts


def test_selectors_and_router_have_the_same_probabilities(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
):
    task = Task("what", ["colour", "taste"])
    annotator = LLMAnnotator(task, tiny_hf, style="completion")
    run = _run(
        tmp_path,
        embedder,
        annotator=annotator,
        selector=Entropy(of="lm"),
        lm=tiny_hf,
        budget=Budget(rounds=1, batch=6),
    )
    run.run()
    with Ledger.open(run.ledger_url) as ledger:
        last = list(ledger.annotations(round=1))
        reasons = {
            i: w for one in ledger.rounds() for i, w in zip(one.item_ids, one.why, strict=True)
        }
        spent = ledger.usage()["demonstrations and calibration"]
    for one in last:
        assert one.provenance["calibration"].startswith("Batch#")
        p = np.array(list(one.probabilities.values()))
        assert f"entropy {-(p * np.log(p)).sum():.3f}" in reasons[one.item_id]
    # The texts that both are calibrated on are the same.
    assert spent.requests == 2 * 64


def test_a_budget_of_tokens_holds_selection_too(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_hf: TransformersLM
):
    budget = Budget(human_labels=18, batch=6, tokens=300)
    run = _run(tmp_path, embedder, selector=LeastConfidence(of="lm"), lm=tiny_hf, budget=budget)
    result = run.run()
    assert result.reason == "the budget of 300 tokens is spent"
    assert result.cost.tokens <= 300
    assert len(result.labels) == 6


def test_what_is_learnt_cannot_start_a_run(tmp_path: Path, embedder: SentenceEmbedder):
    with pytest.raises(ConfigError, match=r"the start selector badge needs .*probabilities"):
        _run(tmp_path, embedder, start=make("badge"))


def test_what_a_run_does_not_have_is_said_before_it_begins(
    tmp_path: Path, embedder: SentenceEmbedder
):
    with pytest.raises(ConfigError, match=r"margin needs lm_scores, .* not have; give the run a l"):
        _run(tmp_path, embedder, selector=Margin(of="lm"))


def test_a_learner_of_texts_has_features_and_a_committee_of_its_own(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_lm_path: Path
):
    watching = _Watching()
    learner = PromptTuned(str(tiny_lm_path), epochs=1, virtual_tokens=2, device="cpu")
    run = _run(tmp_path, embedder, learner=learner, selector=watching)
    run.run()
    width = watching.seen["width"]
    assert width != embedder.dimensions
    assert (tmp_path / "run" / "features.npy").is_file()
    np.testing.assert_allclose(
        run.campaign.trainer.features()[:3], learner.embed(run.pool.texts([0, 1, 2])), atol=1e-5
    )
    assert len({member.tobytes() for member in watching.seen["committee"]}) == 3
    with pytest.raises(ConfigError, match=r"dropquery needs predict, .* over embeddings"):
        _run(tmp_path, embedder, learner=learner, selector=make("dropquery"))


class _Watching:
    """Looks at every signal that a run has, and picks the first items."""

    name = "watching"
    requires = frozenset({"probabilities", "labels"})

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        self.seen = {
            "signals": state.signals,
            "features": state.features is state.embeddings,
            "width": state.features.shape[1],
            "labelled": state.labelled_probabilities,
            "committee": state.committee,
            "probabilities": state.probabilities,
            "again": state.predict(state.features[state.unlabelled])
            if "predict" in state.signals
            else None,
            "items": state.predict_items(state.items(state.unlabelled)),
        }
        return Selection(state.unlabelled[:k], np.zeros(k), ["first"] * k)


def test_the_signals_of_a_run_belong_together(tmp_path: Path, embedder: SentenceEmbedder):
    watching = _Watching()
    _run(tmp_path, embedder, selector=watching).run()
    seen = watching.seen
    assert seen["features"]
    assert seen["labelled"].shape == (12, 2)
    assert seen["committee"].shape == (3, 60, 2)
    for same in ("again", "items"):
        np.testing.assert_allclose(seen[same], seen["probabilities"], atol=1e-5)
    assert seen["signals"] >= {"texts", "embeddings", "predict", "labels"}
