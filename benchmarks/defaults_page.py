"""The sections of the results page on the defaults of labelling by a language model."""

from __future__ import annotations

from typing import Any

from defaults_scores import TEXT_COLUMNS
from page_tables import table

Figures = dict[str, Any]


def defaults(figures: Figures) -> list[str]:
    """The defaults table, what follows from it, and all cells."""
    models = ", ".join(
        f"{name} ({one['dtype']})" for name, one in sorted(figures["models"].items(), key=_toy)
    )
    return [
        f"Models: {models}. {len(figures['cells'])} cells of model, set, style, number of "
        "demonstrations and arrangement; each with test texts, texts of the train part as pool "
        "(calibrators that need no labels are fitted on half of them), labelled ones for the maps, "
        "3 inputs without content and 20 of random words. Prompts are llmal's own with the labels' "
        f"names as the data have them and no guidelines. {_cut(figures)} The ECE of 100 to 150 "
        "texts has a floor of about 0.1 that is noise.",
        "",
        "*Rank* is the mean rank by accuracy over the cells, 1 the best; *to none* the worst "
        "difference to no calibration in a cell, *to best* that to the best calibrator of the "
        "cell. **Choices are made on train rows** (the half of the pool that nothing was fitted "
        "on); the columns of the test show how it came out.",
        "",
        _reasons(figures),
        "",
        *_calibrators(figures),
        "",
        "**Style, normalisation and calibrator together**, over models, sets and numbers of "
        "demonstrations; the twelve best of all by mean rank on train rows:",
        "",
        *table(
            [
                "style, normalisation, calibrator",
                "rank (train)",
                "below best: mean",
                "worst",
                "rank (test)",
                "accuracy",
                "macro-F1",
                "ECE",
                "below best: mean",
                "worst",
            ],
            (
                [
                    row["setting"].replace(" | ", ", "),
                    f"{row['choice_rank']:.1f}",
                    f"{row['choice_below_best']:.3f}",
                    f"{row['choice_worst_below_best']:.2f}",
                    f"{row['test_rank']:.1f}",
                    f"{row['test_accuracy']:.3f}",
                    f"{row['macro_f1']:.3f}",
                    f"{row['ece']:.3f}",
                    f"{row['test_below_best']:.3f}",
                    f"{row['test_worst_below_best']:.2f}",
                ]
                for row in figures["settings"][:12]
            ),
        ),
        "",
        *_comparison(figures, "styles", "style", "**Style**"),
        "",
        *_comparison(
            figures,
            "normalisation",
            "normalise",
            "**Normalisation** (of labels of several tokens), from the same scores",
        ),
        "",
        *_shots(figures),
        "",
        *_arrangements(figures),
        "",
        *_pool(figures),
        "",
        *_every_cell(figures),
    ]


def _reasons(figures: Figures) -> str:
    """What became the default and why, with the figures of the tables below."""
    without = {
        (row["model"], row["calibrator"]): row
        for row in figures["calibrators"]
        if row["among"] == "without labels" and row["style"] == "all"
    }
    every = {
        row["calibrator"]: row
        for row in figures["calibrators"]
        if row["among"] == "all" and (row["model"], row["style"]) == ("all", "all")
    }
    ranks = sorted(
        (row["choice_rank"], name) for (model, name), row in without.items() if model == "all"
    )
    batch, none = without["all", "batch"], without["all", "none"]
    place = [name for _, name in ranks].index("batch") + 1
    styles = {
        (row["model"], row["style"]): row
        for row in figures["styles"]
        if row["calibrator"] == "batch"
    }
    by_style = "; ".join(
        f"{model}: chat {styles[model, 'chat']['test_accuracy']:.3f}, completion "
        f"{styles[model, 'completion']['test_accuracy']:.3f}, auto "
        f"{styles[model, 'auto']['test_accuracy']:.3f}"
        for model in _models(figures)
    )
    by_norm = "; ".join(
        f"{model}: "
        + ", ".join(
            f"{row['normalise']} {row['test_accuracy']:.3f}"
            for row in figures["normalisation"]
            if (row["model"], row["calibrator"]) == (model, "batch")
        )
        for model in _models(figures)
    )
    taken = {line.split(" | ")[2] for line in figures["auto"]}
    rival = ", ".join(
        f"{without[model, 'prior-matching']['test_accuracy']:.3f} against "
        f"{without[model, 'batch']['test_accuracy']:.3f} with {model}"
        for model in _models(figures)
    )
    return (
        "**What became the default.** `calibrate: batch` on 64 texts of the pool, `style: auto`, "
        "`normalise: sum`, demonstrations `balanced` in random order. By the rank on train rows "
        f"batch is number {place} of {len(ranks)} calibrators that need no label; on the test it "
        f"lifts the mean accuracy from {none['test_accuracy']:.3f} to "
        f"{batch['test_accuracy']:.3f} and the macro-F1 from {none['macro_f1']:.3f} to "
        f"{batch['macro_f1']:.3f}, brings the ECE from {none['ece']:.3f} to {batch['ece']:.3f}, is "
        f"better than none in {batch['test_better']} cells and worse in {batch['test_worse']}, at "
        f"worst by {-batch['test_worst_to_none']:.2f} ({-batch['choice_worst_to_none']:.2f} on "
        "train rows). Contextual calibration loses up to "
        f"{-without['all', 'contextual']['test_worst_to_none']:.2f} in a cell, prior matching "
        f"{-without['all', 'prior-matching']['test_worst_to_none']:.2f}; prior matching has "
        f"{rival}. `auto` took {' or '.join(sorted(taken))} for every set and model; with batch, "
        f"test accuracy is: {by_style}. The ways to compare labels are near each other once the "
        f"scores are calibrated ({by_norm}). With 50 labelled items, temperature behind batch "
        f"leaves the labels alone and has an ECE of {every['batch, then temperature']['ece']:.3f}; "
        f"Dirichlet calibration has the higher accuracy "
        f"({every['dirichlet']['test_accuracy']:.3f}) and the lower macro-F1 "
        f"({every['dirichlet']['macro_f1']:.3f} against {batch['macro_f1']:.3f}): it gives up "
        f"rare labels. {_order_reason(figures)}"
        "What no calibrator without labels can know is whether the labels are equally frequent: on "
        "a pool with nine tenths of one label batch can lose most of the accuracy (the table "
        "below), and a few random labels of the pool, as the class prior of prior matching, win it "
        "back; so a run with labels measures, and says so. The limits of all this: two small "
        "models, of which tiny-lm was trained on other rows of these sets; one draw of "
        "demonstrations; train rows of the same six sets for the choice, so the test shows that it "
        "holds for other texts and not that it holds for other tasks."
    )


def _order_reason(figures: Figures) -> str:
    found = [
        f"{row['balanced']['choice_accuracy']:.3f} in random order, {row['choice_accuracy']:.3f} "
        f"with labels in turn (test {row['balanced']['test_accuracy']:.3f}, "
        f"{row['test_accuracy']:.3f}; {row['cells']} cells, {row['model']})"
        for row in figures["arrangements"]
        if row["arrangement"] == "balanced, labels in turn" and row["calibrator"] == "batch"
    ]
    if not found:
        return ""
    return (
        f"The order of balanced demonstrations, with batch, on train rows: {'; '.join(found)}; one "
        "draw of demonstrations is too little to change a default by. "
    )


def _toy(pair: tuple[str, Any]) -> bool:
    return pair[0] == "tiny-lm"


def _models(figures: Figures) -> list[str]:
    return [name for name, _ in sorted(figures["models"].items(), key=_toy)]


def _cut(figures: Figures) -> str:
    """Which cells of the full grid are there, in words."""
    scored: dict[str, dict[str, set[str]]] = {}
    for line in figures["cells"]:
        model, name, style, shots, arrangement, seeds = line.split(" | ")
        scored.setdefault(model, {}).setdefault(arrangement, set()).update(
            f"{name}/{style}/{shots}/{seed}" for seed in seeds.split(",")
        )
    parts = []
    for model in _models(figures):
        for arrangement, cells in scored[model].items():
            seeds = sorted({cell.rsplit("/", 1)[1] for cell in cells})
            parts.append(f"{model}, {arrangement}: {len(cells)} (seeds {', '.join(seeds)})")
    sizes = "; ".join(
        f"{model}: "
        + " and ".join(
            f"{text} in {count} cells" for text, count in figures["models"][model]["sizes"].items()
        )
        for model in _models(figures)
    )
    absent = [
        f"{model} {name} {style} {shots}"
        for model in _models(figures)
        for name in TEXT_COLUMNS
        for style in ("completion", "chat")
        for shots in (0, 4, 8)
        if not any(
            cell.startswith(f"{name}/{style}/{shots}/")
            for cell in scored[model].get("balanced", set())
        )
    ]
    missing = f" Cut for want of time: {', '.join(absent)}." if absent else ""
    return f"Cells scored, seeds counted: {'; '.join(parts)}.{missing} Texts: {sizes}."


def _calibrators(figures: Figures) -> list[str]:
    lines: list[str] = []
    for among, title in (
        ("without labels", "**Calibrators that need no labels**"),
        ("all", "**All calibrators**, the maps with labelled items"),
    ):
        for model, style in [("all", "all"), *((name, "all") for name in _models(figures))]:
            rows = [
                row
                for row in figures["calibrators"]
                if (row["model"], row["style"], row["among"]) == (model, style, among)
            ]
            if not rows:
                continue
            name = "both models" if model == "all" else model
            lines += [f"{title}, {name}, {rows[0]['cells']} cells", ""]
            lines += table(
                [
                    "calibrator",
                    "accuracy (train)",
                    "rank",
                    "to none",
                    "to best",
                    "accuracy (test)",
                    "rank",
                    "to none",
                    "to best",
                    "better, worse",
                    "macro-F1",
                    "ECE",
                ],
                (
                    [
                        row["calibrator"],
                        *(
                            cell
                            for part in ("choice", "test")
                            for cell in (
                                f"{row[f'{part}_accuracy']:.3f}",
                                f"{row[f'{part}_rank']:.2f}",
                                f"{row[f'{part}_worst_to_none']:+.2f}",
                                f"{-row[f'{part}_worst_below_best']:+.2f}",
                            )
                        ),
                        f"{row['test_better']}, {row['test_worse']}",
                        f"{row['macro_f1']:.3f}",
                        f"{row['ece']:.3f}",
                    ]
                    for row in rows
                ),
            )
            lines.append("")
    return lines[:-1]


def _comparison(figures: Figures, key: str, column: str, title: str) -> list[str]:
    return [
        f"{title}:",
        "",
        *table(
            [
                "model",
                "calibrator",
                column,
                "cells",
                "accuracy (train)",
                "rank",
                "accuracy (test)",
                "rank",
                "worst to best",
                "macro-F1",
                "ECE",
            ],
            (
                [
                    row["model"],
                    row["calibrator"],
                    row[column],
                    row["cells"],
                    f"{row['choice_accuracy']:.3f}",
                    f"{row['choice_rank']:.2f}",
                    f"{row['test_accuracy']:.3f}",
                    f"{row['test_rank']:.2f}",
                    f"{-row['test_worst_below_best']:+.2f}",
                    f"{row['macro_f1']:.3f}",
                    f"{row['ece']:.3f}",
                ]
                for row in sorted(figures[key], key=lambda row: row["model"] == "tiny-lm")
            ),
        ),
    ]


def _shots(figures: Figures) -> list[str]:
    names = ("none", "contextual", "batch", "prior-matching")
    found = {
        (row["model"], row["style"], row["shots"], row["calibrator"]): row
        for row in figures["shots"]
    }
    settings = sorted({key[:3] for key in found}, key=lambda key: (key[0] == "tiny-lm", key))
    return [
        "**Demonstrations** (balanced; mean test accuracy over the sets, ECE behind it):",
        "",
        *table(
            ["model", "style", "demonstrations", "sets", *names],
            (
                [
                    *setting,
                    found[(*setting, "none")]["cells"],
                    *(
                        f"{found[(*setting, name)]['accuracy']:.3f} / "
                        f"{found[(*setting, name)]['ece']:.3f}"
                        for name in names
                    ),
                ]
                for setting in settings
            ),
        ),
    ]


def _arrangements(figures: Figures) -> list[str]:
    if not figures["arrangements"]:
        return []
    return [
        "**How demonstrations are chosen and arranged**, against `balanced` in random order in the "
        "same cells:",
        "",
        *table(
            [
                "model",
                "demonstrations",
                "calibrator",
                "cells",
                "accuracy (train)",
                "balanced",
                "accuracy (test)",
                "balanced",
                "ECE",
                "balanced",
            ],
            (
                [
                    row["model"],
                    row["arrangement"],
                    row["calibrator"],
                    row["cells"],
                    f"{row['choice_accuracy']:.3f}",
                    f"{row['balanced']['choice_accuracy']:.3f}",
                    f"{row['test_accuracy']:.3f}",
                    f"{row['balanced']['test_accuracy']:.3f}",
                    f"{row['ece']:.3f}",
                    f"{row['balanced']['ece']:.3f}",
                ]
                for row in sorted(figures["arrangements"], key=lambda row: row["model"])
            ),
        ),
    ]


def _pool(figures: Figures) -> list[str]:
    counts = sorted({row["texts"] for row in figures["pool_sizes"]})
    sizes = {(row["model"], row["calibrator"], row["texts"]): row for row in figures["pool_sizes"]}
    skewed = {(row["model"], row["calibrator"], row["judged_on"]): row for row in figures["skewed"]}
    names = list(dict.fromkeys(row["calibrator"] for row in figures["skewed"]))
    models = _models(figures)
    return [
        "**How many texts of the pool**: gain in test accuracy over no calibration, mean over "
        "cells (the worst cell; cells with so many texts), ten draws each:",
        "",
        *table(
            ["model", "calibrator", *(f"{count} texts" for count in counts)],
            (
                [
                    model,
                    name,
                    *(_gain(sizes.get((model, name, count))) for count in counts),
                ]
                for model in models
                for name in ("batch", "prior-matching")
            ),
        ),
        "",
        "**Where nine tenths of the pool have one label** (each label in turn): gain over no "
        "calibration, mean (and worst), on the test rows, which are not skewed, and on the skewed "
        "pool itself, which is what a run labels. *Class prior of 30 labels*: the shares of the "
        "labels among 30 random texts of that pool, one added to each.",
        "",
        *table(
            [
                "calibrator",
                *(f"{model}, {where}" for model in models for where in _JUDGED_ON),
            ],
            (
                [
                    name,
                    *(
                        f"{skewed[model, name, where]['mean']:+.3f} "
                        f"({skewed[model, name, where]['worst']:+.2f})"
                        for model in models
                        for where in _JUDGED_ON
                    ),
                ]
                for name in names
                if name != "none"
            ),
        ),
    ]


def _gain(row: Figures | None) -> str:
    return f"{row['mean']:+.3f} ({row['worst']:+.2f}; {row['cells']})" if row else ""


_JUDGED_ON = ("the test rows", "the skewed pool")


def _every_cell(figures: Figures) -> list[str]:
    """Accuracy, macro-F1 and ECE of the balanced cells, summed log-probabilities."""
    names = ("none", "contextual", "domain-context", "batch", "prior-matching", "vector")
    found: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for line in figures["rows"]:
        model, data, style, shots, arrangement, normalise, name, *values = line.split(" | ")
        if arrangement == "balanced" and normalise == "sum":
            found.setdefault((model, data, style, shots), {})[name] = values
    return [
        "**Every cell**, test accuracy / macro-F1 / ECE, mean over the seeds (the other "
        "calibrators and normalisations are in `benchmarks/results/defaults.json`):",
        "",
        *table(
            ["model", "set", "style", "shots", *names],
            (
                [
                    *key,
                    *(
                        " / ".join(f"{float(value):.3f}" for value in by_name[name][1:])
                        for name in names
                    ),
                ]
                for key, by_name in sorted(
                    found.items(), key=lambda pair: (pair[0][0] == "tiny-lm", pair[0])
                )
            ),
        ),
    ]
