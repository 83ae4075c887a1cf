"""The loop: pick, ask, record, learn, until the budget or a rule ends it."""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.human_queue import HumanQueue
from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import (
    Annotator,
    Context,
    Foreseeing,
    Foresight,
    Priced,
    drawn_texts,
)
from llmal.annotators.router import Router, Stage
from llmal.core.files import write_json
from llmal.core.records import Annotation, Item, Usage
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError, DataError
from llmal.few_shot.preparation import FewShotPrompt
from llmal.generators.protocol import Filter, Generator
from llmal.learners.protocol import EmbeddingLearner, Learner
from llmal.learners.saved import FOLDER, write_labels
from llmal.ledger import Decided, Ledger, Round
from llmal.lm.cache import kept_answers
from llmal.lm.progress import Meter, reporting
from llmal.lm.protocol import Asking, LanguageModel
from llmal.pool import Pool
from llmal.prompting.protocol import Probing
from llmal.run.budget import Budget
from llmal.run.calibration_check import check_calibration
from llmal.run.events import Announcer, Callback, EventKind, WarningCollector
from llmal.run.guards import Hold, collected_warnings, on_interrupt, only_one
from llmal.run.items import Duplicates, OnOverlap, RunItems
from llmal.run.plan import Plan
from llmal.run.planning import Spenders, forecast
from llmal.run.purse import PREPARATION, Purse, SpentOut
from llmal.run.round_signals import RoundSignals
from llmal.run.selector_questions import SelectorQuestions
from llmal.run.synthesis import Synthesis
from llmal.run.training import Trainer
from llmal.selectors.protocol import Selector
from llmal.selectors.signals import KINDS
from llmal.selectors.state import RoundState
from llmal.selectors.wrapper import called, check_spaces, needed
from llmal.stopping import StoppingRule
from llmal.task import Task
from llmal.task.spaces import kinds_of, refuse_unless

Objective = Literal["model", "labels"]
Status = Literal["finished", "waiting", "interrupted"]

log = logging.getLogger("llmal.run")


@dataclass(frozen=True)
class RunResult:
    """How a call of `Orchestrator.run` ended.

    Attributes:
        status: "finished"; "waiting" for people; or "interrupted" by Ctrl-C. After the last two,
            `run` again goes on.
        reason: Why, in words.
        accuracy: Of the learner on the test set after the last round; None without one.
        rounds: The rounds so far.
        labels: The label of each item that has one, by item id.
        cost: Everything that was spent in this run directory.
        directory: The run directory.
    """

    status: Status
    reason: str
    accuracy: float | None
    rounds: list[Round]
    labels: dict[str, Decided]
    cost: Usage
    directory: Path
    _ledger_url: str = field(repr=False, default="")
    _annotations: int = field(repr=False, default=0)

    @property
    def annotations(self) -> list[Annotation]:
        """Every annotation that was in the ledger then, in the order in which they came."""
        with Ledger.open(self._ledger_url) as ledger:
            return list(itertools.islice(ledger.annotations(), self._annotations))


_AT_ONCE = 4096


class _Interrupted(Exception):
    """Ctrl-C was pressed once, and the work in hand is done."""


class Orchestrator:
    """Spends a budget of labels on a pool.

    `objective="model"`: in each round the selector picks a batch, the annotators label it, and
    the learner is trained anew. `objective="labels"`: people label the start, the annotators that
    are no people then go over the whole pool, and people review, round by round, what those were
    not sure of.

    Everything is in the run directory: what was picked is in the ledger before anybody is asked,
    an answer when it is given. Killed at any point, a run goes on where it was.

    Args:
        task: What to label.
        pool: The texts.
        directory: The run directory; made if it is not there.
        annotator: Who labels: an annotator, or a `Router` of several.
        test: A labelled test set. Never picked from, never shown to a prompt.
        lm: A language model whose answers are to be kept in the run directory.
        embedder: By default all-MiniLM-L6-v2, loaded when something needs it.
        selector: The query strategy. By default `Margin`.
        start: The strategy of the first round, when there are no labels. By default `TypiClust`.
        start_items: Items of the first round; by default a batch.
        learner: By default `LinearHead`.
        budget: Limits, and the size of a batch.
        stop: Rules that end the run before the budget does.
        objective: "model" or "labels".
        generator: Writes synthetic items for the learner every `generate_every` rounds.
        filters: What synthetic items must pass.
        generate_per_label: Synthetic items asked for, for each label.
        generate_every: Rounds from one time to the next.
        committee: Members of the committee that selectors such as `Bald` listen to.
        duplicates: Items with the same text: "together" asks about one of them, and the label goes
            to all; "apart" keeps each as an item of its own.
        overlap: Items of the pool that are in the test set too: "exclude" neither picks, shows nor
            trains on them; "keep" only tells of them.
        seed: Same seed, same picks.
        ledger: Database URL; by default a SQLite file in the run directory.
        callbacks: Told of every event.

    Raises:
        ConfigError: Parts that do not fit together.
        DataError: A gold label that the task lacks, or a test set without gold.
    """

    def __init__(
        self,
        task: Task,
        pool: Pool,
        *,
        directory: str | Path,
        annotator: Annotator | Router,
        test: Pool | None = None,
        lm: LanguageModel | None = None,
        embedder: Embedder | None = None,
        selector: Selector | None = None,
        start: Selector | None = None,
        start_items: int | None = None,
        learner: Learner | None = None,
        budget: Budget = Budget(),
        stop: Sequence[StoppingRule] = (),
        objective: Objective = "model",
        generator: Generator | None = None,
        filters: Sequence[Filter] = (),
        generate_per_label: int = 10,
        generate_every: int = 1,
        committee: int = 10,
        duplicates: Duplicates = "together",
        overlap: OnOverlap = "exclude",
        seed: int = 0,
        ledger: str | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        from llmal.learners import LinearHead
        from llmal.selectors import Margin, TypiClust

        self.task = task
        self.pool = pool
        self.test = test
        self.directory = Path(directory)
        self.lm = lm
        self.router = annotator if isinstance(annotator, Router) else Router([Stage(annotator)])
        self.selector: Selector = selector if selector is not None else Margin()
        self.start: Selector = start if start is not None else TypiClust()
        self.start_items = budget.batch if start_items is None else start_items
        self.learner: Learner = learner if learner is not None else LinearHead()
        self.budget = budget
        self.stop = tuple(stop)
        self.objective: Objective = objective
        self.seed = seed
        self.ledger_url = ledger or str(self.directory / "ledger.sqlite")
        self._callbacks = list(callbacks)
        self._announcer = Announcer(self._callbacks)
        self._ending = False
        wanted = {"embeddings", "features"} - (
            {"features"} if isinstance(self.learner, EmbeddingLearner) else set()
        )
        self._needs_embedder = self.learner.input == "embeddings" or any(
            wanted & one.requires for one in (self.selector, self.start)
        )
        self.embedder = embedder if embedder is not None else self._default_embedder()
        self._check()
        self.items = RunItems(self.pool, self.test, duplicates=duplicates, overlap=overlap)
        if not len(self._asked_about):
            raise DataError(
                "every item of the pool is in the test set too",
                where=self.pool.source,
                fix="give another test set, or use the items all the same with overlap: keep",
            )
        self.start_items = min(self.start_items, len(self._asked_about))
        self.trainer = Trainer(
            task,
            self.pool,
            self.learner,
            embedder=self.embedder,
            test=self.test,
            usable=self.items.usable,
            matrix_file=self.directory / "embeddings.npy",
            seed=seed,
            on_progress=self._progress,
        )
        people = (stage.annotator for stage in self.router.stages)
        self._questions = self._made_questions()
        self.signals = RoundSignals(
            self.pool,
            self.trainer,
            embeddings=self.embedder is not None,
            questions=self._questions,
            price=sum(one.cost for one in people if isinstance(one, Priced)),
            members=committee,
            on_progress=self._progress,
        )
        self._check_selectors()
        if generator is not None:
            refuse_unless(self.task, kinds_of(generator), "a generator", "leave it out")
        self._synthesis = (
            None
            if generator is None
            else Synthesis(
                task,
                generator,
                filters,
                per_label=generate_per_label,
                every=generate_every,
                seed=seed,
                on_step=lambda what: self._tell("step", what),
            )
        )

    @property
    def _asked_for_labels(self) -> list[LLMAnnotator]:
        return [
            stage.annotator
            for stage in self.router.stages
            if isinstance(stage.annotator, LLMAnnotator)
        ]

    @property
    def _models(self) -> list[LanguageModel]:
        """Every language model that the run may ask."""
        parts: list[object] = [stage.annotator for stage in self.router.stages]
        parts += [] if self._synthesis is None else self._synthesis.parts
        models = [one.lm for one in parts if isinstance(one, Asking)]
        models += [] if self.lm is None else [self.lm]
        return list({id(one): one for one in models}.values())

    @property
    def _language_model(self) -> LanguageModel | None:
        annotators = self._asked_for_labels
        return annotators[0].lm if annotators else self.lm

    def _made_questions(self) -> SelectorQuestions | None:
        """What selectors ask the language model with, if there is one."""
        lm = self._language_model
        if lm is None:
            return None
        asked = self._asked_for_labels
        annotator = asked[0] if asked else LLMAnnotator(self.task, lm)
        return SelectorQuestions(
            lambda: annotator,
            lambda: drawn_texts(self.pool, self.seed),
            self.seed,
            lambda trail: self._purse.has_booked(_preparation_key(annotator.name, trail)),
        )

    def _default_embedder(self) -> Embedder | None:
        if not self._needs_embedder:
            return None
        from llmal.embed import SentenceEmbedder

        return SentenceEmbedder()

    def _check(self) -> None:
        for stage in self.router.stages:
            who = f"the annotator {stage.annotator.name}"
            refuse_unless(self.task, kinds_of(stage.annotator), who, "use llm, human or recorded")
        learner = f"the learner {type(self.learner).__name__}"
        refuse_unless(self.task, kinds_of(self.learner), learner, "use linear")
        if len(self.pool) == 0:
            raise DataError("the pool is empty", where=self.pool.source)
        if self.objective not in ("model", "labels"):
            raise ConfigError(
                f"there is no objective {self.objective!r}", fix="use 'model' or 'labels'"
            )
        if self.start_items < 1:
            raise ConfigError("the start has no items", fix="use 1 or more")
        if self.test is not None:
            if not self.test.has_gold:
                raise DataError(
                    "the test set has no gold column",
                    where=self.test.source,
                    fix="name its gold column, or leave the test set out",
                )
            self.test = self.test.match_labels(self.task)
            empty = sum(label is None for label in self.test.gold())
            if empty:
                raise DataError(
                    f"{empty} of {len(self.test)} test items have no gold label",
                    where=self.test.source,
                    fix="fill them in or remove them",
                )
        self.pool = self.pool.match_labels(self.task)

    def _check_selectors(self) -> None:
        check_spaces(self.task, self.start, self.selector)
        for selector in (self.start, self.selector):
            for missing in sorted(selector.requires - self.signals.available):
                raise ConfigError(
                    f"the selector {called(selector)} needs {missing}, which this run does not "
                    "have",
                    fix=KINDS[missing].remedy,
                )
        nothing = self._nothing_yet()
        lacking = needed(self.start, nothing) - nothing.signals
        if lacking:
            raise ConfigError(
                f"the start selector {called(self.start)} needs {' and '.join(sorted(lacking))}, "
                "and before the first round there are none",
                fix="use random, kmeans or typiclust",
            )

    def _nothing_yet(self) -> RoundState:
        """The state before the first round."""
        none = np.zeros(0, dtype=np.int64)
        return self.signals.state(none, none, self.items.not_to_pick({}), learnt=False)

    @property
    def _asked_about(self) -> Pool:
        """The items that annotators may be asked about: a sweep passes over copies alone."""
        sweeps = self.objective == "labels" and bool(self._machines)
        return self.items.distinct if sweeps else self.items.usable

    @property
    def _people(self) -> list[int]:
        """Stages of the router that are people."""
        return [i for i, one in enumerate(self.router.stages) if one.annotator.kind == "human"]

    @property
    def _machines(self) -> list[int]:
        """Stages of the router that are not."""
        return [i for i, one in enumerate(self.router.stages) if one.annotator.kind != "human"]

    # What the run says

    def _tell(self, kind: EventKind, message: str, **data: Any) -> None:
        self._announcer.tell(kind, message, **data)

    def _progress(self, what: str, done: int, total: int) -> None:
        self._tell("progress", what, what=what, done=done, total=total)
        self._pause_point()

    def _end_soon(self) -> None:
        self._ending = True
        self._tell("interrupting", "ending after the batch in hand; Ctrl-C again ends at once")

    def _pause_point(self) -> None:
        if self._ending:
            raise _Interrupted

    def plan(self) -> Plan:
        """What the run can cost at most, and a sample of its prompts. Asks nobody."""
        return forecast(
            self.task,
            self._asked_about,
            self.router,
            self.budget,
            objective=self.objective,
            start_items=self.start_items,
            spenders=Spenders(
                setup=sum((one.setup_cost() for one in self._probes().values()), Usage()),
                selection=self._selection_costs(),
                synthesis=None if self._synthesis is None else self._synthesis.estimate,
                generator="" if self._synthesis is None else self._synthesis.name,
                prices=[one.price for one in self._models],
            ),
            seed=self.seed,
        )

    def _selection_costs(self) -> tuple[Usage, Usage, Usage]:
        """The most that selectors can ask of the language model: at the start, in the round after
        it, and in each later one. What was asked in one round costs nothing in the next.
        """
        if not self._picks_ask:
            return Usage(), Usage(), Usage()
        signals = self.signals.planned()

        def cost(selector: Selector, size: int) -> Usage:
            none = np.zeros(0, dtype=np.int64)
            state = signals.state(none, none, self.items.not_to_pick({}), learnt=False)
            return signals.cost(selector, state, min(size, len(state.unlabelled)))

        batch = self.budget.batch
        return (
            cost(self.start, self.start_items),
            cost(self.selector, batch),
            cost(self.selector, batch),
        )

    # The run

    def run(self, *, hold: Hold | None = None) -> RunResult:
        """Go on until the budget or a rule ends the run, or until it waits for people.

        The first Ctrl-C ends the run after the batch in hand, which is kept; the second at once.

        Args:
            hold: The caller's own hold of the run directory (`llmal.run.guards.only_one`), for one
                who took it before loading a model.

        Raises:
            LlmalError: Something failed. Everything that was answered before is kept, and `run`
                again goes on from there.
        """
        self._ending = False
        self._swept = None
        with contextlib.ExitStack() as held:
            if hold is None or not hold.of(self.directory):
                held.enter_context(only_one(self.directory))
            ledger = held.enter_context(Ledger.open(self.ledger_url))
            ledger.bind(
                task=self.task.fingerprint,
                pool=self.pool.fingerprint,
                objective=self.objective,
                seed=str(self.seed),
            )
            warnings = held.enter_context(collected_warnings())
            held.callback(self._note_warnings, ledger, warnings)
            held.enter_context(on_interrupt(self._end_soon))
            answers = self.directory / "responses.sqlite"
            held.enter_context(kept_answers(self._models, answers))
            if self._questions is not None and self._picks_ask:
                held.enter_context(self._questions.paid.kept_in(answers))
            held.enter_context(reporting(self._models, self._announcer.asking))
            for stage in self.router.stages:
                if isinstance(stage.annotator, HumanQueue):
                    stage.annotator.attach(ledger.queue, self.directory)
            self._tell_of_items()
            self._purse = Purse(self.budget, ledger)
            self._announcer.count(Meter(self._models), ledger.total_usage())
            self._look_ahead(ledger)
            status: Status
            try:
                status, reason = self._loop(ledger, warnings)
            except _Interrupted:
                status, reason = "interrupted", "Ctrl-C; run again to go on"
            except SpentOut as error:
                status, reason = "finished", str(error)
            self._judge_calibration(ledger)
            self._note_warnings(ledger, warnings)
            result = self._result(ledger, status, reason)
            ledger.event("stopped", reason, {"status": status})
        self._ending = False
        self._tell("waiting" if status == "waiting" else "stopped", reason, status=status)
        return result

    def _look_ahead(self, ledger: Ledger) -> None:
        """Learn which items nobody can answer, and say it before the first round.

        Raises:
            LlmalError: An annotator has no answers at all.
        """
        said = {one.message for one in ledger.events()}
        unanswered: list[NDArray[np.int64]] = []
        for stage in self.router.stages:
            foresight = Foresight()
            if isinstance(stage.annotator, Foreseeing):
                foresight = stage.annotator.foresee(self.pool)
            for warning in foresight.warnings:
                if warning not in said:
                    log.warning("%s", warning)
            if stage.annotator.kind == "human":
                unanswered.append(foresight.unanswered)
        if unanswered:
            self._unanswered = functools.reduce(np.intersect1d, unanswered)

    def _tell_of_items(self) -> None:
        for sentence in self.items.sentences():
            log.warning("%s", sentence)
        if len(self.items.copies):
            self._tell(
                "step",
                f"{len(self.items.copies)} of {len(self.pool)} items repeat the text of an earlier "
                "one; it is asked about once, and the label goes to all",
            )

    def _probes(self) -> dict[str, Probing]:
        """What asks the model for the form of its prompts, by the key of the expense."""
        probes: dict[str, Probing] = {
            f"setup-{stage.annotator.name}": stage.annotator
            for stage in self.router.stages
            if isinstance(stage.annotator, Probing)
        }
        if self._picks_ask and not self._asked_for_labels and self._questions is not None:
            probes["setup-selection"] = self._questions.annotator
        if self._synthesis is not None:
            probes |= {f"setup-{n}-synthesis": p for n, p in enumerate(self._synthesis.probing)}
        return probes

    @property
    def _picks_ask(self) -> bool:
        """Whether a selector asks the language model."""
        return any(KINDS[name].asks for one in (self.start, self.selector) for name in one.requires)

    def _set_up(self) -> None:
        """Find the form of all prompts, as far as the budget allows.

        Raises:
            SpentOut: It does not.
        """
        for key, probe in self._probes().items():
            cost = probe.setup_cost()
            if cost.requests:
                what = "finding out which form of prompt suits the model"
                if not self._purse.admits(probe.setup_cost, key=key, what=what):
                    self._purse.check()
                self._tell("step", what)
            probe.set_up()
            self._purse.book("prompt style", cost, key)

    def _loop(self, ledger: Ledger, warnings: WarningCollector) -> tuple[Status, str]:
        if not ledger.rounds():
            plan = self.plan()
            ledger.event("plan", plan.summary(), plan.as_dict())
            self._tell("plan", plan.summary(), **plan.as_dict())
        else:
            for last in [one for one in ledger.rounds() if one.finished is not None][-1:]:
                self._learn(ledger, last.number)
        self._set_up()
        while True:
            self._pause_point()
            rounds = ledger.rounds()
            if rounds and rounds[-1].finished is None:
                current = rounds[-1]
            else:
                reason = self._stop_reason(ledger, rounds)
                if reason is not None:
                    return "finished", reason
                started = self._start_round(ledger, rounds)
                if started is None:
                    return "finished", self._nothing_left(ledger)
                current = started
            waiting = self._work(ledger, current)
            self._note_warnings(ledger, warnings)
            if waiting:
                return "waiting", self._waiting_for(waiting)

    def _nothing_left(self, ledger: Ledger) -> str:
        unlabelled = len(self.pool) - len(self.items.with_copies(ledger.labels()))
        if not unlabelled:
            return "every item of the pool is labelled"
        return f"no item is left to ask about; {unlabelled:,} have no label"

    def _waiting_for(self, items: int) -> str:
        queues = [
            stage.annotator
            for stage in self.router.stages
            if isinstance(stage.annotator, HumanQueue)
        ]
        wanted = "1 label by people is" if items == 1 else f"{items} labels by people are"
        for queue in queues:
            return f"{wanted} wanted in {queue.file}: {queue.request}"
        return f"{wanted} wanted; run again when they are there"

    def _stop_reason(self, ledger: Ledger, rounds: Sequence[Round]) -> str | None:
        if not rounds:
            return None
        swept = any(one.phase == "sweep" for one in rounds)
        if self.objective == "labels" and not swept and self._machines:
            return None
        if self._purse.refused is not None:
            return self._purse.refused
        if self._people and self._purse.human_labels(1) == 0:
            return f"the budget of {self.budget.human_labels} human labels is spent"
        if self.objective == "labels" and not self._people:
            return "every annotator has been over the pool"
        after_start = sum(one.phase == "query" for one in rounds)
        if self.budget.rounds is not None and after_start >= self.budget.rounds:
            return f"{self.budget.rounds} rounds are done"
        history = [one.metrics for one in rounds]
        for rule in self.stop:
            reason = rule.reason(history)
            if reason is not None:
                return reason
        return None

    # A round

    def _start_round(self, ledger: Ledger, rounds: Sequence[Round]) -> Round | None:
        number = len(rounds)
        if self.objective == "labels" and self._machines:
            if number == 0 and not self._people:
                return self._record(ledger, number, "sweep", None)
            if number and not any(one.phase == "sweep" for one in rounds):
                return self._record(ledger, number, "sweep", None)
        phase = "start" if number == 0 else "query"
        selector = self.start if number == 0 else self.selector
        size = self.start_items if number == 0 else self.budget.batch
        labels = ledger.labels()
        learnt_from = self.items.learnt_from(labels)
        positions, columns = self._labelled(learnt_from)
        last = self.router.stages[-1].annotator.name
        asked = ledger.abstained(last)
        undecided = self.pool.positions(sorted(asked - labels.keys()))
        undecided = np.setdiff1d(np.union1d(undecided, self._unanswered), positions)
        state = self.signals.state(
            positions,
            columns,
            np.union1d(undecided, self.items.not_to_pick(labels)),
            learnt=self.trainer.fitted and self._seen > 1,
            probabilities=self._uncertainties(ledger) if self._reviewing else None,
        )
        if needed(selector, state) - state.signals:
            log.warning(
                "round %d: fewer than two labels have been seen, so the learner has no use yet; "
                "%s picks in place of %s",
                number,
                called(self.start),
                called(selector),
            )
            selector = self.start
        size = min(size, len(state.unlabelled))
        if size == 0:
            return None
        self._tell("step", f"round {number}: {called(selector)} picks {size} items")
        key = f"select-{number}"
        self.signals.begin()
        if not self._purse.admits(lambda: self.signals.cost(selector, state, size), key=key):
            self._purse.check()
        picks = selector.select(state, size, np.random.default_rng([self.seed, number]))
        self._purse.book("selection", picks.usage + self.signals.take_usage(), key)
        if self._questions is not None:
            self._questions.paid.keep()
            for prepared in self._questions.take_calibrations():
                self._book_preparation(self._questions.annotator.name, prepared)
        return self._record(ledger, number, phase, (selector, picks))

    def _record(
        self, ledger: Ledger, number: int, phase: str, made: tuple[Selector, Any] | None
    ) -> Round:
        if made is None:
            ids, scores, why, name = [], [], [], "all"
        else:
            selector, picks = made
            ids, name = self.pool.ids(picks.indices), called(selector)
            scores, why = [float(s) for s in picks.scores], list(picks.why)
        ledger.start_round(number, phase=phase, selector=name, item_ids=ids, scores=scores, why=why)
        picked = [{"id": i, "score": s, "why": w} for i, s, w in zip(ids, scores, why, strict=True)]
        folder = self.directory / "picks"
        folder.mkdir(parents=True, exist_ok=True)
        write_json(
            folder / f"round-{number:03d}.json",
            {"round": number, "phase": phase, "selector": name, "seed": self.seed, "items": picked},
            indent=1,
        )
        items = len(ids) or len(self.items.distinct)
        self._tell("round_started", f"round {number} ({phase})", round=number, items=items)
        return ledger.rounds()[-1]

    def _work(self, ledger: Ledger, current: Round) -> int:
        """Bring a round to its end; gives the number of items that people still have to label."""
        begun = time.perf_counter()
        before = ledger.labels(before_round=current.number)
        if current.phase == "sweep":
            labels = self.items.with_copies(before)
            done = {i for i, label in labels.items() if label.kind == "human"}
            ids = [i for i in self.items.distinct.ids() if i not in done]
            stages = self._machines
        else:
            ids = list(current.item_ids)
            stages = list(range(len(self.router.stages)))
            if self.objective == "labels" and self._people:
                stages = self._people
        context = self._context(current, before)
        waiting = self._ask(ledger, current, ids, stages, context)
        if waiting:
            return waiting
        if self._purse.refused is not None and current.phase == "sweep":
            # Left open, so that a run with a larger budget goes on with the sweep.
            self._learn(ledger, current.number)
            self._purse.check()
        if self._synthesis is not None and current.phase != "sweep":
            # What people have said in this round shows the model what to write, and no prompt that
            # is judged by their answers.
            after = ledger.labels(before_round=current.number + 1)
            shown = self.items.demonstrations(after, self.seed)
            self._synthesis.round(self._purse, ledger, current.number, shown)
        self._pause_point()
        spent = ledger.total_usage()
        figures: dict[str, Any] = {
            **self._learn(ledger, current.number),
            "human_labels": spent.human_labels,
            "tokens": spent.tokens,
            "money": spent.money,
            "seconds": time.perf_counter() - begun,
        }
        ledger.finish_round(current.number, figures)
        self._tell("round_finished", _sentence(current, figures), round=current.number, **figures)
        return 0

    def _context(self, current: Round, before: dict[str, Decided]) -> Context:
        machines = self._asked_for_labels
        shown: tuple[Item, ...] = ()
        if any(one.needs_labelled for one in machines):
            shown = self.items.demonstrations(before, self.seed)
        texts: tuple[Item, ...] = ()
        if any(one.needs_texts for one in machines):
            # Of the run, not of the round: the same texts are asked about with other prompts.
            texts = drawn_texts(self.items.usable, self.seed)
        return Context(
            round=current.number,
            demonstrations=shown,
            unlabelled=texts,
            seed=int(np.random.SeedSequence([self.seed, current.number]).generate_state(1)[0]),
        )

    def _ask(
        self,
        ledger: Ledger,
        current: Round,
        ids: Sequence[str],
        stages: Sequence[int],
        context: Context,
    ) -> int:
        left = list(ids)
        waiting = 0
        for number in stages:
            annotator = self.router.stages[number].annotator
            answered = ledger.annotated(annotator.name, current.number)
            todo = [i for i in left if i not in answered]
            if annotator.kind == "human":
                todo = todo[: self._purse.human_labels(len(todo))]
            done = len(answered.intersection(left))
            total = done + len(todo)
            what = f"round {current.number}: {annotator.name}"
            own = context
            if todo and isinstance(annotator, LLMAnnotator):
                prepared = self._prepared(annotator, current, context)
                todo = [] if prepared is None else todo
                own = prepared or context
            for start in range(0, len(todo), annotator.batch_size):
                self._pause_point()
                items = self.pool.items(
                    self.pool.positions(todo[start : start + annotator.batch_size])
                )
                affordable = self._affordable(annotator, items, own)
                if affordable:
                    with self._announcer.batch(what, done, len(affordable), total):
                        given = annotator.annotate(affordable, own)
                    ledger.append(self.router.decide(number, given))
                    waiting += len(affordable) - len(given)
                    done += len(given)
                    spent = ledger.total_usage()
                    self._tell(
                        "progress",
                        annotator.name,
                        what=what,
                        done=done,
                        total=total,
                        tokens=spent.tokens,
                        money=spent.money,
                        human_labels=spent.human_labels,
                    )
                if len(affordable) < len(items):
                    break
            if number == stages[-1]:
                break
            left = self._deferred(ledger, annotator, current.number, left)
            if not left:
                break
        return waiting

    def _affordable(self, annotator: Annotator, items: list[Item], context: Context) -> list[Item]:
        """The longest beginning of a batch whose highest cost the budget still allows."""

        def cost(count: int) -> Usage:
            return annotator.estimate(items[:count], context)

        return items[: self._purse.admitted(len(items), cost)]

    def _prepared(
        self, annotator: LLMAnnotator, current: Round, context: Context
    ) -> Context | None:
        """Have demonstrations chosen and calibrated.

        Returns:
            The context that this was done in: the one given, or one in which it costs less. None
            if the budget does not allow even that.
        """
        key = f"prepare-{annotator.name}-{current.number}"
        ways = [(key, context)]
        less = annotator.with_less(context)
        if less is not None:
            ways.append((f"{key}-less", less))
        refused = self._purse.refused
        # What was prepared before a kill is prepared in the same way again.
        before = [way for way in ways if self._purse.has_booked(way[0])]
        for mark, way in before or ways:
            if not before and not self._admits_preparation(annotator, way):
                continue
            self._purse.refused = refused
            self._announcer.activity = (
                f"round {current.number}: demonstrations and calibration of {annotator.name}"
            )
            self._book_preparation(annotator.name, annotator.prepare(way))
            self._purse.mark(PREPARATION, mark)
            return way
        return None

    def _admits_preparation(self, annotator: LLMAnnotator, context: Context) -> bool:
        if not self._purse.limited:
            return True
        cost, trail = annotator.foreseen_preparation(context)
        return self._purse.admits(lambda: cost, key=_preparation_key(annotator.name, trail))

    def _book_preparation(self, name: str, prepared: FewShotPrompt) -> None:
        """Record what was asked for it, once however many rounds ask the same."""
        key = _preparation_key(name, prepared.trail)
        self._purse.book(PREPARATION, prepared.usage, key)

    def _deferred(
        self, ledger: Ledger, annotator: Annotator, number: int, ids: Sequence[str]
    ) -> list[str]:
        # An item that is still waited for is not passed on.
        deferred = ledger.deferred(annotator.name, number)
        return [i for i in ids if i in deferred]

    # The learner

    def _labelled(self, labels: dict[str, Decided]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        ids = sorted(labels)
        columns = self.task.space.targets(labels[i].label for i in ids)
        return self.pool.positions(ids), columns

    @property
    def _reviewing(self) -> bool:
        return self.objective == "labels" and bool(self._machines)

    def _uncertainties(self, ledger: Ledger) -> Callable[[NDArray[np.int64]], NDArray[np.float32]]:
        """In a review: the probabilities of the annotator that was not sure of an item."""

        def of(positions: NDArray[np.int64]) -> NDArray[np.float32]:
            if self._swept is None:
                # Once in a review: in its rounds only people answer.
                unknown = self.task.space.distribution(()).astype(np.float32)
                self._swept = np.tile(unknown, (len(self.pool), 1))
                answers = (one for one in ledger.annotations() if one.probabilities is not None)
                while part := list(itertools.islice(answers, _AT_ONCE)):
                    rows = self.pool.positions([one.item_id for one in part])
                    self._swept[rows] = [
                        [(one.probabilities or {})[name] for name in self.task.names]
                        for one in part
                    ]
            return np.asarray(self._swept[positions])

        return of

    def _learn(self, ledger: Ledger, number: int) -> dict[str, Any]:
        """Train on everything up to a round, and measure."""
        labels = ledger.labels(before_round=number + 1)
        synthetic = (
            [(one.text, self.task.index(one.label)) for one in ledger.synthetic(accepted=True)]
            if self._synthesis is not None
            else []
        )
        figures: dict[str, Any] = {"labelled": len(labels), "synthetic": len(synthetic)}
        positions, columns = self._labelled(self.items.learnt_from(labels))
        generated = {self.task.names[column] for _, column in synthetic}
        self._seen = len({*self.task.space.answers(columns), *generated})
        if not self._seen or (self.embedder is None and self.learner.input == "embeddings"):
            return figures
        self._tell("step", f"round {number}: training on {len(positions)} labels")
        self.trainer.fit(positions, columns, synthetic)
        figures.update(self.trainer.measure())
        reads_texts = self.learner.input == "texts"
        write_labels(self.directory / FOLDER, self.task, None if reads_texts else self.embedder)
        self.learner.save(self.directory / FOLDER)
        return figures

    _seen: int = 0
    _swept: NDArray[np.float32] | None = None
    _unanswered: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    """Positions of items that none of the people has an answer for."""
    _purse: Purse

    # Around the run

    def _note_warnings(self, ledger: Ledger, collector: WarningCollector) -> None:
        messages = collector.take()
        if not messages:
            return
        recorded = {one.message for one in ledger.events() if one.kind == "warning"}
        for message in messages:
            if message not in recorded:
                ledger.event("warning", message)
            self._tell("warning", message)

    def _judge_calibration(self, ledger: Ledger) -> None:
        """Say whether calibration helps, where people know the labels."""
        said = [(one.message, one.data) for one in ledger.events() if one.kind == "calibration"]
        for annotator in self._asked_for_labels:
            comparison = check_calibration(ledger, annotator, self.task)
            if comparison is None:
                continue
            message = f"{annotator.name}: {comparison.sentence()}"
            data = {"annotator": annotator.name, **comparison.as_dict()}
            if said[-1:] != [(message, data)]:
                ledger.event("calibration", message, data)
            self._tell("calibration", message, **data)

    def _result(self, ledger: Ledger, status: Status, reason: str) -> RunResult:
        rounds = ledger.rounds()
        tested = [
            one.metrics["accuracy"] for one in rounds if one.metrics.get("accuracy") is not None
        ]
        return RunResult(
            status=status,
            reason=reason,
            accuracy=tested[-1] if tested else None,
            rounds=rounds,
            labels=self.items.with_copies(ledger.labels()),
            cost=ledger.total_usage(),
            directory=self.directory,
            _ledger_url=self.ledger_url,
            _annotations=ledger.annotation_count(),
        )


def _preparation_key(name: str, trail: int) -> str:
    """The expense of a preparation: the same one wherever the same is asked for the same name."""
    return f"prepare-{name}-{trail:032x}"


def _sentence(current: Round, figures: dict[str, Any]) -> str:
    accuracy = figures.get("accuracy")
    tail = f", test accuracy {accuracy:.3f}" if accuracy is not None else ""
    return f"round {current.number} ({current.phase}): {figures['labelled']} labelled{tail}"
