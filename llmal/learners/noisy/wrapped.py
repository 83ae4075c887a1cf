"""A learner around another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import Tags, get_tags

from llmal.errors import ConfigError, DataError
from llmal.learners.protocol import (
    CommitteeLearner,
    ExportingLearner,
    Learner,
    LearnerOverModel,
    no_form,
)
from llmal.learners.storage import (
    kind_and_parameters,
    read_learner,
    require_fitted,
    write_learner,
)
from llmal.learners.training_set import classes_as_json

_INNER = "inner"


class WrappedLearner(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Trains another learner in a way of its own, and predicts by it.

    A subclass names its parameters in its own `__init__`, `learner` among them: a learner, its
    name, or a mapping of a name and options.
    """

    parts: ClassVar[Sequence[str]] = ("learner",)
    registered_as: ClassVar[str]

    learner: Any

    classes_: NDArray[Any]
    learner_: Learner

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self._made()).input_tags
        return tags

    @property
    def n_features_in_(self) -> int:
        """d, of a learner over embeddings that is fitted."""
        return int(self.learner_.n_features_in_)  # type: ignore[attr-defined]

    @property
    def input(self) -> Literal["embeddings", "texts"]:
        """What the learner takes."""
        return self._made().input

    def _made(self) -> Learner:
        """The learner, not fitted.

        Raises:
            ConfigError: There is none.
        """
        from llmal.learners import REGISTRY

        made: Any = REGISTRY.make_part(self.learner)
        if not isinstance(made, BaseEstimator):
            raise ConfigError(f"{made!r} is no learner", fix="give a learner, or its name")
        learner: Learner = clone(made)
        return learner

    def check_model(self) -> None:
        """Look for the model of the learner, where it is over one.

        Raises:
            LanguageModelError: It is not there, or cannot be read.
        """
        made = self._made()
        if isinstance(made, LearnerOverModel):
            made.check_model()

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities, shape (n, classes seen); columns in the order of `classes_`.

        Raises:
            DataError: Not fitted, or X does not fit.
        """
        require_fitted(self)
        return self.learner_.predict_proba(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each item, shape (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def committee(self, members: int, seed: int) -> list[Callable[[Any], NDArray[np.float64]]]:
        """That of the learner.

        Raises:
            DataError: Not fitted, or the learner has none.
        """
        require_fitted(self)
        if not isinstance(self.learner_, CommitteeLearner):
            raise DataError(
                f"the learner {type(self.learner_).__name__} has no committee", fix="use another"
            )
        return self.learner_.committee(members, seed)

    def save(self, directory: str | Path) -> None:
        """Write `learner.json`, and the learner into a folder beside it.

        Raises:
            DataError: Not fitted, or it cannot be written.
        """
        require_fitted(self)
        directory = Path(directory)
        self.learner_.save(directory / _INNER)
        name, _ = kind_and_parameters(directory / _INNER)
        write_learner(
            directory,
            self.registered_as,
            {
                "parameters": {**self.get_params(deep=False), "learner": name},
                "classes": classes_as_json(self.classes_),
            },
        )

    def export(self, directory: str | Path, **options: Any) -> None:
        """Export the learner that was trained, as its own `export` does.

        Raises:
            DataError: Not fitted, or the folder holds something.
            UnsupportedError: It has no form that another library loads.
        """
        require_fitted(self)
        if not isinstance(self.learner_, ExportingLearner):
            raise no_form(self.learner_)
        self.learner_.export(directory, **options)

    def load(self, directory: str | Path) -> Self:
        """Read what `save` wrote, into this object.

        Raises:
            DataError: The directory holds no such learner.
        """
        from llmal.learners import REGISTRY

        directory = Path(directory)
        content = read_learner(directory, self.registered_as, ("parameters", "classes"))
        name, parameters = kind_and_parameters(directory / _INNER)
        self.learner_ = REGISTRY.get(name)(**parameters).load(directory / _INNER)
        self.set_params(**{**content["parameters"], "learner": clone(self.learner_)})
        self.classes_ = np.asarray(content["classes"])
        return self
