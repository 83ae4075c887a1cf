"""How well and at what price a language model gives several labels, on rows of GoEmotions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from goemotions_data import Part

from llmal.annotators import Context, LLMAnnotator
from llmal.calibration import make
from llmal.calibration.per_label import PerLabel
from llmal.lm import LanguageModel
from llmal.task.spaces.thresholds import decide, expected_f1_threshold, f1_thresholds

POOL = 64
"""Texts that calibrators without labels are fitted on."""
LABELLED = (25, 50, 100)
_UNSEEN = 5
_AT_ONCE = 20


@dataclass(frozen=True)
class Asked:
    """Scores of items, and what they took.

    Attributes:
        scores: Shape (n, C), log-odds.
        y: Shape (n, C).
        requests: An item, in process.
        tokens: An item, in process.
        seconds: Processor seconds an item.
    """

    scores: np.ndarray
    y: np.ndarray
    requests: float
    tokens: float
    seconds: float


def ask(annotator: LLMAnnotator, part: Part, context: Context) -> Asked:
    """Uncalibrated scores of all items of a part."""
    prepared = annotator.prepare(context)
    scores, requests, tokens = [], 0, 0
    begun = time.process_time()
    for start in range(0, len(part.items), _AT_ONCE):
        items = part.items[start : start + _AT_ONCE]
        scored = annotator.scorer.score_each(items, prepared.demonstrations(items))
        scores.append(scored.scores)
        requests += sum(one.requests for one in scored.usage)
        tokens += sum(one.tokens for one in scored.usage)
    count = len(part.items)
    seconds = time.process_time() - begun
    return Asked(np.concatenate(scores), part.y, requests / count, tokens / count, seconds / count)


def make_annotator(part: Part, lm: LanguageModel, prompt: str, shots: int) -> LLMAnnotator:
    return LLMAnnotator(
        part.task,
        lm,
        prompt=prompt,
        shots=shots,
        demonstrations="random",
        style="completion",
        calibrate=None,
        thresholds=0.5,
    )


def mean_auc(asked: Asked) -> float:
    """How well scores rank the items of a label, mean over labels that three items or more have:
    one half is chance, whatever calibration and thresholds do.
    """
    from sklearn.metrics import roc_auc_score

    columns = np.flatnonzero((asked.y.sum(axis=0) >= 3) & (asked.y.sum(axis=0) < len(asked.y)))
    found = [roc_auc_score(asked.y[:, one], asked.scores[:, one]) for one in columns]
    return float(np.mean(found))


def ways(task: Any, train: Asked, test: Asked) -> Iterator[tuple[str, int, dict[str, float]]]:
    """Every way from scores to answers: its name, labels of people used, and figures on test rows.

    Calibrators without labels are fitted on the first train rows, whose labels they do not see;
    those that learn from labels see the last ones.
    """
    space = task.space
    pool = train.scores[:POOL]

    def figures(
        name: str, labels: int, probabilities: np.ndarray, thresholds: Any
    ) -> tuple[str, int, dict[str, float]]:
        given = decide(space, probabilities, thresholds)
        kept = np.clip(probabilities, 1e-6, 1 - 1e-6)
        loss = -np.where(test.y, np.log(kept), np.log(1 - kept)).mean()
        more = {"log_loss": float(loss), "labels_given": float(given.sum(axis=1).mean())}
        return name, labels, {**space.measures(given, test.y), **more}

    plain = space.probabilities_of(test.scores)
    yield figures("as they are, above 0.5", 0, plain, None)
    batch = PerLabel(make("batch")).fit(pool)
    yield figures("batch, above 0.5", 0, batch.transform(test.scores), None)
    matched = PerLabel(make("prior-matching")).fit(pool)
    yield figures("one label an item, above 0.5", 0, matched.transform(test.scores), None)
    expected = expected_f1_threshold(matched.transform(pool))
    yield figures("one label an item, auto", 0, matched.transform(test.scores), expected)
    for count in (one for one in LABELLED if one + POOL <= len(train.y)):
        scores, truth = train.scores[-count:], train.y[-count:]
        shares = (truth.sum(axis=0) + _UNSEEN / truth.shape[1]) / (count + _UNSEEN)
        known = PerLabel(make("prior-matching"), shares.tolist()).fit(pool)
        expected = expected_f1_threshold(known.transform(pool))
        yield figures("shares from labels, auto", count, known.transform(test.scores), expected)
        found = f1_thresholds(known.transform(scores), truth)
        yield figures("shares and f1 from labels", count, known.transform(test.scores), found)
        found = f1_thresholds(space.probabilities_of(scores), truth)
        yield figures("as they are, f1 from labels", count, plain, found)
        often = truth.mean(axis=0)
        constant = np.tile(often, (len(test.y), 1))
        yield figures(
            "no model: the labels that are frequent",
            count,
            constant,
            f1_thresholds(np.tile(often, (count, 1)), truth),
        )
