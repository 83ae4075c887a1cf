"""Labels by a small model that people's labels have taught."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.protocol import Context, Need, plan_at
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, AnnotatorKind, Item, Usage, one_label
from llmal.errors import ConfigError
from llmal.task import Task
from llmal.task.spaces import refuse_unless

_Predict = Callable[[Sequence[str]], NDArray[np.float64]]


class LearnedAnnotator:
    """Gives the label of a logistic regression on TF-IDF, fitted to what people have labelled.

    It is fitted anew in each round, to at most 1,000 labels given before it, and has no label while
    there are fewer than `fewest` of them or only one label among them. HybridAL (Rouzegar and
    Makrehchi 2024) has such a learner beside a language model and people: see the routing policy
    `learner`. It costs nothing but time.

    Args:
        task: The task.
        strength: Of the fit: the inverse of its penalty.
        fewest: Labels by people from which on it answers.
        name: Who is recorded in the ledger.
        batch_size: Items between two writes to the ledger in a run.

    Raises:
        ConfigError: A number that is none, or the task takes several labels an item.
    """

    kind: AnnotatorKind = "learner"

    def __init__(
        self,
        task: Task,
        *,
        strength: float = 1.0,
        fewest: int = 20,
        name: str = "learned",
        batch_size: int = 1024,
    ) -> None:
        refuse_unless(task, ("single",), "the annotator learned", "use the annotator llm")
        if not strength > 0:
            raise ConfigError(f"strength is {strength}", fix="it must be above 0")
        if fewest < 2:
            raise ConfigError(f"fewest is {fewest}", fix="use 2 or more")
        self.task = task
        self.name = name
        self.batch_size = batch_size
        self._strength = strength
        self._fewest = fewest
        self._of: tuple[tuple[str, str], ...] = ()
        self._predict: _Predict | None = None

    def needs(self) -> frozenset[Need]:
        """What people have labelled."""
        return frozenset({"labelled"})

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """Predict the label of every item."""
        if not items:
            return []
        start = time.perf_counter()
        labelled = [one for one in context.demonstrations if one.gold is not None]
        predict = self._fitted(labelled)
        names = self.task.names
        rows: list[dict[str, float] | None] = [None] * len(items)
        if predict is not None:
            predicted = predict([item.text for item in items])
            rows = [dict(zip(names, row, strict=True)) for row in predicted.tolist()]
        seconds = (time.perf_counter() - start) / len(items)
        return [
            Annotation(
                item_id=item.id,
                label=None if row is None else max(row, key=row.__getitem__),
                annotator=self.name,
                kind="learner",
                probabilities=row,
                usage=Usage(seconds=seconds),
                provenance={"labels": len(labelled), "strength": self._strength},
                round=context.round,
            )
            for item, row in zip(items, rows, strict=True)
        ]

    def _fitted(self, labelled: Sequence[Item]) -> _Predict | None:
        """Gives probabilities, shape (n, labels); None while there is too little to learn from."""
        of = tuple((one.text, one_label(one.gold)) for one in labelled)
        if of != self._of:
            self._of, self._predict = of, self._fit(of)
        return self._predict

    def _fit(self, of: Sequence[tuple[str, str]]) -> _Predict | None:
        if len(of) < self._fewest or len({label for _, label in of}) < 2:
            return None
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        model = make_pipeline(
            # Whatever is no space is a word: a text of signs alone is none without words.
            TfidfVectorizer(sublinear_tf=True, token_pattern=r"\S+"),
            LogisticRegression(C=self._strength, max_iter=1000),
        )
        model.fit([text for text, _ in of], [self.task.index(label) for _, label in of])
        columns, count = model[-1].classes_, len(self.task.names)

        def predict(texts: Sequence[str]) -> NDArray[np.float64]:
            found = np.zeros((len(texts), count))
            found[:, columns] = model.predict_proba(texts)
            return found

        return predict

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """Nothing but time."""
        return plan_at(Usage(), self.annotate, items, context)
