"""What an audit in looks says: which labels may stay, and whether to look on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.core.words import counted
from llmal.errors import DataError
from llmal.guarantee.audit import allowed_wrong
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.certify import certify
from llmal.guarantee.frozen import Frozen
from llmal.guarantee.nested_looks import NO_COUNT, critical_counts


@dataclass(frozen=True, eq=False)
class MoreLooks:
    """What is to be audited next.

    Attributes:
        positions: In order of draw.
        look: Which look they complete, from 0.
        reason: Why it pays to look on, in words.
    """

    positions: NDArray[np.int64]
    look: int
    reason: str


def judge(
    frozen: Frozen, wrong: NDArray[np.bool_], skipped: NDArray[np.bool_] | None = None
) -> MoreLooks | Certificate:
    """Look on while later looks promise that more labels stay; else say which stay.

    Args:
        frozen: What is audited.
        wrong: Whether the labels of `frozen.drawn()[:m]` are wrong, shape (m,), in that order.
        skipped: Which of them the person skipped, shape (m,); they count as wrong.

    Raises:
        DataError: More is said to be wrong than was drawn.
    """
    drawn = frozen.drawn()
    if len(wrong) > len(drawn):
        raise DataError(
            f"{len(wrong)} items were audited, and {len(drawn)} were drawn",
            fix="give what was found of drawn() alone, in its order",
        )
    done = sum(size <= len(wrong) for size in frozen.looks)
    certificate = certificate_of_looks(frozen, wrong, skipped)
    if certificate is None:
        return MoreLooks(drawn[len(wrong) : frozen.looks[0]], 0, "the first look needs them")
    if done == len(frozen.looks):
        return certificate
    stays = int(certificate.details["stays"])
    promised = _promised(frozen, wrong, frozen.looks[done:])
    if stays >= promised:
        return certificate
    return MoreLooks(
        drawn[len(wrong) : frozen.looks[done]],
        done,
        f"{counted(stays, 'label')} could stay without a person now; more looks promise "
        f"{promised:.0f}",
    )


def certificate_of_looks(
    frozen: Frozen, wrong: NDArray[np.bool_], skipped: NDArray[np.bool_] | None = None
) -> Certificate | None:
    """What the looks that have been made say, whether or not it pays to look on.

    All looks together rarely err, so that it holds even where the audit goes on later.

    Args:
        frozen: What is audited.
        wrong: As for `judge`, and so is `skipped`.
        skipped: Which of them the person skipped.

    Returns:
        None before the first look.
    """
    if frozen.looks and len(wrong) < frozen.looks[0]:
        return None
    drawn = frozen.drawn()
    return certify(
        frozen.order,
        drawn[: len(wrong)],
        wrong,
        epsilon=frozen.epsilon,
        alpha=frozen.alpha,
        looks=frozen.looks or None,
        items=frozen.items,
        skipped=skipped,
        planned=drawn,
        texts=None if frozen.copies is None else frozen.texts,
    )


def _promised(frozen: Frozen, wrong: NDArray[np.bool_], later: Sequence[int]) -> float:
    """How many labels the best of the later looks would leave, by what was seen so far.

    What was planned, with the probabilities scaled by errors seen to errors predicted; three of
    each are added, so that a few more or less change little.
    """
    rest = len(frozen.order)
    allowed = allowed_wrong(frozen.epsilon, frozen.items)
    counts = critical_counts(rest, allowed, frozen.looks, frozen.alpha)
    probability = np.empty(frozen.items)
    probability[frozen.order] = frozen.probability_wrong
    predicted = probability[frozen.drawn()[: len(wrong)]].sum()
    expected = np.cumsum(frozen.probability_wrong) * (wrong.sum() + 3) / (predicted + 3)
    promised = 0.0
    for size, count in zip(later, counts[-len(later) :], strict=True):
        if count != NO_COUNT:
            kept = int(np.searchsorted(expected * size / rest, count + 1))
            promised = max(promised, kept * (1 - size / rest))
    return promised
