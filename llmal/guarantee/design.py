"""Features laid out for a model of labels, or of right and wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.evidence import Evidence
from llmal.guarantee.features import Features, Floats, indicators, labels_of

PRIORS: Mapping[str, float] = {
    "machine": 2.0,
    "certainty": 0.5,
    "student of embeddings": 0.5,
    "student of words": 0.5,
}
"""The weight of a group's opinions before anything is learned; that of others is zero."""
_MANY = 24
"""Of more labels than these, no label has weights of its own for what is said of the others."""


@dataclass(frozen=True, eq=False)
class Design:
    """What a model sees of each item. K classes: the labels, or right and wrong.

    Attributes:
        shared: What speaks for each class by itself, with one weight for all classes, shape
            (N, K, s).
        prior: Those weights before anything is learned, shape (s,).
        columns: What has a weight for each class, shape (N, k); the first is 1.
        own: Which of the columns those are that a linear model gives weights for each class, shape
            (k,); the others, opinions on many labels, would be too many weights.
        vectors: An embedding: the same with small weights, shape (N, d).
        groups: Which columns of `shared`, of `columns` and of `vectors` each group has.
    """

    shared: Floats
    prior: Floats
    columns: Floats
    own: NDArray[np.bool_]
    vectors: Floats
    groups: Mapping[str, tuple[slice, slice, slice]]

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def classes(self) -> int:
        """K."""
        return int(self.shared.shape[1])

    def rows(self, which: NDArray[np.int64]) -> Design:
        """Some of the items."""
        return replace(
            self,
            shared=self.shared[which],
            columns=self.columns[which],
            vectors=self.vectors[which],
        )

    def shuffled(self, group: str, rng: np.random.Generator) -> Design:
        """With the features of one group dealt out anew among the items."""
        dealt = self.rows(rng.permutation(len(self)))
        of_shared, of_columns, of_vectors = self.groups[group]
        shared, columns, vectors = self.shared.copy(), self.columns.copy(), self.vectors.copy()
        shared[:, :, of_shared] = dealt.shared[:, :, of_shared]
        columns[:, of_columns] = dealt.columns[:, of_columns]
        vectors[:, of_vectors] = dealt.vectors[:, of_vectors]
        return replace(self, shared=shared, columns=columns, vectors=vectors)


def design_for_labels(evidence: Evidence, features: Mapping[str, Features]) -> Design:
    """For a model of which label is right: K = C, of one label an item."""
    layout = _Layout(len(evidence), labels_of(evidence))
    for group, part in features.items():
        layout.begin()
        for opinion in part.opinions:
            layout.shared.append(opinion)
            layout.prior.append(PRIORS.get(group, 0.0))
            layout.add_columns(opinion, own=opinion.shape[1] <= _MANY)
        layout.end(group, part)
    return layout.design()


def design_for_errors(evidence: Evidence, features: Mapping[str, Features]) -> Design:
    """For a model of whether the machine's label is wrong: K = 2, right and wrong.

    Of each opinion it sees what it says of the label that the machine gave: by how much it is for
    that rather than the best other; where an item takes several labels, how far it agrees on them,
    on the mean and on the least agreed.
    """
    layout = _Layout(len(evidence), 2)
    said = indicators(evidence.machine, labels_of(evidence))
    for group, part in features.items():
        layout.begin()
        if group == "machine":
            layout.add_columns(said)
        for opinion in part.opinions if group != "machine" else ():
            layout.add_columns(_support(opinion, said, several=evidence.machine.ndim == 2))
        layout.end(group, part)
    return layout.design()


def _support(opinion: Floats, said: Floats, *, several: bool) -> Floats:
    if several:
        agreed = np.where(said == 1, opinion, -opinion)
        return np.stack([agreed.min(axis=1), agreed.mean(axis=1)], axis=1)
    own = (opinion * said).sum(axis=1)
    other = np.where(said == 1, -np.inf, opinion).max(axis=1)
    usable = np.isfinite(other) & said.any(axis=1)
    lead = np.where(usable, own - np.where(usable, other, 0.0), 0.0)
    return np.asarray(lead[:, None])


class _Layout:
    """Columns as they come, and whose they are."""

    def __init__(self, items: int, classes: int) -> None:
        self.items = items
        self.classes = classes
        self.shared: list[Floats] = []
        self.prior: list[float] = []
        self._columns: list[Floats] = [np.ones((items, 1))]
        self._own: list[bool] = [True]
        self._vectors: list[Floats] = []
        self._groups: dict[str, tuple[slice, slice, slice]] = {}
        self._begun = (0, 0, 0)

    def begin(self) -> None:
        self._begun = self._ends()

    def add_columns(self, values: Floats, *, own: bool = True) -> None:
        self._columns.append(values)
        self._own += [own] * values.shape[1]

    def end(self, group: str, part: Features) -> None:
        if part.columns is not None:
            self.add_columns(part.columns)
        if part.vectors is not None:
            self._vectors.append(part.vectors)
        starts, ends = self._begun, self._ends()
        of = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
        self._groups[group] = (of[0], of[1], of[2])

    def design(self) -> Design:
        return Design(
            shared=np.stack(self.shared, axis=2)
            if self.shared
            else np.zeros((self.items, self.classes, 0)),
            prior=np.array(self.prior),
            columns=np.concatenate(self._columns, axis=1),
            own=np.array(self._own),
            vectors=np.concatenate(self._vectors, axis=1)
            if self._vectors
            else np.zeros((self.items, 0)),
            groups=self._groups,
        )

    def _ends(self) -> tuple[int, int, int]:
        return (
            len(self.shared),
            sum(one.shape[1] for one in self._columns),
            sum(one.shape[1] for one in self._vectors),
        )
