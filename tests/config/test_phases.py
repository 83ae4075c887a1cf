"""The phases of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmal.config import RunConfig, parse_config
from llmal.errors import ConfigError
from llmal.factory.orchestrator import build


@pytest.fixture
def parsed(tmp_path: Path) -> Callable[[str], RunConfig]:
    """Reads a configuration of a small pool; what is given begins on line 3."""
    rows = [f"{n},The cow number {n} sleeps,animal" for n in range(12)]
    rows += [f"{n},The soup number {n} is hot,food" for n in range(12, 24)]
    (tmp_path / "pool.csv").write_text("id,text,label\n" + "\n".join(rows) + "\n")
    head = "task: {name: farm, labels: [animal, food]}\ndata: {pool: pool.csv, gold: label}\n"
    return lambda text: parse_config(head + text, source="farm.yaml", base=tmp_path)


PEOPLE = "annotator: {name: human, via: gold}\nbudget: {batch: 4, rounds: 2}\n"


def test_phases_that_are_named_are_those_of_the_run(parsed: Callable[[str], RunConfig]) -> None:
    config = parsed(
        PEOPLE + "start: {selector: random, items: 6}\n"
        "phases: [start, {name: query, selector: {name: subsample, items: 9, selector: random}}]\n"
    )
    assert parse_config(config.to_yaml(), base=config.directory.parent) == config
    run = build(config)
    assert run.plan().human_labels == 24  # phases of one's own may go over the whole pool
    result = run.run()
    assert [(one.phase, one.selector, len(one.item_ids)) for one in result.rounds] == [
        ("start", "random", 6),
        ("query", "subsample", 4),
        ("query", "subsample", 4),
    ]


def test_the_objective_of_phases_says_whether_the_pool_is_gone_over(
    parsed: Callable[[str], RunConfig],
) -> None:
    annotators = "annotator: [similarity, {name: human, via: gold}]\n"
    assert build(parsed(annotators + "phases: [start, query]")).objective == "model"
    assert build(parsed(annotators + "phases: [start, sweep, review]")).objective == "labels"


def test_what_has_to_be_asked_again_comes_before_phases_that_are_named(
    parsed: Callable[[str], RunConfig], tmp_path: Path
) -> None:
    text = (
        PEOPLE + "start: {selector: random, items: 6}\nselector: random\nphases: [start, query]\n"
    )
    first = build(parsed(text)).run()
    asked_again = {i for i, one in first.labels.items() if one.label == "food"}
    assert asked_again
    pool = (tmp_path / "pool.csv").read_text()
    (tmp_path / "pool.csv").write_text(pool.replace(",food", ",meal"))
    changed = parse_config(
        "task: {name: farm, labels: {animal: '', meal: {was: food}, drink: {was: food}}}\n"
        "data: {pool: pool.csv, gold: label}\n" + text,
        source="farm.yaml",
        base=tmp_path,
    )
    run = build(changed, accept_changes=True)
    assert [one.names[0] for one in run.campaign.phases] == [
        *("again", "check", "machines again"),
        *("start", "query"),
    ]
    rounds = run.run().rounds
    assert [set(one.item_ids) for one in rounds if one.phase == "again"] == [asked_again]


@pytest.mark.parametrize(
    ("phases", "sentence"),
    [
        ("phases: [start, qery]", "line 3, phases[1]: there is no 'qery' among the phases; did "),
        (
            "phases:\n- start\n- name: query\n  items: 3",
            "line 6, phases[1].items: query has no option 'items'; its options are asks",
        ),
        (
            "phases:\n- start\n- {name: query, asks: nobody}",
            "line 5, phases[1].asks: query: asks is 'nobody'; give 'everybody', 'people' or",
        ),
        (
            "phases:\n- start\n- name: query\n  selector: {name: subsample, itms: 3}",
            "line 6, phases[1].selector.itms: subsample has no option 'itms'; its options are",
        ),
        ("phases: []", "line 3, phases: expected at least one entry, got an empty list"),
        (
            "phases: [start]\nobjective: labels",
            "line 4, objective: there are phases too, which take its place; keep one of them",
        ),
    ],
)
def test_what_is_wrong_with_phases_is_said_with_its_line(
    phases: str, sentence: str, parsed: Callable[[str], RunConfig]
) -> None:
    with pytest.raises(ConfigError) as caught:
        build(parsed(phases))
    assert str(caught.value).startswith(f"farm.yaml, {sentence}"), str(caught.value)


@pytest.mark.parametrize(
    ("phases", "sentence"),
    [
        ("[start, start]", "there are two phases start; keep one of them"),
        ("[start, review]", "the phase review asks people, and no annotator is of them"),
    ],
)
def test_phases_that_do_not_fit_the_campaign_are_refused(
    phases: str, sentence: str, parsed: Callable[[str], RunConfig]
) -> None:
    config = parsed(f"annotator: similarity\nphases: {phases}\n")
    with pytest.raises(ConfigError, match=sentence):
        build(config)
