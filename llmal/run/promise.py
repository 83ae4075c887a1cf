"""What a promise about the labels of a campaign wants next, and what it has come to: by the ledger.

A promise is prepared by people's labels of a uniform seed and of what is doubtful; then the labels
of the rest and their order are frozen, and an audit of them says which may stay.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.router import Router
from llmal.core.records import Annotation, Answer, Outcome
from llmal.core.words import counted
from llmal.errors import ConfigError
from llmal.guarantee.audit import allowed_wrong
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.evidence import Evidence, has_label
from llmal.guarantee.frozen import Frozen
from llmal.guarantee.guarantee import Guarantee
from llmal.guarantee.judging import certificate_of_looks
from llmal.guarantee.nested_looks import fewest_audited
from llmal.guarantee.procedure import Doubtful, Procedure
from llmal.guarantee.promises import percent
from llmal.ledger import Decided, FrozenLabels, Ledger
from llmal.pool import Pool
from llmal.run.audited import Audited, last_frozen
from llmal.run.events import Announcer
from llmal.run.evidence import EvidenceBuilder
from llmal.run.items import RunItems
from llmal.run.purposes import seen_labels, set_aside
from llmal.task import Task

log = logging.getLogger("llmal.run")

LEARNER = "learner"
"""What the learner of a promise is called in ledgers, whose labels stand in place of a machine's
where it is surer."""

RULE = "guarantee"
"""What lets labels stand that an audit is to be of, in decisions."""

_SEED, _DOUBT = 0x5EED, 0xD0B7
"""Keep draws apart from what else is drawn by the seed."""
_LEAST_AUDIT = 60
"""Labels of people that are kept for an audit at least: about as many as 5 % / 5 % takes."""

Stamps = Callable[[Sequence[Annotation]], list[Annotation]]
"""Adds to answers what they are answers to."""


class Promise:
    """Works for the promise of a campaign. It asks nobody, and holds nothing that counts.

    Args:
        guarantee: Which promise.
        task: Of the campaign, as the following are.
        items: Its items; people label each text once.
        router: Who answers.
        evidence: What is known before the audit.
        stamps: For the learner's labels.
        announcer: Told how many labels people are expected to give, and of certificates.
        unanswered: Items that none of the people has an answer for.
        seed: Of the campaign.

    Raises:
        ConfigError: The procedure has no such part or option.
    """

    def __init__(
        self,
        guarantee: Guarantee,
        task: Task,
        items: RunItems,
        router: Router,
        evidence: EvidenceBuilder,
        *,
        stamps: Stamps,
        announcer: Announcer,
        unanswered: Callable[[], NDArray[np.int64]],
        seed: int,
    ) -> None:
        self.procedure: Procedure = guarantee.procedure()
        self._task = task
        self._items = items
        self._people = [s for s in router.stages if s.annotator.kind == "human"]
        self._evidence = evidence
        self._stamps = stamps
        self.announcer = announcer
        self._unanswered = unanswered
        self._seed = seed

    def at(self, ledger: Ledger, number: int, labels_left: int | None) -> PromiseNow:
        """What it wants next.

        Args:
            ledger: Of the campaign.
            number: Of the round that comes next.
            labels_left: That people may still give; None if there is no limit.
        """
        return PromiseNow(self, ledger, number, labels_left)

    @property
    def pool(self) -> Pool:
        """The pool."""
        return self._items.pool

    @property
    def task(self) -> Task:
        """The task."""
        return self._task

    @property
    def answers(self) -> int:
        """Labels that people give to an item at most."""
        return max(one.answers for one in self._people)

    def skipped(self, ledger: Ledger) -> set[str]:
        """Items that somebody had no label for, and nobody a label."""
        skipped: set[str] = set()
        for stage in self._people:
            skipped |= ledger.abstained(stage.annotator.name)
        labels = ledger.labels(purposes=("train", "review", "audit"))
        return {i for i in skipped if i not in labels or labels[i].kind != "human"}

    def item_ids(self, ledger: Ledger) -> list[str]:
        """What people may be asked about: each text once, without those that people cannot answer
        or were asked about in an earlier audit.
        """
        out = {*self.pool.ids(self._unanswered())} | self.skipped(ledger)
        # Answers of an earlier audit may not be learnt from, and are right in any case.
        out |= set_aside(ledger)
        return [i for i in self._items.usable.ids() if i not in out]

    def copies(self, ledger: Ledger, ids: Sequence[str]) -> list[str]:
        """What repeats the text of another item and gets its label, in the order of those."""
        rank = {item_id: place for place, item_id in enumerate(ids)}
        labels = seen_labels(ledger) if self._items.first_of else {}
        found = [
            (rank[first], item_id)
            for item_id, first in self._items.first_of.items()
            # It has a label of its own where copies were kept apart before.
            if first in rank and item_id not in labels
        ]
        return [item_id for _, item_id in sorted(found, key=lambda one: one[0])]

    def check_same(self, frozen: Frozen) -> None:
        """See that an audit that has begun is one for this promise.

        Raises:
            ConfigError: It was drawn for another share or another confidence.
        """
        was, now = (frozen.epsilon, frozen.alpha), (self.procedure.epsilon, self.procedure.alpha)
        if was != now:
            raise ConfigError(
                f"the audit of this campaign was begun for at most {was[0]:.4g} of wrong labels "
                f"with a confidence of {1 - was[1]:.4g}, and the guarantee says {now[0]:.4g} and "
                f"{1 - now[1]:.4g}",
                fix="go on with those figures, as other ones that are chosen during an audit "
                "promise nothing, or begin in another directory with data.labels",
            )

    def rng(self, number: int, what: int) -> np.random.Generator:
        """Random numbers of a round."""
        return np.random.default_rng([self._seed, number, what])

    def evidence(self, ledger: Ledger, number: int, ids: Sequence[str] | None = None) -> Evidence:
        """What is known before a round of the texts that the promise is about."""
        uniform = [i for one in ledger.rounds() if one.phase == "seed" for i in one.item_ids]
        about = self.item_ids(ledger) if ids is None else ids
        found = self._evidence.build(ledger, number, about, uniform)
        copies = self.copies(ledger, about)
        if not copies:
            return found
        rank = {item_id: place for place, item_id in enumerate(about)}
        further = [rank[self._items.first_of[item_id]] for item_id in copies]
        return replace(found, copies=1 + np.bincount(further, minlength=len(about)))

    def doubtful(self, ledger: Ledger, number: int, left: int | None) -> Mapping[str, str]:
        """The next doubtful items; none where labels and order were frozen."""
        ids = self.item_ids(ledger)
        self.announcer.tell("step", "looking for doubtful labels")
        evidence = self.evidence(ledger, number, ids)
        step = self.procedure.advance(evidence, self.rng(number, _DOUBT))
        if isinstance(step, Doubtful):
            size = len(step.positions)
            if left is not None:
                # What is left has to reach for an audit, or nothing can be promised at all.
                size = min(size, left - max(_LEAST_AUDIT, step.plan.audited))
            if size > 0:
                self.announcer.tell(
                    "promise",
                    f"people are expected to give {step.people_labels:,} labels in all",
                    people_labels=step.people_labels,
                )
                picked = zip(step.positions[:size].tolist(), step.reasons[:size], strict=True)
                return {ids[position]: why for position, why in picked}
            assert left is not None
            log.warning(
                "the budget leaves people %s, no more than an audit takes: it begins now, and "
                "no more doubtful labels are looked for before; about %s in all would serve best "
                "(budget.human_labels)",
                counted(left, "label"),
                counted(step.people_labels, "label"),
            )
            step = self.procedure.freeze(evidence, self.rng(number, _DOUBT))
        self._warn_of_a_small_audit(step, left)
        ids = [*ids, *self.copies(ledger, ids)]
        self.keep(ledger, number, ids, step if left is None else step.with_look_at(left))
        return {}

    def _warn_of_a_small_audit(self, frozen: Frozen, left: int | None) -> None:
        """Say so where people have too few labels left for an audit that could show anything."""
        allowed = allowed_wrong(frozen.epsilon, frozen.items)
        fewest = fewest_audited(len(frozen.order), allowed, frozen.alpha)
        if left is not None and left < fewest:
            log.warning(
                "the budget leaves people %s for the audit, and at most %s wrong takes %s at "
                "least: raise budget.human_labels by %s or more, now or when it is spent; the "
                "audit goes on from there",
                counted(left, "label"),
                percent(frozen.epsilon),
                f"{fewest:,}",
                f"{fewest - left:,}",
            )

    def keep(self, ledger: Ledger, number: int, ids: Sequence[str], frozen: Frozen) -> None:
        """Record labels and order before a round, and the labels of the learner."""
        contents = self.pool.contents(ids)
        kept = ledger.add_frozen(
            FrozenLabels(
                round=number,
                fingerprint=frozen.fingerprint,
                labels=frozen.as_dict(),
                item_ids=tuple(ids),
                contents=tuple(one or "" for one in contents),
                task_version=ledger.reading.version,
                pool_version=len(ledger.pool_versions()),
            )
        )
        stands = Frozen.from_dict(kept.labels)
        first = stands.texts[stands.order] == stands.order
        its = (stands.by == LEARNER) & first
        learnt = [
            Annotation(
                kept.item_ids[position],
                answer,
                LEARNER,
                "learner",
                round=number,
                provenance={"frozen": kept.fingerprint},
            )
            for position, answer in zip(
                stands.order[its].tolist(),
                self._task.space.answers(stands.labels[its]),
                strict=True,
            )
        ]
        ledger.append(self._stamps(learnt))
        self._let_stand(ledger, kept, stands)

    def _let_stand(self, ledger: Ledger, kept: FrozenLabels, frozen: Frozen) -> None:
        """Have those labels of machines delivered that are audited, where others stand or none: a
        rule that the audit takes the place of has not let them stand.
        """
        its = (frozen.by != LEARNER) & has_label(frozen.labels)
        its &= frozen.texts[frozen.order] == frozen.order
        labels = seen_labels(ledger)
        audited = {
            kept.item_ids[position]: answer
            for position, answer in zip(
                frozen.order[its].tolist(),
                self._task.space.answers(frozen.labels[its]),
                strict=True,
            )
        }
        lacking = [i for i, answer in audited.items() if _is_other(labels.get(i), answer)]
        outcomes: list[tuple[Annotation, Outcome]] = []
        for i, some in ledger.annotations_of(lacking).items():
            machines = [one for one in some if one.kind != "human"]
            last = max(
                (n for n, one in enumerate(machines) if ledger.reading.read(one) == audited[i]),
                default=None,
            )
            if last is not None:
                outcomes.append((machines[last], "accepted"))
                # A learner's before the task or the pool changed.
                outcomes += [(one, "overruled") for one in machines[last + 1 :]]
        ledger.decide(RULE, outcomes, round=kept.round)


class PromiseNow:
    """What a promise wants next, as a ledger stands between two rounds.

    Args:
        promise: Which promise.
        ledger: Of the campaign.
        number: Of the round that comes next.
        labels_left: That people may still give; None if there is no limit.
    """

    def __init__(
        self, promise: Promise, ledger: Ledger, number: int, labels_left: int | None
    ) -> None:
        self._promise = promise
        self._ledger = ledger
        self._number = number
        self._left = None if labels_left is None else labels_left // promise.answers

    def _audited(self) -> Audited | None:
        kept = last_frozen(self._ledger, self._promise.pool)
        if kept is None:
            return None
        audited = Audited(self._ledger, self._promise.task, kept)
        self._promise.check_same(audited.frozen)
        return audited

    @property
    def is_frozen(self) -> bool:
        """Whether labels and order are frozen that an audit may still be of."""
        audited = self._audited()
        if audited is None:
            return False
        # Killed before they were recorded, the learner's labels are recorded now.
        if audited.kept.round == self._number:
            self._promise.keep(self._ledger, self._number, audited.kept.item_ids, audited.frozen)
        return True

    def seed(self) -> Mapping[str, str]:
        """A uniform draw, as far as nobody has labelled it yet."""
        ids = self._promise.item_ids(self._ledger)
        rng = self._promise.rng(self._number, _SEED)
        drawn = self._promise.procedure.seed(len(ids), rng)
        labels = seen_labels(self._ledger)
        picked = [ids[position] for position in drawn.tolist()]
        left = [i for i in picked if i not in labels or labels[i].kind != "human"]
        return dict.fromkeys(left[: self._left], "drawn uniformly")

    def advance(self) -> Mapping[str, str]:
        """The next doubtful items; where there are none, labels and order are frozen."""
        return self._promise.doubtful(self._ledger, self._number, self._left)

    def look(self) -> Mapping[str, str]:
        """The next look; where there is none, or the budget ends, a certificate is recorded."""
        audited = self._audited()
        assert audited is not None
        done = audited.until_a_look()
        step = self._promise.procedure.judge(
            audited.frozen, audited.wrong[:done], audited.skipped[:done]
        )
        if isinstance(step, Certificate):
            if audited.record(self._as_told(step, audited)):
                self._promise.announcer.tell("promise", _outcome(step), holds=step.holds)
            return {}
        if self._left == 0:
            # What the looks so far say stands until the budget is raised and the audit goes on.
            so_far = certificate_of_looks(
                audited.frozen, audited.wrong[:done], audited.skipped[:done]
            )
            if so_far is not None:
                audited.record(self._as_told(so_far, audited))
        answered = audited.answered
        ids = dict.fromkeys(audited.asked[position] for position in step.positions.tolist())
        left = [i for i in ids if i not in answered]
        return dict.fromkeys(left[: self._left or None], "drawn uniformly")

    def _as_told(self, certificate: Certificate, audited: Audited) -> Certificate:
        """With what of the pool it is about."""
        items, of = len(audited.kept.item_ids), len(self._promise.pool)
        if items == of:
            return certificate
        note = (
            f"It is about {items:,} of the {of:,} items of the pool: those that people could not "
            "answer, that stand in the test set or that an earlier audit asked about are no part "
            "of it."
        )
        return replace(certificate, rests_on=(*certificate.rests_on, note))

    def review(self) -> Mapping[str, str]:
        """What the certificate sends to people, the most doubtful first."""
        audited = self._audited()
        assert audited is not None
        certificate = audited.certificate()
        assert certificate is not None
        done = self._promise.skipped(self._ledger) | audited.by_people()
        doubt = audited.doubt()
        order = sorted(certificate.to_people.tolist(), key=doubt.__getitem__, reverse=True)
        order += audited.without_label()
        ids = [audited.asked[position] for position in order]
        return dict.fromkeys((i for i in ids if i not in done), "the audit sends it to people")


def _outcome(certificate: Certificate) -> str:
    """What an audit has come to; what is promised of it is told where the labels are delivered."""
    wrong = counted(certificate.wrong, "of them was wrong", "of them were wrong")
    if not certificate.holds:
        return f"the audit of {counted(certificate.audited, 'label')} is over; {wrong}"
    others = len(certificate.accepted) - certificate.audited
    return (
        f"the audit of {counted(certificate.audited, 'label')} is over; {wrong}; "
        f"{counted(max(0, others), 'other')} may stay, and {len(certificate.to_people):,} go to "
        "people"
    )


def _is_other(standing: Decided | None, answer: Answer) -> bool:
    return standing is None or (standing.kind != "human" and standing.label != answer)
