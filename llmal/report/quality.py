"""Figures on how right labels are: against gold, or against people where there is no gold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from llmal.calibration import measures
from llmal.core.records import Annotation, Answer, one_label
from llmal.report.record import DecidedLike, RunRecord

MATRIX_LABELS = 15
TOP_CONFUSIONS = 20
HISTOGRAM_BINS = 20


def share(hits: int, n: int) -> dict[str, Any] | None:
    """A share with its 95 % Wilson interval; None of nothing."""
    if not n:
        return None
    low, high = measures.wilson_interval(hits, n)
    return {"value": hits / n, "low": low, "high": high, "hits": hits, "n": n}


def known_gold(record: RunRecord) -> dict[str, Answer]:
    """Gold by item id, without answers that the task does not have."""
    space = record.task.space
    return {i: answer for i, answer in (record.gold or {}).items() if space.holds(answer)}


def human_labels(record: RunRecord) -> dict[str, Answer]:
    """The label that people gave, by item id: the delivered one where it is theirs. What they have
    said in an audit is not among them, but told by itself.
    """
    last = {
        one.item_id: one.label
        for one in record.annotations
        if one.kind == "human" and one.label is not None and one.purpose != "audit"
    }
    decided = {
        i: one.label
        for i, one in record.labels.items()
        if one.kind == "human" and i not in record.audited
    }
    return {**last, **decided}


def last_by_annotator(annotations: Iterable[Annotation]) -> dict[str, dict[str, Annotation]]:
    """For each annotator that is not a person its last annotation of each item."""
    made: dict[str, dict[str, Annotation]] = {}
    for annotation in annotations:
        if annotation.kind != "human":
            made.setdefault(annotation.annotator, {})[annotation.item_id] = annotation
    return made


def machine_labels(record: RunRecord) -> list[dict[str, Any]]:
    """One entry for each annotator that is not a person: LLMs, text similarity, columns.

    An abstention is neither right nor wrong; it is counted by itself. Accuracy is over the items
    that have both a label and a reference.
    """
    gold = known_gold(record)
    reference, name = (gold, "gold") if gold else (human_labels(record), "people")
    return [
        _machine(record, annotator, list(last.values()), reference, name)
        for annotator, last in last_by_annotator(record.annotations).items()
    ]


def _machine(
    record: RunRecord,
    annotator: str,
    last: Sequence[Annotation],
    reference: Mapping[str, Answer],
    reference_name: str,
) -> dict[str, Any]:
    given = [annotation for annotation in last if annotation.label is not None]
    judged = [annotation for annotation in given if annotation.item_id in reference]
    return {
        "annotator": annotator,
        "kind": last[0].kind,
        "items": len(last),
        "accepted": sum(annotation.decision == "accepted" for annotation in given),
        "deferred": sum(annotation.decision == "deferred" for annotation in given),
        "abstained": len(last) - len(given),
        "exact": all(annotation.exact for annotation in last),
        "reference": reference_name if judged else None,
        "accuracy": _accuracy(judged, reference),
        "accuracy_accepted": _accuracy(
            [annotation for annotation in judged if annotation.decision == "accepted"], reference
        ),
        "accuracy_deferred": _accuracy(
            [annotation for annotation in judged if annotation.decision == "deferred"], reference
        ),
        "macro_f1": _macro_f1(record, judged, reference),
        **_of_several(record, judged, reference),
        "calibration": _calibration(record, judged, reference),
        "with_and_without_calibration": _last_comparison(record, annotator),
        "confusion": confusion(
            record,
            [
                (reference[annotation.item_id], annotation.label)
                for annotation in judged
                if annotation.label is not None
            ],
        ),
    }


def _accuracy(
    judged: Sequence[Annotation], reference: Mapping[str, Answer]
) -> dict[str, Any] | None:
    return share(
        sum(annotation.label == reference[annotation.item_id] for annotation in judged), len(judged)
    )


def _macro_f1(
    record: RunRecord, judged: Sequence[Annotation], reference: Mapping[str, Answer]
) -> float | None:
    if not judged:
        return None
    if not record.task.space.rows_sum_to_one:
        return _measured(record, judged, reference)["macro_f1"]
    truth = [one_label(reference[annotation.item_id]) for annotation in judged]
    return measures.macro_f1(
        [one_label(annotation.label) for annotation in judged], truth, record.task.names
    )


def _of_several(
    record: RunRecord, judged: Sequence[Annotation], reference: Mapping[str, Answer]
) -> dict[str, Any]:
    """The measures of a task that takes several labels an item; nothing for other tasks."""
    if record.task.space.rows_sum_to_one:
        return {}
    return {"measures": _measured(record, judged, reference) if judged else None}


def _measured(
    record: RunRecord, judged: Sequence[Annotation], reference: Mapping[str, Answer]
) -> dict[str, float]:
    space = record.task.space
    given = space.targets(annotation.label for annotation in judged if annotation.label is not None)
    return dict(
        space.measures(given, space.targets(reference[annotation.item_id] for annotation in judged))
    )


def _last_comparison(record: RunRecord, annotator: str) -> dict[str, Any] | None:
    """What the run found out about the use of calibrating this annotator, if it could."""
    said = [
        {"sentence": event.message, **(event.data or {})}
        for event in record.events
        if event.kind == "calibration" and (event.data or {}).get("annotator") == annotator
    ]
    return said[-1] if said else None


def _calibration(
    record: RunRecord, judged: Sequence[Annotation], reference: Mapping[str, Answer]
) -> dict[str, Any] | None:
    names, space = record.task.names, record.task.space
    rated = [
        (annotation.probabilities, annotation.label, reference[annotation.item_id])
        for annotation in judged
        if annotation.probabilities is not None
        and annotation.label is not None
        and {*space.names_in(annotation.label)} <= {*annotation.probabilities}
    ]
    if not rated:
        return None
    matrix = np.array([[p.get(name, 0.0) for name in names] for p, _, _ in rated])
    given = space.targets(label for _, label, _ in rated)
    truth = space.targets(answer for _, _, answer in rated)
    if space.rows_sum_to_one:
        confidences = matrix[np.arange(len(given)), given]
        whole = bool((np.abs(matrix.sum(axis=1) - 1) <= 1e-3).all())
    else:
        # Every label is a decision of its own.
        confidences, whole = np.where(given == 1, matrix, 1 - matrix).ravel(), False
    confidences = np.clip(confidences, 0.0, 1.0)
    correct = (given == truth).ravel()
    edges = np.linspace(0.0, 1.0, HISTOGRAM_BINS + 1)
    return {
        "n": len(confidences),
        "mean_confidence": float(confidences.mean()),
        "ece": measures.expected_calibration_error(confidences, correct),
        "brier": measures.brier(matrix, truth) if whole else None,
        "nll": measures.negative_log_likelihood(matrix, truth) if whole else None,
        "auroc": measures.auroc_of_correctness(confidences, correct),
        "bins": [
            {
                "confidence": one.confidence,
                "accuracy": share(round(one.accuracy * one.count), one.count),
                "count": one.count,
                "low": one.low,
                "high": one.high,
            }
            for one in measures.reliability(confidences, correct)
        ],
        "histogram": {
            "edges": edges.tolist(),
            "right": np.histogram(confidences[correct], edges)[0].tolist(),
            "wrong": np.histogram(confidences[~correct], edges)[0].tolist(),
        },
    }


def delivered_labels(record: RunRecord) -> dict[str, Any]:
    """The labels that the run leaves with: who gave them, and how right they are against gold."""
    gold = known_gold(record)
    kind_of = {i: one.kind for i, one in record.labels.items()}
    for i in record.audited:
        if i not in record.without_audit or record.without_audit[i].kind != "human":
            kind_of[i] = "audit"
    kinds = Counter(kind_of.values())
    judged = {i: one for i, one in record.labels.items() if i in gold}
    return {
        "items": len(record.labels),
        "by_kind": dict(sorted(kinds.items())),
        "accuracy": _delivered_accuracy(judged, gold),
        "accuracy_by_kind": {
            kind: _delivered_accuracy({i: d for i, d in judged.items() if kind_of[i] == kind}, gold)
            for kind in sorted(kinds)
        },
        "confusion": confusion(record, [(gold[i], one.label) for i, one in judged.items()]),
    }


def _delivered_accuracy(
    judged: Mapping[str, DecidedLike], gold: Mapping[str, Answer]
) -> dict[str, Any] | None:
    return share(sum(one.label == gold[i] for i, one in judged.items()), len(judged))


def confusion(record: RunRecord, pairs: Sequence[tuple[Answer, Answer]]) -> dict[str, Any] | None:
    """What was taken for what, from pairs (reference, answer given); None without pairs.

    The whole matrix for few labels; the most frequent confusions and the figures of each label
    always. Where an item takes several labels, none is taken for another: the figures of each label
    alone.
    """
    if not pairs:
        return None
    names, space = record.task.names, record.task.space
    references = Counter(name for true, _ in pairs for name in space.names_in(true))
    given = Counter(name for _, answer in pairs for name in space.names_in(answer))
    both = Counter(
        name
        for true, answer in pairs
        for name in {*space.names_in(true)} & {*space.names_in(answer)}
    )
    alone = space.rows_sum_to_one
    counts = Counter(pairs) if alone else Counter[tuple[Answer, Answer]]()
    wrong = [(pair, n) for pair, n in counts.items() if pair[0] != pair[1]]
    wrong.sort(key=lambda entry: (-entry[1], entry[0]))
    return {
        "n": len(pairs),
        "matrix": [[counts[true, label] for label in names] for true in names]
        if alone and len(names) <= MATRIX_LABELS
        else None,
        "top": [
            {"reference": true, "given": label, "count": n, "share": n / references[str(true)]}
            for (true, label), n in wrong[:TOP_CONFUSIONS]
        ],
        "confused_pairs": len(wrong),
        "labels": [
            {
                "label": name,
                "reference": references[name],
                "given": given[name],
                "precision": both[name] / given[name] if given[name] else None,
                "recall": both[name] / references[name] if references[name] else None,
            }
            for name in names
        ],
    }
