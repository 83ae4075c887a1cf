"""A generator whose texts are put together from words: no model, the same seed, the same texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from llmal.core.plans import BatchPlan
from llmal.core.records import SyntheticItem, Usage
from llmal.generators import Request
from llmal.generators.items import synthetic_item, with_distinct_ids


class ListedGenerator:
    """Writes a few of the words of a label.

    Args:
        words: By label.
        wrong: Texts of each label that are written in its place, for one that is to do harm.
        each: What a text costs.
        name: What it is called.
        requires: What it says that it needs.
        shown: Whether it says that all demonstrations were shown to it.
    """

    max_tokens = 8
    spaces = ("single",)

    def __init__(
        self,
        words: Mapping[str, Sequence[str]],
        *,
        wrong: Mapping[str, str] | None = None,
        each: Usage = Usage(requests=1, prompt_tokens=5, completion_tokens=5),
        name: str = "listed",
        requires: tuple[Any, ...] = (),
        shown: bool = False,
    ) -> None:
        self._words = words
        self._wrong = wrong or {}
        self._each = each
        self._shown = shown
        self.name = name
        self.requires = requires
        self.asked: list[Request] = []

    def lacks(self, request: Request) -> str | None:
        missing = "learner" in self.requires and request.learner is None
        return (
            "it goes by what the learner confuses" if missing and not request.standing_in else None
        )

    def plan(self, request: Request, k: int) -> BatchPlan[list[SyntheticItem]]:
        def write() -> list[SyntheticItem]:
            self.asked.append(request)
            rng = np.random.default_rng(request.seed)
            words = self._words[self._wrong.get(request.label, request.label)]
            shown = [one.id for one in request.demonstrations] if self._shown else []
            made = [
                synthetic_item(
                    " ".join(rng.choice(words, 4, replace=False)),
                    request.label,
                    self.name,
                    reason=None,
                    usage=self._each,
                    provenance={"model": "words", "demonstrations": shown},
                )
                for _ in range(k)
            ]
            return with_distinct_ids(made)

        return BatchPlan(
            write, each=lambda: [self._each] * k, first=lambda count: self.plan(request, count)
        )
