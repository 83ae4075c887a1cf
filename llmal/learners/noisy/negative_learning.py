"""Learning what a text is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor

from llmal.errors import ConfigError, DataError
from llmal.learners.noisy.checks import check_least, check_share
from llmal.learners.training.terms import Batch, Course, Term

_LEAST = 1e-6


@dataclass
class NegativeLearning(Term):
    """What a text is surely not is learnt besides what it may be.

    Added is `weight` times the mean, over the items of a batch that have such classes N, of
    mean_{k ∈ N} −log(1 − p_k + 1e-6). Which classes these are:

    - "unlikely" (MoLLIA, 2026): those whose share in the soft labels, which the learner must then
      be fitted on, is at most `threshold`. An item whose whole share is one class, as a person's
      label, has none.
    - "drawn" (Kim et al., 2019): in each pass one class other than the label, at random. A wrong
      label makes a wrong label of a class that is drawn rarely wrong too. Takes plain labels.

    Args:
        complements: "unlikely" or "drawn".
        weight: Of the term: MoLLIA's λ, there 0.4 + 0.06 t in round t of 12.
        threshold: The largest share of a class that a text is not of.
        learn: What else is learnt from soft labels: the "best" class of each item, as MoLLIA's
            released code does, or the "shares".
    """

    registered_as: ClassVar[str] = "negative_learning"

    complements: Literal["unlikely", "drawn"] = "unlikely"
    weight: float = 0.46
    threshold: float = 0.001
    learn: Literal["best", "shares"] = "best"
    _excluded: Tensor | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.complements not in ("unlikely", "drawn"):
            raise ConfigError(
                f"complements is {self.complements!r}", fix='use "unlikely" or "drawn"'
            )
        if self.learn not in ("best", "shares"):
            raise ConfigError(f"learn is {self.learn!r}", fix='use "best" or "shares"')
        check_least("weight", self.weight)
        check_share("threshold", self.threshold)

    def begin(self, course: Course) -> None:
        """Find the unlikely classes.

        Raises:
            DataError: They are to be found, and all labels are plain ones.
        """
        targets = course.targets
        if self.complements == "unlikely":
            sure = (targets == 1).any(dim=1)
            if bool(sure.all()):
                raise DataError(
                    "plain labels do not say which classes are unlikely",
                    fix='fit on SoftLabels, or use complements "drawn"',
                )
            self._excluded = (targets <= self.threshold) & ~sure[:, None]
        if self.learn == "best":
            best = targets.argmax(dim=1)
            course.targets = torch.nn.functional.one_hot(best, targets.shape[1]).to(targets.dtype)

    def begin_epoch(self, course: Course) -> None:
        """Draw classes anew."""
        if self.complements == "drawn":
            others = torch.rand(course.targets.shape, generator=course.generator)
            others[torch.arange(len(others)), course.targets.argmax(dim=1).cpu()] = -1
            drawn = torch.nn.functional.one_hot(others.argmax(dim=1), others.shape[1])
            self._excluded = drawn.bool().to(course.targets.device)

    def loss(self, course: Course, batch: Batch) -> Tensor | None:
        """How much is still believed of what the texts are not."""
        assert self._excluded is not None
        excluded = self._excluded[torch.from_numpy(batch.rows).to(self._excluded.device)]
        if not self.weight or not bool(excluded.any()):
            return None
        return self.weight * negative_loss(batch.output.scores, excluded)


def negative_loss(scores: Tensor, excluded: Tensor) -> Tensor:
    """The mean over items with excluded classes of mean −log(1 − p_k + 1e-6) over these.

    Args:
        scores: Shape (n, C).
        excluded: Shape (n, C), truth values; some item has some.
    """
    costs = -torch.log(1 - torch.softmax(scores.float(), dim=1) + _LEAST)
    counts = excluded.sum(dim=1)
    some = counts > 0
    return ((costs * excluded).sum(dim=1)[some] / counts[some]).mean()
