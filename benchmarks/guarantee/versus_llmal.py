"""llmal's own rules as the comparison calls them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from peers.people import People

from llmal.guarantee import certify
from llmal.guarantee.error_score import ErrorScore
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


def learned_procedures(epsilon: float, alpha: float) -> dict[str, Procedure]:
    """The procedure with the machine's labels kept, and as it is by default: labels replaced where
    the learner is surer. Each serves all audits: what it keeps depends on no label of a person.
    """
    return {
        "error score": Procedure(epsilon=epsilon, alpha=alpha, score=ErrorScore(deliver="machine")),
        "replaced labels": Procedure(epsilon=epsilon, alpha=alpha, score=ErrorScore()),
    }
