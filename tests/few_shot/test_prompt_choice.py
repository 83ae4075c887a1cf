"""Prompts are ranked by what their answers are worth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmal.calibration import make
from llmal.calibration.divergences import mutual_information
from llmal.core.records import Item
from llmal.errors import ConfigError, DataError
from llmal.few_shot.prompt_choice import RankedPrompt, rank_prompts
from llmal.lm import ResponseCache, TransformersLM
from llmal.pool import Pool
from llmal.prompting import LabellingPrompts, PromptTemplate, load_prompt
from llmal.prompting.scorer import PromptScorer
from llmal.task import Task

LABELS = ["Abbreviation", "Description", "Entity", "Location", "Number", "Person"]
KNOWN = (
    'Classify the question into one of: {{ labels | join(", ") }}.\n\n'
    "{% for each in demonstrations %}Question: {{ each.item.text | line }}\n"
    "Answer Type: {{ each.word }}\n\n{% endfor %}"
    "Question: {{ item.text | line }}\nAnswer Type:"
)
BARE = "{{ item.text | line }} ->"
NONSENSE = "Blue ladders sing to {{ item.text | length }} wet stones. A stone:"


def _template(folder: Path, name: str, completion: str) -> PromptTemplate:
    file = folder / f"{name}.yaml"
    indented = completion.replace("\n", "\n  ")
    file.write_text(f"name: {name}\nversion: 1\ninputs: [item]\ncompletion: |\n  {indented}\n")
    return load_prompt(file)


def _scorer(
    lm: TransformersLM, template: PromptTemplate, style: str = "completion", **options: Any
) -> PromptScorer:
    labels = options.pop("labels", LABELS)
    return PromptScorer(LabellingPrompts(Task("trec6", labels), template, lm, style), **options)


@pytest.fixture(scope="module")
def lm(tiny_lm_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformersLM]:
    """The small model, which answers what several tests ask only once."""
    cache = ResponseCache(tmp_path_factory.mktemp("answers") / "cache.sqlite")
    yield TransformersLM(tiny_lm_path, device="cpu", cache=cache)
    cache.close()


@pytest.fixture
def three(lm: TransformersLM, tmp_path: Path) -> list[PromptScorer]:
    """The worst first."""
    texts = {"nonsense": NONSENSE, "bare": BARE, "known": KNOWN}
    return [_scorer(lm, _template(tmp_path, *one)) for one in texts.items()]


@pytest.fixture(scope="module")
def items(shared: Path) -> list[Item]:
    return list(Pool.from_file(shared / "data/trec6/test.jsonl.gz", gold="label")[:80])


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _names(ranked: list[RankedPrompt]) -> list[str]:
    return [one.template.name for one in ranked]


def _entropy(row: list[float]) -> float:
    return -sum(p * math.log(p) for p in row if p > 0)


def test_labels_rank_a_prompt_the_model_knows_first_and_nonsense_last(
    three: list[PromptScorer], items: list[Item]
):
    ranked = rank_prompts(three, items, labelled=items, rng=_rng())
    assert _names(ranked) == ["known", "bare", "nonsense"]
    best, _, worst = ranked
    assert best.accuracy is not None
    assert worst.accuracy is not None
    assert best.accuracy > 0.6
    assert worst.accuracy < 0.4
    assert best.held_out == best.items == len(items)


def test_without_labels_mutual_information_ranks_nonsense_last(
    three: list[PromptScorer], items: list[Item]
):
    ranked = rank_prompts(three, items, rng=_rng())
    assert _names(ranked)[0] == "known"
    assert _names(ranked)[-1] == "nonsense"
    figures = [one.mutual_information for one in ranked]
    assert figures == sorted(figures, reverse=True)
    assert figures[0] > 10 * figures[-1]
    assert all(one.accuracy is one.macro_f1 is one.raw_accuracy is None for one in ranked)


def test_the_figures_are_those_of_a_plain_loop(three: list[PromptScorer], items: list[Item]):
    scorer = three[-1]
    (found,) = [
        one
        for one in rank_prompts(three, items[:60], labelled=items[40:], rng=_rng())
        if one.template.name == "known"
    ]
    raw = scorer.score(items).probabilities.tolist()
    pool, columns = raw[:60], range(len(LABELS))
    prior = [sum(row[c] for row in pool) / len(pool) for c in columns]
    corrected = []
    for row in raw:
        weights = [row[c] / prior[c] for c in columns]
        corrected.append([weight / sum(weights) for weight in weights])

    def information(rows: list[list[float]]) -> float:
        mean = [sum(row[c] for row in rows) / len(rows) for c in columns]
        return _entropy(mean) - sum(_entropy(row) for row in rows) / len(rows)

    best = [row.index(max(row)) for row in corrected]
    shares = [best[:60].count(c) / 60 for c in columns]
    truth = [LABELS.index(item.gold or "") for item in items]
    right = [best[n] == truth[n] for n in range(40, len(items))]
    raw_right = [raw[n].index(max(raw[n])) == truth[n] for n in range(40, len(items))]
    scores = []
    for c in columns:
        both = sum(best[n] == c == truth[n] for n in range(40, len(items)))
        either = best[40:].count(c) + truth[40:].count(c)
        scores.append(2 * both / either if either else 0.0)
    assert found.mutual_information == pytest.approx(information(corrected[:60]))
    assert found.raw_mutual_information == pytest.approx(information(pool))
    assert found.local_entropy == pytest.approx(sum(_entropy(row) for row in corrected[:60]) / 60)
    assert found.global_entropy == pytest.approx(_entropy(shares))
    assert found.accuracy == pytest.approx(sum(right) / len(right))
    assert found.raw_accuracy == pytest.approx(sum(raw_right) / len(right))
    assert found.macro_f1 == pytest.approx(sum(scores) / len(scores))
    assert (found.items, found.held_out) == (60, len(items) - 40)


def test_mutual_information_of_known_tables():
    sure = np.eye(4)[[0, 1, 2, 3] * 5]
    assert mutual_information(sure) == pytest.approx(math.log(4))
    assert mutual_information(np.full((7, 3), 1 / 3)) == pytest.approx(0)
    assert mutual_information(np.tile([0.9, 0.1, 0.0], (5, 1))) == pytest.approx(0)


def test_every_item_is_asked_about_once(three: list[PromptScorer], items: list[Item]):
    ranked = rank_prompts(three, items[:30] * 2, labelled=items[20:40], rng=_rng())
    for one in ranked:
        scorer = next(s for s in three if s.prompts.template == one.template)
        asked = scorer.spent
        assert one.cost == asked
        fresh = PromptScorer(scorer.prompts)
        fresh.score(items[:40])
        assert (asked.requests, asked.prompt_tokens) == (
            fresh.spent.requests,
            fresh.spent.prompt_tokens,
        )


def test_demonstrations_are_in_the_prompt_and_not_held_out(
    three: list[PromptScorer], items: list[Item]
):
    known = three[1:]
    with_them, without = (
        next(
            one
            for one in rank_prompts(
                known, items[:30], labelled=items[:30], demonstrations=shown, rng=_rng()
            )
            if one.template.name == "known"
        )
        for shown in (items[:4], [])
    )
    assert (with_them.held_out, without.held_out) == (26, 30)
    assert with_them.cost.prompt_tokens > without.cost.prompt_tokens + 26 * 20
    assert with_them.mutual_information != without.mutual_information
    with pytest.raises(DataError, match="all labelled items are demonstrations"):
        rank_prompts(known, items, labelled=items[:2], demonstrations=items[:4], rng=_rng())


def test_prompts_that_are_as_good_stand_by_information_and_then_as_given(
    lm: TransformersLM, tmp_path: Path, items: list[Item]
):
    # Both answer alike for every text, so their accuracy and information are equal.
    same = [_scorer(lm, _template(tmp_path, n, f"{n} is a word.")) for n in ("one", "two")]
    for scorers in (same, same[::-1]):
        ranked = rank_prompts(scorers, items[:10], calibrator=None, rng=_rng())
        assert _names(ranked) == [s.prompts.template.name for s in scorers]
        assert ranked[0].mutual_information == pytest.approx(0, abs=1e-9)
    known = _scorer(lm, _template(tmp_path, "known", KNOWN))
    # One item that all get wrong or all get right: accuracy ties, information decides.
    for item in items[:20]:
        ranked = rank_prompts([same[0], known], items[:20], labelled=[item], rng=_rng())
        if ranked[0].accuracy == ranked[1].accuracy:
            assert _names(ranked) == ["known", "one"]
            break
    else:
        pytest.fail("no item ties the two prompts")


@pytest.mark.parametrize("name", ["contextual", "domain-context", "prior-matching"])
def test_other_calibrators_are_fitted_for_each_prompt(
    name: str, three: list[PromptScorer], items: list[Item]
):
    ranked = rank_prompts(three, items[:40], calibrator=name, rng=_rng())
    again = rank_prompts(three[::-1], items[:40], calibrator=make(name), rng=_rng())
    assert _names(ranked)[0] == "known"
    figures = {one.template.name: one.mutual_information for one in ranked}
    assert figures == pytest.approx({o.template.name: o.mutual_information for o in again})
    assert any(
        one.mutual_information != pytest.approx(one.raw_mutual_information) for one in ranked
    )


def test_without_a_calibrator_both_figures_are_one(three: list[PromptScorer], items: list[Item]):
    for one in rank_prompts(three, items[:20], calibrator=None, rng=_rng()):
        assert one.mutual_information == pytest.approx(one.raw_mutual_information)


def test_perplexity_is_asked_for(three: list[PromptScorer], items: list[Item]):
    plain = rank_prompts(three, items[:10], rng=_rng())
    assert all(one.perplexity is None for one in plain)
    ranked = {
        one.template.name: one
        for one in rank_prompts(three, items[:10], perplexity=True, rng=_rng())
    }
    lm = three[0].lm
    prompts = [one.prompt for one in three[-1].build(items[:10], [[]] * 10)]
    each = [math.exp(-lm.log_likelihood([str(prompt)])[0]) for prompt in prompts]
    found = ranked["known"].perplexity
    assert found == pytest.approx(sum(each) / 10, rel=1e-4)
    assert found < (ranked["nonsense"].perplexity or 0)
    cheaper = next(one for one in plain if one.template.name == "known")
    assert ranked["known"].cost.prompt_tokens > cheaper.cost.prompt_tokens


def test_the_two_forms_of_one_prompt_can_be_compared(lm: TransformersLM, items: list[Item]):
    label = load_prompt("label")
    scorers = [_scorer(lm, label, style) for style in ("chat", "completion")]
    ranked = rank_prompts(scorers, items[:20], labelled=items[:20], perplexity=True, rng=_rng())
    assert {one.style for one in ranked} == {"chat", "completion"}
    assert all((one.perplexity is None) == (one.style == "chat") for one in ranked)


def test_figures_as_plain_data(three: list[PromptScorer], items: list[Item]):
    best = rank_prompts(three, items[:10], labelled=items[10:20], rng=_rng())[0]
    data = best.as_dict()
    assert data["prompt"] == best.template.key
    assert data["accuracy"] == best.accuracy
    assert data["cost"] == best.cost.as_dict()
    assert set(data) == {
        "prompt", "style", "mutual_information", "global_entropy", "local_entropy",
        "raw_mutual_information", "accuracy", "macro_f1", "raw_accuracy", "perplexity", "items",
        "held_out", "cost",
    }  # fmt: skip


def test_what_cannot_be_ranked_is_refused(
    three: list[PromptScorer], lm: TransformersLM, items: list[Item], tmp_path: Path
):
    copy = _scorer(lm, _template(tmp_path, "copy", KNOWN))
    other = _scorer(lm, load_prompt("label"), labels=LABELS[::-1])
    fitted = make("batch").fit(np.log([[0.5, 0.5], [0.1, 0.9]]))

    def refused(what: str, *given: Any, error: type[Exception] = ConfigError, **options: Any):
        with pytest.raises(error, match=what):
            rank_prompts(*given, **options, rng=_rng())

    refused("there are no prompts to rank; give two or more", [], items)
    refused("there is one prompt to rank", three[:1], items)
    refused("no items to rank prompts by", three, [], error=DataError)
    refused("the completion form of the prompt 'bare' is there twice", [*three, three[1]], items)
    refused("the completion form of the prompt 'copy' is there twice", [*three, copy], items)
    refused("the prompt 'label' is for the labels Person,", [*three, other], items)
    refused("Batch is fitted already", three, items, calibrator=fitted)
    refused("Temperature is fitted on labels", three, items, calibrator="temperature")
    refused("no 'bach'", three, items, calibrator="bach")
    unlabelled = [Item("u", "Who ?")]
    refused("'u' has no label", three, items, labelled=unlabelled, error=DataError)
    wrong = [Item("w", "Who ?", gold="Who")]
    refused("'w' has the label 'Who'", three, items, labelled=wrong, error=DataError)


def test_a_second_ranking_comes_from_the_cache(
    three: list[PromptScorer], lm: TransformersLM, items: list[Item]
):
    first = rank_prompts(three, items[:20], rng=_rng())
    asked = lm.usage
    assert rank_prompts(three, items[:20], rng=_rng()) == first
    assert lm.usage == asked
