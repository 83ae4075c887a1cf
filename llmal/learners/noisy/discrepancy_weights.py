"""Less weight for labels that the learner of the round before would not have given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from llmal.errors import ConfigError, DataError
from llmal.learners.noisy.checks import check_share
from llmal.learners.training.terms import Course, Term


@dataclass
class DiscrepancyWeights(Term):
    """Items new in a round whose label the round before's learner contradicts weigh less (MoLLIA).

    Args:
        predictions: By text what that learner says of each new item, as labels stand in y:
            `dict(zip(texts, learner.predict(texts)))`. Other items keep their weight.
        weight: What the weight of a contradicted item is multiplied by.
    """

    registered_as: ClassVar[str] = "discrepancy_weights"

    predictions: Mapping[str, str | int]
    weight: float = 0.5

    def __post_init__(self) -> None:
        if not isinstance(self.predictions, Mapping):
            raise ConfigError(
                "predictions is no mapping of texts to labels",
                fix="give dict(zip(texts, learner.predict(texts)))",
            )
        check_share("weight", self.weight)

    def begin(self, course: Course) -> None:
        """Weigh the items.

        Raises:
            DataError: No item that is trained on has a prediction.
        """
        best = course.targets.argmax(dim=1).tolist()
        labels = course.classes.tolist()
        said = [self.predictions.get(text) for text in course.texts]
        if all(one is None for one in said):
            raise DataError(
                "none of the texts that are trained on has an earlier prediction",
                fix="give predictions for the texts that are new in this round",
            )
        against = [
            one is not None and labels[column] != one
            for one, column in zip(said, best, strict=True)
        ]
        factor = torch.where(torch.tensor(against), self.weight, 1.0)
        course.weights = course.weights * factor.to(course.weights)
