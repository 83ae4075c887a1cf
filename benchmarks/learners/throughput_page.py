"""The sections of the results page on how fast learners train, and on scikit-learn's checks."""

from __future__ import annotations

from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]
OWN = ("FineTuned", "LoRA", "Contrastive")


def learners_throughput(figures: Figures) -> list[str]:
    """Texts a second, memory and accuracy of llmal beside others."""
    groups: dict[tuple[str, str, str], dict[str, list[Figures]]] = {}
    for one in figures["figures"]:
        group, model, name, method = one["cell"]
        groups.setdefault((group, model, name), {}).setdefault(method, []).append(one)
    rows = []
    for (_, model, name), methods in sorted(groups.items(), reverse=True):
        own = next((one for one in methods if one in OWN), None)
        for method, ones in sorted(methods.items(), key=lambda one: one[0] != own):
            rows.append(
                [
                    model,
                    name,
                    method,
                    str(ones[0]["texts"]),
                    _rates(ones, "seconds"),
                    _rates(ones, "processor_seconds"),
                    *(
                        f"{_rate(methods[own], by) / _rate(ones, by):.2f}"
                        if own is not None and method != own
                        else ""
                        for by in ("processor_seconds", "seconds")
                    ),
                    f"{max(one['peak_mb'] for one in ones):.0f}",
                    f"{np.mean([one['accuracy'] for one in ones]):.2f}",
                ]
            )
    sets = sorted({one["cell"][2] for one in figures["figures"]})
    longest = ", ".join(f"{figures['longest'][name]} on {name}" for name in sets)
    sizes = ", ".join(f"{figures['texts'][name]} of {name}" for name in sets)
    return [
        f"Training of the same model on the same texts ({sizes}; of the pairs {figures['shots']} "
        f"texts a class), in batches of {figures['batch']}, {figures['passes']} passes "
        f"({figures['pair_passes']} of the contrastive learner), cut to so many tokens: {longest}. "
        f"Each process trains {figures['times']} times after a warm-up on few texts; processes of "
        "one comparison run after each other, in turned order each time. Other processes had "
        "the machine too, so the seconds of the processor tell more than those on the clock; "
        "mean ± standard deviation of the trainings. The ratio is llmal's rate to that of the row. "
        "Memory is the most that the process held, its libraries included; the accuracy is on the "
        f"first {figures['tested']} test rows. {figures['note']}".strip(),
        "",
        "*By length* is the Trainer with batches of texts of near lengths, as llmal has them by "
        "default. The contrastive learner trains all pairs of a batch, so a text is read once for "
        "many pairs; SetFit reads two texts a pair. It stands here with as many texts as llmal "
        "reads, at llmal's rate of learning, and with all pairs that it makes by default, at its "
        "own. Its seconds hold the fit of its head; llmal's do not, which reads each text once "
        "more.",
        "",
        *table(
            [
                "model",
                "set",
                "method",
                "texts read",
                "texts a second",
                "texts a processor second",
                "ratio, processor",
                "ratio, clock",
                "peak MB",
                "accuracy",
            ],
            rows,
        ),
    ]


def _each(ones: list[Figures], by: str) -> list[float]:
    return [one["texts"] / seconds for one in ones for seconds in one[by]]


def _rate(ones: list[Figures], by: str) -> float:
    return float(np.mean(_each(ones, by)))


def _rates(ones: list[Figures], by: str) -> str:
    rates = _each(ones, by)
    return f"{np.mean(rates):.1f} ± {np.std(rates):.1f} ({len(rates)})"


def learners_estimator_checks(figures: Figures) -> list[str]:
    """Which of scikit-learn's checks each learner passes, and why not the others."""
    rows = figures["rows"]
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for check, why in row["reasons"].items():
            reasons.setdefault((check, why), []).append(row["learner"])
    return [
        "`check_estimator` of scikit-learn over every learner, all checks. Its checks hand tables "
        "of numbers: learners over texts are checked through a subclass that turns each row into "
        "words, a word for each column and half unit, over models of random weights; scikit-learn "
        "itself runs none of them over an estimator whose tags say that it takes texts. A check "
        "that runs several times counts as often.",
        "",
        *table(
            ["learner", "passed", "failed", "skipped"],
            [[row["learner"], *(str(row[n]) for n in ("passed", "failed", "skipped"))]
             for row in rows],
        ),
        "",
        *table(
            ["check", "not passed by", "why"],
            [[f"`{check}`", ", ".join(names), why]
             for (check, why), names in sorted(reasons.items())],
        ),
    ]  # fmt: skip
