"""Several people answer one item: who is asked, who is not, and what becomes of the answers."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from told_answers import TASK, answer_of, campaign_of, finish, pool_of
from word_bayes import WordBayes

from llmal import Annotation, Budget, Campaign, Orchestrator, Pool
from llmal.annotators import Outside, Router, SimulatedHuman, Stage, Threshold, WorkerFiles
from llmal.errors import AnnotationError, ConfigError
from llmal.ledger import Ledger
from llmal.selectors import Random


def _people(tmp_path: Path, answers: int = 3, share: float = 1.0, **options: Any) -> Campaign:
    pool = pool_of(40, tmp_path / "cache")
    given: dict[str, Any] = {
        "annotator": Stage(Outside("human"), answers=answers, share=share),
        "budget": Budget(batch=4, human_labels=24),
        **options,
    }
    return campaign_of(pool, tmp_path / "run", **given)


def _says(worker: str, label: str | None, *ids: str, **other: Any) -> list[Annotation]:
    return [Annotation(one, label, worker, "human", **other) for one in ids]


def test_an_order_is_done_when_each_item_has_its_answers(tmp_path: Path) -> None:
    with _people(tmp_path) as campaign:
        order = campaign.ask()
        assert order is not None
        ids = order.items.ids()
        assert (order.wanted, [*order.missing]) == (3, [3, 3, 3, 3])
        campaign.tell(_says("anna", "food", *ids))
        campaign.tell(_says("ben", "animal", *ids[:2]) + _says("eve", None, ids[0]))
        again = campaign.ask()
        assert again is not None
        assert (again.round, again.items.ids(), again.answered) == (0, ids[1:], 1)
        assert [*again.missing] == [1, 2, 2]
        assert [set(one) for one in again.answered_by] == [{"anna", "ben"}, {"anna"}, {"anna"}]
        assert campaign.tell(_says("anna", "food", ids[3])) == 0
        campaign.tell(_says("eve", "animal", *ids[1:]) + _says("ben", "food", *ids[2:]))
        later = campaign.ask()
        assert later is not None
        assert later.round == 1
        labels = {item: one.label for item, one in campaign.labels.items()}
        assert labels == {ids[0]: "animal", ids[1]: "animal", ids[2]: "food", ids[3]: "food"}
        assert campaign.labels[ids[1]].answers == 3


def test_a_share_of_the_items_is_drawn_by_the_seed(tmp_path: Path) -> None:
    def wanted(name: str, seed: int) -> dict[str, int]:
        found: dict[str, int] = {}
        with _people(
            tmp_path / name, 2, 0.25, budget=Budget(batch=40, human_labels=None), seed=seed
        ) as campaign:
            order = campaign.ask()
            assert order is not None
            found = dict(zip(order.items.ids(), order.missing, strict=True))
        return found

    first = wanted("a", 3)
    assert set(first.values()) == {1, 2}
    assert 4 <= sum(count == 2 for count in first.values()) <= 18
    assert wanted("b", 3) == first != wanted("c", 4)


def test_the_budget_is_of_answers_and_not_of_items(tmp_path: Path) -> None:
    with _people(tmp_path, budget=Budget(batch=4, human_labels=8)) as campaign:
        order = campaign.ask()
        assert order is not None
        assert [*order.missing] == [3, 3, 2]
        while (order := campaign.ask()) is not None:
            for item, count, by in zip(
                order.items.ids(), order.missing, order.answered_by, strict=True
            ):
                names = [one for one in ("anna", "ben", "eve") if one not in by]
                for worker in names[:count]:
                    campaign.tell(_says(worker, "food", item))
        assert campaign.reason == "the budget of 8 human labels is spent"
        assert campaign.open().total_usage().human_labels == 8


def test_a_worker_gets_what_this_worker_has_not_answered(tmp_path: Path) -> None:
    with _people(tmp_path, 2) as campaign:
        whole = campaign.ask()
        assert whole is not None
        ids = whole.items.ids()
        anna = campaign.ask(worker="anna", at_most=2)
        assert anna is not None
        assert anna.items.ids() == ids[:2]
        assert [*anna.why] == [*whole.why[:2]]
        campaign.tell(_says("anna", "food", ids[0]))
        more = campaign.ask(worker="anna", at_most=2)
        assert more is not None
        assert more.items.ids() == ids[1:3]
        ben = campaign.ask(worker="ben")
        eve = campaign.ask(worker="eve")
        assert ben is not None
        assert eve is not None
        assert (ben.items.ids(), eve.items.ids()) == (ids, ids[3:])
        assert campaign.ask(worker="tom") is None
        assert campaign.reason is None


def test_a_lease_that_runs_out_is_free_and_its_answer_is_taken_all_the_same(
    tmp_path: Path,
) -> None:
    with _people(tmp_path, 1) as campaign:
        assert campaign.ask(worker="anna", seconds=0.001) is not None
        ben = campaign.ask(worker="ben", seconds=3600)
        assert ben is not None
        ids = ben.items.ids()
        assert len(ids) == 4
        assert campaign.ask(worker="anna") is None
        campaign.tell(_says("anna", "food", *ids))
        campaign.tell(_says("ben", "animal", *ids))
        later = campaign.ask(worker="anna")
        assert later is not None
        assert later.round == 1
        assert not set(later.items.ids()) & set(ids)
        # Two answers, each to the other's surprise: the latest stands.
        assert {one.label for one in campaign.labels.values()} == {"animal"}
        assert campaign.open().total_usage().human_labels == 8


@pytest.mark.parametrize("name", ["", "  ", "\u200b"])
def test_a_worker_without_a_name_is_one_sentence(tmp_path: Path, name: str) -> None:
    with _people(tmp_path) as campaign:
        order = campaign.ask()
        assert order is not None
        with pytest.raises(ConfigError, match="the worker has an empty name; say who answers"):
            campaign.ask(worker=name)
        with pytest.raises(AnnotationError, match="; say who answer") as caught:
            campaign.tell(_says(name, "food", order.items[0].id))
        assert "\n" not in str(caught.value)


def test_names_that_could_be_taken_for_others_are_refused(tmp_path: Path) -> None:
    router = Router([Stage(Outside("llm", "llm"), Threshold(0.9)), Outside("human")])
    with _people(tmp_path, annotator=router) as campaign:
        with pytest.raises(ConfigError, match="a person is called 'llm', like an annotator that"):
            campaign.ask(worker="llm")
        with pytest.raises(ConfigError, match="the worker 'anna ' could not be told from 'anna'"):
            campaign.ask(worker="anna ")
        with pytest.raises(ConfigError, match="at_most is for one worker"):
            campaign.ask(at_most=3)
        item = campaign.pool.ids()[0]
        with pytest.raises(AnnotationError, match="a person is called 'llm'"):
            campaign.tell(_says("llm", "food", item))
        # People are waited for by nobody as long as the machine has not answered.
        assert campaign.ask(worker="anna") is None


def test_what_all_people_skip_goes_to_the_next_stage(tmp_path: Path) -> None:
    router = Router([Stage(Outside("crowd"), answers=2), Outside("expert")])
    with _people(tmp_path, annotator=router) as campaign:
        order = campaign.ask()
        assert order is not None
        ids = order.items.ids()
        campaign.tell(_says("anna", None, *ids, stage="crowd"))
        assert campaign.ask("expert") is None
        campaign.tell(_says("ben", None, *ids[:2], stage="crowd"))
        campaign.tell(_says("ben", "food", *ids[2:], stage="crowd"))
        expert = campaign.ask()
        assert expert is not None
        assert (expert.stage, expert.items.ids()) == ("expert", ids[:2])
        campaign.tell(_says("eve", "animal", *ids[:2], stage="expert"))
        later = campaign.ask()
        assert later is not None
        assert (later.round, later.stage) == (1, "crowd")


def _gold_pool(tmp_path: Path) -> Pool:
    texts = pool_of(40, tmp_path / "cache")
    gold = ["animal" if n % 2 else "food" for n in range(40)]
    return Pool.from_texts(texts.texts(), gold, ids=texts.ids(), cache=tmp_path / "cache")


def _parts(annotator: Any, **other: Any) -> dict[str, Any]:
    return {
        "annotator": annotator,
        "learner": WordBayes(),
        "selector": Random(),
        "start": Random(),
        "seed": 3,
        "budget": Budget(batch=10, rounds=1),
        **other,
    }


def test_simulated_people_err_each_by_himself_and_together_less(tmp_path: Path) -> None:
    pool = _gold_pool(tmp_path)
    person = SimulatedHuman(labels=TASK.names, noise=0.3)
    wrong: dict[int, int] = {}
    for answers in (1, 5):
        result = Orchestrator(
            TASK,
            pool,
            directory=tmp_path / f"run{answers}",
            **_parts(Router([Stage(person, answers=answers)])),
        ).run()
        assert result.status == "finished"
        assert result.cost.human_labels == 20 * answers
        names = {one.annotator for one in result.annotations}
        assert names == ({"human"} if answers == 1 else {f"human-{n}" for n in range(1, 6)})
        assert {one.stage for one in result.annotations} <= {"", "human"}
        gold = dict(zip(pool.ids(), pool.gold(), strict=True))
        wrong[answers] = sum(one.label != gold[item] for item, one in result.labels.items())
    assert wrong[5] < wrong[1]


def _fill(file: Path, label: str, rows: int | None = None) -> list[str]:
    """Write a label into the first rows of a file; the ids of these."""
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    ids = [line.split(",")[0] for line in lines[1:]][:rows]
    filled = [
        line.replace(",,", f",{label},", 1) if line.split(",")[0] in ids else line
        for line in lines[1:]
    ]
    file.write_text("\n".join([lines[0], *filled]) + "\n")
    return ids


def test_three_workers_have_a_file_each(tmp_path: Path) -> None:
    pool = pool_of(40, tmp_path / "cache")
    stage = Stage(WorkerFiles(TASK, ["anna", "ben", "eve"]), answers=2)
    run = tmp_path / "run"

    def go_on() -> Any:
        return Orchestrator(TASK, pool, directory=run, **_parts(Router([stage]))).run()

    waiting = go_on()
    assert waiting.status == "waiting"
    assert waiting.reason.startswith("20 labels by people are wanted in ")
    names = ("anna", "ben", "eve")
    files = {name: run / f"to_label.{name}.csv" for name in names}
    assert all(str(one) in waiting.reason for one in files.values())
    asked = {name: _fill(file, "food") for name, file in files.items()}
    together = [item for ids in asked.values() for item in ids]
    assert len(together) == 20
    assert {together.count(item) for item in together} == {2}
    assert all(3 <= len(ids) <= 10 for ids in asked.values())
    later = go_on()
    assert later.status == "waiting"
    assert [len(one.item_ids) for one in later.rounds] == [10, 10]
    assert (run / "labelled-000.anna.csv").is_file()
    assert {one.annotator for one in later.annotations} == set(names)
    assert {one.stage for one in later.annotations} == {"human"}
    assert all(one.answers == 2 for one in later.labels.values())
    half = _fill(files["anna"], "animal", 2)
    still = go_on()
    assert still.reason.startswith("18 labels by people are wanted")
    with Ledger.open(run / "ledger.sqlite") as ledger:
        by_anna = ledger.queue.answers("human", "anna")
    assert {item for item, label in by_anna.items() if label == "animal"} == set(half)


def test_who_is_no_longer_a_worker_is_no_longer_waited_for(tmp_path: Path) -> None:
    pool = pool_of(40, tmp_path / "cache")
    for names, status in ((["anna", "ben", "eve"], "waiting"), (["anna", "ben"], "finished")):
        stage = Stage(WorkerFiles(TASK, names), answers=2)
        options = _parts(Router([stage]), budget=Budget(batch=10, rounds=0))
        result = Orchestrator(TASK, pool, directory=tmp_path / "run", **options).run()
        for name in names[:2]:
            with contextlib.suppress(FileNotFoundError):
                _fill(tmp_path / "run" / f"to_label.{name}.csv", "food")
        result = Orchestrator(TASK, pool, directory=tmp_path / "run", **options).run()
        assert result.status == ("waiting" if len(names) == 3 else status)
    assert {one.answers for one in result.labels.values()} == {2}


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        ([], "there are no workers"),
        (["anna", ""], "a worker has an empty name; say who labels"),
        (["anna", "anna"], "two workers are called 'anna'; give one of them another name"),
        (["anna", "Anna "], "the workers 'anna' and 'Anna ' cannot be told apart"),
    ],
)
def test_workers_that_cannot_be_told_apart(workers: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        WorkerFiles(TASK, workers)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"answers": 0}, "wants 0 answers; use 1 or more"),
        ({"answers": 2, "share": 0.0}, "for a share of 0.0; use a share above 0"),
        ({"share": 0.5}, "names a share of items, and wants one answer of each"),
    ],
)
def test_stages_that_do_not_fit(stage: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Stage(Outside("human"), **stage)
    with pytest.raises(ConfigError, match="wants 2 answers, and only people give several"):
        Stage(Outside("llm", "llm"), answers=2)


def test_fewer_workers_than_answers_are_told_of(tmp_path: Path) -> None:
    stage = Stage(WorkerFiles(TASK, ["anna"]), answers=2)
    options = _parts(Router([stage]))
    run = Orchestrator(TASK, pool_of(40, tmp_path / "cache"), directory=tmp_path / "run", **options)
    with pytest.raises(ConfigError, match=r"wants 2 more answers of different people .*name"):
        run.run()


def test_one_answer_each_is_what_it_was(tmp_path: Path) -> None:
    with _people(tmp_path, 1) as campaign:
        finish(campaign)
        told = list(campaign.open().annotations())
    assert len({one.item_id for one in told}) == len(told) == 24
    assert [one.label for one in told] == [
        answer_of(campaign.pool.items(campaign.pool.positions([one.item_id]))[0], "human").label
        for one in told
    ]


def test_what_is_corrected_stands_whatever_the_others_have_said(tmp_path: Path) -> None:
    with _people(tmp_path) as campaign:
        order = campaign.ask()
        assert order is not None
        first, second, *_ = order.items.ids()
        for worker in ("anna", "ben", "eve"):
            campaign.tell(_says(worker, "food", first, second))
        assert campaign.correct(_says("anna", "animal", first)) == 1
        assert campaign.correct(_says("tom", "animal", second, reason="looked it up")) == 1
        assert campaign.correct(_says("tom", "animal", second)) == 0
        found = campaign.labels
        assert [found[one].label for one in (first, second)] == ["animal", "animal"]
        assert [found[one].annotator for one in (first, second)] == ["anna", "tom"]
        told = list(campaign.open().annotations())
        assert len(told) == 8
        overruled = [one for one in campaign.open().decisions() if one.outcome == "overruled"]
        assert {(one.rule, one.item_id, one.annotator) for one in overruled} == {
            *(("correction", first, one) for one in ("ben", "eve")),
            *(("correction", second, one) for one in ("anna", "ben", "eve")),
        }
        assert campaign.correct(_says("ben", "food", first)) == 1
        assert campaign.labels[first].label == "food"
