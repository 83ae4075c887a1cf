"""Rounds over real texts for the selector benchmarks: MiniLM embeddings and a learner's output."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from selectors_peers import Round, committee

from llmal.embed import SentenceEmbedder
from llmal.embed.chunks import chunks

MEMBERS = 10
NOISE = 0.005
"""Standard deviation of what is added to each dimension of a repeated row: a vector of length
about 0.1, where the nearest other text is at about 0.6."""


def read(shared: Path, name: str, parts: Iterable[str]) -> tuple[list[str], np.ndarray, list[str]]:
    """Texts, labels as columns, and the labels' names."""
    rows = []
    for part in parts:
        with gzip.open(shared / "data" / name / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
            rows += [json.loads(line) for line in file]
    names = sorted({row["label"] for row in rows})
    columns = np.array([names.index(row["label"]) for row in rows])
    return [row["text"] for row in rows], columns, names


def draw_labelled(labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` positions at random, the first item of each label in any case."""
    order = rng.permutation(len(labels))
    first = order[np.sort(np.unique(labels[order], return_index=True)[1])]
    return np.concatenate([first, order[~np.isin(order, first)]])[:count]


def real_round(
    shared: Path, name: str, *, items: int, labelled: int, k: int, seed: int = 0
) -> tuple[Round, list[str]]:
    """A round over `items` texts of a train part, with probabilities and a committee."""
    rng = np.random.default_rng(seed)
    texts, labels, _ = read(shared, name, ["train"])
    chosen = np.sort(rng.permutation(len(texts))[:items])
    texts = [texts[place] for place in chosen.tolist()]
    embeddings = SentenceEmbedder().embed(texts)
    positions = draw_labelled(labels[chosen], labelled, rng)
    bare = Round(embeddings, positions, labels[chosen][positions], k=k)
    return _predicted(bare, seed), texts


def _predicted(bare: Round, seed: int) -> Round:
    members = committee(bare, MEMBERS, seed)
    return Round(
        bare.embeddings,
        bare.labelled,
        bare.labels,
        probabilities=bare.predict(bare.embeddings).astype(np.float32),
        committee=np.stack([one.predict_proba(bare.embeddings) for one in members]).astype(
            np.float32
        ),
        k=bare.k,
    )


def write_tiled(
    folder: Path, shared: Path, *, sizes: list[int], labelled: int, head: int, seed: int = 0
) -> None:
    """dbpedia14, train and test, repeated to each of `sizes` items, as `.npy` files by size.

    The rows of a smaller size are the first of a larger one. The labelled are among the first
    `head`.
    """
    rng = np.random.default_rng(seed)
    texts, labels, _ = read(shared, "dbpedia14", ["train", "test"])
    order = rng.permutation(len(texts))
    base, labels = SentenceEmbedder().embed(texts)[order], labels[order]
    positions = draw_labelled(labels[:head], labelled, rng)
    bare = Round(base, positions, labels[positions])
    members = [bare.model, *committee(bare, MEMBERS, seed)]
    for size in sizes:
        into = folder / str(size)
        into.mkdir(parents=True, exist_ok=True)
        if (into / "done").exists():
            continue
        shape = (size, base.shape[1])
        embeddings = np.lib.format.open_memmap(into / "embeddings.npy", "w+", np.float32, shape)
        predicted = np.empty((len(members), size, labels.max() + 1), dtype=np.float32)
        # A generator for each repetition: the same rows whatever the size.
        for part in chunks(*shape):
            places = np.arange(part.start, part.stop)
            rows = base[places % len(base)]
            again = places >= len(base)
            noise = np.random.default_rng([seed, part.start]).standard_normal(
                rows.shape, dtype=np.float32
            )
            rows[again] += NOISE * noise[again]
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            embeddings[part] = rows
            for values, one in zip(predicted, members, strict=True):
                values[part] = one.predict_proba(rows)
        embeddings.flush()
        np.save(into / "probabilities.npy", predicted[0])
        np.save(into / "committee.npy", predicted[1:])
        np.save(into / "labelled.npy", positions)
        np.save(into / "labels.npy", labels[positions])
        (into / "done").touch()
