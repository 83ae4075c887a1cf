"""Figures on an audit: what people say of the labels that machines gave to a uniform sample."""

from __future__ import annotations

from collections import Counter
from typing import Any

from llmal.report.record import RunRecord

LEVEL = 0.95


def audit(record: RunRecord) -> dict[str, Any] | None:
    """How often the labels that stood without the audit are wrong; None if nothing was audited.

    An item counts if a person has answered it and a machine's label stood. The interval is exact
    (Clopper and Pearson, 1934).
    """
    drawn = {i for one in record.rounds if one.phase == "audit" for i in one.item_ids}
    answers = [one for one in record.annotations if one.purpose == "audit" and one.kind == "human"]
    if not drawn and not answers:
        return None
    judged = {
        i: (one.label, record.without_audit[i].label)
        for i, one in record.audited.items()
        if i in record.without_audit and record.without_audit[i].kind != "human"
    }
    wrong = sum(truth != label for truth, label in judged.values())
    by_people = sum(
        i in record.without_audit and record.without_audit[i].kind == "human"
        for i in record.audited
    )
    skipped = {one.item_id for one in answers} - record.audited.keys()
    return {
        "drawn": len(drawn),
        "answered": len(record.audited),
        "skipped": len(skipped),
        "open": len(drawn - {one.item_id for one in answers}),
        "by": dict(sorted(Counter(one.annotator for one in answers).items())),
        "simulated": sum(bool(one.provenance.get("simulated")) for one in answers),
        "without_label": len(record.audited) - len(judged) - by_people,
        "labelled_by_people": by_people,
        "error": _error(wrong, len(judged)),
        "error_if_skipped_are_wrong": _error(wrong + len(skipped), len(judged) + len(skipped))
        if skipped
        else None,
    }


def _error(wrong: int, n: int) -> dict[str, Any] | None:
    if not n:
        return None
    from scipy.stats import binomtest

    interval = binomtest(wrong, n).proportion_ci(LEVEL, method="exact")
    return {
        "value": wrong / n,
        "low": float(interval.low),
        "high": float(interval.high),
        "hits": wrong,
        "n": n,
    }
