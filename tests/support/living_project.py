"""A project that changes half-way, and what its labels have to be by a plain account of its own."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from word_bayes import WordBayes

from llmal import Annotation, Budget, Campaign, Label, Pool, Task, WorkOrder
from llmal.annotators import Outside, Router, Stage, Threshold
from llmal.core.records import Item
from llmal.errors import LedgerError
from llmal.run.events import Event
from llmal.selectors import Margin, Random

NAMES = [f"{first}{second}" for first in "bdgkl" for second in ("ara", "ene", "iti", "oto")]
"""What labels may be called."""

WORDS = ["cat", "soup", "dog", "pie", "cow", "rice", "hen", "stew", "goat", "cake"]


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Told:
    """An answer of a person: about which text, and to which version of the task."""

    item_id: str
    text: str
    label: str
    version: int


@dataclass
class Account:
    """What people have said, and what became of the labels, written down apart from the ledger.

    Attributes:
        told: The answers in the order in which they were given.
        rules: For each version of the task after the first, what earlier labels are now: none of
            them is in it that stays what it was.
        texts: The items of the present pool, with their texts.
        labels: The labels of the present task.
    """

    told: list[Told] = field(default_factory=list)
    rules: list[Mapping[str, frozenset[str]]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)

    def now(self, one: Told) -> str | None:
        """What an answer says now; None if that cannot be said."""
        may_be = {one.label}
        for rule in self.rules[one.version :]:
            may_be = {new for old in may_be for new in rule.get(old, frozenset([old]))}
        (said, *others) = may_be
        return said if not others and said in self.labels else None

    def last_words(self) -> dict[str, Told]:
        """By item the last answer about the text that it has now."""
        return {one.item_id: one for one in self.told if self.texts.get(one.item_id) == one.text}

    def expected(self) -> dict[str, str]:
        """The labels of people that have to stand."""
        now = {id: self.now(one) for id, one in self.last_words().items()}
        return {id: label for id, label in now.items() if label is not None}


class Project:
    """A campaign whose task and pool change, with the account of it.

    Args:
        name: Which configuration.
        directory: The run directory.
        cache: Where pools are imported.
        rng: What happens is drawn from it.
    """

    def __init__(self, name: str, directory: Path, cache: Path, rng: random.Random) -> None:
        self.options = CONFIGURATIONS[name]
        self.directory = directory
        self.cache = cache
        self.rng = rng
        self.account = Account()
        self.fuse: int | None = None
        self.spare = [*NAMES]
        self.counter = 0
        self.account.labels = [self._fresh(), self._fresh(), self._fresh()]
        for _ in range(16):
            self._add()
        self.task = Task("living", self.account.labels)
        self.earlier = [self.task]
        self.pool = self._imported()
        self.skipped: set[tuple[str, str]] = set()
        self.campaign = self.opened()

    # What there is

    def _fresh(self) -> str:
        return self.spare.pop(self.rng.randrange(len(self.spare)))

    def _text(self) -> str:
        self.counter += 1
        return f"{self.rng.choice(WORDS)} {self.rng.choice(WORDS)} number {self.counter}"

    def _add(self) -> None:
        text = self._text()
        self.account.texts[f"i{self.counter:03d}"] = text

    def _imported(self) -> Pool:
        ids = [*self.account.texts]
        return Pool.from_texts([self.account.texts[id] for id in ids], ids=ids, cache=self.cache)

    def opened(self, **options: Any) -> Campaign:
        """The campaign, opened anew."""
        return Campaign(
            self.task,
            self.pool,
            directory=self.directory,
            learner=WordBayes(),
            selector=Margin(),
            start=Random(),
            seed=5,
            callbacks=[self._burn],
            **{**self.options, **options},
        )

    def _burn(self, event: Event) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Killed

    # What happens

    def tell(self, share: float = 1.0) -> None:
        """Answer a part of what is asked."""
        order = self.campaign.ask()
        if order is None:
            assert self.campaign.reason
            return
        items = [*order.items]
        part = items[: max(1, round(share * len(items)))]
        if order.stage != "human":
            self.campaign.tell(self._by_machine(item) for item in part)
            return
        expected = self.account.expected()
        assert not {item.id for item in items} & expected.keys(), "what stands is asked again"
        self._check_earlier(order, items)
        for item in part:
            label = None if self.rng.random() < 0.1 else self.rng.choice(self.account.labels)
            assert self.campaign.tell([self._by_person(item.id, label)]) == 1
            if label is None:
                self.skipped.add((item.id, self.account.texts[item.id]))
            else:
                self._note(item.id, label)

    def _check_earlier(self, order: WorkOrder, items: Sequence[Item]) -> None:
        last = {one.item_id: one.label for one in self.account.told}
        assert (order.phase == "again") == bool(order.earlier)
        for item in items if order.earlier else ():
            assert order.earlier[item.id] == last[item.id]

    def tell_unasked(self) -> None:
        """Answer something that no round has asked for, or not any more."""
        free = [id for id in self.account.texts if id not in self.account.expected()]
        if free:
            id, label = self.rng.choice(free), self.rng.choice(self.account.labels)
            before = self.campaign.open().annotation_count()
            if (id, self.account.texts[id]) in self.skipped:
                return
            assert self.campaign.tell([self._by_person(id, label)]) == 1
            assert self.campaign.open().annotation_count() == before + 1
            self._note(id, label)

    def correct(self) -> None:
        """A person changes their mind about up to three items."""
        known = sorted(self.account.last_words())
        for id in self.rng.sample(known, min(3, len(known))):
            label = self.rng.choice(self.account.labels)
            stood = self.account.expected().get(id)
            try:
                changed = self.campaign.correct([self._by_person(id, label)])
            except Killed:
                # While the learner learns from it: it is recorded before.
                self._note_if(label != stood, id, label)
                raise
            assert changed == (label != stood)
            self._note_if(label != stood, id, label)

    def _note_if(self, changed: bool, id: str, label: str) -> None:
        if changed:
            self._note(id, label)

    def _note(self, id: str, label: str) -> None:
        version = len(self.account.rules)
        self.account.told.append(Told(id, self.account.texts[id], label, version))

    def _by_person(self, id: str, label: str | None) -> Annotation:
        return Annotation(id, label, "human", "human")

    def _by_machine(self, item: Item) -> Annotation:
        labels = self.account.labels
        label = self.rng.choice(labels)
        sure = self.rng.choice([0.6, 0.95])
        rest = (1 - sure) / (len(labels) - 1)
        shares = {name: sure if name == label else rest for name in labels}
        return Annotation(item.id, label, "llm", "llm", probabilities=shares)

    # What changes

    def change_task(self) -> None:
        """Rename, split, split off, merge, drop, add, swap or reword; or go back to an earlier
        task.
        """
        labels, rng = self.account.labels, self.rng
        was: dict[str, list[str]] = {}
        rule: dict[str, frozenset[str]] = {}
        new = [*labels]
        kinds = ["rename", "split", "split off", "swap", "reword", "back"]
        kinds += ["merge", "take in", "drop"] if len(labels) > 2 else []
        kinds += ["add"] if len(labels) < 6 else []
        kind = rng.choice(kinds)
        if len(self.spare) < 2:
            kind = "reword"
        one, other = rng.sample(labels, 2)
        said = {(label.name, label.was) for label in self.task.labels}
        if kind == "swap" and {(one, (other,)), (other, (one,))} <= said:
            # What is said again has been done.
            kind = "reword"
        if kind == "rename":
            fresh = self._fresh()
            new[new.index(one)] = fresh
            was, rule = {fresh: [one]}, {one: frozenset([fresh])}
        elif kind == "split":
            first, second = self._fresh(), self._fresh()
            new[new.index(one) : new.index(one) + 1] = [first, second]
            was = {first: [one], second: [one]}
            rule = {one: frozenset([first, second])}
        elif kind == "split off":
            fresh = self._fresh()
            new.append(fresh)
            was, rule = {fresh: [one]}, {one: frozenset([one, fresh])}
        elif kind == "merge":
            fresh = self._fresh()
            new = [name for name in labels if name not in (one, other)] + [fresh]
            was = {fresh: [one, other]}
            rule = dict.fromkeys((one, other), frozenset([fresh]))
        elif kind == "take in":
            new.remove(other)
            was, rule = {one: [other]}, {other: frozenset([one])}
        elif kind == "swap":
            was = {one: [other], other: [one]}
            rule = {one: frozenset([other]), other: frozenset([one])}
        elif kind == "drop":
            new.remove(one)
        elif kind == "add":
            new.append(self._fresh())
        elif kind == "back":
            # Labels are there again that were dropped, by their names alone.
            new = [label.name for label in rng.choice(self.earlier).labels]
        words = f"guidelines number {len(self.account.rules)}"
        task = Task("living", [Label(name, was=tuple(was.get(name, ()))) for name in new], words)
        self.earlier.append(task)
        self._accepted(task, new, rule, self.pool, dict(self.account.texts))

    def change_pool(self) -> None:
        """Add, remove, reorder, or write items anew."""
        before = dict(self.account.texts)
        for _ in range(self.rng.randint(1, 3)):
            kind = self.rng.choice(["add", "remove", "reorder", "rewrite", "bring back"])
            ids = [*self.account.texts]
            if kind == "add":
                for _ in range(self.rng.randint(1, 4)):
                    self._add()
            elif kind == "remove" and len(ids) > 10:
                for id in self.rng.sample(ids, self.rng.randint(1, 3)):
                    del self.account.texts[id]
            elif kind == "reorder":
                self.rng.shuffle(ids)
                self.account.texts = {id: self.account.texts[id] for id in ids}
            elif kind == "rewrite":
                for id in self.rng.sample(ids, self.rng.randint(1, 3)):
                    self.account.texts[id] = self._text()
            elif kind == "bring back" and self.account.told:
                # As it was when somebody answered.
                one = self.rng.choice(self.account.told)
                self.account.texts[one.item_id] = one.text
        texts, self.account.texts = self.account.texts, before
        self._accepted(self.task, self.account.labels, None, None, texts)

    def _accepted(
        self,
        task: Task,
        labels: list[str],
        rule: Mapping[str, frozenset[str]] | None,
        pool: Pool | None,
        texts: dict[str, str],
    ) -> None:
        """Take a change over, after it was refused."""
        fuse, self.fuse = self.fuse, None
        before = self.campaign.labels
        count = self.campaign.open().annotation_count()
        changed = task.fingerprint != self.task.fingerprint or texts != self.account.texts
        changed |= [*texts] != [*self.account.texts]
        self.campaign.close()
        old = self.task, self.pool, self.account.texts
        self.task, self.account.texts = task, texts
        self.pool = self._imported() if pool is None else pool
        if changed:
            refused = self.opened()
            with pytest.raises(LedgerError, match="nothing of this is done yet"):
                refused.ask()
            new = self.task, self.pool, self.account.texts
            self.task, self.pool, self.account.texts = old
            with self.opened() as undisturbed:
                assert undisturbed.labels == before
                assert undisturbed.open().annotation_count() == count
            self.task, self.pool, self.account.texts = new
        self.account.labels = labels
        if rule is not None and changed:
            self.account.rules.append(rule)
        when = self.rng.choice(["keep", "ask_again"])
        self.campaign = self.opened(accept_changes=True, when_changed=when)
        self.campaign.open()
        self.fuse = fuse

    # What must hold

    def check(self) -> None:
        """No answer of a person is lost or moved, and what stands is what they said last."""
        ledger = self.campaign.open()
        kept = [
            (one.item_id, one.label)
            for one in ledger.annotations(kind="human")
            if one.label is not None
        ]
        assert kept == [(one.item_id, one.label) for one in self.account.told]
        labels = self.campaign.labels
        expected = self.account.expected()
        people = {id: one.label for id, one in labels.items() if one.kind == "human"}
        assert people == expected
        assert labels.keys() <= self.account.texts.keys()
        assert {str(one.label) for one in labels.values()} <= {*self.account.labels}
        unsaid = self.account.last_words().keys() - expected.keys()
        assert not {id for id in unsaid if id in labels and labels[id].kind == "human"}

    def finish(self) -> None:
        """Answer all that is asked, and see that nothing was forgotten."""
        while self.campaign.ask() is not None:
            self.tell()
            self.check()
        if "human_labels" in str(self.campaign.budget) and self.campaign.budget.human_labels:
            return
        # Whoever was to be asked again was asked, and what has no label since was skipped.
        unsaid = self.account.last_words().keys() - self.account.expected().keys()
        skipped = {id for id, text in self.skipped if self.account.texts.get(id) == text}
        assert unsaid - self.campaign.labels.keys() <= skipped


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "model, people": {"annotator": Outside("human"), "budget": Budget(batch=4, rounds=6)},
    "model": {
        "annotator": Router([Stage(Outside("llm", "llm"), Threshold(0.75)), Outside("human")]),
        "budget": Budget(batch=4, rounds=6),
    },
    "labels": {
        "annotator": Router([Stage(Outside("llm", "llm"), Threshold(0.75)), Outside("human")]),
        "budget": Budget(batch=4, rounds=3),
        "objective": "labels",
        "guarantee": "off",
    },
    "few labels": {"annotator": Outside("human"), "budget": Budget(batch=4, human_labels=14)},
}
