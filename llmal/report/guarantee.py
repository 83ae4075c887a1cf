"""Figures on what is promised of the delivered labels, and what people have spent on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from llmal.guarantee.forecast import Forecast
from llmal.guarantee.standing import standing_of, what_stands
from llmal.report.record import RunRecord


def guarantee(record: RunRecord) -> dict[str, Any] | None:
    """How the promise stands, and what it rests on; None for a run that is to give none.

    Args:
        record: What the run left behind.
    """
    wanted = record.guarantee
    if wanted is None:
        return None
    certificate = wanted.certificate
    figures: dict[str, Any] = {
        "standing": standing_of(certificate, wanted.unreviewed),
        "sentence": str(what_stands(certificate, wanted.as_they_are)),
        "wanted": {"max_error": wanted.epsilon, "confidence": 1 - wanted.alpha},
        "asked": _asked(record),
        "texts": wanted.texts,
        "unreviewed": wanted.unreviewed,
        "certificate": None,
        "forecast": None if wanted.forecast is None else _forecast(wanted.forecast),
    }
    if certificate is not None:
        figures["certificate"] = {
            "mode": certificate.mode,
            "max_error": certificate.epsilon,
            "confidence": 1 - certificate.alpha,
            "items": certificate.items,
            "accepted": len(certificate.accepted),
            "to_people": len(certificate.to_people),
            "audited": certificate.audited,
            "wrong": certificate.wrong,
            "promise": certificate.promise,
            "rests_on": list(certificate.rests_on),
            "voided_by": certificate.voided_by,
            "details": dict(certificate.details),
        }
    return figures


def _forecast(found: Forecast) -> dict[str, Any]:
    """The forecast of the promise that is wanted, and what it rests on."""
    (needed,) = found.needed
    return {"basis": found.basis, "level": found.level, **asdict(needed)}


def _asked(record: RunRecord) -> list[dict[str, Any]]:
    """How many labels people have given in each phase, in the order of the phases; an item that
    they skipped has none.
    """
    phases = {one.number: one.phase for one in record.rounds}
    counts = Counter(
        phases.get(-1 if one.round is None else one.round, "outside a round")
        for one in record.annotations
        if one.kind == "human" and one.label is not None
    )
    order = list(dict.fromkeys([*phases.values(), *counts]))
    return [{"phase": name, "labels": counts[name]} for name in order if counts[name]]
