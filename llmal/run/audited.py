"""What the audit of a campaign has shown, and whether it still stands, by its ledger.

Whoever tells of a certificate (campaign, report, exports) has it from here.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmal.core.content import is_same
from llmal.core.words import counted
from llmal.guarantee.audit import allowed_wrong
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.certify import largest_promise
from llmal.guarantee.evidence import differ, has_label
from llmal.guarantee.frozen import Frozen
from llmal.guarantee.promises import condition_on_people, percent
from llmal.guarantee.statement import Statement
from llmal.ledger import FrozenLabels, Ledger, RecordedCertificate
from llmal.pool import Pool
from llmal.run.purposes import audit_labels, delivered_labels
from llmal.task import Task

_WRONG = "audited_wrong"
"""In the details of a certificate: positions of the audited labels that were wrong."""


class Audited:
    """Frozen labels, and what people have said of those that were drawn.

    Args:
        ledger: Of the campaign.
        task: Of the campaign.
        kept: The labels as the ledger has them.
    """

    def __init__(self, ledger: Ledger, task: Task, kept: FrozenLabels) -> None:
        self._ledger = ledger
        self._task = task
        self.kept = kept
        self.frozen = Frozen.from_dict(kept.labels)

    @functools.cached_property
    def asked(self) -> list[str]:
        """By position the item that people are asked about: the first that has its text."""
        return [self.kept.item_ids[position] for position in self.frozen.texts.tolist()]

    @functools.cached_property
    def answered(self) -> set[str]:
        """Items that people were asked about in this audit, and have labelled or skipped."""
        audits = self._ledger.annotations(purpose="audit", kind="human")
        return {
            one.item_id
            for one in self._ledger.present(audits)
            if one.round is not None and one.round >= self.kept.round
        }

    def until_a_look(self) -> int:
        """How many drawn items a look is judged by.

        An answer about one item is one about all with its text, so that some beyond a look may be
        answered too; these are for the next look.
        """
        done = len(self.drawn)
        if self.frozen.copies is None:
            return done
        return max((size for size in self.frozen.looks if size <= done), default=0)

    @functools.cached_property
    def drawn(self) -> list[int]:
        """Positions of the audit in order of draw, as far as people have answered all of them."""
        found: list[int] = []
        for position in self.frozen.drawn().tolist():
            if self.asked[position] not in self.answered:
                break
            found.append(position)
        return found

    @functools.cached_property
    def skipped(self) -> NDArray[np.bool_]:
        """Which of the items that were drawn people have skipped."""
        said = audit_labels(self._ledger)
        return np.array([self.asked[one] not in said for one in self.drawn], dtype=bool)

    @functools.cached_property
    def wrong(self) -> NDArray[np.bool_]:
        """Which of the labels that were drawn are wrong; one that people skipped is."""
        said = audit_labels(self._ledger)
        ranks = self.doubt()
        wrong = np.ones(len(self.drawn), dtype=bool)
        answered = np.flatnonzero(~self.skipped).tolist()
        if answered:
            drawn = [self.drawn[row] for row in answered]
            people = self._task.space.targets(said[self.asked[one]].label for one in drawn)
            wrong[answered] = differ(self.frozen.labels[[ranks[one] for one in drawn]], people)
        return wrong

    def doubt(self) -> Mapping[int, int]:
        """By position the rank of a label, from most to least trusted."""
        return {position: rank for rank, position in enumerate(self.frozen.order.tolist())}

    def without_label(self) -> list[int]:
        """Positions of items that nobody has given a label."""
        return [*map(int, self.frozen.order[~has_label(self.frozen.labels)])]

    def by_people(self) -> set[str]:
        """The items that people have labelled by now, for whatever purpose, or whose text."""
        labels = delivered_labels(self._ledger)
        people = {i for i, one in labels.items() if one.kind == "human"}
        pairs = zip(self.kept.item_ids, self.asked, strict=True)
        return people | {i for i, first in pairs if first in people}

    def waiting(self, certificate: Certificate) -> list[int]:
        """Positions that a certificate sends to people and that they have not labelled by now."""
        people, ids = self.by_people(), self.kept.item_ids
        return [one for one in certificate.to_people.tolist() if ids[one] not in people]

    def certificate(self) -> Certificate | None:
        """The last certificate about these labels, by their positions."""
        found = [one for one in self._ledger.certificates() if one.frozen == self.kept.fingerprint]
        return Certificate.from_dict(found[-1].certificate) if found else None

    def record(self, certificate: Certificate) -> bool:
        """Record a certificate about these labels; whether it is another than the last one."""
        looks = [
            one.number
            for one in self._ledger.rounds()
            if one.phase == "audit" and one.number >= self.kept.round
        ]
        drawn = np.asarray(self.drawn[: certificate.audited], dtype=np.int64)
        wrong = drawn[self.wrong[: len(drawn)]]
        told = replace(certificate, details={**certificate.details, _WRONG: wrong.tolist()})
        before = self.certificate()
        # One that an earlier version wrote has other keys, and says the same.
        if before is not None and before.as_dict() == told.as_dict():
            return False
        return self._ledger.add_certificate(
            RecordedCertificate(
                told.as_dict(),
                self.kept.fingerprint,
                looks[-1] if looks else self.kept.round,
            )
        )

    def has_changed(self, certificate: Certificate) -> str | None:
        """What has become of the labels since a certificate was recorded, in words."""
        drawn = np.asarray(self.drawn[: certificate.audited], dtype=np.int64)
        wrong = drawn[self.wrong[: len(drawn)]].tolist()
        if len(drawn) < certificate.audited or wrong != certificate.details.get(_WRONG, wrong):
            return "what people said of an audited label has changed since"
        changed = len(self._others("machine"))
        if not changed:
            return None
        return counted(
            changed,
            "label is not the one that was audited",
            "labels are not those that were audited",
        )

    def corrected(self) -> int:
        """How many wrong labels people have put right, in the audit and since."""
        return len(self._others("human"))

    def _others(self, by: Literal["human", "machine"]) -> list[str]:
        """Items in whose place another label stands now than was audited, given by somebody."""
        labels = delivered_labels(self._ledger)
        labelled = has_label(self.frozen.labels)
        before = self._task.space.answers(self.frozen.labels[labelled])
        ids = [self.asked[position] for position in self.frozen.order[labelled].tolist()]
        return [
            item_id
            for item_id, answer in zip(ids, before, strict=True)
            if (one := labels.get(item_id)) is not None
            and one.label != answer
            and (one.kind == "human") == (by == "human")
        ]


def last_frozen(ledger: Ledger, pool: Pool) -> FrozenLabels | None:
    """The last frozen labels, if they are still those of the task and of the texts."""
    frozen = ledger.frozen()
    if not frozen or _why_void(ledger, pool, frozen[-1]) is not None:
        return None
    return frozen[-1]


def certificate_of(ledger: Ledger, task: Task, pool: Pool) -> Certificate | None:
    """The last certificate of a campaign, void if something has changed since that matters.

    Its positions are those of the pool; items that are gone are left out. What its promise waits
    for is what people have not labelled by now, and nothing once they have labelled all of it.

    Args:
        ledger: Of the campaign.
        task: As it is now.
        pool: As it is now.
    """
    recorded = ledger.certificates()
    if not recorded:
        return None
    by_name = {one.fingerprint: one for one in ledger.frozen()}
    kept = by_name[recorded[-1].frozen]
    certificate = Certificate.from_dict(recorded[-1].certificate)
    audited = Audited(ledger, task, kept)
    reason = _why_void(ledger, pool, kept)
    if reason is None:
        reason = audited.has_changed(certificate)
    if reason is not None:
        certificate = certificate.void(reason)
    return replace(
        certificate,
        condition=_left_of(certificate, audited),
        accepted=_in_pool(pool, kept, certificate.accepted),
        to_people=_in_pool(pool, kept, certificate.to_people),
    )


def _left_of(certificate: Certificate, audited: Audited) -> str:
    """Its condition, without what people have labelled since."""
    if not certificate.condition:
        return ""
    return condition_on_people(len(audited.waiting(certificate)))


def unreviewed(ledger: Ledger, task: Task, pool: Pool) -> set[str]:
    """The items whose labels nobody has reviewed and no audit lets stay, where a promise is worked
    for: the budget of people ended before, or they are no part of it.

    Items that repeat the text of another are not among them.

    Args:
        ledger: Of the campaign.
        task: As it is now.
        pool: As it is now.
    """
    if not is_promising(ledger):
        return set()
    certificate = certificate_of(ledger, task, pool)
    stays: set[str] = set()
    if certificate is not None and certificate.voided_by is None and certificate.holds:
        stays = set(pool.ids(certificate.accepted))
        kept = last_frozen(ledger, pool)
        if kept is not None:
            # A text stays only if all items that have it do.
            audited = Audited(ledger, task, kept)
            recorded = audited.certificate()
            if recorded is not None:
                stays -= {audited.asked[position] for position in recorded.to_people.tolist()}
    labels = delivered_labels(ledger)
    return {i for i, one in labels.items() if one.kind != "human" and i not in stays}


def is_promising(ledger: Ledger) -> bool:
    """Whether a campaign works for a promise, as far as its ledger tells."""
    return any(one.phase == "seed" for one in ledger.rounds()) or bool(ledger.frozen())


def what_is_promised(ledger: Ledger, task: Task, pool: Pool) -> Statement:
    """What can be promised of the labels as they are."""
    kept = last_frozen(ledger, pool)
    if kept is None:
        return Statement("nothing is promised of the labels, as their audit has not begun")
    audited = Audited(ledger, task, kept)
    certificate = certificate_of(ledger, task, pool)
    people = audited.by_people()
    left = [i for i in audited.kept.item_ids if i not in people]
    if certificate is not None and certificate.voided_by is None and certificate.holds:
        stays = set(pool.ids(certificate.accepted))
        left = [i for i in left if i not in stays]
        if not left:
            return _with_others(ledger, kept, certificate.statement)
    if not left:
        return _with_others(ledger, kept, Statement("every label is by a person"))
    return _with_others(ledger, kept, _short_of(audited, certificate, left))


def _short_of(audited: Audited, certificate: Certificate | None, left: Sequence[str]) -> Statement:
    """What can be promised although people have not come to all labels that were for them."""
    frozen, items = audited.frozen, audited.frozen.items
    every = counted(items, "label")
    nobody = f"{counted(len(left), 'label')} nobody has reviewed"
    if certificate is not None and certificate.voided_by is None and certificate.holds:
        allowed = allowed_wrong(frozen.epsilon, items)
        most = min(items, allowed + len(left))
        return Statement(
            f"at most {most:,} of all {every} ({percent(most / items)}) are wrong, with a "
            f"probability of at least {1 - frozen.alpha:g}: {nobody}, and of the other "
            f"{items - len(left):,} at most {allowed:,} are wrong"
        )
    if len(left) <= allowed_wrong(frozen.epsilon, items):
        return Statement(
            f"at most {len(left):,} of all {every} are wrong, as people have given all "
            f"others; {nobody}"
        )
    if not audited.drawn:
        return Statement(
            "nothing is promised of the labels, as their audit has not begun", beside=(nobody,)
        )
    drawn = np.asarray(audited.drawn, dtype=np.int64)
    put_right = int((audited.wrong & ~audited.skipped).sum())
    # Who asks when, and how often, is not planned: the bound has to hold at all times together.
    largest = largest_promise(
        frozen.order,
        drawn,
        audited.wrong,
        epsilon=frozen.epsilon,
        alpha=frozen.alpha,
        anytime=True,
        items=items,
        skipped=audited.skipped,
        planned=frozen.drawn(),
        reviewed_wrong=audited.corrected() - put_right,
    )
    return replace(largest.statement, beside=(nobody,))


def _with_others(ledger: Ledger, kept: FrozenLabels, promised: Statement) -> Statement:
    """What is promised, with how many labels it is not about."""
    about = {*kept.item_ids}
    labels = delivered_labels(ledger)
    others = sum(one.kind != "human" and i not in about for i, one in labels.items())
    earlier = sum(i not in about for i in audit_labels(ledger))
    if not about:
        promised = Statement(
            "nothing is promised of the labels, as people could answer about no item"
        )
    beside = []
    if earlier:
        are = counted(earlier, "other label is", "other labels are")
        beside.append(f"{are} by people, of an earlier audit, and no part of this")
    if others:
        are = counted(others, "other label is", "other labels are")
        them = "it" if others == 1 else "them"
        beside.append(f"{are} no part of this, and nobody has reviewed {them}")
    return replace(promised, beside=(*promised.beside, *beside))


def _in_pool(pool: Pool, kept: FrozenLabels, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    return pool.positions(pool.held([kept.item_ids[position] for position in positions.tolist()]))


def _why_void(ledger: Ledger, pool: Pool, kept: FrozenLabels) -> str | None:
    """Why nothing can be promised of frozen labels any more; None if it can."""
    if kept.task_version != ledger.reading.version:
        return (
            f"the task has changed since the audit (version {kept.task_version} was audited, and "
            f"it is {ledger.reading.version} now)"
        )
    if len(ledger.pool_versions()) == kept.pool_version:
        return None
    return why_texts_are_others(pool, kept)


def why_texts_are_others(pool: Pool, kept: FrozenLabels) -> str | None:
    """Which of the texts that frozen labels are of are not those of a pool; None if all are."""
    now = pool.contents(kept.item_ids)
    gone = sum(one is None for one in now)
    if gone:
        return f"of {counted(len(now), 'audited item')} {counted(gone, 'is', 'are')} gone since"
    changed = sum(
        one is not None and not is_same(before, one)
        for before, one in zip(kept.contents, now, strict=True)
    )
    if not changed:
        return None
    return f"{counted(changed, 'text has', 'texts have')} changed since the audit"
