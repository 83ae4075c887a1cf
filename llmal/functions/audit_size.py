"""How many rows people have to audit for a promise, and how many pay best."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from llmal.functions.audited_labels import AuditedLabels
from llmal.functions.promise_part import PromisePart
from llmal.guarantee.audit import allowed_wrong
from llmal.guarantee.audit_plan import BestShare
from llmal.guarantee.groups import groups_allowed
from llmal.guarantee.hypergeometric import cdf
from llmal.guarantee.nested_looks import fewest_audited

LIKELY = 0.95
"""With what probability the audit of all rows is to hold as many rows of a class as it takes."""


@dataclass(frozen=True)
class AuditSize:
    """How large an audit has to be.

    Attributes:
        units: How many rows can be drawn; groups, where these are.
        needed: How many it takes, that anything can be promised: at least; for a class, with
            `LIKELY`.
        best: How many pay best.
        part: Of a promise about a class: how many of the rows that it counts it takes at least.
    """

    units: int
    needed: int
    best: int
    part: int | None = None


def size_of_audit(
    found: AuditedLabels, part: PromisePart, max_error: float, alpha: float
) -> AuditSize:
    """How large an audit has to be for a promise.

    The size follows from counts and scores alone, never from which rows a seed draws: so the draw
    stays a uniform one of all rows.

    Args:
        found: The rows, none of them audited yet.
        part: Those that the promise is about.
        max_error: The share that may be wrong, or missed.
        alpha: With what probability the promise may fail.
    """
    if part.of is None:
        return _for_all(found, max_error, alpha)
    return _for_class(found, part, max_error, alpha)


def _for_all(found: AuditedLabels, max_error: float, alpha: float) -> AuditSize:
    sizes = _sizes(found)
    allowed = allowed_wrong(max_error, len(found.machine))
    allowed = allowed if found.groups is None else groups_allowed(sizes, allowed)
    units = len(sizes)
    needed = fewest_audited(units, allowed, alpha)
    least = min(units, 2 * needed)
    doubt = _doubt(found, found.order)
    if found.groups is not None or doubt is None:
        return AuditSize(units, needed, max(least, units // 10, 1))
    best = BestShare(alpha=alpha).audit(doubt, allowed).audited
    return AuditSize(units, needed, max(least, best))


def _for_class(
    found: AuditedLabels, part: PromisePart, max_error: float, alpha: float
) -> AuditSize:
    rows, inside = len(found.order), len(part.order)
    if part.found is None:
        allowed, share = allowed_wrong(max_error, part.items), alpha
    else:
        share = alpha / 2 if part.found.by_machine else alpha
        audited = bisect_left(
            range(rows), True, key=lambda size: _is_enough(found, part, size, max_error, share)
        )
        allowed = _may_be_missed(found, part, audited, max_error, share)
    of_part = fewest_audited(inside, allowed, share)
    doubt = _doubt(found, part.order)
    if doubt is None:
        best = 0
    else:
        # Of other classes, a label that is wrong may be any.
        others = 1 if part.found is None else max(1, len(found.names) - 1)
        best = BestShare(alpha=share).audit(doubt / others, allowed).audited
    best = max(best, of_part, min(2 * of_part, inside // 2))
    return AuditSize(
        rows, _drawn_for(of_part, inside, rows), max(1, _drawn_for(best, inside, rows)), of_part
    )


def _is_enough(
    found: AuditedLabels, part: PromisePart, size: int, max_error: float, alpha: float
) -> bool:
    """Whether an audit of so many rows is likely to be enough for a promise of recall."""
    allowed = _may_be_missed(found, part, size, max_error, alpha)
    rows, inside = len(found.order), len(part.order)
    return size >= _drawn_for(fewest_audited(inside, allowed, alpha), inside, rows)


def _may_be_missed(
    found: AuditedLabels, part: PromisePart, size: int, max_error: float, alpha: float
) -> int:
    """How many of a class may be missed, if an audit of so many rows is as the score says.

    How many of the class were found is known from the audit alone.
    """
    assert part.found is not None
    rows = len(found.order)
    given = np.setdiff1d(found.order, part.order)
    doubt = _doubt(found, given)
    wrong = 0.0 if doubt is None or not len(doubt) else float(doubt.mean())
    audited = len(given) * size // rows
    expected = replace(part.found, audited=audited, right=int(audited * (1 - wrong)))
    missed = Fraction(str(float(max_error)))
    return int(expected.at_least(alpha) * missed / (1 - missed))


def _drawn_for(wanted: int, inside: int, rows: int) -> int:
    """How many of all rows have to be drawn, that as many of a part are likely among them."""

    def is_likely(drawn: int) -> bool:
        return 1 - cdf(wanted - 1, rows, inside, drawn) >= LIKELY

    return bisect_left(range(rows), True, lo=wanted, key=is_likely) if wanted else 0


def _sizes(found: AuditedLabels) -> NDArray[np.int64]:
    """How many rows each thing has that can be drawn."""
    if found.groups is None:
        return np.ones(len(found.order), dtype=np.int64)
    _, sizes = np.unique(found.groups[found.order], return_counts=True)
    return np.asarray(sizes, dtype=np.int64)


def _doubt(found: AuditedLabels, order: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """How probably each label is wrong; None where the scores are no probabilities."""
    scores = found.score[found.order]
    if scores.min() < 0 or scores.max() > 1:
        return None
    return np.asarray(1 - found.score[order], dtype=np.float64)
