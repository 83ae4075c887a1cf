"""Students of the machine: where one contradicts its teacher, the teacher is often wrong."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.evidence import Evidence
from llmal.guarantee.features import Features, Floats, labels_of, main_directions, opinion

_ROWS = 10_000
"""Texts that a student learns from in each fold."""
_MANY = 24
"""Of more labels than these, it learns from fewer texts, and less to the end."""
_WORDS = 30_000


@dataclass(frozen=True)
class Student:
    """Log-probabilities of a model that the machine's own labels of the whole pool have taught.

    Each item is judged by a student that has not been shown its label. No person is asked.

    Args:
        sees: Embeddings or words.
        folds: How many parts of the pool are left out in turn.
    """

    sees: Literal["embeddings", "words"] = "embeddings"
    folds: int = 5
    needs_people: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        """By what it sees."""
        return f"student of {self.sees}"

    def extract(self, evidence: Evidence) -> Features | None:
        """One opinion; None where there is nothing to see, or the machine has no two labels."""
        rows = self._rows(evidence)
        if rows is None:
            return None
        strength = 0.1 if self.sees == "embeddings" else 3.0
        taught = np.flatnonzero(evidence.by_machine)
        if len(taught) < 2 * self.folds:
            return None
        if evidence.machine.ndim == 1:
            table = _out_of_fold(
                rows, evidence.machine, taught, labels_of(evidence), self.folds, strength
            )
        else:
            columns = [
                _out_of_fold(rows, column, taught, 2, self.folds, strength)[:, 1]
                for column in evidence.machine.T
            ]
            table = np.stack(columns, axis=1)
        return Features((opinion(table, evidence),))

    def _rows(self, evidence: Evidence) -> Any:
        if self.sees == "embeddings":
            return None if evidence.embeddings is None else _scaled(evidence.embeddings)
        return None if evidence.texts is None else _words(evidence.texts)


def _scaled(embeddings: NDArray[np.float32]) -> Floats | None:
    directions = main_directions(embeddings, 96)
    return None if directions is None else directions / (directions.std(axis=0) + 1e-6)


def _words(texts: Sequence[str]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        return TfidfVectorizer(
            ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=_WORDS
        ).fit_transform(texts)
    except ValueError:  # No word stands in two texts.
        return None


def _out_of_fold(
    rows: Any,
    targets: NDArray[np.int64],
    taught: NDArray[np.int64],
    labels: int,
    folds: int,
    strength: float,
) -> Floats:
    """Probabilities of the labels, shape (N, labels); a label that no fold has seen has none."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    fold = rng.integers(folds, size=len(targets))
    table = np.zeros((len(targets), labels))
    rows_shown, steps = (_ROWS, 200) if labels <= _MANY else (_ROWS // 3, 50)
    for left_out in range(folds):
        lesson = rng.permutation(taught[fold[taught] != left_out])[:rows_shown]
        asked = np.flatnonzero(fold == left_out)
        seen = np.unique(targets[lesson])
        if len(seen) < 2:
            table[asked[:, None], seen] = 1.0
            continue
        model = LogisticRegression(C=strength, max_iter=steps, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(rows[lesson], targets[lesson])
        if len(asked):
            table[np.ix_(asked, model.classes_)] = model.predict_proba(rows[asked])
    return table
