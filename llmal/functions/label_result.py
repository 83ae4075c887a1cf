"""What `llmal.label` gives back: the rows with their labels, and what is promised of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmal.core.records import Answer, Usage
from llmal.core.words import counted
from llmal.exporters.certificates import DeliveredLabels, companions_of
from llmal.exporters.writing import write_beside
from llmal.functions.results import Results
from llmal.functions.savings import Savings
from llmal.guarantee import Certificate
from llmal.guarantee.forecast import Forecast, Needed, Rates
from llmal.guarantee.standing import in_short, standing_of, what_stands
from llmal.guarantee.statement import Statement
from llmal.run.phases.protocol import HUMAN_LABELS_SPENT
from llmal.run.result import Status

BY = ("people", "machine", "learner")
"""Who may have given a label, in the order in which they are counted."""


@dataclass(frozen=True)
class RunEnd:
    """How the run behind a result ended.

    Attributes:
        status: "finished", "waiting" for people, or "interrupted".
        reason: Why, in words.
        directory: The run directory.
        cost: All that was spent there.
        texts: Different texts, which are asked about once each.
        skipped: Answers of people that are no label.
        without_text: Rows that have no text, and so no label.
        expected: How many labels the promise is expected to take of people in all; None where it is
            kept, or where nothing can be said yet.
        warnings: What was warned of.
        changes: What is other than when the run was last gone on with.
        waiting_for: Files that people are to fill in; none unless the run waits for them.
        certificate: What the audit has shown; None while there is no promise.
        as_they_are: What can be promised of the labels as they are.
        delivered: What goes along with the labels where they are saved.
        foresee: Says how many labels people will have to give, each at some rates.
        write_report: Writes the report; takes its place, or None for the run directory.
    """

    status: Status
    reason: str
    directory: Path
    cost: Usage
    texts: int
    skipped: int = 0
    without_text: int = 0
    expected: Needed | None = None
    warnings: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    waiting_for: tuple[Path, ...] = ()
    certificate: Certificate | None = None
    as_they_are: Statement | None = None
    delivered: DeliveredLabels | None = field(repr=False, default=None)
    foresee: Callable[[Rates], Forecast | None] = field(repr=False, default=lambda _: None)
    write_report: Callable[[Path | None], Path] = field(repr=False, default=lambda _: Path())


class LabelResult(Results):
    """The rows that were given, in their order, each with its label and who gave it.

    The added columns are `label`; `by`, which is "people", "machine" or "learner"; `unreviewed`,
    true where no person gave the label and no audit lets it stay; `confidence`, how sure the
    machine was of its own label; and `error`, a sentence where there is no label.

    Args:
        end: How the run ended.
    """

    def __init__(self, *args: Any, end: RunEnd, **more: Any) -> None:
        super().__init__(*args, **more)
        self._end = end

    @property
    def status(self) -> Status:
        """How the run stands: "finished"; "waiting" for people; or "interrupted" by Ctrl-C. After
        the last two, the same call again goes on.
        """
        return self._end.status

    @property
    def reason(self) -> str:
        """Why it ended or waits, in words."""
        return self._end.reason

    @property
    def waiting_for(self) -> tuple[Path, ...]:
        """The files that people are to fill in; none unless the run waits for them."""
        return self._end.waiting_for

    @property
    def directory(self) -> Path:
        """The run directory, where everything is kept that was asked and answered."""
        return self._end.directory

    @property
    def certificate(self) -> Certificate | None:
        """What is promised of the labels; None while nothing is."""
        return self._end.certificate

    @property
    def people_labels(self) -> int:
        """How many labels people have given so far, those in the audit included; an item that they
        skipped has none.
        """
        return self._end.cost.human_labels

    @property
    def labels(self) -> list[Answer | None]:
        """The label of each row; None where there is none. Of the kind "multi" a tuple of names."""
        return self.column("label")

    @property
    def by(self) -> list[str | None]:
        """Who gave the label of each row: "people", "machine" or "learner"; None without one."""
        return self.column("by")

    @property
    def unreviewed(self) -> list[int]:
        """Positions of the rows whose label no person gave and no audit lets stay."""
        return [place for place, one in enumerate(self.column("unreviewed")) if one]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was warned of, such as lines of a file that could not be understood."""
        return self._end.warnings

    def savings(
        self, *, cost_per_label: float | None = None, seconds_per_label: float | None = None
    ) -> Savings:
        """What was saved: people's labels that were spent, against labelling everything.

        Until the promise is kept it is what the forecast says will be saved, and that is marked.

        Args:
            cost_per_label: Money that a label by a person costs.
            seconds_per_label: Time that a label takes a person.

        Raises:
            ConfigError: A rate is negative or not a number.
        """
        return Savings(
            texts=self._end.texts,
            labels_spent=self.people_labels,
            machine_money=self.cost.money,
            cost_per_label=cost_per_label,
            seconds_per_label=seconds_per_label,
            labels_expected=None if self._is_kept else self._needed_in_all,
            reached=self._is_kept,
        )

    @property
    def _is_kept(self) -> bool:
        """Whether nothing is open any more: the promise stands, or all labels are by people."""
        if self.status != "finished" or self.unreviewed:
            return False
        by = {one for one in self.by if one is not None}
        return standing_of(self.certificate) == "holds" or by <= {"people"}

    @property
    def _needed_in_all(self) -> int | None:
        """How many labels people are expected to give in all."""
        expected = self._end.expected
        return None if expected is None else max(expected.people, self.people_labels)

    def forecast(
        self, *, cost_per_label: float = 0.0, seconds_per_label: float = 0.0
    ) -> Forecast | None:
        """How many labels the promise will take of people in all, with an interval.

        Before people have labelled anything it is a guess; it rests on the seed, then on the audit.

        Args:
            cost_per_label: Money that a label by a person costs.
            seconds_per_label: Time that a label takes a person.

        Returns:
            None where nothing can be said yet.

        Raises:
            ConfigError: A rate is negative.
        """
        return self._end.foresee(Rates(money=cost_per_label, seconds=seconds_per_label))

    def report(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the report of the run, one page that needs nothing else; returns its path.

        Args:
            path: A directory or an .html file; by default the run directory.

        Raises:
            LlmalError: It cannot be written.
        """
        return self._end.write_report(None if path is None else Path(path).expanduser())

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the rows to a file, and the certificate beside it (`<name>.certificate.json`).

        Args:
            path: The file; the ending of its name says the format.
            force: Replace files that are there.

        Raises:
            ConfigError: Something is there already, or the name does not say the format.
            LlmalError: A file cannot be written.
        """
        file = super().save(path, force=force)
        write_beside(file, companions_of(self._end.delivered))
        return file

    def summary(self) -> str:
        """How many rows have a label of whom."""
        counts = Counter(one for one in self.by if one is not None)
        shown = ", ".join(f"{counts[who]:,} by {_of(who)}" for who in BY if counts[who])
        words = f"{len(self):,} rows, {shown or 'none labelled'}"
        left = len(self) - sum(counts.values())
        return f"{words}; {left:,} without a label" if left else words

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the labels: how the run stands, and what is promised."""
        notes = [] if self.status == "finished" else [f"{self.status}: {self.reason}"]
        expected = self._end.expected
        if self.status == "waiting" and expected is None:
            notes.append("how many labels people will give in all is said once these are there")
        elif self.status != "finished" and expected is not None:
            notes.append(
                f"people are expected to give {counted(expected.people, 'label')} in all "
                f"({expected.low:,} to {expected.high:,}), and have given {self.people_labels:,}"
            )
        certificate = self.certificate
        if standing_of(certificate, len(self.unreviewed)) == "holds":
            assert certificate is not None
            notes.append(f"promised: {in_short(certificate)}")
            # Rows without a text are told of by themselves.
            others = len(self) - self._end.without_text - certificate.items
            if others > 0:
                rows = counted(others, "other row", "other rows")
                notes.append(
                    f"the promise is not about {rows}: of an earlier audit, or labelled by nobody"
                )
        elif self.status == "finished" or certificate is not None:
            notes.append(what_stands(certificate, self._end.as_they_are).brief)
        if self.status == "finished":
            notes.append(str(self.savings()))
        if self.unreviewed and self.status == "finished":
            open_ones = counted(len(self.unreviewed), "label is", "labels are")
            gave = "it" if len(self.unreviewed) == 1 else "them"
            notes.append(
                f"{open_ones} unreviewed: no person gave {gave}, and no audit lets {gave} stay"
            )
            if self.reason == HUMAN_LABELS_SPENT:
                notes.append(f"{self.reason}: the same call with a larger one goes on from here")
        if self._end.skipped:
            notes.append(f"people skipped {counted(self._end.skipped, 'item')}")
        if self._end.without_text:
            rows = counted(self._end.without_text, "row has", "rows have")
            notes.append(f"{rows} no text, and so no label")
        return (*notes, *self._end.changes, *self.warnings)


def _of(who: str) -> str:
    return {"people": "people", "machine": "the machine", "learner": "the learner"}[who]
