"""The contract of every kind of answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer
from llmal.core.tables import Column
from llmal.task.spaces.form import AnswerForm

SpaceKind: TypeAlias = str
"""The word for a kind of answers: "single", "multi", or one that another package adds."""


@runtime_checkable
class Space(Protocol):
    """All answers that a task can have, and what can be done with them.

    C is the number of labels, n a number of items. None is an abstention in every space and never
    an answer. *Targets* are answers as numbers, as learners take them.
    """

    @property
    def kind(self) -> SpaceKind:
        """The word for it in a configuration."""
        ...

    @property
    def works_as(self) -> tuple[SpaceKind, ...]:
        """Other kinds whose parts work with this one too, as this is a case of them.

        A rating is a `single`: its answer is one label of several, whatever their order means. So
        every selector, learner and calibrator that works with `single` works with it.
        """
        ...

    @property
    def asked(self) -> str:
        """How a language model is asked: a name among the `prompt_forms` (`llmal.prompting`)."""
        ...

    @property
    def prompt(self) -> str:
        """The prompt that asks where nobody names another: a name of llmal's, or a path."""
        ...

    @property
    def form(self) -> AnswerForm:
        """What people are told who write an answer into a cell."""
        ...

    def column(self, name: str) -> Column:
        """A column of such answers in a table."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels: the columns of every probability matrix."""
        ...

    @property
    def takes(self) -> str:
        """What an item has, for messages: "one label an item"."""
        ...

    @property
    def rows_sum_to_one(self) -> bool:
        """Whether the probabilities of an item are those of answers that exclude each other."""
        ...

    def match(self, value: object) -> Answer | None:
        """The answer that a value from outside (a cell, a JSON value, a form) stands for.

        None for an empty one.

        Raises:
            DataError: It is no answer of the task, or could be two.
        """
        ...

    def write(self, answer: Answer) -> str:
        """An answer in one cell, for people; `match` reads it back."""
        ...

    def holds(self, answer: object) -> bool:
        """Whether something is an answer of this space, spelt as the task spells it."""
        ...

    def to_json(self, answer: Answer | None) -> Any:
        """An answer as JSON has it."""
        ...

    def from_json(self, value: Any) -> Answer | None:
        """The answer that `to_json` wrote.

        Raises:
            DataError: It is none.
        """
        ...

    def schema(self) -> dict[str, Any]:
        """The JSON schema of an answer, for guided decoding."""
        ...

    def names_in(self, answer: Answer) -> tuple[str, ...]:
        """The labels that an answer gives, for counts by label."""
        ...

    def agreement(self, first: Answer, second: Answer) -> float:
        """How far two answers agree, from 0 to 1; 1 only where they are the same."""
        ...

    def distribution(
        self, answers: Sequence[Answer], weights: Sequence[float] | None = None
    ) -> NDArray[np.float64]:
        """The weighted share of several answers to one item that gives each label, shape (C,)."""
        ...

    def combine(
        self, answers: Sequence[Answer], weights: Sequence[float] | None = None
    ) -> Answer | None:
        """The answer of a majority; None where there is none."""
        ...

    def targets(self, answers: Iterable[Answer]) -> NDArray[np.int64]:
        """Answers as numbers, n rows.

        Raises:
            DataError: One is no answer of this space.
        """
        ...

    def answers(self, targets: NDArray[Any]) -> list[Answer]:
        """The answers that targets stand for."""
        ...

    def decide(self, probabilities: NDArray[Any]) -> NDArray[np.int64]:
        """The targets that probabilities, shape (n, C), speak for."""
        ...

    def answer_of(self, probabilities: NDArray[Any]) -> Answer:
        """The answer that the probabilities of one item, shape (C,), speak for."""
        ...

    def probabilities_of(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities from what a language model is scored by in this space, shape (n, C)."""
        ...

    def scores_of(self, probabilities: NDArray[Any]) -> NDArray[np.float64]:
        """Scores that `probabilities_of` turns into these probabilities, shape (n, C)."""
        ...

    def uncertainty(self, probabilities: NDArray[Any]) -> NDArray[np.float64]:
        """How unsure an answer is, shape (n,), from 0; higher is less sure."""
        ...

    def entropy(self, probabilities: NDArray[Any]) -> NDArray[np.float64]:
        """Entropy of the answers in nats, shape (n,)."""
        ...

    def measures(self, predicted: NDArray[Any], truth: NDArray[Any]) -> Mapping[str, float]:
        """How good targets are beside true ones, by the name of the measure; best first."""
        ...
