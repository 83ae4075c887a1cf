"""`llmal.forecast`: how many labels a promise will take of people, for labels of any system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError, DataError
from llmal.functions.columns import Cells, read_columns, task_of_cells
from llmal.functions.tasks import Labels
from llmal.guarantee.audit_plan import BestShare
from llmal.guarantee.error_rates import independent
from llmal.guarantee.forecast import EPSILONS, Forecast, Rates
from llmal.guarantee.forecast import forecast as forecast_pool
from llmal.guarantee.simulated_procedure import Steps
from llmal.pool.readers import DETECTED, Reading
from llmal.task import TaskKind

_ANY_SCORE = independent(2.0, 0.6, mean=(0.0, 0.8))
"""How the log-odds of being wrong lie beside a score that is only known to rank labels."""


def forecast(
    data: Any,
    *,
    score: str,
    label: str | None = None,
    audit: str | None = None,
    max_error: Sequence[float] = EPSILONS,
    confidence: float = 0.95,
    level: float = 0.9,
    audit_only: bool = False,
    cost_per_label: float = 0.0,
    seconds_per_label: float = 0.0,
    currency: str = "",
    labels: Labels | None = None,
    kind: TaskKind = "single",
    encoding: str | None = None,
    reading: Reading = DETECTED,
) -> Forecast:
    """Forecast how many labels people will have to give until a promise holds.

    Of labels that any system has made, with a score that says how much each is trusted, and a few
    that people have labelled: uniformly drawn ones, as a pilot. Without such labels it is a guess,
    and the score must be the probability that the label is right.

        llmal.forecast("labelled.csv", label="llm", score="confidence", audit="checked").show()

    Args:
        data: A file, a pandas frame, a `datasets.Dataset` or rows, one for each item.
        score: Column with how much each label is trusted, the higher the more.
        label: Column with the machine's labels; needed with `audit`.
        audit: Column with what people say; empty where nobody was asked.
        max_error: The shares of wrong labels that could be promised.
        confidence: With what probability a promise holds.
        level: How often the interval should hold what will be needed.
        audit_only: No doubtful items are labelled before the audit and nothing is learnt of people,
            as where `llmal.certify` follows; by default the whole procedure is forecast.
        cost_per_label: Money that a label takes.
        seconds_per_label: Time that a label takes a person.
        currency: Of the money.
        labels: All labels of the task; by default those that occur.
        kind: What an answer is.
        encoding: Of a file.
        reading: Of a file, in full.

    Raises:
        ConfigError: An option is not usable.
        DataError: The data are not usable.
    """
    if encoding is not None:
        reading = replace(reading, encoding=encoding)
    if audit is not None and label is None:
        raise ConfigError(
            "what people say is given, and not what the machine says", fix="name the label column"
        )
    if not 0 < confidence < 1:
        raise ConfigError(
            f"the confidence is {confidence}", fix="give a number between 0 and 1, such as 0.95"
        )
    named = [("score", score), ("label", label), ("audit", audit)]
    cells = read_columns(data, [(role, one) for role, one in named if one is not None], reading)
    scores = _scores(cells[score])
    alpha = round(1 - confidence, 12)
    steps = Steps(BestShare(alpha=alpha), None) if audit_only else Steps(BestShare(alpha=alpha))
    rates = Rates(cost_per_label, seconds_per_label, currency)
    options: dict[str, Any] = {
        "epsilons": tuple(max_error),
        "alpha": alpha,
        "level": level,
        "rates": rates,
        "steps": steps,
    }
    if audit is None:
        return forecast_pool(_doubt(scores, cells[score]), **options)
    assert label is not None
    task = task_of_cells([cells[label], cells[audit]], labels, kind, "forecast")
    said, people = cells[label].answers(task), cells[audit].answers(task)
    checked = np.array([one is not None for one in people])
    if not checked.any():
        raise DataError(
            f"the column {audit!r} is empty",
            where=cells[audit].source,
            fix="write what people say of some rows that were drawn at random, or name no audit "
            "column for a guess",
        )
    if checked.all():
        raise DataError(
            "people have labelled every row", where=cells[audit].source, fix="deliver what they say"
        )
    wrong = np.array([one != other for one, other in zip(said, people, strict=True)])
    ranked = _ranked(scores)
    # A row without a label of the machine is wrong whatever its score.
    ranked = np.where([one is None for one in said], 1.0, ranked)
    return forecast_pool(
        ranked[~checked],
        items=len(scores),
        pilot=(ranked[checked], wrong[checked]),
        prior=_ANY_SCORE,
        **options,
    )


def _scores(cells: Cells) -> NDArray[np.float64]:
    numbers = cells.numbers()
    for row, one in enumerate(numbers):
        if one is None:
            raise DataError(
                "the row has no score", where=cells.where(row), fix="write how sure its label is"
            )
    return np.array(numbers, dtype=np.float64)


def _doubt(scores: NDArray[np.float64], cells: Cells) -> NDArray[np.float64]:
    odd = np.flatnonzero((scores < 0) | (scores > 1))
    if len(odd):
        raise DataError(
            f"the score is {scores[odd[0]]:g}, and without labels of people it must be the "
            "probability that the label is right",
            where=cells.where(int(odd[0])),
            fix="give probabilities, or have people label some rows and name their column with "
            "audit",
        )
    return 1 - scores


def _ranked(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Doubt by the place in the order, from 0 to 1, equal scores alike; as any score has it."""
    from scipy.stats import rankdata

    return np.asarray(1 - (rankdata(scores) - 0.5) / len(scores))
