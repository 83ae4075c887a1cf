"""The section of the results page on PromptAL's ablations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from page_tables import table
from scipy import stats

Figures = dict[str, Any]
Row = dict[str, float]
Seeds = dict[int, list[Row]]
"""The rounds of a variant, by seed."""

FULL = "full"
_KEPT = {
    "js_predicted": ("JS, predicted", ".3f"),
    "js_labelled": ("JS, labelled", ".3f"),
    "imb": ("IMB", ".1f"),
    "unc": ("Unc", ".3f"),
    "div": ("Div", ".3f"),
    "rep": ("Rep", ".3f"),
}


def learners_promptal(figures: Figures) -> list[str]:
    """Accuracy by round, paired differences, and what was acquired, set by set."""
    cells = figures["cells"]
    lines = [
        "Rounds of 32 labels, the first at random and the same for all variants of a seed, a fresh "
        "model in each round; learner and selector of the recipe `promptal`, called directly. "
        "Accuracy is on a part of the test rows and chose nothing. Mean ± standard deviation over "
        "seeds. *Random picks* is the full learner without the query. JS is the Jensen-Shannon "
        "divergence in bits from the label distribution of the pool: of what the model expects of "
        "the pool (mean probabilities), and of the labels that it was trained on. Of all items "
        "that the query picked: IMB, most of a class to fewest (each plus one); Unc, their mean "
        "entropy in the eyes of one reference model, trained on the whole pool's gold labels; Div, "
        "one over the mean distance of the pool to the nearest of them; Rep, the mean of one over "
        "the distance to the 10 nearest in the pool, both between that model's states.",
        *_settings(figures),
        *_missing(cells),
    ]
    for name in dict.fromkeys(cell["cell"][0] for cell in cells):
        mine = [cell for cell in cells if cell["cell"][0] == name]
        by: dict[str, Seeds] = {}
        for cell in mine:
            by.setdefault(cell["cell"][1], {})[cell["cell"][2]] = cell["rows"]
        order = sorted(by, key=lambda one: (one != FULL, one))
        lines += ["", f"**{name}** ({_sizes(mine)})", "", *_by_round(by, order, "accuracy", ".3f")]
        if FULL in by:
            lines += ["", *_differences(by, order)]
        lines += ["", "JS of what the model expects of the pool, by labels:"]
        lines += ["", *_by_round(by, order, "js_predicted", ".3f")]
        lines += ["", *_acquired(by, order)]
    return lines


def _settings(figures: Figures) -> list[str]:
    tried = figures["settings"]
    if not tried:
        return []
    said = ", ".join(
        f"{one['learning_rate']:g} in {one['epochs']} passes {one['accuracy']:.3f}" for one in tried
    )
    return [
        "",
        "The model is a sentence encoder without a language head, so there is no mask, no word of "
        "a class and no loss over a vocabulary here: a linear head on the mean state stands in "
        "their place. Accuracy of rates and passes (the paper's are 2e-05 and 10) on rows of "
        f"{tried[0]['set']}, 16 labels a class, one draw (`settings` was ended after it): {said}. "
        "The rate below was taken before all of these were in, and fewer passes for want of time. "
        "So this says little about PromptAL over RoBERTa; the same command with `--plm "
        "roberta-base`, and no rate, passes and sizes given, does that where there is a GPU.",
    ]


def _missing(cells: list[dict[str, Any]]) -> list[str]:
    """What a time limit left out."""
    seeds = {}
    for cell in cells:
        name, variant, _ = cell["cell"]
        seeds[name, variant] = seeds.get((name, variant), 0) + 1
    if len(set(seeds.values())) == 1 and len({name for name, _ in seeds}) > 1:
        return []
    said = "Cells were run seed by seed under a time limit, so later ones are missing."
    return ["", said]


def _sizes(cells: list[dict[str, Any]]) -> str:
    one = cells[0]
    seeds = len({cell["cell"][2] for cell in cells})
    return (
        f"{one['plm']}, pool of {one['pool'] or 'all'} rows, {one['test'] or 'all'} test rows, "
        f"{one['rounds']} rounds, rate {one['learning_rate'] or 'by default'}, "
        f"{one['epochs'] or 'default'} passes, up to {seeds} seeds"
    )


def _by_round(by: dict[str, Seeds], order: Sequence[str], key: str, form: str) -> list[str]:
    rounds = [row for seeds in by.values() for rows in seeds.values() for row in rows]
    labels = sorted({int(row["labels"]) for row in rounds})
    body = []
    for variant in order:
        mine = [row for rows in by[variant].values() for row in rows]
        at = [[row[key] for row in mine if row["labels"] == count] for count in labels]
        body.append([variant, *(_spread(values, form) for values in at), len(by[variant])])
    return table(["", *(f"{count} labels" for count in labels), "seeds"], body)


def _differences(by: dict[str, Seeds], order: Sequence[str]) -> list[str]:
    """Full minus variant on the same seeds."""
    measures: dict[str, Callable[[list[Row]], float]] = {
        "last round": lambda rows: rows[-1]["accuracy"],
        "mean of the rounds after the first": lambda rows: float(
            np.mean([row["accuracy"] for row in rows[1:]])
        ),
    }
    body, sure = [], []
    for variant in order:
        if variant == FULL:
            continue
        shared = sorted(by[FULL].keys() & by[variant].keys())
        line: list[object] = [variant]
        for name, measure in measures.items():
            gaps = np.array([measure(by[FULL][s]) - measure(by[variant][s]) for s in shared])
            line.append(_gap(100 * gaps))
            if _is_apart(gaps):
                sure.append(f"{variant} ({name})")
        body.append([*line, len(shared)])
    said = (
        "Points of accuracy of the full method above each variant, paired by seed, ± standard "
        "error. With three seeds a difference has to be 4.3 standard errors from zero, with two "
        "12.7, for a 95 % interval that leaves zero out; one seed says nothing of chance"
    )
    if sure:
        said += (
            f". That holds for {', '.join(sure)}; of {2 * len(body)} differences one in twenty "
            "would by chance. Of the rest nothing can be said either way."
        )
    else:
        said += ". No difference is that far: nothing can be said of any part either way."
    return [said, "", *table(["full minus", *measures, "seeds"], body)]


def _gap(gaps: Any) -> str:
    if not len(gaps):
        return ""
    if len(gaps) == 1:
        return f"{gaps[0]:+.1f}"
    return f"{gaps.mean():+.1f} ± {gaps.std(ddof=1) / np.sqrt(len(gaps)):.1f}"


def _is_apart(gaps: Any) -> bool:
    if len(gaps) < 2 or not gaps.std():
        return False
    error = gaps.std(ddof=1) / np.sqrt(len(gaps))
    return bool(abs(gaps.mean()) > stats.t.ppf(0.975, len(gaps) - 1) * error)


def _acquired(by: dict[str, Seeds], order: Sequence[str]) -> list[str]:
    body = [
        [
            variant,
            *(
                _spread([rows[-1][key] for rows in by[variant].values()], form)
                for key, (_, form) in _KEPT.items()
            ),
        ]
        for variant in order
    ]
    return ["After the last round:", "", *table(["", *(t for t, _ in _KEPT.values())], body)]


def _spread(values: list[float], form: str) -> str:
    if not values:
        return ""
    if len(values) == 1:
        return f"{values[0]:{form}}"
    return f"{np.mean(values):{form}} ± {np.std(values, ddof=1):{form}}"
