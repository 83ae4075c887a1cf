"""From raw scores to probabilities, and how far to believe them."""

from __future__ import annotations

from llmal.calibration.measures import (
    ReliabilityBin,
    accuracy,
    auroc_of_correctness,
    brier,
    expected_calibration_error,
    macro_f1,
    negative_log_likelihood,
    reliability,
    wilson_interval,
)

__all__ = [
    "ReliabilityBin",
    "accuracy",
    "auroc_of_correctness",
    "brier",
    "expected_calibration_error",
    "macro_f1",
    "negative_log_likelihood",
    "reliability",
    "wilson_interval",
]
