"""Asked for work and told the answers: what comes next, what is kept, what is refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from told_answers import TASK, answer_of, campaign_of, content_of, finish, pool_of
from word_bayes import WordBayes

import llmal
from llmal import Annotation, Budget, Campaign, Orchestrator, Pool
from llmal.annotators import Outside, Recorded, Router, SimulatedHuman, Stage, Threshold
from llmal.core.records import SyntheticItem, Usage
from llmal.errors import AnnotationError, ConfigError, LedgerError
from llmal.ledger import Ledger
from llmal.run.events import Event
from llmal.selectors import Margin, Random


def _people(tmp_path: Path, **options: Any) -> Campaign:
    pool = pool_of(40, tmp_path / "cache")
    given: dict[str, Any] = {"annotator": None, "budget": Budget(batch=5, human_labels=20)}
    return campaign_of(pool, tmp_path / "run", **{**given, **options})


def _recorded(campaign: Campaign) -> list[Annotation]:
    return list(campaign.open().annotations())


def test_a_loop_of_ask_and_tell_ends_with_a_reason(tmp_path: Path) -> None:
    with _people(tmp_path) as campaign:
        asked: list[str] = []
        phases: list[tuple[str, int]] = []
        while (order := campaign.ask()) is not None:
            assert campaign.reason is None
            assert (order.stage, order.purpose, order.wanted) == ("human", "train", 1)
            assert len(order.why) == len(order.items) == 5
            phases.append((order.phase, order.round))
            asked += order.items.ids()
            campaign.tell(
                Annotation(item.id, "animal" if "cat" in item.text else "food", "anna", "human")
                for item in order.items
            )
        assert campaign.reason == "the budget of 20 human labels is spent"
        assert phases == [("start", 0), ("query", 1), ("query", 2), ("query", 3)]
        assert len(set(asked)) == len(asked) == 20
        assert {id: one.annotator for id, one in campaign.labels.items()} == dict.fromkeys(
            asked, "anna"
        )
        assert [one.number for one in campaign.rounds] == [0, 1, 2, 3]
    assert (tmp_path / "run" / "picks" / "round-003.json").is_file()


def test_an_orchestrator_and_answers_that_are_told_end_alike(tmp_path: Path) -> None:
    texts = pool_of(40, tmp_path / "cache")
    pool = Pool.from_texts(
        texts.texts(),
        ["animal" if n % 2 else "food" for n in range(40)],
        ids=texts.ids(),
        cache=tmp_path / "cache",
    )
    parts: dict[str, Any] = {
        "learner": WordBayes(),
        "selector": Margin(),
        "start": Random(),
        "budget": Budget(batch=5, rounds=3),
    }
    Orchestrator(TASK, pool, directory=tmp_path / "a", annotator=SimulatedHuman(), **parts).run()
    with Campaign(TASK, pool, directory=tmp_path / "b", **parts) as campaign:
        while (order := campaign.ask()) is not None:
            campaign.tell(Annotation(one.id, one.gold, "human", "human") for one in order.items)
    ledgers = [content_of(tmp_path / name / "ledger.sqlite") for name in "ab"]
    assert ledgers[0]["rounds"] == ledgers[1]["rounds"]
    assert ledgers[0]["labels"] == ledgers[1]["labels"]
    assert ledgers[0]["usage"]["human"] == ledgers[1]["usage"]["human"]


def test_the_same_is_asked_until_it_is_told(tmp_path: Path) -> None:
    with _people(tmp_path) as campaign:
        first, again = campaign.ask(), campaign.ask()
        assert first is not None
        assert again is not None
        ids = first.items.ids()
        assert ids == again.items.ids()
        campaign.tell([answer_of(first.items[3], "human")])
        left = campaign.ask()
        assert left is not None
        assert left.items.ids() == ids[:3] + ids[4:]
        assert (left.round, left.answered) == (0, 1)
    with _people(tmp_path) as other:
        resumed = other.ask()
        assert resumed is not None
        assert resumed.items.ids() == left.items.ids()


def test_telling_twice_changes_nothing(tmp_path: Path) -> None:
    with _people(tmp_path) as campaign:
        order = campaign.ask()
        assert order is not None
        answers = [answer_of(item, "human") for item in order.items]
        assert campaign.tell(answers) == 5
        assert campaign.tell(answers) == 0
        assert campaign.tell([*answers[2:], *answers[:2]]) == 0
        later = campaign.ask()
        assert later is not None
        assert later.round == 1
        assert campaign.tell(answers) == 0
        assert len(_recorded(campaign)) == 5


def _wrong(answer: Annotation, **changes: Any) -> Annotation:
    return Annotation(**{**vars(answer), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"item_id": "i9999"},
            "there is no item with the id 'i9999', and nothing of what was told",
        ),
        ({"item_id": "I0001"}, "did you mean 'i0001'"),
        ({"label": "plant"}, "the answer of 'human' to item '.*' does not fit .*'plant'"),
        ({"round": 7}, "is said to be of round 7, which has not been asked for"),
        ({"annotator": "gpt", "kind": "llm"}, "of 'gpt', which is no stage of this campaign"),
    ],
)
def test_an_answer_that_does_not_fit_is_one_sentence_and_nothing_is_recorded(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with _people(tmp_path) as campaign:
        order = campaign.ask()
        assert order is not None
        answers = [answer_of(item, "human") for item in order.items]
        with pytest.raises(AnnotationError, match=message) as caught:
            campaign.tell([*answers[:4], _wrong(answers[4], **changes)])
        assert "\n" not in str(caught.value)
        assert "nothing of what was told with it is recorded" in str(caught.value)
        assert _recorded(campaign) == []
        assert campaign.tell(answers) == 5


def test_labels_are_taken_in_another_spelling(tmp_path: Path) -> None:
    with _people(tmp_path) as campaign:
        order = campaign.ask()
        assert order is not None
        campaign.tell([Annotation(order.items[0].id, " Animal ", "anna", "human")])
        assert _recorded(campaign)[0].label == "animal"


def test_a_machine_is_asked_first_and_people_get_what_it_is_unsure_of(tmp_path: Path) -> None:
    router = Router([Stage(Outside("llm", "llm"), Threshold(0.9)), Outside("human", cost=0.5)])
    with _people(tmp_path, annotator=router, budget=Budget(batch=6, rounds=0)) as campaign:
        order = campaign.ask()
        assert order is not None
        assert order.stage == "llm"
        assert campaign.ask("human") is None
        assert campaign.reason is None
        with pytest.raises(
            ConfigError, match="there is no stage 'anna'; the stages are llm, human"
        ):
            campaign.ask("anna")
        sure = order.items.ids()[:4]
        campaign.tell(
            Annotation(id, "food", "llm", "llm", probabilities={"food": p, "animal": 1 - p})
            for id, p in zip(order.items.ids(), [0.95] * 4 + [0.6] * 2, strict=True)
        )
        people = campaign.ask()
        assert people is not None
        assert people.stage == "human"
        assert people.items.ids() == order.items.ids()[4:]
        assert set(campaign.labels) == set(sure)
        campaign.tell(Annotation(id, "animal", "human", "human") for id in people.items.ids())
        assert campaign.ask() is None
        assert campaign.reason == "0 rounds are done"
        spent = campaign.open().total_usage()
        assert (spent.human_labels, spent.money) == (2, 1.0)


def test_labels_objective_sweeps_and_reviews(tmp_path: Path) -> None:
    pool = pool_of(60, tmp_path / "cache")
    with campaign_of(
        pool, tmp_path / "run", objective="labels", budget=Budget(batch=8)
    ) as campaign:
        seen: dict[str, list[tuple[str, str, int]]] = {}
        while (order := campaign.ask()) is not None:
            seen.setdefault(order.phase, []).append((order.stage, order.purpose, len(order.items)))
            campaign.tell(answer_of(item, order.stage) for item in order.items)
        assert campaign.reason == "no item is left to ask about; 3 have no label"
    assert [*seen] == ["start", "sweep", "review"]
    assert seen["start"] == [("human", "train", 8)]
    assert [one[0] for one in seen["sweep"]] == ["llm"]
    assert 52 <= seen["sweep"][0][2] <= 60
    assert {one[:2] for one in seen["review"]} == {("human", "review")}


def test_a_person_may_label_what_was_not_asked(tmp_path: Path) -> None:
    with _people(tmp_path) as campaign:
        order = campaign.ask()
        assert order is not None
        [spare] = [id for id in campaign.pool.ids() if id not in order.items.ids()][:1]
        campaign.tell([Annotation(spare, "food", "anna", "human")])
        [kept] = _recorded(campaign)
        assert (kept.round, kept.usage.human_labels) == (None, 1)
        assert finish(campaign)
        assert spare not in {i for one in campaign.rounds for i in one.item_ids}
        assert campaign.open().total_usage().human_labels == 20


def test_what_it_costs_is_kept_if_it_is_said(tmp_path: Path) -> None:
    with _people(tmp_path) as campaign:
        order = campaign.ask()
        assert order is not None
        usage = Usage(human_labels=1, money=3.0, seconds=12.0)
        campaign.tell([Annotation(order.items[0].id, "food", "anna", "human", usage=usage)])
        assert _recorded(campaign)[0].usage == usage


def test_a_learner_is_trained_only_when_the_next_items_are_picked(tmp_path: Path) -> None:
    steps: list[str] = []

    def note(event: Event) -> None:
        if "training" in event.message:
            steps.append(event.message)

    with _people(tmp_path, callbacks=[note]) as campaign:
        for trained in ([], ["round 0: training on 5 labels"]):
            order = campaign.ask()
            assert order is not None
            assert steps == trained
            campaign.tell(Annotation(one.id, "food", "human", "human") for one in order.items)
            assert steps == trained
    steps.clear()
    with _people(tmp_path, callbacks=[note]) as campaign:
        assert campaign.ask() is not None
        # Of the round before it is known how far the learner's predictions have moved.
        assert steps == ["round 0: training on 5 labels", "round 1: training on 10 labels"]
    steps.clear()
    with _people(tmp_path, callbacks=[note]) as campaign:
        assert campaign.ask() is not None
        assert steps == [], "the round is under way, and nobody needs the learner"


def test_items_that_nobody_can_answer_are_not_picked(tmp_path: Path) -> None:
    texts = pool_of(12, tmp_path / "cache")
    gold = ["food", None] * 6
    pool = Pool.from_texts(texts.texts(), gold, ids=texts.ids(), cache=tmp_path / "cache")
    with campaign_of(
        pool, tmp_path / "run", annotator=SimulatedHuman(), budget=Budget(batch=4)
    ) as campaign:
        finish(campaign)
        assert {i for one in campaign.rounds for i in one.item_ids} == set(texts.ids()[::2])


def test_parts_and_directories_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="start selector margin needs probabilities"):
        _people(tmp_path, start=Margin())
    with pytest.raises(ConfigError, match="there is no objective 'fun'"):
        _people(tmp_path, objective="fun")
    with _people(tmp_path) as campaign:
        campaign.ask()
    with (
        _people(tmp_path, seed=4) as other,
        pytest.raises(LedgerError, match="belongs to another seed"),
    ):
        other.ask()
    with pytest.raises(ConfigError, match="cost is -1"):
        Outside(cost=-1)


def test_a_round_of_a_phase_that_is_gone_is_named(tmp_path: Path) -> None:
    pool = pool_of(20, tmp_path / "cache")
    options: dict[str, Any] = {"objective": "labels", "budget": Budget(batch=4)}
    with campaign_of(pool, tmp_path / "run", **options) as campaign:
        assert campaign.ask() is not None
    machine = Outside("llm", "llm")
    with (
        campaign_of(pool, tmp_path / "run", annotator=machine, **options) as other,
        pytest.raises(ConfigError, match="round 0 belongs to a phase 'start', which this campaign"),
    ):
        other.ask()


def test_a_run_that_waits_for_answers_that_are_told(tmp_path: Path) -> None:
    """An orchestrator asks the machines; people answer through a campaign in the same directory."""
    texts = pool_of(20, tmp_path / "cache")
    frame = pd.DataFrame({"id": texts.ids(), "text": texts.texts(), "said": "food", "sure": 0.5})
    pool = Pool.from_pandas(frame, cache=tmp_path / "cache")
    parts: dict[str, Any] = {
        "learner": WordBayes(),
        "selector": Random(),
        "start": Random(),
        "budget": Budget(batch=5, rounds=0),
        "directory": tmp_path / "run",
        "annotator": Router(
            [
                Stage(Recorded("said", labels=TASK.names, confidence="sure"), Threshold(0.9)),
                Outside("human"),
            ]
        ),
    }
    result = Orchestrator(TASK, pool, **parts).run()
    assert (result.status, result.reason) == (
        "waiting",
        "5 labels by people are wanted; run again when they are there",
    )
    with llmal.Campaign(TASK, pool, **parts) as campaign:
        order = campaign.ask()
        assert order is not None
        assert order.stage == "human"
        campaign.tell(llmal.Annotation(i, "animal", "human", "human") for i in order.items.ids())
    result = Orchestrator(TASK, pool, **parts).run()
    assert (result.status, result.reason) == ("finished", "0 rounds are done")
    assert {one.label for one in result.labels.values()} == {"animal"}


def test_the_names_of_rounds_of_older_ledgers_are_known(tmp_path: Path) -> None:
    """llmal 0.1 called the rounds of a review queries."""
    pool = pool_of(30, tmp_path / "cache")
    options: dict[str, Any] = {"objective": "labels", "budget": Budget(batch=4, rounds=2)}
    with campaign_of(pool, tmp_path / "run", **options) as campaign:
        for _ in range(2):
            order = campaign.ask()
            assert order is not None
            campaign.tell(answer_of(item, order.stage) for item in order.items)
        order = campaign.ask()
        assert order is not None
        assert order.phase == "review"
    with sqlite3.connect(tmp_path / "run" / "ledger.sqlite") as database:
        database.execute("UPDATE rounds SET phase = 'query' WHERE phase = 'review'")
    with campaign_of(pool, tmp_path / "run", **options) as campaign:
        again = campaign.ask()
        assert again is not None
        assert (again.phase, again.items.ids()) == ("review", order.items.ids())
        finish(campaign)
        assert campaign.reason == "2 rounds are done"
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        assert [one.phase for one in ledger.rounds()] == ["start", "sweep", "query", "review"]


def test_several_people_answer_at_one_stage(tmp_path: Path) -> None:
    with _people(tmp_path) as campaign:
        order = campaign.ask()
        assert order is not None
        ids = order.items.ids()
        campaign.tell(Annotation(i, "food", "anna", "human") for i in ids[:2])
        assert campaign.tell([Annotation(ids[0], "food", "ben", "human")]) == 1
        left = campaign.ask()
        assert left is not None
        assert left.items.ids() == ids[2:]
        campaign.tell(Annotation(i, "food", "ben", "human", stage="human") for i in ids[2:])
        later = campaign.ask()
        assert later is not None
        assert later.round == 1
        assert {one.stage for one in _recorded(campaign)} == {"human"}
        assert campaign.open().usage()["ben"].human_labels == 4
        with pytest.raises(AnnotationError, match="of 'experts', which is no stage"):
            campaign.tell([Annotation(ids[0], "food", "anna", "human", stage="experts")])


def test_another_answer_than_was_told_before_is_refused_and_can_be_revised(tmp_path: Path) -> None:
    with _people(tmp_path) as campaign:
        order = campaign.ask()
        assert order is not None
        ids = order.items.ids()
        campaign.tell([Annotation(ids[0], "food", "anna", "human")])
        with pytest.raises(
            AnnotationError,
            match=r"'anna' has answered 'food' for item '.*' before, and now 'animal'",
        ) as caught:
            campaign.tell(
                [
                    Annotation(ids[1], "food", "anna", "human"),
                    Annotation(ids[0], "animal", "anna", "human"),
                ]
            )
        assert "\n" not in str(caught.value)
        assert len(_recorded(campaign)) == 1
        twice = [Annotation(ids[2], label, "anna", "human") for label in ("food", "animal")]
        with pytest.raises(AnnotationError, match="has answered 'food' for item"):
            campaign.tell(twice)
        assert len(_recorded(campaign)) == 1
        campaign.open().revise([Annotation(ids[0], "animal", "anna", "human")])
        assert campaign.labels[ids[0]].label == "animal"


def test_answers_of_several_labels_are_told(tmp_path: Path) -> None:
    task = llmal.Task("farm", ["cow", "dog", "soup"], kind="multi")
    texts = [f"a {'cow' if n % 2 else 'dog'} and soup number {n}" for n in range(9)] + ["nothing"]
    with Campaign(
        task, Pool.from_texts(texts), directory=tmp_path, budget=Budget(human_labels=8, batch=4)
    ) as campaign:
        while (order := campaign.ask()) is not None:
            campaign.tell(
                Annotation(item.id, tuple(n for n in task.names if n in item.text), "anna", "human")
                for item in order.items
            )
        assert campaign.reason == "the budget of 8 human labels is spent"
        assert len(campaign.labels) == 8
        first = next(iter(campaign.labels))
        assert campaign.correct([Annotation(first, [], "anna", "human")]) == 1  # type: ignore[arg-type]
        assert campaign.labels[first].label == ()
        with pytest.raises(AnnotationError, match="does not fit"):
            campaign.correct([Annotation(first, ("pig",), "anna", "human")])


def test_a_bare_campaign_learns_from_what_a_generator_has_written(tmp_path: Path) -> None:
    with _people(tmp_path) as campaign:
        written = SyntheticItem("s1", "cat dog", "animal", "class_conditional")
        campaign.open().add_synthetic([written])
    with _people(tmp_path) as campaign:
        order = campaign.ask()
        assert order is not None
        campaign.tell(Annotation(one.id, "food", "human", "human") for one in order.items)
        assert campaign.ask() is not None
        assert campaign.rounds[0].metrics["synthetic"] == 1
        assert campaign.learning.is_useful, "food from people, animals from the generator"
