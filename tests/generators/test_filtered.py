"""Asking again until enough items were accepted, or tried often enough."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmal.errors import ConfigError
from llmal.generators import (
    ClassConditional,
    FormatAndLength,
    LabelAgreement,
    NearDuplicates,
    Request,
    generate_filtered,
    run_filters,
)
from llmal.prompting import load_prompt
from llmal.task import Task

LABELS = ("Number", "Location", "Person", "Description", "Entity", "Abbreviation")


def _task():
    return Task("trec", LABELS, guidelines="What kind of answer does the question ask for?")


def _generator(lm, **options):
    # The model has seen "Write a question", not "Write a text".
    prompt = replace(load_prompt("generate"), defaults={"noun": "question"})
    settings = {"prompt": prompt, "structure": "line", "max_words": 20, "max_tokens": 60, **options}
    return ClassConditional(_task(), lm, **settings)


def _requests(*labels, seed=0):
    return [Request(label, seed=seed) for label in labels]


class _Nothing:
    """Refuses every item."""

    name = "nothing"

    def check(self, items):
        return ["no"] * len(items)


def test_refused_items_are_made_up_for(tiny_hf):
    filters = [FormatAndLength(3, 20), NearDuplicates(), LabelAgreement(_task(), tiny_hf)]
    result = generate_filtered(
        _generator(tiny_hf), filters, _requests("Entity", "Person"), 3, attempts=16
    )
    assert result.missing == {}
    for label in ("Entity", "Person"):
        assert sum(one.label == label for one in result.accepted) >= 3
        assert 3 <= result.tried[label] <= 48
        assert 1 <= result.calls[label] <= 16
    assert len(result.items) > 6
    assert sum(result.refusals.values()) == len(result.items) - len(result.accepted)
    assert len({one.id for one in result.items}) == len(result.items)
    assert all(one.reason for one in result.items if not one.accepted)


def test_it_ends_when_nothing_passes_and_says_so(tiny_hf, caplog):
    result = generate_filtered(
        _generator(tiny_hf), [_Nothing()], _requests("Person"), 2, attempts=3
    )
    assert result.accepted == []
    assert (result.tried, result.calls) == ({"Person": 6}, {"Person": 3})
    assert result.missing == {"Person": 2}
    assert "of 2 items of 'Person' that were wanted, 2 are missing after 6 texts" in caplog.text


def test_a_text_that_is_written_again_gets_an_id_of_its_own(tiny_hf):
    greedy = _generator(tiny_hf, temperature=0)
    result = generate_filtered(greedy, [NearDuplicates()], _requests("Person"), 2, attempts=3)
    assert len({one.text for one in result.items}) == 1
    assert len({one.id for one in result.items}) == len(result.items) == 6
    assert len(result.accepted) == 1
    assert result.refusals == {"near_duplicates": 5}


def test_the_seed_makes_the_whole_run_repeatable(tiny_hf):
    texts = [
        [
            one.text
            for one in generate_filtered(
                _generator(tiny_hf),
                [FormatAndLength(5, 20), NearDuplicates()],
                _requests("Number", "Person", seed=seed),
                3,
            ).items
        ]
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_the_first_call_is_what_the_generator_alone_gives(tiny_hf):
    generator, request = _generator(tiny_hf), _requests("Person", seed=9)[0]
    alone = run_filters(generator.generate(request, 3), [FormatAndLength(3, 20)])
    result = generate_filtered(generator, [FormatAndLength(3, 20)], [request], 3, attempts=1)
    assert [one.text for one in result.items] == [one.text for one in alone]


def test_items_are_handed_over_after_each_call(tiny_hf):
    heard = []
    result = generate_filtered(
        _generator(tiny_hf), [_Nothing()], _requests("Person"), 2, attempts=2, on_items=heard.append
    )
    assert [len(one) for one in heard] == [2, 2]
    assert [one for batch in heard for one in batch] == list(result.items)


def test_the_cost_of_writing_and_judging_is_in_the_result(tiny_hf):
    filters = [LabelAgreement(_task(), tiny_hf, style="completion")]
    before = tiny_hf.usage
    result = generate_filtered(_generator(tiny_hf), filters, _requests("Person"), 2, attempts=2)
    spent = tiny_hf.usage - before
    assert result.usage.prompt_tokens == spent.prompt_tokens > filters[0].usage.prompt_tokens > 0


def test_each_label_may_have_a_number_of_its_own(tiny_hf, caplog):
    result = generate_filtered(
        _generator(tiny_hf),
        [],
        _requests("Number", "Entity", "Person"),
        {"Person": 2, "Number": 1, "Entity": 0},
        attempts=1,
    )
    assert result.tried == {"Number": 1, "Entity": 0, "Person": 2}
    assert "Entity" not in result.calls
    assert "Entity" not in result.missing
    assert "Entity" not in caplog.text


@pytest.mark.parametrize(
    ("labels", "k", "attempts", "message"),
    [
        (["Person"], {"Person": -1}, 1, "k of 'Person' is -1"),
        (["Person"], 0, 1, "k is 0"),
        (["Person"], 1, 0, "attempts is 0"),
        (["Person", "Person"], 1, 1, "several requests for the label 'Person'"),
    ],
)
def test_unusable_parameters_are_named(tiny_hf, labels, k, attempts, message):
    with pytest.raises(ConfigError, match=message):
        generate_filtered(_generator(tiny_hf), [], _requests(*labels), k, attempts=attempts)
