"""How many labels people would give if the procedure went on from here: one possible way."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from llmal.guarantee.audit import allowed_wrong
from llmal.guarantee.audit_plan import BestShare
from llmal.guarantee.batching import Batch, GapBatch
from llmal.guarantee.doubt import Doubt
from llmal.guarantee.look_plan import Looks, MultipleLooks
from llmal.guarantee.simulated_audit import simulate_audit


@dataclass(frozen=True)
class Steps:
    """The parts of the procedure that decide how many labels people give.

    Attributes:
        plan: Chooses the size of the audit.
        batch: Chooses how many doubtful items are labelled at a time; None labels none, and audits.
        looks: Plans the looks.
    """

    plan: BestShare = field(default_factory=BestShare)
    batch: Batch | None = field(default_factory=GapBatch)
    looks: Looks = field(default_factory=MultipleLooks)


@dataclass(frozen=True)
class Path:
    """What people did on one possible way.

    Attributes:
        doubtful: Doubtful items that they labelled.
        audited: Items that they audited.
        people: Labels that they gave in all.
    """

    doubtful: int
    audited: int
    people: int


def simulate_procedure(
    doubt: Doubt,
    truth: Doubt,
    labelled: int,
    items: int,
    *,
    epsilon: float,
    alpha: float,
    gain: float,
    steps: Steps,
    rng: np.random.Generator,
) -> Path:
    """Label the doubtful, learn, then audit the rest, as it may go.

    People's labels are learnt from: every time that they become e times as many, each item that is
    left gets a further piece of evidence of the strength `gain` (`Doubt.sharpened`).

    Args:
        doubt: What is believed of the items that no person has labelled.
        truth: What holds of them.
        labelled: How many labels people have given so far, which the score has learnt from.
        items: N, all items.
        epsilon: The share of wrong labels that is allowed.
        alpha: With what probability the promise may fail.
        gain: How much is learnt.
        steps: How the procedure goes on.
        rng: Draws the audit and its errors.
    """
    allowed = allowed_wrong(epsilon, items)
    people = labelled
    while True:
        rest = items - people
        if rest <= allowed:
            return Path(people - labelled, 0, people)
        plan = doubt.plan(allowed, steps.plan)
        size = 0 if steps.batch is None else steps.batch.size(items, rest, plan)
        if size <= 0:
            break
        size = min(size, rest)
        learnt = gain * math.log((people + size) / people) if people else 0.0
        same = truth is doubt
        doubt = doubt.without_doubtful(size).sharpened(learnt)
        truth = doubt if same else truth.without_doubtful(size).sharpened(learnt)
        people += size
    found = simulate_audit(doubt, truth, allowed, steps.looks.plan(plan.audited, rest), alpha, rng)
    return Path(people - labelled, found.audited, items - found.saved)
