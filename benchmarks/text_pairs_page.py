"""The section of the results page on pairs of texts."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]


def text_pairs(figures: Figures) -> list[str]:
    """Pairs through the whole loop, and what a learner should see of one."""
    lines: list[str] = []
    for name, part in figures["parts"].items():
        kind, _, model = name.partition(" ")
        lines += _features(part) if kind == "features" else _loop(part, model)
    return lines[1:]


def _loop(part: dict[str, Any], model: str) -> list[str]:
    first = next(iter(part.values()))
    return [
        "",
        f"**{model} and simulated people**: {first['pool']} pairs in the pool, start by typiclust, "
        "then margin, 4 demonstrations, answers below 0.8 to people, 60 labels of people; "
        f"{first['test']} test pairs (a standard error is 0.05). *Alone*: the model's own labels "
        "of the test pairs, calibrated.",
        "",
        *table(
            [
                "set",
                "labels",
                "of them by the model",
                "of those right",
                "learner",
                "alone, 0 shots",
                "alone, 4 shots",
                "tokens",
                "planned",
                "exported and read back",
            ],
            (
                [
                    name,
                    one["labels"],
                    one["by_llm"],
                    "" if one["llm_right"] is None else f"{one['llm_right']:.2f}",
                    f"{one['learner_accuracy']:.2f}",
                    f"{one['model_alone']['0 shots']:.2f}",
                    f"{one['model_alone']['4 shots']:.2f}",
                    f"{one['tokens']:,}",
                    f"{one['planned_tokens']:,}",
                    "equal" if one["exported_and_read_back"] else "not equal",
                ]
                for name, one in part.items()
            ),
        ),
    ]


def _features(part: dict[str, Any]) -> list[str]:
    ways = list(next(iter(part.values()))["accuracy"])
    return [
        "",
        "**What a learner sees of a pair**: a linear head on MiniLM embeddings of 1,000 train "
        "rows, accuracy in five folds ± standard error.",
        "",
        *table(
            ["set", "most frequent label", *ways, "cosine of a pair and its swap"],
            (
                [
                    name,
                    f"{one['most frequent label']:.3f}",
                    *(
                        f"{one['accuracy'][way][0]:.3f} ± {one['accuracy'][way][1]:.3f}"
                        for way in ways
                    ),
                    f"{one['cosine of a pair and its swap']:.3f}",
                ]
                for name, one in part.items()
            ),
        ),
        "",
        "How to read it. The embedding of both texts joined hardly knows which came first (the "
        "cosine of a pair and its swap is near one), and a linear head on it is little better than "
        "the most frequent label. That one text follows from another is not linear in what a "
        "sentence embedder says of either: difference and product help where they do, and none of "
        "these is a substitute for a model that reads both. llmal joins the fields.",
    ]
