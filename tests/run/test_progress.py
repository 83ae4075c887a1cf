"""What a run tells while the language model is at work, and what Ctrl-C within a batch keeps."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from llmal import Budget, Orchestrator, Pool, Task
from llmal.annotators import LLMAnnotator, SimulatedHuman
from llmal.embed import SentenceEmbedder
from llmal.generators import ClassConditional
from llmal.ledger import Ledger
from llmal.lm import TransformersLM
from llmal.run.events import Event
from llmal.selectors import Entropy, Random


def _pool(tmp_path: Path) -> Pool:
    texts = [f"The {n} brown {'cows' if n % 2 else 'soups'} wait." for n in range(40)]
    return Pool.from_texts(texts, ["animal", "food"] * 20, cache=tmp_path / "cache")


def _task() -> Task:
    return Task("farm", ["animal", "food"])


def _lm(path: Path) -> TransformersLM:
    """A model that takes few prompts at once, as a slow one would in the same time."""
    return TransformersLM(path, device="cpu", batch_tokens=64)


def _run(tmp_path: Path, embedder: SentenceEmbedder, **options: Any) -> Orchestrator:
    given: dict[str, Any] = {
        "directory": tmp_path / "run",
        "embedder": embedder,
        "start": Random(),
        "selector": Random(),
        "start_items": 30,
        "budget": Budget(rounds=1, batch=4),
        **options,
    }
    return Orchestrator(_task(), _pool(tmp_path), **given)


def test_a_batch_tells_how_far_it_is(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_lm_path: Path
) -> None:
    events: list[Event] = []
    lm = _lm(tiny_lm_path)
    annotator = LLMAnnotator(_task(), lm, calibrate=["domain-context"], style="completion")
    _run(tmp_path, embedder, annotator=annotator, callbacks=[events.append]).run()
    told = [one.data for one in events if one.kind == "progress"]
    labelling = [one["done"] for one in told if one["what"] == "round 0: llm"]
    assert len(labelling) > 5
    assert labelling == sorted(labelling)
    assert labelling[-1] == 30
    calibrating = [one for one in told if "demonstrations and calibration" in one["what"]]
    assert len(calibrating) > 2
    assert calibrating[-1]["done"] == calibrating[-1]["total"]
    assert lm.on_progress is None

    # What was spent is told with it, and grows within the batch.
    spent = [one["tokens"] for one in told if one["what"] == "round 0: llm"]
    assert spent == sorted(spent)
    assert len(set(spent[:-1])) > 3
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        assert told[-1]["tokens"] == ledger.total_usage().tokens
    asked = [one["tokens"] for one in calibrating if "round 0" in one["what"]]
    assert asked == sorted(asked)
    assert asked[0] < asked[-1] <= spent[0]


def test_selection_and_generation_tell_how_far_they_are(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_lm_path: Path
) -> None:
    events: list[Event] = []
    lm = _lm(tiny_lm_path)
    _run(
        tmp_path,
        embedder,
        annotator=SimulatedHuman(),
        lm=lm,
        selector=Entropy(of="lm"),
        generator=ClassConditional(_task(), lm, structure="line", max_tokens=12, per_prompt=1),
        generate_per_label=3,
        start_items=4,
        callbacks=[events.append],
    ).run()
    whats = [one.data["what"] for one in events if one.kind == "progress"]
    for part in ("finding out which form", "entropy picks 4 items", "writing 3 items of 'food'"):
        assert sum(part in one for one in whats) >= 2, (part, set(whats))


def test_ctrl_c_within_a_batch_keeps_what_was_answered(
    tmp_path: Path, embedder: SentenceEmbedder, tiny_lm_path: Path
) -> None:
    def interrupt(event: Event) -> None:
        if event.kind == "progress" and event.data["done"] >= 10:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    models = [_lm(tiny_lm_path) for _ in range(2)]
    runs = [
        _run(
            tmp_path,
            embedder,
            annotator=LLMAnnotator(_task(), lm, calibrate=(), style="completion"),
            budget=Budget(rounds=1, batch=1),
            callbacks=callbacks,
        )
        for lm, callbacks in zip(models, ([interrupt], []), strict=True)
    ]
    with pytest.raises(KeyboardInterrupt):
        runs[0].run()
    assert 10 <= models[0].usage.requests < 30
    result = runs[1].run()
    assert len(result.annotations) == 31
    assert models[0].usage.requests + models[1].usage.requests == 31
