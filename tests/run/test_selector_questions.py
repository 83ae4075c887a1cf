"""What selectors ask with: every prompt calibrated by itself, on the same texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from llmal import Pool, Task
from llmal.annotators import LLMAnnotator, drawn_texts
from llmal.lm import TransformersLM
from llmal.lm.paid import PaidQuestions
from llmal.prompting.scorer import PromptScorer
from llmal.run.selector_questions import SelectorQuestions
from llmal.selectors.language_model.grading import grader, rephrased

TASK = Task("what", ["colour", "taste"])
TEXTS = [f"A {one} thing." for one in ("red", "sour", "blue", "salty", "green", "sweet", "pink")]
TEXTS += [f"It was {one}." for one in ("white", "spicy", "black", "bland", "brown", "bitter")]


def _questions(lm: TransformersLM, pool: Pool, calibrate: str) -> SelectorQuestions:
    annotator = LLMAnnotator(TASK, lm, style="completion", calibrate=calibrate)
    return SelectorQuestions(lambda: annotator, lambda: drawn_texts(pool, 0), 0)


@pytest.mark.parametrize("prompt", ["label", "pattern"])
def test_a_rephrased_prompt_is_calibrated_by_itself(
    prompt: str, tiny_hf: TransformersLM, tmp_path: Path
):
    pool = Pool.from_texts(TEXTS, cache=tmp_path)
    items = pool.items(np.arange(len(pool)))
    questions = _questions(tiny_hf, pool, "auto")
    asked = rephrased(questions.scorer(), prompt)
    raw = PromptScorer(asked.prompts).score(items).probabilities
    got = asked.score(items).probabilities
    assert np.abs(got - raw).max() > 0.01
    # Batch calibration of these very texts: on the average no label is preferred.
    log = np.log(got)
    assert np.abs(log.mean(axis=0) - log.mean()).max() < np.abs(np.log(raw).mean(axis=0)).max()
    (made,) = questions.take_calibrations()
    assert made.usage.requests > 0
    np.testing.assert_allclose(got, made.score(items).probabilities, atol=1e-6)
    assert asked.spent.requests == 0  # They are all among the texts that it was calibrated on.
    assert questions.take_calibrations() == []
    plain = rephrased(_questions(tiny_hf, pool, "none").scorer(), prompt).score(items)
    np.testing.assert_allclose(plain.probabilities, raw, atol=1e-6)


def test_grades_are_not_calibrated_as_labels_are(tiny_hf: TransformersLM, tmp_path: Path):
    pool = Pool.from_texts(TEXTS, cache=tmp_path)
    questions = _questions(tiny_hf, pool, "auto")
    grader(questions.scorer(), "quality", ["1", "2", "3"]).score(pool.items(np.arange(3)))
    assert questions.take_calibrations() == []


def test_an_estimate_counts_what_will_be_charged(tiny_hf: TransformersLM, tmp_path: Path):
    pool = Pool.from_texts([*TEXTS, *(f"Rather {one}" for one in TEXTS)], cache=tmp_path)
    items = pool.items(np.arange(len(pool)))
    questions = _questions(tiny_hf, pool, "auto")
    scorer = questions.scorer()
    for part in (items[:5], items[3:9], items, items):
        plan = scorer.plan(part)
        most = plan.highest.requests
        before = scorer.spent.requests
        plan.execute()
        new = sum(one.usage.requests for one in questions.take_calibrations())
        assert most == scorer.spent.requests - before + new
    assert scorer.at_full_price().plan(items).highest.requests >= 2 * len(items)


def test_questions_are_paid_for_once_they_are_kept(tmp_path: Path):
    paid = PaidQuestions()
    one, two, three = b"1" * 16, b"2" * 16, b"3" * 16
    with paid.kept_in(tmp_path / "answers.sqlite"):
        paid.add([one])
        paid.keep()
        paid.add([two])
        trial = paid.trial()
        trial.add([three])
        assert trial.among([one, two, three]) == {one, two, three}
        assert paid.among([one, two, three]) == {one, two}
        paid.drop()
        assert paid.among([one, two, three]) == {one}
        paid.add([three])
    later = PaidQuestions()
    assert later.among([one, two, three]) == set()
    with later.kept_in(tmp_path / "answers.sqlite"):
        assert later.among([one, two, three]) == {one}
