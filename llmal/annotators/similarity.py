"""Labels by likeness to the labels' descriptions: the annotator where there is no LLM."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import numpy as np

from llmal.annotators.protocol import Context, plan_at
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, AnnotatorKind, Item, Usage
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError
from llmal.task import Task
from llmal.task.spaces import refuse_unless

log = logging.getLogger("llmal.annotators")


class SimilarityAnnotator:
    """Gives the label whose name and description lie nearest to the text in embedding space.

    The probabilities are a softmax of cosine similarities: a ranking with the look of
    probabilities, not an LLM's belief. It never stands in for an LLM without a warning.

    Args:
        task: The task; descriptions of its labels help a lot.
        embedder: The text embedder.
        temperature: Divides the cosines before the softmax.
        name: Who is recorded in the ledger.
        batch_size: Items between two writes to the ledger in a run.

    Raises:
        ConfigError: The temperature is not above 0, or the task takes several labels an item.
    """

    kind: AnnotatorKind = "similarity"

    def __init__(
        self,
        task: Task,
        embedder: Embedder,
        *,
        temperature: float = 0.05,
        name: str = "similarity",
        batch_size: int = 1024,
    ) -> None:
        refuse_unless(task, ("single",), "the annotator similarity", "use the annotator llm")
        if not temperature > 0:
            raise ConfigError(f"temperature is {temperature}", fix="it must be above 0")
        self.task = task
        self.name = name
        self.batch_size = batch_size
        self._embedder = embedder
        self.temperature = temperature
        self._labels: np.ndarray | None = None

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """Compare every item with every label."""
        from scipy.special import softmax

        if not items:
            return []
        start = time.perf_counter()
        if self._labels is None:
            log.warning(
                "no language model is used: the labels of annotator %r come from the similarity "
                "of texts and label descriptions",
                self.name,
            )
            self._labels = self._embedder.embed(
                [
                    f"{', '.join(one.verbalizers)}: {one.description}"
                    if one.description
                    else ", ".join(one.verbalizers)
                    for one in self.task.labels
                ]
            )
        vectors = self._embedder.embed([item.text for item in items])
        # A matrix product rounds by the shape of its batch, and an item's answer may not depend on
        # which others it was asked with.
        cosines = np.einsum("nd,cd->nc", vectors, self._labels, dtype=np.float64, casting="safe")
        logits = cosines / self.temperature
        probabilities = softmax(logits, axis=1)
        seconds = (time.perf_counter() - start) / len(items)
        names = self.task.names
        return [
            Annotation(
                item_id=item.id,
                label=names[row.argmax()],
                annotator=self.name,
                kind="similarity",
                probabilities=dict(zip(names, row.tolist(), strict=True)),
                exact=False,
                usage=Usage(seconds=seconds),
                provenance={
                    "model": self._embedder.fingerprint,
                    "temperature": self.temperature,
                },
                round=context.round,
            )
            for item, row in zip(items, probabilities, strict=True)
        ]

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """Nothing but time."""
        return plan_at(Usage(), self.annotate, items, context)
