"""Answers from outside: what must be right about them before they are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmal.annotators.protocol import Priced
from llmal.annotators.router import Router
from llmal.core.records import Annotation, Answer, Usage
from llmal.errors import AnnotationError, ConfigError, DataError
from llmal.ledger import Round
from llmal.pool import Pool
from llmal.run.orders import Orders
from llmal.run.workers import check_worker
from llmal.task import Task

_NOTHING = "nothing of what was told with it is recorded"


class AnswerCheck:
    """Sees that answers fit a campaign, and says where they belong.

    Args:
        task: Its labels are the answers.
        pool: Its items are what answers are about.
        router: Its stages are who answers.
    """

    def __init__(self, task: Task, pool: Pool, router: Router) -> None:
        self._task = task
        self._pool = pool
        self._router = router
        annotators = [stage.annotator for stage in router.stages]
        self._names = {one.name: number for number, one in enumerate(annotators)}
        self._kinds = {one.kind: number for number, one in reversed([*enumerate(annotators)])}

    def checked(
        self, annotations: Sequence[Annotation], rounds: Sequence[Round], orders: Orders
    ) -> list[Annotation]:
        """The answers as they are recorded: with round, stage, label and decision.

        Args:
            annotations: What was told.
            rounds: All rounds that were started.
            orders: Knows which round asked for an answer, and for what purpose.

        Raises:
            AnnotationError: One of them does not fit; the message names it.
        """
        self._check_items(annotations)
        return [self._checked(one, rounds, orders) for one in annotations]

    def spelt(self, annotations: Sequence[Annotation]) -> list[Annotation]:
        """The answers with labels as the task spells them, about items of the pool.

        Raises:
            AnnotationError: One of them does not fit; the message names it.
        """
        self._check_items(annotations)
        return [replace(one, label=self._label(one)) for one in annotations]

    def _check_items(self, annotations: Sequence[Annotation]) -> None:
        try:
            self._pool.positions([one.item_id for one in annotations])
        except DataError as error:
            raise AnnotationError(
                f"{error.what}, and {_NOTHING}", where=error.where, fix=error.fix
            ) from None

    def _checked(self, one: Annotation, rounds: Sequence[Round], orders: Orders) -> Annotation:
        self._check_worker(one)
        stage = self._stage(one)
        one = replace(one, label=self._label(one), stage=self._name(one, stage))
        if one.round is None:
            one = replace(one, round=self._round(one, stage, rounds, orders))
        elif not 0 <= one.round < len(rounds):
            raise AnnotationError(
                f"the answer to item {one.item_id!r} is said to be of round {one.round}, which "
                f"has not been asked for, and {_NOTHING}",
                fix="leave the round out",
            )
        if one.round is not None:
            purpose = orders.phase_of(rounds[one.round]).purpose
            if one.purpose not in ("train", purpose):
                raise AnnotationError(
                    f"the answer to item {one.item_id!r} is said to be for the purpose "
                    f"{one.purpose!r}, and round {one.round} asks for {purpose!r}; {_NOTHING}",
                    fix="leave the round or the purpose out",
                )
            one = replace(one, purpose=purpose)
        if stage is None:
            return replace(one, decision="deferred" if one.label is None else "accepted")
        return self._router.decide(stage, [one])[0]

    def _check_worker(self, one: Annotation) -> None:
        if one.kind != "human":
            return
        try:
            check_worker(one.annotator, self._router)
        except ConfigError as error:
            raise AnnotationError(
                f"the answer to item {one.item_id!r} is of nobody ({error.what}), and {_NOTHING}",
                fix=error.fix,
            ) from None

    def _label(self, one: Annotation) -> Answer | None:
        if one.label is None or self._task.space.holds(one.label):
            return one.label
        try:
            return self._task.match(one.label)
        except DataError as error:
            raise AnnotationError(
                f"the answer of {one.annotator!r} to item {one.item_id!r} does not fit "
                f"({error.what}), and {_NOTHING}",
                fix=error.fix,
            ) from None

    def _stage(self, one: Annotation) -> int | None:
        """The number of the stage that is answered; None for a person where none is asked."""
        number = self._names.get(one.stage or one.annotator)
        if not one.stage and number is not None and one.kind == "human":
            # A name alone does not make a person a machine.
            number = number if self._router.stages[number].annotator.kind == "human" else None
        if not one.stage and number is None:
            number = self._kinds.get(one.kind)
        if number is None and (one.stage or one.kind != "human"):
            raise AnnotationError(
                f"the answer to item {one.item_id!r} is of {one.stage or one.annotator!r}, which "
                f"is no stage of this campaign, and {_NOTHING}",
                fix=f"the stages are {', '.join(self._names)}",
            )
        return number

    def _name(self, one: Annotation, stage: int | None) -> str:
        return one.stage if stage is None else self._router.stages[stage].annotator.name

    def _round(
        self, one: Annotation, stage: int | None, rounds: Sequence[Round], orders: Orders
    ) -> int | None:
        """The last round that asked for an answer, for its purpose; None if none did."""
        if stage is None:
            return None
        for round in reversed(rounds):
            fits = one.purpose in ("train", orders.phase_of(round).purpose)
            if fits and orders.asks(round, stage, one.item_id):
                return round.number
        return None

    def priced(self, one: Annotation) -> Annotation:
        """An answer of a person with what it costs, unless it says so itself: a label, and the
        money that is paid for one.
        """
        if one.kind != "human" or one.usage != Usage():
            return one
        number = self._stage(one)
        annotator = None if number is None else self._router.stages[number].annotator
        money = annotator.cost if isinstance(annotator, Priced) else 0.0
        return replace(one, usage=Usage(human_labels=1, money=money))
