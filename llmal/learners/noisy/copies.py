"""Perturbed copies of the texts that a network is trained on."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from llmal.errors import DataError
from llmal.learners.networks.protocol import Reading
from llmal.learners.training.terms import Course
from llmal.perturb import REGISTRY as PERTURBATIONS
from llmal.perturb import Perturbation

Given = Mapping[str, str | Sequence[str]]
"""Each text's copy, or its copies."""


class Copies:
    """The copies of texts as a network reads them.

    Args:
        course: The training.
        texts: n texts.
        given: Their copies; None to make them.
        perturbation: Makes them where none are given; fitted on the texts. An object, a name or a
            mapping of a name and options.
        count: How many are made of each text.

    Raises:
        DataError: A text has no copy.
    """

    def __init__(
        self,
        course: Course,
        texts: Sequence[str],
        given: Given | None,
        perturbation: Perturbation | str | Mapping[str, object],
        count: int,
    ) -> None:
        if given is None:
            made: Perturbation = copy.copy(PERTURBATIONS.make_part(perturbation)).fit(texts)
            seed = int(course.numpy_generator().integers(2**31))
            copies = made.perturb(texts, count, seed)
        else:
            copies = [_copies_of(text, given) for text in texts]
        flat = [one for row in copies for one in row]
        readings = iter(course.network.read(flat))
        self._readings = [[next(readings) for _ in row] for row in copies]

    def of(self, rows: Sequence[int], number: int) -> list[Reading]:
        """A copy of each of some texts; those with several take turns by the number."""
        return [self._readings[row][number % len(self._readings[row])] for row in rows]


def _copies_of(text: str, given: Given) -> list[str]:
    found = given.get(text, ())
    copies = [found] if isinstance(found, str) else list(found)
    if not copies:
        raise DataError(
            f"there is no perturbed copy of the text {text[:60]!r}",
            fix="give copies of every text that is trained on, or a perturbation that makes them",
        )
    return copies
