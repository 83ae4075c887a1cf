"""CoAnnotating: the machine keeps what it answers with the least entropy. Promises nothing.

Li, Shi, Ziems, Kan, Chen, Liu and Yang, "CoAnnotating: Uncertainty-Guided Work Allocation between
Human and Large Language Models for Data Annotation", EMNLP 2023: the entropy of the answers to
several prompts says who labels; how much the machine gets is read off a Pareto curve by the user.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def entropy_of_answers(answers: NDArray[np.int64]) -> NDArray[np.float64]:
    """The entropy of the labels that several prompts gave, in nats.

    Args:
        answers: Targets, shape (prompts, N); -1 where there is no answer.

    Returns:
        Shape (N,); infinite where nobody answered.
    """
    classes = int(answers.max(initial=0)) + 1
    counts = np.stack([(answers == label).sum(axis=0) for label in range(classes)], axis=1)
    answered = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(answered, 1)
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1)
    return np.where(answered[:, 0] > 0, entropy, np.inf)


def entropy_of_probabilities(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The entropy of each row, in nats, shape (N,)."""
    safe = np.where(probabilities > 0, probabilities, 1.0)
    return np.asarray(-(probabilities * np.log(safe)).sum(axis=1))
