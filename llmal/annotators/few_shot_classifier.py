"""A language model with a few demonstrations as a scikit-learn classifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_is_fitted, column_or_1d

from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import Context
from llmal.calibration.comparison import Comparison
from llmal.calibration.default import AUTO, Calibrate
from llmal.core.fingerprint import digest
from llmal.core.records import Item, Usage
from llmal.core.words import counted
from llmal.demonstrations.protocol import DemonstrationSelector
from llmal.embed import Embedder, SentenceEmbedder
from llmal.errors import ConfigError, DataError
from llmal.few_shot.prompt import FewShotPrompt
from llmal.lm.protocol import LanguageModel, Normalise
from llmal.pool.index import content_id
from llmal.prompting.order import Order
from llmal.prompting.templates import PromptTemplate, load_prompt
from llmal.task import Task
from llmal.task.spaces import refuse_unless

_KEPT = ("lm", "embedder", "task")


class FewShotClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifies texts by the exact label probabilities of a language model.

    `fit` trains nothing: it chooses demonstrations among the labelled texts and calibrates the
    model's scores through them. By default demonstrations are chosen as in the few-shot setting of
    ALLSH (Zhang et al. 2022, section 4.4).

    Args:
        lm: The model; or the path or name of one, which is loaded in this process.
        shots: Demonstrations in the prompt.
        demonstrations: How they are chosen: a name from `llmal.demonstrations` or a
            `DemonstrationSelector`.
        calibrate: A name from `llmal.calibration`, a `Calibrator`, several of them that are
            applied in turn; or None. "auto" fits the default of `llmal.calibration.default` on at
            most 64 of the unlabelled texts that are not shown.
        task: Labels with descriptions and words, and guidelines. Without it the labels are those
            that `fit` sees, under their own names.
        options: Options of a selector that is given by name, such as {"copies": 8}.
        order: How demonstrations are arranged: a name from `llmal.prompting.order` or an `Order`.
        prompt: Name of a prompt of llmal, path of a YAML file, or a `PromptTemplate`.
        prompt_values: Values for the prompt's defaults, such as {"noun": "question"}.
        style: "chat", "completion" or "auto".
        normalise: How labels of several tokens are compared: "sum", "mean" or "first".
        shortlist: How many labels are scored for each text; 0 for all, "auto" for as many as it
            takes in sets of more than 20 (see `LLMAnnotator`).
        codes: Show the labels as codes of one token each.
        embedder: For selectors and orders that need one; by default sentence-transformers with
            the offline model.
        random_state: Seed, or a numpy generator.

    Attributes:
        classes_: Shape (C,): the labels, sorted.
        prompt_: The `FewShotPrompt` that is used.
        task_: The task.
        usage_: What `fit` has cost.
        comparison_: What calibration changes on labelled texts that it was fitted on without their
            labels and that are not shown; None where there are too few.
    """

    def __init__(
        self,
        lm: LanguageModel | str | Path,
        *,
        shots: int = 8,
        demonstrations: str | DemonstrationSelector = "allsh",
        calibrate: Calibrate = AUTO,
        task: Task | None = None,
        options: Mapping[str, Any] | None = None,
        order: str | Order = "as-chosen",
        prompt: str | Path | PromptTemplate = "label",
        prompt_values: Mapping[str, str] | None = None,
        style: str = "auto",
        normalise: Normalise = "sum",
        shortlist: int | Literal["auto"] = "auto",
        codes: bool = False,
        embedder: Embedder | None = None,
        random_state: int | np.random.Generator | None = 0,
    ) -> None:
        self.lm = lm
        self.shots = shots
        self.demonstrations = demonstrations
        self.calibrate = calibrate
        self.task = task
        self.options = options
        self.order = order
        self.prompt = prompt
        self.prompt_values = prompt_values
        self.style = style
        self.normalise = normalise
        self.shortlist = shortlist
        self.codes = codes
        self.embedder = embedder
        self.random_state = random_state

    def fit(
        self, texts: ArrayLike, labels: ArrayLike, *, unlabelled: ArrayLike | None = None
    ) -> Self:
        """Choose demonstrations and calibrate.

        Args:
            texts: n labelled texts; for a task of several text columns a table (n, columns).
            labels: Their labels, shape (n,).
            unlabelled: Further texts, for calibrators that are fitted on a pool. Without them the
                labelled texts stand for it.

        Raises:
            ConfigError: A name or an option is unknown.
            DataError: There are fewer texts than shots, or texts or labels are not usable.
            LanguageModelError: The model failed.
        """
        given = _labels(labels)
        self.classes_, self.task_ = self._labels(given)
        items = _items(texts, self.task_, [_name(one) for one in given])
        if len(items) < self.shots:
            raise DataError(
                f"{self.shots} shots are wanted and there are {len(items)} labelled texts",
                fix="give more, or lower shots",
            )
        template = (
            self.prompt if isinstance(self.prompt, PromptTemplate) else load_prompt(self.prompt)
        )
        annotator = LLMAnnotator(
            self.task_,
            self._model(),
            shots=self.shots,
            demonstrations=self.demonstrations,
            options=self.options,
            order=self.order,
            calibrate=self.calibrate,
            embedder=self.embedder or SentenceEmbedder(),
            prompt=template.with_values(self.prompt_values or {}),
            style=self.style,
            normalise=self.normalise,
            shortlist=self.shortlist,
            codes=self.codes,
        )
        pool = items if unlabelled is None else _items(unlabelled, self.task_)
        seed = int(np.random.default_rng(self.random_state).integers(2**31))
        self.prompt_: FewShotPrompt = annotator.prepare(
            Context(demonstrations=items, unlabelled=pool, seed=seed)
        )
        self.usage_: Usage = self.prompt_.usage
        judged = self.prompt_.judged
        self.comparison_ = None if judged is None else Comparison.of(judged)
        self._columns = [self.task_.index(_name(one)) for one in self.classes_]
        return self

    def _labels(self, given: NDArray[Any]) -> tuple[NDArray[Any], Task]:
        seen = np.unique(given)
        if self.task is None:
            if len(seen) < 2:
                raise DataError(
                    f"the labels hold one class, {seen[0]!s}",
                    fix="give texts of at least two, or a task that names them all",
                )
            return seen, Task("few-shot", [_name(one) for one in seen])
        refuse_unless(
            self.task, ("single",), "FewShotClassifier", "use llmal.annotate(..., kind='multi')"
        )
        for one in seen:
            self.task.index(_name(one))
        names = np.asarray(sorted(self.task.names))
        if seen.dtype.kind in "iuf" and all(_is_whole(name) for name in names):
            # Labels come back as the numbers that they were given as.
            return np.unique(names.astype(seen.dtype)), self.task
        return names, self.task

    def _model(self) -> LanguageModel:
        if isinstance(self.lm, LanguageModel):
            return self.lm
        if not isinstance(self.lm, (str, Path)):
            raise ConfigError(
                f"lm is a {type(self.lm).__name__}",
                fix="give a language model of llmal.lm, or the path or name of one",
            )
        from llmal.lm import TransformersLM

        return TransformersLM(self.lm)

    def predict_proba(self, texts: ArrayLike) -> NDArray[np.float64]:
        """Calibrated probabilities, shape (n, C), columns as in `classes_`.

        Raises:
            DataError: The texts are not usable.
            LanguageModelError: The model failed.
        """
        check_is_fitted(self, "prompt_")
        items = _items(texts, self.task_)
        return self.prompt_.score(items).probabilities[:, self._columns]

    def predict(self, texts: ArrayLike) -> NDArray[Any]:
        """The most probable label of each text, shape (n,)."""
        probabilities = self.predict_proba(texts)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def __sklearn_clone__(self) -> Self:
        """A classifier of the same options over the same model: models are not copied."""
        given = self.get_params(deep=False)
        return type(self)(
            **{
                name: value if name in _KEPT else clone(value, safe=False)
                for name, value in given.items()
            }
        )

    def __sklearn_tags__(self) -> Any:
        """Texts, not numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _labels(labels: ArrayLike) -> NDArray[Any]:
    """Labels as an array (n,).

    Raises:
        DataError: They are missing, measures instead of classes, or of another shape.
    """
    if labels is None:
        raise DataError(
            "a classifier requires y to be passed, but the target y is None",
            fix="give a label for each text",
        )
    _refuse_missing(np.asarray(labels, dtype=object))
    try:
        given = np.asarray(column_or_1d(labels, warn=True))
        assert_all_finite(given, input_name="y")
        check_classification_targets(given)
        np.unique(given)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"the labels are not usable: {error}",
            fix="give one for each text, all of one type",
        ) from None
    return given


def _refuse_missing(given: NDArray[Any]) -> None:
    """Raise if a label is None, NaN or another mark of a missing value.

    Raises:
        DataError: Names the first one.
    """
    gone = [row for row, one in enumerate(given.ravel().tolist()) if _is_missing(one)]
    if gone:
        raise DataError(
            f"of {counted(len(given), 'label')} {counted(len(gone), 'is', 'are')} missing, the "
            f"first in row {gone[0]} (counted from 0)",
            fix="leave the texts without a label out, or give them as unlabelled",
        )


def _is_missing(value: object) -> bool:
    if value is None:
        return True
    # NaN is unlike itself, and pandas' missing value refuses to be compared.
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return True


def _name(label: object) -> str:
    """The label as it stands in the prompt: whole numbers without a decimal point."""
    if isinstance(label, (float, np.floating)) and float(label).is_integer():
        return str(int(label))
    return str(label)


def _is_whole(name: str) -> bool:
    return name.removeprefix("-").isdecimal()


def _items(texts: ArrayLike, task: Task, labels: Sequence[str] | None = None) -> list[Item]:
    """Texts as items whose ids are made from their content: a text is never its own demonstration,
    also where it is predicted after `fit` has seen it.

    Raises:
        DataError: Something is no text, or the shape does not fit the task or the labels.
    """
    columns = task.text
    if isinstance(texts, str):
        raise DataError("the texts are one string", fix="give a list of texts")
    table = np.asarray(texts, dtype=object)
    if table.ndim == 1 and len(columns) == 1:
        table = table[:, None]
    if table.ndim != 2 or table.shape[1] != len(columns):
        wanted = "a list of texts" if len(columns) == 1 else f"a table (n, {len(columns)})"
        raise DataError(
            f"the texts have shape {table.shape}", fix=f"task {task.name!r} takes {wanted}"
        )
    if labels is not None and len(labels) != len(table):
        raise DataError(
            f"{len(table)} texts stand beside {len(labels)} labels", fix="give one for each"
        )
    for row, cells in enumerate(table):
        for cell in cells:
            if not isinstance(cell, str):
                raise DataError(
                    f"text {row} is {type(cell).__name__}, not a string",
                    fix="give texts; turn other values into words first",
                )
    seen: Counter[int] = Counter()
    items: list[Item] = []
    for row, cells in enumerate(table.tolist()):
        high = int.from_bytes(digest("\0".join(cells), 8), "big")
        seen[high] += 1
        items.append(
            Item(
                id=content_id(high, 1 if labels is None else seen[high]),
                text="\n".join(cells),
                fields=dict(zip(columns, cells, strict=True)),
                gold=None if labels is None else labels[row],
            )
        )
    return items
