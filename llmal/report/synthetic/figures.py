"""All figures of the page about synthetic items, as plain data."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Item, SyntheticItem, total
from llmal.embed.neighbours import nearest
from llmal.generators.filters import count_items
from llmal.generators.quality import measure_quality
from llmal.generators.record import SyntheticRecord
from llmal.report.plain import plain, without_secrets
from llmal.report.synthetic import examples
from llmal.report.synthetic.audit import JudgedSample, audit_figures
from llmal.report.synthetic.map import synthetic_map
from llmal.report.synthetic.mauve import mauve_figures

FORMAT = 1
"""Version of the layout; it rises when a figure is renamed or removed."""

_BINS = 24


def collect_synthetic(
    record: SyntheticRecord, sample: JudgedSample | None = None, *, written: float | None = None
) -> dict[str, Any]:
    """Count and measure everything that the page says.

    Args:
        record: The items, and the real ones beside them.
        sample: What a person said of a sample; None where nobody was asked.
        written: Unix time to put on the page; now, if it is None.

    Returns:
        A dict that `json.dumps` takes as it is and gives back equal.
    """
    accepted = record.accepted
    real = record.drawn_real()
    vectors = real_vectors = None
    if record.embedder is not None and accepted:
        vectors = record.embedder.embed([item.text for item in accepted])
        if real:
            real_vectors = record.embedder.embed([item.text for item in real])
    worst: list[dict[str, Any]] = []
    distances = drawn = None
    if vectors is not None and real_vectors is not None:
        apart, rows = nearest(vectors, real_vectors, 1)
        worst = examples.farthest(accepted, apart[:, 0], rows[:, 0], real)
        distances = _distances(apart[:, 0], real_vectors)
        drawn = synthetic_map(accepted, vectors, real, real_vectors, record.seed)
    made = {
        "format": FORMAT,
        "written": time.time() if written is None else written,
        "task": record.task.as_dict(),
        "origin": None if record.origin is None else record.origin.as_dict(),
        "prompts": sorted(
            {str(one) for item in record.items if (one := item.provenance.get("prompt"))}
        ),
        "real": {"all": len(record.real), "drawn": len(real)},
        "embedder": None if record.embedder is None else record.embedder.fingerprint,
        "counts": _counts(record.items),
        "quality": _quality(record, vectors, real, real_vectors),
        "audit": None if sample is None else audit_figures(sample),
        "examples": {
            "least_probable": examples.least_probable(accepted),
            "written_again": examples.written_again(record.items),
            "most_alike": [] if vectors is None else examples.most_alike(accepted, vectors),
            "phrases": examples.common_phrases(accepted),
            "farthest": worst,
        },
        "distances": distances,
        "map": drawn,
    }
    return dict(without_secrets(plain(made)))


def _counts(items: Sequence[SyntheticItem]) -> dict[str, Any]:
    refused = Counter(item.refused_by or "unnamed filter" for item in items if not item.accepted)
    spent = total(item.usage for item in items)
    return {
        "written": len(items),
        "accepted": sum(item.accepted for item in items),
        "by_filter": [{"filter": name, "count": count} for name, count in refused.most_common()],
        "rows": [one.as_dict() for one in count_items(items)],
        "usage": {**spent.as_dict(), "tokens": spent.tokens},
    }


def _quality(
    record: SyntheticRecord,
    vectors: NDArray[np.float32] | None,
    real: Sequence[Item],
    real_vectors: NDArray[np.float32] | None,
) -> dict[str, Any] | None:
    texts = [item.text for item in record.accepted]
    if vectors is None or len(texts) < 2:
        return None
    rng = np.random.default_rng([record.seed, len(texts)])
    found = measure_quality(texts, vectors, [item.text for item in real], real_vectors, rng)
    mauve = mauve_figures(vectors, real_vectors, record.seed)
    return {**asdict(found), "mauve": mauve}


def _distances(
    synthetic: NDArray[np.float32], real_vectors: NDArray[np.float32]
) -> dict[str, Any] | None:
    """Shares of distances to the nearest real text in bins: of synthetic texts, and of real ones to
    the nearest other.
    """
    if len(real_vectors) < 2:
        return None
    real = nearest(real_vectors, real_vectors, 2)[0][:, 1]
    top = float(max(synthetic.max(), real.max())) or 1.0
    edges = np.linspace(0.0, top, _BINS + 1)

    def shares(values: NDArray[np.float32]) -> list[float]:
        counts = np.histogram(values, bins=edges)[0]
        return [float(count) / len(values) for count in counts]

    return {"edges": edges.tolist(), "synthetic": shares(synthetic), "real": shares(real)}
