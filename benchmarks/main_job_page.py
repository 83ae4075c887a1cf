"""The section of the results page on the main job."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]


def main_job(figures: Figures) -> list[str]:
    """The worth of the model's own labels; the learner at equal numbers of people's labels."""
    lines: list[str] = []
    for model in sorted(figures["models"], key=lambda one: one["model"] == "tiny-lm"):
        sizes = model["sizes"]
        lines += [
            *([""] if lines else []),
            f"**{model['model']}**: a pool of {sizes['pool']:,} texts, {sizes['test']} test texts, "
            f"20 items at the start and a round, at most {sizes['human_labels']} labels of people "
            f"(simulated from the gold column) and {sizes['rounds']} rounds. The model has "
            f"{sizes['shots']} demonstrations; what it gives the threshold or more stands, the "
            f"rest goes to people. Calibrated: `{sizes['calibrate']}`.",
            "",
            "Its own labels on the test texts:",
            "",
            *_labels(model),
            "",
            "Test accuracy of the learner at so many labels of people, mean over the seeds (± one "
            "standard deviation); behind it, difference to people alone with the same seeds and "
            "selectors:",
            "",
            *_curves(model),
            "",
            "What the model did in those runs:",
            "",
            *_work(model),
            "",
            _reading(model),
        ]
    return lines


def _labels(model: Figures) -> list[str]:
    rows: dict[tuple[Any, ...], list[str]] = {}
    for one in model["labels"]:
        for how in ("uncalibrated", "calibrated"):
            found = one[how]
            key = one["set"], one["shots"], how, f"{found['accuracy']:.3f}", f"{found['ece']:.3f}"
            right = _share(found["accuracy_of_those"]) or "none"
            rows.setdefault(key, []).append(
                f"from {one['threshold']}: {found['share_that_stands']:.0%}, {right}"
            )
    return table(
        ["set", "demonstrations", "", "accuracy", "ECE", "share that stands, right of those"],
        ([*key, "; ".join(shares)] for key, shares in rows.items()),
    )


def _curves(model: Figures) -> list[str]:
    steps = model["runs"][0]["people"]
    shown = [step for step in steps if step in {20, 40, 60, 100, 140, 200, steps[-1]}]
    return table(
        ["set", "selectors", "labels by", "seeds", *(f"{step} labels" for step in shown)],
        (
            [
                one["set"],
                one["selectors"],
                one["arm"],
                one["seeds"],
                *(_point(one, steps.index(step)) for step in shown),
            ]
            for one in model["runs"]
        ),
    )


def _point(one: Figures, place: int) -> str:
    accuracy, spread = one["accuracy"][place], one["std"][place]
    if accuracy is None:
        return ""
    text = f"{accuracy:.3f}" + ("" if spread is None else f" ± {spread:.3f}")
    if one["arm"] != "people" and one["gap_to_people"] is not None:
        gap = one["gap_to_people"][place]
        text += "" if gap is None else f" ({gap:+.3f})"
    return text


def _work(model: Figures) -> list[str]:
    return table(
        [
            "set",
            "selectors",
            "labels by",
            "asked of the model",
            "right",
            "stands",
            "right of those",
            "labels of people",
            "labelled at the end",
            "accuracy at the end",
            "tokens",
        ],
        (
            [
                one["set"],
                one["selectors"],
                one["arm"],
                f"{one['asked']:.0f}",
                _share(one["right"]),
                f"{one['stands']:.0f}",
                _share(one["right_of_standing"]),
                f"{one['end']['human_labels']:.0f}",
                f"{one['end']['labelled']:.0f}",
                f"{one['end']['accuracy']:.3f}",
                f"{one['tokens']:,.0f}",
            ]
            for one in model["runs"]
        ),
    )


def _reading(model: Figures) -> str:
    """At the last number of people's labels, by how much the model's help changes the learner."""
    parts = []
    for one in model["runs"]:
        if one["arm"] == "people" or not one["gap_to_people"]:
            continue
        gaps = [gap for gap in one["gap_to_people"] if gap is not None]
        spread = one["gap_std"][-1] if one["gap_std"] else None
        parts.append(
            f"{one['set']}, {one['selectors']}, {one['arm']}: {gaps[-1]:+.3f}"
            + ("" if spread is None else f" ± {spread:.3f}")
            + f" at {one['people'][-1]} (mean over the columns {sum(gaps) / len(gaps):+.3f}; "
            + (
                f"of its labels that stand {one['right_of_standing']:.0%} are right)"
                if one["stands"]
                else "none of its labels stands)"
            )
        )
    counts = sorted({one["seeds"] for one in model["runs"]})
    seeds = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
    return (
        f"Does it help at equal numbers of people's labels? Difference to people alone: "
        f"{'; '.join(parts)}. {seeds} seed{'' if seeds == '1' else 's'}, so read the sign and not "
        "the size. A column takes the last round that ended within so many labels of people: where "
        "some of a round's labels are the model's it may have used up to a round's fewer, which "
        "weighs on the first columns. A run in which the model's labels stand often ends by its "
        "number of rounds before people's labels are spent; its last accuracy is then taken for "
        "the columns that follow."
    )


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
