"""The loop: pick, ask, record, learn, until the budget or a rule ends it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from llmal.annotators.aggregation import Aggregator
from llmal.annotators.protocol import (
    Annotator,
    ScoresZeroShot,
    TakesQueue,
    drawn_texts,
)
from llmal.annotators.router import Router, Stage
from llmal.core.records import total
from llmal.core.words import counted
from llmal.embed.protocol import Embedder
from llmal.errors import UnaffordableRetryError
from llmal.generators.policies import EveryRounds, Policy
from llmal.generators.protocol import Filter, Generator
from llmal.guarantee.guarantee import Guarantee
from llmal.learners.protocol import Learner, LearnerOverModel
from llmal.ledger import Ledger, Round
from llmal.lm.cache import kept_answers
from llmal.lm.progress import Meter, reporting
from llmal.lm.protocol import Asking, LanguageModel
from llmal.pool import Pool
from llmal.prompting.protocol import Probing
from llmal.run.budget import Budget
from llmal.run.calibration_check import judge_calibration
from llmal.run.campaign import Campaign
from llmal.run.changing import WhenChanged
from llmal.run.contexts import Contexts
from llmal.run.events import Callback, WarningCollector
from llmal.run.guards import Hold, Interrupted, collected_warnings, on_interrupt, only_one
from llmal.run.items import Duplicates, OnOverlap
from llmal.run.known_labels import KnownLabels
from llmal.run.phases import Audit, Objective, Phase
from llmal.run.plan import RunPlan
from llmal.run.planning import Spenders, forecast
from llmal.run.preparing import make_ready
from llmal.run.purposes import seen_labels
from llmal.run.purse import SpentOut
from llmal.run.result import RunResult, Status, result_of
from llmal.run.synthesis import Synthesis
from llmal.run.synthetic_use import SyntheticUse
from llmal.run.work_order import WorkOrder
from llmal.selectors.protocol import Selector
from llmal.stopping import StoppingRule
from llmal.task import Task
from llmal.task.spaces import refuse_unless


class Orchestrator:
    """Spends a budget of labels on a pool.

    `objective="model"`: in each round the selector picks a batch, the annotators label it, and
    the learner is trained anew. `objective="labels"`: people label a uniform seed, the annotators
    that are no people then go over the whole pool, and people label what is doubtful, audit the
    rest and label what the audit sends to them, so that a promise about the labels is kept.

    Everything is in the run directory: what was picked is in the ledger before anybody is asked,
    an answer when it is given. Killed at any point, a run goes on where it was.

    Args:
        task: What to label.
        pool: The texts.
        directory: The run directory; made if it is not there.
        annotator: Who labels: an annotator, a `Stage` that says how many people are to answer each
            item, or a `Router` of several.
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
        phases: Its phases, in place of those that the objective stands for; see `llmal.run.phases`.
        generator: Writes synthetic items for the learner every `generate_every` rounds.
        filters: What synthetic items must pass.
        generate_per_label: Synthetic items asked for, for each label.
        generate_every: Rounds from one time to the next.
        generate_when: Policies of `llmal.generators.policies` that say when, in place of that.
        generate_budget: Limits of tokens and money for the generator and its filters alone.
        synthetic: How it is judged what synthetic items bring, and what becomes of them.
        aggregation: Makes one label of several people's answers to an item; by default the
            majority. See `llmal.annotators.aggregation`.
        audit: Items that people answer to tell how good the labels are; see `Campaign`.
        guarantee: Which promise about the labels is worked for, or "off"; see `Campaign`.
        committee: Members of the committee that selectors such as `Bald` listen to.
        duplicates: Items with the same text: "together" asks about one of them, and the label goes
            to all; "apart" keeps each as an item of its own.
        overlap: Items of the pool that are in the test set too: "exclude" neither picks, shows nor
            trains on them; "keep" only tells of them.
        seed: Same seed, same picks.
        ledger: Database URL; by default a SQLite file in the run directory.
        accept_changes: Go on although task or pool have changed since; see `Campaign`.
        when_changed: What becomes of machines' answers to the task as it was: "keep" or
            "ask_again".
        known: Labels that there are already.
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
        annotator: Annotator | Stage | Router,
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
        phases: Sequence[Phase] | None = None,
        generator: Generator | None = None,
        filters: Sequence[Filter] = (),
        generate_per_label: int = 10,
        generate_every: int = 1,
        generate_when: Sequence[Policy] | None = None,
        generate_budget: Budget | None = None,
        synthetic: SyntheticUse = SyntheticUse(),
        aggregation: Aggregator | None = None,
        audit: Audit | int | None = None,
        guarantee: Guarantee | Literal["off"] | None = None,
        committee: int = 10,
        duplicates: Duplicates = "together",
        overlap: OnOverlap = "exclude",
        seed: int = 0,
        ledger: str | None = None,
        accept_changes: bool = False,
        when_changed: WhenChanged = "keep",
        known: KnownLabels | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.campaign = Campaign(
            task,
            pool,
            directory=directory,
            annotator=annotator,
            test=test,
            lm=lm,
            embedder=embedder,
            selector=selector,
            start=start,
            start_items=start_items,
            learner=learner,
            budget=budget,
            stop=stop,
            objective=objective,
            phases=phases,
            aggregation=aggregation,
            audit=audit,
            guarantee=guarantee,
            committee=committee,
            duplicates=duplicates,
            overlap=overlap,
            seed=seed,
            ledger=ledger,
            accept_changes=accept_changes,
            when_changed=when_changed,
            known=known,
            callbacks=callbacks,
        )
        self.task = task
        self.pool = self.campaign.pool
        self.test = self.campaign.test
        self.directory = self.campaign.directory
        self.router = self.campaign.router
        self.selector = self.campaign.selector
        self.start = self.campaign.start
        self.learner = self.campaign.learner
        self.embedder = self.campaign.embedder
        self.budget = budget
        self.objective = self.campaign.objective
        self._own_phases = phases is not None
        self.items = self.campaign.items
        self.seed = seed
        self.ledger_url = self.campaign.record.url
        self._announcer = self.campaign.announcer
        self._annotators = {one.annotator.name: one.annotator for one in self.router.stages}
        self._contexts = Contexts(self.items, [*self._annotators.values()], seed)
        if generator is not None:
            # Synthetic items that take several labels are not weighed or judged in a run.
            refuse_unless(task, ("single",), "a generator in a run", "use llmal generate")
        self._synthesis = (
            None
            if generator is None
            else Synthesis(
                task,
                generator,
                filters,
                self.campaign.learning,
                self.items,
                self.directory,
                per_label=generate_per_label,
                policies=[EveryRounds(generate_every)] if generate_when is None else generate_when,
                use=synthetic,
                budget=generate_budget,
                seed=seed,
                announcer=self._announcer,
            )
        )
        if self._synthesis is not None:
            self.campaign.between_rounds.before_learning = self._write_items
            self.campaign.learning.with_synthetic = True

    # What it asks

    @property
    def _models(self) -> list[LanguageModel]:
        """Every language model that the run may ask."""
        parts = [] if self._synthesis is None else self._synthesis.parts
        models = [*self.campaign.models, *(one.lm for one in parts if isinstance(one, Asking))]
        return list({id(one): one for one in models}.values())

    def _probes(self) -> dict[str, Probing]:
        """What asks the model for the form of its prompts, by the key of the expense."""
        probes: dict[str, Probing] = {
            f"setup-{name}": one
            for name, one in self._annotators.items()
            if isinstance(one, Probing)
        }
        questions = self.campaign.questions
        own = any(isinstance(one, ScoresZeroShot) for one in self._annotators.values())
        if self.campaign.selectors_ask and questions is not None and not own:
            probes["setup-selection"] = questions.annotator
        if self._synthesis is not None:
            probes |= {f"setup-{n}-synthesis": p for n, p in enumerate(self._synthesis.probing)}
        return probes

    def plan(self) -> RunPlan:
        """What the run can cost at most, and a sample of its prompts. Asks nobody.

        Raises:
            LanguageModelError: The model that the learner is over is not there.
        """
        self._check_learner()
        first, *later = self.campaign.selectors
        plan = forecast(
            self.task,
            self.campaign.asked_about,
            self.router,
            self._longest,
            objective=self.objective,
            start_items=self.campaign.start_items,
            spenders=Spenders(
                setup=total(one.plan_setup().highest for one in self._probes().values()),
                selection=self.campaign.picker.highest_costs(
                    (first, self.campaign.start_items),
                    *((one, self.budget.batch) for one in later or (first,)),
                ),
                synthesis=None if self._synthesis is None else self._synthesis.highest,
                generator="" if self._synthesis is None else self._synthesis.name,
                prices=[one.price for one in self._models],
            ),
            audited=sum(one.items for one in self.campaign.phases if isinstance(one, Audit)),
            texts=drawn_texts(self.items.usable, self.seed),
            seed=self.seed,
        )
        return replace(plan, phases=self.campaign.promised_phases)

    @property
    def _longest(self) -> Budget:
        """The budget, by which a plan counts the longest that the run can go on."""
        if self.campaign.guarantee is not None:
            # How many rounds a promise takes is not known; a generator may write in each.
            one_by_one = self._synthesis is not None
            return replace(self.budget, rounds=None, batch=1 if one_by_one else self.budget.batch)
        # How many rounds phases of one's own have, is theirs to say: all of the pool at most.
        return replace(self.budget, rounds=None) if self._own_phases else self.budget

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
        self._check_learner()
        self.campaign.interruption.wanted = False
        self._contexts.forget()
        with contextlib.ExitStack() as held:
            if hold is None or not hold.of(self.directory):
                held.enter_context(only_one(self.directory))
            held.enter_context(self.campaign)
            ledger = self.campaign.open()
            warnings = held.enter_context(collected_warnings())
            held.callback(self._note_warnings, ledger, warnings)
            held.enter_context(on_interrupt(self._end_soon))
            held.enter_context(kept_answers(self._models, self.directory / "responses.sqlite"))
            held.enter_context(reporting(self._models, self._announcer.asking))
            purse = self.campaign.purse
            held.enter_context(purse.watching(self._models))
            for annotator in self._annotators.values():
                if isinstance(annotator, TakesQueue):
                    annotator.attach(ledger.queue, self.directory)
            self._announcer.count(Meter(self._models), ledger.total_usage())
            self.campaign.look_ahead()
            status: Status
            try:
                status, reason = self._loop(ledger, warnings)
            except Interrupted:
                status, reason = "interrupted", "Ctrl-C; run again to go on"
            except SpentOut as error:
                status, reason = "finished", str(error)
            except UnaffordableRetryError as error:
                status, reason = "finished", str(error)
                purse.forfeit()
            purse.settle()
            judge_calibration(ledger, [*self._annotators.values()], self.task, self._announcer)
            self._note_warnings(ledger, warnings)
            result = result_of(self.campaign, ledger, status, reason)
            ledger.event("stopped", reason, {"status": status})
        self.campaign.interruption.wanted = False
        self._announcer.tell("waiting" if status == "waiting" else "stopped", reason, status=status)
        return result

    def _check_learner(self) -> None:
        """Look for the learner's model before people work for a learner that cannot be trained."""
        if isinstance(self.learner, LearnerOverModel):
            self.learner.check_model()

    def _end_soon(self) -> None:
        self.campaign.interruption.wanted = True
        self._announcer.tell(
            "interrupting", "ending after the batch in hand; Ctrl-C again ends at once"
        )

    def _loop(self, ledger: Ledger, warnings: WarningCollector) -> tuple[Status, str]:
        rounds = ledger.rounds()
        if rounds:
            self._announcer.tell("step", f"going on with round {rounds[-1].number}")
        else:
            plan = self.plan()
            ledger.event("plan", plan.summary(), plan.as_dict())
            self._announcer.tell("plan", plan.summary(), **plan.as_dict())
        self._set_up()
        while True:
            waiting = 0
            for stage in self._annotators:
                order = self.campaign.ask(stage)
                if order is not None:
                    waiting += self._execute(ledger, order)
                self._note_warnings(ledger, warnings)
                if self.campaign.reason is not None:
                    return "finished", self.campaign.reason
            if waiting:
                return "waiting", self._waiting_for(waiting)

    def _set_up(self) -> None:
        """Find the form of all prompts, as far as the budget allows.

        Raises:
            SpentOut: It does not.
        """
        purse = self.campaign.purse
        for key, probe in self._probes().items():
            plan = probe.plan_setup()
            if plan.highest.requests:
                what = "finding out which form of prompt suits the model"
                if not purse.admits(plan, key=key, what=what):
                    purse.check()
                self._announcer.tell("step", what)
            plan.execute()
            # Each of the forms is tried, so that it costs what it can cost.
            purse.book("prompt style", plan.highest, key)

    def _execute(self, ledger: Ledger, order: WorkOrder) -> int:
        """Have an order answered, as far as the budget reaches.

        Returns:
            How many items people still have to answer.
        """
        annotator = self._annotators[order.stage]
        purse = self.campaign.purse
        known = self._contexts.of(ledger, order)
        context = make_ready(annotator, known, purse, self._announcer)
        if context is None:
            self.campaign.forgo(order)
            return 0
        what = f"round {order.round}: {annotator.name}"
        waiting, done, wanted = 0, order.answered, order.answered + len(order.items)
        for start in range(0, len(order.items), annotator.batch_size):
            self.campaign.interruption.check()
            batch = [*order.items[start : start + annotator.batch_size]]
            plan = annotator.plan(batch, context)
            fits = purse.admitted(plan, len(batch))
            if fits:
                part = plan if fits == len(batch) else plan.first(fits)
                with self._announcer.batch(what, done, fits, wanted):
                    answers = part.execute()
                self.campaign.keep(answers)
                waiting += context.labels_of(batch[:fits]) - len(answers)
                done += len(answers)
                spent = ledger.total_usage()
                self._announcer.tell(
                    "progress",
                    annotator.name,
                    what=what,
                    done=done,
                    total=wanted,
                    tokens=spent.tokens,
                    money=spent.money,
                    human_labels=spent.human_labels,
                )
            if fits < len(batch):
                self.campaign.forgo(order)
                break
        return waiting

    def _write_items(self, current: Round) -> None:
        """Have the generator write the synthetic items of a round."""
        assert self._synthesis is not None
        ledger = self.campaign.open()
        # What people have said in this round shows the model what to write, and no prompt that is
        # judged by their answers.
        after = seen_labels(ledger, before_round=current.number + 1)
        shown = self.items.demonstrations(after, self.seed)
        self._synthesis.round(self.campaign.purse, ledger, current.number, shown)

    # Around the run

    def _waiting_for(self, items: int) -> str:
        wanted = counted(items, "label by people is", "labels by people are")
        for queue in self._annotators.values():
            if isinstance(queue, TakesQueue):
                files = ", ".join(str(one) for one in queue.files)
                return f"{wanted} wanted in {files}: {queue.request}"
        return f"{wanted} wanted; run again when they are there"

    def _note_warnings(self, ledger: Ledger, collector: WarningCollector) -> None:
        messages = collector.take()
        if not messages:
            return
        recorded = {one.message for one in ledger.events() if one.kind == "warning"}
        for message in messages:
            if message not in recorded:
                ledger.event("warning", message)
            self._announcer.tell("warning", message)
