"""How a promise stands, in a word and in sentences: what results, reports and exports say of it."""

from __future__ import annotations

import math
from typing import Literal

from llmal.core.words import counted
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.statement import Statement

Standing = Literal["holds", "in part", "void", "not held", "not yet"]


def standing_of(certificate: Certificate | None, unreviewed: int = 0) -> Standing:
    """Whether a promise holds, holds for a part of the labels alone, is void, could not be made, or
    has not been reached yet.

    Args:
        certificate: The last one of a run that is to give a promise; None while there is none.
        unreviewed: How many delivered labels no person gave and no audit lets stay.
    """
    if certificate is None:
        return "not yet"
    if certificate.voided_by is not None:
        return "void"
    if not certificate.holds:
        return "not held"
    return "in part" if unreviewed else "holds"


def what_stands(certificate: Certificate | None, as_they_are: Statement | None = None) -> Statement:
    """What is promised of labels now.

    Args:
        certificate: The last one of a run that is to give a promise; None while there is none.
        as_they_are: What can be promised of the labels as they are, where that has been found out;
            in place of the promise of the certificate, which counts on people labelling all that
            goes to them.
    """
    if certificate is not None and certificate.voided_by is not None:
        return Statement(
            f"VOID, nothing is promised of these labels any more: {certificate.voided_by}"
        )
    if as_they_are is not None:
        return as_they_are
    if certificate is None:
        return Statement("nothing is promised of these labels yet: the audit is not done")
    return certificate.statement


def in_short(certificate: Certificate) -> str:
    """What a promise that holds comes to, in one line; `Certificate.promise` says it whole.

    Args:
        certificate: It.
    """
    kept = f"with a probability of {(1 - certificate.alpha) * 100:.4g} % or more"
    share = f"{certificate.epsilon * 100:.4g} %"
    items = counted(certificate.items, "label")
    if certificate.mode in ("pool_error", "looks", "anytime"):
        wrong = math.floor(certificate.epsilon * certificate.items + 1e-9)
        rest = certificate.details.get("rest")
        if rest == 0:
            return f"of {items} none is wrong, which is certain, as people gave all of them"
        if rest is not None and rest <= certificate.details.get("allowed", -1):
            kept = "which is certain, as people gave all others"
        return (
            f"of {items} {wrong:,} at most ({share}) {'is' if wrong == 1 else 'are'} wrong, {kept}"
        )
    return certificate.statement.brief
