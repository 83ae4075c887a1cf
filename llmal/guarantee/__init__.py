"""Promises about delivered labels, with people as the truth: audits, rules, certificates."""

from __future__ import annotations

from llmal.guarantee.certificate import Certificate, Mode
from llmal.guarantee.certify import certify
from llmal.guarantee.evidence import Evidence
from llmal.guarantee.frozen import Frozen, LabelledBy
from llmal.guarantee.guarantee import Guarantee
from llmal.guarantee.judging import MoreLooks
from llmal.guarantee.nested_looks import critical_counts
from llmal.guarantee.procedure import Doubtful, Procedure

__all__ = [
    "Certificate",
    "Doubtful",
    "Evidence",
    "Frozen",
    "Guarantee",
    "LabelledBy",
    "Mode",
    "MoreLooks",
    "Procedure",
    "certify",
    "critical_counts",
]
