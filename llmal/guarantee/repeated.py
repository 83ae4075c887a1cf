"""Texts that several items of a pool have: a promise counts items, and people label texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import DataError
from llmal.guarantee.audit import Audit

Positions = NDArray[np.int64]

_PART_OF_ALLOWED = 0.1
"""A text is labelled by people first if it alone may take more of the wrong labels allowed."""
_TIMES_MEAN = 2.0


@dataclass(frozen=True, eq=False)
class RepeatedAudit(Audit):
    """An audit of items some of which have the same text, and so the same label.

    Items are drawn, whatever their texts are, so every rule holds as it does without copies. A
    person's label of a drawn item goes to all that have its text: these are right then.

    Attributes:
        texts: Of each item of the order the text, shape (M,).
    """

    texts: Positions

    def split(self, prefix: int) -> tuple[Positions, Positions]:
        """What may stay and what people have to label; what shares a text with an audited item
        stays.
        """
        labelled = self.texts[self.places[~self.skipped]]
        stays = (np.arange(len(self.order)) < prefix) | np.isin(self.texts, labelled)
        stays[self.places[self.skipped]] = False
        return self.order[stays], self.order[~stays]


def repeated_audit(audit: Audit, texts: ArrayLike) -> RepeatedAudit:
    """The same audit, with what is known of the texts of its items.

    Args:
        audit: The audit of items.
        texts: The text of each position, as a number, shape (n,), n larger than any position.

    Raises:
        DataError: A position has no text.
    """
    by_position = np.asarray(texts)
    if by_position.ndim != 1 or len(by_position) <= int(audit.order.max(initial=-1)):
        raise DataError(
            f"texts has shape {by_position.shape}, and positions go up to "
            f"{audit.order.max(initial=-1)}",
            fix="give the text of each position",
        )
    return RepeatedAudit(
        audit.items,
        audit.order,
        audit.audited,
        audit.wrong,
        audit.skipped,
        audit.places,
        np.asarray(by_position[audit.order], dtype=np.int64),
    )


def texts_of(copies: Positions) -> Positions:
    """The text of each item: first the first item of each text, then all others, by text.

    Args:
        copies: How many items have each text, shape (N,).
    """
    texts = np.arange(len(copies))
    return np.concatenate([texts, np.repeat(texts, copies - 1)])


def items_of(order: Positions, copies: Positions) -> Positions:
    """The items of some texts, those of a text next to each other; numbered as in `texts_of`.

    Args:
        order: The texts.
        copies: How many items have each text of the pool, shape (N,).
    """
    counts = copies[order]
    further = len(copies) + np.cumsum(copies - 1) - (copies - 1)
    text = np.repeat(order, counts)
    rank = np.arange(len(text)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.where(rank == 0, text, further[text] + rank - 1)


def most_repeated(rest: Positions, copies: Positions, allowed: int) -> Positions:
    """Those texts of the rest that people label before any audit, those of most items first.

    One label settles many items there, and one mistake would take much of what may be wrong: a
    tenth of it, and more than twice as many items as a text has on average.

    Args:
        rest: The texts that no person has labelled.
        copies: How many items have each text of the pool, shape (N,).
        allowed: How many wrong labels may stay.
    """
    least = max(_TIMES_MEAN * float(copies.mean()), _PART_OF_ALLOWED * allowed)
    found = rest[copies[rest] > least]
    return found[np.argsort(-copies[found], kind="stable")]
