"""The baseline of a run's learning curve: its learner, trained on random picks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmal.core.files import read_json
from llmal.core.fingerprint import fingerprint
from llmal.core.words import counted
from llmal.evaluation.kept import keep_json
from llmal.evaluation.random_picks import Progress, accuracy_on_random_picks
from llmal.ledger import Round
from llmal.run.training import Trainer

if TYPE_CHECKING:
    from llmal.run.orchestrator import Orchestrator

BASELINE_SIZES = 10
BASELINE_DRAWS = 3
BASELINE_MOST_LABELS = 20_000
"""A learner on more random labels than that is not trained for a baseline."""


def baseline_of(
    run: Orchestrator,
    rounds: Sequence[Round],
    *,
    measure: bool = True,
    on_progress: Progress | None = None,
) -> tuple[list[dict[str, float | int]] | None, str | None]:
    """The learner of a run on random picks, or why that was not measured.

    Measured for at most ten of the numbers of labels that the run's learner was tested with, and
    kept in `baseline.json`. The run's own learner stays as it is.

    Args:
        run: The run, whatever its state.
        rounds: Its rounds.
        measure: Whether to train, if nothing is kept.
        on_progress: Told how far it is.

    Returns:
        The points of `accuracy_on_random_picks` and None, or None and the reason in words.
    """
    sizes = _sizes(rounds)
    if run.test is None:
        return None, "there is no test set"
    if not run.pool.has_gold:
        return None, "the pool has no gold labels, so random picks cannot be labelled"
    if run.learner.input != "embeddings":
        return None, "training this learner again on random picks would take too long"
    if not sizes:
        return None, "the learner has not been tested yet"
    if sizes[0] > BASELINE_MOST_LABELS:
        return None, f"every round has more than {BASELINE_MOST_LABELS:,} labels"
    sizes = [one for one in sizes if one <= BASELINE_MOST_LABELS]
    missing = sum(answer is None for answer in run.pool.gold())
    if missing:
        return None, f"{counted(missing, 'item')} of the pool without a gold label"
    assert run.embedder is not None
    parts = [sizes, BASELINE_DRAWS, run.seed, run.task.fingerprint, run.pool.fingerprint]
    parts += [run.test.fingerprint, run.embedder.fingerprint, repr(run.learner)]
    key = fingerprint("measured part of a report", parts)
    file = run.directory / "baseline.json"
    kept = read_json(file)
    if kept.get("key") == key:
        return list(kept["points"]), None
    if not measure:
        return None, "it is measured when the run has finished, or by llmal report"
    try:
        points = _measured(run, sizes, on_progress)
    except OSError as error:
        return None, f"the run directory cannot be written to ({error.strerror or error})"
    keep_json(file, {"key": key, "points": points})
    return points, None


def _sizes(rounds: Sequence[Round]) -> list[int]:
    """At most ten numbers of labels, spread over those that the learner was tested with."""
    tested = sorted(
        {
            int(one.metrics["labelled"])
            for one in rounds
            if one.metrics.get("labelled") and one.metrics.get("accuracy") is not None
        }
    )
    if len(tested) <= BASELINE_SIZES:
        return tested
    step = (len(tested) - 1) / (BASELINE_SIZES - 1)
    return [tested[round(place * step)] for place in range(BASELINE_SIZES)]


def _measured(
    run: Orchestrator, sizes: Sequence[int], on_progress: Progress | None
) -> list[dict[str, float | int]]:
    from sklearn.base import clone

    matrix = run.directory / "embeddings.npy"
    # A trainer of its own: the run's learner stays fitted to what the run has learnt from.
    trainer = Trainer(
        run.task,
        run.pool,
        clone(run.learner),
        embedder=run.embedder,
        test=run.test,
        matrix_file=matrix,
        seed=run.seed,
        on_progress=on_progress,
    )
    if matrix.exists():
        trainer.embeddings()
    return accuracy_on_random_picks(
        trainer, sizes, draws=BASELINE_DRAWS, seed=run.seed, on_progress=on_progress
    )
