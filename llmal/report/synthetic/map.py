"""Synthetic and real texts on one map: figures, and the drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from llmal.core.records import Item, SyntheticItem
from llmal.report.map_chart import LEGEND, LETTER, MARGIN, UNITS
from llmal.report.plain import shorten
from llmal.report.pool_map import principal_axes

DRAWN = 500
"""Texts of each sort that show their text when pointed at; further ones are drawn without."""

TEXT_LENGTH = 160
_HALF = 4.2


def synthetic_map(
    accepted: Sequence[SyntheticItem],
    vectors: NDArray[np.float32],
    real: Sequence[Item],
    real_vectors: NDArray[np.float32],
    seed: int,
) -> dict[str, Any] | None:
    """Where both lie on the two principal axes of all of them together; None where no two differ.

    Places are in units of the longer side.
    """
    both = np.concatenate([real_vectors, vectors])
    axes = principal_axes(both, np.random.default_rng([seed, 0x5A1]))
    if axes is None:
        return None
    places = axes.project(both)
    places -= places.min(axis=0)
    sides = places.max(axis=0)
    longer = float(sides.max()) or 1.0
    places = np.round(places / longer, 4)
    return {
        "explained": axes.explained,
        "height": float(sides[1]) / longer,
        "width": float(sides[0]) / longer,
        "real": [
            {"place": place, "text": shorten(item.text, TEXT_LENGTH)}
            for item, place in zip(real, places[: len(real)].tolist(), strict=True)
        ],
        "synthetic": [
            {"place": place, "text": shorten(item.text, TEXT_LENGTH), "label": item.label}
            for item, place in zip(accepted, places[len(real) :].tolist(), strict=True)
        ],
    }


def synthetic_map_chart(drawn: Mapping[str, Any]) -> Markup:
    """The map: circles for real texts, triangles for synthetic ones."""
    scale = UNITS - 2 * MARGIN
    height = LEGEND + 2 * MARGIN + scale * drawn["height"]
    left = (UNITS - scale * drawn["width"]) / 2

    def at(one: Mapping[str, Any]) -> tuple[float, float]:
        x, y = one["place"]
        return left + scale * x, height - MARGIN - scale * y

    real, synthetic = drawn["real"], drawn["synthetic"]
    circles = [
        _circle(at(one), f"<title>{escape('real: ' + one['text'])}</title>") for one in real[:DRAWN]
    ]
    circles += [_circle(at(one)) for one in real[DRAWN:]]
    triangles = [
        f'<path class="made" d="{_triangle(at(one))}"><title>'
        f"{escape('synthetic, ' + one['label'] + ': ' + one['text'])}</title></path>"
        for one in synthetic[:DRAWN]
    ]
    more = "".join(_triangle(at(one)) for one in synthetic[DRAWN:])
    parts = [
        *circles,
        f'<path class="made" d="{more}"/>' if more else "",
        *triangles,
        _legend(bool(real)),
    ]
    title = f"Map of {len(synthetic):,} synthetic texts among {len(real):,} real ones, by PCA"
    says = (
        "Circles are real texts, triangles synthetic ones. Triangles far from all circles are "
        "texts unlike any real one; circles without a triangle near are what nothing was "
        "written of."
    )
    return Markup(
        f'<svg viewBox="0 0 {UNITS:g} {height:.1f}" role="img" aria-labelledby="map-t map-d">'
        f'<title id="map-t">{escape(title)}</title><desc id="map-d">{escape(says)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _circle(place: tuple[float, float], inner: str = "") -> str:
    x, y = place
    return f'<circle class="real" cx="{x:.1f}" cy="{y:.1f}" r="3">{inner}</circle>'


def _triangle(place: tuple[float, float]) -> str:
    x, y = place
    return f"M{x:.1f} {y - _HALF:.1f}l{_HALF:.1f} {1.8 * _HALF:.1f}h{-2 * _HALF:.1f}z"


def _legend(with_real: bool) -> str:
    y = LEGEND / 2
    parts = [
        f'<path class="made" d="{_triangle((MARGIN + 4, y))}"/>',
        _words(MARGIN + 14, "synthetic"),
    ]
    if with_real:
        x = MARGIN + 34 + LETTER * len("synthetic")
        parts += [_circle((x, y)), _words(x + 9, "real")]
    return "".join(parts)


def _words(x: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{LEGEND / 2 + 4.3:.1f}">{text}</text>'
