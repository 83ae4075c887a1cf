"""The sections of the results page on soft prompts beside other learners."""

from __future__ import annotations

from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]


def learners_few_shot(figures: Figures) -> list[str]:
    """Accuracy by labels a class, seconds of training and numbers that are trained."""
    cells = figures["cells"]
    found: dict[tuple[str, str, str], dict[int, list[float]]] = {}
    for cell in cells:
        name, model, method, shots, _ = cell["cell"]
        found.setdefault((name, model, method), {}).setdefault(shots, []).append(cell["accuracy"])
    shots = sorted({one for by in found.values() for one in by if one})
    rows = []
    for (name, model, method), by in sorted(found.items()):
        alone = by.get(0)
        rows.append(
            [name, model, method]
            + (
                [_mean(alone), *[""] * (len(shots) - 1)]
                if alone
                else [_mean(by.get(n)) for n in shots]
            )
        )
    costs: dict[tuple[str, str], list[tuple[float, float, str]]] = {}
    for cell in cells:
        _, model, method, number, _ = cell["cell"]
        if number:
            costs.setdefault((model, method), []).append(
                (cell["train_s"], cell["parameters"], cell["device"])
            )
    return [
        "Accuracy on the first 500 test rows as shuffled by seed 0, by the number of labels a "
        "class that people gave (mean ± standard deviation over draws, in brackets how many "
        "draws). Every method has the same labels. Soft prompts have the settings that `search.py` "
        "found on other sets (`--settings`); the others that are trained have their defaults, "
        "and nobody searched for theirs. *Prompt tuning, label words* is PEFT's prompt tuning in "
        "front of llmal's own labelling prompt, scored over whole labels; the *dynamic soft "
        "prompt* depends on the text besides. Zero-shot has no labels, and stands in the first "
        "column. SmolLM2's cells were run on a GPU under a time limit, so some draws are missing; "
        "tiny-lm's on a CPU: one draw, and not of all. *Contrastive* is llmal's learner after "
        "SetFit.",
        "",
        *table(["set", "model", "method", *(f"{n} a class" for n in shots)], rows),
        "",
        *table(
            ["model", "method", "trained numbers", "seconds of training, mean", "on"],
            [
                [
                    model,
                    method,
                    f"{max(one[1] for one in mine):,}",
                    f"{np.mean([one[0] for one in mine]):.1f}",
                    ", ".join(sorted({one[2] for one in mine})),
                ]
                for (model, method), mine in sorted(costs.items())
                if any(one[1] for one in mine)
            ],
        ),
    ]


def _mean(values: list[float] | None) -> str:
    if not values:
        return ""
    return f"{np.mean(values):.3f} ± {np.std(values):.3f} ({len(values)})"


def learners_search(figures: Figures) -> list[str]:
    """Mean accuracy by value of each setting, and the best settings."""
    settings = figures["settings"]
    names = [one for one in settings[0] if one not in ("accuracy", "fusion")]
    return [
        f"{len(settings)} settings drawn at random, each tried in {figures['cells_a_setting']} "
        "cells of set (emotion, mr, dbpedia14) and labels a class, and judged on other rows of the "
        "train part. Few: a time limit on a GPU, so read it as what to avoid, not as what is best.",
        "",
        *table(
            ["setting", "value: mean accuracy"],
            [
                [name, ", ".join(f"{value}: {mean:.3f}" for value, mean in by.items())]
                for name, by in figures["by_value"].items()
            ],
        ),
        "",
        *table(
            ["accuracy", *names],
            [[f"{one['accuracy']:.3f}", *(one[name] for name in names)] for one in settings[:6]],
        ),
    ]


def learners_served(figures: Figures) -> list[str]:
    """How near a served soft prompt is to the same in process, and items a second."""
    rates = {
        "served_items_s": "served",
        "in_process_items_s": "in process",
        "served_without_soft_prompt_items_s": "server, no soft prompt",
        "transformers_without_soft_prompt_items_s": "transformers, no soft prompt",
    }
    rows = figures["rows"]
    return [
        f"A dynamic soft prompt behind vLLM beside the same in process, {figures['texts']} "
        f"questions of trec6, labels of {min(rows[0]['label_tokens'])} to "
        f"{max(rows[0]['label_tokens'])} tokens; the largest difference of log-probabilities, and "
        "items a second. transformers reads once what all prompts begin with.",
        "",
        *table(
            ["soft prompt", "difference", *rates.values()],
            [
                [
                    row["place"],
                    f"{row['largest_difference']:.1e}",
                    *(f"{row[n]:.0f}" for n in rates),
                ]
                for row in rows
            ],
        ),
    ]


def learners_served_lora(figures: Figures) -> list[str]:
    """How near served low-rank updates are to the same in process, and items a second."""
    rates = {
        "served_items_s": "served",
        "in_process_items_s": "in process",
        "served_alone_items_s": "the model alone, on that server",
        "transformers_alone_items_s": "the model alone, transformers",
    }
    rows = figures["rows"]
    return [
        "Low-rank updates that answer with words: added by the server itself (*LoRA*), and in the "
        f"weights of the exported model that it serves (*merged*); {figures['texts']} questions of "
        f"trec6, labels of {min(rows[0]['label_tokens'])} to {max(rows[0]['label_tokens'])} "
        "tokens; the largest difference of log-probabilities from the learner's own, and items a "
        "second. *Load* is that of all processes of the machine "
        f"({figures['machine']}): where it is above the number of cores, others took part of "
        "them, and rates are to be compared within a row alone. vLLM's CPU build copies the "
        "updates once for every token that it reads, which a GPU's kernels do not.",
        "",
        *table(
            ["way", "difference", *rates.values(), "load"],
            [
                [
                    row["learner"],
                    f"{row['largest_difference']:.1e}",
                    *(f"{row[name]:.1f}" if name in row else "" for name in rates),
                    f"{row['load']:.1f}",
                ]
                for row in rows
            ],
        ),
    ]
