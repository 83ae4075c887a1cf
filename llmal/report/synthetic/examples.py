"""The worst and the most repeated of the synthetic texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Item, SyntheticItem
from llmal.embed.neighbours import nearest
from llmal.pool.text_keys import text_key
from llmal.report.plain import shorten

LISTED = 10
TEXT_LENGTH = 300

_RUN = 4
"""Words of a phrase that is counted."""


def least_probable(accepted: Sequence[SyntheticItem]) -> list[dict[str, Any]]:
    """Accepted items to whose label the judging model gave the least probability; none where it was
    not asked.
    """
    known = [
        (float(item.provenance["label_probability"]), place)
        for place, item in enumerate(accepted)
        if item.provenance.get("label_probability") is not None
    ]
    return [
        {**_shown(accepted[place]), "probability": share} for share, place in sorted(known)[:LISTED]
    ]


def farthest(
    accepted: Sequence[SyntheticItem],
    distances: NDArray[np.float32],
    rows: NDArray[np.int64],
    real: Sequence[Item],
) -> list[dict[str, Any]]:
    """Accepted items that are farthest from all real texts, and the nearest of these to each.

    Args:
        accepted: n items.
        distances: Shape (n,): to the nearest real text.
        rows: Shape (n,): which that is.
        real: The real items.
    """
    order = np.argsort(-distances, kind="stable")[:LISTED].tolist()
    return [
        {
            **_shown(accepted[place]),
            "distance": float(distances[place]),
            "nearest": shorten(real[int(rows[place])].text, TEXT_LENGTH),
        }
        for place in order
    ]


def written_again(items: Sequence[SyntheticItem]) -> list[dict[str, Any]]:
    """Texts that the model wrote more than once, refused ones included, most often first; texts
    that differ in case and white space alone count as one.
    """
    keys = [text_key(item.text) for item in items]
    first = dict(zip(reversed(keys), reversed(items), strict=True))
    often = [(key, count) for key, count in Counter(keys).most_common() if count > 1]
    return [{**_shown(first[key]), "count": count} for key, count in often[:LISTED]]


def most_alike(
    accepted: Sequence[SyntheticItem], vectors: NDArray[np.float32]
) -> list[dict[str, Any]]:
    """Pairs of accepted texts with the largest cosine.

    Args:
        accepted: n items.
        vectors: Shape (n, d): their unit vectors.
    """
    if len(accepted) < 2:
        return []
    distances, rows = nearest(vectors, vectors, 2)
    pairs: dict[tuple[int, int], float] = {}
    for place, (found, apart) in enumerate(zip(rows.tolist(), distances.tolist(), strict=True)):
        # The nearest is the text itself, unless another has the same vector.
        column = 0 if found[0] != place else 1
        pair = (min(place, found[column]), max(place, found[column]))
        pairs[pair] = 1 - apart[column] ** 2 / 2
    order = sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:LISTED]
    return [
        {
            **_shown(accepted[one]),
            "other": shorten(accepted[other].text, TEXT_LENGTH),
            "cosine": pairs[one, other],
        }
        for one, other in order
    ]


def common_phrases(accepted: Sequence[SyntheticItem]) -> list[dict[str, Any]]:
    """Runs of four words that most texts have; a run that overlaps one with as many is left out."""
    texts: Counter[tuple[str, ...]] = Counter()
    for item in accepted:
        words = item.text.casefold().split()
        texts.update({tuple(words[n : n + _RUN]) for n in range(len(words) - _RUN + 1)})
    chosen: list[tuple[tuple[str, ...], int]] = []
    for run, count in texts.most_common(5 * LISTED):
        overlaps = any(
            count == other_count and (run[1:] == other[:-1] or run[:-1] == other[1:])
            for other, other_count in chosen
        )
        if count > 1 and not overlaps:
            chosen.append((run, count))
    return [
        {"phrase": " ".join(run), "count": count, "share": count / len(accepted)}
        for run, count in chosen[:LISTED]
    ]


def _shown(item: SyntheticItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "text": shorten(item.text, TEXT_LENGTH),
        "label": item.label,
        "generator": item.generator,
    }
