"""Whatever is asked, told, told again and killed in whatever order: what must hold holds."""

from __future__ import annotations

import contextlib
import functools
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from drawn_examples import few_and_many, try_examples
from hypothesis import strategies as st
from promised import SMALL, PartlyLearnt
from told_answers import answer_of, answers_to, campaign_of, content_of, finish, pool_of

from llmal import Annotation, Budget, Campaign, Pool
from llmal.annotators import Outside
from llmal.guarantee import Guarantee
from llmal.guarantee.seeding import UniformSeed
from llmal.run.events import Event

ITEMS = 40
PROMISE = Guarantee(
    0.2, parts={**SMALL, "seed": UniformSeed(least=6, share=0.0), "score": PartlyLearnt()}
)
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "model": {"budget": Budget(batch=5, rounds=3)},
    "model, few labels": {"budget": Budget(batch=5, human_labels=9)},
    "model, people": {"annotator": Outside("human"), "budget": Budget(batch=6, human_labels=20)},
    "labels": {"objective": "labels", "budget": Budget(batch=4, rounds=2)},
    "labels, few labels": {"objective": "labels", "budget": Budget(batch=4, human_labels=10)},
    "labels, a machine": {"objective": "labels", "annotator": Outside("llm", "llm")},
    "a promise": {"objective": "labels", "guarantee": PROMISE, "budget": Budget(batch=4)},
    "a promise, few labels": {
        "objective": "labels",
        "guarantee": PROMISE,
        "budget": Budget(batch=4, human_labels=15),
    },
}

Action = Literal["ask", "tell", "tell again", "tell all", "leave", "kill"]
ACTIONS: Sequence[Action] = ("ask", "tell", "tell", "tell again", "tell all", "leave", "kill")


class Killed(BaseException):
    """The process is gone."""


@functools.cache
def _folder() -> Path:
    """Where the one pool and the undisturbed ledgers of all examples are."""
    return Path(tempfile.mkdtemp(prefix="llmal-interleavings-"))


@functools.cache
def _pool() -> Pool:
    return pool_of(ITEMS, _folder() / "cache")


@functools.cache
def _undisturbed(name: str) -> tuple[dict[str, Any], str | None]:
    directory = _folder() / name.replace(", ", "-").replace(" ", "-")
    with campaign_of(_pool(), directory, **CONFIGURATIONS[name]) as campaign:
        finish(campaign)
        reason = campaign.reason
    return content_of(directory / "ledger.sqlite"), reason


class Disturbed:
    """One campaign that is asked and told in disorder, and checked at every step."""

    def __init__(self, name: str, directory: Path, rng: random.Random) -> None:
        self.options = CONFIGURATIONS[name]
        self.directory = directory
        self.rng = rng
        self.told: dict[tuple[str, str], Annotation] = {}
        self.fuse: int | None = None
        self.campaign = self._opened()

    def _opened(self) -> Campaign:
        return campaign_of(_pool(), self.directory, callbacks=[self._burn], **self.options)

    def _burn(self, event: Event) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Killed

    def do(self, action: Action) -> None:
        if action == "leave":
            self.campaign.close()
            self.campaign = self._opened()
        elif action == "kill":
            self.fuse = self.rng.randint(0, 6)
        elif action == "tell again":
            again = self.rng.sample(sorted(self.told), min(len(self.told), 6))
            answers = [self.told[one] for one in again]
            assert self.campaign.tell(answers) == 0
        else:
            self._ask_and_tell(action)

    def _ask_and_tell(self, action: Action) -> None:
        order = self.campaign.ask()
        if order is None:
            assert self.campaign.reason
            return
        asked = {(id, order.stage) for id in order.items.ids()}
        assert not asked & self.told.keys(), "something is asked twice"
        left = self.campaign.purse.human_labels_left
        assert order.stage != "human" or left is None or len(order.items) <= left
        if action == "ask":
            return
        answers = answers_to(order, self.rng)
        part = answers if action == "tell all" else answers[: self.rng.randint(1, len(answers))]
        assert self.campaign.tell(part) == len(part)
        self.told.update({(one.item_id, order.stage): one for one in part})

    def go(self, action: Action) -> None:
        try:
            self.do(action)
        except Killed:
            self.fuse = None
            self.campaign.close()
            self.campaign = self._opened()


def _ends_with_the_undisturbed_ledger(name: str, actions: list[Action], seed: int) -> None:
    content, reason = _undisturbed(name)
    with tempfile.TemporaryDirectory() as folder:
        disturbed = Disturbed(name, Path(folder) / "run", random.Random(seed))
        for action in actions:
            disturbed.go(action)
        disturbed.fuse = None
        with contextlib.closing(disturbed.campaign) as campaign:
            while (order := campaign.ask()) is not None:
                assert not {(id, order.stage) for id in order.items.ids()} & disturbed.told.keys()
                campaign.tell(answer_of(item, order.stage) for item in order.items)
            assert campaign.reason == reason
            budget = disturbed.options.get("budget", Budget())
            spent = campaign.open().total_usage().human_labels
            assert budget.human_labels is None or spent <= budget.human_labels
        run = Path(folder) / "run"
        assert content_of(run / "ledger.sqlite") == content
        assert len(list((run / "picks").iterdir())) == len(content["rounds"])


@few_and_many(12, 40)
def test_every_interleaving_ends_with_the_undisturbed_ledger(examples: int) -> None:
    try_examples(
        _ends_with_the_undisturbed_ledger,
        examples,
        name=st.sampled_from(sorted(CONFIGURATIONS)),
        actions=st.lists(st.sampled_from(ACTIONS), max_size=25),
        seed=st.integers(0, 2**16),
    )
