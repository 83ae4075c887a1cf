"""Attributes: what texts differ in, drawn in balance."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from llmal.config import parse_config
from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.factory.generators import make_generator
from llmal.generators import ClassConditional, Request
from llmal.generators.attributes import Attributes
from llmal.prompting import load_prompt
from llmal.task import Task

LABELS = ("good", "bad")
DECLARED = {
    "topic": ["food", "music", "sport"],
    "length": {"one sentence": 3, "a paragraph": 1},
    "register": {
        "given": "topic",
        "values": {"food": ["plain", "fine"], **{t: ["loud"] for t in ("music", "sport")}},
    },
    "mood": {"given": "label", "values": {"good": ["glad"], "bad": ["sad", "cross"]}},
}


def _drawn(declared, count, label="good", seed=0):
    return list(
        islice(Attributes(declared, LABELS).draws(label, np.random.default_rng(seed)), count)
    )


def test_every_value_comes_as_often_as_its_weight_says():
    drawn = _drawn(DECLARED, 12)
    assert Counter(one["topic"] for one in drawn) == {"food": 4, "music": 4, "sport": 4}
    assert Counter(one["length"] for one in drawn) == {"one sentence": 9, "a paragraph": 3}
    for start in (0, 3, 6, 9):
        assert len({one["topic"] for one in drawn[start : start + 3]}) == 3


def test_one_attribute_s_value_depends_on_that_of_another_and_on_the_label():
    drawn = _drawn(DECLARED, 12)
    assert {one["register"] for one in drawn if one["topic"] != "food"} == {"loud"}
    of_food = [one["register"] for one in drawn if one["topic"] == "food"]
    assert Counter(of_food) == {"plain": 2, "fine": 2}
    assert {one["mood"] for one in drawn} == {"glad"}
    assert Counter(one["mood"] for one in _drawn(DECLARED, 6, "bad")) == {"sad": 3, "cross": 3}


def test_attributes_of_equal_size_are_not_drawn_in_step():
    drawn = _drawn({"a": ["1", "2", "3"], "b": ["x", "y", "z"]}, 60)
    assert len({(one["a"], one["b"]) for one in drawn}) == 9


def test_draws_go_by_the_seed_and_keep_the_order_that_was_declared():
    assert _drawn(DECLARED, 9, seed=3) == _drawn(DECLARED, 9, seed=3)
    assert _drawn(DECLARED, 9, seed=3) != _drawn(DECLARED, 9, seed=4)
    backwards = dict(reversed(DECLARED.items()))
    assert list(_drawn(backwards, 1)[0]) == list(backwards)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"topic": "food"}, "'topic' is 'food'; list its values"),
        ({"topic": []}, "'topic' has no value"),
        ({"topic": ["a", "a"]}, "'topic' has a value twice"),
        ({"topic": {"a": 0}}, "'topic' has the weight 0 for 'a'"),
        ({"label": ["a"]}, "attributes has the name 'label'"),
        ({"a": {"given": "b", "values": {}}}, "'a' is given 'b', which is no attribute"),
        ({"a": {"given": "label"}}, "'a' is given another, but its values are not listed"),
        ({"a": {"given": "label", "values": {"good": ["x"]}}}, "no values for the label 'bad'"),
        (
            {"a": {"given": "label", "values": {"good": ["x"], "bad": ["y"], "ugly": ["z"]}}},
            "has values for 'ugly', which is no label",
        ),
        (
            {
                "a": {"given": "b", "values": {"x": ["y"]}},
                "b": {"given": "a", "values": {"y": ["x"]}},
            },
            "in a circle",
        ),
    ],
)
def test_what_is_no_attribute_is_refused_in_a_sentence(declared, message):
    with pytest.raises(ConfigError, match=message):
        Attributes(declared, LABELS)


@pytest.mark.parametrize("style", ["chat", "completion"])
def test_each_text_is_asked_for_with_values_of_its_own(tiny_hf, style):
    generator = ClassConditional(
        Task("t", LABELS),
        tiny_hf,
        style=style,
        structure="line",
        max_tokens=30,
        attributes=DECLARED,
    )
    request = Request("bad", [Item("d", "It broke.", gold="bad")], seed=2)
    built = generator.build(request, 6)
    assert [one.answers for one in built] == [1] * 6
    assert built == generator.build(request, 6)
    items = generator.generate(request, 6)
    said = [one.provenance["attributes"] for one in items]
    assert len({tuple(one.values()) for one in said}) > 3
    for prompt, values in zip(built, said, strict=True):
        last = prompt.prompt if style == "completion" else prompt.prompt[-1]["content"]
        assert all(f"{name}: {value}" in last for name, value in values.items())


def test_a_forecast_covers_every_draw(tiny_hf):
    long = {"topic": ["x", "a very long topic indeed " * 9]}
    generator = ClassConditional(
        Task("t", LABELS), tiny_hf, structure="line", max_tokens=30, attributes=long
    )
    forecast = generator.plan(Request("bad", standing_in=True), 2).highest.prompt_tokens
    for seed in range(3):
        assert generator.plan(Request("bad", seed=seed), 2).highest.prompt_tokens <= forecast


def test_a_prompt_without_a_place_for_them_is_refused(tiny_hf):
    with pytest.raises(ConfigError, match="attributes are given, and the prompt 'paraphrase'"):
        ClassConditional(
            Task("t", LABELS), tiny_hf, prompt=load_prompt("paraphrase"), attributes={"a": ["b"]}
        )


def test_yaml_declares_them(tmp_path, tiny_hf):
    (tmp_path / "pool.csv").write_text("text,label\na,good\n", encoding="utf-8")
    text = """
task: {labels: [good, bad]}
data: {pool: pool.csv, gold: label}
lm: {backend: transformers, model: some}
annotator: {name: human, via: gold}
generator:
  name: class_conditional
  attributes:
    topic: [food, music]
    mood: {given: label, values: {good: [glad], bad: {sad: 2, cross: 1}}}
"""
    section = parse_config(text, base=tmp_path).generator
    task = Task("t", LABELS)
    generator, _ = make_generator(section, task, tiny_hf, None, None, None)
    drawn = [one.draw.recorded["attributes"]["mood"] for one in generator.build(Request("bad"), 6)]
    assert Counter(drawn) == {"sad": 4, "cross": 2}
