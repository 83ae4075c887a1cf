"""Whether the calibration of a run helps, by what people answered after the language model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmal.annotators.protocol import Annotator, Calibrates
from llmal.calibration.comparison import Comparison, Judged
from llmal.core.records import one_label
from llmal.ledger import Ledger
from llmal.run.events import Announcer
from llmal.run.purposes import seen_annotations, seen_labels
from llmal.task import Task

_LEAST = 5e-5


def check_calibration(ledger: Ledger, annotator: Calibrates, task: Task) -> Comparison | None:
    """Compare the annotator's probabilities with and without calibration, where people know the
    label: items that they answered after it, and those of the pool that it was calibrated on
    without their label. Items that were shown as demonstrations are left out. Asks nobody.

    None where there are fewer than ten such items, or items take several labels.
    """
    if not task.space.rows_sum_to_one:
        return None
    answered = _answered(ledger, annotator.name, task)
    calibrated_on = annotator.judged
    rows = [one for one in (answered, calibrated_on) if one is not None]
    return Comparison.of(rows[0].joined(rows[-1])) if rows else None


def judge_calibration(
    ledger: Ledger, annotators: Sequence[Annotator], task: Task, announcer: Announcer
) -> None:
    """Say of each annotator that calibrates whether that helps; in the ledger where it is new."""
    said = [(one.message, one.data) for one in ledger.events() if one.kind == "calibration"]
    for annotator in annotators:
        if not isinstance(annotator, Calibrates):
            continue
        comparison = check_calibration(ledger, annotator, task)
        if comparison is None:
            continue
        message = f"{annotator.name}: {comparison.sentence()}"
        data = {"annotator": annotator.name, **comparison.as_dict()}
        if said[-1:] != [(message, data)]:
            ledger.event("calibration", message, data)
        announcer.tell("calibration", message, **data)


def _answered(ledger: Ledger, name: str, task: Task) -> Judged | None:
    labels = {i: one for i, one in seen_labels(ledger).items() if one.kind == "human"}
    found: dict[str, tuple[list[float], list[float], int]] = {}
    for one in seen_annotations(ledger, annotator=name):
        raw, label = one.provenance.get("uncalibrated"), labels.get(one.item_id)
        if raw is None or one.probabilities is None or label is None:
            continue
        # Those that an earlier version of the task gave other names to.
        if raw.keys() != one.probabilities.keys():
            continue
        # A label of an earlier round may have been shown, or learnt from.
        if label.round is None or one.round is None or label.round < one.round:
            continue
        found[one.item_id] = (
            [raw[name] for name in task.names],
            [one.probabilities[name] for name in task.names],
            task.index(one_label(label.label)),
        )
    if not found:
        return None
    ids = tuple(sorted(found))
    before, after, truth = zip(*(found[one] for one in ids), strict=True)
    # Written to four digits: zero stands for anything below half of the last.
    raised = np.maximum(np.array(before), _LEAST)
    raised /= raised.sum(axis=1, keepdims=True)
    return Judged(ids, raised, np.array(after), np.array(truth, dtype=np.int64))
