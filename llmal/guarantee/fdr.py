"""Conformal labelling: the share of wrong labels among those that stay, on average over audits."""

from __future__ import annotations

import numpy as np

from llmal.guarantee.audit import Audit
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.promises import FIXED_POOL, VOID, percent, skipped_note


def certify_fdr(audit: Audit, *, epsilon: float) -> Certificate:
    """Keep so many labels that the expected share of wrong ones among them is at most ε.

    Conformal selection (Jin and Candès 2023; of labels, Huang et al. 2025) by the procedure of
    Benjamini and Hochberg: an item that was not audited gets the p-value (1 + wrong audited items
    above it) / (1 + m), and the longest beginning stays that has p ≤ ε · k / u at its end, k the
    items in it that were not audited, u all of them. It rests on nothing but the uniform draw. It
    is a promise about the average over many audits: in one of them the share may be larger.

    Args:
        audit: The audit.
        epsilon: The expected share of wrong labels among those that stay and were not audited.
    """
    rest, drawn = len(audit.order), len(audit)
    audited = np.zeros(rest, np.bool_)
    audited[audit.places] = True
    wrong = np.zeros(rest, np.bool_)
    wrong[audit.places] = audit.wrong
    unaudited = np.flatnonzero(~audited)
    above = np.cumsum(wrong)[unaudited]
    rank = np.arange(1, len(unaudited) + 1)
    passed = np.flatnonzero((1 + above) * len(unaudited) <= epsilon * rank * (1 + drawn) + 1e-12)
    prefix = int(unaudited[passed[-1]]) + 1 if len(passed) else 0
    holds = prefix > 0 or not len(unaudited)
    accepted, to_people = audit.split(prefix)
    needed = int(np.ceil(1 / epsilon)) - 1 if epsilon > 0 else rest
    meaning = ""
    if holds:
        claim = (
            f"On average over all audits that could have been drawn, at most {percent(epsilon)} of "
            f"the {len(accepted) - audit.labelled:,} labels that stay and that no person has seen "
            "are wrong"
        )
        meaning = (
            "A label is wrong if it is not the one that the people of record would give. The "
            "items, their labels and what people would say are taken as fixed: the one "
            f"thing that is random is which {drawn:,} of the {rest:,} items that no person had "
            "labelled were drawn for the audit. This is no promise that the share is as small in "
            f"this very pool. {VOID}"
        )
    else:
        claim = (
            f"Nothing is promised: no beginning of the order passes at {percent(epsilon)}; it "
            f"takes at least {min(needed, rest):,} audited items, and {drawn:,} were audited with "
            f"{int(audit.wrong.sum()):,} wrong"
        )
    return Certificate(
        mode="fdr",
        accepted=accepted,
        to_people=to_people,
        holds=holds,
        epsilon=epsilon,
        alpha=1.0,  # An average: no probability belongs to it.
        items=audit.items,
        audited=drawn,
        wrong=int(audit.wrong.sum()),
        claim=claim,
        meaning=meaning,
        rests_on=FIXED_POOL + skipped_note(audit),
        details={
            "rest": rest,
            "prefix": prefix,
            "needed": min(needed, rest),
            "stays": len(accepted) - audit.labelled,
        },
    )
