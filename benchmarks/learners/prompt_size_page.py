"""The section of the results page on m and n by held-out loss."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]
Cell = dict[str, Any]
_FIXED = "4 and 1"


def learners_prompt_size(figures: Figures) -> list[str]:
    """Accuracy, seconds and what was chosen, by way of choosing m and n."""
    groups: dict[tuple[str, int, str], list[Cell]] = {}
    for one in figures["cells"]:
        name, way, shots, _ = one["cell"]
        groups.setdefault((name, shots, way), []).append(one)
    body = []
    for (name, shots, way), found in groups.items():
        plain = {one["cell"][3]: one["accuracy"] for one in groups.get((name, shots, _FIXED), [])}
        gains = [100 * (one["accuracy"] - plain[one["cell"][3]]) for one in found
                 if one["cell"][3] in plain]  # fmt: skip
        chosen = Counter((one["m"], one["n"]) for one in found)
        right = [one["accuracy"] for one in found]
        body.append(
            [
                name,
                shots,
                way,
                f"{np.mean(right):.3f} ± {np.std(right):.3f} ({len(right)})",
                "" if way == _FIXED or not gains else f"{np.mean(gains):+.1f}",
                f"{np.mean([one['train_s'] for one in found]):.0f}",
                ", ".join(f"{m} and {n}" + (f" ({count}x)" if count > 1 else "")
                          for (m, n), count in chosen.items()),
            ]
        )  # fmt: skip
    cell = figures["cells"][0]
    rates = "; ".join(f"{rate}: {mean:.3f}" for rate, mean in figures["rates"].items())
    head = ["set", "labels a class", "m and n", "accuracy", "points above fixed", "seconds",
            "taken"]  # fmt: skip
    cut = f", its first {cell['layers']} layers" if cell.get("layers") else ""
    return [
        f"A dynamic soft prompt over {cell['model']}{cut}, left alone; {figures['epochs']} passes, "
        f"texts cut to {figures['max_length']} tokens, {cell['tested']} test rows; in brackets how "
        "many draws. "
        "*Auto* trains six pairs with a fifth of the items held out and keeps the one of the "
        "lowest held-out loss, so it takes about six times as long and learns from a fifth less; "
        "the second row of each three shows what holding out costs alone. The learning rate was "
        f"chosen on {' and '.join(figures['tuned_on'])} for the fixed sizes ({rates}).",
        "",
        *table(head, body),
    ]
