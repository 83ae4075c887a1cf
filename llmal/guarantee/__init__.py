"""Promises about delivered labels, with people as the truth: audits, rules, certificates."""

from __future__ import annotations

from llmal.guarantee.certificate import Certificate, Mode
from llmal.guarantee.evidence import Evidence
from llmal.guarantee.frozen import Frozen, LabelledBy

__all__ = ["Certificate", "Evidence", "Frozen", "LabelledBy", "Mode"]
