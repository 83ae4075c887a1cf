"""What has changed in task and pool since a run was last gone on with, and what becomes of its
answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from llmal.core.records import Answer, Purpose
from llmal.core.words import counted
from llmal.errors import LedgerError
from llmal.ledger import Decided, Ledger, PoolVersion, TaskVersion
from llmal.ledger.translation import Reading, Void
from llmal.pool import Pool
from llmal.run.audited import why_texts_are_others
from llmal.run.purposes import audit_labels
from llmal.task import Task
from llmal.task.changes import differences, map_labels, origins_of

WhenChanged = Literal["keep", "ask_again"]
"""What becomes of machines' answers to the task as it was: they are kept, or asked again."""

_ALL: tuple[Purpose, ...] = get_args(Purpose)
_ITEMS = ("item is", "items are")
_DO = ("does", "do")
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Changes:
    """What has changed since a run was last gone on with.

    Attributes:
        task: The next version of the task; None if it is the same.
        pool: The next version of the pool; None if it is the same.
        of_task: What differs in the task, a phrase each.
        of_pool: What differs in the pool, a phrase each.
        effects: What becomes of the answers that there are, a phrase each.
        of_promise: What becomes of a promise about the labels, a phrase each.
    """

    task: TaskVersion | None
    pool: PoolVersion | None
    of_task: tuple[str, ...]
    of_pool: tuple[str, ...]
    effects: tuple[str, ...]
    of_promise: tuple[str, ...] = ()

    @property
    def needs_consent(self) -> bool:
        """Whether anything has changed that a person should know of."""
        return bool(self.of_task or self.of_pool)

    def lines(self) -> list[str]:
        """What differs and what follows from it, a line each."""
        parts = (
            ("task", self.of_task),
            ("pool", self.of_pool),
            ("answers", self.effects),
            ("promise", self.of_promise),
        )
        return [f"{name}: {'; '.join(phrases)}" for name, phrases in parts if phrases]

    def refusal(self, where: str) -> LedgerError:
        """The error of who has not accepted them."""
        changed = [n for n, one in (("task", self.of_task), ("pool", self.of_pool)) if one]
        have = "has" if len(changed) == 1 else "have"
        told = "\n  ".join([f"the {' and the '.join(changed)} {have} changed", *self.lines()])
        return LedgerError(
            f"{told}\nnothing of this is done yet",
            where=where,
            fix="to go on so: llmal run, or llmal label, with --accept-changes (in Python "
            "accept_changes=True); else take task and data as they were, or another directory",
        )

    def accept(self, ledger: Ledger) -> None:
        """Record them, in one transaction. No answer is changed: they are read otherwise."""
        ledger.change(self.task, self.pool, "; ".join(self.lines()))


def find_changes(
    ledger: Ledger, task: Task, pool: Pool, *, when_changed: WhenChanged, where: str
) -> Changes | None:
    """What has changed; None if nothing has.

    Args:
        ledger: Of a campaign, bound before.
        task: As it is now.
        pool: As it is now.
        when_changed: What becomes of machines' answers if the task has changed.
        where: The run directory, for messages.

    Raises:
        LedgerError: The kind of answers has changed, or what the task was is not known.
        OriginError: A label is said to have been one that never was.
    """
    versions, pools = ledger.task_versions(), ledger.pool_versions()
    same_task = versions[-1].fingerprint == task.fingerprint and not _says_anew(versions, task)
    same_pool = pools[-1].fingerprint == pool.fingerprint
    if same_task and same_pool:
        return None
    rounds = len(ledger.rounds())
    new_task, of_task = None, list[str]()
    if not same_task:
        new_task, of_task = _change_of_task(versions, task, when_changed, rounds, where)
    new_pool, of_pool = None, list[str]()
    if not same_pool:
        other_columns = versions[-1].task is not None and versions[-1].task["text"] != [*task.text]
        new_pool, of_pool = _change_of_pool(pools[-1], pool, rounds, other_columns=other_columns)
    reading = Reading([*versions, *([] if new_task is None else [new_task])], pool.contents)
    before, after = ledger.labels(purposes=_ALL), ledger.labels(purposes=_ALL, reading=reading)
    effects: list[str] = []
    for who in ("people", "machines"):
        effects += _effects(who, before, after, ledger=ledger, pool=pool, reading=reading)
    kept = new_task is not None and any(one.kind != "human" for one in after.values())
    if kept and when_changed == "keep":
        effects.append("machines are not asked again (with when_changed: ask_again they are)")
    of_promise = _of_promise(ledger, pool, changes_task=new_task is not None)
    return Changes(new_task, new_pool, tuple(of_task), tuple(of_pool), tuple(effects), of_promise)


def _of_promise(ledger: Ledger, pool: Pool, *, changes_task: bool) -> tuple[str, ...]:
    """What becomes of the promise about labels whose audit has begun."""
    frozen = ledger.frozen()
    if not frozen or frozen[-1].task_version != ledger.reading.version:
        return ()
    if not changes_task and why_texts_are_others(pool, frozen[-1]) is None:
        return ()
    about = {*frozen[-1].item_ids}
    answers = sum(i in about for i in audit_labels(ledger))
    what = "what is promised of the labels becomes" if ledger.certificates() else "the audit is"
    phrases = [f"{what} void, and people will be asked for an audit of other labels"]
    if answers:
        no_part = "is no part" if answers == 1 else "are no part"
        labels = counted(answers, "label")
        phrases.append(f"{labels} of the audit of before {no_part} of a new promise")
    return tuple(phrases)


def _says_anew(versions: Sequence[TaskVersion], task: Task) -> bool:
    """Whether a task of the same words says of labels that they were others, and did not before."""
    last = versions[-1]
    said = any(
        old not in last.origins.get(name, ())
        for name, was in origins_of(task).items()
        for old in was
    )
    if not said or last.labels is None:
        return False
    return bool(map_labels(last.labels, _known(versions), last.origins, task))


def _known(versions: Sequence[TaskVersion]) -> dict[str, None]:
    return {name: None for one in versions for name in one.labels or ()}


def _change_of_task(
    versions: Sequence[TaskVersion], task: Task, when_changed: WhenChanged, rounds: int, where: str
) -> tuple[TaskVersion, list[str]]:
    last = versions[-1]
    if last.task is None or last.labels is None:
        raise LedgerError(
            "the task has changed, and this run was begun by an llmal that did not keep its words",
            where=where,
            fix="run it once with the task as it was, and then with the changed one",
        )
    now = task.as_dict()
    if last.task["kind"] != now["kind"]:
        raise LedgerError(
            f"its answers were of the kind {last.task['kind']!r} and are {now['kind']!r} now, and "
            "answers of one kind are no answers of the other",
            where=where,
            fix="take another directory, and start there from exported labels (data.labels)",
        )
    label_map = map_labels(last.labels, _known(versions), last.origins, task)
    phrases = differences(last.task, now, label_map)
    version = TaskVersion(
        last.version + 1,
        task.fingerprint,
        now,
        "; ".join(phrases),
        0.0,
        label_map,
        origins_of(task),
        when_changed == "ask_again",
        rounds,
    )
    return version, phrases


def _change_of_pool(
    last: PoolVersion, pool: Pool, rounds: int, *, other_columns: bool
) -> tuple[PoolVersion, list[str]]:
    new = pool_version(pool, last.version + 1, rounds)
    phrases: list[str] = []
    if last.ids is not None and new.ids is not None:
        before, now = (np.frombuffer(one, dtype="<u8") for one in (last.ids, new.ids))
        stay, stayed = np.isin(now, before), np.isin(before, now)
        added, gone = int((~stay).sum()), int((~stayed).sum())
        phrases += [f"{counted(added, *_ITEMS)} added"] if added else []
        phrases += [f"{counted(gone, *_ITEMS)} gone"] if gone else []
        phrases += [] if np.array_equal(now[stay], before[stayed]) else ["the items are reordered"]
    if last.columns is not None and new.columns is not None:
        fresh = [name for name in new.columns if name not in last.columns]
        phrases += [f"the column {name!r} is new" for name in fresh]
        lost = [name for name in last.columns if name not in new.columns]
        phrases += [f"the column {name!r} is gone" for name in lost]
    if not phrases and not other_columns:
        # The fingerprint says no more, and the texts of before are not kept.
        phrases = ["it has other texts or other values in its columns"]
    return replace(new, reason="; ".join(phrases)), phrases


def pool_version(pool: Pool, version: int, rounds: int) -> PoolVersion:
    """What the ledger keeps of a pool."""
    return PoolVersion(
        version,
        pool.fingerprint,
        items=len(pool),
        columns=tuple(pool.columns),
        ids=pool.id_hashes().astype("<u8").tobytes(),
        rounds=rounds,
    )


def _effects(
    who: Literal["people", "machines"],
    before: Mapping[str, Decided],
    after: Mapping[str, Decided],
    *,
    ledger: Ledger,
    pool: Pool,
    reading: Reading,
) -> list[str]:
    """What becomes of the labels that people, or machines, have given."""
    theirs = {id: one for id, one in before.items() if (one.kind == "human") == (who == "people")}
    if not theirs:
        return []
    held = {*pool.held([*theirs])}
    kept = {id: one for id, one in theirs.items() if id in after and after[id].kind == one.kind}
    renamed = Counter(
        f"{_shown(one.label)} as {_shown(after[id].label)}"
        for id, one in kept.items()
        if after[id].label != one.label
    )
    lost = [id for id in theirs if id not in kept and id in held]
    why = _why_void(ledger, reading, lost, who)
    told = f"of {counted(len(theirs), 'label')} by {who} {counted(len(kept), 'is', 'are')} kept"
    if renamed:
        told += f" ({_listed(renamed)})"
    phrases = [told]
    unmapped = Counter(_shown(theirs[id].label) for id in lost if why.get(id) is Void.UNMAPPED)
    count = unmapped.total()
    if count and who == "people":
        it_was = "it was" if count == 1 else "they were"
        phrases.append(
            f"{counted(count, 'goes', 'go')} back in the queue, shown with what {it_was} "
            f"({_listed(unmapped)}), as far as the budget has labels of people left"
        )
    elif count:
        phrases.append(f"{counted(count, *_DO)} not count any more ({_listed(unmapped)})")
    again = sum(why.get(id) is Void.ASKED_AGAIN for id in lost)
    if again:
        phrases.append(f"{counted(again, *_DO)} not count any more, and are asked for again")
    changed = sum(why.get(id) is Void.ELSEWHERE for id in lost)
    if changed:
        about = counted(
            changed,
            "is about a text that has changed, which is a new question",
            "are about texts that have changed, which are new questions",
        )
        phrases.append(about)
    gone = len(theirs) - len(held)
    if gone:
        of = counted(
            gone,
            "is of an item that is gone, and stays in the ledger",
            "are of items that are gone, and stay in the ledger",
        )
        phrases.append(of)
    return phrases


def _why_void(
    ledger: Ledger, reading: Reading, ids: Sequence[str], who: Literal["people", "machines"]
) -> dict[str, Void]:
    """Why labels do not count any more, by the last answer about each item."""
    found: dict[str, Void] = {}
    for id, answers in ledger.annotations_of(ids).items():
        for one in answers:
            if (one.kind == "human") == (who == "people"):
                now = reading.read(one)
                if isinstance(now, Void):
                    found[id] = now
    return found


def _shown(answer: Answer) -> str:
    return repr(answer if isinstance(answer, str) else " | ".join(answer))


def _listed(counts: Counter[str]) -> str:
    shown = [f"{name} {count}" for name, count in counts.most_common(_MOST_SHOWN)]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
