"""Label the doubtful, learn, then audit the rest: the way to a promise with few people's labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.audit import allowed_wrong, check_rates
from llmal.guarantee.audit_plan import AuditPlan, BestShare, Plan
from llmal.guarantee.batching import Batch, GapBatch
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.error_score import ErrorScore
from llmal.guarantee.evidence import Evidence
from llmal.guarantee.frozen import Frozen
from llmal.guarantee.judging import MoreLooks, judge
from llmal.guarantee.look_plan import Looks, MultipleLooks
from llmal.guarantee.repeated import items_of, most_repeated
from llmal.guarantee.scored import Score, ScoredPool
from llmal.guarantee.seeding import Seed, UniformSeed


@dataclass(frozen=True, eq=False)
class Doubtful:
    """Items that people label before the audit, as their labels are likely wrong.

    Attributes:
        positions: The most doubtful first.
        reasons: Why each, in words.
        probability_wrong: Of each.
        people_labels: How many labels people are expected to have given in the end, from the
            evidence as it is: those of now, these, the audit, and what it sends to people.
        plan: What an audit would give, if it began now.
    """

    positions: NDArray[np.int64]
    reasons: tuple[str, ...]
    probability_wrong: NDArray[np.float64]
    people_labels: int
    plan: AuditPlan


class Procedure:
    """Label the doubtful, learn, then audit the rest.

    People label a uniform seed. Then, again and again, a score learns from their labels which
    others are likely wrong, and people label the most doubtful of these, until most of the rest
    may be expected to stay. Labels and order of the rest are frozen, and an audit of it says how
    many of the most trusted labels may stay. Nothing before the freeze can hurt the promise, as no
    audited label is used there.

    `advance` and `judge` are functions of what they are called with: nothing is kept but the
    columns of features that no label of a person changes.

    Args:
        epsilon: How many delivered labels may be wrong, as a share of all.
        alpha: With what probability the promise may fail.
        seed: Draws what people label first.
        score: Says which labels are likely wrong.
        plan: Chooses the size of the audit.
        batch: Chooses how many doubtful items people label at a time.
        looks: Plans the looks of the audit.

    Raises:
        ConfigError: `epsilon` or `alpha` is out of its range.
    """

    parts = ("seed", "score", "plan", "batch", "looks")

    def __init__(
        self,
        *,
        epsilon: float = 0.05,
        alpha: float = 0.05,
        seed: Seed | None = None,
        score: Score | None = None,
        plan: Plan | None = None,
        batch: Batch | None = None,
        looks: Looks | None = None,
    ) -> None:
        check_rates(epsilon, alpha)
        self.epsilon = epsilon
        self.alpha = alpha
        self._seed = seed or UniformSeed()
        self._score = score or ErrorScore()
        self._plan = plan or BestShare(alpha=alpha)
        self._batch = batch or GapBatch()
        self._looks = looks or MultipleLooks()

    def seed(self, items: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Positions of what people label first, of a pool of `items`."""
        return self._seed.draw(items, rng)

    def score(self, evidence: Evidence, rng: np.random.Generator) -> ScoredPool:
        """What the error score says of the pool now, such as for a forecast."""
        return self._score.fit(evidence, rng)

    def advance(self, evidence: Evidence, rng: np.random.Generator) -> Doubtful | Frozen:
        """What people label next, or the labels and their order as they are audited.

        Args:
            evidence: All that is known now; no audited label is among it.
            rng: Breaks ties and draws the audit.
        """
        return self._advance(evidence, rng, may_ask=True)

    def freeze(self, evidence: Evidence, rng: np.random.Generator) -> Frozen:
        """The labels and their order as they are audited, where nothing more can be asked before.

        Args:
            evidence: All that is known now; no audited label is among it.
            rng: Breaks ties and draws the audit.
        """
        frozen = self._advance(evidence, rng, may_ask=False)
        assert isinstance(frozen, Frozen)
        return frozen

    def _advance(
        self, evidence: Evidence, rng: np.random.Generator, *, may_ask: bool
    ) -> Doubtful | Frozen:
        if not len(evidence):
            # People could answer none of it: there is nothing to learn from, or to audit.
            return self._nothing(evidence)
        scored = self._score.fit(evidence, rng)
        rest = np.flatnonzero(~evidence.by_people)
        # A stable sort of a random permutation: ties are broken once, at random.
        rest = rng.permutation(rest)
        order = rest[np.argsort(scored.probability_wrong[rest], kind="stable")]
        copies = np.ones(len(evidence), np.int64) if evidence.copies is None else evidence.copies
        items = items_of(order, copies)
        text = np.repeat(order, copies[order])
        probability = scored.probability_wrong[text]
        allowed = allowed_wrong(self.epsilon, evidence.items)
        plan = self._plan.audit(probability, allowed)
        picked = rest[:0]
        if may_ask and len(items) > allowed:
            picked = most_repeated(order, copies, allowed)
            if not len(picked):
                by_text = replace(plan, kept=_texts_in(plan.kept, copies[order]))
                size = self._batch.size(len(evidence), len(rest), by_text)
                picked = order[::-1][:size]
        if len(picked):
            return Doubtful(
                picked,
                tuple(_reason(evidence, scored, position) for position in picked.tolist()),
                scored.probability_wrong[picked],
                round(len(evidence) - plan.saved)
                if evidence.copies is None
                else _people_labels(plan, copies[order], len(evidence)),
                plan,
            )
        looks = self._looks.plan(plan.audited, len(items)) if len(items) > allowed else ()
        return Frozen(
            items=evidence.items,
            order=items,
            labels=scored.labels[text],
            by=scored.by[text],
            probability_wrong=probability,
            looks=looks,
            epsilon=self.epsilon,
            alpha=self.alpha,
            seed=int(rng.integers(2**31)),
            about={"plan": dict(plan.as_dict()), **scored.describe()},
            copies=evidence.copies,
        )

    def _nothing(self, evidence: Evidence) -> Frozen:
        return Frozen(
            items=0,
            order=np.zeros(0, dtype=np.int64),
            labels=evidence.machine,
            by=np.zeros(0, dtype=np.str_),
            probability_wrong=np.zeros(0),
            looks=(),
            epsilon=self.epsilon,
            alpha=self.alpha,
            seed=0,
            about={},
        )

    def judge(
        self,
        frozen: Frozen,
        wrong: NDArray[np.bool_],
        skipped: NDArray[np.bool_] | None = None,
    ) -> MoreLooks | Certificate:
        """What the audit so far says: more is to be audited, or which labels may stay.

        Args:
            frozen: What is audited.
            wrong: Whether the labels of `frozen.drawn()[:m]` are wrong, in that order.
            skipped: Which of them the person skipped, shape (m,); they count as wrong.

        Raises:
            DataError: More is said to be wrong than was drawn.
        """
        return judge(frozen, wrong, skipped)


def _texts_in(items: int, copies: NDArray[np.int64]) -> int:
    """How many whole texts the first items of an order have."""
    return int(np.searchsorted(np.cumsum(copies), items, side="right"))


def _people_labels(plan: AuditPlan, copies: NDArray[np.int64], texts: int) -> int:
    """How many texts people will have labelled, if the audit goes as planned.

    Args:
        plan: Of the audit, in items.
        copies: How many items have each text of the rest, in their order.
        texts: How many texts there are in all.
    """
    if not copies.sum():
        return texts
    kept = copies[: _texts_in(plan.kept, copies)]
    return round(texts - float(((1 - plan.audited / copies.sum()) ** kept).sum()))


def _reason(evidence: Evidence, scored: ScoredPool, position: int) -> str:
    if not evidence.by_machine[position]:
        return "the machine gave no label"
    if evidence.copies is not None and evidence.copies[position] > 1:
        again = f"{evidence.copies[position]:,} items have this text; "
    else:
        again = ""
    reason = f"{again}wrong with probability {scored.probability_wrong[position]:.2f}"
    if scored.alternative is None:
        return reason
    machine, learner = (
        evidence.space.write(evidence.space.answers(targets[position : position + 1])[0])
        for targets in (evidence.machine, scored.alternative)
    )
    return reason if machine == learner else f"{reason}: {machine}, or {learner}?"
