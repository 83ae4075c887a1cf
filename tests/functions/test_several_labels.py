"""`llmal.annotate(kind="multi")`: from texts to lists of labels, to files and back."""

from __future__ import annotations

import json
from dataclasses import replace

import datasets
import numpy as np
import pandas as pd
import pytest

import llmal
from llmal.core.records import SyntheticItem
from llmal.errors import ConfigError, DataError
from llmal.exporters.chat import write_chat
from llmal.exporters.dataset_folder import write_dataset
from llmal.functions.generated_files import read_record, write_record
from llmal.generators import LabelAgreement
from llmal.pool import Pool
from llmal.task import Task

TEXTS = ["I love it!", "Go away, this makes me furious.", "The train leaves at nine."]
LABELS = ["love", "anger"]


def _annotate(lm, data=TEXTS, **more):
    given = {"labels": LABELS, "kind": "multi", "calibrate": None, "style": "completion"}
    return llmal.annotate(data, lm=lm, cache=False, progress=False, **{**given, **more})


def test_every_text_has_a_tuple_of_labels(tiny_hf):
    result = _annotate(tiny_hf, probabilities=True)
    for label, probabilities in zip(result.labels, result.column("probabilities"), strict=True):
        assert label == tuple(sorted(name for name in LABELS if probabilities[name] > 0.5))
    assert result.cost.requests == 3
    assert ((result.confidences >= 0.5) & (result.confidences <= 1)).all()
    assert not result.failed


def test_a_dry_run_says_what_it_costs(tiny_hf):
    foreseen = _annotate(tiny_hf, dry_run=True)
    assert foreseen.cost.tokens == _annotate(tiny_hf).cost.tokens > 0


def test_files_hold_the_labels_and_are_read_back(tiny_hf, tmp_path):
    result = _annotate(tiny_hf, thresholds={"love": 0.0, "anger": 1.0})
    assert result.labels == [("love",)] * 3
    task = Task("t", LABELS, kind="multi")
    result.save(tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["label"] for row in rows] == [["love"]] * 3
    result.save(tmp_path / "out.csv")
    assert pd.read_csv(tmp_path / "out.csv")["label"].tolist() == ["love"] * 3
    result.save(tmp_path / "out.parquet")
    for name in ("out.jsonl", "out.csv", "out.parquet"):
        pool = Pool.from_file(tmp_path / name, gold="label", cache=tmp_path)
        assert pool.match_labels(task).gold() == result.labels
    made = result.to_dataset()
    assert [tuple(one) for one in made["label"]] == result.labels
    assert result.to_pandas()["label"].tolist() == result.labels
    assert "3 love" in result.summary()


def test_a_data_set_on_disk_has_class_labels(tiny_hf, tmp_path):
    from llmal.core.tables import write_table

    result = _annotate(tiny_hf, thresholds=0.0)
    write_table(tmp_path / "set", "hf", result.table, result.rows)
    made = datasets.load_from_disk(str(tmp_path / "set"))
    assert made.features["label"].feature.names == LABELS
    assert [sorted(one) for one in made["label"]] == [[0, 1]] * 3
    pool = Pool.from_dataset(made, gold="label", cache=tmp_path)
    assert pool.match_labels(Task("t", LABELS, kind="multi")).gold() == result.labels


def test_demonstrations_may_have_lists_or_texts(tiny_hf):
    shown = [("What joy", ["love"]), ("Hm", []), ("I hate and love you", ["love", "anger"])]
    result = _annotate(tiny_hf, demonstrations=shown)
    same = _annotate(
        tiny_hf,
        demonstrations=[
            ("What joy", "love"),
            ("Hm", "none"),
            ("I hate and love you", "anger|love"),
        ],
    )
    assert result.rows == same.rows
    assert _annotate(tiny_hf, demonstrations=shown, labels=None).labels
    with pytest.raises(DataError, match="'hate' is not a label of task"):
        _annotate(tiny_hf, demonstrations=[("x", ["hate"])])
    with pytest.raises(ConfigError, match="several may stand in one text"):
        _annotate(tiny_hf, demonstrations=[("x", "a|b"), ("y", "b")], labels=None)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"lm": "similarity", "calibrate": "auto", "style": "auto"},
            "the annotator similarity works with one label an item",
        ),
        ({"shortlist": 1}, "a shortlist of labels works with one label an item"),
        ({"codes": True}, "labels as codes works with one label an item"),
        ({"kind": "ranking"}, "unknown kind 'ranking'"),
        ({"kind": "single", "thresholds": 0.2}, "the option thresholds works with several labels"),
    ],
)
def test_what_does_not_fit_is_refused(tiny_hf, more, said):
    with pytest.raises(ConfigError, match=said):
        _annotate(**{"lm": tiny_hf, **more})


def test_a_trained_learner_predicts_lists(tmp_path, embedder):
    from llmal.learners import LinearHead
    from llmal.learners.saved import write_labels

    task = Task("t", LABELS, kind="multi")
    golds = [("love",), ("anger",), ()]
    head = LinearHead(C=100.0).fit(embedder.embed(TEXTS), task.space.targets(golds))
    write_labels(tmp_path, task, embedder)
    head.save(tmp_path)
    assert llmal.load_learner(tmp_path).predict(TEXTS) == golds
    result = llmal.predict(tmp_path, TEXTS, progress=False, probabilities=True)
    assert result.labels == golds
    assert set(result.column("probabilities")[0]) == {"love", "anger"}


def test_select_goes_by_lists_of_labels(embedder):
    texts = [f"text number {n}, {'glad' if n % 2 else 'sad'}" for n in range(20)]
    known = [("love",), (), ("love", "anger"), ("anger",), *[None] * 16]
    task = Task("t", LABELS, kind="multi")
    given = {"labels": task, "labelled": known, "embedder": embedder, "progress": False}
    picked = llmal.select(texts, 3, strategy="margin", **given)
    assert len(picked) == 3
    assert not set(picked.indices.tolist()) & {0, 1, 2, 3}
    as_text = ["love", "none", "love|anger", "anger", *[None] * 16]
    same = llmal.select(texts, 3, strategy="margin", **{**given, "labelled": as_text})
    assert same.rows == picked.rows
    with pytest.raises(ConfigError, match="the selector promptal works with one label an item"):
        llmal.select(texts, 3, strategy="promptal", **given)


def test_what_works_with_one_label_alone_is_refused_before_it_asks(tiny_hf):
    from llmal.annotators.few_shot_classifier import FewShotClassifier
    from llmal.few_shot.prompt_choice import rank_prompts
    from llmal.generators.counterfactual import Counterfactual
    from llmal.prompting.asking import default_prompt, make_prompts
    from llmal.prompting.scorer import PromptScorer

    task = Task("t", LABELS, kind="multi")
    said = "works with one label an item, and task 't' takes several labels an item"
    rows = [(f"text {n}", ["love"]) for n in range(12)]
    before = tiny_hf.usage
    with pytest.raises(ConfigError, match=f"the choice of demonstrations {said}"):
        llmal.choose_demonstrations(rows, 2, labels=task, lm=tiny_hf, progress=False)
    with pytest.raises(ConfigError, match=f"FewShotClassifier {said}"):
        FewShotClassifier(tiny_hf, shots=0, task=task).fit(["a", "b"], ["love", "anger"])
    with pytest.raises(ConfigError, match=f"the generator counterfactual {said}"):
        Counterfactual(task, tiny_hf)
    with pytest.raises(ConfigError, match=f"the generator counterfactual {said}"):
        llmal.generate(task, 2, lm=tiny_hf, generator="counterfactual", progress=False)
    scorer = PromptScorer(make_prompts(task, default_prompt(task), tiny_hf, "completion"))
    with pytest.raises(ConfigError, match=f"ranking prompts {said}"):
        rank_prompts([scorer, scorer], [], rng=np.random.default_rng(0))
    assert tiny_hf.usage == before


def test_new_texts_of_the_answers_that_the_demonstrations_have(tiny_hf, tmp_path):
    labelled = [("I love it and hate it!", LABELS), ("I love it!", ["love"]), ("It is nine.", [])]
    call = {"lm": tiny_hf, "kind": "multi", "structure": "line", "demonstrations": labelled}
    call |= {"cache": False, "progress": False, "options": {"per_prompt": 4}}
    call |= {"agreement": 0.3, "calibrate": None, "style": "completion", "max_words": 4}
    new = llmal.generate(LABELS, 1, **call)
    rows = [*new, *new.refused]
    assert {row["label"] for row in rows} == {("anger", "love"), ("love",), ()}
    assert set(new.labels) | {row["label"] for row in new.refused} == {row["label"] for row in rows}
    assert set(new.missing) <= {"anger|love", "love", "none"}
    most = llmal.generate(LABELS, 1, dry_run=True, **call)
    assert 0 < new.cost.tokens <= most.cost.tokens
    for row in new.refused:
        if row["refused_by"] == "label_agreement":
            assert "label of it" in row["reason"]
    one = llmal.generate(LABELS, {"love|anger": 1}, filters=[], **call)
    assert {row["label"] for row in [*one, *one.refused]} == {("anger", "love")}
    one.save(tmp_path / "new.jsonl")
    saved = [json.loads(line) for line in (tmp_path / "new.jsonl").read_text().splitlines()]
    assert [row["label"] for row in saved] == [["anger", "love"]] * len(one)
    write_record(tmp_path / "all.csv", "csv", new.record)
    back = read_record(tmp_path / "all.csv", new.record.task)
    assert [item.label for item in back.items] == [item.label for item in new.record.items]
    everything = replace(one.record, items=[replace(i, accepted=True) for i in one.record.items])
    write_dataset(tmp_path / "set", everything)
    held = datasets.load_dataset(str(tmp_path / "set"), split="train", cache_dir=str(tmp_path))
    assert held["label"][0] == ["anger", "love"]
    with pytest.raises(ConfigError, match="the export as chat messages works with one label"):
        write_chat(tmp_path / "chat.jsonl", everything)
    with pytest.raises(ConfigError, match="the generator counterfactual works with one label"):
        llmal.generate(LABELS, 1, generator="counterfactual", **{**call, "options": {}})
    given = {"attributes": {"mood": {"given": "label", "values": {"love": ["glad"]}}}}
    with pytest.raises(ConfigError, match="'mood' is given the label, and an item may have"):
        llmal.generate(LABELS, 1, **{**call, "options": given})


def test_each_label_of_a_text_is_checked(tiny_hf):
    task = Task("t", LABELS, kind="multi")
    items = [
        SyntheticItem("a", TEXTS[0], label, "g")
        for label in ("love", "anger", "anger|love", "none")
    ]
    judge = LabelAgreement(task, tiny_hf, 0.5, style="completion", calibrate=None)
    reasons = judge.check(items)
    # Only one of four answers to the same text can have every label right.
    assert sum(one is None for one in reasons) == 1
    sure = [one["label_probability"] for one in judge.measured]
    assert [one >= 0.5 for one in sure] == [one is None for one in reasons]
    love, both = sure[0], sure[2]
    p = _annotate(tiny_hf, [TEXTS[0]], probabilities=True).column("probabilities")[0]
    assert love == pytest.approx(min(p["love"], 1 - p["anger"]))
    assert both == pytest.approx(min(p["love"], p["anger"]))
    refused = next(one for one in reasons if one is not None)
    assert refused.startswith("for the model '")
