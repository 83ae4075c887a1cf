"""The labels and their order as they are when an audit begins: nothing of it changes afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import fingerprint
from llmal.guarantee.repeated import texts_of

LabelledBy = Literal["machine", "learner"]


@dataclass(frozen=True, eq=False)
class Frozen:
    """The items that no person has labelled, from most to least trusted, before they are audited.

    Attributes:
        items: N, how many labels are delivered in all, those by people included.
        order: Positions of the M items that no person has labelled, most trusted first; ties are
            broken already.
        labels: Their delivered labels in that order: targets, shape (M,) or (M, C).
        by: Who gave each, shape (M,), "machine" or "learner".
        probability_wrong: Of each, in that order, shape (M,); used for plans and forecasts alone.
        looks: How many items have been audited at each planned look, rising; none where so few
            items are left that all their labels may be wrong.
        epsilon: Wrong labels that are allowed, as a share of N.
        alpha: With what probability the promise may fail.
        seed: Draws the audit.
        about: What the labels, the order and the plan were made with, for the record.
        copies: How many items have each text; None where each stands once. The first positions are
            those of the texts, the others of what repeats them, text by text (`texts_of`).
    """

    items: int
    order: NDArray[np.int64]
    labels: NDArray[np.int64]
    by: NDArray[np.str_]
    probability_wrong: NDArray[np.float64]
    looks: tuple[int, ...]
    epsilon: float
    alpha: float
    seed: int
    about: Mapping[str, Any]
    copies: NDArray[np.int64] | None = None

    @property
    def texts(self) -> NDArray[np.int64]:
        """The position of the first item with the text of each, shape (N,): people label that."""
        return np.arange(self.items) if self.copies is None else texts_of(self.copies)

    def drawn(self) -> NDArray[np.int64]:
        """The audit: positions drawn uniformly without replacement, those of the first look first.

        Shape (looks[-1],), or (0,) without looks. The seed alone decides, so that it is the same
        after a kill.
        """
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, 0xA0D17]))
        audited = self.looks[-1] if self.looks else 0
        return np.asarray(rng.permutation(self.order)[:audited], dtype=np.int64)

    def with_look_at(self, audited: int) -> Frozen:
        """The same with one look more, such as where people's budget ends.

        The other looks stay as they were planned, so that the audit may go on if the budget is
        raised: all sizes are fixed before the first audited label is seen.

        Args:
            audited: How many items have been audited at it, at least one; after the last look there
                is none.
        """
        if not self.looks or self.looks[-1] <= audited:
            return self
        return replace(self, looks=tuple(sorted({*self.looks, audited})))

    @property
    def fingerprint(self) -> str:
        """Names labels, order and plan."""
        return fingerprint("frozen labels", self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain JSON has them."""
        copies = {} if self.copies is None else {"copies": self.copies.tolist()}
        return {
            **copies,
            "items": self.items,
            "order": self.order.tolist(),
            "labels": self.labels.tolist(),
            "by": self.by.tolist(),
            "probability_wrong": self.probability_wrong.tolist(),
            "looks": list(self.looks),
            "epsilon": self.epsilon,
            "alpha": self.alpha,
            "seed": self.seed,
            "about": dict(self.about),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Frozen:
        """What `as_dict` wrote."""
        return cls(
            items=values["items"],
            order=np.asarray(values["order"], dtype=np.int64),
            labels=np.asarray(values["labels"], dtype=np.int64),
            by=np.asarray(values["by"], dtype=np.str_),
            probability_wrong=np.asarray(values["probability_wrong"], dtype=np.float64),
            looks=tuple(values["looks"]),
            epsilon=values["epsilon"],
            alpha=values["alpha"],
            seed=values["seed"],
            about=dict(values["about"]),
            copies=(np.asarray(values["copies"], dtype=np.int64) if values.get("copies") else None),
        )
