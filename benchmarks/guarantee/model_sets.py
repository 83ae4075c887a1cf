"""Labels of real models on public sets, as `collect_labels.py` wrote them, as evidence and gold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from collect_labels import MODELS, PROMPTS, SETS, read_pool
from recorded_sets import RecordedSet

from llmal.guarantee import Evidence
from llmal.task.spaces.single import Single

NAMES = tuple(f"{name}, {model}" for model in MODELS for name in SETS)


def load_model_set(key: str, labels: Path, shared: Path) -> RecordedSet | None:
    """One set as one model labelled it; None where nobody has asked yet.

    Args:
        key: One of `NAMES`.
        labels: The folder that `collect_labels.py` wrote.
        shared: Where the data are.
    """
    name, model = key.split(", ")
    paths = [labels / f"{name}.{model}.{prompt.replace(' ', '_')}.npz" for prompt in PROMPTS]
    embedded = labels / f"{name}.minilm.npz"
    if not paths[0].exists() or not embedded.exists():
        return None
    answers = np.load(paths[0])
    count = len(answers["gold"])
    _, items = read_pool(shared, name, count)
    evidence = Evidence(
        space=Single(tuple(answers["labels"].tolist())),
        machine=answers["machine"].astype(np.int64),
        people=np.full(count, -1, dtype=np.int64),
        uniform=np.zeros(count, dtype=np.bool_),
        probabilities=answers["probabilities"].astype(np.float64),
        votes=tuple(
            np.load(path)["machine"].astype(np.int64) for path in paths[1:] if path.exists()
        ),
        embeddings=np.load(embedded)["embeddings"][:count],
        texts=[item.text for item in items],
    )
    return RecordedSet(key, evidence, answers["gold"].astype(np.int64))
