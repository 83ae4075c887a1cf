"""Models of people who err, as crowd-kit has them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.aggregation.extras import require
from llmal.annotators.aggregation.protocol import NOTHING, Aggregated, aggregated
from llmal.errors import ConfigError
from llmal.ledger.combining import WorkerAnswer
from llmal.task.spaces import KINDS, Space


class _CrowdKit(ABC):
    """A model of crowd-kit. Where an item takes several labels, each label is a question of its
    own, answered by yes and no, with a model of its own.
    """

    name: ClassVar[str]
    spaces = KINDS
    by_item = False
    reads_beliefs = False

    def __init__(self) -> None:
        require("crowdkit", "the aggregation " + self.name, "crowd")

    @abstractmethod
    def _model(self) -> Any:
        """A new model."""

    def aggregate(
        self,
        answers: Mapping[str, Sequence[WorkerAnswer]],
        space: Space,
        beliefs: Mapping[str, Mapping[str, float]] = NOTHING,
    ) -> Aggregated:
        """Fit the model to all answers."""
        tasks = np.repeat(np.arange(len(answers)), [len(given) for given in answers.values()])
        people = [one.worker for given in answers.values() for one in given]
        targets = space.targets(one.answer for given in answers.values() for one in given)
        columns = len(space.labels)
        if space.rows_sum_to_one:
            return aggregated(
                answers, space, self._fitted(tasks, people, targets, len(answers), columns)
            )
        by_label = [
            self._fitted(tasks, people, targets[:, column], len(answers), 2)[:, 1]
            for column in range(columns)
        ]
        return aggregated(answers, space, np.stack(by_label, axis=1))

    def _fitted(
        self,
        tasks: NDArray[np.int64],
        people: Sequence[str],
        targets: NDArray[np.int64],
        items: int,
        columns: int,
    ) -> NDArray[np.float64]:
        """Probabilities of the values of a question with exclusive answers."""
        import pandas as pd

        found = np.zeros((items, columns))
        values = np.unique(targets)
        if len(values) == 1:
            found[:, values[0]] = 1.0
            return found
        frame = pd.DataFrame({"task": tasks, "worker": people, "label": targets})
        # By task and worker, so that sums do not depend on the order in which answers came.
        frame = frame.sort_values(["task", "worker"], kind="stable", ignore_index=True)
        table = self._model().fit_predict_proba(frame).sort_index().fillna(0.0)
        found[np.ix_(table.index.to_numpy(), table.columns.to_numpy())] = table.to_numpy()
        return np.asarray(found / found.sum(axis=1, keepdims=True))


def _check(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise ConfigError(f"{name} is {value}", fix=f"use {least:g} or more")


class DawidSkene(_CrowdKit):
    """Each person takes each label for others with probabilities of his own; all are estimated
    together by expectation maximisation (Dawid and Skene, 1979).

    Args:
        n_iter: Steps at most.
        tol: It ends when the likelihood rises by less.

    Raises:
        ConfigError: crowd-kit is not installed, or an option is out of range.
    """

    name = "dawid_skene"

    def __init__(self, *, n_iter: int = 100, tol: float = 1e-5) -> None:
        super().__init__()
        _check("n_iter", n_iter, 1)
        _check("tol", tol, 0)
        self._options = {"n_iter": n_iter, "tol": tol}

    def _model(self) -> Any:
        from crowdkit.aggregation import DawidSkene as Model

        return Model(**self._options)


class OneCoinDawidSkene(DawidSkene):
    """As `DawidSkene`, with one probability of being right for each person: for few answers."""

    name = "one_coin_dawid_skene"

    def _model(self) -> Any:
        from crowdkit.aggregation import OneCoinDawidSkene as Model

        return Model(**self._options)


class Glad(DawidSkene):
    """People have abilities and items difficulties (GLAD; Whitehill and others, 2009)."""

    name = "glad"

    def _model(self) -> Any:
        from crowdkit.aggregation import GLAD

        return GLAD(**self._options, silent=True)


class Mace(_CrowdKit):
    """Each person answers now and then by a habit of his own, without reading (MACE; Hovy and
    others, 2013).

    Args:
        n_iter: Steps from each beginning.
        n_restarts: Beginnings, of which the likeliest counts.
        seed: Draws the beginnings.

    Raises:
        ConfigError: crowd-kit is not installed, or an option is out of range.
    """

    name = "mace"

    def __init__(self, *, n_iter: int = 50, n_restarts: int = 10, seed: int = 0) -> None:
        super().__init__()
        _check("n_iter", n_iter, 1)
        _check("n_restarts", n_restarts, 1)
        self._options = {"n_iter": n_iter, "n_restarts": n_restarts, "random_state": seed}

    def _model(self) -> Any:
        from crowdkit.aggregation import MACE

        return MACE(**self._options)
