"""An error score that needs no training: how sure the machine says it is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.evidence import Evidence, differ
from llmal.guarantee.recalibration import Platt, Recalibration
from llmal.guarantee.scored import HeldOut, ScoredPool


@dataclass(frozen=True)
class ConfidenceScore:
    """One less the machine's confidence, recalibrated on what people have labelled.

    An item of which the machine says no confidence has the share of wrong labels among those that
    people drew uniformly, counted with one right and one wrong more. One that the machine has not
    labelled is wrong for certain.

    Args:
        recalibration: Of the probabilities.
    """

    parts = ("recalibration",)

    recalibration: Recalibration = field(default_factory=Platt)

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> ScoredPool:
        """The machine's labels, and one less how sure it is of each."""
        wrong = differ(evidence.machine, evidence.people)
        known = evidence.by_people
        raw = machine_doubt(evidence)
        drawn = known & evidence.uniform
        base = (wrong[drawn].sum() + 1) / (drawn.sum() + 2)
        raw = np.where(np.isnan(raw), base, raw)
        mapping = self.recalibration.fit(raw[known], wrong[known])
        probability = np.where(evidence.by_machine, mapping(raw), 1.0)
        return ScoredPool(
            evidence.machine,
            np.full(len(evidence), "machine"),
            np.asarray(probability),
            None,
            lambda: {"score": "confidence", "recalibration": dict(mapping.as_dict())},
            HeldOut(np.flatnonzero(known), probability[known], wrong[known]),
        )


def machine_doubt(evidence: Evidence) -> NDArray[np.float64]:
    """One less how sure the machine is of its label, shape (N,); NaN where it does not say."""
    doubt = np.full(len(evidence), np.nan)
    if evidence.confidence is not None:
        doubt = 1 - np.asarray(evidence.confidence, dtype=np.float64)
    if evidence.probabilities is not None:
        table = np.asarray(evidence.probabilities, dtype=np.float64)
        if evidence.machine.ndim == 1:
            said = np.take_along_axis(table, np.maximum(evidence.machine, 0)[:, None], axis=1)[:, 0]
        else:
            sure = np.where(evidence.machine == 1, table, 1 - table)
            said = sure.min(axis=1)
        doubt = np.where(np.isnan(said), doubt, 1 - said)
    return np.asarray(np.clip(doubt, 0, 1))
