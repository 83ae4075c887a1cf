"""Several people at once, leases that run out, an audit: what must hold holds in whatever order."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from drawn_examples import few_and_many, try_examples
from hypothesis import strategies as st
from places import KINDS, ledger_place
from told_answers import answer_by, answer_of, campaign_of, pool_of, work

from llmal import Annotation, Budget, Campaign, Pool
from llmal.annotators import Outside, Router, Stage, Threshold
from llmal.ledger import Ledger
from llmal.run.phases import Audit

ITEMS = 30
WORKERS = ("anna", "ben", "eve", "tom", "uma")
MACHINE = Stage(Outside("llm", "llm"), Threshold(0.75))
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "three each": {
        "annotator": Stage(Outside("human"), answers=3),
        "budget": Budget(batch=4, rounds=1),
        "audit": 5,
    },
    "two of a share, few labels": {
        "annotator": Stage(Outside("human"), answers=2, share=0.5),
        "budget": Budget(batch=4, human_labels=17),
        "audit": Audit(4, when="last", of="all"),
    },
    "labels": {
        "annotator": Router([MACHINE, Stage(Outside("human"), answers=2)]),
        "objective": "labels",
        "budget": Budget(batch=4, rounds=1),
        "audit": Audit(5, when="last"),
    },
}

Action = Literal["answer", "answer late", "take", "unasked", "tell again", "leave"]
ACTIONS: Sequence[Action] = (
    *("answer", "answer", "answer late", "take", "unasked", "tell again", "leave"),
)


@functools.cache
def _pool() -> Pool:
    return pool_of(ITEMS, Path(tempfile.mkdtemp(prefix="llmal-workers-")) / "cache")


class Disturbed:
    """One campaign that several people work at, and that is checked at every step."""

    def __init__(self, name: str, directory: Path, rng: random.Random) -> None:
        self.options = CONFIGURATIONS[name]
        self.directory = directory
        self.rng = rng
        self.told: list[Annotation] = []
        self.late: list[Annotation] = []
        self.late_was_told = False
        self.asked: set[tuple[int, str, str]] = set()
        self.campaign = self._opened()

    def _opened(self) -> Campaign:
        return campaign_of(_pool(), self.directory, **self.options)

    def tell(self, answers: Sequence[Annotation]) -> None:
        known = {(one.item_id, one.annotator, one.round) for one in self.told}
        by_key = {(one.item_id, one.annotator, one.round): one for one in answers}
        new = [one for key, one in by_key.items() if key not in known]
        assert self.campaign.tell(answers) == len(new)
        self.told += new

    def machines(self) -> None:
        order = self.campaign.ask()
        if order is not None and order.stage == "llm":
            self.tell([answer_of(item, "llm", order.round) for item in order.items])

    def order(self, worker: str, seconds: float) -> list[Annotation]:
        """Ask for one worker, and see that nothing is asked in vain."""
        self.machines()
        order = self.campaign.ask(worker=worker, at_most=self.rng.randint(1, 4), seconds=seconds)
        if order is None:
            return []
        left = self.campaign.purse.human_labels_left
        assert left is None or sum(order.missing) <= left
        ledger = self.campaign.open()
        given = ledger.workers("human", order.round)
        (stage,) = [one for one in self.campaign.router.stages if one.annotator.name == "human"]
        for item in order.items.ids():
            assert worker not in given.get(item, {}), "a worker is asked twice"
            assert len(given.get(item, {})) < stage.wanted(item, self.campaign.seed)
        return [self.said(item, worker, order.round) for item in order.items]

    @staticmethod
    def said(item: Any, worker: str, round: int | None) -> Annotation:
        one = answer_by(item, worker)
        return Annotation(**{**vars(one), "round": round})

    def do(self, action: Action) -> None:
        worker = self.rng.choice(WORKERS)
        if action == "leave":
            self.campaign.close()
            self.campaign = self._opened()
        elif action == "answer":
            self.tell(self.order(worker, 3600))
        elif action == "take":
            self.order(worker, self.rng.choice([1e-6, 3600]))
        elif action == "answer late":
            # Told at some later time, when others may have answered instead.
            self.late += self.order(worker, 1e-6)
            if self.rng.random() < 0.5:
                self.tell(self.late)
                self.late_was_told = True
                self.late = []
        elif action == "tell again":
            assert self.campaign.tell(self.told[-5:]) == 0
        else:
            self.unasked(worker)

    def unasked(self, worker: str) -> None:
        order = self.campaign.ask()
        if order is not None and order.stage == "human":
            self.tell([self.said(order.items[0], worker, order.round)])

    def check(self) -> None:
        ledger = self.campaign.open()
        kept = Counter(
            (one.item_id, one.annotator, one.round, one.label) for one in ledger.annotations()
        )
        told = {(one.item_id, one.annotator, one.round, one.label) for one in self.told}
        assert kept.keys() == told, "an answer is lost, or one is there that nobody gave"
        assert set(kept.values()) <= {1}
        phases = {one.number: one.phase for one in ledger.rounds()}
        for one in ledger.annotations(kind="human"):
            assert one.round is not None
            assert (one.purpose == "audit") == (phases[one.round] == "audit")
        audited = {i for one in ledger.rounds() if one.phase == "audit" for i in one.item_ids}
        trained = {
            one.item_id
            for one in ledger.annotations(kind="human")
            if one.purpose != "audit" and one.label is not None
        }
        # An answer that comes late may be about an item that was drawn since.
        assert self.late_was_told or not audited & trained


def _loses_and_asks_nothing_in_vain(name: str, actions: list[Action], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        disturbed = Disturbed(name, Path(folder) / "run", random.Random(seed))
        for action in actions:
            disturbed.do(action)
        disturbed.check()
        disturbed.late_was_told |= bool(disturbed.late)
        disturbed.tell(disturbed.late)
        with contextlib.closing(disturbed.campaign):
            for _ in range(1000):
                if disturbed.campaign.reason is not None:
                    break
                # Nobody waits for what somebody has taken and left.
                for worker in WORKERS:
                    ids = [one.item_id for one in disturbed.campaign.open().leases.all()]
                    for round in range(len(disturbed.campaign.rounds)):
                        disturbed.campaign.open().leases.release("human", worker, ids, round=round)
                for worker in WORKERS:
                    disturbed.tell(disturbed.order(worker, 3600))
            assert disturbed.campaign.reason is not None
            disturbed.check()
            _every_round_has_its_answers(disturbed.campaign, name)


@few_and_many(6, 20)
def test_nothing_is_lost_or_asked_in_vain(examples: int) -> None:
    try_examples(
        _loses_and_asks_nothing_in_vain,
        examples,
        name=st.sampled_from(sorted(CONFIGURATIONS)),
        actions=st.lists(st.sampled_from(ACTIONS), max_size=25),
        seed=st.integers(0, 2**16),
    )


def _every_round_has_its_answers(campaign: Campaign, name: str) -> None:
    ledger = campaign.open()
    (stage,) = [one for one in campaign.router.stages if one.annotator.name == "human"]
    for one in ledger.rounds():
        if one.phase in ("audit", "start") and "few labels" not in name:
            given = ledger.workers("human", one.number)
            for item in one.item_ids:
                assert len(given[item]) >= stage.wanted(item, campaign.seed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_three_people_in_processes_of_their_own(tmp_path: Path, kind: str) -> None:
    options: dict[str, Any] = {
        "annotator": Stage(Outside("human"), answers=2, share=0.6),
        "budget": Budget(batch=8, rounds=6),
        "audit": 20,
    }
    items, cache = 120, tmp_path / "cache"
    pool = pool_of(items, cache)
    alone = {**options, "annotator": Outside("human")}
    with campaign_of(pool, tmp_path / "alone", **alone) as campaign:
        while (order := campaign.ask()) is not None:
            campaign.tell(answer_by(item, "anna") for item in order.items)
        expected = [(one.phase, one.item_ids) for one in campaign.rounds]
        labels = {item: one.label for item, one in campaign.labels.items()}
    context = multiprocessing.get_context("spawn")
    directory = tmp_path / "together"
    directory.mkdir()
    with ledger_place(kind, directory) as place:
        people = [
            context.Process(target=work, args=(name, items, cache, directory, place, options))
            for name in ("anna", "ben", "eve")
        ]
        for one in people:
            one.start()
        for one in people:
            one.join()
        assert [one.exitcode for one in people] == [0, 0, 0]
        with Ledger.open(place) as ledger:
            assert [(one.phase, one.item_ids) for one in ledger.rounds()] == expected
            assert {item: one.label for item, one in ledger.labels().items()} == labels
            stage = options["annotator"]
            answers = Counter((one.item_id, one.round) for one in ledger.annotations(kind="human"))
            for number, (_, ids) in enumerate(expected):
                for item in ids:
                    # With leases nobody answers in vain: no more answers than were wanted.
                    assert answers.pop((item, number)) == stage.wanted(item, 3)
            assert not answers
