"""Somebody whom llmal does not ask: the answers come by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from llmal.annotators.protocol import Context, plan_at
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, AnnotatorKind, Item, Usage
from llmal.errors import ConfigError
from llmal.task.spaces import KINDS


class Outside:
    """A stage that is answered through `llmal.Campaign.tell`: by a page, a notebook, a program.

    Args:
        name: What the stage is called.
        kind: Who answers there.
        cost: Money for each label that a person gives.

    Raises:
        ConfigError: The cost is negative.
    """

    batch_size = 1_000_000
    spaces = KINDS

    def __init__(
        self, name: str = "human", kind: AnnotatorKind = "human", *, cost: float = 0.0
    ) -> None:
        if not cost >= 0:
            raise ConfigError(f"cost is {cost}", fix="it must be 0 or more")
        self.name = name
        self.kind = kind
        self._cost = cost

    @property
    def cost(self) -> float:
        """Money for each label."""
        return self._cost

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """No answers: every item is waited for."""
        return []

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """So many labels of a person, at their cost; nothing for anybody else."""
        each = Usage(human_labels=1, money=self._cost) if self.kind == "human" else Usage()
        return plan_at(each, self.annotate, items, context)
