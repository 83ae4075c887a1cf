"""One test for all annotators: what the orchestrator and the router rely on."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmal.annotators import (
    Annotator,
    Context,
    HumanFunction,
    HumanQueue,
    LearnedAnnotator,
    Recorded,
    Router,
    SimilarityAnnotator,
    SimulatedHuman,
    Stage,
    Threshold,
)
from llmal.core.records import Annotation, Item, Usage
from llmal.embed import SentenceEmbedder
from llmal.task import Label, Task

TASK = Task(
    "mood",
    [Label("glad", "joy and happiness"), Label("sad", "grief"), Label("angry", "rage and hate")],
)
FEELINGS = ["I am so happy", "I miss her and I cry", "I hate this", "what a lovely day"]


def _items(count: int = 24) -> list[Item]:
    """Items with gold, and with an earlier answer that is sometimes missing or no label."""
    return [
        Item(
            id=f"item-{n:02d}",
            text=f"{FEELINGS[n % 4]} {n}",
            fields={"text": f"{FEELINGS[n % 4]} {n}"},
            gold=TASK.names[n % 3],
            extra={
                "said": [TASK.names[n % 3], TASK.names[(n + 1) % 3], None, "dunno"][n % 4],
                "sure": (n % 10) / 10,
            },
        )
        for n in range(count)
    ]


CONTEXT = Context(round=4, seed=11, demonstrations=_items())


def _learned(folder: Path) -> LearnedAnnotator:
    return LearnedAnnotator(TASK)


def _simulated(folder: Path) -> SimulatedHuman:
    return SimulatedHuman(labels=TASK.names, noise=0.4, cost=0.25, seconds=2.0)


def _recorded(folder: Path) -> Recorded:
    return Recorded("said", labels=TASK.names, confidence="sure")


def _similarity(folder: Path) -> SimilarityAnnotator:
    return SimilarityAnnotator(TASK, SentenceEmbedder(device="cpu"))


def _queue(folder: Path) -> HumanQueue:
    """A queue whose file somebody has filled in, but for what they skipped or have not come to."""
    folder.mkdir(parents=True, exist_ok=True)
    typed = {item.id: [item.gold, "?", "", item.gold][n % 4] for n, item in enumerate(_items())}
    with (folder / "queue.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["id", "text", "label", "note"])
        writer.writerows([item.id, item.text, typed[item.id], ""] for item in _items())
    return HumanQueue(TASK, folder / "queue.csv", cost=0.5)


def _function(folder: Path) -> HumanFunction:
    """Somebody who answers by the last figure of the text, and skips every fourth."""

    def ask(items: list[Item]) -> list[str | None]:
        numbers = [int(one.text.split()[-1]) for one in items]
        return [None if n % 4 == 3 else TASK.names[n % 3] for n in numbers]

    return HumanFunction(TASK, ask, cost=0.5)


def _router(folder: Path) -> Router:
    return Router([Stage(_recorded(folder), Threshold(0.7)), _simulated(folder)])


BUILDERS: dict[str, Callable[[Path], Any]] = {
    "simulated": _simulated,
    "recorded": _recorded,
    "similarity": _similarity,
    "learned": _learned,
    "queue": _queue,
    "function": _function,
    "router": _router,
}
SINGLE = sorted(set(BUILDERS) - {"router"})


def _spent(given: Sequence[Annotation]) -> Usage:
    return sum((one.usage for one in given), Usage())


def _essence(one: Annotation) -> Annotation:
    """An annotation without what may differ from one time to the next: when, how long, where."""
    provenance = {name: value for name, value in one.provenance.items() if name != "line"}
    if one.probabilities is not None:
        rounded = {name: round(value, 5) for name, value in one.probabilities.items()}
        one = replace(one, probabilities=rounded)
    return replace(one, created=0.0, usage=replace(one.usage, seconds=0.0), provenance=provenance)


@pytest.mark.parametrize("name", SINGLE)
def test_it_says_who_it_is(name: str, tmp_path: Path):
    annotator = BUILDERS[name](tmp_path)
    assert isinstance(annotator, Annotator)
    assert annotator.batch_size >= 1
    for one in annotator.annotate(_items(), CONTEXT):
        assert (one.annotator, one.kind) == (annotator.name, annotator.kind)


@pytest.mark.parametrize("name", BUILDERS)
def test_an_annotator_answers_about_an_item_at_most_once(name: str, tmp_path: Path):
    given = BUILDERS[name](tmp_path).annotate(_items(), CONTEXT)
    assert given
    assert max(Counter((one.annotator, one.item_id) for one in given).values()) == 1


@pytest.mark.parametrize("name", BUILDERS)
def test_answers_are_about_the_items_that_were_asked_for(name: str, tmp_path: Path):
    asked = [_items()[n] for n in (7, 3, 20)]
    given = BUILDERS[name](tmp_path).annotate(asked, CONTEXT)
    assert given
    assert {one.item_id for one in given} <= {item.id for item in asked}


@pytest.mark.parametrize("name", BUILDERS)
def test_each_annotator_answers_in_the_order_of_the_items(name: str, tmp_path: Path):
    asked = _items()[::-1]
    place = {item.id: n for n, item in enumerate(asked)}
    given = BUILDERS[name](tmp_path).annotate(asked, CONTEXT)
    for annotator in {one.annotator for one in given}:
        places = [place[one.item_id] for one in given if one.annotator == annotator]
        assert places == sorted(places)


@pytest.mark.parametrize("name", BUILDERS)
def test_an_answer_is_a_label_or_an_abstention(name: str, tmp_path: Path):
    given = BUILDERS[name](tmp_path).annotate(_items(), CONTEXT)
    assert {one.label for one in given} <= {*TASK.names, None}


@pytest.mark.parametrize("name", BUILDERS)
def test_probabilities_are_over_all_labels(name: str, tmp_path: Path):
    for one in BUILDERS[name](tmp_path).annotate(_items(), CONTEXT):
        if one.probabilities is not None:
            assert tuple(one.probabilities) == TASK.names
            assert sum(one.probabilities.values()) == pytest.approx(1)
            assert min(one.probabilities.values()) >= 0


@pytest.mark.parametrize("name", BUILDERS)
def test_the_round_is_recorded(name: str, tmp_path: Path):
    builder = BUILDERS[name]
    assert {one.round for one in builder(tmp_path / "1").annotate(_items(), CONTEXT)} == {4}
    assert {one.round for one in builder(tmp_path / "2").annotate(_items())} == {None}


@pytest.mark.parametrize("name", BUILDERS)
def test_no_more_is_spent_than_was_estimated(name: str, tmp_path: Path):
    annotator = BUILDERS[name](tmp_path)
    most = annotator.plan(_items(), CONTEXT).highest
    spent = _spent(annotator.annotate(_items(), CONTEXT))
    for figure in ("requests", "prompt_tokens", "completion_tokens", "human_labels"):
        assert getattr(spent, figure) <= getattr(most, figure)
    assert spent.money <= most.money + 1e-9


@pytest.mark.parametrize("name", BUILDERS)
def test_an_estimate_asks_nobody(name: str, tmp_path: Path):
    annotator = BUILDERS[name](tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert annotator.plan(_items(), CONTEXT).highest == annotator.plan(_items(), CONTEXT).highest
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", BUILDERS)
def test_an_answer_does_not_depend_on_what_is_asked_with_it(name: str, tmp_path: Path):
    builder = BUILDERS[name]
    together = builder(tmp_path / "all").annotate(_items(), CONTEXT)
    alone = [
        one
        for n, item in enumerate(_items())
        for one in builder(tmp_path / str(n)).annotate([item], CONTEXT)
    ] if name != "similarity" else _in_halves(builder(tmp_path))  # fmt: skip
    key = ("item_id", "annotator")
    order = lambda one: tuple(getattr(one, k) for k in key)  # noqa: E731
    assert sorted(map(_essence, alone), key=order) == sorted(map(_essence, together), key=order)


def _in_halves(annotator: SimilarityAnnotator) -> list[Annotation]:
    items = _items()
    return [*annotator.annotate(items[::2], CONTEXT), *annotator.annotate(items[1::2], CONTEXT)]


@pytest.mark.parametrize("name", BUILDERS)
def test_nothing_asked_nothing_answered(name: str, tmp_path: Path):
    annotator = BUILDERS[name](tmp_path)
    assert annotator.annotate([], CONTEXT) == []
    assert annotator.plan([], CONTEXT).highest == Usage()


def test_a_router_accepts_one_answer_an_item_at_most(tmp_path: Path):
    given = _router(tmp_path).annotate(_items(), CONTEXT)
    accepted = Counter(one.item_id for one in given if one.decision == "accepted")
    assert set(accepted.values()) == {1}
    assert set(accepted) == {item.id for item in _items()}
    for one in given:
        assert one.label is not None or one.decision == "deferred"
