"""The selectors' sections of docs/results.md: loaded figures in, lines of markdown out."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]
SIDES = ("llmal", "scikit-activeml", "small-text")
MEASURES = {
    "k_means_cost": "k-means cost",
    "cover_radius": "cover radius",
    "entropy": "entropy of picks",
    "gradient_cost": "k-means cost of gradients",
    "crowding": "distance to 20 neighbours",
    "covered": "share covered",
}


# Agreement ----------------------------------------------------------------------------------------


def selectors_agreement(figures: Figures) -> list[str]:
    rows = figures["rows"]
    fixed = [row for row in rows if "measures" not in row]
    drawn = [row for row in rows if "measures" in row]
    k, seeds = figures["k"], figures["seeds"]
    lines = [
        f"MiniLM embeddings of {figures['items']:,} train texts of {figures['data']}, "
        f"{figures['labelled']} of them labelled; probabilities of a logistic regression and a "
        f"committee of {figures['members']}, the same arrays for each side; {k} picks. First where "
        "nothing but ties is left to chance. *Up to ties*: whether llmal's utilities of both sets "
        "of picks are the same numbers.",
        "",
        *table(
            ["selector", "peer", "setting", "same picks", "up to ties", "utilities", "why"],
            (
                [
                    row["selector"],
                    row["peer"],
                    row["setting"],
                    f"{row['same_picks']} of {k}",
                    _ties(row),
                    _utilities(row),
                    row["why"] if row["same_picks"] < k else "",
                ]
                for row in fixed
            ),
        ),
        "",
        f"Then where picks are drawn: {seeds} seeds for each side, mean ± standard deviation, and "
        f"the smaller p-value of Mann-Whitney and Kolmogorov-Smirnov. In bold where it is below "
        f"{figures['level']} / {figures['tests']}, the number of all tests. "
        + "; ".join(
            f"*{MEASURES[name]}*: {meaning}" for name, meaning in figures["meaning"].items()
        )
        + ".",
        "",
    ]
    limit = figures["level"] / figures["tests"]
    body: list[list[object]] = []
    for row in drawn:
        head = [row["selector"], row["peer"], row["setting"]]
        for name, one in row["measures"].items():
            least = min(one["mann_whitney"], one["kolmogorov_smirnov"])
            body.append(
                [
                    *head,
                    MEASURES[name],
                    _pm(one["llmal"]),
                    _pm(one["peer"]),
                    f"**{least:.1g}**" if least < limit else f"{least:.2g}",
                    row["why"] if head[0] and row["differs"] else "",
                ]
            )
            head = ["", "", ""]
    lines += table(
        ["selector", "peer", "setting", "measure", "llmal", "peer", "p", "why they differ"], body
    )
    unexplained = [row for row in rows if row["differs"] and not row["why"]]
    lines += [
        "",
        f"{sum(row['differs'] for row in rows)} of {len(rows)} comparisons differ, "
        + (
            f"{len(unexplained)} of them without an explanation."
            if unexplained
            else "each for the reason given beside it; where the options of one side are given "
            "to the other, or its rule is computed plainly, the difference goes away."
        ),
    ]
    return lines


def _ties(row: Figures) -> str:
    if "same_up_to_ties" not in row:
        return ""
    said = "yes" if row["same_up_to_ties"] else "no"
    return f"{said} ({row['tied_at_last']} tied)" if row["tied_at_last"] > 1 else said


def _utilities(row: Figures) -> str:
    one = row.get("utilities")
    if one is None:
        return ""
    if not one["largest_difference"]:
        return "equal"
    if one["largest_difference"] < 1e-5:
        return f"within {one['largest_difference']:.0e}"
    return f"rank correlation {one['spearman']:.3f}"


def _pm(pair: list[float]) -> str:
    return f"{pair[0]:.4f} ± {pair[1]:.4f}"


# Speed and memory ---------------------------------------------------------------------------------


def selectors_speed(figures: Figures) -> list[str]:
    rows = figures["rows"]
    sizes = sorted({row["items"] for row in rows})
    cells = {(row["selector"], row["side"], row["items"]): row for row in rows}
    lines = [
        f"MiniLM embeddings of dbpedia14 (d = {figures['dimensions']}, {figures['labels']} "
        f"labels) repeated with a little noise to N rows, memory-mapped; {figures['labelled']} "
        f"labelled, {figures['k']} picks, {figures['threads']} thread for every side, each "
        "measurement in a process of its own. Probabilities and committees are given as arrays, "
        "and peers have options that make them do as much as llmal's defaults (10 neighbours in "
        "CAL, 20 in TypiClust, 3 passes in DropQuery, a class-balanced discriminator in DAL). "
        f"{_clock(figures)} of a round, checks of its arrays included; in brackets the MB of "
        "memory that it took on top of the arrays.",
        "",
        *table(
            ["selector", "by", *(f"N = {size:,}" for size in sizes), "growth"],
            (
                [
                    name if side == "llmal" else "",
                    side,
                    *(_cell(cells.get((name, side, size)), figures["clock"]) for size in sizes),
                    _growth(figures, name, side),
                ]
                for name in dict.fromkeys(row["selector"] for row in rows)
                for side in SIDES
                if any((name, side, size) in cells for size in sizes)
            ),
        ),
        "",
        "*Growth* is b of seconds = a·N^b, by least squares over all N; fixed costs make it small "
        "where all is fast.",
        "",
        "At the largest N that the peer finished:",
        "",
        *table(
            ["selector", "peer", "N", "peer s", "llmal s", "times faster", "peer MB", "llmal MB"],
            (
                [
                    one["selector"],
                    one["peer"],
                    f"{one['items']:,}",
                    f"{one['seconds_peer']:.3f}",
                    f"{one['seconds_llmal']:.3f}",
                    f"{one['times_faster']:,.1f}",
                    f"{one['extra_mb_peer']:,.0f}",
                    f"{one['extra_mb_llmal']:,.0f}",
                ]
                for one in sorted(figures["ratios"], key=lambda one: one["selector"])
            ),
        ),
    ]
    limits = f"{figures['limit_seconds']:g} s or {figures['limit_gb']:g} GB"
    lines += ["", f"A dash: not finished within {limits}, or not tried as a smaller N was not."]
    notes = sorted(
        {
            (row["selector"], note)
            for row in rows
            if row["side"] == "llmal" and row["items"] == sizes[-1]
            for note in row.get("notes", ())
        }
    )
    if notes:
        lines += ["", f"What llmal warned of at N = {sizes[-1]:,}, where it is not exact:", ""]
        lines += [f"- {note}" for _, note in notes]
    lines += ["", *_shortfalls(figures)]
    return lines


def _clock(figures: Figures) -> str:
    return "Processor seconds" if figures["clock"] == "cpu_seconds" else "Seconds"


def _cell(row: Figures | None, clock: str) -> str:
    if row is None:
        return ""
    if "failed" in row:
        return "–"
    return f"{row[clock]:.3f} ({row['extra_mb']:,.0f})"


def _growth(figures: Figures, name: str, side: str) -> str:
    for one in figures["growth"]:
        if (one["selector"], one["side"]) == (name, side):
            return "" if one["exponent"] is None else f"{one['exponent']:.2f}"
    return ""


def _shortfalls(figures: Figures) -> list[str]:
    said = []
    for one in figures["slower_than_peer"]:
        said.append(
            f"{one['selector']} is slower than {one['peer']}'s at {one['items']:,} items: "
            f"{one['seconds_llmal']:.3f} s, of which {one['of_them_checks']:.3f} s are checks of "
            f"its input, against {one['seconds_peer']:.3f} s"
        )
    for one in figures["above_8_gb"]:
        said.append(f"{one['selector']} takes {one['peak_mb']:,.0f} MB at {one['items']:,} items")
    for one in figures["llmal_failed"]:
        said.append(f"{one['selector']} at {one['items']:,} items: {one['failed']}")
    for one in figures["bad_picks"]:
        said.append(
            f"{one['side']}'s {one['selector']} gave {one['distinct_picks']} distinct picks of "
            f"{figures['k']} at {one['items']:,} items, {one['labelled_picks']} of them labelled"
        )
    if not said:
        return ["No selector is slower than a peer's, and none takes 8 GB in all."]
    return ["What falls short:", "", *(f"- {one}" for one in said)]


# ALLSH's Table 13 ---------------------------------------------------------------------------------


def selectors_table13(figures: Figures) -> list[str]:
    rows, clock = figures["rows"], figures["clock"]
    pool = f"pool_{clock}"
    same = {side: order == figures["paper_order"] for side, order in figures["orders"].items()}
    return [
        f"{figures['items']:,} texts of {figures['data']}, {figures['labels']} labels, "
        f"{figures['labelled']} labelled, {figures['k']} picks, {figures['threads']} thread: from "
        "the fitted learner to the picks. *Frozen encoder*: the pool's embeddings are there, and "
        "only ALLSH's copies must be encoded. *Trained encoder*: as in the paper, the pool is "
        "encoded anew in each round, "
        f"which takes {figures[pool]:.1f} s with MiniLM. {_clock(figures)} here; the paper's are "
        "from a V100, with a BERT that is trained in each round.",
        "",
        *table(
            [
                "strategy",
                "by",
                "texts encoded beside the pool",
                "frozen encoder, s",
                "trained encoder, s",
                "paper, s",
            ],
            (
                [
                    row["strategy"],
                    row["side"],
                    f"{row['encoded']:,}",
                    f"{row[clock]:.3f}",
                    f"{row[clock] + figures[pool]:.1f}",
                    f"{row['paper_seconds']:,}" if row["paper_seconds"] else "",
                ]
                for row in rows
            ),
        ),
        "",
        f"The paper's order is {' < '.join(figures['paper_order'])}. Here it is "
        + "; ".join(
            f"{' < '.join(order)} with {side}'s" for side, order in figures["orders"].items()
        )
        + ". "
        + (
            "The order holds."
            if all(same.values())
            else "It does not hold: at this size CAL and BADGE take less than a second, whoever "
            "computes them, so that a round is what the encoder takes, and ALLSH alone needs it "
            "again, for each copy that differs from its "
            "item. Against Entropy, ALLSH costs "
            f"{_times(figures, 'ALLSH'):.1f} times as much with a trained encoder "
            f"(the paper: {541 / 227:.1f}), with four copies {_times(figures, 'ALLSH (WCA)'):.1f} "
            f"times (the paper, copies not stated: {636 / 227:.1f})."
        ),
    ]


def _times(figures: Figures, name: str) -> float:
    """How many times as long as Entropy a strategy takes with a trained encoder."""
    clock = figures["clock"]
    seconds = {
        row["strategy"]: row[clock] + figures[f"pool_{clock}"]
        for row in figures["rows"]
        if row["side"] == "llmal"
    }
    return float(seconds[name] / seconds["Entropy"])
