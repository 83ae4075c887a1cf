"""The learning curves as small multiples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FIGURES = Path(__file__).resolve().parents[1] / "docs" / "figures"
COLOURS = {
    "random": "#000000",
    "margin": "#d55e00",
    "badge": "#0072b2",
    "typiclust": "#009e73",
    "coreset": "#cc79a7",
}
OTHERS = "#bbbbbb"
NAMES = {"minilm": "MiniLM", "tfidf-svd": "TF-IDF + SVD"}


def draw(figures: dict[str, Any], start: str = "random") -> Path:
    """Mean accuracy by labels for each set and embedding, from the random start."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    curves = [one for one in figures["curves"] if one["start"] == start]
    sets = list(dict.fromkeys(one["set"] for one in curves))
    embeddings = list(dict.fromkeys(one["embedding"] for one in curves))
    plt.rcParams.update(
        {
            "font.size": 7,
            "axes.linewidth": 0.5,
            "svg.fonttype": "none",
            "svg.hashsalt": "llmal",
        }
    )
    grid, axes = plt.subplots(
        len(embeddings), len(sets), figsize=(10, 4.2), sharex=True, squeeze=False
    )
    drawn: dict[str, Any] = {}
    for row, embedding in enumerate(embeddings):
        for column, name in enumerate(sets):
            panel = axes[row][column]
            here = [o for o in curves if o["set"] == name and o["embedding"] == embedding]
            for one in sorted(here, key=lambda one: one["strategy"] in COLOURS):
                strategy = one["strategy"]
                known = strategy in COLOURS
                line = panel.plot(
                    figures["labels"],
                    one["accuracy_mean"],
                    color=COLOURS.get(strategy, OTHERS),
                    linewidth=1.2 if known else 0.6,
                )[0]
                drawn[strategy if known else "others"] = line
            panel.set_title(f"{name}, {NAMES.get(embedding, embedding)}", fontsize=7)
            panel.grid(linewidth=0.3, alpha=0.5)
    for panel in axes[-1]:
        panel.set_xlabel("labels")
    for panel in axes[:, 0]:
        panel.set_ylabel("test accuracy")
    order = [name for name in [*COLOURS, "others"] if name in drawn]
    grid.legend([drawn[name] for name in order], order, loc="lower center", ncol=len(order))
    grid.tight_layout(rect=(0, 0.05, 1, 1))
    FIGURES.mkdir(parents=True, exist_ok=True)
    path = FIGURES / "learning_curves.svg"
    grid.savefig(path, metadata={"Date": None})
    plt.close(grid)
    return path
