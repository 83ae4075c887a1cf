"""Labels that were certified: which stay, which go to people, and what is promised of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from llmal.core.records import Answer, Usage
from llmal.core.tables import Column, free_name
from llmal.core.words import counted
from llmal.functions.audited_labels import REVIEW, AuditedLabels
from llmal.functions.results import Results
from llmal.functions.rows import Row
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.largest_promise import LargestPromise
from llmal.guarantee.promises import condition_on_people

STAYS, TO_PEOPLE, NO_PART = "stays", "to people", "no part"
"""What becomes of a row's label; the last where the promise is about a class of other rows."""


class Certified(Results):
    """The rows with the label that is delivered of each, who gave it, and what is to be done.

    Added columns: `label` (empty where a person has to say), `by` ("people" or "machine"), `action`
    ("stays", "to people", or "no part" where the promise is about a class of other rows).

    Attributes:
        certificate: What is promised.
        as_it_is: What may be promised if people label no more; None where nothing is left for them,
            or the promise is another than "pool_error" of all rows.
    """

    def __init__(
        self,
        *args: Any,
        certificate: Certificate,
        as_it_is: LargestPromise | None,
        for_people: Results,
        notes: Sequence[str] = (),
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.certificate = certificate
        self.as_it_is = as_it_is
        self._for_people = for_people
        self._notes = tuple(notes)

    @property
    def for_people(self) -> Results:
        """The rows that people have still to label, the least trusted first, with an empty column
        `review`; without the machine's label and its score, which would sway them.
        """
        return self._for_people

    @property
    def notes(self) -> tuple[str, ...]:
        """What is promised, in a sentence, and what is odd about audit or score."""
        return (f"{self.certificate.statement.brief}.", *self._instead, *self._notes)

    def summary(self) -> str:
        """How many labels stay and how many go to people."""
        action = Counter(self.column("action"))
        by = Counter(
            who
            for who, what in zip(self.column("by"), self.column("action"), strict=True)
            if what == STAYS
        )
        words = (
            f"{counted(len(self), 'row')}: {counted(by['machine'], 'label')} of the machine may "
            f"stay, {counted(by['people'], 'is', 'are')} by people, "
            f"{counted(action[TO_PEOPLE], 'goes', 'go')} to people"
        )
        if action[NO_PART]:
            words += f", {counted(action[NO_PART], 'is', 'are')} no part of it"
        return words

    def in_words(self) -> str:
        """Everything that there is to say: counts, the promise as a whole, and what is odd."""
        words = [self.summary(), self.certificate.promise]
        if not self.certificate.holds:
            words.reverse()
        return "\n".join([*words, *self._instead, *self._notes])

    @property
    def _instead(self) -> list[str]:
        """What may be said in place of the promise; what its words mean is said there already."""
        if self.as_it_is is None:
            return []
        claim = self.as_it_is.claim
        return [f"If people label no more, this may be said in place of the promise: {claim}."]

    def as_dict(self) -> dict[str, Any]:
        """Certificate and counts as plain JSON has them, without the rows."""
        found: dict[str, Any] = self.certificate.as_dict()
        found["accepted"], found["to_people"] = len(found["accepted"]), len(found["to_people"])
        if self.as_it_is is not None:
            found["as_it_is"] = {
                "max_error": self.as_it_is.epsilon,
                "wrong_at_most": self.as_it_is.wrong_at_most,
                "promise": self.as_it_is.promise,
            }
        found["notes"] = list(self._notes)
        return found


def as_it_stands(
    found: AuditedLabels, certificate: Certificate, about: Sequence[int]
) -> Certificate:
    """A certificate with what people have labelled since, and with rows that have no label at all.

    Args:
        found: The rows.
        certificate: By the audit alone.
        about: Rows that the promise is about.
    """
    sent = certificate.to_people.tolist()
    sent += [row for row in about if found.machine[row] is None and found.people[row] is None]
    waiting = [row for row in sent if found.by_people(row) is None]
    done = sorted({*sent} - {*waiting})
    # Others say something of the labels that stay, and wait for nobody.
    waits = certificate.holds and certificate.mode in ("pool_error", "looks", "anytime", "recall")
    return replace(
        certificate,
        accepted=np.concatenate([certificate.accepted, np.array(done, dtype=np.int64)]),
        to_people=np.array(waiting, dtype=np.int64),
        condition=condition_on_people(len(waiting)) if waits else "",
        details={**certificate.details, "reviewed": len(done)},
    )


def certified_rows(
    found: AuditedLabels,
    certificate: Certificate,
    as_it_is: LargestPromise | None,
    about: Sequence[int],
    notes: Sequence[str],
) -> Certified:
    """The rows with what becomes of each.

    Args:
        found: The rows.
        certificate: As it stands.
        as_it_is: What may be promised if people label no more.
        about: Rows that the promise is about; of a class, others are no part of it.
        notes: What is to be said besides.
    """
    names = {name: free_name(name, found.table.names) for name in ("label", "by", "action")}
    waits = np.zeros(len(found.machine), dtype=np.bool_)
    waits[certificate.to_people] = True
    part = np.zeros(len(found.machine), dtype=np.bool_)
    part[list(about)] = True

    def rows() -> Iterator[Row]:
        for row, (_, own) in enumerate(found.table.read()):
            by_people = found.by_people(row)
            added: tuple[Answer | None, str | None, str] = (None, None, TO_PEOPLE)
            if by_people is not None:
                added = (by_people, "people", STAYS)
            elif not part[row]:
                machine = found.machine[row]
                added = (machine, None if machine is None else "machine", NO_PART)
            elif not waits[row]:
                added = (found.machine[row], "machine", STAYS)
            yield {**own, **dict(zip(names.values(), added, strict=True))}

    several = any(isinstance(one, tuple) for one in found.machine)
    columns = [
        Column(names["label"], "texts" if several else "text"),
        Column(names["by"]),
        Column(names["action"]),
    ]
    return Certified(
        list(rows()),
        [*found.table.columns, *columns],
        found.table.text,
        names,
        Usage(),
        title="rows",
        origin=found.table.origin,
        certificate=certificate,
        as_it_is=as_it_is,
        for_people=_for_people(found, certificate.to_people.tolist()),
        notes=notes,
    )


def _for_people(found: AuditedLabels, waiting: Sequence[int]) -> Results:
    rank = {row: place for place, row in enumerate(found.order.tolist())}
    doubtful = sorted(waiting, key=lambda row: rank.get(row, len(rank)), reverse=True)
    return rows_to_label(found, doubtful, REVIEW, {}, title="rows for people")


def rows_to_label(
    found: AuditedLabels,
    places: Sequence[int],
    column: str,
    more: dict[str, Sequence[Any]],
    *,
    title: str,
) -> Results:
    """Rows for people to label: their place in the data, their own columns, and an empty column.

    Args:
        found: The rows.
        places: Which of them, in order.
        column: What the column is called that people fill in.
        more: Columns of whole numbers that come first.
        title: What the rows are.
    """
    called = {name: free_name(name, found.table.names) for name in (*more, "row", column)}
    own = [one for one in found.table.columns if one.name not in found.hidden]
    rows = dict(enumerate(row for _, row in found.table.read()))
    made = [
        {
            **{called[name]: values[at] for name, values in more.items()},
            called["row"]: place + 1,
            **{one.name: rows[place].get(one.name) for one in own},
            called[column]: None,
        }
        for at, place in enumerate(places)
    ]
    numbers = [Column(called[name], "whole") for name in (*more, "row")]
    return Results(
        made,
        [*numbers, *own, Column(called[column])],
        found.table.text,
        called,
        Usage(),
        title=title,
    )
