"""What annotators may know of a round that asks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from llmal.annotators.protocol import Annotator, Context, Need, NeedsContext, drawn_texts
from llmal.core.records import Item, Purpose
from llmal.ledger import Ledger
from llmal.run.items import RunItems
from llmal.run.purposes import seen_labels
from llmal.run.work_order import WorkOrder


class Contexts:
    """Makes the context of each round, with what the annotators of a run want to know.

    Args:
        items: The items of the run.
        annotators: Who is asked.
        seed: Of the run.
    """

    def __init__(self, items: RunItems, annotators: Sequence[Annotator], seed: int) -> None:
        self._items = items
        self._annotators = annotators
        self._seed = seed
        self._last: Context | None = None

    def forget(self) -> None:
        """Read the labels anew at the next question."""
        self._last = None

    def of(self, ledger: Ledger, order: WorkOrder) -> Context:
        """The context of an order: the same for all that is asked in its round, but for who has
        answered already.
        """
        if self._last is None or self._last.round != order.round:
            self._last = self._make(ledger, order.round, order.purpose)
        if order.wanted == 1:
            return replace(self._last, earlier=order.earlier) if order.earlier else self._last
        ids = order.items.ids()
        return replace(
            self._last,
            earlier=order.earlier,
            missing=dict(zip(ids, order.missing, strict=True)),
            answered_by=dict(zip(ids, order.answered_by, strict=True)),
        )

    def _make(self, ledger: Ledger, number: int, purpose: Purpose) -> Context:
        needs: set[Need] = set()
        for one in self._annotators:
            needs |= one.needs() if isinstance(one, NeedsContext) else set()
        shown: tuple[Item, ...] = ()
        if "labelled" in needs:
            before = seen_labels(ledger, before_round=number)
            shown = self._items.demonstrations(before, self._seed)
        texts: tuple[Item, ...] = ()
        if "texts" in needs:
            # Of the run, not of the round: the same texts are asked about with other prompts.
            texts = drawn_texts(self._items.usable, self._seed)
        changed = ledger.rounds_at_last_change(of_pool_alone=True)
        return Context(
            round=number,
            purpose=purpose,
            task_version=ledger.reading.version,
            texts_changed=changed is not None and number < changed,
            demonstrations=shown,
            unlabelled=texts,
            seed=int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0]),
        )
