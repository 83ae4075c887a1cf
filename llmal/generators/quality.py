"""How varied synthetic texts are, and how much they are like real ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.embed.neighbours import nearest
from llmal.errors import DataError
from llmal.generators.self_bleu import self_bleu

_MOST = 2000
_PERMUTATIONS = 499
_NEIGHBOURS = 5


@dataclass(frozen=True)
class Diversity:
    """How varied texts are.

    Attributes:
        texts: How many there are.
        distinct_1: Different words among all words.
        distinct_2: Different pairs of neighbouring words among all of them (Li et al., 2016).
        distinct_3: The same of three words.
        self_bleu: Mean BLEU of each with all others as references (Zhu et al., 2018): 0 to 1, the
            more the more they repeat one another.
        spread: Mean cosine distance of two texts, 0 to 2.
        vendi: As how many quite different texts they count (Friedman and Dieng, 2023): from 1 to
            their number.
    """

    texts: int
    distinct_1: float
    distinct_2: float
    distinct_3: float
    self_bleu: float
    spread: float
    vendi: float


@dataclass(frozen=True)
class Fidelity:
    """How much synthetic texts are like real ones.

    Attributes:
        p_value: Of the hypothesis that both are drawn alike, by an energy test on the embeddings
            (Szekely and Rizzo, 2013). A small one says that they differ; a large one proves
            nothing.
        density: How many real texts a synthetic one lies near to, in fifths: nearer than their
            fifth real neighbour (Naeem et al., 2020). About one where both are alike, and more
            where synthetic texts crowd where real ones do.
        coverage: Share of the real texts that a synthetic one lies near to in this sense.
        nearest: Median distance of a synthetic text to the nearest real one.
        nearest_real: Median distance of a real text to the nearest other real one.
        copies: Share of the synthetic texts that are nearer to a real one than 99 of 100 real texts
            are to another.
    """

    p_value: float
    density: float
    coverage: float
    nearest: float
    nearest_real: float
    copies: float


def measure_diversity(texts: Sequence[str], vectors: NDArray[np.float32]) -> Diversity:
    """How varied texts are.

    Args:
        texts: n texts, at least two.
        vectors: Shape (n, d): their unit vectors.

    Raises:
        DataError: There are fewer than two, or the vectors are of others.
    """
    _check(len(texts), vectors)
    words = [text.casefold().split() for text in texts]
    count = len(texts)
    vectors64 = np.asarray(vectors, dtype=np.float64)
    centre = vectors64.mean(axis=0)
    # Mean cosine of two different ones: that of all pairs, without each with itself.
    same = (count**2 * float(centre @ centre) - float((vectors64**2).sum())) / (count**2 - count)
    return Diversity(
        texts=count,
        distinct_1=distinct(words, 1),
        distinct_2=distinct(words, 2),
        distinct_3=distinct(words, 3),
        self_bleu=self_bleu(words),
        spread=1.0 - same,
        vendi=vendi_score(vectors64),
    )


def distinct(words: Iterable[Sequence[str]], size: int) -> float:
    """Different runs of so many words, among all that texts have; 0 where they have none."""
    runs = Counter(
        tuple(one[start : start + size]) for one in words for start in range(len(one) - size + 1)
    )
    return len(runs) / runs.total() if runs else 0.0


def vendi_score(vectors: NDArray[np.float64]) -> float:
    """The exponential of the entropy of the eigenvalues of the cosines over n.

    Args:
        vectors: Shape (n, d), unit vectors; n or d, whichever is less, decides over the time.
    """
    count, width = vectors.shape
    table = vectors @ vectors.T if count <= width else vectors.T @ vectors
    values = np.linalg.eigvalsh(table / count)
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def measure_fidelity(
    synthetic: NDArray[np.float32], real: NDArray[np.float32], rng: np.random.Generator
) -> Fidelity:
    """How much synthetic texts are like real ones, by their embeddings.

    Of more than 2,000 on a side, so many are drawn.

    Args:
        synthetic: Shape (n, d): unit vectors.
        real: Shape (m, d): likewise.
        rng: For the draws and the permutations of the test.

    Raises:
        DataError: There are fewer than two on a side, or widths differ.
    """
    for vectors in (synthetic, real):
        _check(len(vectors), vectors)
    if synthetic.shape[1] != real.shape[1]:
        raise DataError(
            f"the vectors are {synthetic.shape[1]} and {real.shape[1]} wide",
            fix="embed both with the same embedder",
        )
    synthetic, real = _drawn(synthetic, rng), _drawn(real, rng)
    k = min(_NEIGHBOURS, len(real) - 1)
    own = nearest(real, real, k + 1)[0]
    to_real = nearest(synthetic, real, 1)[0][:, 0]
    closest = own[:, 1]
    near = _near(real, synthetic, own[:, k])
    return Fidelity(
        p_value=energy_test(synthetic, real, rng),
        density=float(near.sum() / (k * len(synthetic))),
        coverage=float((near > 0).mean()),
        nearest=float(np.median(to_real)),
        nearest_real=float(np.median(closest)),
        copies=float((to_real < np.quantile(closest, 0.01)).mean()),
    )


def energy_test(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    rng: np.random.Generator,
    permutations: int = _PERMUTATIONS,
) -> float:
    """The p-value of the energy test that two samples are of one distribution.

    The energy distance is twice the mean distance between the samples, less the mean distances
    within them; how large it is by chance, permutations of who belongs where say.

    Args:
        one: Shape (n, d).
        other: Shape (m, d).
        rng: Draws the permutations.
        permutations: How many; the p-value is at least one over one more.
    """
    both = np.concatenate([one, other]).astype(np.float64)
    squares = (both**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * both @ both.T, 0.0))
    count, total = len(one), len(both)
    members = np.zeros((permutations + 1, total))
    members[0, :count] = 1
    for row in members[1:]:
        row[rng.permutation(total)[:count]] = 1
    inside = np.einsum("pn,pn->p", members @ distances, members)
    across = (members @ distances).sum(axis=1) - inside
    others = distances.sum() - inside - 2 * across
    rest = total - count
    energies = 2 * across / (count * rest) - inside / count**2 - others / rest**2
    # Equal ones count against: a permutation may be the samples themselves.
    return float((energies >= energies[0] - 1e-12).mean())


@dataclass(frozen=True)
class Quality:
    """What embeddings and words say of synthetic texts.

    Attributes:
        diversity: Of the synthetic texts; of as many as there are real ones, where those are fewer.
        real_diversity: Of as many real ones, for comparison; None without real texts.
        fidelity: Beside the real texts; None without.
    """

    diversity: Diversity
    real_diversity: Diversity | None = None
    fidelity: Fidelity | None = None


def measure_quality(
    synthetic: Sequence[str],
    vectors: NDArray[np.float32],
    real: Sequence[str],
    real_vectors: NDArray[np.float32] | None,
    rng: np.random.Generator,
) -> Quality:
    """Measure synthetic texts, beside real ones where there are at least two.

    Args:
        synthetic: n texts, at least two.
        vectors: Shape (n, d): their unit vectors.
        real: m real texts, or none.
        real_vectors: Shape (m, d): their unit vectors by the same embedder; None without any.
        rng: For what is drawn.

    Raises:
        DataError: There are too few, or vectors do not fit.
    """
    own = measure_diversity(synthetic, vectors)
    if real_vectors is None or len(real) < 2:
        return Quality(own)
    # As many of each, since all measures of diversity go with the number of texts.
    count = min(len(synthetic), len(real))
    rows = np.sort(rng.permutation(len(real))[:count])
    if count < len(synthetic):
        few = np.sort(rng.permutation(len(synthetic))[:count])
        own = measure_diversity([synthetic[row] for row in few], vectors[few])
    return Quality(
        own,
        measure_diversity([real[row] for row in rows], real_vectors[rows]),
        measure_fidelity(vectors, real_vectors, rng),
    )


def _near(
    real: NDArray[np.float32], synthetic: NDArray[np.float32], radii: NDArray[np.float32]
) -> NDArray[np.int64]:
    """How many synthetic texts lie in the ball of each real one, shape (m,)."""
    found = np.zeros(len(real), dtype=np.int64)
    for start in range(0, len(real), 256):
        part = slice(start, start + 256)
        distances = np.sqrt(np.maximum(2 - 2 * real[part] @ synthetic.T, 0.0))
        found[part] = (distances <= radii[part, None]).sum(axis=1)
    return found


def _drawn(vectors: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    if len(vectors) <= _MOST:
        return vectors
    return vectors[np.sort(rng.permutation(len(vectors))[:_MOST])]


def _check(count: int, vectors: NDArray[np.float32]) -> None:
    if count < 2 or vectors.ndim != 2 or len(vectors) != count:
        raise DataError(
            f"{count} texts with vectors of shape {vectors.shape} cannot be measured",
            fix="give at least two texts, and a vector for each",
        )
