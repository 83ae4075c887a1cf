"""Which labels a language model is asked about in a round, where there are many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.protocol import Context
from llmal.core.records import Item
from llmal.embed import SentenceEmbedder
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError
from llmal.lm.protocol import LanguageModel, Normalise, SubsetScoring
from llmal.prompting.labelling import LabellingPrompts
from llmal.prompting.shortlist import (
    WIDE,
    Costliest,
    Shortlist,
    Shortlister,
    check_shortlist,
    largest_size,
)
from llmal.task import Task
from llmal.task.spaces import refuse_unless

Size = int | Literal["auto"]
"""How many labels are scored for each item; 0 scores all."""


class Shortlisting:
    """Makes the shortlist of each round, where one is wanted.

    Args:
        task: The task.
        lm: The model.
        size: As for `LLMAnnotator`, like the next two.
        recall: Share of items whose label is to be among those that are scored.
        normalise: How labels of several tokens are compared.
        embedder: Compares texts and labels; by default all-MiniLM-L6-v2.
        prompts: Gives the prompts, in each form that they may have.

    Raises:
        ConfigError: There can be no shortlist, and one is asked for.
    """

    def __init__(
        self,
        task: Task,
        lm: LanguageModel,
        *,
        size: Size,
        recall: float,
        normalise: Normalise,
        embedder: Embedder | None,
        prompts: Callable[[], Sequence[LabellingPrompts]],
    ) -> None:
        self._task, self._lm = task, lm
        self._size, self._recall = size, recall
        self._normalise = normalise
        self._embedder = embedder
        self._prompts = prompts
        self._made: tuple[object, Shortlist | None] | None = None
        check_shortlist(None, recall)
        if size not in ("auto", 0):
            refuse_unless(task, ("single",), "a shortlist of labels", "leave the shortlist out")
            check_shortlist(int(size), recall)
            self._check_subsets()

    def _check_subsets(self) -> None:
        if not isinstance(self._lm, SubsetScoring):
            raise ConfigError(
                "this language model cannot score a part of the labels",
                fix="leave the shortlist out",
            )
        if self._normalise == "first":
            raise ConfigError(
                "normalise 'first' scores all labels in one pass, so a shortlist saves nothing",
                fix="leave one of them out",
            )

    @property
    def wanted(self) -> bool:
        """Whether only some of the labels are scored for each item."""
        labels = len(self._task.labels)
        if self._size != "auto":
            return 0 < self._size < labels
        if labels <= WIDE or self._normalise == "first":
            return False
        if not self._task.space.rows_sum_to_one or not isinstance(self._lm, SubsetScoring):
            return False
        # One pass scores all labels if they have one token each, in whichever form it may be.
        return all(
            self._lm.score_cost([""], one.candidates).requests > 1 for one in self._prompts()
        )

    def of_round(
        self, context: Context, key: object, labelled: Callable[[], Sequence[Item]]
    ) -> Shortlist | None:
        """What chooses the labels that are scored in a round; None where all are.

        Args:
            context: What is known of the round.
            key: What the shortlist depends on; the same one is made once.
            labelled: Gives items whose label is known.
        """
        if not self.wanted:
            return None
        count = len(self._task.labels)
        if context.foreseen:
            most = largest_size(count) if self._size == "auto" else self._size
            return Costliest(self._longest_words(), most)
        if self._made is None or self._made[0] != key:
            made = Shortlister(
                self._task,
                self._embedder or SentenceEmbedder(),
                labelled(),
                size=None if self._size == "auto" else self._size,
                recall=self._recall,
            )
            self._made = key, made if made.size.labels < count else None
        return self._made[1]

    def _longest_words(self) -> NDArray[np.int64]:
        """Tokens of the words of each label, shape (C,)."""
        prompts = self._prompts()[0]
        tokens = self._lm.count_tokens(prompts.candidates)
        return np.bincount(prompts.word_columns, weights=tokens).astype(np.int64)
