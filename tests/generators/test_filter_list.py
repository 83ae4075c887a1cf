"""A list of filters, in Python and in a configuration."""

from __future__ import annotations

from dataclasses import replace

import pytest

import llmal
from llmal.config import parse_config
from llmal.core.records import SyntheticItem
from llmal.errors import ConfigError, DataError
from llmal.factory.generators import make_generator
from llmal.generators import FormatAndLength, run_filters
from llmal.generators.filters import FunctionFilter, judge_items, make_filters
from llmal.task import Task


def _item(text):
    return SyntheticItem("syn-1", text, "a", "by hand")


def no_cows(text):
    return "it is about cows" if "cow" in text else None


def test_a_list_takes_filters_functions_names_and_mappings():
    length = FormatAndLength(1, 5)
    made = make_filters(
        [
            length,
            no_cows,
            "format_length",
            {"name": "format_length", "max_words": 9},
            {"name": "callable", "function": "operator:itemgetter", "called": "odd"},
        ],
        offers={"min_words": 2, "max_words": 8},
        settings={"format_length": {"min_words": 3}},
    )
    assert made[0] is length
    assert [one.name for one in made] == [
        "format_length",
        "no_cows",
        "format_length",
        "format_length",
        "odd",
    ]
    assert [(made[n].min_words, made[n].max_words) for n in (2, 3)] == [(3, 8), (3, 9)]
    checked = run_filters([_item("the cow sleeps"), _item("the dog sleeps")], made[:3])
    assert [one.refused_by for one in checked] == ["no_cows", None]
    assert checked[0].reason == "it is about cows"


def test_all_filters_judge_an_item_and_none_remembers_it():
    chain = make_filters(
        [no_cows, "format_length", "near_duplicates"], offers={"min_words": 1, "max_words": 3}
    )
    cut_off = replace(
        _item("the"), accepted=False, refused_by="by hand", reason="cut off after 1 tokens"
    )
    items = [_item("the cow sleeps in a barn"), _item("a hen sleeps"), _item("A hen  sleeps"),
             cut_off]  # fmt: skip
    judged = judge_items(items, chain)
    assert [[verdict.reason for verdict in one.verdicts] for one in judged] == [
        ["it is about cows", "6 words, at most 3 are wanted", None],
        [None, None, None],
        [None, None, "the same text as 'syn-1'"],
        ["cut off after 1 tokens"],
    ]
    assert [one.filter for one in judged[0].verdicts] == [
        *("no_cows", "format_length", "near_duplicates")
    ]
    assert [one.item.refused_by for one in judged] == [
        *("no_cows", None, "near_duplicates", "by hand")
    ]
    assert judge_items(items, chain) == judged
    assert run_filters(items[1:2], chain)[0].accepted
    assert not run_filters(items[1:2], chain)[0].accepted  # a run remembers it
    assert judge_items([], chain) == []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("near_duplicate", "there is no 'near_duplicate' among the filters; did you mean"),
        ({"threshold": 1}, "a filter has no name"),
        (3, "3 is no filter; give a filter, a function of a text, or one of"),
        ({"name": "format_length", "words": 3}, "format_length has no option 'words'"),
        ({"name": "callable", "function": "rude"}, "function is 'rude'; say where it is as"),
        ({"name": "callable", "function": "os:rude"}, "function 'os:rude' cannot be loaded"),
    ],
)
def test_a_mistake_in_a_list_is_named(wrong, sentence):
    with pytest.raises(ConfigError, match=sentence.replace("(", r"\(")):
        make_filters([wrong], offers={})


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda text: text.nothing, "fails on 'syn-1': AttributeError"),
        (lambda text: True, "gave True for 'syn-1'; give a text that says why, or None"),
        (lambda text: "", "gave '' for 'syn-1'"),
    ],
)
def test_a_function_that_cannot_judge_is_named(function, sentence):
    with pytest.raises(DataError, match=sentence):
        FunctionFilter(function, "mine").check([_item("a cow")])


def test_a_configured_list_takes_the_place_of_the_default(tmp_path, tiny_hf, tiny_lm_path):
    (tmp_path / "pool.csv").write_text("id,text,label\n1,The cow sleeps,a\n2,It is hot,b\n")
    head = (
        "task: {name: farm, labels: [a, b]}\ndata: {pool: pool.csv, gold: label}\n"
        f"lm: {{backend: transformers, model: {tiny_lm_path}}}\nannotator: llm\n"
    )

    def made(section):
        config = parse_config(head + f"generator: {section}\n", base=tmp_path)
        assert parse_config(config.to_yaml(), base=tmp_path).generator == config.generator
        found = make_generator(config.generator, config.task_object(), tiny_hf, None, None, None)
        return found[1]

    default = made("{name: class_conditional, max_words: 9, similarity: 0.7, agreement: 0.2}")
    assert [one.name for one in default] == ["format_length", "near_duplicates", "label_agreement"]
    assert (default[0].max_words, default[1].threshold, default[2].minimum) == (9, 0.7, 0.2)
    assert made("{name: class_conditional, filters: []}") == []
    own = made(
        "{name: class_conditional, similarity: 0.7, filters: [near_duplicates, "
        "{name: near_duplicates, threshold: 0.8}]}"
    )
    assert [one.threshold for one in own] == [0.7, 0.8]


def test_generate_counts_by_generator_label_and_filter(tiny_hf):
    result = llmal.generate(
        Task("trec", ("Person", "Number")),
        k=3,
        lm=tiny_hf,
        filters=[
            {"name": "format_length", "min_words": 1},
            lambda text: "no" if "?" in text else None,
        ],
        structure="line",
        progress=False,
    )
    rows = result.counts
    assert [(one["generator"], one["label"]) for one in rows] == [
        ("class_conditional", "Person"),
        ("class_conditional", "Number"),
    ]
    assert sum(one["accepted"] for one in rows) == len(result)
    refused = sum(sum(one["refused"].values()) for one in rows)
    assert refused == len(result.refused) > 0
    assert {name for one in rows for name in one["refused"]} <= {
        "format_length",
        "<lambda>",
        "class_conditional",
    }
