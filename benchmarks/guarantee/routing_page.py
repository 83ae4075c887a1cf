"""The section of the results page on routing policies."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]


def guarantee_routing(figures: Figures) -> list[str]:
    """Each policy by itself and with the guarantee behind it."""
    small, middling, strong, person = figures["prices"]
    rows = figures["rows"]
    seeds = sorted({row["seeds"] for row in rows})
    broken = sum(row["broken"] for row in rows)
    return [
        "Recorded answers of several models (`llm_babe`, `llm_cebab`, `llm_css_stance`), none of "
        "which says how sure it is. The first machine is a vote of three to five small models, as "
        "sure as they agree; then come a middling model and a strong one. Prices are a guess at "
        f"proportions: {small:g} for the small models together, {middling:g} for the middling one, "
        f"{strong:g} for the strong one, {person:g} for a person. A uniform seed of "
        f"{figures['seed items']} items (a quarter of `llm_css_stance`) is labelled by people "
        "under every policy, and is what `cascade` and `three_way` are fitted to. *Error* is the "
        "share of the pool that is delivered wrong, *people* the share that people label, *cost* "
        "that of an item. *Behind it, the guarantee*: the same answers under a promise of 5 % "
        f"wrong with 95 % confidence. Means over {' to '.join(map(str, seeds))} seeds, ± standard "
        f"deviation; of {sum(row['seeds'] for row in rows)} promises {broken} "
        f"{'was' if broken == 1 else 'were'} broken.",
        "",
        *table(
            [
                "set",
                "policy",
                "models",
                "error",
                "people",
                "cost",
                "guarantee: error",
                "people",
                "cost",
            ],
            (
                [
                    row["set"],
                    row["policy"],
                    f"{row['model cost'][0]:.1f}",
                    f"{row['error'][0]:.3f}",
                    _spread(row["people"]),
                    f"{row['cost'][0]:.0f}",
                    f"{row['certified error'][0]:.3f}",
                    _spread(row["certified people"]),
                    f"{row['certified cost'][0]:.0f}",
                ]
                for row in rows
            ),
        ),
        "",
        *_reading(rows),
    ]


def _reading(rows: list[dict[str, Any]]) -> list[str]:
    sentences = []
    for name in dict.fromkeys(row["set"] for row in rows):
        own = [row for row in rows if row["set"] == name]
        least = min(own, key=lambda row: row["certified cost"][0])
        alone = next(row for row in own if row["policy"] == "strong model alone")
        sentences.append(
            f"`{name}`: behind the guarantee {least['policy']} costs least "
            f"({least['certified cost'][0]:.0f} an item; the strong model alone "
            f"{alone['certified cost'][0]:.0f})"
        )
    return [
        "How to read it. Without the guarantee no policy knows its error: those whose error is low "
        "ask people for it. Where the share of people is 1 under `cascade` or `three_way`, the "
        "seed could not show that any model is wrong in no more than 10 % by itself, and nothing "
        "stood. " + "; ".join(sentences) + ". Behind the guarantee "
        "most differences in people's labels are no larger than the spread over seeds: what a "
        "policy saves is the models' price. A `cascade` that lets nothing stand asks what `all "
        "models` asks, and about the seed besides, as both fitted policies do; a run under the "
        "other policies does not ask machines about what people have labelled. That is the "
        "difference between the two."
    ]


def _spread(pair: list[float]) -> str:
    return f"{pair[0]:.3f} ± {pair[1]:.3f}"
