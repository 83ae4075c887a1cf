"""The error of a learner that has seen no label."""

from __future__ import annotations

from sklearn.exceptions import NotFittedError

from llmal.errors import DataError


class UnfittedError(DataError, NotFittedError):  # type: ignore[misc]
    """A learner was asked before it was fitted; scikit-learn's own error too."""
