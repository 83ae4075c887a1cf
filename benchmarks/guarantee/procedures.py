"""One audit of a procedure on a set, with people who are asked for what is paid for alone."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from recorded_sets import RecordedSet

from llmal.guarantee import Certificate, Frozen
from llmal.guarantee.evidence import differ
from llmal.guarantee.procedure import Procedure


@dataclass(frozen=True)
class Audit:
    """How one audit went.

    Attributes:
        saved: Share of the pool whose delivered label no person gave; seed, doubtful items, audit
            and review count as people's work.
        wrong: Share of all delivered labels that are wrong.
        broken: Whether that is more than was promised.
        before: Labels by people before the audit.
        audited: Labels by people in the audit.
        rounds: How often the score was fitted.
        expected: The share that the plan expected to save when the audit began.
        first: The same after the seed.
        seconds: Time for all of it, people's aside.
    """

    saved: float
    wrong: float
    broken: bool
    before: int
    audited: int
    rounds: int
    expected: float
    first: float
    seconds: float


def audit(recorded: RecordedSet, procedure: Procedure, seed: int) -> Audit:
    """From the seed to the certificate; people say what gold says, when asked."""
    start = time.perf_counter()
    evidence, gold, items = recorded.evidence, recorded.gold, len(recorded)
    rng = np.random.default_rng([seed, 1])
    people, uniform = evidence.people.copy(), evidence.uniform.copy()
    seeded = procedure.seed(items, rng)
    people[seeded] = gold[seeded]
    uniform[seeded] = True
    rounds, first = 0, np.nan
    while True:
        rounds += 1
        step = procedure.advance(
            replace(evidence, people=people.copy(), uniform=uniform),
            np.random.default_rng([seed, 2, rounds]),
        )
        if isinstance(step, Frozen):
            break
        if rounds == 1:
            first = step.plan.saved / items
        people[step.positions] = gold[step.positions]
    wrong, certificate = _audited(procedure, step, gold)
    stays = step.order[np.isin(step.order, certificate.accepted)]
    drawn = step.drawn()[: len(wrong)]
    alone = stays[~np.isin(stays, drawn)]
    label = np.empty_like(gold)
    label[step.order] = step.labels
    errors = int(differ(label[alone], gold[alone]).sum())
    return Audit(
        saved=len(alone) / items,
        wrong=errors / items,
        broken=errors > int(procedure.epsilon * items + 1e-9),
        before=int((people != -1).sum()),
        audited=len(wrong),
        rounds=rounds,
        expected=step.about["plan"]["saved"] / items,
        first=float(first),
        seconds=time.perf_counter() - start,
    )


def _audited(
    procedure: Procedure, frozen: Frozen, gold: np.ndarray
) -> tuple[np.ndarray, Certificate]:
    label = np.empty_like(gold)
    label[frozen.order] = frozen.labels
    wrong = np.zeros(0, dtype=bool)
    while True:
        outcome = procedure.judge(frozen, wrong)
        if isinstance(outcome, Certificate):
            return wrong, outcome
        more = outcome.positions
        wrong = np.concatenate([wrong, differ(label[more], gold[more])])
