"""What candidates must be, and what is said when they are too few."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from llmal.core.records import Item
from llmal.core.words import counted
from llmal.errors import DataError

log = logging.getLogger("llmal.few_shot")


def usable(
    candidates: Sequence[Item],
    k: int,
    *,
    labels: Sequence[str] = (),
    balance: bool = False,
    quiet: bool = False,
) -> list[Item]:
    """The candidates sorted by id, so that nothing depends on their order.

    Warns where there are fewer than k, and with `balance` where a label has none.

    Args:
        candidates: Labelled items.
        k: Demonstrations wanted.
        labels: All labels of the task, where they are known.
        balance: Whether every label should be among the demonstrations.
        quiet: Do not warn: the candidates stand for others.

    Raises:
        DataError: k is negative; a candidate has no label, or one that is not in `labels`; or two
            have the same id.
    """
    if k < 0:
        raise DataError(f"{k} demonstrations were asked for", fix="ask for 0 or more")
    ordered = sorted(candidates, key=lambda item: item.id)
    known = set(labels)
    for place, item in enumerate(ordered):
        if item.gold is None:
            raise DataError(
                f"the candidate {item.id!r} has no label, and a demonstration needs one",
                fix="label it or leave it out",
            )
        if known and item.gold not in known:
            raise DataError(
                f"the candidate {item.id!r} has the label {item.gold!r}, which the task lacks",
                fix=f"the labels are {', '.join(labels)}",
            )
        if place and ordered[place - 1].id == item.id:
            raise DataError(f"two candidates have the id {item.id!r}", fix="ids must be distinct")
    if quiet:
        return ordered
    warn_if_few(len(ordered), k)
    if balance and k:
        present = {item.gold for item in ordered}
        lacking = [repr(label) for label in labels if label not in present]
        if lacking:
            log.warning(
                "no candidate has the label %s: the demonstrations are balanced over the others",
                ", ".join(lacking),
            )
    return ordered


def warn_if_few(found: int, k: int) -> None:
    """Say so where there are fewer candidates than demonstrations wanted."""
    if found < k:
        log.warning(
            "%d of %s: only %s there",
            found,
            counted(k, "demonstration"),
            counted(found, "candidate is", "candidates are"),
        )
