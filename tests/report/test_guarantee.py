from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from llmal.core.records import Annotation, Usage
from llmal.guarantee import Certificate
from llmal.guarantee.forecast import Forecast, Needed
from llmal.guarantee.standing import standing_of, what_stands
from llmal.guarantee.statement import Statement
from llmal.ledger import Round
from llmal.report import RunRecord, collect, render
from llmal.report.record import PromisedLabels
from llmal.task import Task

HOLDS = Certificate(
    mode="pool_error",
    accepted=np.arange(70),
    to_people=np.arange(70, 80),
    holds=True,
    epsilon=0.05,
    alpha=0.1,
    items=120,
    audited=30,
    wrong=2,
    claim="Of 120 labels no more than 6 are wrong <b>& all is well</b>",
    rests_on=("The audit was drawn uniformly.",),
)
VOID = HOLDS.void("the labels of the task have changed")
NOT_HELD = replace(HOLDS, holds=False, claim="Nothing can be promised: 59 are needed")


def _person(item, round=None, label="a"):
    usage = Usage(human_labels=1)
    return Annotation(item, label, annotator="ann", kind="human", round=round, usage=usage)


def _record(certificate, **more):
    rounds = [
        Round(number, phase, "drawn", (), (), (), 1.0, 2.0, {})
        for number, phase in enumerate(["seed", "doubtful", "audit", "review"])
    ]
    asked = {0: 40, 1: 10, 2: 30}
    people = [_person(f"i{r}-{n}", r) for r, count in asked.items() for n in range(count)]
    return RunRecord(
        task=Task("letters", ["a", "b"]),
        pool_source="pool.csv",
        pool_size=125,
        objective="labels",
        rounds=rounds,
        annotations=[*people, _person("before")],
        guarantee=PromisedLabels(
            epsilon=0.05, alpha=0.1, texts=120, certificate=certificate, **more
        ),
    )


def test_how_a_promise_stands():
    assert [standing_of(one) for one in (HOLDS, VOID, NOT_HELD, None)] == [
        "holds",
        "void",
        "not held",
        "not yet",
    ]
    assert standing_of(HOLDS, 3) == "in part"
    assert standing_of(NOT_HELD, 3) == "not held"
    # Void is void, whatever it was before.
    assert standing_of(NOT_HELD.void("the texts have changed")) == "void"
    assert what_stands(HOLDS) == HOLDS.statement
    assert what_stands(VOID).claim.startswith("VOID")
    assert what_stands(VOID).claim.endswith("the labels of the task have changed")
    assert what_stands(NOT_HELD) == NOT_HELD.statement


def test_the_figures_of_a_promise():
    figures = collect(_record(HOLDS, unreviewed=3))["guarantee"]
    assert json.loads(json.dumps(figures)) == figures
    # Not "holds": three labels are open.
    assert figures["standing"] == "in part"
    assert figures["wanted"] == {"max_error": 0.05, "confidence": 0.9}
    assert figures["asked"] == [
        {"phase": "seed", "labels": 40},
        {"phase": "doubtful", "labels": 10},
        {"phase": "audit", "labels": 30},
        {"phase": "outside a round", "labels": 1},
    ]
    assert figures["certificate"]["accepted"] == 70
    assert figures["certificate"]["to_people"] == 10
    assert (figures["certificate"]["audited"], figures["certificate"]["wrong"]) == (30, 2)
    assert (figures["unreviewed"], figures["texts"]) == (3, 120)


def test_a_run_that_promises_nothing_has_no_promise():
    record = replace(_record(HOLDS), guarantee=None)
    figures = collect(record)
    assert figures["guarantee"] is None
    assert 'id="promise"' not in render(figures)
    # A report that was written before there were promises.
    del figures["guarantee"]
    assert 'id="promise"' not in render(figures)


@pytest.mark.parametrize(
    ("certificate", "title"),
    [
        (HOLDS, "The promise holds"),
        (VOID, "Void: nothing is promised"),
        (NOT_HELD, "What was asked for cannot be promised"),
        (None, "Nothing is promised yet"),
        (replace(HOLDS, epsilon=0.08), "A weaker promise than was asked for holds"),
    ],
)
def test_the_promise_is_the_first_thing_on_the_page(certificate, title):
    page = render(collect(_record(certificate)))
    section = page.split('<section class="promise')[1].split("</section>")[0]
    assert title in section
    assert page.index('<section class="promise') < page.index('<dl class="cards">')
    assert page.index('<section class="promise') < page.index("Pool: pool.csv")
    if certificate is not None:
        # Whatever the promise says is text.
        assert "&lt;b&gt;&amp; all is well&lt;/b&gt;" in section or certificate is NOT_HELD
        assert "The audit was drawn uniformly." in section


def test_the_words_of_the_promise_stand_once():
    words = Statement("At most 9 of 120 labels are wrong", meaning="The rest is detail.")
    record = replace(_record(None), stop_reason="the budget is spent", status="finished")
    told = replace(
        record, guarantee=replace(record.guarantee, certificate=NOT_HELD, as_they_are=words)
    )
    page = render(collect(told))
    assert page.count("At most 9 of 120 labels are wrong") == 1
    assert "</span> the budget is spent</p>" in page


def test_a_void_promise_is_struck_through_and_gives_its_reason():
    section = render(collect(_record(VOID, unreviewed=70)))
    section = section.split('<section class="promise')[1].split("</section>")[0]
    assert "The labels of the task have changed" in section
    assert "<del>Of 120 labels" in section
    assert "70 labels are unreviewed" in section
    assert "Wrong labels, at most" not in section


def test_what_a_promise_will_take_is_forecast_until_it_is_given():
    forecast = Forecast("pilot", 120, 40, 0.1, 0.9, (Needed(0.05, 70, 55, 88, 20, 0.42),))
    figures = collect(_record(None, forecast=forecast))
    assert json.loads(json.dumps(figures["guarantee"])) == figures["guarantee"]
    told = figures["guarantee"]["forecast"]
    assert (told["basis"], told["people"], told["low"], told["high"]) == ("pilot", 70, 55, 88)
    section = render(figures).split('<section class="promise')[1].split("</section>")[0]
    assert "Labels by people in the end" in section
    assert "55 to 88" in section
    assert "in the end" not in render(collect(_record(HOLDS)))
