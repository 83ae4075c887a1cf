"""llmal's own rules as the comparison calls them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from peers.people import People

from llmal.guarantee import certify
from llmal.guarantee.procedure import Procedure


def exact_rule(
    people: People,
    order: NDArray[np.int64],
    audited: NDArray[np.int64],
    *,
    epsilon: float,
    alpha: float,
) -> NDArray[np.bool_]:
    """Which labels of the machine stay, shape (N,), by the exact rule on its own score."""
    certificate = certify(order, audited, people.judge(audited), epsilon=epsilon, alpha=alpha)
    people.judge(certificate.to_people)
    return ~people.asked


def learned_procedures(epsilon: float, alpha: float) -> dict[str, Callable[[], Procedure]]:
    """Ways to make the procedure: by the machine's own score, and by what learns."""
    from llmal.guarantee.confidence_score import ConfidenceScore

    return {
        "procedure, own score": lambda: Procedure(
            epsilon=epsilon, alpha=alpha, score=ConfidenceScore()
        ),
    }
