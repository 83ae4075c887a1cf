"""The section of the results page on which parts of the procedure pay."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]


def guarantee_variants(figures: Figures) -> list[str]:
    """Whole runs, beginnings and looks of the audit, and what the score sees and learns with."""
    return [
        "At most 5 % of the delivered labels wrong with 95 % confidence; people are gold. The "
        "machine is GPT-4o with the confidence that it states (`llm_stance`), ChatGPT with its own "
        "(`llm_mrpc`), ChatGPT (`llm_mr`), GPT-4 zero-shot with 12 other models as votes "
        "(`llm_babe`), GPT-4o with 5 (`llm_cebab`), ChatGPT with 11 (`llm_css_stance`). Embeddings "
        "are MiniLM's. Defaults were chosen on the means of these sets, none for a set by itself, "
        "so the figures are a little in their favour.",
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
            runs,
            lambda one: (
                f"{one['saved']:.3f} ± {one['std']:.3f} ({one['broken']} of {one['repetitions']})"
            ),
        ),
    ]


def _paths(paths: Figures) -> list[str]:
    return [
        "**When the audit begins, and how it is looked at**: share that needs no person along the "
        "same paths of doubtful items, several audits drawn at each. *Begins at* x: as soon as so "
        "large a share of the rest is expected to stay; all others begin at 0.8, the default.",
        "",
        *_table(paths, lambda one: f"{one['saved']:.3f}", mean="saved"),
    ]


def _scores(scores: Figures) -> list[str]:
    share = next(iter(next(iter(scores.values())).values()))
    sizes = [key for key in share if key != "repetitions"]
    lines = [
        "**What the score sees, and how it learns**: people have labelled a uniform share; how "
        "much of the pool could stay with the rest ranked by the score, if it were known where "
        "the allowed errors are used up (higher is better). No audit, no doubtful items.",
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
    return lines


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
