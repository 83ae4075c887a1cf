"""The section of the results page on which parts of the procedure pay."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]
_TRIED = [
    "How to read it. The score is where labels are saved: with confidence alone a quarter less of "
    "the pool could stay. Of its parts, overlap is worth 0.1 on pairs and the embedding 0.03 to "
    "0.05 on stances; no other is missed by more than about 0.02, as they say much the same. A "
    "model of labels beats one of errors by 0.01 to 0.02, two kinds of models beat either by less. "
    "Whether labels are replaced hardly changes what may stay.",
    "",
    "Tried besides, by hand, and left out as nothing came of it on the mean of these sets: labels "
    "of the machine as weak labels for the model, more students (on characters, on whole "
    "embeddings), labels of the machine in the neighbourhood, a seed by TypiClust (alone, or half "
    "of it), an allowance for how little a small seed knows of the error rate, planning by the "
    "critical counts themselves in place of a normal approximation, six looks. By the plan's own "
    "sums, auditing the doubtful more often (with a probability that rises with the root of p) "
    "would save less than 0.01, before what an exact rule for it would cost.",
]


def guarantee_variants(figures: Figures) -> list[str]:
    """Whole runs, beginnings and looks of the audit, and what the score sees and learns with."""
    return [
        "At most 5 % of the delivered labels wrong with 95 % confidence; people are gold. The "
        "machine is GPT-4o with the confidence that it states (`llm_stance`), ChatGPT with its own "
        "(`llm_mrpc`), ChatGPT (`llm_mr`), GPT-4 zero-shot with 12 other models as votes "
        "(`llm_babe`), GPT-4o with 5 (`llm_cebab`), ChatGPT with 11 (`llm_css_stance`). Embeddings "
        "are MiniLM's. Defaults were chosen on the means of these sets, none for a set by itself, "
        "so the figures are a little in their favour. Few repetitions, as time was short: read "
        "differences of less than 0.02 as none.",
        "",
        *_runs(figures["runs"]),
        "",
        *_paths(figures["paths"]),
        "",
        *_scores(figures["scores"]),
    ]


def _runs(runs: Figures) -> list[str]:
    return [
        "**Whole runs**: share that needs no person ± standard deviation over repetitions (broken "
        "promises of repetitions). Seed, doubtful items, audit and review count as people's work.",
        "",
        *_table(
            {
                variant: sets
                for variant, sets in runs.items()
                if min(one["repetitions"] for one in sets.values()) > 1
            },
            lambda one: (
                f"{one['saved']:.3f} ± {one['std']:.3f} ({one['broken']} of {one['repetitions']})"
            ),
        ),
    ]


def _paths(paths: Figures) -> list[str]:
    counts = [one["paths"] for one in paths["default"].values()]
    return [
        "**When the audit begins, and how it is looked at**: share that needs no person along the "
        "same paths of doubtful items, six audits drawn at each. *Begins at* x: as soon as so "
        "large a share of the rest is expected to stay; all others begin at 0.8, the default.",
        "",
        *_table(paths, lambda one: f"{one['saved']:.3f}", mean="saved"),
        "",
        f"Of {min(counts)} to {max(counts)} paths a set. Looks, sizes of the audit and z change "
        "little, but on the smallest pool, where one look or a smaller audit costs a lot.",
    ]


def _scores(scores: Figures) -> list[str]:
    share = next(iter(next(iter(scores.values())).values()))
    sizes = [key for key in share if key != "repetitions"]
    lines = [
        "**What the score sees, and how it learns**: people have labelled a uniform share; how "
        "much of the pool could stay with the rest ranked by the score, if it were known where "
        "the allowed errors are used up (higher is better). No audit, no doubtful items. "
        f"{share['repetitions']} repetitions.",
    ]
    for size in sizes:
        lines += [
            "",
            f"{float(size):.0%} labelled:",
            "",
            *_table(
                {
                    variant: {name: one[size] for name, one in sets.items()}
                    for variant, sets in scores.items()
                },
                lambda one: f"{one['kept']:.3f}",
                mean="kept",
            ),
        ]
    return [*lines, "", *_TRIED]


def _table(variants: Figures, cell: Any, mean: str | None = None) -> list[str]:
    """A row a variant, a column a set; variants that lack a set have no mean."""
    names = list(dict.fromkeys(name for sets in variants.values() for name in sets))
    rows = []
    for variant, sets in variants.items():
        row = [variant, *(cell(sets[name]) if name in sets else "" for name in names)]
        if mean is not None:
            whole = len(sets) == len(names)
            average = sum(one[mean] for one in sets.values()) / len(sets)
            row.append(f"{average:.3f}" if whole else "")
        rows.append(row)
    return table(["", *names, *([] if mean is None else ["mean"])], rows)
