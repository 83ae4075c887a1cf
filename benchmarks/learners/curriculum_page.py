"""The section of the results page on ALLSH's curriculum loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]
Cell = dict[str, Any]


def learners_curriculum(figures: Figures) -> list[str]:
    """Accuracy and divergence by weight of the loss, and the paired difference to none."""
    cells = figures["cells"]
    names = list(dict.fromkeys(one["cell"][0] for one in cells))
    body = []
    for name in names:
        mine = [one for one in cells if one["cell"][0] == name]
        none = {one["cell"][2]: one for one in mine if one["cell"][1] == 0}
        for alpha in sorted({one["cell"][1] for one in mine}):
            found = [one for one in mine if one["cell"][1] == alpha and one["cell"][2] in none]
            gains = [100 * (one["accuracy"] - none[one["cell"][2]]["accuracy"]) for one in found]
            right = [one["accuracy"] for one in found]
            body.append(
                [
                    name,
                    f"{mine[0]['labelled']} of {mine[0]['train_rows']:,}",
                    f"{mine[0]['pool']:,}",
                    f"{alpha:g}" if alpha else "none",
                    f"{np.mean(right):.3f} ± {np.std(right):.3f}",
                    _difference(gains) if alpha else "",
                    f"{sum(one > 0 for one in gains)} of {len(gains)}" if alpha else "",
                    f"{np.mean([one['divergence'] for one in found]):.4f}",
                ]
            )
    rates = "; ".join(f"{rate}: {mean:.3f}" for rate, (_, mean) in figures["rates"].items())
    tested = ", ".join(
        f"{name} {next(one['tested'] for one in cells if one['cell'][0] == name)}" for name in names
    )
    learners = {"perceptron": "a perceptron on MiniLM's frozen vectors",
                "fine_tuned": "MiniLM, every weight trained"}  # fmt: skip
    said = " and ".join(learners[one] for one in dict.fromkeys(one["learner"] for one in cells))
    head = ["set", "labelled", "pool", "alpha", "accuracy", "points above none", "better in seeds",
            "KL of text and copy"]  # fmt: skip
    return [
        f"The learner is {said}; {figures['steps']} steps of {figures['batch']} labelled and as "
        "many unlabelled texts. Mean ± standard deviation over draws of the labelled items; the "
        "difference to training without the loss is paired by draw, with its standard error. *KL* "
        "is how far what is said of a test text and of a copy of it are apart, which is what the "
        "loss lowers. The paper trains all of BERT, so its gains are of another learner. Texts are "
        "cut to 64 words, which matters to imdb alone. The "
        f"learning rate was chosen on {figures['tuned_on']} without the loss ({rates}). Test rows: "
        f"{tested}.",
        "",
        *table(head, body),
    ]


def _difference(gains: list[float]) -> str:
    if len(gains) < 2:
        return f"{np.mean(gains):+.2f}"
    error = np.std(gains, ddof=1) / np.sqrt(len(gains))
    return f"{np.mean(gains):+.2f} ± {error:.2f}"
