"""How probable each label is for an item that has been labelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.ledger import Decided


def label_shares(
    decided: Decided, said: Mapping[str, float] | None, names: Sequence[str]
) -> NDArray[np.float64]:
    """The shares of the labels of one item, shape (C,), summing to one.

    Of several people's answers their distribution; what one person says is sure; of a machine that
    gives probabilities these; of one that only tells how sure it is of its label that, and the rest
    evenly among the others; otherwise the label is sure. Probabilities that do not put the label
    first are of an answer that something has changed since, such as a correction, and the label is
    sure too.

    Args:
        decided: The label that stands.
        said: The probabilities that came with it, by label name.
        names: All labels.
    """
    column = names.index(str(decided.label))
    for given in (decided.distribution, None if decided.kind == "human" else said):
        if given:
            row = np.array([max(0.0, float(given.get(name, 0.0))) for name in names])
            if row.sum() > 0 and row[column] >= row.max():
                return np.asarray(row / row.sum())
    sure = np.zeros(len(names))
    sure[column] = 1.0
    unsure = decided.kind != "human" and decided.distribution is None and not said
    if unsure and decided.confidence is not None and len(names) > 1:
        own = min(1.0, max(0.0, decided.confidence))
        if own >= 1 / len(names):
            sure[:] = (1 - own) / (len(names) - 1)
            sure[column] = own
    return sure
