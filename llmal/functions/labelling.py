"""`llmal.label`: a label for every row and a promise about all of them, in one call."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Number
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from llmal.annotators.human import make_human
from llmal.annotators.human_function import AskPeople, HumanFunction
from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import Annotator
from llmal.annotators.recorded import Recorded
from llmal.annotators.router import Router, Stage, Threshold
from llmal.annotators.similarity import SimilarityAnnotator
from llmal.calibration.default import AUTO, Calibrate
from llmal.core.cache_folder import cache_folder
from llmal.core.fingerprint import fingerprint
from llmal.core.records import Usage
from llmal.errors import ConfigError
from llmal.functions.annotating import Progress
from llmal.functions.kept_call import kept_call, machine_of
from llmal.functions.label_result import LabelResult
from llmal.functions.labelled_rows import Remarks, labelled_rows
from llmal.functions.models import (
    GIVE_A_MODEL,
    SIMILARITY,
    CacheChoice,
    embedder_of,
    opened_model,
)
from llmal.functions.run_pool import RunPool, open_run_pool
from llmal.functions.showing import in_notebook
from llmal.functions.tasks import Labels, task_of
from llmal.guarantee.guarantee import Guarantee
from llmal.pool.readers import Reading
from llmal.progress import ProgressDisplay
from llmal.run.budget import Budget
from llmal.run.events import Callback, Event
from llmal.run.orchestrator import Orchestrator
from llmal.task import Task, TaskKind

if TYPE_CHECKING:
    from llmal.embed import Embedder
    from llmal.lm.protocol import LanguageModel

People = Literal["gold", "queue"] | AskPeople
"""Who gives people's labels: the gold column, a file to fill in, or a function."""


def label(
    data: Any,
    labels: Labels | None = None,
    *,
    text: str | Sequence[str] | None = None,
    lm: LanguageModel | str | os.PathLike[str] | None = None,
    machine_label: str | None = None,
    machine_confidence: str | None = None,
    people: People = "queue",
    gold: str | Sequence[str] | None = None,
    max_error: float = 0.05,
    confidence: float = 0.95,
    guidelines: str = "",
    kind: TaskKind = "single",
    shots: int = 0,
    calibrate: Calibrate = AUTO,
    style: str = "auto",
    embedder: Embedder | str | os.PathLike[str] | None = None,
    budget: int | Budget | None = None,
    directory: str | os.PathLike[str] | None = None,
    id: str | None = None,
    people_batch: int = 10,
    parts: Mapping[str, Any] | None = None,
    cache: CacheChoice = True,
    seed: int = 0,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    accept_changes: bool = False,
    progress: bool | Progress = True,
) -> LabelResult:
    """Label every row, by a language model and as few labels of people as the promise takes.

    What is promised: of all labels that come back, no more than `max_error` are other than what
    people would say, and that fails with a probability of 1 - `confidence` at most. People label
    what is doubtful, a learner learns from them, and an audit of the rest, drawn at random, shows
    what may stay. Everything asked and answered is kept in a run directory, so that nothing is
    asked twice: not after Ctrl-C, nor by the same call again.

        result = llmal.label("reviews.csv", labels=["good", "bad"], text="review",
                             lm="smollm2-135m-instruct", directory="runs/reviews")
        result.show()                  # waits for people: fill in runs/reviews/to_label.csv, again

    Args:
        data: Texts, rows (mappings), a pandas frame or series, a `datasets.Dataset`, a `Pool`, or
            the path of a file.
        labels: Names of the labels, a mapping of names to descriptions, or a `Task`.
        text: The text column, or several. By default "text", or the only column there is.
        lm: The machine: a model of `llmal.lm` or a LangChain chat model; the path or name of a
            model, which is loaded and closed again; the URL of a server; or "similarity", which
            asks no model and goes by the likeness of texts and labels.
        machine_label: In place of `lm`, the column with the labels of a machine.
        machine_confidence: The column that says how sure it was of each, from 0 to 1.
        people: Where people's labels come from. "queue": from a file in `directory`, for which the
            call does not wait: fill it in and call again. "gold": from the column `gold`, to see
            what would be spent on data that has labels. A function: it gets a list of items
            (`item.text`, `item.fields`, `item.extra`) and gives a label for each, None where a
            person cannot decide.
        gold: The column of gold labels, or several of 0 and 1. The report counts right and wrong
            by it; unless `people` is "gold" nothing else sees it.
        max_error: The largest share of wrong labels.
        confidence: With what probability the promise is kept at least.
        guidelines: What an annotator must know.
        kind: "single", one label for each text, or "multi", any number.
        shots: How many of people's labels the language model is shown in its prompts.
        calibrate: What makes probabilities of its scores; as for `llmal.annotate`.
        style: "chat", "completion", or "auto".
        embedder: An embedder, its path or its name.
        budget: How many labels people give at most; or a `Budget`, with money and tokens too.
            Where it ends before the promise can be kept, the result says what can be promised, and
            which labels are unreviewed.
        directory: The run directory. By default one in the cache directory, of this call alone.
        id: The column of the ids by which people find items; by default "id", or ids are made.
        parts: Parts of the procedure that leads to the promise, in place of the usual ones; see
            `llmal.guarantee`.
        people_batch: How many items a function gets at once, at most.
        cache: As for `llmal.annotate`.
        seed: Of all that is drawn.
        encoding: Of a file, as the next two.
        delimiter: Of a CSV file; by default the one that its first line has most of.
        sheet: Of an Excel workbook; by default the only one with rows.
        accept_changes: Go on in a directory although labels, guidelines or data have changed.
        progress: Show it in a terminal; or a function that is told of it.

    Raises:
        LlmalError: The data, the labels, the model or people's labels are not usable. Everything
            that was answered before is kept, and the same call goes on from there.
    """
    guarantee = Guarantee(max_error, confidence, parts=parts or {})
    _check_machine(lm, machine_label, machine_confidence)
    columns = [one for one in (machine_label, machine_confidence) if one is not None]
    reading = Reading(encoding, delimiter, sheet)
    opened = open_run_pool(data, text=text, gold=gold, id=id, reading=reading, needed=columns)
    task = task_of(labels, text=opened.rows.text, guidelines=guidelines, name="label", kind=kind)
    _check_people(people, opened, directory)
    remarks = Remarks()
    if labels is not None and not isinstance(labels, (Task, Mapping)):
        remarks.changes += _as_texts(task.names, labels)
    with contextlib.ExitStack() as stack:
        model: LanguageModel | None = None
        if lm is not None and lm != SIMILARITY:
            model = stack.enter_context(opened_model(lm, cache=cache))
        texts_embedded = embedder_of(embedder)
        machine: Annotator
        if machine_label is not None:
            machine = Recorded(
                machine_label,
                labels=task.names,
                space=task.space,
                confidence=machine_confidence,
                name="machine",
            )
        elif model is None:
            machine = SimilarityAnnotator(task, texts_embedded)
        else:
            machine = LLMAnnotator(
                task, model, shots=shots, calibrate=calibrate, style=style, embedder=texts_embedded
            )
        if directory is None:
            asked: list[Any] = [*columns] or [
                "similarity" if model is None else model.fingerprint,
                shots,
            ]
            place = _own_directory(opened, task, asked, people, max_error, confidence, seed)
        else:
            place = Path(directory).expanduser()
        limits = _budget(budget)
        kept = kept_call(
            opened,
            task,
            guarantee,
            data=data,
            reading=reading,
            machine=machine_of(
                lm,
                machine_label,
                machine_confidence,
                shots=shots,
                calibrate=calibrate,
                style=style,
            ),
            via="gold" if people == "gold" else "queue",
            embedder=embedder,
            budget=limits,
            seed=seed,
            directory=place,
        )
        run = Orchestrator(
            task,
            opened.pool,
            directory=place,
            annotator=Router(
                [Stage(machine, Threshold(0.0)), _people(task, people, columns, people_batch)]
            ),
            embedder=texts_embedded,
            budget=limits,
            objective="labels",
            guarantee=guarantee,
            seed=seed,
            accept_changes=accept_changes,
            callbacks=[kept, *stack.enter_context(_told(progress)), remarks],
        )
        ended = run.run()
    return labelled_rows(opened, run, ended, remarks)


def _as_texts(names: Sequence[str], labels: Iterable[object]) -> list[str]:
    """What is said where labels were given as numbers or truth values: they come back as texts."""
    odd = [name for name, one in zip(names, labels, strict=False) if isinstance(one, Number)]
    return [f"labels come back as texts: {', '.join(map(repr, odd[:5]))}"] if odd else []


def _check_machine(lm: Any, machine_label: str | None, machine_confidence: str | None) -> None:
    if machine_confidence is not None and machine_label is None:
        raise ConfigError(
            "machine_confidence says how sure labels are, and there are none",
            fix="name their column too, machine_label=",
        )
    if lm is None and machine_label is None:
        raise ConfigError(
            "there is no machine that labels",
            fix=f"{GIVE_A_MODEL}; or name the column of labels that there are, machine_label=",
        )
    if lm is not None and machine_label is not None:
        raise ConfigError(
            "lm and machine_label are both given", fix="leave out the one that is not to label"
        )


def _check_people(people: object, opened: RunPool, directory: object) -> None:
    if people == "queue" and directory is None:
        raise ConfigError(
            "people label in a file, and nobody has said where",
            fix="give directory='runs/…', or a function that asks them: people=",
        )
    if people == "gold" and not opened.pool.has_gold:
        raise ConfigError(
            "people are played by the gold column, and there is none", fix="name it: gold='…'"
        )
    if not callable(people) and people not in ("gold", "queue"):
        raise ConfigError(
            f"people is {people!r}",
            fix="give 'queue', 'gold', or a function that takes items and gives their labels",
        )


def _people(task: Task, people: People, hidden: Sequence[str], batch: int) -> Annotator:
    if people == "gold" or people == "queue":
        return make_human(task, via=people, hidden=hidden)
    return HumanFunction(task, people, hidden=hidden, batch_size=batch)


def _budget(budget: int | Budget | None) -> Budget:
    if isinstance(budget, Budget):
        return budget
    if budget is None:
        return Budget()
    return Budget(human_labels=budget, batch=max(1, min(Budget().batch, budget)))


def _own_directory(
    opened: RunPool, task: Task, asked: Sequence[Any], people: People, *numbers: float
) -> Path:
    """The directory of a call that names none: the same for the same call."""
    who = people if isinstance(people, str) else getattr(people, "__qualname__", "a function")
    key = [opened.pool.fingerprint, task.fingerprint, list(asked), who, list(numbers)]
    return cache_folder() / "runs" / f"label-{fingerprint('call of label', key)}"


@contextlib.contextmanager
def _told(progress: bool | Progress) -> Iterator[list[Callback]]:
    """Who is told of the events of the run."""
    if callable(progress):
        yield [functools.partial(_step, progress)]
    elif progress and (sys.stderr.isatty() or in_notebook()):
        with ProgressDisplay() as bars:
            yield [bars]
    else:
        yield []


def _step(progress: Progress, event: Event) -> None:
    """Tell a function of the caller's of progress."""
    if event.kind != "progress":
        return
    data = event.data
    spent = Usage(
        prompt_tokens=data.get("tokens", 0),
        money=data.get("money", 0.0),
        human_labels=data.get("human_labels", 0),
    )
    progress(data["what"], data["done"], data["total"], spent)
