"""Promises about delivered labels, with people as the truth: audits, rules, certificates."""

from __future__ import annotations

from llmal.guarantee.certificate import Certificate, Mode
from llmal.guarantee.certify import certify, largest_promise
from llmal.guarantee.estimates import Estimates, estimate
from llmal.guarantee.evidence import Evidence
from llmal.guarantee.forecast import Forecast, Rates
from llmal.guarantee.frozen import Frozen, LabelledBy
from llmal.guarantee.groups import draw_audit
from llmal.guarantee.guarantee import Guarantee
from llmal.guarantee.judging import MoreLooks
from llmal.guarantee.largest_promise import LargestPromise
from llmal.guarantee.nested_looks import critical_counts
from llmal.guarantee.ordering import rank_by_score
from llmal.guarantee.planning import plan_audit
from llmal.guarantee.precision_audit import PrecisionAudit
from llmal.guarantee.procedure import Doubtful, Procedure
from llmal.guarantee.recall import ClassFound
from llmal.guarantee.trial import Trial, run_trial
from llmal.guarantee.trial_size import plan_trial

__all__ = [
    "Certificate",
    "ClassFound",
    "Doubtful",
    "Estimates",
    "Evidence",
    "Forecast",
    "Frozen",
    "Guarantee",
    "LabelledBy",
    "LargestPromise",
    "Mode",
    "MoreLooks",
    "PrecisionAudit",
    "Procedure",
    "Rates",
    "Trial",
    "certify",
    "critical_counts",
    "draw_audit",
    "estimate",
    "largest_promise",
    "plan_audit",
    "plan_trial",
    "rank_by_score",
    "run_trial",
]


def __dir__() -> list[str]:
    return sorted(__all__)
