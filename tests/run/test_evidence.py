"""What a promise is prepared by: read bit by bit, it is the same as read at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from places import KINDS, ledger_place
from promised import SMALL, campaign_of, finish
from told_answers import TASK, pool_of

from llmal import Annotation, Pool, Task
from llmal.annotators import Outside, Router
from llmal.guarantee.confidence_score import ConfidenceScore
from llmal.guarantee.evidence import Evidence
from llmal.guarantee.guarantee import Guarantee
from llmal.guarantee.scored import ScoredPool
from llmal.ledger import Ledger
from llmal.run.evidence import EvidenceBuilder

ROUTER = Router([Outside("small", "llm"), Outside("large", "llm"), Outside("human")])


def builder(pool: Pool) -> EvidenceBuilder:
    return EvidenceBuilder(TASK, pool, ROUTER, None)


def answer(item_id: str, label: str, by: str, round: int | None, sure: float) -> Annotation:
    other = "food" if label == "animal" else "animal"
    shares = {label: sure, other: 1 - sure}
    return Annotation(item_id, label, by, "llm", probabilities=shares, round=round)


def check_same(one: Evidence, other: Evidence) -> None:
    for name in ("machine", "people", "probabilities", "confidence"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert len(one.votes) == len(other.votes)
    for first, second in zip(one.votes, other.votes, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_that_come_between_rounds_are_added(kind: str, tmp_path: Path) -> None:
    pool = pool_of(30, tmp_path / "cache")
    ids = pool.ids()
    rng = np.random.default_rng(0)
    with ledger_place(kind, tmp_path) as place, Ledger.open(place) as ledger:
        kept = builder(pool)
        for number in range(1, 9):
            batch = []
            for position in rng.permutation(len(ids))[:7].tolist():
                # Some are of this round or of the next one, which is not to be known yet.
                round = (number - 1, None, number, number + 1)[int(rng.integers(4))]
                by = ("small", "large")[int(rng.integers(2))]
                label = TASK.names[int(rng.integers(2))]
                batch.append(answer(ids[position], label, by, round, 0.5 + rng.random() / 2))
            human = Annotation(ids[number], "food", "human", "human", round=number - 1)
            ledger.append([*batch, human])
            for before in (number, number):
                check_same(
                    kept.build(ledger, before, ids, ()),
                    builder(pool).build(ledger, before, ids, ()),
                )
        check_same(kept.build(ledger, 3, ids, ()), builder(pool).build(ledger, 3, ids, ()))


def test_what_is_not_new_is_not_read_again(tmp_path: Path) -> None:
    pool = pool_of(30, tmp_path / "cache")
    ids = pool.ids()
    asked_after = []
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.append([answer(i, "food", "small", 0, 0.9) for i in ids])
        whole = ledger.annotations

        def annotations(**options: int):
            asked_after.append(options["after"])
            return whole(**options)

        ledger.annotations = annotations
        kept = builder(pool)
        first = kept.build(ledger, 1, ids, ())
        ledger.append([Annotation(ids[2], "food", "human", "human", round=1)])
        second = kept.build(ledger, 2, ids, ())
        kept.build(ledger, 3, ids, ())
    assert asked_after == [0, 30, 31]
    assert (first.people >= 0).sum() == 0
    assert (second.people >= 0).sum() == 1
    first.machine[:] = -1
    assert (second.machine >= 0).all(), "what is given away is not what is kept"


class Letters:
    """Embeds a text by how often each letter stands in it."""

    dimensions = 26
    fingerprint = "letters"

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        counts = np.array([[text.count(chr(97 + n)) for n in range(26)] for text in texts])
        lengths = np.linalg.norm(counts, axis=1, keepdims=True)
        return np.asarray(counts / np.maximum(lengths, 1), dtype=np.float32)


class Keeping(ConfidenceScore):
    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "seen", [])

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> ScoredPool:
        self.seen.append(evidence)  # type: ignore[attr-defined]
        return super().fit(evidence, rng)


def test_both_texts_of_a_pair_are_embedded_and_kept(tmp_path: Path) -> None:
    texts = pool_of(60, tmp_path / "cache").texts()
    rows = [
        {"id": f"i{n:04d}", "said": text, "asked": text[::-1] if n % 3 else "nothing"}
        for n, text in enumerate(texts)
    ]
    pairs = Pool.from_file(_file(tmp_path, rows), text=["said", "asked"], cache=tmp_path / "pairs")
    task = Task("farm", list(TASK.names), text=["said", "asked"])
    score, letters = Keeping(), Letters()

    def options(embedder: Letters) -> dict[str, object]:
        guarantee = Guarantee(parts={**SMALL, "score": score})
        return {"task": task, "embedder": embedder, "guarantee": guarantee}

    with campaign_of(pairs, tmp_path / "run", **options(letters)) as campaign:
        finish(campaign, until="audit")
    evidence: Evidence = score.seen[-1]  # type: ignore[attr-defined]
    said, asked = evidence.field_embeddings
    np.testing.assert_array_equal(said, Letters().embed([row["said"] for row in rows]))
    np.testing.assert_array_equal(asked, Letters().embed([row["asked"] for row in rows]))
    # Gone on with, they are read from the run directory.
    again = Letters()
    with campaign_of(pairs, tmp_path / "run", **options(again)) as campaign:
        kept = campaign.trainer.field_embeddings()
        np.testing.assert_array_equal(kept[1], asked)
        assert again.texts == []


def test_a_task_with_one_text_embeds_no_field(tmp_path: Path) -> None:
    pool = pool_of(60, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run", embedder=Letters()) as campaign:
        assert campaign.trainer.field_embeddings() == ()


def _file(folder: Path, rows: Sequence[dict[str, str]]) -> Path:
    import json

    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
