"""How good labels are, and how far the probabilities beside them can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import DataError


@dataclass(frozen=True)
class ReliabilityBin:
    """Items of like confidence.

    Attributes:
        confidence: Their mean confidence.
        accuracy: The share of them that is right.
        count: How many they are.
        low: The lowest confidence among them.
        high: The highest.
    """

    confidence: float
    accuracy: float
    count: int
    low: float
    high: float


@dataclass(frozen=True)
class SelectiveAccuracy:
    """How accurate labels are if only the surest are kept.

    Attributes:
        coverage: Shape (m,): share of the items that is kept, rising to one; one value for each
            threshold that can be set, so that equal confidences are kept or dropped together.
        accuracy: Shape (m,): share of those that is right.
        threshold: Shape (m,): the lowest confidence that is kept.
        area: Mean accuracy over all numbers of kept items, 1 to n; equal confidences are taken in
            random order. One minus the AURC of Geifman and El-Yaniv (2019).
    """

    coverage: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    threshold: NDArray[np.float64]
    area: float


def reliability(confidences: ArrayLike, correct: ArrayLike, bins: int = 10) -> list[ReliabilityBin]:
    """Accuracy by confidence, in bins of as nearly equal size as ties allow.

    Equal-mass bins, since the confidences of language models crowd near one and would leave most
    bins of equal width empty (Nguyen and O'Connor 2015; Roelofs et al. 2022). Items of equal
    confidence stay together: each group of ties goes to the bin that the middle of its ranks falls
    in. The bins therefore do not depend on the order of the items, and there can be fewer than
    asked for.

    Args:
        confidences: Shape (n,): probability of the label that was given.
        correct: Shape (n,): whether that label is right.
        bins: Most bins to make.

    Returns:
        The bins that hold items, by rising confidence.

    Raises:
        DataError: The arrays are empty, of different length or hold something else, or `bins` is
            below one.
    """
    if bins < 1:
        raise DataError(f"{bins} bins were asked for", fix="ask for at least one")
    conf = _confidences(confidences)
    right = _correct(correct, len(conf))
    _, group, sizes = np.unique(conf, return_inverse=True, return_counts=True)
    before = np.cumsum(sizes) - sizes
    # Integers throughout: a rank on the border of two bins must not hang on a rounding error.
    bin_of_item = (bins * (2 * before + sizes) // (2 * len(conf)))[group.reshape(-1)]
    made = []
    for number in np.unique(bin_of_item):
        inside = bin_of_item == number
        members = conf[inside]
        made.append(
            ReliabilityBin(
                confidence=float(members.mean()),
                accuracy=float(right[inside].mean()),
                count=int(inside.sum()),
                low=float(members.min()),
                high=float(members.max()),
            )
        )
    return made


def expected_calibration_error(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = 10
) -> float:
    """Mean distance between confidence and accuracy, weighted by the size of the bins.

    ECE of Naeini, Cooper and Hauskrecht (2015) and Guo et al. (2017), eq. 3, over the equal-mass
    bins of `reliability`. It looks at the label that was given and at no other.

    Args:
        probabilities: Shape (n, C), probabilities of all labels; or shape (n,), the confidence in
            the label that was given.
        labels: Shape (n,): columns of the true labels beside (n, C) probabilities; whether each
            label is right beside (n,) confidences.
        bins: Most bins to make.

    Raises:
        DataError: The input has the wrong shape or values.
    """
    confidences, correct = _confidence_and_correctness(probabilities, labels)
    made = reliability(confidences, correct, bins)
    gaps = sum(one.count * abs(one.confidence - one.accuracy) for one in made)
    return float(gaps / len(confidences))


def classwise_calibration_error(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = 10
) -> float:
    """Mean over the labels of the calibration error of that label's probability.

    Classwise ECE of Kull et al. (2019) over the equal-mass bins of `reliability`: unlike
    `expected_calibration_error` it looks at the probabilities of all labels.

    Args:
        probabilities: Shape (n, C).
        labels: Shape (n,): columns of the true labels.
        bins: Most bins to make for a label.

    Raises:
        DataError: The input has the wrong shape or values.
    """
    matrix, truth = _matrix_and_truth(np.asarray(probabilities, dtype=np.float64), labels)
    errors = [
        expected_calibration_error(matrix[:, column], truth == column, bins)
        for column in range(matrix.shape[1])
    ]
    return float(np.mean(errors))


def brier(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Mean squared distance between the probabilities and what was the case.

    Brier (1950): over (n, C) probabilities the sum over all labels, from 0 to 2. Over (n,)
    confidences the two-way form, from 0 to 1, which is half of that for two labels.

    Args:
        probabilities: Shape (n, C) or (n,), as for `expected_calibration_error`.
        labels: Shape (n,): columns of the true labels, or whether each label is right.

    Raises:
        DataError: The input has the wrong shape or values.
    """
    array = np.asarray(probabilities, dtype=np.float64)
    if array.ndim == 1:
        conf = _confidences(array)
        return float(np.mean((conf - _correct(labels, len(conf))) ** 2))
    matrix, truth = _matrix_and_truth(array, labels)
    hit = np.zeros_like(matrix)
    hit[np.arange(len(truth)), truth] = 1.0
    return float(np.mean(((matrix - hit) ** 2).sum(axis=1)))


def negative_log_likelihood(
    probabilities: ArrayLike, labels: ArrayLike, floor: float = 1e-12
) -> float:
    """Mean of -ln p(true label), in nats (the logarithmic score of Good 1952).

    Args:
        probabilities: Shape (n, C).
        labels: Shape (n,): columns of the true labels.
        floor: Smaller probabilities count as this one, so that a single zero does not make the
            mean infinite.

    Raises:
        DataError: The input has the wrong shape or values.
    """
    matrix, truth = _matrix_and_truth(np.asarray(probabilities, dtype=np.float64), labels)
    return float(-np.log(np.maximum(matrix[np.arange(len(truth)), truth], floor)).mean())


def accuracy(predicted: ArrayLike | Sequence[str], truth: ArrayLike | Sequence[str]) -> float:
    """Share of labels that are right; names or columns, shape (n,) each.

    Raises:
        DataError: The two are empty or of different length.
    """
    given, true = _pair(predicted, truth)
    return float(np.mean(given == true))


def macro_f1(
    predicted: ArrayLike | Sequence[str],
    truth: ArrayLike | Sequence[str],
    labels: Sequence[Any] | None = None,
) -> float:
    """Mean over the labels of the harmonic mean of precision and recall.

    The averaged F1 of scikit-learn (see Opitz and Burst 2019 for the other one, F1 of averages). A
    label that was neither right nor ever given counts as 0.

    Args:
        predicted: Shape (n,): names or columns.
        truth: Shape (n,).
        labels: The labels to average over. Without them, those that occur in either array: give
            them where figures of different item sets are to be compared.

    Raises:
        DataError: The two are empty or of different length.
    """
    from sklearn.metrics import f1_score

    given, true = _pair(predicted, truth)
    kept = None if labels is None else list(labels)
    return float(f1_score(true, given, labels=kept, average="macro", zero_division=0))


def auroc_of_correctness(confidences: ArrayLike, correct: ArrayLike) -> float:
    """Probability that a right label has a higher confidence than a wrong one; ties count half.

    It tells whether a threshold on the confidence can sort right from wrong, however badly
    calibrated it is (Hendrycks and Gimpel 2017). 0.5 is no better than chance.

    Args:
        confidences: Shape (n,).
        correct: Shape (n,): whether each label is right.

    Returns:
        The area under the ROC curve; nan if all labels are right or all are wrong, where it is not
        defined.

    Raises:
        DataError: The input has the wrong shape or values.
    """
    conf = _confidences(confidences)
    right = _correct(correct, len(conf))
    if right.all() or not right.any():
        return float("nan")
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(right, conf))


def selective_accuracy(confidences: ArrayLike, correct: ArrayLike) -> SelectiveAccuracy:
    """Accuracy by coverage, as the threshold on the confidence falls (El-Yaniv and Wiener 2010).

    Args:
        confidences: Shape (n,).
        correct: Shape (n,): whether each label is right.

    Raises:
        DataError: The input has the wrong shape or values.
    """
    conf = _confidences(confidences)
    right = _correct(correct, len(conf))
    negative, group, sizes = np.unique(-conf, return_inverse=True, return_counts=True)
    hits = np.bincount(group.reshape(-1), weights=right)
    kept, n = np.cumsum(sizes), len(conf)
    expected = np.cumsum(np.repeat(hits / sizes, sizes)) / np.arange(1, n + 1)
    return SelectiveAccuracy(
        coverage=kept / n,
        accuracy=np.cumsum(hits) / kept,
        threshold=-negative,
        area=float(expected.mean()),
    )


def wilson_interval(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share, from the score test (Wilson 1927; see Brown, Cai and DasGupta 2001).

    Unlike the textbook interval it keeps its level, near enough, for few items and for shares near
    0 or 1, and never leaves [0, 1].

    Args:
        successes: How many of n.
        n: Independent trials. Without any, the interval is (0, 1).
        level: Share of intervals that hold the true value.

    Raises:
        DataError: More successes than trials, a negative number, or a level outside (0, 1).
    """
    from scipy.stats import binomtest

    if not 0 <= successes <= n:
        raise DataError(f"{successes} successes in {n} trials is not a share")
    if not 0 < level < 1:
        raise DataError(f"the level {level} of an interval is not between 0 and 1")
    if n == 0:
        return 0.0, 1.0
    found = binomtest(int(successes), int(n)).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def _confidences(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array):
        raise DataError(f"confidences of shape {array.shape} are not a list of at least one number")
    # Sums of float32 exponentials overshoot one by a little.
    if not (np.isfinite(array).all() and (array >= -1e-6).all() and (array <= 1 + 1e-6).all()):
        raise DataError(
            "a confidence is not a number from 0 to 1", fix="give probabilities, not scores"
        )
    return np.clip(array, 0.0, 1.0)


def _correct(values: ArrayLike, n: int) -> NDArray[np.bool_]:
    array = np.asarray(values)
    if array.shape != (n,):
        raise DataError(f"{n} confidences stand beside correctness of shape {array.shape}")
    if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
        raise DataError("correctness must be true or false for each item")
    return array.astype(np.bool_)


def _matrix_and_truth(
    matrix: NDArray[np.float64], labels: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    truth = np.asarray(labels)
    if matrix.ndim != 2 or not matrix.size:
        raise DataError(f"probabilities of shape {matrix.shape} are not a table (items, labels)")
    if truth.shape != (len(matrix),):
        raise DataError(f"{len(matrix)} rows of probabilities stand beside {truth.shape} labels")
    if not np.issubdtype(truth.dtype, np.integer):
        raise DataError(
            f"true labels of type {truth.dtype} are not columns",
            fix="turn names into columns with Task.index",
        )
    if truth.min() < 0 or truth.max() >= matrix.shape[1]:
        raise DataError(f"a true label lies outside the {matrix.shape[1]} columns")
    if (
        not (np.isfinite(matrix).all() and (matrix >= -1e-6).all())
        or (np.abs(matrix.sum(axis=1) - 1) > 1e-3).any()
    ):
        raise DataError(
            "a row of probabilities does not sum to one", fix="give probabilities, not scores"
        )
    return np.clip(matrix, 0.0, 1.0), truth.astype(np.int64)


def _confidence_and_correctness(
    probabilities: ArrayLike, labels: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    array = np.asarray(probabilities, dtype=np.float64)
    if array.ndim == 1:
        conf = _confidences(array)
        return conf, _correct(labels, len(conf))
    matrix, truth = _matrix_and_truth(array, labels)
    return matrix.max(axis=1), matrix.argmax(axis=1) == truth


def _pair(
    predicted: ArrayLike | Sequence[str], truth: ArrayLike | Sequence[str]
) -> tuple[NDArray[Any], NDArray[Any]]:
    given, true = np.asarray(predicted), np.asarray(truth)
    if given.shape != true.shape or given.ndim != 1 or not len(given):
        raise DataError(
            f"labels of shape {given.shape} cannot be compared with labels of shape {true.shape}"
        )
    return given, true
