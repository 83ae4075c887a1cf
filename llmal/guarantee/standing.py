"""How a promise stands, in a word and in sentences: what results, reports and exports say of it."""

from __future__ import annotations

from typing import Literal

from llmal.guarantee.certificate import Certificate

Standing = Literal["holds", "void", "not held", "not yet"]


def standing_of(certificate: Certificate | None) -> Standing:
    """Whether a promise holds, is void, could not be made, or has not been reached yet.

    Args:
        certificate: The last one of a run that is to give a promise; None while there is none.
    """
    if certificate is None:
        return "not yet"
    if certificate.voided_by is not None:
        return "void"
    return "holds" if certificate.holds else "not held"


def in_a_sentence(certificate: Certificate | None) -> str:
    """How a promise stands, in one sentence for people."""
    match standing_of(certificate):
        case "not yet":
            return "nothing is promised of these labels yet: the audit is not done"
        case "void":
            assert certificate is not None
            return f"VOID, nothing is promised of these labels: {certificate.voided_by}"
        case "holds" | "not held":
            assert certificate is not None
            return certificate.promise
