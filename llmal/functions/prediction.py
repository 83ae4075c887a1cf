"""`llmal.predict`: labels by a learner that a run has trained, in one call."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmal.annotators.protocol import Context, plan_at
from llmal.annotators.router import Router, Stage
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, AnnotatorKind, Item, Usage
from llmal.functions.annotating import Annotating, Progress, Wanted
from llmal.functions.annotation import collected, shown_progress
from llmal.functions.results import Annotated
from llmal.functions.rows import open_rows
from llmal.learners.saved import TextClassifier, load_learner
from llmal.pool.readers import DETECTED, Reading

if TYPE_CHECKING:
    from llmal.embed import Embedder


def predict(
    learner: TextClassifier | str | os.PathLike[str],
    data: Any,
    *,
    text: str | Sequence[str] | None = None,
    probabilities: bool = False,
    labels: Sequence[str] | None = None,
    embedder: Embedder | str | None = None,
    encoding: str | None = None,
    progress: bool | Progress = True,
) -> Annotated:
    """Label rows with a learner that a run has trained.

    The rows come back as from `llmal.annotate`; nobody is asked and nothing is spent.

    Args:
        learner: A run directory, the folder of a learner, or what `llmal.load_learner` gave.
        data: As for `llmal.annotate`.
        text: The text column, or several; by default those that the learner was trained on.
        probabilities: Add a column `probabilities`: the probability of every label, by name.
        labels: As for `llmal.load_learner`.
        embedder: Likewise.
        encoding: Of a file.
        progress: Show it in a terminal; or a function that is told of it.

    Raises:
        LlmalError: The learner or the data are not usable.
    """
    with contextlib.ExitStack() as stack:
        work = predicting(
            learner,
            data,
            text=text,
            probabilities=probabilities,
            labels=labels,
            embedder=embedder,
            reading=Reading(encoding=encoding),
            on_progress=stack.enter_context(shown_progress(progress)),
        )
        return collected(work, work.data)


def predicting(
    learner: TextClassifier | str | os.PathLike[str],
    data: Any,
    *,
    text: str | Sequence[str] | None = None,
    probabilities: bool = False,
    labels: Sequence[str] | None = None,
    embedder: Embedder | str | None = None,
    reading: Reading = DETECTED,
    on_progress: Progress | None = None,
) -> Annotating:
    """The same as work that gives one row after the other."""
    classifier = (
        learner
        if isinstance(learner, TextClassifier)
        else load_learner(os.fspath(learner), labels=labels, embedder=embedder)
    )
    # A list of texts has no columns to be looked for.
    named = text if text is not None else classifier.text
    rows = open_rows(data, named, reading=reading)
    return Annotating(
        rows,
        Router([Stage(_Predictor(classifier))]),
        Context(),
        classifier.space,
        Wanted(probabilities),
        on_progress=on_progress,
    )


class _Predictor:
    """A trained learner as an annotator."""

    name = "learner"
    kind: AnnotatorKind = "learner"
    batch_size = 1024

    def __init__(self, classifier: TextClassifier) -> None:
        self._classifier = classifier

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """The learner's probabilities for every item."""
        if not items:
            return []
        names = self._classifier.labels
        given = self._classifier.predict_proba([item.text for item in items])
        return [
            Annotation(
                item_id=item.id,
                label=answer,
                annotator=self.name,
                kind=self.kind,
                probabilities=dict(zip(names, row.tolist(), strict=True)),
                exact=False,
            )
            for item, row, answer in zip(items, given, self._classifier.answers(given), strict=True)
        ]

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """Nothing but time."""
        return plan_at(Usage(), self.annotate, items, context)
