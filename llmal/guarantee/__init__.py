"""Promises about delivered labels, with people as the truth: audits, rules, certificates."""

from __future__ import annotations

from llmal.guarantee.certificate import Certificate, Mode
from llmal.guarantee.certify import certify, largest_promise
from llmal.guarantee.evidence import Evidence
from llmal.guarantee.frozen import Frozen, LabelledBy
from llmal.guarantee.groups import draw_audit
from llmal.guarantee.guarantee import Guarantee
from llmal.guarantee.judging import MoreLooks
from llmal.guarantee.largest_promise import LargestPromise
from llmal.guarantee.nested_looks import critical_counts
from llmal.guarantee.ordering import rank_by_score
from llmal.guarantee.procedure import Doubtful, Procedure
from llmal.guarantee.recall import ClassFound

__all__ = [
    "Certificate",
    "ClassFound",
    "Doubtful",
    "Evidence",
    "Frozen",
    "Guarantee",
    "LabelledBy",
    "LargestPromise",
    "Mode",
    "MoreLooks",
    "Procedure",
    "certify",
    "critical_counts",
    "draw_audit",
    "largest_promise",
    "rank_by_score",
]


def __dir__() -> list[str]:
    return sorted(__all__)
