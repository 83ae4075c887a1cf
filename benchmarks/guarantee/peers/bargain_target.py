"""BARGAIN with an accuracy target, as its package has it (`pip install --no-deps bargain`).

Zeighami, Shankar and Parameswaran, "Cut Costs, Not Accuracy: LLM-Powered Data Processing with
Guarantees", 2025. Its oracle is a larger LLM; here it is people. It asks whether the proxy's answer
is right, so that any number of classes is right or wrong. Answers are looked up in arrays in place
of threads, which changes no number; all decisions and draws are the package's.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .people import People

MISSING = "the package 'bargain' is not installed, so it is left out: pip install --no-deps bargain"


def load(folder: Path | None = None) -> Any:
    """The package, from a folder or from where Python finds it; None where it is not installed."""
    if folder is not None:
        sys.path.append(str(folder))
    try:
        return import_module("BARGAIN")
    except ModuleNotFoundError:
        return None


def bargain(
    package: Any,
    people: People,
    order: NDArray[np.int64],
    *,
    epsilon: float,
    alpha: float,
    seed: int,
) -> NDArray[np.bool_]:
    """Which labels of the machine stay, shape (N,); the others are by people.

    Args:
        package: What `load` gave.
        people: Whom to ask.
        order: Positions from the surest to the least sure, ties broken: the proxy's scores.
        epsilon: The share of wrong labels that is allowed; the target is one minus it.
        alpha: With what probability the promise may fail.
        seed: Draws what is asked.
    """
    total = len(people)
    score = np.empty(total)
    score[order] = np.linspace(1.0, 0.0, total)

    class Proxy(package.Proxy):  # type: ignore[misc]
        def get_preds_and_scores(self, indxs: Any, data_records: Any) -> Any:
            positions = np.asarray(indxs, dtype=np.int64)
            return positions, score[positions]

    class Oracle(package.Oracle):  # type: ignore[misc]
        def is_answer_correct(self, data_indxs: Any, data_records: Any, answers: Any) -> Any:
            return ~people.judge(np.asarray(data_indxs, dtype=np.int64))

        def get_pred(self, data_records: Any, indxs: Any = None) -> Any:
            people.judge(np.asarray(indxs, dtype=np.int64))
            return np.asarray(indxs, dtype=np.int64)

    method = package.BARGAIN_A(
        Proxy(verbose=False),
        Oracle(verbose=False),
        target=1 - epsilon,
        delta=alpha,
        verbose=False,
        seed=seed,
    )
    _, asked = method.process(np.arange(total), return_oracle_usage=True)
    stays = ~np.asarray(asked, dtype=np.bool_)
    # What it asked about while it sought a threshold that it then did not use is paid for too.
    return np.asarray(stays & ~people.asked)
