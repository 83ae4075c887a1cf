"""The map of the pool as inline SVG, each pick with its text to be pointed at.

Not by matplotlib, as the other charts are: it knows no hover texts, and writes a point in three
times as many letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from llmal.report.charts import WIDTH
from llmal.report.plain import shorten

UNITS = WIDTH * 72
MARGIN = 8.0
LEGEND = 24.0
RADIUS = 4.0
LETTER = 6.9
"""Width of a letter of the legend, rather too large."""

NAMED_ROUNDS = 4
"""Rounds that the legend names one by one; of more it shows the scale."""

TEXT_LENGTH = 160


def pool_map_chart(drawn: Mapping[str, Any], rounds: Sequence[Mapping[str, Any]]) -> Markup:
    """The map.

    Args:
        drawn: The figures of the map.
        rounds: The figures of the rounds: the items that they list show their text.
    """
    known = {one["id"]: one for listed in rounds for one in listed["items"]}
    scale = UNITS - 2 * MARGIN  # the longer side is 1
    height = LEGEND + 2 * MARGIN + scale * drawn["height"]
    left = (UNITS - scale * drawn["width"]) / 2

    def at(place: Sequence[float]) -> tuple[float, float]:
        return left + scale * place[0], height - MARGIN - scale * place[1]

    picked = drawn["rounds"]
    colours = [_colour(number, len(picked)) for number in range(len(picked))]
    parts = [_dots(map(at, drawn["background"]), 'class="rest"')]
    for one, colour in zip(picked, colours, strict=True):
        square = one["phase"] == "start"
        unlisted = [
            at(place)
            for item, place in zip(one["ids"], one["places"], strict=True)
            if item not in known
        ]
        cap = "square" if square else "round"
        parts.append(
            _dots(
                unlisted,
                f'style="fill:none;stroke:{colour};stroke-width:{2 * RADIUS - 1:g};'
                f'stroke-linecap:{cap}"',
            )
        )
        marks = [
            _mark(at(place), square, f"<title>{_says(one['number'], known[item])}</title>")
            for item, place in zip(one["ids"], one["places"], strict=True)
            if item in known
        ]
        parts.append(f'<g style="fill:{colour}">{"".join(marks)}</g>')
    parts.append(_legend(picked, colours, bool(drawn["background"])))
    count = sum(len(pick["ids"]) for pick in picked)
    label = escape(
        f"Map of the pool by {drawn['method']}: {count:,} picks of {len(picked)} rounds among "
        f"{len(drawn['background']):,} other items."
    )
    return Markup(
        f'<svg viewBox="0 0 {UNITS:g} {height:.1f}" role="img" aria-label="{label}">'
        f"<title>{label}</title>{''.join(parts)}</svg>"
    )


def _colour(number: int, rounds: int) -> str:
    """From the first colour to the second, in steps that look alike."""
    if rounds < 2 or not number:
        return "var(--series-1)"
    share = 100 * number / (rounds - 1)
    return f"color-mix(in oklch,var(--series-2) {share:.0f}%,var(--series-1))"


def _dots(places: Iterable[tuple[float, float]], look: str) -> str:
    """Many points as one path: lines of no length with round ends."""
    path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in places)
    return f'<path {look} d="{path}"/>' if path else ""


def _mark(place: tuple[float, float], square: bool, inner: str = "") -> str:
    x, y = place
    if square:
        side = 2 * RADIUS - 1
        shape = f'rect class="pick" x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" '
        shape += f'width="{side:g}" height="{side:g}"'
        return f"<{shape}>{inner}</rect>"
    return f'<circle class="pick" cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS:g}">{inner}</circle>'


def _says(number: int, item: Mapping[str, Any]) -> str:
    label = "no label yet" if item["label"] is None else item["label"]
    text = item["id"] if item["text"] is None else shorten(item["text"], TEXT_LENGTH)
    return escape(f"round {number}, {label}: {text}")


def _legend(picked: Sequence[Mapping[str, Any]], colours: Sequence[str], rest: bool) -> str:
    x, y = MARGIN, LEGEND / 2
    parts: list[str] = []

    def mark(colour: str, square: bool) -> None:
        nonlocal x
        parts.append(f'<g style="fill:{colour}">{_mark((x, y), square)}</g>')
        x += 2 * RADIUS

    def words(text: str) -> None:
        nonlocal x
        parts.append(f'<text x="{x + 2:.1f}" y="{y + 4.3:.1f}">{text}</text>')
        x += 2 + LETTER * len(text) + 12

    if rest:
        parts.append(_dots([(x, y)], 'class="rest"'))
        x += 2 * RADIUS
        words("not picked")
    squares = [pick["phase"] == "start" for pick in picked]
    if len(picked) <= NAMED_ROUNDS:
        for one, colour, square in zip(picked, colours, squares, strict=True):
            mark(colour, square)
            words(f"round {one['number']}")
        return "".join(parts)
    words(f"round {picked[0]['number']}")
    x -= 4
    steps = min(len(picked), 12)
    for step in range(steps):
        place = round(step * (len(picked) - 1) / (steps - 1))
        mark(colours[place], squares[place])
    words(f"round {picked[-1]['number']}")
    return "".join(parts)
