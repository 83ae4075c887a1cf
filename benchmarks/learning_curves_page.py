"""The learning curves, forecasts and stops as sections of docs/results.md."""

from __future__ import annotations

from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]
NAMES = {"minilm": "MiniLM", "tfidf-svd": "TF-IDF + SVD"}


def learning_curves(figures: Figures) -> list[str]:
    """Standing, areas, wins and initialisation, with a reading."""
    strategies = figures["strategies"]
    seeds = max(len(one["seeds"]) for one in figures["curves"])
    settings = figures["wins"]["settings"]
    lines = [
        f"The shape of Rauch et al. (2025): frozen embeddings, a cheap head, {len(strategies)} "
        f"strategies in {settings} settings (set × embedding × start), {seeds} seeds, "
        f"{figures['runs']:,} runs. A start of {figures['batch']} labels and {figures['rounds']} "
        f"rounds of {figures['batch']}. Pools are {figures['pool']:,} training texts of each set, "
        f"tests {figures['test']:,} test texts (trec6: 500), drawn once; the learner is "
        "`LinearHead` with C = 30, fixed for time. In a setting all strategies of a seed have the "
        "same start set. The good embedding is MiniLM (384 dimensions), the poor one TF-IDF "
        f"reduced to {figures['svd_dimensions']} by a truncated SVD. Strategies have their default "
        "options, but ALLSH has one copy of each text, and the same in all rounds and runs, so "
        "that it is embedded once. With two labels (sst2) margin, entropy and least confidence are "
        "one strategy. *Area* is the mean height of the curve of test accuracy.",
        "",
        "![Learning curves](figures/learning_curves.svg)",
        "",
        "Means over seeds, random start.",
    ]
    for embedding, title in NAMES.items():
        standing = figures["standing"].get(embedding)
        if standing is None:
            continue
        count = next(iter(standing.values()))["settings"]
        lines += ["", f"**{title}**: standing over {count} settings", ""]
        lines += table(
            [
                "strategy",
                "area",
                "minus random",
                "mean rank",
                "worst rank",
                "first in",
                "below random in",
                "mean regret",
                "worst regret",
            ],
            (
                [
                    name,
                    f"{one['area']:.3f}",
                    f"{one['over_random']:+.3f}",
                    f"{one['rank_mean']:.1f}",
                    one["rank_worst"],
                    one["first"],
                    one["below_random"],
                    f"{one['regret_mean']:.3f}",
                    f"{one['regret_worst']:.3f}",
                ]
                for name, one in sorted(standing.items(), key=lambda pair: pair[1]["rank_mean"])
            ),
        )
    lines += ["", "Regret is the area that a strategy lacks to the best of its setting.", ""]
    lines += _areas(figures)
    lines += _wins(figures)
    lines += _starts(figures)
    lines += ["", "Seconds that a run spent on picking 200 items in 10 rounds, median:", ""]
    lines += table(
        list(figures["seconds"]), [[f"{s['select']:.2f}" for s in figures["seconds"].values()]]
    )
    return [*lines, "", *_reading(figures)]


def _areas(figures: Figures) -> list[str]:
    sets = list(dict.fromkeys(one["set"] for one in figures["curves"]))
    lines = ["Area by set, mean of both starts and all seeds (macro F1 in brackets):"]
    for embedding, title in NAMES.items():
        rows = []
        for strategy in figures["strategies"]:
            cells: list[object] = [strategy]
            for name in sets:
                here = [
                    one
                    for one in figures["curves"]
                    if (one["set"], one["embedding"], one["strategy"])
                    == (name, embedding, strategy)
                ]
                cells.append(
                    f"{np.mean([np.mean(one['accuracy_area']) for one in here]):.3f} "
                    f"({np.mean([np.mean(one['macro_f1_area']) for one in here]):.3f})"
                    if here
                    else ""
                )
            rows.append(cells)
        lines += ["", *table([title, *sets], rows)]
    return lines


def _wins(figures: Figures) -> list[str]:
    wins, strategies = figures["wins"], figures["strategies"]
    matrix = np.array(wins["matrix"])
    lines = [
        "",
        f"Wins: in how many of {wins['settings']} settings the strategy of the row has a larger "
        "area than that of the column by the paired t-test over seeds (p < 0.05, two-sided; with "
        "five seeds Wilcoxon's test cannot reach 0.05). "
        f"{wins['significant']} of {wins['tests']:,} comparisons are significant, "
        f"{0.05 * wins['tests']:.0f} would be by chance alone if nothing differed, and "
        f"{wins['significant_holm']} remain after Holm's correction over all.",
        "",
    ]
    lines += table(
        ["", *strategies, "wins", "losses"],
        (
            [
                f"**{name}**",
                *("" if i == j else value for j, value in enumerate(matrix[i].tolist())),
                int(matrix[i].sum()),
                int(matrix[:, i].sum()),
            ]
            for i, name in enumerate(strategies)
        ),
    )
    sure: dict[str, list[Figures]] = {}
    for row in sorted(figures["over_settings"], key=lambda row: -row["difference"]):
        if row["p_holm"] < 0.05:
            sure.setdefault(row["worse"], []).append(row)
    lines += [
        "",
        "Over the settings together (Wilcoxon on mean areas, Holm over "
        f"{len(figures['over_settings'])} pairs; the settings of a set are not independent, so "
        "read these as the most that can be said): "
        + (
            "; ".join(
                f"**{worse}** is below "
                + ", ".join(f"{row['better']} ({row['difference']:.3f})" for row in rows)
                for worse, rows in sure.items()
            )
            or "no pair differs"
        )
        + ".",
    ]
    return lines


def _starts(figures: Figures) -> list[str]:
    lines = [
        "",
        "TypiClust start against random start: test accuracy of the 20 first labels alone, then "
        "the difference in accuracy over the next three rounds and after the last, mean of all "
        "strategies and seeds.",
        "",
    ]
    return lines + table(
        ["embedding", "set", "random", "TypiClust", "p", "next three rounds", "at the end"],
        (
            [
                NAMES[row["embedding"]],
                row["set"],
                f"{row['random_start']:.3f}",
                f"{row['typiclust_start']:.3f}",
                f"{row['p']:.2f}",
                f"{row['early']:+.3f}",
                f"{row['end']:+.3f}",
            ]
            for row in sorted(figures["starts"], key=lambda row: row["embedding"])
        ),
    )


def _reading(figures: Figures) -> list[str]:
    parts = [f"How to read it, in the order of the paper's findings. {_read_embeddings(figures)}"]
    parts.append(_read_starts(figures))
    parts.append(_read_margin(figures))
    parts.append(_read_badge(figures))
    parts.append(
        f"**How sure**: {_read_wins(figures)} What this is not: the sets are five, the pools "
        "small, the head linear with a fixed penalty, and the two embeddings a small one and a "
        "crude one; the paper has ten sets and embeddings of the MTEB leaderboard."
    )
    return [line for part in parts for line in (part, "")][:-1]


def _read_embeddings(figures: Figures) -> str:
    heights: dict[str, dict[str, float]] = {}
    for one in figures["curves"]:
        if one["strategy"] == "random" and one["start"] == "random":
            heights.setdefault(one["set"], {})[one["embedding"]] = np.mean(one["accuracy_area"])
    flat = [
        one["set"]
        for one in figures["curves"]
        if (one["strategy"], one["start"], one["embedding"]) == ("random", "random", "tfidf-svd")
        and one["accuracy_mean"][-1] - one["accuracy_mean"][0] < 0.06
    ]
    both = {name: row for name, row in heights.items() if len(row) == len(NAMES)}
    better = [name for name, row in both.items() if row["tfidf-svd"] > row["minilm"]]
    means = {key: float(np.mean([row[key] for row in both.values()])) for key in NAMES}
    return (
        f"With random picks the mean area is {means['minilm']:.3f} with MiniLM and "
        f"{means['tfidf-svd']:.3f} with TF-IDF + SVD"
        + (
            f"; but on {', '.join(better)} the poor embedding, which was made from the pool "
            "itself, is the better one."
            if better
            else ", and MiniLM is the better one on every set."
        )
        + (
            f" On {' and '.join(flat)} it teaches next to nothing: 200 labels more raise accuracy "
            "by less than 6 points."
            if flat
            else ""
        )
    )


def _read_wins(figures: Figures) -> str:
    sure = np.array(figures["wins"]["matrix_holm"])
    if not sure.sum():
        return "no single comparison in a setting survives Holm's correction."
    losses = sorted(
        zip(figures["strategies"], sure.sum(axis=0).tolist(), strict=True),
        key=lambda pair: -pair[1],
    )
    lost = ", ".join(f"{count} over {name}" for name, count in losses if count)
    return (
        f"of the {int(sure.sum())} wins in single settings that survive Holm's correction, {lost}. "
        "No difference among the other strategies survives it."
    )


def _read_starts(figures: Figures) -> str:
    said = []
    early: dict[str, float] = {}
    for embedding, title in NAMES.items():
        rows = [row for row in figures["starts"] if row["embedding"] == embedding]
        if not rows:
            continue
        gains = [row["typiclust_start"] - row["random_start"] for row in rows]
        early[embedding] = float(np.mean([row["early"] for row in rows]))
        said.append(
            f"with {title} the start itself changes accuracy by {100 * np.mean(gains):+.1f} points "
            f"on average (better on {sum(gain > 0 for gain in gains)} of {len(rows)} sets), the "
            f"next three rounds by {100 * early[embedding]:+.1f} and the end by "
            f"{100 * np.mean([row['end'] for row in rows]):+.1f}"
        )
    verdict = ""
    if len(early) == len(NAMES):
        good, poor = early["minilm"], early["tfidf-svd"]
        verdict = (
            " The paper's first finding, that it helps early and more so with good embeddings, "
            + (
                "shows here."
                if good > 0.005 and good > poor
                else "shows here in part: it helps early, but no more with the good embedding."
                if good > 0.005
                else "does not show here."
            )
        )
    return f"**A diverse start**: {'; '.join(said)}.{verdict}"


def _read_margin(figures: Figures) -> str:
    said = []
    for embedding, title in NAMES.items():
        standing = figures["standing"].get(embedding)
        if standing is None or "margin" not in standing:
            continue
        one = standing["margin"]
        place = 1 + sum(o["rank_mean"] < one["rank_mean"] for o in standing.values())
        first = max(standing, key=lambda name: standing[name]["first"])
        said.append(
            f"with {title} margin is first in {one['first']} of {one['settings']} settings, "
            f"{_ordinal(place)} of {len(standing)} by mean rank, its area "
            f"{one['over_random']:+.3f} from that of random and below it in {one['below_random']} "
            f"(most often first is {first}, in {standing[first]['first']})"
        )
    return f"**Margin**: {'; '.join(said)}."


def _read_badge(figures: Figures) -> str:
    standing = figures["standing"].get("all", {})
    if "badge" not in standing:
        return "**Robustness**: BADGE has not run."
    measures = {
        "mean rank": "rank_mean",
        "worst rank": "rank_worst",
        "mean regret": "regret_mean",
        "worst regret": "regret_worst",
        "settings below random": "below_random",
        "significant losses": "losses",
    }
    losses = np.array(figures["wins"]["matrix"]).sum(axis=0).tolist()
    standing = {
        name: {**row, "losses": losses[figures["strategies"].index(name)]}
        for name, row in standing.items()
    }
    said = []
    one = standing["badge"]
    best_in = 0
    for words, key in measures.items():
        others = {name: row[key] for name, row in standing.items() if name != "random"}
        least = min(others.values())
        best = [name for name, value in others.items() if value == least]
        place = 1 + sum(value < one[key] for value in others.values())
        best_in += "badge" in best
        said.append(
            f"{words} {one[key]:g} ({_ordinal(place)}; best {', '.join(best)} with {least:g})"
        )
    verdict = (
        "BADGE is the most robust here too"
        if best_in == len(measures)
        else f"BADGE is the most robust here by {best_in} of {len(measures)} measures"
        if best_in
        else "BADGE is not the most robust here"
    )
    ranks = [
        [figures["standing"][embedding][name]["area"] for name in standing]
        for embedding in NAMES
        if embedding in figures["standing"]
    ]
    agree = ""
    if len(ranks) == 2:
        one_, two_ = (np.argsort(np.argsort(row)) for row in ranks)
        agree = (
            " The order of the strategies depends on the embedding: the rank correlation of their "
            f"mean areas between the two is {np.corrcoef(one_, two_)[0, 1]:.2f}."
        )
    return f"**Robustness** over all settings, of BADGE: {'; '.join(said)}. {verdict}.{agree}"


def learning_curves_stopping(figures: Figures) -> list[str]:
    """Forecasts of labels needed, how far they can be trusted, and stops, with a reading."""
    target, level = figures["target"], figures["level"]
    lines = [
        f"Curves of {figures['rounds']} rounds of 20 labels ({figures['seeds']} seeds, random "
        "start, otherwise as above). PALM (`llmal.LearningCurve`) is fitted to the "
        f"first points of the mean curve and says how many labels {target:.0%} accuracy takes, "
        f"with its {level:.0%} interval; ∞ is never. *Actual* is where the measured mean curve "
        "first crosses, by linear interpolation. Settings in which it never does, or has done "
        "within the points fitted, are left out. On the two sets that take few labels the curves "
        f"are measured every {figures['fine']['batch']} labels, too.",
        "",
    ]
    shown = [
        row
        for row in figures["forecasts"]
        if row["actual"] is not None and not row["reached_before"]
    ]
    lines += table(
        ["set", "embedding", "strategy", "points", "labels", "predicted", "interval", "actual"],
        (
            [
                row["set"],
                NAMES[row["embedding"]],
                row["strategy"],
                row["points"],
                row["seen"],
                _labels(row["predicted"]),
                f"{_labels(row['low'])} to {_labels(row['high'])}",
                _labels(row["actual"]),
            ]
            for row in shown
        ),
    )
    lines += [
        "",
        f"Over all {figures['coverage'][0]['runs']} single runs: the typical factor between "
        f"predicted and actual labels for {target:.0%}, how often the interval held the actual "
        "number, and the accuracy foreseen at two and four times the labels seen (measured as the "
        "mean of three rounds), beside what is missed by assuming that it stays as it is.",
        "",
    ]
    heads = ["points", "factor", "said never", "interval held"]
    times = list(figures["coverage"][0]["ahead"])
    for one in times:
        heads += [f"error at {one}×", "if flat", "interval held"]
    rows = []
    for row in figures["coverage"]:
        cells: list[object] = [
            row["points"],
            "" if row["median_factor"] is None else f"{row['median_factor']:.2f}",
            f"{row['never_predicted']} of {row['crossings']}",
            f"{row['crossings_in_interval']} of {row['crossings']}",
        ]
        for one in times:
            ahead = row["ahead"].get(one)
            cells += (
                [
                    f"{ahead['mean_error']:.3f}",
                    f"{ahead['error_if_flat']:.3f}",
                    f"{ahead['in_interval']} of {ahead['runs']}",
                ]
                if ahead
                else ["", "", ""]
            )
        rows.append(cells)
    lines += table(heads, rows)
    lines += ["", *_stops(figures), "", *_read_stopping(figures, shown)]
    return lines


def _stops(figures: Figures) -> list[str]:
    rules = list(dict.fromkeys(row["rule"] for row in figures["stops"]))
    kinds = list(dict.fromkeys((row["set"], row["strategy"]) for row in figures["stops"]))
    by = {(row["set"], row["strategy"], row["rule"]): row for row in figures["stops"]}
    lines = [
        "Where each rule stops (MiniLM): median labels, and the points of accuracy lost against "
        "the end of the curve, mean over the seeds that stopped; in brackets how many did, where "
        "not all.",
        "",
    ]

    def cell(row: Figures) -> str:
        if not row["stopped"]:
            return "never"
        some = "" if row["stopped"] == row["runs"] else f" ({row['stopped']} of {row['runs']})"
        return f"{np.median(row['labels']):.0f}: {100 * np.mean(row['lost']):+.1f}{some}"

    return lines + table(
        ["set", "strategy", "end", *rules],
        (
            [name, strategy, f"{by[name, strategy, rules[0]]['end']:.3f}"]
            + [cell(by[name, strategy, rule]) for rule in rules]
            for name, strategy in kinds
        ),
    )


def _read_stopping(figures: Figures, shown: list[Figures]) -> list[str]:
    inside = sum(
        (row["low"] is not None and row["low"] <= row["actual"])
        and (row["high"] is None or row["actual"] <= row["high"])
        for row in shown
    )
    by_points = {
        points: [row for row in shown if row["points"] == points]
        for points in sorted({row["points"] for row in shown})
    }
    said = []
    for points, rows in by_points.items():
        known = [row for row in rows if row["predicted"] is not None]
        if known:
            off = np.median([abs(np.log(row["predicted"] / row["actual"])) for row in known])
            said.append(
                f"{points} points: off by a factor of {np.exp(off):.2f} in the median"
                + (f", never in {len(rows) - len(known)}" if len(known) < len(rows) else "")
                + f" (of {len(rows)})"
            )
    ahead = [(row["points"], row["ahead"]["2"]) for row in figures["coverage"]]
    held = ", ".join(f"{one['in_interval'] / one['runs']:.0%} ({n} points)" for n, one in ahead)
    low = 100 * np.mean([one["bias"] for _, one in ahead])
    return [
        "How to read it. **Forecasts** of the labels needed: the interval holds the actual number "
        f"in {inside} of {len(shown)} rows. By points fitted: {'; '.join(said)}. Of accuracy at "
        f"twice the labels seen, the {figures['level']:.0%} intervals held {held}: fewer, the more "
        "is known. They are intervals for independent noise about a PALM curve. Measured curves "
        "are another thing: successive rounds share their labels and their test set, and "
        f"accuracy ends {abs(low):.1f} points {'above' if low < 0 else 'below'} what the fit says "
        "on average. So take a forecast for what its interval says at best, and one of never with "
        "a grain of salt.",
        "",
        *_read_rules(figures),
    ]


def _read_rules(figures: Figures) -> list[str]:
    rules: dict[str, list[Figures]] = {}
    for row in figures["stops"]:
        rules.setdefault(row["rule"], []).append(row)
    rows = []
    for rule, ones in rules.items():
        fired = [one for one in ones if one["stopped"]]
        lost = [value for one in fired for value in one["lost"]]
        labels = [value for one in fired for value in one["labels"]]
        after = [value for one in fired for value in one["after"]]
        apart = [max(one["labels"]) - min(one["labels"]) for one in fired]
        said = {
            what: [yes for one in fired for yes in (one["right"] or {}).get(what, [])]
            for what in ("reached", "out_of_reach")
        }
        rows.append(
            [
                rule,
                f"{len(labels)} of {sum(one['runs'] for one in ones)}",
                f"{np.median(labels):.0f}" if labels else "",
                f"{np.mean(apart):.0f}" if labels else "",
                f"{100 * np.mean(lost):.1f}" if labels else "",
                f"{np.mean(after) / max(100 * np.mean(lost), 0.1):.0f}" if labels else "",
                *(f"{sum(yes)} of {len(yes)}" if yes else "" for yes in said.values()),
            ]
        )
    return [
        "**Stopping**, over all runs. *Apart* is how far the stops of a setting's seeds are from "
        "each other. *Price* is how many labels each point lost would have cost: those from the "
        "stop to the end over the points lost, in means. The last columns say how often "
        "predicted_target was right that the target is reached (mean of the three rounds about "
        "the stop) or out of reach (no three rounds in a row reach it on average).",
        "",
        *table(
            [
                "rule",
                "stopped",
                "labels, median",
                "apart",
                "points lost",
                "price",
                "right: reached",
                "right: out of reach",
            ],
            rows,
        ),
        "",
        "These curves rise slowly to the end, by steps that are smaller than the noise of a test "
        "set of 500 or 1,000 texts, so a rule that waits for a standstill stops long before there "
        "is one; whether that is early depends on what a point is worth. gain_below_cost is the "
        "rule that is told: at 100 labels a point it should stop where the price is above 100.",
    ]


def _labels(value: float | None) -> str:
    return "∞" if value is None else f"{value:,.0f}"


def _ordinal(place: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(place, f"{place}th")
