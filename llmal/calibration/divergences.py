"""How far two distributions over labels are apart, and how much a set of them tells."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import ConfigError, DataError

Divergence = Literal["kl", "jsd", "alpha"]

FLOOR = 1e-12
"""Smaller probabilities count as this one, and the row is normalised again: a label that a copy
of a text rules out is a great change, not an infinite one."""


def kullback_leibler(p: ArrayLike, q: ArrayLike) -> NDArray[np.float64]:
    """KL(p‖q) = sum p ln(p/q) over the last axis, in nats; 0 where p equals q."""
    return _kl(*_pair(p, q))


def jensen_shannon(p: ArrayLike, q: ArrayLike) -> NDArray[np.float64]:
    """The distance sqrt(½ KL(p‖m) + ½ KL(q‖m)), m = (p + q)/2; symmetric, at most sqrt(ln 2)."""
    first, second = _pair(p, q)
    middle = (first + second) / 2
    return np.sqrt((_kl(first, middle) + _kl(second, middle)) / 2)


def alpha_divergence(p: ArrayLike, q: ArrayLike, alpha: float = 0.5) -> NDArray[np.float64]:
    """(sum q (p/q)^α - 1) / (α(α - 1)) over the last axis.

    KL(p‖q) at α = 1 and KL(q‖p) at α = 0, its limits there; four times the squared Hellinger
    distance (1 - sum sqrt(pq)) at ½. The ALLSH paper prints it without the weight q, which
    is no divergence.
    """
    first, second = _pair(p, q)
    if alpha == 1:
        return _kl(first, second)
    if alpha == 0:
        return _kl(second, first)
    # One is taken off inside the sum, which keeps the digits of small changes.
    terms = second * np.expm1(alpha * (np.log(first) - np.log(second)))
    return _at_least_zero(terms.sum(axis=-1) / (alpha * (alpha - 1)))


def diverge(
    p: ArrayLike, q: ArrayLike, divergence: Divergence = "kl", alpha: float = 0.5
) -> NDArray[np.float64]:
    """The divergence of that name from p to q over the last axis; the others broadcast.

    Raises:
        ConfigError: There is no such divergence.
        DataError: p and q are not distributions over the same labels.
    """
    check_divergence(divergence, alpha)
    if divergence == "kl":
        return kullback_leibler(p, q)
    return jensen_shannon(p, q) if divergence == "jsd" else alpha_divergence(p, q, alpha)


def check_divergence(divergence: str, alpha: float) -> None:
    """Refuse what is no divergence.

    Raises:
        ConfigError: The name is unknown, or α is not a finite number.
    """
    if divergence not in get_args(Divergence):
        raise ConfigError(
            f"there is no divergence {divergence!r}", fix=f"use {', '.join(get_args(Divergence))}"
        )
    if not np.isfinite(alpha):
        raise ConfigError(f"alpha is {alpha}", fix="it must be a finite number")


def entropy(p: ArrayLike) -> NDArray[np.float64]:
    """-sum p ln p over the last axis, in nats; 0 ln 0 is 0."""
    from scipy.special import entr

    return np.asarray(entr(np.asarray(p, dtype=np.float64)).sum(axis=-1))


def mutual_information(p: ArrayLike) -> float:
    """H(mean of p) - mean of H(p), in nats, over the rows of p, shape (n, C).

    What the answer tells about the text: large where a prompt is sure of each text and gives
    different texts different labels (Yang et al. 2024; Sorensen et al. 2022).

    Raises:
        DataError: There are no rows.
    """
    rows = np.asarray(p, dtype=np.float64)
    if rows.ndim != 2 or not rows.size:
        raise DataError(f"probabilities of shape {rows.shape} are not a table (texts, labels)")
    return float(max(0.0, entropy(rows.mean(axis=0)) - entropy(rows).mean()))


def _kl(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import rel_entr

    return _at_least_zero(rel_entr(p, q).sum(axis=-1))


def _at_least_zero(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounding can leave a divergence of near equals just below zero."""
    return np.maximum(values, 0.0)


def _pair(p: ArrayLike, q: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = (np.asarray(one, dtype=np.float64) for one in (p, q))
    if not first.ndim or not second.ndim or first.shape[-1] != second.shape[-1]:
        raise DataError(
            f"probabilities of shape {first.shape} and {second.shape} do not cover the same labels"
        )
    for one in (first, second):
        if (
            not (np.isfinite(one).all() and (one >= 0).all())
            or (np.abs(one.sum(axis=-1) - 1) > 1e-3).any()
        ):
            raise DataError(
                "a row of probabilities does not sum to one", fix="give probabilities, not scores"
            )
    return _raise_to_floor(first), _raise_to_floor(second)


def _raise_to_floor(p: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.maximum(p, FLOOR)
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
