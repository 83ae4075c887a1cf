"""One label out of several for each item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer
from llmal.core.tables import Column
from llmal.errors import DataError
from llmal.task.labels import LabelMatcher
from llmal.task.spaces.form import AnswerForm
from llmal.task.spaces.protocol import SpaceKind


class Single:
    """The answer is the name of one label. Targets are columns, shape (n,).

    Scores are log-probabilities of the labels, which need not be normalised.

    Args:
        labels: The names of the labels.
        owner: Whose they are, for messages.
        earlier: Names that labels had before; see `LabelMatcher`.
    """

    kind: SpaceKind = "single"
    works_as: tuple[SpaceKind, ...] = ()
    takes = "one label an item"
    rows_sum_to_one = True
    asked = "choice"
    prompt = "label"

    def __init__(
        self,
        labels: Sequence[str],
        owner: str = "the task",
        earlier: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self.labels = tuple(labels)
        self._owner = owner
        self._earlier = earlier
        self._column = {name: column for column, name in enumerate(self.labels)}

    @cached_property
    def _matcher(self) -> LabelMatcher:
        return LabelMatcher(self.labels, self._owner, self._earlier)

    @cached_property
    def form(self) -> AnswerForm:
        """A choice of one."""
        *others, last = self.labels
        return AnswerForm(
            which="one of these labels",
            named=f"{', '.join(others)} or {last}",
            of="one of {labels}",
            choices=self.labels,
        )

    def column(self, name: str) -> Column:
        """Texts."""
        return Column(name)

    def match(self, value: object) -> str | None:
        """The label that a value stands for; see `LabelMatcher`."""
        if isinstance(value, list | tuple | set | frozenset | np.ndarray):
            raise DataError(
                f"there is a list of labels, and {self._owner} takes {self.takes}",
                fix="give one, or make it a task of the kind multi",
            )
        return self._matcher.match(value)

    def write(self, answer: Answer) -> str:
        """The name."""
        return self._name(answer)

    def holds(self, answer: object) -> bool:
        """Whether it is the name of a label."""
        return isinstance(answer, str) and answer in self._column

    def to_json(self, answer: Answer | None) -> Any:
        """The name."""
        return None if answer is None else self._name(answer)

    def from_json(self, value: Any) -> Answer | None:
        """The name."""
        return None if value is None else self._name(value)

    def schema(self) -> dict[str, Any]:
        """One of the names."""
        return {"enum": list(self.labels)}

    def names_in(self, answer: Answer) -> tuple[str, ...]:
        """The one label."""
        return (self._name(answer),)

    def agreement(self, first: Answer, second: Answer) -> float:
        """1 or 0."""
        return float(self._name(first) == self._name(second))

    def distribution(
        self, answers: Sequence[Answer], weights: Sequence[float] | None = None
    ) -> NDArray[np.float64]:
        """The share of answers that give each label; they sum to one."""
        if not answers:
            return np.full(len(self.labels), 1 / len(self.labels))
        votes = np.bincount(self.targets(answers), weights=weights, minlength=len(self.labels))
        return np.asarray(votes / votes.sum(), dtype=np.float64)

    def combine(
        self, answers: Sequence[Answer], weights: Sequence[float] | None = None
    ) -> Answer | None:
        """The label of the most answers; None where two have as many."""
        if not answers:
            return None
        shares = self.distribution(answers, weights)
        best = np.flatnonzero(shares == shares.max())
        return self.labels[best[0]] if len(best) == 1 else None

    def targets(self, answers: Iterable[Answer]) -> NDArray[np.int64]:
        """The column of each answer, shape (n,)."""
        return np.array([self._column[self._name(one)] for one in answers], dtype=np.int64)

    def answers(self, targets: NDArray[Any]) -> list[Answer]:
        """The name of each column."""
        return [self.labels[column] for column in np.asarray(targets).tolist()]

    def decide(self, probabilities: NDArray[Any]) -> NDArray[np.int64]:
        """The most probable column; the first of several."""
        return np.asarray(np.asarray(probabilities).argmax(axis=1), dtype=np.int64)

    def answer_of(self, probabilities: NDArray[Any]) -> Answer:
        """The most probable label."""
        return self.labels[int(np.asarray(probabilities).argmax())]

    def probabilities_of(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Exponentials, normalised over the labels of each row."""
        from scipy.special import softmax

        return np.asarray(softmax(scores, axis=1))

    def scores_of(self, probabilities: NDArray[Any]) -> NDArray[np.float64]:
        """Natural logarithms; of zero, minus infinity."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(probabilities), dtype=np.float64)

    def uncertainty(self, probabilities: NDArray[Any]) -> NDArray[np.float64]:
        """One less the probability of the most probable label."""
        return np.asarray(1 - np.asarray(probabilities).max(axis=1), dtype=np.float64)

    def entropy(self, probabilities: NDArray[Any]) -> NDArray[np.float64]:
        """Of the label."""
        from scipy.special import entr

        return np.asarray(entr(np.asarray(probabilities)).sum(axis=1), dtype=np.float64)

    def measures(self, predicted: NDArray[Any], truth: NDArray[Any]) -> Mapping[str, float]:
        """Accuracy, and macro F1 over the labels that occur."""
        from sklearn.metrics import f1_score

        given, true = np.asarray(predicted), np.asarray(truth)
        return {
            "accuracy": float(np.mean(given == true)),
            "macro_f1": float(f1_score(true, given, average="macro", zero_division=0)),
        }

    def _name(self, answer: object) -> str:
        if isinstance(answer, str) and answer in self._column:
            return answer
        raise DataError(
            f"{answer!r} is not a label of {self._owner}",
            fix=f"its labels are {', '.join(self.labels)}",
        )
