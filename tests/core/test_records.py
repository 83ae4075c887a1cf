"""Usage, prices and annotations."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from llmal.core.records import Annotation, Price, Usage


def _usage(start: int) -> Usage:
    """Every figure another one, so that none can be taken for another."""
    return Usage(*(start + n for n in range(len(fields(Usage)))))


def test_usage_adds_up_figure_by_figure():
    added = _usage(1) + _usage(100)
    assert added == Usage(
        requests=101,
        prompt_tokens=103,
        completion_tokens=105,
        cached_tokens=107,
        seconds=109,
        money=111,
        human_labels=113,
    )


def test_usage_takes_away_what_was_added():
    assert _usage(1) + _usage(100) - _usage(100) == _usage(1)
    assert _usage(7) - _usage(7) == Usage()


def test_many_usages_sum_up():
    assert sum([Usage(human_labels=1, money=0.25)] * 4, Usage()) == Usage(human_labels=4, money=1.0)


def test_tokens_are_those_read_and_those_written():
    assert Usage(prompt_tokens=30, completion_tokens=4, cached_tokens=20).tokens == 34


def test_usage_as_plain_data_has_every_figure():
    plain = Usage(requests=3, money=0.5).as_dict()
    assert list(plain) == [one.name for one in fields(Usage)]
    assert Usage(**plain) == Usage(requests=3, money=0.5)  # type: ignore[arg-type]


def test_a_price_is_per_million_tokens():
    assert Price(prompt=2.0, completion=8.0).of(500_000, 250_000) == 3.0
    assert Price().of(10**9, 10**9) == 0.0


def test_confidence_is_the_probability_of_the_label_that_was_given():
    told = {"yes": 0.3, "no": 0.7}
    assert Annotation("1", "yes", "llm", "llm", probabilities=told).confidence == 0.3
    assert Annotation("1", None, "llm", "llm", probabilities=told).confidence is None
    assert Annotation("1", "yes", "human", "human").confidence is None


def test_an_annotation_cannot_be_changed():
    annotation = Annotation("1", "yes", "human", "human")
    with pytest.raises(FrozenInstanceError):
        annotation.label = "no"  # type: ignore[misc]
