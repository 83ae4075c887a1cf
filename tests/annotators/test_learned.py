"""The annotator that learns from what people have labelled."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from llmal.annotators import Context, LearnedAnnotator
from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.task import Task

TASK = Task("farm", ["animal", "food", "tool"])


def _labelled(*pairs: tuple[str, str]) -> list[Item]:
    return [Item(f"d{n}", text, gold=label) for n, (text, label) in enumerate(pairs)]


COWS = _labelled(*[("the cow sleeps", "animal"), ("the soup is hot", "food")] * 3)


def _answers(texts: Sequence[str], labelled: Sequence[Item], **options: float) -> list[str | None]:
    annotator = LearnedAnnotator(TASK, **{"fewest": 6, **options})  # type: ignore[arg-type]
    items = [Item(f"i{n}", text) for n, text in enumerate(texts)]
    given = annotator.annotate(items, Context(round=1, demonstrations=labelled))
    for one in given:
        assert one.kind == "learner"
        assert one.label is None or isinstance(one.label, str)
    return [one.label for one in given]  # type: ignore[misc]


def test_it_says_what_words_say_in_labelled_texts() -> None:
    assert _answers(["a cow", "cold soup"], COWS) == ["animal", "food"]


def test_a_label_that_nobody_gave_has_no_probability() -> None:
    [one] = LearnedAnnotator(TASK, fewest=6).annotate(
        [Item("i", "a cow")], Context(demonstrations=COWS)
    )
    assert one.probabilities is not None
    assert one.probabilities["tool"] == 0.0
    assert sum(one.probabilities.values()) == pytest.approx(1.0)
    assert one.confidence == one.probabilities["animal"] > 0.5


def test_a_stronger_fit_is_surer() -> None:
    sure = []
    for strength in (0.1, 1.0, 100.0):
        [one] = LearnedAnnotator(TASK, fewest=6, strength=strength).annotate(
            [Item("i", "a cow")], Context(demonstrations=COWS)
        )
        sure.append(one.confidence or 0.0)
    assert sure == sorted(sure)
    assert sure[0] < 0.6 < 0.9 < sure[2]


@pytest.mark.parametrize(
    "labelled",
    [[], COWS[:5], _labelled(*[("the cow sleeps", "animal")] * 6)],
    ids=["nothing", "too few", "one label"],
)
def test_while_there_is_too_little_to_learn_from_it_has_no_label(labelled: list[Item]) -> None:
    assert _answers(["a cow", "cold soup"], labelled) == [None, None]


def test_it_learns_anew_when_labels_are_others() -> None:
    annotator = LearnedAnnotator(TASK, fewest=6)
    other = {"animal": "food", "food": "tool"}
    turned = _labelled(*[(one.text, other[str(one.gold)]) for one in COWS])
    for labelled, label in ((COWS, "animal"), (turned, "food"), (COWS, "animal")):
        [one] = annotator.annotate([Item("i", "a cow")], Context(demonstrations=labelled))
        assert one.label == label


@pytest.mark.parametrize("options", [{"strength": 0}, {"fewest": 1}])
def test_numbers_that_are_none_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        LearnedAnnotator(TASK, **options)
