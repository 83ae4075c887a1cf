"""What the lead of a project sees of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmal.annotators.aggregation import agreement_of
from llmal.core.records import Annotation
from llmal.core.words import counted
from llmal.run.campaign import Campaign

_LISTED = 100
_LENGTH = 300


def overview(campaign: Campaign) -> dict[str, Any]:
    """The figures of the lead's page: progress, people, agreement, doubts, and what is promised."""
    ledger = campaign.open()
    given = [one for one in ledger.annotations() if one.kind == "human"]
    rounds = ledger.rounds()
    promised = campaign.promised
    forecast = campaign.forecast() if campaign.promise is not None else None
    return {
        "task": campaign.task,
        "labelled": f"{len(campaign.labels):,}",
        "size": f"{len(campaign.pool):,}",
        "by_people": f"{ledger.total_usage().human_labels:,}",
        "budget": campaign.budget.human_labels,
        "round": f"{rounds[-1].number} ({rounds[-1].phase})" if rounds else None,
        "promise": "" if promised is None else promised.brief,
        "forecast": "" if forecast is None else str(forecast),
        "reason": campaign.reason or "",
        "people": _people(given),
        "agreement": _agreement(campaign),
        "doubts": _doubts(campaign, given),
    }


def _people(given: Sequence[Annotation]) -> list[dict[str, Any]]:
    by_name: dict[str, list[Annotation]] = {}
    for one in given:
        by_name.setdefault(one.annotator, []).append(one)
    rows = []
    for name, answers in sorted(by_name.items()):
        seconds = sorted(one.provenance.get("seconds", 0.0) for one in answers)
        timed = [one for one in seconds if one]
        rows.append(
            {
                "name": name,
                "answers": len(answers),
                "skipped": sum(one.label is None for one in answers),
                "unclear": sum("unclear" in one.flags for one in answers),
                # The median: somebody who goes for coffee is not slow.
                "seconds": round(timed[len(timed) // 2], 1) if timed else None,
            }
        )
    return rows


def _agreement(campaign: Campaign) -> str:
    several = campaign.open().several_answers(purposes=("train", "review", "audit"))
    if not several:
        return ""
    found = agreement_of(several, campaign.task.space)
    alpha = "not defined" if found.alpha is None else f"{found.alpha:.2f}"
    items = counted(found.items, "text")
    return f"{items} have answers of several people; Krippendorff's alpha is {alpha}."


def _doubts(campaign: Campaign, given: Sequence[Annotation]) -> list[dict[str, Any]]:
    """Answers with a comment or a doubt, the newest first."""
    found = [one for one in given if one.rationale or {"unclear", "guideline"} & set(one.flags)]
    newest = found[::-1][:_LISTED]
    pool = campaign.pool
    there = set(pool.held([one.item_id for one in newest]))
    rows = []
    for one in newest:
        text = pool[int(pool.positions([one.item_id])[0])].text if one.item_id in there else ""
        label = one.label if isinstance(one.label, str | None) else ", ".join(one.label)
        words = {"unclear": "cannot be told", "guideline": "the guidelines do not say"}
        rows.append(
            {
                "name": one.annotator,
                "label": label,
                "flags": ", ".join(words[flag] for flag in one.flags if flag in words),
                "text": text[:_LENGTH] + ("…" if len(text) > _LENGTH else ""),
                "note": one.rationale or "",
            }
        )
    return rows
