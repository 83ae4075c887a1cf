"""Changed copies of items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmal.core.records import Item
from llmal.perturb.protocol import Perturbation


def perturb_items(
    perturbation: Perturbation, items: Sequence[Item], copies: int, seed: int
) -> list[list[Item]]:
    """`copies` changed copies of each item.

    Of an item with several text columns each is changed by itself. A copy keeps gold and
    extra; its id is that of the item, a tilde, the seed and the number of the copy.

    Raises:
        DataError: `copies` is below one, or the perturbation needs a corpus and has none.
    """
    # What an item is read from is `fields`; one that was made without them has its text alone.
    columns = [list(item.fields.values()) or [item.text] for item in items]
    changed = iter(
        perturbation.perturb([text for column in columns for text in column], copies, seed)
    )
    made: list[list[Item]] = []
    for item, texts in zip(items, columns, strict=True):
        by_column = [next(changed) for _ in texts]
        made.append(
            [
                replace(
                    item,
                    id=f"{item.id}~{seed}.{number}",
                    text="\n".join(fresh),
                    fields=dict(zip(item.fields, fresh, strict=False)),
                )
                for number, fresh in enumerate(zip(*by_column, strict=True))
            ]
        )
    return made
