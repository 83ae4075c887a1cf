"""scikit-learn's own checks of estimators, over every learner, and why some cannot pass.

The checks hand tables of numbers. Learners over texts are checked through a subclass that turns
each row into words, one for each column and half unit of its value; nothing else of them changes.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.estimator_checks import check_estimator

from llmal.learners import REGISTRY
from llmal.learners.storage import require_fitted
from llmal.learners.training_set import embeddings
from tests.support.small_models import save_small_model

_COLUMNS, _UNITS = 30, "abcdefghijklmnop"
VOCABULARY = [f"w{column}{unit}" for column in range(_COLUMNS) for unit in _UNITS]

_TYPE = "bad input is a DataError, which is a ValueError; scikit-learn wants a TypeError here"
_TABLE = "a table of one column says of each item whether it has the one label, not which label"
_ONE_EACH = "labels with a dimension too many are refused, not flattened with a warning"
_EMPTY = "a text without words is a text; a row without columns becomes one"
_WEIGHTS = (
    "items are shuffled into batches, so that twice an item is another course than weight two"
)
_FOLDS = "the labels are judged in folds, and other rows fall into other folds"
_SMALL = "two passes over a model of random weights get less than 83 % right"
_PADDING = "a text beside longer ones is padded, which moves float32 probabilities by some 1e-7"

_OVER_NUMBERS = {"check_dtype_object": _TYPE}
_OVER_TEXTS = {
    "check_dtype_object": _TYPE,
    "check_estimators_empty_data_messages": _EMPTY,
    "check_sample_weight_equivalence_on_dense_data": _WEIGHTS,
    "check_supervised_y_2d": _ONE_EACH,
}
SOMETIMES = {
    "check_methods_subset_invariance": _PADDING,
    "check_classifiers_train": _SMALL,
}
"""Checks that learners over texts pass or not, by what a small model of random weights comes to."""

EXPECTED: dict[str, dict[str, str]] = {
    "linear": {**_OVER_NUMBERS, "check_supervised_y_2d": _TABLE},
    "from_probabilities": {**_OVER_NUMBERS, "check_supervised_y_2d": _TABLE},
    "pruned": {
        **_OVER_NUMBERS,
        "check_supervised_y_2d": _ONE_EACH,
        "check_sample_weight_equivalence_on_dense_data": _FOLDS,
    },
    **dict.fromkeys(
        (
            "contrastive",
            "dynamic_soft_prompt",
            "fine_tuned",
            "layer_fusion",
            "lora",
            "prompt_tuned",
        ),
        _OVER_TEXTS,
    ),
}
"""The checks that each learner never passes, and why."""


@dataclass(frozen=True)
class Checked:
    """What one check came to."""

    name: str
    status: Literal["passed", "failed", "skipped", "xfail"]
    said: str


def run_checks(learner: Any) -> list[Checked]:
    """All of scikit-learn's checks of an estimator, one after the other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            found = check_estimator(learner, on_fail=None, on_skip=None)
        finally:
            logging.disable(logging.NOTSET)
    return [
        Checked(one["check_name"], one["status"], str(one["exception"] or "").strip())
        for one in found
    ]


def checked_learners(directory: Path) -> dict[str, Callable[[], Any]]:
    """A maker of each learner of the registry; models of random weights go into the directory."""

    def over_texts(name: str, kind: str = "llama", *, head: bool = True, **more: Any) -> Any:
        model = directory / f"{kind}-{head}"
        if not model.exists():
            save_small_model(kind, model, words=VOCABULARY, head=head)
        common = {"epochs": 2, "learning_rate": 0.01, "max_length": 32, "device": "cpu"}
        return over_numbers(name)(model=str(model), **{**common, **more})

    def linear(name: str) -> Any:
        kind = REGISTRY.get(name)
        head = REGISTRY.get("linear")(C=1.0)
        return head if name == "linear" else kind(head)

    # Classes that are numbers have no words of their own.
    words = {str(column): VOCABULARY[column] for column in range(-1, 12)}
    return {
        "layer_fusion": lambda: over_texts("layer_fusion"),
        "linear": lambda: linear("linear"),
        "from_probabilities": lambda: linear("from_probabilities"),
        "pruned": lambda: linear("pruned"),
        "contrastive": lambda: over_texts("contrastive"),
        "dynamic_soft_prompt": lambda: over_texts("dynamic_soft_prompt", "bert", head=False, m=2,
                                                  heads=2, verbalizers=words),
        "fine_tuned": lambda: over_texts("fine_tuned"),
        "lora": lambda: over_texts("lora"),
        "prompt_tuned": lambda: over_texts("prompt_tuned"),
    }  # fmt: skip


def as_texts(rows: np.ndarray) -> list[str]:
    """A word for each column of a row and half unit of its value; those eight apart share one."""
    units = np.floor(2 * rows).astype(np.int64) % len(_UNITS)
    return [
        " ".join(f"w{column}{_UNITS[unit]}" for column, unit in enumerate(row[:_COLUMNS]))
        for row in units
    ]


def over_numbers(name: str) -> Any:
    """A learner over texts that takes tables of numbers."""
    kind = REGISTRY.get(name)
    if f"{kind.__name__}OverNumbers" in globals():
        return globals()[f"{kind.__name__}OverNumbers"]

    class OverNumbers(kind):
        __init__ = kind.__init__

        def __sklearn_tags__(self) -> Tags:
            tags = super().__sklearn_tags__()
            tags.input_tags.two_d_array = True
            tags.input_tags.one_d_array = tags.input_tags.string = False
            return tags

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            rows = embeddings(X)
            self.n_features_in_ = rows.shape[1]
            return super().fit(as_texts(rows), y, sample_weight)

        def predict_proba(self, X: Any) -> Any:
            require_fitted(self)
            return super().predict_proba(as_texts(embeddings(X, self)))

    # A name of this module, so that it can be pickled.
    OverNumbers.__name__ = OverNumbers.__qualname__ = f"{kind.__name__}OverNumbers"
    globals()[OverNumbers.__name__] = OverNumbers
    return OverNumbers
