"""`llmal.annotate`: labels for rows, in one call."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import Annotator, Context
from llmal.annotators.router import Router, Stage
from llmal.annotators.similarity import SimilarityAnnotator
from llmal.calibration.default import AUTO, Calibrate
from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.functions.annotating import Annotating, Progress, Wanted, drawn_items
from llmal.functions.labelled import chosen_prompt, labelled_items, matched, with_own_ids
from llmal.functions.models import (
    SIMILARITY,
    CacheChoice,
    counting_model,
    embedder_of,
    opened_model,
)
from llmal.functions.results import Annotated
from llmal.functions.rows import InputRows, open_rows
from llmal.functions.showing import in_notebook
from llmal.functions.tasks import Labels, task_of
from llmal.pool.readers import Reading
from llmal.progress import ProgressDisplay
from llmal.run.budget import Budget
from llmal.task import TaskKind
from llmal.task.spaces.thresholds import Thresholds

if TYPE_CHECKING:
    from llmal.embed import Embedder
    from llmal.lm.protocol import LanguageModel, Normalise

SHOTS = 8
"""Demonstrations in a prompt, where more labelled rows are given."""


def annotate(
    data: Any,
    labels: Labels | None = None,
    *,
    text: str | Sequence[str] | None = None,
    lm: LanguageModel | str | os.PathLike[str] | None = None,
    guidelines: str = "",
    demonstrations: Any = None,
    shots: int | None = None,
    label_column: str = "label",
    kind: TaskKind = "single",
    calibrate: Calibrate = AUTO,
    probabilities: bool = False,
    rationale: bool = False,
    embedder: Embedder | str | os.PathLike[str] | None = None,
    normalise: Normalise = "sum",
    style: str = "auto",
    shortlist: int | Literal["auto"] = "auto",
    codes: bool = False,
    thresholds: Thresholds = "auto",
    budget: Budget | None = None,
    cache: CacheChoice = True,
    seed: int = 0,
    encoding: str | None = None,
    dry_run: bool = False,
    progress: bool | Progress = True,
) -> Annotated:
    """Label texts with a language model.

    The rows come back in their order, none dropped, their own columns as they were, with added
    columns: `label`, `confidence` (the probability of the label), `flags` (what is odd about the
    text, such as that it was cut) and `error`, a sentence where there is no label. Where the data
    has a column of one of these names, it stays, and the added one is called `llmal_label` and so
    on; `result.column("label")` finds it under either name.

        result = llmal.annotate(["great", "awful"], labels=["good", "bad"],
                                lm="smollm2-135m-instruct")
        result.show()

    Args:
        data: Texts, rows (mappings), a pandas frame or series, a `datasets.Dataset`, a `Pool`, or
            the path of a file.
        labels: Names of the labels, a mapping of names to descriptions, or a `Task`. Without them
            the labels of the demonstrations.
        text: The text column, or several. By default "text", or the only column there is.
        lm: A model of `llmal.lm` or a LangChain chat model; the path or name of a model, which is
            loaded and closed again; the URL of a server, http://localhost:8000/v1; or
            "similarity", which asks no model and goes by the likeness of texts and labels.
        guidelines: What an annotator must know.
        demonstrations: Labelled rows to show in the prompt: pairs of a text and its label, or rows
            as for `data` with a column of labels; or what `choose_demonstrations` gave, or the
            YAML file that was saved of it.
        shots: How many of the demonstrations are shown; by default all, but at most eight, as
            many of each label.
        label_column: The column of labels of the demonstrations.
        kind: "single", one label for each text, or "multi", any number: `label` is then a tuple of
            names, perhaps empty, and the probability of each label is one of its own.
        calibrate: What makes probabilities of scores: names from `llmal.calibration`; "auto" fits
            the default on texts of the data, which costs nothing as they are asked about anyway;
            None or "none" leaves the scores as they are.
        probabilities: Add a column `probabilities`: the probability of every label, by name.
        rationale: Add a column `rationale`: why, in the model's words. This costs more.
        embedder: An embedder, its path or its name, for what compares texts.
        normalise: How labels of several tokens are compared: "sum", "mean" or "first".
        style: "chat", "completion", or "auto".
        shortlist: How many labels are scored for each text, the nearest by embedding; 0 scores all.
            "auto" does so with more than 20 labels that take more than one pass.
        codes: Show the labels as codes of one token each, so that one pass scores them all.
        thresholds: Of the kind "multi", the probability above which a label is given: a number,
            numbers by label, "f1", chosen for the best F1 on the demonstrations that are not
            shown, or "auto", for the best F1 to be expected on the texts themselves.
        budget: Limits of tokens and money. Rows that no longer fit have an error.
        cache: Where the model's answers are kept, so that nothing is asked twice, also after
            Ctrl-C: a file; True for one in the cache directory (LLMAL_CACHE, else
            ~/.cache/llmal); False for nowhere. A model that has a cache keeps its own.
        seed: Of all that is drawn.
        encoding: Of a file.
        dry_run: Ask nobody: `cost` is then the most that it would cost.
        progress: Show it in a terminal; or a function that is told of it.

    Raises:
        LlmalError: The data, the labels or the model are not usable. What is wrong with a single
            row is in its `error`.
    """
    chosen = chosen_prompt(demonstrations)
    if chosen is not None:
        _check_alone(labels=labels, guidelines=guidelines, shots=shots, codes=codes)
        _check_as_it_is(
            calibrate=(calibrate, AUTO),
            shortlist=(shortlist, "auto"),
            normalise=(normalise, "sum"),
            style=(style, "auto"),
        )
        text = chosen.task.text if text is None else text
    rows = open_rows(data, text, reading=Reading(encoding=encoding))
    shown: list[Item] = []
    if demonstrations is not None and chosen is None:
        shown = labelled_items(demonstrations, rows.text, label=label_column)
    if chosen is not None:
        task = chosen.task
    else:
        task = task_of(
            labels,
            text=rows.text,
            guidelines=guidelines,
            name="annotate",
            seen=(item.gold for item in shown),
            kind=kind,
        )
        shown = matched(shown, task)
        if shots and not shown:
            raise ConfigError(
                f"shots is {shots}, and there is nothing to show", fix="give demonstrations="
            )
    with contextlib.ExitStack() as stack:
        annotator: Annotator
        if lm == SIMILARITY:
            _check_alone(demonstrations=demonstrations, rationale=rationale, codes=codes)
            _check_as_it_is(calibrate=(calibrate, AUTO), shortlist=(shortlist, "auto"))
            annotator = SimilarityAnnotator(task, embedder_of(embedder))
        else:
            opened = counting_model(lm) if dry_run else opened_model(lm, cache=cache)
            model = stack.enter_context(opened)
            if chosen is not None:
                annotator = LLMAnnotator.from_chosen(
                    with_own_ids(chosen), model, embedder=embedder_of(embedder), rationale=rationale
                )
            else:
                annotator = LLMAnnotator(
                    task,
                    model,
                    shots=min(len(shown), SHOTS) if shots is None else shots,
                    embedder=embedder_of(embedder),
                    rationale=rationale,
                    normalise=normalise,
                    style=style,
                    shortlist=shortlist,
                    codes=codes,
                    thresholds=thresholds,
                    calibrate=calibrate,
                )
        context = Context(
            demonstrations=tuple(shown), unlabelled=drawn_items(rows, seed), seed=seed
        )
        work = Annotating(
            rows,
            Router([Stage(annotator)]),
            context,
            task.space,
            Wanted(probabilities, rationale),
            budget=budget,
            count_only=dry_run,
            on_progress=stack.enter_context(shown_progress(progress)),
        )
        return collected(work, rows)


def collected(work: Annotating, rows: InputRows) -> Annotated:
    """All rows of a piece of work."""
    labelled = list(work.rows())
    return Annotated(labelled, work.columns, rows.text, work.called, work.usage, origin=rows.origin)


@contextlib.contextmanager
def shown_progress(progress: bool | Progress) -> Iterator[Progress | None]:
    """What is told of progress: a bar in a terminal, a function of the caller's, or nothing."""
    if callable(progress):
        yield progress
        return
    if not progress or not (sys.stderr.isatty() or in_notebook()):
        yield None
        return
    with ProgressDisplay() as bars:
        yield bars.step


def _check_alone(**options: Any) -> None:
    for name, value in options.items():
        if value:
            raise ConfigError(f"{name} has no effect here", fix="leave it out")


def _check_as_it_is(**options: tuple[Any, Any]) -> None:
    """Refuse options that are other than they are by default."""
    _check_alone(**{name: value != default for name, (value, default) in options.items()})
