"""`llmal.generate`: new texts of each label, in one call."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import ValidationError

from llmal.calibration.default import AUTO, MOST_TEXTS, Calibrate
from llmal.config import GeneratorConfig, PlugInGeneratorConfig
from llmal.config.explain import explain
from llmal.config.yaml_lines import Places
from llmal.core.plans import BatchPlan
from llmal.core.records import Item, SyntheticItem, Usage, total
from llmal.core.tables import Column
from llmal.errors import ConfigError, DataError
from llmal.factory.generators import make_generator
from llmal.functions.annotating import Progress, renamed
from llmal.functions.annotation import shown_progress
from llmal.functions.labelled import labelled_items, matched
from llmal.functions.models import CacheChoice, counting_model, embedder_of, opened_model
from llmal.functions.results import Generated
from llmal.functions.rows import Row, open_rows
from llmal.functions.spending import check_reach
from llmal.functions.tasks import Labels, task_of
from llmal.generators import (
    Request,
    SynthesisResult,
    generate_filtered,
    lack,
    plan_filtered,
)
from llmal.generators.filters import FilterLike, Preparing
from llmal.generators.rows import COLUMNS, fields_of, texts_of
from llmal.lm.progress import Meter, reporting
from llmal.prompting.protocol import Probing
from llmal.run.budget import Budget
from llmal.task import Task

if TYPE_CHECKING:
    from llmal.embed import Embedder
    from llmal.lm.protocol import LanguageModel
    from llmal.pool import Pool

log = logging.getLogger("llmal.functions")

ATTEMPTS = 4
"""Most texts that are written for each one that is wanted."""

ADDED = (COLUMNS[0], Column("synthetic", "flag"), *COLUMNS[1:])


def generate(
    task: Labels | None = None,
    k: int = 10,
    *,
    lm: LanguageModel | str | os.PathLike[str] | None = None,
    label: str | Sequence[str] | None = None,
    demonstrations: Any = None,
    label_column: str = "label",
    avoid: Any = None,
    text: str | Sequence[str] | None = None,
    guidelines: str = "",
    shots: int = 3,
    generator: str = "class_conditional",
    options: Mapping[str, Any] | None = None,
    structure: Literal["json", "line"] | None = None,
    temperature: float | None = None,
    min_words: int | None = None,
    max_words: int | None = None,
    similarity: float = 0.95,
    agreement: float = 0.5,
    calibrate: Calibrate = AUTO,
    filters: Sequence[FilterLike] | None = None,
    prompt: str | None = None,
    style: str = "auto",
    embedder: Embedder | str | os.PathLike[str] | None = None,
    budget: Budget | None = None,
    cache: CacheChoice = True,
    seed: int = 0,
    dry_run: bool = False,
    progress: bool | Progress = True,
) -> Generated:
    """Have a language model write k new texts of each label.

    Each text is checked: its length, whether it repeats one of the demonstrations, of `avoid`, or
    one written before, and whether the model itself gives it the label. The rows are the texts
    that passed; `refused` has the others with the reason, `missing` how many are wanting.

        new = llmal.generate({"good": "praise", "bad": "a complaint"}, k=5,
                             lm="smollm2-135m-instruct", demonstrations=labelled)

    Args:
        task: A `Task`, names of labels, or a mapping of names to descriptions. Without it the
            labels of the demonstrations.
        k: Texts of each label that pass.
        lm: As for `llmal.annotate`.
        label: Write texts of this label alone, or of these.
        demonstrations: Labelled rows to write in the manner of, as for `llmal.annotate`.
        label_column: The column of labels of the demonstrations.
        avoid: Rows whose texts must not be written again, such as a pool and its test set.
        text: The text column, or several. By default those of the task, or "text".
        guidelines: What the texts are about.
        shots: Demonstrations in each prompt, drawn anew for every few texts.
        generator: What writes, a name of `llmal.generators`. Those that make new items out of
            labelled ones (paraphrase, counterfactual, ...) take the demonstrations for that.
        options: Of the generator, by name: {"attributes": {"topic": ["sport", "music"]}}.
        structure: "json" has the model write an object, "line" a line of text, which small and
            base models do better. By default what the generator does, mostly "json".
        temperature: Of the sampling; by default what the generator does, mostly 1.
        min_words: Shorter texts are refused.
        max_words: Longer texts are refused.
        similarity: Cosine from which two texts count as the same.
        agreement: Least probability of the label by the model that wrote the text.
        calibrate: What makes these probabilities of its scores, as for `llmal.annotate`; "auto"
            fits on demonstrations and `avoid`.
        filters: What refuses texts, in turn: filters, functions that give a reason or None for a
            text, names, or mappings of a name and options. "default" stands for those that there
            are without it: format_length, near_duplicates and label_agreement.
        prompt: Name of a prompt of llmal, or path of a YAML file.
        style: "chat", "completion", or "auto".
        embedder: An embedder, its path or its name, for `similarity`.
        budget: Limits of tokens and money; no more is written than they allow.
        cache: As for `llmal.annotate`.
        seed: Same seed, same texts.
        dry_run: Ask nobody: `cost` is then the most that it would cost.
        progress: Show it in a terminal; or a function that is told of it.

    Raises:
        LlmalError: Something is not usable.
    """
    columns = _text_columns(task, text)
    shown = (
        []
        if demonstrations is None
        else labelled_items(demonstrations, columns, label=label_column)
    )
    made = task_of(
        task,
        text=columns,
        guidelines=guidelines,
        name="generate",
        seen=(item.gold for item in shown),
    )
    shown = matched(shown, made)
    section = generator_section(
        generator,
        {
            **(options or {}),
            **{
                name: value
                for name, value in (
                    ("structure", structure),
                    ("temperature", temperature),
                    ("prompt", prompt),
                )
                if value is not None
            },
        },
        shots=shots,
        min_words=min_words,
        max_words=max_words,
        similarity=similarity,
        agreement=agreement,
    )
    avoided = [] if avoid is None else _texts(avoid, columns)
    known = [*shown, *avoided]
    with contextlib.ExitStack() as stack:
        opened = counting_model(lm) if dry_run else opened_model(lm, cache=cache)
        writing = Writing(
            made,
            k,
            section=section,
            lm=stack.enter_context(opened),  # a bar of its own, where it must be fetched
            embedder=embedder_of(embedder),
            labels=[label] if isinstance(label, str) else label,
            demonstrations=shown,
            pool=avoided or None,
            labelled=shown or None,
            style=style,
            calibrate=calibrate,
            unlabelled=_drawn(known, seed),
            filters=filters,
            seed=seed,
            budget=budget,
        )
        if dry_run:
            return generated(SynthesisResult((), {}, {}), made, writing.most())
        synthesis = writing.run(stack.enter_context(shown_progress(progress)))
        return generated(synthesis, made, writing.usage)


class Writing:
    """Texts of each label, to be written and filtered as a configuration says.

    Args:
        task: The task.
        k: Accepted texts of each label.
        section: The generator and its options.
        lm: Writes.
        embedder: Finds near duplicates.
        labels: Of these alone.
        demonstrations: Labelled items; each label is shown its own.
        pool: Texts that must not be written again.
        test: Likewise.
        labelled: Likewise; labelled items that are not of the pool.
        style: The form of the prompts.
        calibrate: What makes probabilities of the judge's scores.
        unlabelled: Texts that it is calibrated on.
        filters: In the place of those of the section.
        seed: Same seed, same texts.
        budget: Nothing is written that could cost more than is left.

    Raises:
        LlmalError: Something is not usable.
    """

    def __init__(
        self,
        task: Task,
        k: int,
        *,
        section: GeneratorConfig | PlugInGeneratorConfig,
        lm: LanguageModel,
        embedder: Embedder | None,
        labels: Sequence[str] | None = None,
        demonstrations: Sequence[Item] = (),
        pool: Pool | Sequence[Item] | None = None,
        test: Pool | None = None,
        labelled: Sequence[Item] | None = None,
        style: str = "auto",
        calibrate: Calibrate = AUTO,
        unlabelled: Sequence[Item] = (),
        filters: Sequence[FilterLike] | None = None,
        seed: int = 0,
        budget: Budget | None = None,
    ) -> None:
        if k < 1:
            raise ConfigError(f"k is {k}", fix="it must be at least 1")
        names = list(task.names) if labels is None else [task.names[task.index(n)] for n in labels]
        self.k = k
        self._lm = lm
        self._generator, self._filters = make_generator(
            section,
            task,
            lm,
            embedder,
            pool,
            test,
            style=style,
            calibrate=calibrate,
            unlabelled=unlabelled,
            labelled=labelled,
            filters=filters,
            seed=seed,
        )
        self._requests = [
            Request(
                name,
                tuple(one for one in demonstrations if one.gold == name),
                seed,
                sources=tuple(demonstrations),
            )
            for name in names
        ]
        self._budget = budget
        self._probing = [one for one in self._parts if isinstance(one, Probing)]
        self._preparing = [one for one in self._filters if isinstance(one, Preparing)]
        self.usage = Usage()
        """What was spent so far."""

    @property
    def _parts(self) -> list[Any]:
        return [self._generator, *self._filters]

    def most(self) -> Usage:
        """The most that it can cost: every attempt, at full length. Asks nobody."""
        each = [self._plan(request, ATTEMPTS * self.k).highest for request in self._usable()]
        return total([self._beginning(), *each])

    def _usable(self) -> list[Request]:
        """Requests that the generator can write something for.

        Raises:
            DataError: There is none.
        """
        lacks = [lack(self._generator, request) for request in self._requests]
        usable = [one for one, why in zip(self._requests, lacks, strict=True) if why is None]
        if not usable:
            raise DataError(
                lacks[0] or "there is no label to write items of",
                fix="give labelled rows as demonstrations, or use class_conditional",
            )
        return usable

    def _beginning(self, less: bool = False) -> Usage:
        """The most that is asked before the first text is written."""
        plans = [one.plan_setup() for one in self._probing]
        preparing = [one.plan_preparation(less=less) for one in self._preparing]
        return total([*(one.highest for one in plans), *(one.highest for one in preparing)])

    def run(self, on_progress: Progress | None = None) -> SynthesisResult:
        """Write.

        Args:
            on_progress: Told of every batch.

        Raises:
            LlmalError: The model failed; what it answered before is in its cache.
            BudgetError: The budget does not reach for the first text.
        """
        wanted = self.k * len(self._requests)
        written: list[SyntheticItem] = []
        self._set_up()
        meter = Meter([self._lm])

        def tell() -> None:
            if on_progress is not None:
                accepted = sum(one.accepted for one in written)
                on_progress("accepted items", accepted, wanted, self.usage + meter.since())

        def note(items: Sequence[SyntheticItem]) -> None:
            written.extend(items)
            self.usage = sum((one.usage for one in items), self.usage)
            meter.restart()
            tell()

        tell()
        # While the model writes, too, so that nobody takes a slow one for dead.
        with reporting([self._lm], lambda answered, prompts: tell()):
            return generate_filtered(
                self._generator,
                self._filters,
                self._requests,
                self.k,
                attempts=ATTEMPTS,
                on_items=note,
                admit=None if self._budget is None else self._admitted,
            )

    def _set_up(self) -> None:
        less = False
        usable = self._usable()
        if self._budget is not None:
            text = self._plan(usable[0], 1).highest
            less = self._budget.exceeded_by(Usage(), self._beginning() + text) is not None
            check_reach(self._budget, self._beginning(less) + text, "one text")
        for probing in self._probing:
            setup = probing.plan_setup()
            self.usage += setup.highest
            setup.execute()
        for preparing in self._preparing:
            self.usage += preparing.plan_preparation(less=less).execute()

    def _plan(self, request: Request, k: int) -> BatchPlan[list[SyntheticItem]]:
        return plan_filtered(self._generator, self._filters, request, k)

    def _admitted(self, label: str, plan: BatchPlan[list[SyntheticItem]], count: int) -> int:
        """The most of so many texts that the budget allows."""
        assert self._budget is not None
        limit, cost = None, plan.once
        for fits, one in enumerate(plan.each):
            cost += one
            limit = self._budget.exceeded_by(self.usage, cost)
            if limit is not None:
                if not fits:
                    log.warning("%s is used up; no more texts of %r are written", limit, label)
                return fits
        return count


def table_columns(task: Task) -> tuple[list[Column], dict[str, str]]:
    """The columns of a table of synthetic items, and what those are called there that are not the
    task's: a text column keeps its name.
    """
    called = renamed([Column("id"), *ADDED], task.text)
    columns = [Column(called["id"]), *(Column(one) for one in task.text)]
    return [*columns, *(Column(called[one.name], one.kind) for one in ADDED)], called


def table_rows(
    items: Sequence[SyntheticItem], task: Task, called: Mapping[str, str]
) -> Iterator[Row]:
    """Synthetic items as rows, those refused included.

    Args:
        items: The items.
        task: Its text columns are those of the table.
        called: As `table_columns` gives it.
    """
    for one in items:
        own = {"synthetic": True, **fields_of(one)}
        yield {**texts_of(one, task.text), **{called[key]: value for key, value in own.items()}}


def generated(synthesis: SynthesisResult, task: Task, cost: Usage) -> Generated:
    """What was written as a result."""
    columns, called = table_columns(task)
    rows = list(table_rows(synthesis.items, task, called))
    short = {called[name] for name in ("accepted", "refused_by", "reason")}
    return Generated(
        [
            {key: value for key, value in row.items() if key not in short}
            for row in rows
            if row[called["accepted"]]
        ],
        [one for one in columns if one.name not in short],
        task.text,
        {"label": called["label"]},
        cost,
        refused=[row for row in rows if not row[called["accepted"]]],
        missing=synthesis.missing,
        counts=[one.as_dict() for one in synthesis.counts],
    )


def _text_columns(task: Any, text: str | Sequence[str] | None) -> tuple[str, ...]:
    if text is not None:
        return (text,) if isinstance(text, str) else tuple(text)
    return task.text if isinstance(task, Task) else ("text",)


def _texts(avoid: Any, columns: Sequence[str]) -> list[Item]:
    rows = open_rows(avoid, columns, what="avoid")
    items = (rows.item(row) for row in rows)
    return [item for item in items if isinstance(item, Item)]


def _drawn(items: Sequence[Item], seed: int) -> list[Item]:
    """At most `MOST_TEXTS` of them at random, in their order."""
    rng = np.random.default_rng([seed, MOST_TEXTS])
    rows = rng.choice(len(items), min(len(items), MOST_TEXTS), replace=False)
    return [items[row] for row in np.sort(rows)]


def generator_section(
    name: str, options: Mapping[str, Any], **settings: Any
) -> GeneratorConfig | PlugInGeneratorConfig:
    """The section of a configuration that says the same.

    Args:
        name: The generator.
        options: Of the generator.
        settings: What every generator has.
    """
    content = {"name": name, **settings, **options}
    try:
        if name == "class_conditional":
            return GeneratorConfig.model_validate(content)
        return PlugInGeneratorConfig.model_validate(content)
    except ValidationError as error:
        raise _explained(error, content) from None


def _explained(error: ValidationError, content: Mapping[str, Any]) -> ConfigError:
    found: ConfigError = explain(error, dict(content), Places("generate"))
    return found
