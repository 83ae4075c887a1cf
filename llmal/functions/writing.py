"""Writing synthetic items outside a run: what it can cost, a preview, and the writing itself."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from llmal import __version__
from llmal.calibration.default import AUTO, Calibrate
from llmal.config import GeneratorConfig, PlugInGeneratorConfig
from llmal.config.explain import explain
from llmal.config.yaml_lines import Places
from llmal.core.plans import BatchPlan
from llmal.core.records import Item, SyntheticItem, Usage, total
from llmal.errors import ConfigError, DataError
from llmal.factory.generators import PROTECTING, make_generator
from llmal.functions.annotating import Progress
from llmal.functions.spending import check_reach
from llmal.generators import (
    Apportioning,
    Generator,
    LearnerAnswers,
    Needing,
    Request,
    SynthesisResult,
    generate_filtered,
    lack,
    plan_filtered,
)
from llmal.generators.answers import labels_among
from llmal.generators.filtered import wanted_of, with_new_ids
from llmal.generators.filters import FilterLike, Judged, Preparing, judge_items
from llmal.generators.origin import Origin, model_name, settings_of, without_paths
from llmal.generators.record import SyntheticRecord
from llmal.lm.progress import Meter, reporting
from llmal.pool import Pool
from llmal.prompting.protocol import Probing
from llmal.run.budget import Budget
from llmal.task import Task

if TYPE_CHECKING:
    from llmal.embed import Embedder
    from llmal.lm.protocol import LanguageModel

log = logging.getLogger("llmal.functions")

ATTEMPTS = 4
"""Most texts that are written for each one that is wanted."""

OF_EVERY_GENERATOR = (
    *("per_class", "every", "shots", "min_words", "max_words", "similarity", "agreement"),
    *("calibrate", "filters"),
)
"""Keys of a section that are about demonstrations and filters, which are told by themselves."""

NOTHING = Usage()


class Writing:
    """Texts of each label, to be written and filtered as a configuration says.

    Args:
        task: The task.
        k: Accepted texts of each label, or of each by its name; of those that are not named none.
            A generator that says how many each label lacks writes no more than that.
        section: The generator and its options.
        lm: Writes.
        embedder: Finds near duplicates.
        labels: Of these alone. Where an item takes several labels, answers as they are written;
            without them those that the demonstrations have, or without any each label alone.
        demonstrations: Labelled items.
        learner: What a learner makes of labelled items.
        pool: Texts that must not be written again.
        test: Texts that nothing may be written near to.
        audit: Likewise; items by which labels are audited. With either, and no list of filters, the
            filter `leakage` looks for that.
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
        k: int | Mapping[str, int],
        *,
        section: GeneratorConfig | PlugInGeneratorConfig,
        lm: LanguageModel,
        embedder: Embedder | None,
        labels: Sequence[str] | None = None,
        demonstrations: Sequence[Item] = (),
        learner: LearnerAnswers | None = None,
        pool: Pool | Sequence[Item] | None = None,
        test: Pool | Sequence[Item] | None = None,
        audit: Sequence[Item] | None = None,
        labelled: Sequence[Item] | None = None,
        style: str = "auto",
        calibrate: Calibrate = AUTO,
        unlabelled: Sequence[Item] = (),
        filters: Sequence[FilterLike] | None = None,
        seed: int = 0,
        budget: Budget | None = None,
    ) -> None:
        if labels is None:
            names = labels_among(task, demonstrations)
        else:
            names = [_canonical(task, name) for name in labels]
        asked = _asked(k, task, names)
        self.task = task
        self.seed = seed
        self._section = section
        self._shown = len(demonstrations)
        self._real: Pool | Sequence[Item] = () if pool is None else pool
        if labelled and not isinstance(self._real, Pool):
            self._real = [*self._real, *labelled]
        self._embedder = embedder
        self._lm = lm
        if filters is None and section.filters is None and (test is not None or audit):
            filters = PROTECTING
        self._generator, self._filters = make_generator(
            section,
            task,
            lm,
            embedder,
            pool,
            test,
            audit=audit,
            style=style,
            calibrate=calibrate,
            unlabelled=unlabelled,
            labelled=labelled,
            filters=filters,
            seed=seed,
        )
        shown = tuple(demonstrations)
        self._requests = [
            Request(name, shown, seed, sources=shown, learner=learner) for name in names
        ]
        self.wanted = _apportioned(self._generator, asked, task, shown)
        """Accepted texts of each label that are to be written."""
        needs = self._generator.requires if isinstance(self._generator, Needing) else ()
        if learner is not None and "learner" not in needs:
            log.warning("%s does not go by the learner that is given", self._generator.name)
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
        each = [
            self._plan(request, ATTEMPTS * self.wanted[request.label]).highest
            for request in self._usable()
        ]
        return total([self._beginning(), *each]) if each else Usage()

    def _usable(self) -> list[Request]:
        """Requests that something is wanted for, and that the generator can write something for.

        Raises:
            DataError: It can for none of them.
        """
        wanted = [one for one in self._requests if self.wanted[one.label]]
        lacks = [lack(self._generator, request) for request in wanted]
        usable = [one for one, why in zip(wanted, lacks, strict=True) if why is None]
        if wanted and not usable:
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
        wanted = sum(self.wanted.values())
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
                self.wanted,
                attempts=ATTEMPTS,
                on_items=note,
                admit=None if self._budget is None else self._admitted,
            )

    def preview(self, count: int, on_progress: Progress | None = None) -> list[Judged]:
        """Write a few texts, in turn of each label, and have every filter judge each of them.

        No filter remembers them.

        Args:
            count: Texts of all labels together.
            on_progress: Told of the texts of each label.

        Raises:
            ConfigError: The number is below one.
            LlmalError: The model failed.
            BudgetError: The budget does not reach for the first text.
        """
        if count < 1:
            raise ConfigError(f"preview is {count}", fix="write at least 1 text")
        usable = self._usable()[:count]
        self._set_up()
        written: list[SyntheticItem] = []
        ids: Counter[str] = Counter()
        owed = Usage()  # for the filters, which look at all texts in the end
        for place, request in enumerate(usable):
            share = count // len(usable) + (place < count % len(usable))
            if self._budget is not None:
                share = self._admitted(request.label, self._plan(request, share), share, owed)
            if share:
                writing = self._generator.plan(request, share)
                owed += self._plan(request, share).highest - writing.highest
                made = writing.execute()
                written += with_new_ids(made, ids)
                self.usage += total(item.usage for item in made)
            if on_progress is not None:
                on_progress("texts", len(written), count, self.usage)
        before = total(item.usage for item in written)
        judged = judge_items(written, self._filters)
        self.usage += total(one.item.usage for one in judged) - before
        return judged

    def record(self, synthesis: SynthesisResult) -> SyntheticRecord:
        """The items with all that is known of them."""
        return SyntheticRecord(
            synthesis.items,
            self.task,
            self._origin(synthesis),
            self._real,
            self._embedder,
            self.seed,
        )

    def _origin(self, synthesis: SynthesisResult) -> Origin:
        section = self._section
        said = section.model_dump(mode="json", exclude_unset=True)
        options = {
            key: value for key, value in said.items() if key not in ("name", *OF_EVERY_GENERATOR)
        }
        return Origin(
            task=self.task.as_dict(),
            generator={"name": section.name, "shots": section.shots, **without_paths(options)},
            model=model_name(self._lm.fingerprint),
            filters=settings_of(self._filters),
            wanted=dict(synthesis.wanted),
            demonstrations=self._shown,
            real=len(self._real),
            seed=self.seed,
            usage=self.usage.as_dict(),
            version=__version__,
        )

    def _set_up(self) -> None:
        less = False
        usable = self._usable()
        if not usable:
            return
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

    def _admitted(
        self,
        label: str,
        plan: BatchPlan[list[SyntheticItem]],
        count: int,
        owed: Usage = NOTHING,
    ) -> int:
        """The most of so many texts that the budget allows, beside what is owed already."""
        assert self._budget is not None
        fits, _, limit = self._budget.part_of(plan, count, self.usage + owed)
        if not fits:
            log.warning("%s is used up; no more texts of %r are written", limit, label)
        return fits


def _asked(k: int | Mapping[str, int], task: Task, names: Sequence[str]) -> dict[str, int]:
    """How many texts of each label are asked for.

    Raises:
        ConfigError: A number is too low or none, or a label is not among those that are written.
        DataError: The task has no such label.
    """
    said: list[tuple[str, object]] = [*k.items()] if isinstance(k, Mapping) else [("", k)]
    for label, count in said:
        if isinstance(count, bool) or not isinstance(count, Integral):
            of = f" of {label!r}" if label else ""
            raise ConfigError(f"k{of} is {count!r}", fix="give a whole number")
        if label and _canonical(task, label) not in names:
            raise ConfigError(
                f"k names {label!r}, and no texts of it are asked for", fix="leave it out"
            )
    if isinstance(k, Mapping):
        k = {_canonical(task, label): count for label, count in k.items()}
    wanted = wanted_of(k, names)
    if not any(wanted.values()):
        raise ConfigError("k asks for no text of any label", fix="ask for at least one")
    return wanted


def _canonical(task: Task, label: str) -> str:
    """A label, or an answer of several, as the task writes it.

    Raises:
        DataError: It is no answer of the task.
    """
    answer = task.space.match(label)
    if answer is None:
        raise DataError("one of the labels is empty", fix=f"use {', '.join(task.names)}")
    return task.space.write(answer)


def _apportioned(
    generator: Generator, asked: Mapping[str, int], task: Task, shown: Sequence[Item]
) -> dict[str, int]:
    """How many texts of each label are wanted, by what a generator says that each lacks."""
    if not isinstance(generator, Apportioning):
        return dict(asked)
    there = Counter(one.gold for one in shown)
    lacking = generator.wanted({name: there[name] for name in task.names}, max(asked.values()))
    wanted = {name: min(count, lacking.get(name, 0)) for name, count in asked.items()}
    if not any(wanted.values()):
        log.warning(
            "%s writes nothing: by the demonstrations no label is rarer than it may be",
            generator.name,
        )
    return wanted


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
