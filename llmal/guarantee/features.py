"""What is known of each item that may tell a wrong label from a right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.evidence import Evidence, has_label

_CLIP = 1e-4
"""Probabilities are kept this far from 0 and 1, so that no single source outweighs all others."""
_FIT_ROWS = 20_000
"""Rows that an embedding's main directions are looked for in."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Features:
    """The features of all items from one group.

    Attributes:
        opinions: Which label a source speaks for: log-odds or centred log-probabilities, one table
            of shape (N, C) a source. What a source says of one label means the same as what it says
            of another.
        columns: What speaks for no label by itself, shape (N, k).
        vectors: An embedding, shape (N, d): many columns, each of little weight.
    """

    opinions: tuple[Floats, ...] = ()
    columns: Floats | None = None
    vectors: Floats | None = None


class FeatureGroup(Protocol):
    """Features that come from one source.

    Attributes:
        name: Of the group.
        needs_people: Whether people's labels change them. All others are computed once.
    """

    @property
    def name(self) -> str:
        """Of the group."""
        ...

    @property
    def needs_people(self) -> bool:
        """Whether people's labels change them; those that they do not are computed once."""
        ...

    def extract(self, evidence: Evidence) -> Features | None:
        """The features of all items; None where the evidence lacks what they need."""
        ...


@dataclass(frozen=True)
class Embedding:
    """The main directions of the texts' embeddings.

    Args:
        components: How many.
    """

    components: int = 96
    name: str = field(default="embedding", init=False)
    needs_people: bool = field(default=False, init=False)

    def extract(self, evidence: Evidence) -> Features | None:
        """By principal components, scaled so that the mean squared length is ten."""
        if evidence.embeddings is None:
            return None
        directions = main_directions(evidence.embeddings, self.components)
        if directions is None:
            return None
        length = np.sqrt((directions**2).sum(axis=1).mean())
        return Features(vectors=directions * np.sqrt(10) / length)


@dataclass(frozen=True)
class MachineLabel:
    """The machine's label."""

    name: str = field(default="machine", init=False)
    needs_people: bool = field(default=False, init=False)

    def extract(self, evidence: Evidence) -> Features | None:
        """One opinion; nothing where the machine has no label."""
        return Features(opinions=(centred(indicators(evidence.machine, labels_of(evidence))),))


@dataclass(frozen=True)
class Certainty:
    """How sure the machine is of its label: its probabilities with margin and entropy, or what it
    says itself.
    """

    name: str = field(default="certainty", init=False)
    needs_people: bool = field(default=False, init=False)

    def extract(self, evidence: Evidence) -> Features | None:
        """Probabilities as an opinion, and confidence as one for the machine's label."""
        opinions, columns = [], []
        if evidence.probabilities is not None:
            table = np.asarray(evidence.probabilities, dtype=np.float64)
            known = np.asarray(~np.isnan(table).any(axis=1))
            scores = opinion(np.where(known[:, None], table, 1.0), evidence)
            opinions.append(np.where(known[:, None], scores, 0.0))
            ranked = np.sort(scores, axis=1)
            margin = ranked[:, -1] - ranked[:, -2] if scores.shape[1] > 1 else ranked[:, -1]
            entropy = np.zeros(len(table))
            entropy[known] = evidence.space.entropy(np.clip(table[known], 1e-12, 1))
            columns += [np.where(known, margin, 0.0), entropy]
        if evidence.confidence is not None:
            sure = log_odds(np.asarray(evidence.confidence, dtype=np.float64), clip=0.02)
            said = ~np.isnan(sure)
            if said.any():
                scaled = np.where(said, scale(sure, said), 0.0)
                said_for = centred(indicators(evidence.machine, labels_of(evidence)))
                opinions.append(said_for * scaled[:, None])
                columns.append(scaled)
        if not opinions:
            return None
        return Features(tuple(opinions), np.stack(columns, axis=1) if columns else None)


@dataclass(frozen=True)
class Votes:
    """What other prompts, demonstrations or models say, each by itself and all together."""

    name: str = field(default="votes", init=False)
    needs_people: bool = field(default=False, init=False)

    def extract(self, evidence: Evidence) -> Features | None:
        """An opinion of each, and one of their shares of the labels."""
        if not evidence.votes:
            return None
        labels = labels_of(evidence)
        each = [indicators(vote, labels) for vote in evidence.votes]
        count = np.sum([has_label(vote) for vote in evidence.votes], axis=0)[:, None]
        shares = (np.sum(each, axis=0) + 0.5) / (count + 0.5 * max(2, labels))
        return Features((opinion(shares, evidence), *map(centred, each)))


@dataclass(frozen=True)
class Length:
    """The length of the text."""

    name: str = field(default="length", init=False)
    needs_people: bool = field(default=False, init=False)

    def extract(self, evidence: Evidence) -> Features | None:
        """The logarithm of its characters."""
        if evidence.texts is None:
            return None
        return Features(columns=scale(np.log1p([len(text) for text in evidence.texts]))[:, None])


@dataclass(frozen=True)
class Overlap:
    """How alike the two texts of a pair are, where every item is one."""

    name: str = field(default="overlap", init=False)
    needs_people: bool = field(default=False, init=False)

    def extract(self, evidence: Evidence) -> Features | None:
        """Of two lines, shares of common words and pairs of words, cosines of TF-IDF, lengths, and
        numbers that only one has; of two embeddings, their cosine.
        """
        columns: list[Floats] = []
        if evidence.texts and all(text.count("\n") == 1 for text in evidence.texts):
            pairs = [text.lower().split("\n") for text in evidence.texts]
            columns += [*np.array([_overlap(*pair) for pair in pairs]).T]
            alike = [_cosines(pairs, analyzer) for analyzer in ("word", "char_wb")]
            columns += [column for column in alike if column is not None]
        if len(evidence.field_embeddings) == 2:
            cosine = _cosine(*evidence.field_embeddings)
            columns += [cosine, np.log(1.02 - cosine)]
        if not columns:
            return None
        return Features(columns=np.stack([scale(column) for column in columns], axis=1))


def main_directions(embeddings: NDArray[np.float32], count: int) -> Floats | None:
    """Principal components, shape (N, count) or fewer; None where all rows are the same."""
    from sklearn.decomposition import PCA

    vectors = np.asarray(embeddings, dtype=np.float64)
    sample = vectors[:: max(1, -(-len(vectors) // _FIT_ROWS))]
    if len(sample) < 2 or np.ptp(sample, axis=0).max(initial=0.0) == 0:
        return None
    count = min(count, sample.shape[1], len(sample) - 1)
    return np.asarray(PCA(count, random_state=0).fit(sample).transform(vectors))


def indicators(targets: NDArray[np.int64], labels: int) -> Floats:
    """1 where a label is given, shape (N, C); zeros in a row without a label."""
    if targets.ndim == 2:
        return np.asarray(np.maximum(targets, 0), dtype=np.float64)
    table = np.zeros((len(targets), labels))
    rows = np.flatnonzero(has_label(targets))
    table[rows, targets[rows]] = 1.0
    return table


def labels_of(evidence: Evidence) -> int:
    """C, how many labels there are."""
    return len(evidence.space.labels)


def opinion(probabilities: Floats, evidence: Evidence) -> Floats:
    """Probabilities as an opinion: centred logarithms, or log-odds where labels are apart."""
    if evidence.space.rows_sum_to_one:
        return centred(np.log(np.clip(probabilities, _CLIP, 1)))
    return log_odds(probabilities, clip=_CLIP)


def centred(table: Floats) -> Floats:
    """Less the mean of each row."""
    return np.asarray(table - table.mean(axis=1, keepdims=True))


def log_odds(probabilities: Floats, clip: float) -> Floats:
    """Log-odds of probabilities that are kept away from 0 and 1."""
    inside = np.clip(probabilities, clip, 1 - clip)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def scale(values: Floats, known: NDArray[np.bool_] | None = None) -> Floats:
    """Less the mean, over the standard deviation; zeros where all are the same."""
    rows = values if known is None else values[known]
    spread = rows.std() if len(rows) else 0.0
    return np.asarray((values - rows.mean()) / spread if spread > 1e-12 else np.zeros(len(values)))


def _overlap(first: str, second: str) -> Sequence[float]:
    words = [side.split() for side in (first, second)]
    sets = [set(side) for side in words]
    pairs = [set(pairwise(side)) for side in words]
    numbers = [{word for word in side if any(map(str.isdigit, word))} for side in sets]
    common = len(sets[0] & sets[1])
    return (
        common / max(1, len(sets[0] | sets[1])),
        common / max(1, len(sets[0])),
        common / max(1, len(sets[1])),
        len(pairs[0] & pairs[1]) / max(1, len(pairs[0] | pairs[1])),
        np.log1p(len(words[0])) - np.log1p(len(words[1])),
        abs(np.log1p(len(words[0])) - np.log1p(len(words[1]))),
        float(len(numbers[0] ^ numbers[1])),
    )


def _cosines(pairs: Sequence[Sequence[str]], analyzer: str) -> Floats | None:
    """Of the TF-IDF of the two texts of each pair; None where no word stands in two texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    lengths = (1, 1) if analyzer == "word" else (3, 3)
    vectorizer = TfidfVectorizer(analyzer=analyzer, ngram_range=lengths, min_df=2)
    try:
        table = vectorizer.fit_transform([text for pair in pairs for text in pair])
    except ValueError:
        return None
    return np.asarray(table[::2].multiply(table[1::2]).sum(axis=1)).ravel()


def _cosine(first: NDArray[np.float32], second: NDArray[np.float32]) -> Floats:
    """Of each row of one with that of the other; 0 for a row of zeros."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    products = np.einsum("nd,nd->n", first.astype(np.float64), second.astype(np.float64))
    return np.asarray(np.clip(products / np.maximum(lengths, 1e-12), -1, 1))
