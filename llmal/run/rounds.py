"""The rounds of a campaign: what starts one, and what is learnt at its end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llmal.core.files import write_json
from llmal.errors import LedgerError
from llmal.ledger import Ledger, Round
from llmal.run.events import Announcer
from llmal.run.guards import Interruption
from llmal.run.items import RunItems
from llmal.run.known_labels import KnownLabelsCheck
from llmal.run.learning import Learning
from llmal.run.phases import (
    Again,
    Check,
    Doubtful,
    Ended,
    Phase,
    Reopened,
    Seed,
    Standing,
    Sweep,
    closes,
)
from llmal.run.picking import Picker, Picks
from llmal.run.promise import Promise
from llmal.run.purposes import SEEN, delivered_labels, seen_labels
from llmal.run.purse import Purse
from llmal.run.reopening import Reopening

log = logging.getLogger("llmal.run")

_BEFORE_AN_AUDIT = (Seed, Sweep, Doubtful)


class Rounds:
    """Starts and ends the rounds of a campaign.

    Args:
        directory: The run directory, in which the picks are written down too.
        items: The items of the campaign.
        phases: Say what comes next.
        picker: Picks.
        learning: Learns.
        promise: What a promise about the labels wants next; None where none is worked for.
        announcer: Told of the beginning and the end of each round.
        interruption: Whether to end before the learner is trained.
        seed: Of the campaign.
        check: Judges labels that were known before by a sample; None where there are none to check.
    """

    def __init__(
        self,
        directory: Path,
        items: RunItems,
        phases: Sequence[Phase],
        picker: Picker,
        learning: Learning,
        promise: Promise | None = None,
        *,
        announcer: Announcer,
        interruption: Interruption,
        seed: int,
        check: KnownLabelsCheck | None = None,
    ) -> None:
        self._directory = directory
        self._items = items
        self._phases = phases
        self._picker = picker
        self._learning = learning
        self._promise = promise
        self._announcer = announcer
        self._interruption = interruption
        self._seed = seed
        self._check = check
        self._reopening = Reopening(items)
        self._since: tuple[int, float] = (-1, 0.0)
        self.before_learning: Callable[[Round], None] | None = None
        """Called when all answers of a round are there, before anything is learnt from them."""

    def begin(self, ledger: Ledger, purse: Purse, rounds: Sequence[Round]) -> Round | str:
        """Start the round that comes next.

        Args:
            ledger: Of the campaign.
            purse: Of the campaign.
            rounds: All rounds so far, finished.

        Returns:
            The round; or why the campaign has ended.

        Raises:
            SpentOut: The selector may not ask what it has to.
        """
        to_check = self._judge_known(ledger, rounds)
        standing = Standing(
            rounds,
            human_labels_left=purse.human_labels_left,
            refused=purse.refused,
            reopened=self._reopened(ledger, rounds),
            to_check=to_check,
            knows_labels=self._knows_labels(ledger, rounds),
            promise=None
            if self._promise is None
            else self._promise.at(ledger, len(rounds), purse.human_labels_left),
        )
        closing = [one for one in self._phases if closes(one)]
        reason = self._closed_by(ledger, closing, rounds)
        if reason is None:
            others = [one for one in self._phases if one not in closing]
            started = self._next_of(ledger, purse, others, standing)
            if isinstance(started, Round):
                return started
            reason = started
        # What was put by for them is theirs now.
        standing = replace(standing, human_labels_left=purse.human_labels_left_in_all)
        started = self._next_of(ledger, purse, closing, standing)
        return started if isinstance(started, Round) else reason

    def _closed_by(
        self, ledger: Ledger, closing: Sequence[Phase], rounds: Sequence[Round]
    ) -> str | None:
        """Why nothing comes any more but what closes the campaign; None if that has not begun, or
        task or pool have changed since.
        """
        changed = ledger.rounds_at_last_change()
        for one in rounds:
            for phase in closing:
                if one.phase in phase.names and (changed is None or one.number >= changed):
                    return f"the {phase.names[0]} at the end is done"
        return None

    def _next_of(
        self, ledger: Ledger, purse: Purse, phases: Sequence[Phase], standing: Standing
    ) -> Round | str:
        """The next round of some phases, or why they are over."""
        number = len(standing.rounds)
        for phase in phases:
            coming = phase.next(standing)
            if isinstance(coming, Ended):
                return coming.reason
            if coming is not None:
                picks = self._picker.pick(ledger, purse, number, coming)
                if picks is None and phase.purpose in SEEN:
                    return self._nothing_left(ledger)
                if picks is not None:
                    return self._record(ledger, number, phase.names[0], picks)
        return "every phase is over"

    def _reopened(self, ledger: Ledger, rounds: Sequence[Round]) -> Reopened:
        if ledger.reading.is_plain:
            return Reopened()
        return self._reopening.find(ledger, rounds, self._picker.not_to_ask(ledger))

    def _judge_known(self, ledger: Ledger, rounds: Sequence[Round]) -> Mapping[str, str]:
        """Judge labels that were known before, once people have answered about a sample of them.

        Returns:
            The sample, if nobody was asked about it yet.
        """
        if self._check is None:
            return {}
        checks = [one for one in rounds if one.phase in Check.names]
        if not checks:
            return self._check.sample(ledger)
        judged = self._check.judge(ledger, checks[0])
        if judged is not None:
            message, trusted = judged
            if not trusted:
                log.warning("%s", message)
            self._announcer.tell("known_labels", message, trusted=trusted)
        return {}

    def _knows_labels(self, ledger: Ledger, rounds: Sequence[Round]) -> bool:
        """Whether something can be learnt before the first round that learns."""
        early = {*Check.names, *Again().names}
        if any(one.phase not in early for one in rounds):
            return False
        return len({one.label for one in seen_labels(ledger).values()}) > 1

    def _nothing_left(self, ledger: Ledger) -> str:
        unlabelled = len(self._items.pool) - len(self._items.with_copies(delivered_labels(ledger)))
        if not unlabelled:
            return "every item of the pool is labelled"
        return f"no item is left to ask about; {unlabelled:,} have no label"

    def _record(self, ledger: Ledger, number: int, phase: str, picks: Picks) -> Round:
        started = Round(
            number,
            phase=phase,
            selector=picks.selector,
            item_ids=tuple(picks.item_ids),
            scores=tuple(picks.scores),
            why=tuple(picks.why),
            started=time.time(),
            finished=None,
            metrics={},
        )
        columns = zip(picks.item_ids, picks.scores, picks.why, strict=True)
        folder = self._directory / "picks"
        folder.mkdir(parents=True, exist_ok=True)
        write_json(
            folder / f"round-{number:03d}.json",
            {
                "round": number,
                "phase": phase,
                "selector": picks.selector,
                "seed": self._seed,
                "items": [{"id": i, "score": score, "why": why} for i, score, why in columns],
            },
            indent=1,
        )
        try:
            ledger.start_round(
                number,
                phase=phase,
                selector=picks.selector,
                item_ids=picks.item_ids,
                scores=picks.scores,
                why=picks.why,
            )
        except LedgerError:
            # A process on another machine may have started it meanwhile.
            rounds = ledger.rounds()
            if len(rounds) <= number:
                raise
            return rounds[number]
        items = len(picks.item_ids) or len(self._items.distinct)
        self._announcer.tell(
            "round_started", f"round {number} ({phase})", round=number, items=items
        )
        return started

    def _may_wait(self, phase: Phase) -> bool:
        """Whether nobody goes by the learner after a round, and a later one trains it."""
        return (
            self._promise is not None
            and isinstance(phase, _BEFORE_AN_AUDIT)
            and self.before_learning is None
            and not self._learning.is_tested
            and not any(one.selectors for one in self._phases)
        )

    def _learn(self, ledger: Ledger, current: Round, phase: Phase) -> dict[str, Any]:
        self._learning.catch_up_once(ledger, current.number - 1)
        learnt_from = phase.purpose in SEEN and not phase.stays_open
        if self.before_learning is not None and learnt_from:
            self.before_learning(current)
        self._interruption.check()
        return self._learning.learn(ledger, current.number)

    def learn_at_last(self, ledger: Ledger, rounds: Sequence[Round]) -> None:
        """Train the learner when the campaign has ended, where no audit came to it."""
        if rounds and any(
            rounds[-1].phase in one.names and self._may_wait(one) for one in self._phases
        ):
            self._learning.catch_up(ledger, rounds[-1].number)

    def take_time(self, current: Round) -> None:
        """Count the seconds of a round from now on, unless they are counted already."""
        if self._since[0] != current.number:
            self._since = current.number, time.perf_counter()

    def end(self, ledger: Ledger, current: Round, phase: Phase) -> None:
        """Learn from a round whose answers are all there, and record how it ended."""
        if self._may_wait(phase):
            learnt = self._learning.count(ledger, current.number)
        else:
            learnt = self._learn(ledger, current, phase)
        spent = ledger.total_usage()
        figures: dict[str, Any] = {
            **learnt,
            "human_labels": spent.human_labels,
            "tokens": spent.tokens,
            "money": spent.money,
            "seconds": time.perf_counter() - self._since[1],
        }
        try:
            ledger.finish_round(current.number, figures)
        except LedgerError:
            # A process on another machine may have ended it meanwhile.
            if ledger.rounds()[current.number].finished is None:
                raise
            return
        if phase.stays_open:
            self._picker.forget_sweep()
        accuracy = figures.get("accuracy")
        tail = f", test accuracy {accuracy:.3f}" if accuracy is not None else ""
        self._announcer.tell(
            "round_finished",
            f"round {current.number} ({phase.names[0]}): {figures['labelled']} labelled{tail}",
            round=current.number,
            **figures,
        )
