"""Any number of labels for each item."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer
from llmal.core.spelling import as_seen, is_missing, plain
from llmal.core.tables import Column
from llmal.errors import DataError
from llmal.task.labels import LabelMatcher
from llmal.task.spaces.form import AnswerForm
from llmal.task.spaces.marks import marked_names
from llmal.task.spaces.protocol import SpaceKind

JOINT = "|"
"""Stands between the labels of an answer in a cell."""

_SEPARATORS = (JOINT, "#", ";", ",")
_NONE = "none"
_EMPTY = "[]"


class Multi:
    """The answer is the sorted names of the labels that hold, perhaps none.

    Targets are 0 and 1, shape (n, C). Each column of a probability matrix is a probability of its
    own, and scores are log-odds, ln p / (1 - p).

    A cell holds an answer in any shape that people have: a list, or JSON of one; names with |, #
    (as doccano writes them), a semicolon or a comma between them; a mapping of names to 0 and 1.
    "none" or [] says that no label holds, an empty cell says nothing. Each name is read as for one
    label, see `LabelMatcher`.

    Args:
        labels: The names of the labels.
        owner: Whose they are, for messages.
        earlier: Names that labels had before; see `LabelMatcher`.
    """

    kind: SpaceKind = "multi"
    works_as: tuple[SpaceKind, ...] = ()
    takes = "several labels an item"
    rows_sum_to_one = False
    asked = "named_first"
    prompt = "label_names"

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
        self._known: dict[str, tuple[str, ...]] = {}

    @cached_property
    def _matcher(self) -> LabelMatcher:
        return LabelMatcher(self.labels, self._owner, self._earlier)

    @cached_property
    def nothing(self) -> str:
        """What is written where no label holds: "none", or [] if a label is called so."""
        return _EMPTY if _NONE in {as_seen(one).casefold() for one in self.labels} else _NONE

    @cached_property
    def form(self) -> AnswerForm:
        """Names with a mark between them."""
        nothing = self.write(())
        of = f"those of {{labels}} that apply, with {JOINT} between them, or {nothing} if none does"
        rule = (
            f"Write {JOINT} between labels, such as {self.write(self.labels[:2])}, and {nothing} "
            "where no label applies."
        )
        return AnswerForm(
            which="those of these labels that apply",
            named=of.format(labels=", ".join(self.labels)),
            of=of,
            rules=(rule,),
        )

    def column(self, name: str) -> Column:
        """Lists of texts."""
        return Column(name, "labels", self.labels, self.write)

    def match(self, value: object) -> Answer | None:
        """The labels that a value stands for; see the class."""
        if type(value) is str and value in self._known:
            return self._known[value]
        if isinstance(value, np.ndarray):
            value = value.tolist()
        value = plain(value)
        if is_missing(value):
            return None
        if isinstance(value, Mapping):
            return self._marked(value)
        if isinstance(value, list | tuple | set | frozenset):
            return self._listed(value)
        if not isinstance(value, str):
            return self._listed([value])
        text = as_seen(value)
        if not text:
            return None
        found = self._cell(text)
        self._known[value] = found
        return found

    def _cell(self, text: str) -> tuple[str, ...]:
        if text.startswith("[") and text.endswith("]"):
            return self._listed(self._literal(text))
        if text.casefold() == self.nothing:
            return ()
        readings: set[tuple[str, ...]] = set()
        first: DataError | None = None
        for parts in self._ways(text):
            try:
                readings.add(self._listed(parts))
            except DataError as error:
                # Of a text that has separators, the part that is no label says what is wrong.
                first = error if first is None or len(parts) > 1 else first
        if len(readings) == 1:
            return readings.pop()
        if readings:
            both = " or ".join(
                json.dumps(list(one), ensure_ascii=False) for one in sorted(readings)
            )
            raise DataError(
                f"{text!r} could be the labels {both} of {self._owner}",
                fix="write them as a JSON list",
            )
        assert first is not None
        raise first

    @staticmethod
    def _ways(text: str) -> list[list[str]]:
        split = [text.split(one) for one in _SEPARATORS if one in text]
        named = ([one for one in parts if one.strip()] for parts in split[::-1])
        # Separators with nothing between them say nothing; that no label holds is written.
        return [[text], *(parts for parts in named if parts)]

    def _literal(self, text: str) -> Sequence[Any]:
        """A list in JSON, or as Python prints it, which is what pandas puts into a CSV file."""
        for read in (json.loads, ast.literal_eval):
            try:
                found = read(text)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            if isinstance(found, list):
                return found
        # Names in brackets, and no quotation marks.
        return [one for one in text[1:-1].split(",") if one.strip()] or [text]

    def _listed(self, values: Iterable[Any]) -> tuple[str, ...]:
        found: set[str] = set()
        for value in values:
            if isinstance(value, str) and as_seen(value).casefold() == self.nothing:
                raise DataError(
                    f"{value.strip()!r} says that no label applies, and stands among labels",
                    fix="write it alone, or the labels that apply",
                )
            name = self._matcher.match(value)
            if name is None:
                raise DataError(
                    "an empty label stands among several", fix="remove it, or write the label"
                )
            found.add(name)
        return tuple(sorted(found))

    def _marked(self, marks: Mapping[Any, Any]) -> tuple[str, ...] | None:
        """Labels that are marked with 1; None where nothing is said of any."""
        spelt: dict[str, Any] = {}
        for key, mark in marks.items():
            (name,) = self._listed([key])
            spelt[name] = mark
        found = marked_names(spelt)
        return None if found is None else tuple(sorted(found))

    def write(self, answer: Answer) -> str:
        """Names with | between them; as a JSON list where one of them would be read as two."""
        names = self._names(answer)
        if not names:
            return self.nothing
        if any(mark in name for name in names for mark in _SEPARATORS) or names[0].startswith("["):
            return json.dumps(list(names), ensure_ascii=False)
        return JOINT.join(names)

    def holds(self, answer: object) -> bool:
        """Whether it is a sorted tuple of different labels."""
        return (
            isinstance(answer, tuple)
            and all(isinstance(one, str) and one in self._column for one in answer)
            and list(answer) == sorted(set(answer))
        )

    def to_json(self, answer: Answer | None) -> Any:
        """A list of names."""
        return None if answer is None else list(self._names(answer))

    def from_json(self, value: Any) -> Answer | None:
        """The names of a list."""
        return None if value is None else self._names(value)

    def schema(self) -> dict[str, Any]:
        """A list of different names."""
        return {"type": "array", "items": {"enum": list(self.labels)}, "uniqueItems": True}

    def names_in(self, answer: Answer) -> tuple[str, ...]:
        """The labels that hold."""
        return self._names(answer)

    def agreement(self, first: Answer, second: Answer) -> float:
        """Labels in both over labels in either (Jaccard); 1 where neither has any."""
        one, two = set(self._names(first)), set(self._names(second))
        return len(one & two) / len(one | two) if one | two else 1.0

    def distribution(
        self, answers: Sequence[Answer], weights: Sequence[float] | None = None
    ) -> NDArray[np.float64]:
        """The share of answers that have each label; each a share of its own."""
        if not answers:
            return np.full(len(self.labels), 0.5)
        return np.asarray(np.average(self.targets(answers), axis=0, weights=weights))

    def combine(
        self, answers: Sequence[Answer], weights: Sequence[float] | None = None
    ) -> Answer | None:
        """The labels that more than half of the answers have."""
        if not answers:
            return None
        return self._of_row(self.distribution(answers, weights) > 0.5)

    def targets(self, answers: Iterable[Answer]) -> NDArray[np.int64]:
        """1 where a label holds, shape (n, C)."""
        rows = [self._names(one) for one in answers]
        made = np.zeros((len(rows), len(self.labels)), dtype=np.int64)
        for row, names in enumerate(rows):
            made[row, [self._column[name] for name in names]] = 1
        return made

    def answers(self, targets: NDArray[Any]) -> list[Answer]:
        """The names of the ones in each row."""
        return [self._of_row(row) for row in np.asarray(targets)]

    def decide(self, probabilities: NDArray[Any]) -> NDArray[np.int64]:
        """1 for every label of a probability above one half."""
        return np.asarray(np.asarray(probabilities) > 0.5, dtype=np.int64)

    def answer_of(self, probabilities: NDArray[Any]) -> Answer:
        """Every label of a probability above one half."""
        return self._of_row(np.asarray(probabilities) > 0.5)

    def probabilities_of(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """The logistic function of log-odds."""
        from scipy.special import expit

        return np.asarray(expit(scores), dtype=np.float64)

    def scores_of(self, probabilities: NDArray[Any]) -> NDArray[np.float64]:
        """Log-odds; infinite for 0 and 1."""
        from scipy.special import logit

        return np.asarray(logit(np.asarray(probabilities, dtype=np.float64)), dtype=np.float64)

    def uncertainty(self, probabilities: NDArray[Any]) -> NDArray[np.float64]:
        """Mean over the labels of how near each is to one half: min(p, 1 - p)."""
        given = np.asarray(probabilities)
        return np.asarray(np.minimum(given, 1 - given).mean(axis=1), dtype=np.float64)

    def entropy(self, probabilities: NDArray[Any]) -> NDArray[np.float64]:
        """The mean entropy of a label's yes or no, at most ln 2."""
        from scipy.special import entr

        given = np.asarray(probabilities, dtype=np.float64)
        return np.asarray((entr(given) + entr(1 - given)).mean(axis=1), dtype=np.float64)

    def measures(self, predicted: NDArray[Any], truth: NDArray[Any]) -> Mapping[str, float]:
        """Micro, macro and sample F1, and the share of answers that are right as a whole.

        As scikit-learn's, with 0 where a label is neither given nor true. Sample F1 counts an item
        that has no label and gets none as right.
        """
        from sklearn.metrics import f1_score

        given, true = np.asarray(predicted), np.asarray(truth)
        figures = {
            f"{how}_f1": float(f1_score(true, given, average=how, zero_division=0))
            for how in ("micro", "macro")
        }
        figures["samples_f1"] = float(f1_score(true, given, average="samples", zero_division=1.0))
        figures["subset_accuracy"] = float((given == true).all(axis=1).mean())
        return figures

    def _of_row(self, row: NDArray[Any]) -> tuple[str, ...]:
        return tuple(sorted(self.labels[column] for column in np.flatnonzero(row)))

    def _names(self, answer: object) -> tuple[str, ...]:
        if not isinstance(answer, list | tuple):
            raise DataError(
                f"{answer!r} is no list of labels, and {self._owner} takes {self.takes}",
                fix="give a list of names",
            )
        names = tuple(answer)
        for name in names:
            if name not in self._column:
                raise DataError(
                    f"{name!r} is not a label of {self._owner}",
                    fix=f"its labels are {', '.join(self.labels)}",
                )
        return tuple(sorted(set(names)))
