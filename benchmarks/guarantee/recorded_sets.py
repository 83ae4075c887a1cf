"""Recorded answers of real language models beside people's labels, as evidence and gold."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee import Evidence
from llmal.task.spaces.single import Single

DATA = Path(os.environ.get("LLMAL_SHARED", "../shared")) / "data"
MACHINES = {
    "llm_stance": ("GPT-4o, with the confidence that it states", "llm_confidence"),
    "llm_mrpc": ("ChatGPT, with its confidence in eighths", "confidence"),
    "llm_mr": ("ChatGPT, no confidence", None),
    "llm_babe": ("GPT-4 zero-shot; 12 other models zero-shot as votes", None),
    "llm_cebab": ("GPT-4o; 5 other models as votes", None),
    "llm_semeval_relations": ("Mixtral-8x22B, no confidence", None),
    "llm_css_stance": ("ChatGPT; 11 other models as votes", None),
}
"""Whose labels are audited. Where a set has several models, the machine is the one that a user
would have named first when the answers were made, with its plainest prompt; not the best one."""
_FIRST = {"llm_babe": "gpt_4|zero-shot", "llm_cebab": "gpt-4o", "llm_css_stance": "chatgpt"}


@dataclass(frozen=True, eq=False)
class RecordedSet:
    """One set.

    Attributes:
        name: Of its folder.
        evidence: With no label of a person.
        gold: What people would say, targets, shape (N,).
    """

    name: str
    evidence: Evidence
    gold: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.gold)

    @property
    def error(self) -> float:
        """The share of the machine's labels that are wrong; one that is missing is wrong."""
        return float((self.evidence.machine != self.gold).mean())


def load(name: str, *, embedded: bool = True) -> RecordedSet:
    """One set; items of which people's labels tie are left out, as no label is the person's.

    Args:
        name: Of its folder.
        embedded: Whether MiniLM embeddings of the texts are among the evidence.
    """
    with gzip.open(DATA / name / "items.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    kept = [place for place, row in enumerate(rows) if row["gold"] is not None]
    texts, rows = [_text(row) for row in rows], [rows[place] for place in kept]
    space = Single(tuple(sorted({row["gold"] for row in rows})))
    said = _FIRST.get(name)
    machine = [row["llm_label"] if said is None else row["llm_labels"][said] for row in rows]
    _, confidence = MACHINES[name]
    evidence = Evidence(
        space=space,
        machine=_targets(space, machine),
        people=np.full(len(rows), -1, dtype=np.int64),
        uniform=np.zeros(len(rows), dtype=bool),
        confidence=None if confidence is None else _numbers([row[confidence] for row in rows]),
        votes=_votes(name, space, rows),
        embeddings=_embeddings(name, texts)[kept] if embedded else None,
        texts=[texts[place] for place in kept],
        field_embeddings=tuple(
            _embeddings(f"{name}.{column}", [row[column] for row in rows])
            for column in ("text_a", "text_b")
        )
        if embedded and "text_a" in rows[0]
        else (),
    )
    return RecordedSet(name, evidence, _targets(space, [row["gold"] for row in rows]))


def _votes(name: str, space: Single, rows: list[dict[str, Any]]) -> tuple[NDArray[np.int64], ...]:
    if name not in _FIRST:
        return ()
    wanted = [
        column
        for column in rows[0]["llm_labels"]
        if column != _FIRST[name] and (name != "llm_babe" or column.endswith("|zero-shot"))
    ]
    return tuple(_targets(space, [row["llm_labels"][column] for row in rows]) for column in wanted)


def _targets(space: Single, labels: list[str | None]) -> NDArray[np.int64]:
    column = {label: place for place, label in enumerate(space.labels)}
    return np.array([column.get(str(label), -1) for label in labels], dtype=np.int64)


def _numbers(values: list[Any]) -> NDArray[np.float64]:
    return np.array([np.nan if one in (None, "") else float(one) for one in values])


def _text(row: dict[str, Any]) -> str:
    first = [row["aspect"]] if "aspect" in row else []
    return "\n".join([*first, *(row[key] for key in ("text", "text_a", "text_b") if key in row)])


def _embeddings(name: str, texts: list[str]) -> NDArray[np.float32]:
    """From the folder that LLMAL_EMBEDDINGS names, where they are kept, else made."""
    folder = os.environ.get("LLMAL_EMBEDDINGS")
    path = None if folder is None else Path(folder) / f"{name}.npy"
    if path is not None and path.exists():
        kept = np.load(path)
        if len(kept) == len(texts):
            return np.asarray(kept, dtype=np.float32)
    from llmal.embed import SentenceEmbedder

    made = np.asarray(SentenceEmbedder().embed(texts), dtype=np.float32)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, made)
    return made
