"""Labels by programs that a language model wrote once (Alchemist)."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.programs.file import Program, read_programs
from llmal.annotators.programs.sandbox import Outcome, Sandbox
from llmal.annotators.programs.votes import ABSTAINS, Combination, Verdict, coded, judge
from llmal.annotators.protocol import Context, Need, plan_at
from llmal.core.fingerprint import digest
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, AnnotatorKind, Item, Usage, one_label
from llmal.errors import ConfigError
from llmal.task import Task
from llmal.task.spaces import refuse_unless

log = logging.getLogger("llmal.annotators")


@dataclass(frozen=True)
class ProgramReport:
    """What became of a program.

    Attributes:
        name: Of the program.
        coverage: Share of the labelled items that it has an answer for.
        verdict: What labelled items say of it.
        errors: Texts by what failed on them.
    """

    name: str
    coverage: float
    verdict: Verdict
    errors: Mapping[str, int]


class LabellingPrograms:
    """Labels by the votes of programs, each of which knows some texts and abstains from the rest.

    After Alchemist (Huang et al., 2024): a language model writes functions once, in place of a
    label for each item. They run in a sandbox; one that fails on a text abstains from it, one that
    fails as a whole, or is no better than chance on the items that people have labelled, is
    dropped, and that is told in the log. What is left is combined by how often each is right there.
    A text that no program knows has no answer.

    Args:
        task: The task; of one label an item.
        programs: A file of them, several files, or `Program`s.
        seconds: Most seconds that a program may take for the texts of a batch.
        memory: Most MB of its process.
        name: Who is recorded in the ledger.
        batch_size: Items between two writes to the ledger in a run.

    Attributes:
        reports_: What became of each program, as of the last batch.

    Raises:
        ConfigError: There is no program, a limit is too low, or RestrictedPython is not installed.
        DataError: A file cannot be read.
    """

    kind: AnnotatorKind = "learner"

    def __init__(
        self,
        task: Task,
        programs: str | os.PathLike[str] | Sequence[str | os.PathLike[str] | Program],
        *,
        seconds: int = 10,
        memory: int = 512,
        name: str = "labelling_programs",
        batch_size: int = 4096,
    ) -> None:
        refuse_unless(
            task, ("single",), "the annotator labelling_programs", "use the annotator llm"
        )
        given = [programs] if isinstance(programs, (str, os.PathLike)) else list(programs)
        self.programs: list[Program] = []
        for one in given:
            self.programs += [one] if isinstance(one, Program) else read_programs(one)
        if not self.programs:
            raise ConfigError("there is no labelling program", fix="give at least one")
        self.task = task
        self.name = name
        self.batch_size = batch_size
        self.reports_: list[ProgramReport] = []
        self._sandbox = Sandbox(seconds=seconds, memory=memory)
        self._told: set[str] = set()
        self._fitted: dict[bytes, tuple[list[int], Combination]] = {}

    def needs(self) -> frozenset[Need]:
        """Items that people have labelled, to see what programs are worth."""
        return frozenset({"labelled"})

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """Run the programs. An item that none of them knows is flagged and has no label, and as
        long as people have labelled nothing that programs could be judged by, so is every item.
        """
        if not items:
            return []
        if not context.demonstrations:
            return [self._silent(item, "no labels to judge programs by", context) for item in items]
        begun = time.perf_counter()
        used, combination = self._judged(context.demonstrations)
        votes, faults, _ = self._run(items, used)
        for place, fault in faults.items():
            self._tell(f"the program {self.programs[place].name!r} is left out: {fault}")
        probabilities = combination.probabilities(votes)
        names = self.task.names
        seconds = Usage(seconds=(time.perf_counter() - begun) / len(items))
        found = []
        for item, row, given in zip(items, probabilities, votes, strict=True):
            if not (given != ABSTAINS).any():
                found.append(self._silent(item, "no program knows it", context))
                continue
            found.append(
                Annotation(
                    item_id=item.id,
                    label=names[int(row.argmax())],
                    annotator=self.name,
                    kind=self.kind,
                    probabilities=dict(zip(names, row.tolist(), strict=True)),
                    exact=False,
                    usage=seconds,
                    provenance={
                        "votes": {
                            self.programs[place].name: names[vote]
                            for place, vote in zip(used, given.tolist(), strict=True)
                            if vote != ABSTAINS
                        }
                    },
                    round=context.round,
                )
            )
        return found

    def _silent(self, item: Item, why: str, context: Context) -> Annotation:
        return Annotation(
            item_id=item.id,
            label=None,
            annotator=self.name,
            kind=self.kind,
            flags=(why,),
            round=context.round,
        )

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """Nothing but time."""
        return plan_at(Usage(), self.annotate, items, context)

    def _judged(self, labelled: Sequence[Item]) -> tuple[list[int], Combination]:
        """The programs that are used, and how they are combined."""
        key = digest("\0".join(f"{one.id}\0{one.gold}" for one in labelled), 16)
        if key not in self._fitted:
            labels = np.array([self.task.index(one_label(one.gold)) for one in labelled])
            everyone = list(range(len(self.programs)))
            votes, faults, outcomes = self._run(labelled, everyone)
            verdicts = judge(votes, labels, len(self.task.names))
            self.reports_ = [
                ProgramReport(
                    self.programs[place].name,
                    verdict.votes / len(labelled),
                    Verdict(0, 0, 0.0, faults[place]) if place in faults else verdict,
                    outcomes[place].errors,
                )
                for place, verdict in enumerate(verdicts)
            ]
            for one in self.reports_:
                if one.verdict.dropped is not None:
                    self._tell(f"the program {one.name!r} is dropped: {one.verdict.dropped}")
            used = [place for place in everyone if self.reports_[place].verdict.dropped is None]
            if not used:
                log.warning("no labelling program is left, so no item has a label by one")
            combination = Combination.fit(votes[:, used], labels, len(self.task.names))
            self._fitted = {key: (used, combination)}
        return self._fitted[key]

    def _run(
        self, items: Sequence[Item], places: Sequence[int]
    ) -> tuple[NDArray[np.int64], dict[int, str], dict[int, Outcome]]:
        """Votes, shape (n, programs); why programs failed as a whole; and all that they said."""
        texts: list[Any] = [self._text(item) for item in items]
        outcomes = {one: self._sandbox.run(self.programs[one].source, texts) for one in places}
        faults = {one: found.fault for one, found in outcomes.items() if found.fault is not None}
        nothing = (None,) * len(items)
        votes = [nothing if one in faults else outcomes[one].votes for one in places]
        if not places:
            return np.zeros((len(items), 0), dtype=np.int64), {}, outcomes
        return coded(votes, self.task.names), faults, outcomes

    def _text(self, item: Item) -> str | dict[str, str]:
        if len(self.task.text) == 1:
            return item.text
        return {name: item.fields[name] for name in self.task.text}

    def _tell(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            log.warning("%s", sentence)
