"""Wide label sets: a shortlist for each item, codes, and what they cost."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.annotators import Context, LLMAnnotator
from llmal.core.records import Annotation, Item
from llmal.embed import SentenceEmbedder
from llmal.errors import ConfigError
from llmal.lm import TransformersLM
from llmal.prompting.codes import with_codes
from llmal.prompting.style import plan_style
from llmal.prompting.templates import load_prompt
from llmal.task import Label, Task


def _matrix(given: list[Annotation], task: Task) -> np.ndarray:
    return np.array([[one.probabilities[name] for name in task.names] for one in given])


def test_a_wide_set_is_shortlisted_and_scored_exactly_within(
    fine_items: list[Item], fine_task: Task, tiny_hf: TransformersLM, embedder: SentenceEmbedder
) -> None:
    items = fine_items[500:506]
    context = Context(demonstrations=fine_items[:60])
    options = {"style": "completion", "embedder": embedder, "calibrate": None}
    annotator = LLMAnnotator(fine_task, tiny_hf, **options)
    given = annotator.annotate(items, context)
    exact = LLMAnnotator(fine_task, tiny_hf, **options, shortlist=0).annotate(items, context)
    size = given[0].provenance["shortlist"]
    assert size["items"] == 60
    labels, recall = size["labels"], size["recall"]
    assert 5 <= labels <= 25
    listed, whole = _matrix(given, fine_task), _matrix(exact, fine_task)
    np.testing.assert_allclose(listed.sum(axis=1), 1)
    shortlist = annotator.shortlist_for(context)
    assert shortlist is not None
    inside = shortlist.inside(items)
    for row in range(len(items)):
        within = whole[row, inside[row]]
        np.testing.assert_allclose(
            listed[row, inside[row]], recall * within / within.sum(), atol=1e-4
        )
    assert given[0].flags == (f"{labels} of 50 labels were scored",)
    assert "shortlist" not in exact[0].provenance
    assert exact[0].flags == ()
    used = sum(one.usage.prompt_tokens for one in given)
    assert used < sum(one.usage.prompt_tokens for one in exact)
    foreseen = annotator.plan(items, context).highest
    assert foreseen.prompt_tokens == used
    assert foreseen.requests == sum(one.usage.requests for one in given)


def test_an_answer_on_a_shortlist_does_not_depend_on_the_company(
    fine_items: list[Item], fine_task: Task, tiny_hf: TransformersLM, embedder: SentenceEmbedder
) -> None:
    items = fine_items[500:505]
    context = Context(demonstrations=fine_items[:40], unlabelled=fine_items[100:120])
    annotator = LLMAnnotator(fine_task, tiny_hf, style="completion", embedder=embedder)
    together = _matrix(annotator.annotate(items, context), fine_task)
    alone = _matrix([annotator.annotate([one], context)[0] for one in items], fine_task)
    np.testing.assert_allclose(together, alone, atol=1e-4)
    # Calibrated on inputs without content: all labels of many texts would cost more than it saves.
    assert annotator.prepare(context).usage.requests == 3 * 2


def test_twenty_labels_or_one_pass_need_no_shortlist(
    fine_items: list[Item], fine_task: Task, tiny_hf: TransformersLM
) -> None:
    assert LLMAnnotator(fine_task, tiny_hf, style="completion").shortlists
    assert not LLMAnnotator(fine_task, tiny_hf, style="completion", normalise="first").shortlists
    assert not LLMAnnotator(fine_task, tiny_hf, style="completion", codes=True).shortlists
    assert not LLMAnnotator(fine_task, tiny_hf, style="completion", shortlist=0).shortlists
    few = Task("few", fine_task.names[:20])
    assert not LLMAnnotator(few, tiny_hf, style="completion").shortlists
    assert LLMAnnotator(few, tiny_hf, style="completion", shortlist=5).shortlists
    with pytest.raises(ConfigError, match="normalise 'first'"):
        LLMAnnotator(few, tiny_hf, normalise="first", shortlist=5)


def test_codes_take_one_pass_and_give_back_the_labels(
    fine_items: list[Item], fine_task: Task, tiny_hf: TransformersLM
) -> None:
    annotator = LLMAnnotator(
        fine_task, tiny_hf, style="completion", codes=True, shots=2, calibrate=None
    )
    context = Context(demonstrations=fine_items[:20])
    given = annotator.annotate(fine_items[500:504], context)
    assert all(one.usage.requests == 1 for one in given)
    assert given[0].provenance["codes"] is True
    assert set(given[0].probabilities or {}) == set(fine_task.names)
    (built,) = annotator.build(fine_items[500:501], context)
    prompt = str(built.prompt)
    assert "- A: ABBR:abb\n" in prompt
    candidates = annotator.prompts.candidates
    nothing = int(tiny_hf.count_tokens([""])[0])
    assert (tiny_hf.count_tokens(candidates) == nothing + 1).all()
    assert len(set(candidates)) == 50


def test_codes_that_a_model_lacks_are_refused(tiny_hf: TransformersLM) -> None:
    wide = Task("wide", [Label(f"label {n}") for n in range(800)])
    with pytest.raises(ConfigError, match="800 labels, and only"):
        with_codes(wide, load_prompt("label"), tiny_hf)


def test_finding_the_form_of_the_prompt_is_cheap_for_a_wide_set(
    fine_task: Task, tiny_hf: TransformersLM
) -> None:
    cost = plan_style(fine_task, load_prompt("label"), tiny_hf).highest
    forms = 2 if tiny_hf.chat else 1
    assert cost.requests <= 4 * 2 * forms
    before = tiny_hf.usage.requests
    annotator = LLMAnnotator(fine_task, tiny_hf)
    assert annotator.plan_setup().highest == cost
    assert annotator.prompts.style in ("chat", "completion")
    assert tiny_hf.usage.requests - before == cost.requests
