"""The section of the results page on selectors that ask the language model."""

from __future__ import annotations

from typing import Any

from page_tables import table
from results_file import TOY

Figures = dict[str, Any]


def llm_selectors(figures: Figures) -> list[str]:
    """The parts that were run: windows, costs, curves."""
    parts = []
    if "windows" in figures:
        parts.append(_windows(figures))
    if "costs" in figures:
        parts.append(_costs(figures))
    if "curves" in figures:
        parts.append([*_curves(figures), "", _reading(figures)])
    lines = [f"{figures['model']}, trec6."]
    for part in parts:
        lines += ["", *part]
    return lines


def _windows(figures: Figures) -> list[str]:
    windows = figures["windows"]
    every = all(one["exact_distinct_in_range"] for one in windows)
    promise = "always" if every else "not always"
    return [
        f"`LLMBatch` gave {promise} exactly k distinct items in range; how many of them had to be "
        "asked for again, because the model had repeated an id, and how many were drawn at random "
        "in the end:",
        "",
        *table(
            ["windows", "k", "asked for again", "at random", "requests", "tokens"],
            (
                [
                    one["windows"],
                    one["k"],
                    one["asked_again"],
                    one["at_random"],
                    one["requests"],
                    f"{one['tokens']:,}",
                ]
                for one in windows
            ),
        ),
    ]


def _costs(figures: Figures) -> list[str]:
    return [
        f"One selection of {figures['batch']} among {figures['pool']} items, beside what "
        "`estimate` said before:",
        "",
        *table(
            ["selector", "requests", "tokens", "of at most", "seconds"],
            (
                [
                    one["selector"],
                    f"{one['requests']:,}",
                    f"{one['prompt_tokens'] + one['completion_tokens']:,}",
                    f"{one['estimate_tokens']:,}",
                    f"{one['seconds']:.0f}",
                ]
                for one in figures["costs"]
            ),
        ),
    ]


def _curves(figures: Figures) -> list[str]:
    return [
        f"Test accuracy by round: {figures['start']} items by TypiClust, then {figures['rounds']} "
        f"rounds of {figures['batch']} from pools of {figures['pool']}, a linear head on MiniLM "
        f"embeddings, seeds: {figures['seeds']}. The last column is the mean over rounds, "
        "± one standard deviation over seeds.",
        "",
        *table(
            ["selector", *(str(n) for n in range(figures["rounds"] + 1)), "mean"],
            (
                [
                    name,
                    *(f"{value:.3f}" for value in one["accuracy"]),
                    f"{one['mean_over_rounds']:.3f}"
                    + (f" ± {one['std_over_seeds']:.3f}" if figures["seeds"] > 1 else ""),
                ]
                for name, one in figures["curves"].items()
            ),
        ),
    ]


def _reading(figures: Figures) -> str:
    curves = {name: one["mean_over_rounds"] for name, one in figures["curves"].items()}
    chance, spread = curves["Random"], figures["curves"]["Random"]["std_over_seeds"]
    asking = {name: mean for name, mean in curves.items() if name not in ("Random", "Margin")}
    better = [name for name, mean in asking.items() if mean > chance + spread]
    worse = [name for name, mean in asking.items() if mean < chance - spread]
    found = f"better than random by more than its spread: {', '.join(better) or 'none'}"
    if figures["seeds"] == 1:
        gaps = ", ".join(f"{name} {mean - chance:+.3f}" for name, mean in asking.items())
        return f"Mean over rounds, against random: {gaps}; one seed."
    text = f"Of the selectors that ask, {found}; worse: {', '.join(worse) or 'none'}."
    if figures["model"] == TOY:
        text += (
            " A model of seven million parameters has no opinion worth asking for on what is hard "
            "or useful; what this shows is that the mechanics hold and what they cost."
        )
    return text
