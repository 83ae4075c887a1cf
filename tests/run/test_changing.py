"""Changes of task and pool on a campaign: told, refused, accepted, and killed half-way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from earlier_runs import write_ledger
from told_answers import TASK, answer_of, campaign_of, pool_of
from word_bayes import WordBayes

from llmal import Annotation, Budget, Campaign, Label, Pool, Task
from llmal.annotators import Outside
from llmal.errors import ConfigError, LedgerError
from llmal.learners import LinearHead
from llmal.ledger import Ledger
from llmal.run.calibration_check import check_calibration
from llmal.run.purposes import seen_annotations
from llmal.selectors import Margin, Random

SPLIT = Task(
    "farm",
    [Label("beast", was="animal"), Label("bread", was="food"), Label("dish", was="food")],
    "one label",
)


def _open(directory: Path, task: Task, pool: Pool, **options: Any) -> Campaign:
    return Campaign(
        task,
        pool,
        directory=directory,
        annotator=options.pop("annotator", Outside("human")),
        learner=WordBayes(),
        selector=Margin(),
        start=Random(),
        budget=options.pop("budget", Budget(batch=6, human_labels=20)),
        seed=3,
        **options,
    )


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return pool_of(30, tmp_path / "cache")


@pytest.fixture
def begun(tmp_path: Path, pool: Pool) -> Path:
    """A campaign with twelve labels of people and an open round."""
    with _open(tmp_path / "run", TASK, pool) as campaign:
        for _ in range(2):
            order = campaign.ask()
            assert order is not None
            campaign.tell(answer_of(item, "human") for item in order.items)
        campaign.ask()
    return tmp_path / "run"


def _in_a_process_that_is_killed(work: Callable[[], object], statement: int) -> bool:
    """Do something in a process of its own that ends at one of its statements; whether it did."""
    child = os.fork()
    if not child:
        count = 0

        def end(*_: object) -> None:
            nonlocal count
            count += 1
            if count == statement:
                os.kill(os.getpid(), 9)

        sa.event.listen(sa.Engine, "before_cursor_execute", end)
        sa.event.listen(sa.Engine, "commit", end)
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9


@pytest.mark.slow
def test_killed_at_every_statement_of_accepting_it_is_done_or_not(begun: Path, pool: Pool) -> None:
    with _open(begun, TASK, pool) as campaign:
        before = {id: one.label for id, one in campaign.labels.items()}
    fewer = pool[3:]
    gone = set(pool.ids()) - set(fewer.ids())
    after = {id: "beast" for id, one in before.items() if one == "animal" and id not in gone}

    def accept() -> None:
        _open(begun, SPLIT, fewer, accept_changes=True).open()

    statement, undone, done = 1, 0, 0
    while _in_a_process_that_is_killed(accept, statement):
        statement += 1
        with Ledger.open(begun / "ledger.sqlite") as ledger:
            versions = len(ledger.task_versions()), len(ledger.pool_versions())
        if versions == (1, 1):
            refused = _open(begun, SPLIT, fewer)
            with pytest.raises(LedgerError, match="nothing of this is done yet"):
                refused.open()
            with _open(begun, TASK, pool) as campaign:
                assert {id: one.label for id, one in campaign.labels.items()} == before
            undone += 1
        else:
            assert versions == (2, 2)
            with _open(begun, SPLIT, fewer) as campaign:
                assert {id: one.label for id, one in campaign.labels.items()} == after
            done += 1
    assert undone > 5
    assert done > 0
    with _open(begun, SPLIT, fewer) as campaign:
        assert {id: one.label for id, one in campaign.labels.items()} == after
        assert len(campaign.open().task_versions()) == 2
        assert len(campaign.open().pool_versions()) == 2
        [event] = [one for one in campaign.open().events() if one.kind == "changed"]
        assert "'food' is split" in event.message
        assert "3 items are gone" in event.message


def test_what_goes_back_in_the_queue_is_asked_first_and_shown(begun: Path, pool: Pool) -> None:
    with _open(begun, TASK, pool) as campaign:
        before = {id: one.label for id, one in campaign.labels.items()}
    food = [id for id, label in before.items() if label == "food"]
    with _open(begun, SPLIT, pool, accept_changes=True) as campaign:
        order = campaign.ask()
        assert order is not None
        assert (order.phase, order.earlier) == ("query", {})
        campaign.tell(Annotation(item.id, "dish", "human", "human") for item in order.items)
        order = campaign.ask()
        assert order is not None
        # Two labels are left in the budget.
        assert order.phase == "again"
        assert order.items.ids() == food[:2]
        assert order.earlier == dict.fromkeys(food[:2], "food")
        assert set(order.why) == {"was 'food' before the task changed"}
        skipped, other = food[:2]
        campaign.tell(
            [
                Annotation(skipped, None, "human", "human"),
                Annotation(other, "bread", "human", "human"),
            ]
        )
        assert campaign.ask() is None
        assert campaign.labels[other].label == "bread"
        assert skipped not in campaign.labels
        versions = {one.task_version for one in campaign.open().annotations_of([other])[other]}
        assert versions == {1, 2}
    # Who has skipped it is not asked once more.
    with _open(begun, SPLIT, pool, budget=Budget(batch=6, human_labels=40)) as campaign:
        order = campaign.ask()
        assert order is not None
        assert order.items.ids() == food[2:]


def test_an_answer_that_is_told_again_is_no_answer_to_what_has_changed(
    begun: Path, pool: Pool
) -> None:
    with _open(begun, TASK, pool) as campaign:
        given = [one for one in campaign.open().annotations() if one.label is not None]
        first = given[0]
        ids, texts = pool.ids(), pool.texts()
    texts[ids.index(first.item_id)] = "another text altogether"
    changed = Pool.from_texts(texts, ids=ids, cache=begun.parent / "cache")
    with _open(begun, TASK, changed, accept_changes=True) as campaign:
        assert first.item_id not in campaign.labels
        assert campaign.tell([first]) == 0
        assert first.item_id not in campaign.labels
        fresh = Annotation(first.item_id, first.label, "human", "human")
        assert campaign.tell([fresh]) == 1
        assert campaign.tell([fresh]) == 0
        assert campaign.labels[first.item_id].label == first.label
    # Once the text is what it was, what was said about it is what counts.
    with _open(begun, TASK, pool, accept_changes=True) as campaign:
        kept = campaign.open().annotations_of([first.item_id])[first.item_id]
        assert [one.revision for one in kept] == [0, 1]


def test_what_is_corrected_in_a_round_that_waits_for_it_is_not_asked_once_more(
    begun: Path, pool: Pool
) -> None:
    with _open(begun, TASK, pool) as campaign:
        first = next(iter(campaign.labels))
        ids, texts = pool.ids(), pool.texts()
    texts[ids.index(first)] = "another text altogether"
    changed = Pool.from_texts(texts, ids=ids, cache=begun.parent / "cache")
    budget = Budget(batch=6, human_labels=40)
    with _open(begun, TASK, changed, accept_changes=True, budget=budget) as campaign:
        order = campaign.ask()
        while order is not None and first not in order.items.ids():
            campaign.tell(Annotation(item.id, "food", "human", "human") for item in order.items)
            order = campaign.ask()
        assert order is not None, "the new question is picked at some time"
        before = campaign.purse.human_labels_left
        assert campaign.correct([Annotation(first, "animal", "human", "human")]) == 1
        assert campaign.labels[first].label == "animal"
        order = campaign.ask()
        assert order is None or first not in order.items.ids()
        assert campaign.purse.human_labels_left == before


def test_machines_that_are_asked_again_go_over_the_pool_once_more(
    tmp_path: Path, pool: Pool
) -> None:
    options: dict[str, Any] = {"objective": "labels", "budget": Budget(batch=4, rounds=1)}
    run = tmp_path / "run"
    with campaign_of(pool, run, **options) as campaign:
        while (order := campaign.ask()) is not None:
            campaign.tell(answer_of(item, order.stage) for item in order.items)
        people = {id: one for id, one in campaign.labels.items() if one.kind == "human"}
        first = campaign.open().annotation_count()
    worded = Task(TASK.name, TASK.labels, "other words")
    with campaign_of(pool, run, **options) as campaign:
        router = campaign.router
    given = {**options, "annotator": router, "learner": WordBayes(), "seed": 3}
    given |= {"selector": Margin(), "start": Random(), "accept_changes": True}
    with Campaign(worded, pool, directory=run, **given) as campaign:
        assert campaign.ask() is None
        assert campaign.open().annotation_count() == first
    again = Task(TASK.name, TASK.labels, "other words again")
    with Campaign(again, pool, directory=run, when_changed="ask_again", **given) as campaign:
        assert campaign.labels == people
        assert list(seen_annotations(campaign.open(), annotator="llm")) == []
        order = campaign.ask()
        assert order is not None
        assert (order.phase, order.stage) == ("sweep", "llm")
        assert set(order.items.ids()) == set(pool.ids()) - people.keys()
        campaign.tell(answer_of(item, order.stage) for item in order.items)
        assert campaign.ask() is None
        assert {one.task_version for one in seen_annotations(campaign.open(), annotator="llm")} == {
            3
        }


def test_probabilities_of_before_are_read_where_they_are_of_the_labels_of_now(
    tmp_path: Path, pool: Pool
) -> None:
    run = tmp_path / "run"
    options: dict[str, Any] = {"objective": "labels", "budget": Budget(batch=4, rounds=2)}
    with campaign_of(pool, run, **options) as campaign:
        for _ in range(2):
            order = campaign.ask()
            assert order is not None
            campaign.tell(answer_of(item, order.stage) for item in order.items)
        router = campaign.router
    given = {**options, "annotator": router, "learner": WordBayes(), "seed": 3}
    given |= {"selector": Margin(), "start": Random(), "accept_changes": True}
    renamed = Task("farm", [Label("beast", was="animal"), "food"])
    with Campaign(renamed, pool, directory=run, **given) as campaign:
        read = [one for one in seen_annotations(campaign.open()) if one.probabilities]
        assert read
        assert {tuple(sorted(one.probabilities or {})) for one in read} == {("beast", "food")}
        order = campaign.ask()
        assert order is not None
        assert order.phase == "review"
        assert any(why != "margin 0.000" for why in order.why)
    added = Task("farm", [Label("beast", was="animal"), "food", "stone"])
    with Campaign(added, pool, directory=run, **given) as campaign:
        assert not [one for one in seen_annotations(campaign.open()) if one.probabilities]
        judged = type("Judged", (), {"name": "llm", "judged": None})()
        assert check_calibration(campaign.open(), judged, added) is None
        order = campaign.ask()
        assert order is not None
        assert order.phase == "review"


def test_of_several_labels_what_is_dropped_is_left_out_and_what_is_split_is_asked(
    tmp_path: Path, pool: Pool
) -> None:
    run = tmp_path / "run"
    given: dict[str, Any] = {"directory": run, "selector": Random(), "start": Random(), "seed": 3}
    given |= {"budget": Budget(batch=4, human_labels=8), "learner": LinearHead(), "embedder": None}
    task = Task("farm", ["alive", "wet", "warm"], kind="multi")
    answers = [("alive", "wet"), ("wet",), ("alive",), ()]
    with Campaign(task, pool, **given) as campaign:
        order = campaign.ask()
        assert order is not None
        ids = order.items.ids()
        campaign.tell(
            Annotation(id, answer, "human", "human")
            for id, answer in zip(ids, answers, strict=True)
        )
    new = Task("farm", ["alive", Label("rainy", was="wet"), Label("damp", was="wet")], kind="multi")
    with Campaign(new, pool, accept_changes=True, **given) as campaign:
        assert {id: one.label for id, one in campaign.labels.items()} == {
            ids[2]: ("alive",),
            ids[3]: (),
        }
        order = campaign.ask()
        assert order is not None
        assert order.earlier == {ids[0]: ("alive", "wet"), ids[1]: ("wet",)}


def test_a_ledger_of_version_2_is_changed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    write_ledger("corrected", str(run / "ledger.sqlite"))
    small = pool_of(24, tmp_path / "cache")
    options: dict[str, Any] = {
        "objective": "labels",
        "budget": Budget(batch=4, human_labels=10),
        "start_items": 4,
    }
    with campaign_of(small, run, **options) as campaign:
        labels = {id: one.label for id, one in campaign.labels.items()}
        order = campaign.ask()
        assert order is not None
        assert (order.phase, len(order.items)) == ("review", 2)
        router = campaign.router
    given = {**options, "annotator": router, "learner": WordBayes(), "seed": 3}
    renamed = Task("farm", [Label("beast", was="animal"), "food"])
    with Campaign(renamed, small[1:], directory=run, accept_changes=True, **given) as campaign:
        gone = small[0].id
        assert {id: one.label for id, one in campaign.labels.items()} == {
            id: "beast" if label == "animal" else label
            for id, label in labels.items()
            if id != gone
        }


def test_of_a_run_whose_words_were_not_kept_that_is_said(tmp_path: Path, pool: Pool) -> None:
    run = tmp_path / "run"
    with _open(run, TASK, pool) as campaign:
        campaign.ask()
    engine = sa.create_engine(f"sqlite:///{run / 'ledger.sqlite'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE task_versions SET task = NULL")
    engine.dispose()
    with pytest.raises(LedgerError, match=r"did not keep its words.*once with the task as it was"):
        _open(run, SPLIT, pool, accept_changes=True).open()
    _open(run, TASK, pool).open()
    with _open(run, SPLIT, pool, accept_changes=True) as campaign:
        assert len(campaign.open().task_versions()) == 2


def _labels_of(begun: Path, task: Task, pool: Pool, **options: Any) -> dict[str, object]:
    with _open(begun, task, pool, **options) as campaign:
        return {id: one.label for id, one in campaign.labels.items()}


def test_what_a_label_was_is_a_change_where_nothing_else_is(begun: Path, pool: Pool) -> None:
    before = _labels_of(begun, TASK, pool)
    swapped = Task("farm", [Label("animal", was="food"), Label("food", was="animal")])
    with pytest.raises(LedgerError, match=r"'animal' is called 'food' now; the label 'food' is"):
        _labels_of(begun, swapped, pool)
    other = {"animal": "food", "food": "animal"}
    now = {id: other[str(label)] for id, label in before.items()}
    assert _labels_of(begun, swapped, pool, accept_changes=True) == now
    # It is applied once, whether it stays in the task or not.
    assert _labels_of(begun, swapped, pool, accept_changes=True) == now
    assert _labels_of(begun, TASK, pool) == now
    assert _labels_of(begun, swapped, pool) == now

    # Said too late: the label was dropped, and what it is now comes after.
    renamed = Task("farm", ["beast", "food"])
    left = {id: label for id, label in now.items() if label == "food"}
    assert _labels_of(begun, renamed, pool, accept_changes=True) == left
    said = Task("farm", [Label("beast", was="animal"), "food"])
    with pytest.raises(LedgerError, match=r"the labels 'beast' and 'animal' are 'beast' now"):
        _labels_of(begun, said, pool)
    whole = {id: {"animal": "beast"}.get(str(label), label) for id, label in now.items()}
    assert _labels_of(begun, said, pool, accept_changes=True) == whole
    assert _labels_of(begun, said, pool) == whole
    with pytest.raises(ConfigError, match=r"said to have been 'anmal', which was no label"):
        _labels_of(begun, Task("farm", [Label("beast", was="anmal"), "food"]), pool)


def test_what_labels_were_before_the_first_version_is_no_change(tmp_path: Path, pool: Pool) -> None:
    task = Task("farm", [Label("animal", was="food"), Label("food", was="meal")])
    for _ in range(2):
        with _open(tmp_path / "run", task, pool) as campaign:
            assert len(campaign.open().task_versions()) == 1


def test_another_seed_is_still_another_run(begun: Path, pool: Pool) -> None:
    with pytest.raises(LedgerError, match=r"belongs to another seed"):
        Campaign(TASK, pool, directory=begun, seed=4, accept_changes=True).open()
    with pytest.raises(ConfigError, match=r"when_changed is 'ask'; it must be 'keep' or"):
        Campaign(TASK, pool, directory=begun, when_changed="ask")  # type: ignore[arg-type]
