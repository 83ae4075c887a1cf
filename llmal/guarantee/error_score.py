"""The error score: how likely each label is wrong, learned from people's labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import fingerprint
from llmal.guarantee.design import Design, design_for_errors, design_for_labels
from llmal.guarantee.evidence import Evidence, differ
from llmal.guarantee.features import (
    Certainty,
    Embedding,
    FeatureGroup,
    Features,
    Floats,
    Length,
    MachineLabel,
    Overlap,
    Votes,
)
from llmal.guarantee.label_model import Fitted, LabelModel
from llmal.guarantee.mixture import Mixture
from llmal.guarantee.neighbours import Neighbours
from llmal.guarantee.recalibration import Platt, ProbabilityMap, Recalibration
from llmal.guarantee.scored import HeldOut, ScoredPool
from llmal.guarantee.student import Student

Deliver = Literal["learner", "machine"]
_SHUFFLED = 2000
"""Labelled items that groups of features are weighed on."""


def all_groups() -> tuple[FeatureGroup, ...]:
    """All groups of features; each is absent where the evidence lacks what it needs."""
    return (
        MachineLabel(),
        Certainty(),
        Votes(),
        Student("embeddings"),
        Student("words"),
        Neighbours(),
        Overlap(),
        Length(),
        Embedding(),
    )


class ErrorScore:
    """A model that people's labels have taught says what each label should be.

    Of one label an item it gives probabilities of all labels; the delivered label is the most
    probable (`learner`), or the machine's wherever it has one (`machine`), and is wrong with one
    less its probability. Of several labels an item, the model says whether the machine's answer is
    wrong, and that answer is delivered. Probabilities of being wrong are recalibrated on labels
    that the model had not been shown. Nothing of it depends on labels of an audit.

    Args:
        features: Groups of features; those that the evidence lacks are left out.
        model: What learns.
        deliver: Whose labels.
        recalibration: Of the probabilities.
        of: What is learned: "labels", or "errors" of the machine, whose labels are delivered then.
    """

    parts = ("features", "model", "recalibration")

    def __init__(
        self,
        *,
        features: Sequence[FeatureGroup] | None = None,
        model: LabelModel | None = None,
        deliver: Deliver = "learner",
        recalibration: Recalibration | None = None,
        of: Literal["labels", "errors"] = "labels",
    ) -> None:
        self._groups = tuple(features) if features is not None else all_groups()
        self._model = model or Mixture()
        self._deliver = deliver
        self._recalibration = recalibration or Platt()
        self._of = of
        self._kept: tuple[Evidence, dict[str, Features]] | None = None

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> ScoredPool:
        """The delivered label of every item, and the probability that it is wrong."""
        features = self._features(evidence)
        known = np.flatnonzero(evidence.by_people)
        if self._of == "labels" and evidence.machine.ndim == 1:
            design = design_for_labels(evidence, features)
            classes = evidence.people[known]
        else:
            design = design_for_errors(evidence, features)
            classes = differ(evidence.machine[known], evidence.people[known]).astype(np.int64)
        fitted = self._model.fit(design.rows(known), classes, rng)
        table = fitted.predict(design)
        if self._of == "labels" and evidence.machine.ndim == 1:
            labels, doubt = self._delivered(table, evidence.machine)
            guessed, left_out = self._delivered(fitted.out_of_fold, evidence.machine[known])
            alternative = table.argmax(axis=1)
        else:
            labels, guessed, alternative = evidence.machine, evidence.machine[known], None
            doubt, left_out = table[:, 1], fitted.out_of_fold[:, 1]
        wrong = differ(guessed, evidence.people[known])
        mapping = self._recalibration.fit(left_out, wrong)
        unlabelled = ~_complete(labels)
        probability = np.where(unlabelled, 1.0, mapping(doubt))
        return ScoredPool(
            labels=labels,
            by=np.where(differ(labels, evidence.machine), "learner", "machine"),
            probability_wrong=probability,
            alternative=alternative,
            describe=_description(
                design.rows(known), classes, fitted, mapping, probability, labels
            ),
            held_out=HeldOut(known, mapping(left_out), wrong),
        )

    def _delivered(
        self, table: Floats, machine: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], Floats]:
        labels = table.argmax(axis=1)
        if self._deliver == "machine":
            labels = np.where(machine >= 0, machine, labels)
        return labels, 1 - table[np.arange(len(table)), labels]

    def _features(self, evidence: Evidence) -> dict[str, Features]:
        """Those that cost no person are kept from call to call, for evidence that is the same."""
        if self._kept is None or not _only_people_differ(self._kept[0], evidence):
            groups = [group for group in self._groups if not group.needs_people]
            self._kept = (evidence, _extracted(groups, evidence))
        groups = [group for group in self._groups if group.needs_people]
        found = {**self._kept[1], **_extracted(groups, evidence)}
        return {group.name: found[group.name] for group in self._groups if group.name in found}


def _extracted(groups: Sequence[FeatureGroup], evidence: Evidence) -> dict[str, Features]:
    found = {group.name: group.extract(evidence) for group in groups}
    return {name: features for name, features in found.items() if features is not None}


def _complete(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(labels >= 0 if labels.ndim == 1 else (labels >= 0).all(axis=1))


def _only_people_differ(first: Evidence, second: Evidence) -> bool:
    """Whether nothing but labels of people tells them apart."""
    several = [
        ((one.machine, one.probabilities, one.confidence, one.embeddings),
         one.votes, one.field_embeddings)
        for one in (first, second)
    ]  # fmt: skip
    return (
        first.space.labels == second.space.labels
        and all(len(a) == len(b) for a, b in zip(*several, strict=True))
        and all(
            _are_equal(a, b) for of in zip(*several, strict=True) for a, b in zip(*of, strict=True)
        )
        and (first.texts is second.texts or first.texts == second.texts)
    )


def _are_equal(first: NDArray[Any] | None, second: NDArray[Any] | None) -> bool:
    if first is second:
        return True
    if first is None or second is None:
        return False
    return np.array_equal(first, second, equal_nan=first.dtype.kind == "f")


def _description(
    design: Design,
    classes: NDArray[np.int64],
    fitted: Fitted,
    mapping: ProbabilityMap,
    probability: Floats,
    labels: NDArray[np.int64],
) -> Callable[[], Mapping[str, Any]]:
    def describe() -> Mapping[str, Any]:
        state = {
            "score": "error score",
            "groups": list(design.groups),
            "people_labels": len(classes),
            "recalibration": dict(mapping.as_dict()),
            "state": dict(fitted.about),
        }
        content = {
            **state,
            "probability_wrong": probability.round(9).tolist(),
            "labels": labels.tolist(),
        }
        return {
            **state,
            "mattered": _what_mattered(design, classes, fitted),
            "fingerprint": fingerprint("error score", content),
        }

    return describe


def _what_mattered(design: Design, classes: NDArray[np.int64], fitted: Fitted) -> dict[str, float]:
    """By how much the log-loss rises when a group's features are dealt out anew, in nats."""
    if not len(classes):
        return {}
    rng = np.random.default_rng(0)
    some = rng.permutation(len(classes))[:_SHUFFLED]
    design, classes = design.rows(some), classes[some]
    rows = np.arange(len(classes))

    def loss(asked: Design) -> float:
        table = fitted.predict(asked)[rows, classes]
        return float(-np.log(np.clip(table, 1e-9, 1)).mean())

    base = loss(design)
    return {group: round(loss(design.shuffled(group, rng)) - base, 4) for group in design.groups}
