"""Filters that ask no language model: by wording, by vectors, by a learner."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from llmal.core.records import Item, SyntheticItem
from llmal.errors import ConfigError, DataError
from llmal.generators import run_filters
from llmal.generators.filters import (
    Boilerplate,
    Informative,
    Language,
    Leakage,
    LearnerAgreement,
    MinHash,
    Novelty,
    Repetition,
)
from llmal.task import Task

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


PROTECTED = [
    Item("t1", "Which Roman emperor built the long stone wall across northern Britain ?"),
    Item("t2", "What is the capital of Peru ?"),
]
TEMPLATE = ["What is the capital of Chad ?", "What is the name of the king ?", "What is a cow ?"]


def test_a_protected_item_is_found_with_three_of_its_words_changed():
    filter = Leakage(PROTECTED, pool=TEMPLATE * 20)
    reasons = filter.check(
        _items(
            "Which Greek emperor built the low stone wall across southern Britain ?",
            "I was asked: what is the capital of Peru ? I did not know the answer at all then.",
            "What is the capital of Mali ?",
            "Which stone is the hardest ?",
        )
    )
    assert reasons[0].startswith("it holds 0.")
    assert reasons[0].endswith("of the wording of item 't1' of the test set, the limit is 0.48")
    assert reasons[1].startswith("it holds 1.00 of the wording of item 't2'")
    assert reasons[2:] == [None, None]


def test_containment_is_the_weighted_share_of_words_and_pairs():
    pool = ["red cow", "red dog", "blue dog"]
    (reason,) = Leakage(["red cow"], pool=pool, containment=0.1).check(_items("red hen"))
    red, cow, pair = (np.log(5 / (1 + count)) for count in (2, 1, 1))
    assert f"it holds {red / (red + cow + pair):.2f} of the wording" in reason


def test_items_of_an_audit_are_protected_and_nothing_is_without_any():
    (reason,) = Leakage(audit=PROTECTED).check(_items("what is THE capital of Peru?"))
    assert reason == "the same text as item 't2' of the audit"
    assert Leakage().check(_items("What is the capital of Peru ?")) == [None]
    assert Leakage(["?!", "..."]).check(_items("Who ?", "!")) == [None, None]


def test_changes_inside_words_are_found_by_characters():
    (reason,) = Leakage(["Antidisestablishmentarianism"]).check(
        _items("Antidisestablishmentarianist")
    )
    assert "of its characters with text 0 (from 0) of the test set, the limit is 0.75" in reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("It was very very good", None),
        ("no no no no", "it says 'no' 4 times in a row"),
        ("Nooooooooo way", "it has 9 times 'o' in a row"),
        ("Wait ........ what", None),
        (
            "who is he and who is he and who",
            "0.43 of its runs of 3 words stood in it before, such as 'who is he' (2 times), "
            "the limit is 0.2",
        ),
    ],
)
def test_repetition(text, reason):
    assert Repetition().check(_items(text)) == [reason]


def test_what_compresses_is_refused():
    text = " ".join(f"row{n % 7} col{n % 5}" for n in range(60))
    (reason,) = Repetition(repeated=1.0).check(_items(text))
    assert reason.startswith("it compresses ")
    assert reason.endswith(" times, the limit is 2.5")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Sure! Who wrote Emma ?", "it begins as an answer to somebody: 'Sure!'"),
        ("Here is a question: Who ?", "it begins as an answer to somebody: 'Here is a question'"),
        ("As an AI model I know it", "it holds a phrase of assistants: 'As an AI'"),
        ("- Who wrote Emma ?", "it holds markdown: '- W'"),
        ("Who wrote **Emma** ?", "it holds markdown: '**Emma**'"),
        ("Person: Who wrote Emma ?", "it has a label in front: 'Person:'"),
        ("Person of the year is who ?", None),
        ("Here is the place where I was born .", None),
        ("Sure enough , it rained .", None),
        ("What are the 3 stars of Orion 's belt ?", None),
    ],
)
def test_boilerplate_by_rules(text, reason):
    task = Task("trec", ("Person", "Number"))
    assert Boilerplate(task).check(_items(text)) == [reason]


def test_a_phrase_that_is_written_again_and_again_is_refused():
    pool = [f"Who wrote book number {n} ?" for n in range(200)]
    filter = Boilerplate(pool=pool, least=3)
    texts = [f"Imagine that you are {who}" for who in ("a cow", "a king", "ill", "old")]
    usual = [f"Who wrote book number {n} ?" for n in "abcdef"]
    *first, last = filter.check(_items(*texts))
    assert first == [None] * 3
    assert last == (
        "'imagine that you are' stands in 3 of the 3 texts before, and in 0 of the 200 of the pool"
    )
    assert filter.check(_items(*usual)) == [None] * 6
    after_a_kill = Boilerplate(pool=pool, least=3)
    after_a_kill.remember(_items(*texts[:3]))
    assert after_a_kill.check(_items(texts[3])) == [last]


def test_other_scripts_and_other_languages_are_refused(shared):
    with gzip.open(shared / "data" / "trec6" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        pool = [json.loads(line)["text"] for line in file]
    filter = Language(pool[:1500])
    script, german, numbers = filter.check(
        _items(
            "Кто построил этот мост ?",
            "Wer hat das erste Telefon gebaut und in welchem Jahr war das ?",
            "2 + 2 ?",
        )
    )
    assert script == (
        "100% of its letters are in scripts that the pool is not written in, most Cyrillic"
    )
    assert german.startswith("its sequences of letters are unlike the pool's: -")
    assert german.split("where ")[1].startswith("98.0% of the pool has at least -")
    assert numbers is None
    real = filter.check(_items(*pool[1500:2000]))
    assert sum(reason is not None for reason in real) <= 25


def test_filters_that_learn_from_the_pool_want_one():
    with pytest.raises(ConfigError, match="learns from the pool, which has 1 texts; give at least"):
        Language([SPIDER])
    with pytest.raises(ConfigError, match="novelty learns from the pool, which has 0 texts"):
        Novelty(None, [])
    with pytest.raises(ConfigError, match="the pool, which is empty"):
        Informative(None, [])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Leakage(containment=0), "containment is 0"),
        (lambda: Repetition(repeated=2), "repeated is 2"),
        (lambda: Repetition(in_a_row=1), "in_a_row is 1"),
        (lambda: Repetition(compression=1), "compression is 1"),
        (lambda: Boilerplate(least=1), "least is 1"),
        (lambda: Boilerplate(lift=1), "lift is 1"),
        (lambda: Language([SPIDER] * 50, quantile=1), "quantile is 1"),
        (lambda: Novelty(None, [SPIDER] * 20, low=0.9, high=0.1), "low is 0.9 and high is 0.1"),
        (lambda: Informative(None, [SPIDER], measure="odd"), "measure is 'odd'"),
        (lambda: LearnerAgreement(None, 2), "minimum is 2"),
    ],
)
def test_options_out_of_range_are_refused(make, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make()


class _Lines:
    """Puts a text on a circle, at the angle of its number."""

    dimensions, fingerprint = 2, "lines"

    def embed(self, texts):
        angles = np.radians([float(text) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_novelty_keeps_what_lies_between_quantiles_of_the_pool():
    pool = [str(angle) for angle in range(0, 60, 2)]
    filter = Novelty(_Lines(), pool, labelled=["90"], low=0, high=1)
    near, inside, far, labelled = filter.check(_items("10.5", "60", "70", "90.5"))
    assert inside is None
    assert near == (
        "its distance to text 5 (from 0) of the pool, the nearest, is 0.009, below 0.035, the 0 "
        "quantile of the pool's own"
    )
    assert far.endswith("above 0.035, the 1 quantile of the pool's own")
    assert "text 0 (from 0) of the labelled items" in labelled


class _Shares:
    """Gives "a" the probability that a text says."""

    classes_ = ("a", "b")

    def predict_proba(self, texts):
        shares = np.array([float(text) for text in texts])
        return np.stack([shares, 1 - shares], axis=1)


@pytest.mark.parametrize("measure", ["entropy", "margin"])
def test_informative_keeps_what_the_learner_is_unsure_of(measure):
    filter = Informative(_Shares(), ["0.99", "0.9", "0.7"], measure=measure)
    sure, unsure = filter.check(_items("0.05", "0.4"))
    assert unsure is None
    assert sure.startswith(f"the learner is sure of it: {measure} ")
    assert sure.endswith("the 0.5 quantile of the pool's")


def test_learner_agreement_says_what_the_learner_thinks():
    filter = LearnerAgreement(_Shares(), 0.3)
    assert filter.check(_items("0.1", "0.4")) == [
        "the learner gives it 0.10 of 'a', less than 0.3, most to 'b' (0.90)",
        None,
    ]
    with pytest.raises(DataError, match="does not know the label 'c'; it knows a, b"):
        filter.check([SyntheticItem("syn-1", "0.5", "c", "by hand")])
