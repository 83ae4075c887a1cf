"""Rows as people have them: umlauts, empty cells, a column named like one of llmal's."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from letters import Letters

QUESTIONS = [
    ("Who wrote Emma ?", "Person"),
    ("How many legs has a spider ?", "Number"),
    ("Who painted the Mona Lisa ?", "Person"),
    ("How many days has a leap year ?", "Number"),
    ("Who was the first man on the moon ?", "Person"),
    ("How much does a whale weigh ?", "Number"),
]
LABELS = {"Person": "a human being", "Number": "a count or a date"}


@pytest.fixture
def messy() -> pd.DataFrame:
    """A frame with an index of its own, repeated ids, empty cells and a column `label`."""
    return pd.DataFrame(
        {
            "Nr": ["007", "007", "A1 ", "A1"],
            "text": ["Wer schrieb „Die Räuber“ ?", None, "How many legs ?", "How many legs ?"],
            "label": ["Person", None, None, None],
            "price": [1.5, None, 3.0, 4.0],
            "when": pd.to_datetime(["2020-01-01"] * 4),
            "kind": pd.Categorical(["a", "b", "a", "b"]),
        },
        index=[3, 3, 1, 0],
    )


@pytest.fixture
def labelled() -> list[tuple[str, str]]:
    """Texts with their labels."""
    return list(QUESTIONS)


@pytest.fixture
def options(tiny_hf: Any, tmp_path: Any) -> dict[str, Any]:
    """What most calls of `llmal.annotate` here have in common."""
    return {"labels": LABELS, "lm": tiny_hf, "cache": tmp_path / "answers.sqlite"}


@pytest.fixture
def letters() -> Letters:
    """An embedder that needs no model."""
    return Letters()


def reviews(count: int = 400) -> list[dict[str, Any]]:
    """Reviews with what a machine said of them: wrong about every twelfth, and then less sure."""
    rows = []
    for n in range(count):
        right = ["good", "bad"][n % 2]
        said = right if n % 12 else ["bad", "good"][n % 2]
        rows.append(
            {
                "number": n,
                "review": f"{['nice and fine', 'poor and dull'][n % 2]}, page {n}",
                "gold": right,
                "said": said,
                "sure": 0.95 if n % 12 else 0.6 + n % 5 / 50,
            }
        )
    return rows
