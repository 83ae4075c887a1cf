"""What comes next, by the ledger: a campaign is asked for work and told the answers."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from llmal.annotators.aggregation import Aggregator
from llmal.annotators.protocol import Annotator, Priced
from llmal.annotators.router import Router, Stage
from llmal.core.closing import Closing
from llmal.core.records import Annotation
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError, DataError
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.forecast import EPSILONS, Forecast, Rates
from llmal.guarantee.guarantee import Guarantee
from llmal.guarantee.standing import what_stands
from llmal.guarantee.statement import Statement
from llmal.learners.protocol import Learner
from llmal.ledger import Decided, Ledger, Round
from llmal.lm.cache import kept_answers
from llmal.lm.protocol import Asking, LanguageModel
from llmal.pool import Pool
from llmal.run.answer_form import check_form
from llmal.run.answers import AnswerCheck
from llmal.run.audited import certificate_of, what_is_promised
from llmal.run.begun_promise import check_begun
from llmal.run.budget import Budget
from llmal.run.campaign_ledger import CampaignLedger, begun_phases
from llmal.run.changing import WhenChanged
from llmal.run.correcting import correct
from llmal.run.events import Announcer, Callback
from llmal.run.evidence import EvidenceBuilder
from llmal.run.guards import Interruption, in_turn
from llmal.run.items import Duplicates, OnOverlap, RunItems, complete_test_set
from llmal.run.known_labels import KnownLabels, KnownLabelsCheck
from llmal.run.learning import Learning
from llmal.run.orders import Orders, router_of, stages_of
from llmal.run.parts import (
    check_answers_fit,
    check_phases,
    default_embedder,
    has_no_say,
    labels_put_by,
    look_ahead,
    make_selector_questions,
    taking_every_label,
    wanted_guarantee,
    with_audit,
)
from llmal.run.phases import Audit, Objective, Phase, phases_before_all, phases_of
from llmal.run.picking import Picker, asks_language_model
from llmal.run.promise import Promise
from llmal.run.promise_forecast import forecast_promise
from llmal.run.purposes import audit_labels
from llmal.run.purse import Purse, SpentOut
from llmal.run.round_signals import RoundSignals
from llmal.run.rounds import Rounds
from llmal.run.training import Trainer
from llmal.run.work_order import WorkOrder
from llmal.run.workers import Claim, claim_of
from llmal.selectors.protocol import Selector
from llmal.stopping import StoppingRule
from llmal.task import Task

log = logging.getLogger("llmal.run")


class Campaign(Closing):
    """Says what is to be labelled next, and keeps the answers. It asks nobody.

    `ask` gives the next work order, `tell` takes answers to it:

        with llmal.Campaign(task, pool, directory="runs/x") as campaign:
            while (order := campaign.ask()) is not None:
                campaign.tell(
                    llmal.Annotation(item.id, label_of(item), annotator="anna", kind="human")
                    for item in order.items
                )
        print(campaign.reason)

    All that it knows is in the ledger. Answers may be told in any order, in part and more than
    once, by several processes at once, and after a kill; the ledger at the end is the same. The
    learner is trained when the next items are to be picked, by whoever asks for them first.

    Args:
        task: What to label.
        pool: The texts.
        directory: The run directory; made when the campaign is first asked or told.
        annotator: Who answers: an annotator, a `Stage` that says how many people are to answer each
            item, or a `Router` of several. Only names, kinds and rules are used. By default people,
            in one stage called "human".
        test: A labelled test set. Never picked from, never shown to a prompt.
        lm: A language model that selectors may ask, if no annotator has one.
        embedder: By default all-MiniLM-L6-v2, loaded when something needs it.
        selector: The query strategy. By default `Margin`.
        start: The strategy of the first round, when there are no labels. By default `TypiClust`.
        start_items: Items of the first round; by default a batch.
        learner: By default `LinearHead`.
        budget: Limits, and the size of a batch.
        stop: Rules that end the campaign before the budget does.
        objective: "model": in each round the selector picks a batch. "labels": people label a
            uniform seed, the annotators that are no people then go over the whole pool, and people
            label what is doubtful, audit the rest, and label what the audit sends to them, so that
            the guarantee is kept.
        phases: Its phases, in place of those that the objective stands for; see `llmal.run.phases`.
            `start`, `selector` and `stop` are then those that they hold.
        aggregation: Makes one label of several people's answers to an item; by default the
            majority. See `llmal.annotators.aggregation`.
        audit: Items that people answer to tell how good the labels are: how many, drawn before all
            else; or an `llmal.run.phases.Audit`, which may also come last. Nothing learns from it.
        guarantee: Of the objective "labels": which promise about the labels is worked for, by
            default at most 5 % wrong ones with a confidence of 95 %. "off" promises nothing: people
            label the start, then review, round by round, what the machines were not sure of. So
            does a campaign that was begun so, or that has an audit of its own.
        committee: Members of the committee that selectors such as `Bald` listen to.
        duplicates: Items with the same text: "together" asks about one of them, and the label goes
            to all; "apart" keeps each as an item of its own.
        overlap: Items of the pool that are in the test set too: "exclude" neither picks, shows nor
            trains on them; "keep" only tells of them.
        seed: Same seed, same picks.
        ledger: Database URL; by default a SQLite file in the run directory.
        accept_changes: Go on although task or pool have changed since. Without it the error says
            what differs and what would become of the answers, and nothing is done.
        when_changed: What becomes of machines' answers to the task as it was: "keep" them, as far
            as it still has their labels, or "ask_again".
        known: Labels that there are already.
        callbacks: Told of every event.

    Attributes:
        record: How its ledger is opened, and where.
        reason: Why the campaign has ended, in words; None while it goes on.

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
        annotator: Annotator | Stage | Router | None = None,
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
        from llmal.learners import LinearHead
        from llmal.selectors import Margin, TypiClust

        if len(pool) == 0:
            raise DataError("the pool is empty", where=pool.source)
        if objective not in ("model", "labels"):
            raise ConfigError(f"there is no objective {objective!r}", fix="use 'model' or 'labels'")
        if start_items is not None and start_items < 1:
            raise ConfigError("the start has no items", fix="use 1 or more")
        self.task = task
        self.pool = pool.match_labels(task)
        self.test = None if test is None else complete_test_set(test, task)
        self.directory = Path(directory)
        self.lm = lm
        self.router = router_of(annotator)
        record = ledger or str(self.directory / "ledger.sqlite")
        self.guarantee = wanted_guarantee(
            guarantee,
            self.router,
            objective=objective,
            own_rounds="phases" if phases is not None else "audit" if audit is not None else None,
            begun=lambda: begun_phases(record),
        )
        """The promise that is worked for; None where none is."""
        self.without_say = has_no_say(self.guarantee, stop, budget)
        """What was named that ends other campaigns and not this one, in a sentence."""
        if self.guarantee is not None:
            self.router = taking_every_label(self.router)
        self.selector: Selector = selector if selector is not None else Margin()
        self.start: Selector = start if start is not None else TypiClust()
        self.learner: Learner = learner if learner is not None else LinearHead()
        self.budget = budget
        self.objective: Objective = objective
        self.seed = seed
        self.reason: str | None = None
        self.announcer = Announcer(callbacks)
        self.interruption = Interruption()
        check_answers_fit(task, self._annotators, self.learner, aggregation)
        wanted = budget.batch if start_items is None else start_items
        named = None if phases is None else check_phases(phases, self.router)
        self.phases: list[Phase] = with_audit(
            named
            or phases_of(
                objective,
                start=self.start,
                start_items=wanted,
                selector=self.selector,
                budget=budget,
                stop=stop,
                people=bool(stages_of(self.router, "people")),
                machines=bool(stages_of(self.router, "machines")),
                certify=self.guarantee is not None,
            ),
            audit,
            self.router,
            budget,
        )
        if phases is not None:
            self.objective = "labels" if any(one.stays_open for one in self.phases) else "model"
        if embedder is None:
            embedder = default_embedder(self.learner, self.selectors)
        self.embedder = embedder
        self.items = RunItems(self.pool, self.test, duplicates=duplicates, overlap=overlap)
        if not len(self.asked_about):
            raise DataError(
                "every item of the pool is in the test set too",
                where=self.pool.source,
                fix="give another test set, or use the items all the same with overlap: keep",
            )
        self.start_items = min(wanted, len(self.asked_about))
        if self.guarantee is not None:
            count = len(self.items.usable)
            drawn = self.guarantee.procedure().seed(count, np.random.default_rng(seed))
            self.start_items = len(drawn)
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
        self.learning = Learning(
            task,
            self.items,
            self.trainer,
            embedder=self.embedder,
            directory=self.directory,
            announcer=self.announcer,
        )
        self.questions = make_selector_questions(
            task,
            self.pool,
            self._annotators,
            lm,
            seed=seed,
            has_booked=lambda key: self.purse.has_booked(key),
        )
        self.signals = RoundSignals(
            self.pool,
            self.trainer,
            embeddings=self.embedder is not None,
            questions=self.questions,
            price=sum(one.cost for one in self._annotators if isinstance(one, Priced)),
            members=committee,
            on_progress=self._progress,
        )
        self.picker = Picker(
            task,
            self.items,
            self.signals,
            self.learning,
            announcer=self.announcer,
            last_stage=self._annotators[-1].name,
            phases=self.phases,
            seed=seed,
        )
        self.picker.check(*self.selectors)
        self.record = CampaignLedger(
            record,
            self.directory,
            task,
            self.pool,
            objective=self.objective,
            seed=seed,
            accept_changes=accept_changes,
            when_changed=when_changed,
            known=known,
            aggregation=aggregation,
            announcer=self.announcer,
        )
        self.promise = self._promised()
        """What leads to the promise; None where none is worked for."""
        self.between_rounds = Rounds(
            self.directory,
            self.items,
            self.phases,
            self.picker,
            self.learning,
            self.promise,
            announcer=self.announcer,
            interruption=self.interruption,
            seed=seed,
            check=KnownLabelsCheck(known, self.items, seed) if known and known.check else None,
        )
        self._orders = Orders(self.items, self.router, self.phases, seed)
        self._check = AnswerCheck(task, self.pool, self.router)
        self._held = contextlib.ExitStack()
        self._ledger: Ledger | None = None
        self._purse: Purse | None = None
        self._looked_ahead = False
        self._learnt_since_changes = False
        self._started: Sequence[Round] = ()
        """The rounds, as they were when it last looked."""

    def _promised(self) -> Promise | None:
        """What leads to the promise, if one is worked for."""
        if self.guarantee is None:
            return None
        embeds = self.embedder is not None
        evidence = EvidenceBuilder(
            self.task,
            self.pool,
            self.router,
            self.trainer.embeddings if embeds else None,
            self.trainer.field_embeddings if embeds else None,
        )
        return Promise(
            self.guarantee,
            self.task,
            self.items,
            self.router,
            evidence,
            stamps=self.record.stamped,
            announcer=self.announcer,
            unanswered=lambda: self.picker.unanswered,
            seed=self.seed,
        )

    @property
    def _annotators(self) -> list[Annotator]:
        return [stage.annotator for stage in self.router.stages]

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """All that may pick; first the one that does when there are no labels."""
        held = [one for phase in self.phases for one in phase.selectors]
        return tuple({id(one): one for one in held or (self.start, self.selector)}.values())

    @property
    def selectors_ask(self) -> bool:
        """Whether a selector asks the language model."""
        return any(asks_language_model(one) for one in self.selectors)

    @property
    def models(self) -> list[LanguageModel]:
        """The language models that annotators and selectors may ask."""
        models = [one.lm for one in self._annotators if isinstance(one, Asking)]
        models += [] if self.lm is None else [self.lm]
        return list({id(one): one for one in models}.values())

    @property
    def promised_phases(self) -> tuple[str, ...]:
        """What leads to the promise, part after part; empty where none is worked for."""
        if self.guarantee is None:
            return ()
        before = {one.names[0] for one in phases_before_all(people=True, sweeps=True)}
        return tuple(one.names[0] for one in self.phases if one.names[0] not in before)

    @property
    def asked_about(self) -> Pool:
        """The items that annotators may be asked about: a sweep passes over copies alone."""
        sweeps = any(one.stays_open for one in self.phases)
        return self.items.distinct if sweeps else self.items.usable

    def open(self) -> Ledger:
        """Open the ledger, if it is not open: made if it is not there, refused if it is another's.

        Raises:
            LedgerError: It cannot be used, or belongs to another objective or seed; or task or pool
                have changed, and that is not accepted.
            ConfigError: An audit has begun for another promise.
        """
        if self._ledger is None:
            with contextlib.ExitStack() as held:
                ledger, changes = self.record.open(held)
                answers = self.directory / "responses.sqlite"
                held.enter_context(kept_answers(self.models, answers))
                if self.questions is not None and self.selectors_ask:
                    held.enter_context(self.questions.paid.kept_in(answers))
                self.learning.with_synthetic |= bool(ledger.synthetic(accepted=True))
                other_promise = self._check_promise(ledger)
                self._held = held.pop_all()
            people = bool(stages_of(self.router, "people"))
            self._ledger, self._purse = ledger, Purse(self.budget, ledger, people=people)
            self._learnt_since_changes = False
            for line in changes.lines() if changes is not None else ():
                self.announcer.tell("changed", line)
            if other_promise is not None:
                self.announcer.tell("changed", other_promise)
            self._orders.forgive()
            self.picker.forget_sweep()
        return self._ledger

    def _check_promise(self, ledger: Ledger) -> str | None:
        """What has changed in the promise that is worked for; it may until its audit begins."""
        if self.promise is None:
            return None
        where = str(self.directory)
        return check_begun(ledger, self.pool, self.promise.procedure, where=where)

    @property
    def purse(self) -> Purse:
        """What may still be spent."""
        self.open()
        assert self._purse is not None
        return self._purse

    def close(self) -> None:
        """Close the ledger. The next question or answer opens it again."""
        self._held.close()
        self._ledger = self._purse = None

    @property
    def rounds(self) -> list[Round]:
        """The rounds so far."""
        return self.open().rounds()

    @property
    def labels(self) -> dict[str, Decided]:
        """The label of each item that has one, copies included, by item id; without audits."""
        return self.items.with_copies(self.open().labels())

    @property
    def audited(self) -> dict[str, Decided]:
        """What people have said in audits, copies included, by item id; not to be learnt from."""
        return self.items.with_copies(audit_labels(self.open()))

    @property
    def certificate(self) -> Certificate | None:
        """What an audit has shown of the labels; None while there is none.

        Its positions are those of the pool. `voided_by` says what has changed since, if that
        matters: the task, texts or items, what people said of audited labels, or labels that were
        audited. A person's label of any other item does not.
        """
        return certificate_of(self.open(), self.task, self.pool)

    @property
    def promised(self) -> Statement | None:
        """What can be promised of the labels as they are now; None where there is no promise."""
        if self.promise is None:
            return None
        return what_stands(self.certificate, what_is_promised(self.open(), self.task, self.pool))

    def forecast(
        self,
        epsilons: Sequence[float] = EPSILONS,
        rates: Rates | None = None,
        *,
        ledger: Ledger | None = None,
    ) -> Forecast | None:
        """How many labels the promise will take of people, by what the ledger holds now.

        Args:
            epsilons: Shares of wrong labels that are told of beside that of the promise.
            rates: What a label takes.
            ledger: Its ledger, opened by others, perhaps to be read alone.

        Returns:
            None where no promise is worked for, or nothing can be said yet.
        """
        if self.promise is None:
            return None
        opened = self.open() if ledger is None else ledger
        return forecast_promise(self.promise, opened, self.pool, epsilons=epsilons, rates=rates)

    def look_ahead(self) -> None:
        """Say what is to be known of the items, and learn which of them nobody can answer; once.

        Raises:
            LlmalError: An annotator has no answers at all.
        """
        if not self._looked_ahead:
            if self.without_say is not None:
                log.warning("%s", self.without_say)
            said = {one.message for one in self.open().events()}
            unanswered = look_ahead(self.items, self._annotators, self.phases, self.announcer, said)
            if unanswered is not None:
                self.picker.unanswered = unanswered
            self._looked_ahead = True

    def ask(
        self,
        stage: str | None = None,
        *,
        worker: str | None = None,
        at_most: int | None = None,
        seconds: float = 600.0,
    ) -> WorkOrder | None:
        """What is to be answered next: the same until it has been told.

        Once all of a round is answered, the learner is trained on it and the next items are picked;
        that may take a while, and other processes that ask meanwhile wait.

        With a `worker` the order has what this person has not answered, and keeps it for a while:
        an item is given to no more people at once than it wants answers. When the time is over it
        is free again; an answer that comes after it is taken all the same.

        Args:
            stage: Only work of this stage; by default of the first that has any.
            worker: Who is going to answer, a person by name.
            at_most: How many items are kept for the worker at most; by default all.
            seconds: How long they are kept; asking again keeps them for as long again.

        Returns:
            None if there is nothing to do: it has ended, as `reason` says, or there is nothing for
            this stage or worker at the moment.

        Raises:
            ConfigError: There is no such stage, or the worker has no name of a person.
            LedgerError: The ledger cannot be used.
        """
        claim = claim_of(worker, self.router, seconds=seconds, at_most=at_most)
        names = [one.name for one in self._annotators]
        if stage is not None and stage not in names:
            raise ConfigError(
                f"there is no stage {stage!r}", fix=f"the stages are {', '.join(names)}"
            )
        ledger = self.open()
        self.look_ahead()
        self.reason = None
        with in_turn(self.directory):
            try:
                return self._ask(ledger, stage, claim)
            except SpentOut as error:
                self.reason = str(error)
                return None

    def tell(self, annotations: Iterable[Annotation]) -> int:
        """Keep answers. They are durable when this returns.

        An answer without a round belongs to the round that asked for it; one of a person without
        a cost counts as one label. Whether it stands or goes on to the next stage is said by the
        rules of the router. What was told before changes nothing.

        Args:
            annotations: Answers, whole orders or parts of them, in any order. `annotator` is who
                answered: the name of a stage, or a person or program that answers for one.

        Returns:
            How many of them were new.

        Raises:
            AnnotationError: An item that is not in the pool, a label that the task lacks, a stage
                or a round that is none of this campaign's, or another answer than was told before.
                Nothing of the call was recorded.
            LedgerError: Nothing of the call was recorded.
        """
        told = [self._check.priced(one) for one in check_form(annotations)]
        return self._keep(told, unchanged=True)

    def correct(self, annotations: Iterable[Annotation], *, learn: bool = True) -> int:
        """Let later answers of people take the place of earlier ones; all stay in the ledger.

        Args:
            annotations: Answers of people; `reason` says why they changed.
            learn: Whether the learner is trained anew at once, if it had learnt from what is
                corrected; otherwise it is at the end of the round that is under way.

        Returns:
            How many changed something.

        Raises:
            AnnotationError: An answer that does not fit. Nothing of the call was recorded.
        """
        ledger = self.open()
        told = self.record.stamped(self._check.spelt(check_form(annotations)))
        rounds = ledger.rounds()
        place = functools.partial(self._orders.waiting, rounds)
        changed = correct(ledger, told, self.items.first_of, place)
        if changed and rounds and learn:
            self.learning.catch_up(ledger, rounds[-1].number)
        return changed

    def keep(self, annotations: Sequence[Annotation]) -> int:
        """Keep answers of the annotators themselves, which say what they cost, if anything."""
        return self._keep(annotations, unchanged=False)

    def _keep(self, annotations: Sequence[Annotation], *, unchanged: bool) -> int:
        ledger = self.open()
        if any(one.round is None or one.round >= len(self._started) for one in annotations):
            self._started = ledger.rounds()
        checked = self._check.checked(annotations, self._started, self._orders)
        return ledger.append(self.record.stamped(checked), unchanged=unchanged)

    def forgo(self, order: WorkOrder) -> None:
        """Ask no more for what is left of an order, as long as this object lives: it cannot be paid
        for.
        """
        self._orders.forgo(order)

    def _ask(self, ledger: Ledger, stage: str | None, claim: Claim | None) -> WorkOrder | None:
        self._learn_since_changes(ledger)
        while True:
            self.interruption.check()
            rounds = ledger.rounds()
            self.purse.reserved = labels_put_by(self.phases, rounds, self.router)
            current = rounds[-1] if rounds else None
            if current is None or current.finished is not None:
                started = self.between_rounds.begin(ledger, self.purse, rounds)
                if isinstance(started, str):
                    self.between_rounds.learn_at_last(ledger, rounds)
                    self.reason = started
                    return None
                current = started
            self._started = [*rounds[: current.number], current]
            self.purse.reserved = labels_put_by(self.phases, self._started, self.router)
            self.between_rounds.take_time(current)
            others = False
            for order in self._orders.open(ledger, self.purse, current):
                mine = order if stage in (None, order.stage) else None
                if mine is not None and claim is not None:
                    mine = self._orders.for_worker(ledger, order, claim)
                if mine is not None:
                    return mine
                others = True
            if others:
                return None
            phase = self._orders.phase_of(current)
            if phase.stays_open and self.purse.refused is not None:
                self.learning.catch_up(ledger, current.number)
                self.purse.check()
            self.between_rounds.end(ledger, current, phase)

    def _learn_since_changes(self, ledger: Ledger) -> None:
        """Train the learner anew if task or pool have changed since the last round: there may be no
        other round to train it.
        """
        if self._learnt_since_changes:
            return
        changed = ledger.rounds_at_last_change()
        rounds = [] if changed is None else ledger.rounds()
        if rounds and rounds[-1].finished is not None and changed == len(rounds):
            self.learning.catch_up(ledger, rounds[-1].number)
        self._learnt_since_changes = True

    def _progress(self, what: str, done: int, total: int) -> None:
        self.announcer.tell("progress", what, what=what, done=done, total=total)
        self.interruption.check()
