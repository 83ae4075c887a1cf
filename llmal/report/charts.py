"""The charts of a report as inline SVG: text as text, colours from the page's style sheet."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup, escape

from llmal.report.plain import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# matplotlib writes colours as numbers; these stand for variables of the style sheet, so that the
# charts follow dark mode and print.
INK, MUTED, GRID, FIRST, SECOND, THIRD, PAPER = (f"#0{n}0{n}0{n}" for n in range(1, 8))
_VARIABLES = ("ink", "muted", "grid", "series-1", "series-2", "series-3", "paper")

WIDTH = 6.6
"""Inches; 72 units of the drawing each, which a wide screen shows a little larger than a pixel."""

BARS = 30
"""Labels that a bar chart can show; the table behind it has them all."""


def learning_curve(curve: Mapping[str, Any]) -> Markup | None:
    """Accuracy by number of labels; None without a measured point."""
    points = curve["points"]
    if not points:
        return None
    with _style("learning-curve"):
        figure, (axes,) = _figure(3.9)
        baseline = curve["baseline"] or []
        if baseline:
            x = [point["labelled"] for point in baseline]
            mean = [point["accuracy_mean"] for point in baseline]
            spread = [point["accuracy_std"] or 0.0 for point in baseline]
            axes.fill_between(
                x,
                [m - s for m, s in zip(mean, spread, strict=True)],
                [m + s for m, s in zip(mean, spread, strict=True)],
                color=SECOND,
                alpha=0.18,
                linewidth=0,
            )
            axes.plot(
                x, mean, color=SECOND, linestyle="--", marker="s", markersize=4, label="random"
            )
        x = [point["labelled"] for point in points]
        y = [point["accuracy"] for point in points]
        if all(point["low"] is not None for point in points):
            _whiskers(
                axes, x, y, [point["low"] for point in points], [point["high"] for point in points]
            )
        axes.plot(x, y, color=FIRST, marker="o", markersize=5, linewidth=2, label="this run")
        axes.set_xlabel("labels in the training set")
        axes.set_ylabel("accuracy on the test set")
        _percent(axes, "y")
        if baseline:
            _legend(axes)
        return _svg(
            figure,
            f"Learning curve: accuracy on the test set goes from {y[0]:.1%} at {x[0]:,} "
            f"labels to {y[-1]:.1%} at {x[-1]:,} labels.",
        )


def reliability(calibration: Mapping[str, Any], number: int) -> Markup:
    """Accuracy by confidence with the number of items below; `number` keeps ids apart."""
    bins, histogram = calibration["bins"], calibration["histogram"]
    with _style(f"reliability-{number}"):
        figure, (axes, counts) = _figure(4.9, heights=(3, 1))
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", label="as right as it says")
        x = [interval["confidence"] for interval in bins]
        y = [interval["accuracy"]["value"] for interval in bins]
        low = [interval["accuracy"]["low"] for interval in bins]
        _whiskers(axes, x, y, low, [interval["accuracy"]["high"] for interval in bins])
        axes.plot(x, y, color=FIRST, marker="o", markersize=5, linewidth=1.5, label="measured")
        axes.set_ylabel("accuracy")
        axes.set_ylim(-0.02, 1.02)
        axes.tick_params(labelbottom=False)
        _percent(axes, "y")
        _legend(axes)
        edges = histogram["edges"]
        widths = [b - a for a, b in pairwise(edges)]
        right, wrong = histogram["right"], histogram["wrong"]
        bar: dict[str, Any] = {
            "width": widths,
            "align": "edge",
            "edgecolor": PAPER,
            "linewidth": 0.8,
        }
        counts.bar(edges[:-1], right, color=FIRST, label="right", **bar)
        counts.bar(edges[:-1], wrong, bottom=right, color=SECOND, label="wrong", **bar)
        counts.set_ylabel("items")
        counts.set_xlabel("confidence in the label given")
        _whole(counts)
        _percent(counts, "x")
        _legend(counts)
        for one in (axes, counts):
            one.set_xlim(-0.02, 1.02)
        return _svg(
            figure,
            f"Reliability: expected calibration error {calibration['ece']:.3f} over "
            f"{calibration['n']:,} items in {len(bins)} bins of like confidence; mean confidence "
            f"{calibration['mean_confidence']:.1%}.",
        )


def distribution(figures: Mapping[str, Any]) -> Markup | None:
    """Share of each label, delivered and gold; None without delivered labels."""
    if not figures["delivered"]:
        return None
    with_gold = bool(figures["gold_same_items"])
    rows = sorted(
        figures["labels"],
        key=lambda one: max(one["delivered"], one["gold_same_items"] or 0),
        reverse=True,
    )[:BARS]
    with _style("distribution"):
        figure, (axes,) = _figure(1.2 + len(rows) * (0.38 if with_gold else 0.28))
        height = 0.38 if with_gold else 0.66
        offset = height / 2 if with_gold else 0.0
        places = range(len(rows))
        axes.barh(
            [at - offset for at in places],
            [row["delivered"] / figures["delivered"] for row in rows],
            height,
            color=FIRST,
            label="delivered",
        )
        if with_gold:
            axes.barh(
                [at + offset for at in places],
                [row["gold_same_items"] / figures["gold_same_items"] for row in rows],
                height,
                color=SECOND,
                label="gold, same items",
            )
            if figures["gold_pool"] > figures["gold_same_items"]:
                axes.plot(
                    [row["gold_pool"] / figures["gold_pool"] for row in rows],
                    list(places),
                    color=INK,
                    linestyle="none",
                    marker="|",
                    markersize=13,
                    markeredgewidth=2,
                    label="gold, whole pool",
                )
        axes.set_yticks(list(places), [shorten(row["label"], 26) for row in rows])
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("share of the labels")
        _percent(axes, "x")
        if with_gold:
            _legend(axes)
        most = rows[0]
        return _svg(
            figure,
            f"Label distribution: {figures['delivered']:,} delivered labels; the most frequent is "
            f"{most['label']} with {most['delivered']:,}.",
        )


def neighbour_distances(figures: Mapping[str, Any]) -> Markup:
    """Distances to the nearest real text: of synthetic texts, and of real ones to another."""
    edges, synthetic, real = figures["edges"], figures["synthetic"], figures["real"]
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    with _style("neighbour-distances"):
        figure, (axes,) = _figure(3.1)
        axes.fill_between(middles, real, color=SECOND, alpha=0.18, linewidth=0)
        axes.plot(
            middles, real, color=SECOND, linestyle="--", marker="o", markersize=4,
            label="real to another real text",
        )  # fmt: skip
        axes.plot(
            middles, synthetic, color=FIRST, marker="^", markersize=5, linewidth=2,
            label="synthetic to the nearest real text",
        )  # fmt: skip
        axes.set_xlabel("distance (0: the same, 1.41: nothing in common)")
        axes.set_ylabel("share of the texts")
        axes.set_ylim(bottom=0)
        _percent(axes, "y")
        _legend(axes)
        middle = [_middle_of(middles, shares) for shares in (synthetic, real)]
        return _svg(
            figure,
            f"Distances to the nearest real text: half of the synthetic texts lie within "
            f"{middle[0]:.2f}, half of the real ones within {middle[1]:.2f} of another.",
        )


def _middle_of(middles: Sequence[float], shares: Sequence[float]) -> float:
    """The first bin by which half of all are counted."""
    sums = accumulate(shares)
    return next((at for at, sum in zip(middles, sums, strict=True) if sum >= 0.5), middles[-1])


@contextmanager
def _style(name: str) -> Iterator[None]:
    """The look of all charts, for as long as one is drawn; `name` makes its ids its own."""
    from matplotlib import rc_context

    # Any, since the stubs of newer matplotlib list every parameter and those of older do not.
    look: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "text.usetex": False,
        "text.parse_math": False,  # a label "$5" is no formula
        "font.family": ["DejaVu Sans"],
        "font.size": 12.5,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "legend.frameon": False,
    }
    with rc_context(look), warnings.catch_warnings():
        # The browser draws the text, with fonts that this machine need not have.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _figure(height: float, heights: Sequence[int] = (1,)) -> tuple[Figure, list[Axes]]:
    # Not pyplot: it would keep the figure, and open a window system.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid = figure.subplots(
        len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": list(heights)}
    )
    return figure, [row[0] for row in grid]


def _whiskers(
    axes: Axes,
    x: Sequence[float],
    y: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
) -> None:
    # A rounded number of hits can put the middle outside its own interval by a hair.
    below = [max(0.0, a - b) for a, b in zip(y, low, strict=True)]
    above = [max(0.0, b - a) for a, b in zip(y, high, strict=True)]
    axes.errorbar(
        x, y, yerr=[below, above], fmt="none", ecolor=FIRST, elinewidth=1, capsize=3, alpha=0.6
    )


def _percent(axes: Axes, which: Literal["x", "y"]) -> None:
    from matplotlib.ticker import PercentFormatter

    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(PercentFormatter(xmax=1.0, decimals=None))


def _whole(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))


def _legend(axes: Axes) -> None:
    # Above the axes: inside there is no corner that every run leaves free.
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=3,
        fontsize=11.5,
        handlelength=1.6,
        columnspacing=1.4,
        borderaxespad=0.2,
    )


def _svg(figure: Figure, says: str) -> Markup:
    """The drawing for a page: no prolog, no namespaces, no ids but those that are referred to."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing)
    text = buffer.getvalue()
    box = re.search(r'viewBox="([^"]+)"', text)
    body = text[text.index(">", text.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.S)
    body = re.sub(r"<style.*?</style>", "", body, flags=re.S)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.S)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r"\s*\n\s*", "\n", body)
    body = re.sub(
        r"(fill|stroke): #0([1-7])(?:0\2){2}",
        lambda found: f"{found[1]}: var(--{_VARIABLES[int(found[2]) - 1]})",
        body,
    )
    size = box[1] if box else "0 0 1 1"
    label = escape(says)
    return Markup(
        f'<svg viewBox="{size}" role="img" aria-label="{label}"><title>{label}</title>{body}'
    )
