"""`llmal.choose_demonstrations`: which labelled rows a prompt should show, in one call."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import Context
from llmal.calibration.comparison import Comparison
from llmal.calibration.default import AUTO, Calibrate, stages_of
from llmal.core.records import Item, Usage
from llmal.core.spelling import is_missing
from llmal.core.tables import Column
from llmal.demonstrations import make_selector, needs
from llmal.errors import ConfigError, DataError
from llmal.few_shot.chosen import ChosenPrompt
from llmal.few_shot.prompt import parts_of
from llmal.functions.annotating import Progress, drawn_items
from llmal.functions.annotation import shown_progress
from llmal.functions.labelled import LabelledRows, matched
from llmal.functions.models import (
    GIVE_A_MODEL,
    CacheChoice,
    counting_model,
    embedder_of,
    opened_model,
)
from llmal.functions.results import Demonstrations
from llmal.functions.rows import Row, open_rows
from llmal.functions.spending import affordable_context, plan_ready
from llmal.functions.tasks import Labels, task_of
from llmal.pool.readers import Reading
from llmal.run.budget import Budget
from llmal.task import Task
from llmal.task.spaces import refuse_unless

if TYPE_CHECKING:
    from llmal.embed import Embedder
    from llmal.lm.protocol import LanguageModel, Normalise
    from llmal.prompting.templates import PromptTemplate

MOST = 1000
"""Labelled rows that are chosen from, drawn at random where there are more."""


def choose_demonstrations(
    data: Any,
    k: int = 8,
    *,
    labels: Labels | None = None,
    text: str | Sequence[str] | None = None,
    label_column: str = "label",
    lm: LanguageModel | str | os.PathLike[str] | None = None,
    strategy: str | None = None,
    options: Mapping[str, Any] | None = None,
    order: str = "as-chosen",
    calibrate: Calibrate = AUTO,
    unlabelled: Any = None,
    guidelines: str = "",
    embedder: Embedder | str | os.PathLike[str] | None = None,
    prompt: str | Path | PromptTemplate = "label",
    normalise: Normalise = "sum",
    style: str = "auto",
    most: int = MOST,
    budget: Budget | None = None,
    cache: CacheChoice = True,
    seed: int = 0,
    encoding: str | None = None,
    dry_run: bool = False,
    progress: bool | Progress = True,
) -> Demonstrations:
    """Choose k labelled rows to show in a prompt, and calibrate the model through them.

        shown = llmal.choose_demonstrations(labelled, k=8, lm=lm)
        llmal.annotate(data, demonstrations=shown, lm=lm)

    Args:
        data: Labelled rows: pairs of a text and its label, or rows as for `llmal.annotate` with a
            column of labels. Rows without a label are left out.
        k: How many.
        labels: As for `llmal.annotate`; by default those of the data.
        text: The text column, or several. By default "text", or the only one beside the labels.
        label_column: The column of labels.
        lm: As for `llmal.annotate`. Without one only strategies that ask none can be used.
        strategy: A name from `llmal.demonstrations`; by default "allsh", and without a model
            "balanced".
        options: Options of the strategy, such as {"copies": 8}.
        order: How they are arranged: a name from `llmal.prompting.order`.
        calibrate: As for `llmal.annotate`.
        unlabelled: Rows for calibration that needs no labels; by default the labelled ones.
        guidelines: What an annotator must know.
        embedder: An embedder, its path or its name, for strategies that compare texts.
        prompt: Name of a prompt of llmal, path of a YAML file, or a `PromptTemplate`.
        normalise: How labels of several tokens are compared: "sum", "mean" or "first".
        style: "chat", "completion", or "auto".
        most: Rows that are chosen from, drawn at random where there are more.
        budget: Limits of tokens and money: nobody is asked if it could cost more. Where that is
            enough, "auto" calibrates with less.
        cache: As for `llmal.annotate`.
        seed: Same seed, same choice.
        encoding: Of a file.
        dry_run: Ask nobody and choose nothing: `cost` is then the most that it would cost.
        progress: Show it in a terminal; or a function that is told of it.

    Raises:
        LlmalError: Something is not usable, or there are fewer labelled rows than k.
    """
    if text is None and isinstance(labels, Task):
        text = labels.text
    labelled = LabelledRows.of(data, text, label=label_column, reading=Reading(encoding=encoding))
    columns = labelled.text
    rng = np.random.default_rng(seed)
    kept = np.arange(len(labelled.items))
    if len(kept) > most:
        kept = np.sort(rng.choice(kept, most, replace=False))
    items = [labelled.items[place] for place in kept]
    rows = {labelled.items[place].id: labelled.rows[place] for place in kept}
    if len(items) < k:
        raise DataError(
            f"{k} shots are wanted and there are {len(items)} labelled texts",
            fix="give more, or ask for fewer",
        )
    task = task_of(
        labels,
        text=columns,
        guidelines=guidelines,
        name="choose",
        seen=(item.gold for item in items),
    )
    instead = "give the labelled rows to llmal.annotate(..., demonstrations=)"
    refuse_unless(task, ("single",), "the choice of demonstrations", instead)
    items = matched(items, task, "data")
    name = strategy or ("balanced" if lm is None else "allsh")
    if lm is None and dry_run:
        return _result([], rows, columns, label_column)
    if lm is None:
        chosen = _without_model(name, items, k, embedder, options or {}, rng, calibrate)
        return _result(chosen, rows, columns, label_column)
    if unlabelled is None:
        texts = items
    else:
        given = open_rows(
            unlabelled, columns, reading=Reading(encoding=encoding), what="unlabelled"
        )
        texts = list(drawn_items(given, seed))
    with contextlib.ExitStack() as stack:
        opened = counting_model(lm) if dry_run else opened_model(lm, cache=cache)
        model = stack.enter_context(opened)
        told = stack.enter_context(shown_progress(progress))
        annotator = LLMAnnotator(
            task,
            model,
            shots=k,
            demonstrations=name,
            options=options,
            order=order,
            embedder=embedder_of(embedder),
            prompt=prompt,
            style=style,
            normalise=normalise,
            calibrate=calibrate,
        )
        if told is not None:
            told("choosing demonstrations", 0, 1, Usage())
        context = Context(demonstrations=items, unlabelled=texts, seed=seed)
        if dry_run:
            plan = plan_ready(annotator, context)
            return _result([], rows, columns, label_column, cost=plan.highest)
        if budget is not None:
            context = affordable_context(annotator, context, budget)
        prepared, cost = plan_ready(annotator, context).execute()
        if told is not None:
            told("choosing demonstrations", 1, 1, cost)
        result = ChosenPrompt.of(prepared, strategy=name, options=options, order=order, cost=cost)
    called = _names(result.items, rows)
    saved = _renamed(result, called)
    calibrators = () if prepared.calibrator is None else parts_of(prepared.calibrator)
    return _result(
        list(result.items),
        rows,
        columns,
        label_column,
        prompt=saved,
        left_out=[called.get(one, one) for one in prepared.left_out],
        calibration=[str(one.to_dict()["calibrator"]) for one in calibrators],
        comparison=None if prepared.judged is None else Comparison.of(prepared.judged),
        cost=cost,
    )


def _without_model(
    name: str,
    items: Sequence[Item],
    k: int,
    embedder: Any,
    options: Mapping[str, Any],
    rng: np.random.Generator,
    calibrate: Calibrate,
) -> list[Item]:
    if calibrate != AUTO and stages_of(calibrate):
        raise ConfigError("there is no language model to calibrate", fix=GIVE_A_MODEL)
    if "scorer" in needs(name):
        raise ConfigError(
            f"the strategy {name!r} asks a language model",
            fix=f"{GIVE_A_MODEL}; or use balanced, random, diverse or vote-k",
        )
    selector = make_selector(name, embedder=embedder_of(embedder), **options)
    if selector.per_query:
        raise ConfigError(
            f"the strategy {name!r} chooses for each text that is asked about",
            fix=f"{GIVE_A_MODEL}; or use balanced, random, diverse or vote-k",
        )
    return list(selector.choose(items, k, rng))


def _names(items: Sequence[Item], rows: Mapping[str, Row]) -> dict[str, str]:
    """The ids that the rows came with, as far as each stands for one of them."""
    given = {
        item.id: str(rows[item.id]["id"])
        for item in items
        if item.id in rows and not is_missing(rows[item.id].get("id"))
    }
    times = Counter(given.values())
    return {own: name for own, name in given.items() if times[name] == 1}


def _renamed(chosen: ChosenPrompt, names: Mapping[str, str]) -> ChosenPrompt:
    def named(items: Sequence[Item]) -> tuple[Item, ...]:
        return tuple(replace(one, id=names.get(one.id, one.id)) for one in items)

    return replace(
        chosen,
        demonstrations=named(chosen.demonstrations),
        candidates=named(chosen.candidates),
    )


def _result(
    items: Sequence[Item],
    rows: Mapping[str, Row],
    text: tuple[str, ...],
    label: str,
    *,
    prompt: ChosenPrompt | None = None,
    cost: Usage = Usage(),
    **more: Any,
) -> Demonstrations:
    names = list(dict.fromkeys(key for item in items for key in rows[item.id]))
    return Demonstrations(
        [{name: rows[item.id].get(name) for name in names} for item in items],
        [Column(name, "any") for name in names],
        text,
        {"label": label},
        cost,
        prompt=prompt,
        **more,
    )
