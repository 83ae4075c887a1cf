"""Demonstrations that are chosen, and scores that are calibrated through them."""

from __future__ import annotations

import gzip
import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmal.calibration import Batch, Chain, Contextual, DomainContext, Temperature
from llmal.calibration.default import stages_of
from llmal.core.records import Item
from llmal.demonstrations import Balanced, Covering, Diverse, Fixed, Similar, Uncertain
from llmal.errors import ConfigError, DataError
from llmal.few_shot.preparation import prepare
from llmal.few_shot.prompt import in_short
from llmal.lm import TransformersLM
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt, make_order
from llmal.prompting.scorer import CalibrationPlan
from llmal.task import Task

TASK = Task("trec", ["Abbreviation", "Description", "Entity", "Location", "Number", "Person"])
VALUES = {"noun": "question", "field": "Question", "answer": "Answer Type"}


def _items(shared: Path, start: int, stop: int) -> list[Item]:
    with gzip.open(shared / "data" / "trec6" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][start:stop]
    return [Item(f"i{start + n}", row["text"], gold=row["label"]) for n, row in enumerate(rows)]


def _scorer(lm: TransformersLM, order: str = "as-chosen") -> PromptScorer:
    template = load_prompt("label").with_values(VALUES)
    return PromptScorer(LabellingPrompts(TASK, template, lm, "completion"), order=make_order(order))


def _rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_contextual_divides_by_what_the_model_says_of_nothing(tiny_hf, shared):
    scorer = _scorer(tiny_hf)
    candidates, asked = _items(shared, 0, 30), _items(shared, 100, 112)
    made = prepare(
        scorer, candidates, shots=4, selector=Balanced(), calibrators=[Contextual()], rng=_rng()
    )
    shown = made.candidates
    assert len(shown) == 4
    # By hand, with the same demonstrations.
    empty = scorer.score(
        [Item(str(n), text) for n, text in enumerate(("N/A", "", "[MASK]"))], shown
    )
    prior = np.exp(empty.scores).mean(axis=0)
    raw = np.exp(scorer.score(asked, shown).scores)
    expected = raw / prior
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(made.score(asked).probabilities, expected, rtol=1e-3, atol=1e-6)


def test_what_calibration_asks_is_counted(tiny_hf, shared):
    candidates = _items(shared, 0, 30)
    plain = prepare(_scorer(tiny_hf), candidates, shots=4, selector=Balanced(), rng=_rng())
    assert plain.usage.tokens == 0
    made = prepare(
        _scorer(tiny_hf),
        candidates,
        shots=4,
        selector=Balanced(),
        calibrators=[Contextual()],
        rng=_rng(),
    )
    inputs = [Item(str(n), text) for n, text in enumerate(("N/A", "", "[MASK]"))]
    asked = [one.prompt for one in made.scorer.build(inputs, [made.candidates] * 3)]
    assert made.usage.prompt_tokens == int(tiny_hf.count_tokens(asked).sum())
    assert made.usage.requests == 3


def test_what_a_selector_asks_through_a_scorer_of_its_own_is_counted(tiny_hf, shared):
    candidates = _items(shared, 0, 20)
    own = _scorer(tiny_hf)
    made = prepare(_scorer(tiny_hf), candidates, shots=3, selector=Uncertain(own), rng=_rng())
    assert made.usage.requests == own.spent.requests == 20


def test_maps_are_fitted_on_what_is_not_shown(tiny_hf, shared):
    scorer = _scorer(tiny_hf)
    candidates = _items(shared, 0, 60)
    made = prepare(
        scorer, candidates, shots=4, selector=Balanced(), calibrators=[Temperature()], rng=_rng()
    )
    shown = {one.id for one in made.candidates}
    rest = [one for one in candidates if one.id not in shown]
    scores = scorer.score(rest, made.candidates).scores
    alone = Temperature().fit(scores, [TASK.index(one.gold or "") for one in rest])
    np.testing.assert_allclose(
        made.score(rest[:9]).probabilities, alone.transform(scores[:9]), atol=1e-4
    )


def test_calibrators_in_turn_are_a_chain(tiny_hf, shared):
    candidates = _items(shared, 0, 60)
    made = prepare(
        _scorer(tiny_hf),
        candidates,
        shots=2,
        selector=Balanced(),
        calibrators=stages_of(["contextual", "temperature"]),
        rng=_rng(),
    )
    assert isinstance(made.calibrator, Chain)
    assert made.calibrator.fitted
    assert in_short(made.calibrator).startswith("Contextual+Temperature#")
    rows = made.score(_items(shared, 200, 206)).probabilities
    np.testing.assert_allclose(rows.sum(axis=1), 1)


def test_each_query_has_its_own_demonstrations(tiny_hf, shared, embedder):
    candidates, asked = _items(shared, 0, 60), _items(shared, 50, 70)
    made = prepare(
        _scorer(tiny_hf, "reversed"),
        candidates,
        shots=3,
        selector=Similar(embedder),
        calibrators=[Contextual(), DomainContext()],
        unlabelled=_items(shared, 300, 320),
        rng=_rng(),
    )
    answer = made.score(asked)
    nearest = made.demonstrations(asked)
    for item, shown, prompt in zip(asked, nearest, answer.scored.prompts, strict=True):
        assert item.id not in {one.id for one in shown}
        assert prompt.demonstrations == tuple(one.id for one in shown[::-1])
    assert len({prompt.demonstrations for prompt in answer.scored.prompts}) > 15


def test_the_same_draw_prepares_the_same(tiny_hf, shared):
    def made():
        return prepare(
            _scorer(tiny_hf),
            _items(shared, 0, 40),
            shots=4,
            selector=Balanced(),
            calibrators=[DomainContext()],
            unlabelled=_items(shared, 300, 330),
            rng=_rng(),
        )

    first, second = made(), made()
    assert first.candidates == second.candidates
    assert in_short(first.calibrator) == in_short(second.calibrator)


def test_too_few_labels_for_a_map_are_said_and_leave_scores_alone(tiny_hf, shared, caplog):
    candidates = _items(shared, 0, 12)
    with caplog.at_level(logging.WARNING, "llmal"):
        made = prepare(
            _scorer(tiny_hf),
            candidates,
            shots=4,
            selector=Balanced(),
            calibrators=[Temperature()],
            rng=_rng(),
        )
    assert made.calibrator is None
    assert "Temperature waits for 10 labelled items" in caplog.text


def test_calibration_on_an_empty_pool_is_refused(tiny_hf, shared):
    for calibrator in (Batch(), DomainContext()):
        with pytest.raises(DataError, match="and there are none; give unlabelled texts"):
            prepare(
                _scorer(tiny_hf),
                _items(shared, 0, 9),
                shots=0,
                selector=None,
                calibrators=[calibrator],
                rng=_rng(),
            )


def test_a_demonstration_longer_than_the_context_is_left_out_and_named(tiny_hf, shared, caplog):
    good = _items(shared, 0, 3)
    long = Item("endless", "why " * 3000, gold="Description")
    with caplog.at_level(logging.WARNING, "llmal"):
        made = prepare(_scorer(tiny_hf), good, shots=4, selector=Fixed([long, *good]), rng=_rng())
    assert made.left_out == ("endless",)
    assert "do not fit into the context of 1024 tokens and are left out: 'endless'" in caplog.text
    (prompt,) = made.score(_items(shared, 50, 51)).scored.prompts
    assert prompt.demonstrations == tuple(one.id for one in good)
    assert "1 demonstration(s) left out for want of context" in prompt.flags


def test_the_least_useful_demonstration_goes_first_whatever_the_order(tiny_hf, shared):
    middling = [Item(f"m{n}", f"{n} " + "word " * 220, gold="Entity") for n in range(6)]
    made = prepare(
        _scorer(tiny_hf, "reversed"), middling, shots=6, selector=Fixed(middling), rng=_rng()
    )
    (prompt,) = made.score(_items(shared, 50, 51)).scored.prompts
    kept = len(prompt.demonstrations)
    assert 1 < kept < 6
    assert prompt.demonstrations == tuple(f"m{n}" for n in reversed(range(kept)))


def test_shots_without_a_selector_are_refused(tiny_hf, shared):
    with pytest.raises(ConfigError, match="4 shots are wanted and nothing chooses them"):
        prepare(_scorer(tiny_hf), _items(shared, 0, 9), shots=4, selector=None, rng=_rng())


def test_the_default_is_fitted_on_texts_that_are_not_shown(tiny_hf, shared):
    scorer = _scorer(tiny_hf)
    candidates = _items(shared, 0, 20)
    made = prepare(
        scorer,
        candidates,
        shots=4,
        selector=Balanced(),
        calibrators=["auto"],
        unlabelled=candidates,
        rng=_rng(),
    )
    shown = {one.id for one in made.candidates}
    rest = [one for one in candidates if one.id not in shown]
    scores = scorer.score(rest, made.candidates).scores
    np.testing.assert_allclose(
        made.score(rest).probabilities, Batch().fit(scores).transform(scores), atol=1e-3
    )
    assert made.usage.requests == 16


def test_what_calibration_has_asked_is_not_charged_again(tiny_hf, shared):
    texts = _items(shared, 0, 12)
    made = prepare(
        _scorer(tiny_hf),
        [],
        shots=0,
        selector=None,
        calibrators=["auto"],
        unlabelled=texts[:9],
        rng=_rng(),
    )
    assert made.usage.requests == 9
    charged = [one.requests for one in made.score(texts).scored.usage]
    assert charged == [0] * 9 + [1] * 3
    # Without demonstrations every round asks the same, and with others it does not.
    again = prepare(
        _scorer(tiny_hf),
        [],
        shots=0,
        selector=None,
        calibrators=["auto"],
        unlabelled=texts[8::-1],
        rng=np.random.default_rng(9),
    )
    other = prepare(
        _scorer(tiny_hf),
        _items(shared, 50, 54),
        shots=2,
        selector=Balanced(),
        calibrators=["auto"],
        unlabelled=texts[:9],
        rng=_rng(),
    )
    assert made.trail == again.trail != other.trail


def test_where_texts_are_few_inputs_without_content_stand_in(tiny_hf, shared, caplog):
    def made(texts):
        return prepare(
            _scorer(tiny_hf),
            [],
            shots=0,
            selector=None,
            calibrators=["auto"],
            unlabelled=texts,
            rng=_rng(),
        )

    with caplog.at_level(logging.WARNING, logger="llmal.few_shot"):
        few, none = made(_items(shared, 0, 7)), made([])
    assert isinstance(few.calibrator, Contextual)
    assert few.usage.requests == none.usage.requests == 3
    assert "7 texts of the pool are too few to calibrate on" in caplog.text
    assert "no texts of the pool to calibrate on" in caplog.text


def test_calibration_is_judged_by_labels_that_it_has_not_seen(tiny_hf, shared):
    labelled, texts = _items(shared, 0, 40), _items(shared, 20, 80)

    def made(*calibrators):
        return prepare(
            _scorer(tiny_hf),
            labelled,
            shots=4,
            selector=Balanced(),
            calibrators=stages_of(calibrators),
            # As a pool gives them: with a gold label that nobody has paid for.
            unlabelled=texts,
            rng=_rng(),
        )

    ready = made("auto")
    assert ready.judged is not None
    shown = {one.id for one in ready.candidates}
    expected = sorted(one.id for one in texts[:20] if one.id not in shown)
    assert list(ready.judged.ids) == expected
    known = {one.id: one for one in texts}
    asked = [known[i] for i in expected]
    assert ready.judged.truth.tolist() == [TASK.index(one.gold or "") for one in asked]
    answer = ready.score(asked)
    np.testing.assert_allclose(ready.judged.after, answer.probabilities, atol=1e-4)
    np.testing.assert_allclose(ready.judged.before, answer.scored.probabilities, atol=1e-4)
    assert made().judged is None
    assert made("auto", "temperature").judged is None


def test_a_scorer_can_calibrate_once_for_all_who_ask(tiny_hf, shared):
    texts = _items(shared, 0, 20)
    plain = _scorer(tiny_hf)
    ready = prepare(
        plain,
        [],
        shots=0,
        selector=None,
        calibrators=["auto"],
        unlabelled=texts[:10],
        rng=_rng(),
    )
    calls = []

    class Ready:
        def plan(self, scorer):
            def fit():
                calls.append(1)
                return ready.calibrator

            return CalibrationPlan(fit, highest=ready.usage, prompts=tuple, paid=ready.paid)

    scorer = PromptScorer(plain.prompts, calibration=Ready())
    assert scorer.plan(texts[:1]).once == ready.usage
    assert not calls
    first, second = scorer.score(texts), scorer.score(texts[:3])
    assert calls == [1]
    np.testing.assert_allclose(first.probabilities, ready.score(texts).probabilities, atol=1e-4)
    np.testing.assert_allclose(second.probabilities, first.probabilities[:3], atol=1e-4)
    assert [one.requests for one in first.usage] == [0] * 10 + [1] * 10
    assert scorer.spent.requests == 10


def test_labels_that_are_not_shown_are_named(tiny_hf, shared, embedder, caplog):
    candidates = [one for one in _items(shared, 0, 60) if one.gold in ("Entity", "Person")]
    one_label = [one for one in candidates if one.gold == "Entity"][:4]

    def warned(shots, **more):
        caplog.clear()
        prepare(_scorer(tiny_hf), candidates, shots=shots, rng=_rng(), **more)
        return [one.getMessage() for one in caplog.records]

    with caplog.at_level(logging.WARNING, logger="llmal.few_shot"):
        (message,) = warned(4, selector=Fixed(one_label))
        assert "4 demonstrations leave out the label 'Person'" in message
        assert "cover_labels" in message
        assert warned(1, selector=Fixed(one_label)) == []
        assert warned(4, selector=Balanced()) == []
        assert warned(4, selector=Covering(Diverse(embedder))) == []


def test_messages_of_calibrators_name_labels(tiny_hf, shared, caplog):
    candidates = [one for one in _items(shared, 0, 90) if one.gold in ("Entity", "Person")]
    with caplog.at_level(logging.WARNING, logger="llmal.calibration"):
        prepare(
            _scorer(tiny_hf),
            candidates,
            shots=0,
            selector=None,
            calibrators=[Chain(Temperature())],
            rng=_rng(),
        )
    expected = "without any item of the labels 'Abbreviation', 'Description', 'Location', 'Number'"
    assert expected in caplog.text


def test_noise_of_batches_does_not_change_what_is_fitted(tiny_hf, shared):
    def fitted(noise):
        scorer = _scorer(tiny_hf)
        ask = scorer.answer

        def noisy(items, plan):
            scored = ask(items, plan)
            return replace(scored, scores=scored.scores * (1 + noise))

        scorer.answer = noisy
        made = prepare(
            scorer,
            [],
            shots=0,
            selector=None,
            calibrators=["auto"],
            unlabelled=_items(shared, 0, 12),
            rng=_rng(),
        )
        return in_short(made.calibrator)

    assert fitted(0.0) == fitted(1e-7)
    assert fitted(0.0) != fitted(0.1)
