"""The language model as an annotator of items that take several labels."""

from __future__ import annotations

import gzip
import json
import logging

import numpy as np
import pytest
from scipy.special import expit, logit

from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import Context
from llmal.annotators.recorded import Recorded
from llmal.annotators.router import Router, Stage, Threshold
from llmal.annotators.simulated import SimulatedHuman
from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.lm import ResponseCache
from llmal.prompting import load_prompt
from llmal.prompting.asking import make_prompts
from llmal.task import Label, Task
from llmal.task.spaces.thresholds import expected_f1_threshold, f1_thresholds

NAMES = ("gratitude", "anger", "love", "sadness")
TASK = Task("emotions", NAMES, kind="multi")


def _items(shared, n, start=0):
    with gzip.open(shared / "data" / "goemotions" / "train.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line, _ in zip(file, range(start + n), strict=False)]
    return [
        Item(row["id"], row["text"], gold=tuple(sorted({*row["labels"]} & {*NAMES})))
        for row in rows[start:]
    ]


def _annotator(lm, **more):
    given = {"style": "completion", "calibrate": None, "prompt": "label_each"}
    return LLMAnnotator(TASK, lm, **{**given, **more})


def _matrix(annotations):
    return np.array([[one.probabilities[name] for name in NAMES] for one in annotations])


@pytest.fixture(scope="module")
def lm(tiny_hf, tmp_path_factory):
    tiny_hf.cache = ResponseCache(tmp_path_factory.mktemp("several") / "responses.sqlite")
    yield tiny_hf
    tiny_hf.cache.close()
    tiny_hf.cache = None


def test_probabilities_are_those_of_yes_against_no_for_each_label(lm, shared):
    items = _items(shared, 6)
    given = _annotator(lm).annotate(items)
    prompts = make_prompts(TASK, load_prompt("label_each"), lm, "completion")
    asked = [question for item in items for question in prompts.build(item).questions]
    scores = lm.score(asked, [" yes", " no"]).log_probs
    expected = expit(scores[:, 0] - scores[:, 1]).reshape(6, 4)
    assert _matrix(given) == pytest.approx(expected)
    for one, row in zip(given, expected, strict=True):
        assert one.label == tuple(sorted(np.array(NAMES)[row > 0.5].tolist()))
        assert one.confidence == pytest.approx(np.maximum(row, 1 - row).min())
        assert one.exact
        assert one.usage.requests == 4
        assert one.provenance["prompt"].startswith("label_each@1#")


def test_every_label_is_calibrated_by_itself_on_texts_of_the_pool(lm, shared):
    items = _items(shared, 12)
    context = Context(unlabelled=items, seed=1)
    given = _annotator(lm, calibrate="batch").annotate(items, context)
    raw = _matrix(_annotator(lm).annotate(items))
    prior = raw.mean(axis=0)
    yes, no = np.log(raw) - np.log(prior), np.log(1 - raw) - np.log(1 - prior)
    assert _matrix(given) == pytest.approx(np.exp(yes - np.logaddexp(yes, no)), abs=1e-3)
    assert given[0].provenance["calibration"].startswith("PerLabel#")
    assert set(given[0].provenance["uncalibrated"]) == set(NAMES)
    # The items are texts of the pool, and what calibration asked is not paid for twice.
    assert sum(one.usage.requests for one in given) == 0


@pytest.mark.parametrize("prompt", ["label_each", "label_names"])
@pytest.mark.parametrize("labelled", [0, 15])
def test_the_default_matches_how_often_labels_are_given(prompt, labelled, lm, shared):
    items, known = _items(shared, 12), _items(shared, labelled, 20)
    annotator = _annotator(lm, calibrate="auto", prompt=prompt)
    assert {"texts", "labelled"} <= annotator.needs()
    context = Context(unlabelled=items, demonstrations=known, seed=1)
    given = annotator.annotate(items, context)
    counts = TASK.space.targets([one.gold for one in known]).sum(axis=0) if known else np.zeros(4)
    shares = (counts + 5 / 4) / (labelled + 5)
    assert _matrix(given).mean(axis=0) == pytest.approx(shares, abs=2e-3)
    # Odds are moved by as much for every item.
    raw = logit(_matrix(_annotator(lm, prompt=prompt).annotate(items)))
    moved = logit(_matrix(given)) - raw
    assert np.ptp(moved, axis=0) == pytest.approx(0, abs=5e-3)
    threshold = expected_f1_threshold(_matrix(given))
    assert given[0].provenance["thresholds"]["anger"] == pytest.approx(threshold, abs=1e-3)
    for one, row in zip(given, _matrix(given), strict=True):
        told = given[0].provenance["thresholds"]["anger"]
        assert one.label == tuple(sorted(np.array(NAMES)[row > told].tolist()))


def test_few_texts_leave_scores_and_thresholds_as_they_are(lm, shared):
    items = _items(shared, 5)
    given = _annotator(lm, calibrate="auto").annotate(items, Context(unlabelled=items, seed=1))
    assert _matrix(given) == pytest.approx(_matrix(_annotator(lm).annotate(items)))
    assert "thresholds" not in given[0].provenance


def test_all_labels_are_asked_for_at_once_if_nothing_else_is_said(lm, shared):
    items = _items(shared, 4)
    given = LLMAnnotator(TASK, lm, style="completion", calibrate=None).annotate(items)
    assert given[0].provenance["prompt"].startswith("label_names@1#")
    assert (_matrix(given).sum(axis=1) <= 1 + 1e-9).all()


def test_what_is_foreseen_is_what_is_spent(lm, shared):
    items, known = _items(shared, 8), _items(shared, 14, 20)
    more = [
        {"calibrate": None},
        {"calibrate": "auto"},
        {"calibrate": ["batch", "temperature"], "shots": 2},
        {"calibrate": None, "thresholds": "f1", "shots": 2, "demonstrations": "random"},
        {"calibrate": "temperature", "thresholds": "f1"},
        {"calibrate": "contextual", "rationale": True},
    ]
    context = Context(demonstrations=known, unlabelled=_items(shared, 10, 40), seed=3)
    for options in more:
        annotator = _annotator(lm, **options)
        foreseen = annotator.plan_preparation(context).highest
        prepared = annotator.prepare(context).usage
        assert (prepared.requests, prepared.tokens) == (foreseen.requests, foreseen.tokens), options
        cost = annotator.plan(items, context).highest
        spent = sum((one.usage for one in annotator.annotate(items, context)[1:]), type(cost)())
        assert cost.requests >= spent.requests > 0
        assert cost.tokens >= spent.tokens


def test_thresholds_are_chosen_on_what_people_labelled(lm, shared):
    items, known = _items(shared, 5), _items(shared, 30, 20)
    context = Context(demonstrations=known, seed=3)
    annotator = _annotator(lm, thresholds="f1")
    given = annotator.annotate(items, context)
    truth = TASK.space.targets([one.gold for one in known])
    chosen = f1_thresholds(_matrix(_annotator(lm).annotate(known)), truth)
    for one, row in zip(given, _matrix(given), strict=True):
        assert one.label == tuple(sorted(np.array(NAMES)[row > chosen].tolist()))
    told = given[0].provenance["thresholds"]
    assert list(told.values()) == pytest.approx(chosen.round(4))
    assert "labelled" in annotator.needs()


def test_thresholds_wait_for_labels(lm, shared, caplog):
    with caplog.at_level(logging.WARNING):
        given = _annotator(lm, thresholds="f1").annotate(_items(shared, 2))
    assert "thresholds for F1 wait for 10 labelled items" in caplog.text
    assert "thresholds" not in given[0].provenance


def test_thresholds_may_be_given(lm, shared):
    items = _items(shared, 4)
    everything = _annotator(lm, thresholds=0.0).annotate(items)
    assert {one.label for one in everything} == {tuple(sorted(NAMES))}
    some = _annotator(lm, thresholds={"anger": 0.0, "love": 1.0}).annotate(items)
    assert all("anger" in one.label and "love" not in one.label for one in some)


@pytest.mark.parametrize("how", ["balanced", "random", "similar"])
def test_demonstrations_are_shown_with_their_answers(how, lm, shared, embedder):
    known = _items(shared, 40, 20)
    annotator = _annotator(lm, shots=3, demonstrations=how, embedder=embedder)
    context = Context(demonstrations=known, seed=2)
    given = annotator.annotate(_items(shared, 3), context)
    assert all(len(one.provenance["demonstrations"]) == 3 for one in given)
    again = _annotator(lm, shots=3, demonstrations=how, embedder=embedder)
    assert _matrix(again.annotate(_items(shared, 3), context)) == pytest.approx(_matrix(given))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shortlist": 2}, "a shortlist of labels works with one label an item"),
        ({"codes": True}, "labels as codes works with one label an item"),
        ({"shots": 2, "demonstrations": "allsh"}, "the demonstrations allsh works with one label"),
        ({"shots": 2, "options": {"cover_labels": True}}, "the option cover_labels works with one"),
        ({"prompt": "label"}, "the prompt 'label' asks for one label, and task 'emotions' takes"),
        ({"thresholds": 2}, "the threshold of label 'gratitude' is 2"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_asked(options, said, lm):
    with pytest.raises(ConfigError, match=said):
        _annotator(lm, **options)


def test_many_labels_are_all_asked_about(tiny_hf):
    task = Task("wide", [Label(f"label number {n}") for n in range(30)], kind="multi")
    annotator = LLMAnnotator(task, tiny_hf, style="completion", calibrate=None, prompt="label_each")
    assert not annotator.shortlists
    (given,) = annotator.annotate([Item("a", "a text")])
    assert len(given.probabilities) == 30
    assert given.usage.requests == 30


def test_a_router_defers_what_is_unsure_of_its_least_sure_label(lm, shared):
    items = _items(shared, 6)
    raw = _matrix(_annotator(lm).annotate(items))
    sure = np.maximum(raw, 1 - raw).min(axis=1)
    limit = float(np.sort(sure)[3])
    router = Router([Stage(_annotator(lm), Threshold(limit)), SimulatedHuman()])
    answers = router.annotate(items)
    by_people = [one for one in answers if one.kind == "human"]
    assert [one.item_id for one in by_people] == [
        item.id for item, value in zip(items, sure, strict=True) if value < limit
    ]
    assert [one.label for one in by_people] == [
        item.gold for item, value in zip(items, sure, strict=True) if value < limit
    ]


def test_recorded_answers_are_read_in_any_shape():
    items = [
        Item(str(n), "t", extra={"by": cell})
        for n, cell in enumerate(["love|anger", ["love"], "none", "", None, "hate"])
    ]
    given = Recorded("by", labels=NAMES, space=TASK.space).annotate(items)
    assert [one.label for one in given] == [("anger", "love"), ("love",), (), None, None, None]
    assert given[-1].flags == ("not a label of the task",)
    with pytest.raises(ConfigError, match="a column of confidences works with one label"):
        Recorded("by", labels=NAMES, space=TASK.space, confidence="p")


def test_simulated_people_give_whole_answers(shared):
    items = _items(shared, 5)
    assert [one.label for one in SimulatedHuman().annotate(items)] == [one.gold for one in items]
