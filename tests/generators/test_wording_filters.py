"""Filters that look at the wording of texts alone."""

from __future__ import annotations

import pytest

from llmal.core.records import Item, SyntheticItem
from llmal.errors import ConfigError, DataError
from llmal.generators import run_filters
from llmal.generators.filters import MinHash

SPIDER = "How many legs does a common house spider have ?"
NEAR_SPIDER = "how many LEGS does a common house spider has ?"


def _items(*texts):
    return [SyntheticItem(f"syn-{n}", text, "a", "by hand") for n, text in enumerate(texts)]


def test_near_texts_are_found_everywhere_and_named():
    filter = MinHash(
        [Item("p7", SPIDER)],
        ["Who painted the ceiling of the Sistine Chapel ?"],
        labelled=[Item("l1", "Where do penguins go in the long winter ?")],
    )
    reasons = filter.check(
        _items(
            NEAR_SPIDER,
            "Who painted the ceiling of the Sistine Chapels ?",
            "Where do penguins go in the long winter",
            "How high is the highest mountain of Peru ?",
            "How high is the highest mountain in Peru ?",
            "Where is Oslo ?",
        )
    )
    assert reasons[0] == (
        "it shares 0.929 of its characters with item 'p7' of the pool, the limit is 0.7"
    )
    assert "with text 0 (from 0) of the test set" in reasons[1]
    assert reasons[2] == "the same text as item 'l1' of the labelled items"
    assert reasons[3] is None
    assert "of its characters with 'syn-3', the limit" in reasons[4]
    assert reasons[5] is None


def test_a_text_near_a_refused_one_is_not_refused_for_it():
    filter = MinHash([SPIDER], threshold=0.8)
    far = "how many LEGS does a common horse spider has ?"
    first, second = filter.check(_items(NEAR_SPIDER, far))
    assert first is not None
    assert second is None


def test_what_was_accepted_is_remembered_and_nothing_else():
    filter = MinHash()
    refused = [*run_filters(_items(SPIDER), [filter, _Refusing()])]
    assert refused[0].refused_by == "refusing"
    assert run_filters(_items(SPIDER), [filter])[0].accepted
    after_a_kill = MinHash()
    after_a_kill.remember(_items(SPIDER))
    for one in (filter, after_a_kill):
        assert "with 'syn-0'" in one.check(_items(NEAR_SPIDER))[0]


class _Refusing:
    name = "refusing"

    def check(self, items):
        return ["no"] * len(items)


def test_words_can_be_what_is_compared():
    filter = MinHash([SPIDER], unit="words", size=2, threshold=0.5)
    reason = filter.check(_items(NEAR_SPIDER))[0]
    assert reason == (
        "it shares 0.778 of its words with text 0 (from 0) of the pool, the limit is 0.5"
    )


def test_unusable_settings_of_minhash_are_named():
    with pytest.raises(ConfigError, match="threshold is 2"):
        MinHash(threshold=2)
    with pytest.raises(ConfigError, match="unit is 'lines'"):
        MinHash(unit="lines")
    with pytest.raises(DataError, match="a int is no text"):
        MinHash([3]).check(_items(SPIDER))
