"""`llmal.certify`: a promise about labels of any system, by an audit that people labelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer, Usage
from llmal.core.tables import Column, free_name
from llmal.core.words import counted
from llmal.errors import ConfigError, DataError
from llmal.functions.audited_labels import AuditedLabels, draw_rows, read_audited_labels
from llmal.functions.class_estimates import with_classes
from llmal.functions.results import Results
from llmal.functions.rows import Row
from llmal.functions.tasks import Labels
from llmal.guarantee.audit import allowed_wrong, check_rates
from llmal.guarantee.audit_plan import BestShare
from llmal.guarantee.certificate import Certificate, Mode
from llmal.guarantee.certify import certify as certify_positions
from llmal.guarantee.certify import largest_promise
from llmal.guarantee.largest_promise import LargestPromise
from llmal.guarantee.nested_looks import fewest_audited
from llmal.guarantee.promises import percent
from llmal.pool.readers import DETECTED, Reading
from llmal.task import TaskKind

_ALL_ALIKE = "all scores are the same, so the score orders nothing: labels are ranked at random"


class Certified(Results):
    """The rows with the label that is delivered of each, who gave it, and what is to be done.

    Added columns: `label` (empty where a person has to say), `by` ("people" or "machine"), `action`
    ("stays" or "to people").

    Attributes:
        certificate: What is promised.
        as_it_is: What may be promised if people label no more; None where nothing is left for them,
            or the mode is another than "pool_error".
    """

    def __init__(
        self,
        *args: Any,
        certificate: Certificate,
        as_it_is: LargestPromise | None,
        notes: Sequence[str] = (),
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.certificate = certificate
        self.as_it_is = as_it_is
        self._notes = tuple(notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about audit or score, and what to do where nothing is promised."""
        return self._notes

    def summary(self) -> str:
        """How many labels stay, and what is promised."""
        action, by = self.column("action"), self.column("by")
        people = sum(one == "people" for one in by)
        machine = sum(one == "machine" for one in by)
        waiting = sum(one == "to people" for one in action)
        counts = (
            f"{machine:,} labels of the machine stay, {people:,} are by people, {waiting:,} go to "
            "people"
        )
        words = [counts, self.certificate.promise]
        if not self.certificate.holds:
            words.reverse()
        if self.as_it_is is not None:
            words.append(
                "If people label no more, this may be said in place of the promise above: "
                f"{self.as_it_is.promise}"
            )
        return "\n".join(words)

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
        found["notes"] = list(self.notes)
        return found


class DrawnRows(Results):
    """The rows to audit, in order of draw.

    Attributes:
        needed: How many it takes at least, that anything can be promised.
    """

    def __init__(self, *args: Any, needed: int, notes: Sequence[str], **more: Any) -> None:
        super().__init__(*args, **more)
        self.needed = needed
        self._notes = tuple(notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about their number, or about the score."""
        return self._notes


def certify(
    data: Any,
    *,
    label: str,
    score: str,
    audit: str = "audit",
    audited: Any = None,
    people: str | None = None,
    max_error: float = 0.05,
    confidence: float = 0.95,
    mode: Mode = "pool_error",
    looks: Sequence[int] | None = None,
    seed: int | None = None,
    skipped: str | None = None,
    labels: Labels | None = None,
    kind: TaskKind = "single",
    reading: Reading = DETECTED,
) -> Certified:
    """Promise something of labels that any system has made, by an audit of them.

    People label rows that were drawn uniformly from those that no person had labelled
    (`llmal.draw_audit` draws them); what they say stands in a column of its own. Rows are ranked by
    the score. With `seed` the audit must be the one that `draw_audit` drew with it from the same
    labels and scores; without it, that it was drawn uniformly is taken on trust.

        result = llmal.certify("labelled.csv", label="gpt", score="p", audit="checked", seed=0)
        print(result.certificate.promise)

    Args:
        data: A file, a pandas frame, a `datasets.Dataset` or rows.
        label: Column with the machine's labels; rows without one go to people.
        score: Column that says how much each is trusted: larger is surer.
        audit: Column with what people said of the audited rows; empty for all others.
        audited: The rows that `draw_audit` gave, with that column filled in, where they are not in
            the data itself: a file, a frame or rows.
        people: Column with labels that people gave for other reasons than the audit: they are right
            by definition, and no part of the audit.
        max_error: The share of wrong labels that is allowed.
        confidence: With what probability the promise holds.
        mode: What is promised; see `llmal.guarantee.certify`.
        looks: How many rows have been audited at each planned look.
        seed: The seed that the audit was drawn with. It breaks ties of the score too.
        skipped: What stands in the audit column where a person could not say; it counts as wrong.
        labels: All labels of the task; by default those of the machine and of people.
        kind: What an answer is.
        reading: Of a file.

    Raises:
        ConfigError: An option is not usable.
        DataError: The data are not usable, or the audit can't carry a promise.
    """
    alpha = _alpha(max_error, confidence)
    answers = (audit, skipped, audited)
    found = read_audited_labels(
        data, label, score, answers, people, labels, kind, reading, seed or 0
    )
    answered = np.array([one is not None for one in found.audit]) | found.skipped
    positions = _in_order_of_draw(found, answered, seed)
    wrong = np.array(
        [found.skipped[p] or found.audit[p] != found.machine[p] for p in positions], dtype=np.bool_
    )
    options: dict[str, Any] = {
        "epsilon": max_error,
        "alpha": alpha,
        "looks": looks,
        "items": len(found.machine),
        "skipped": found.skipped[positions],
        "planned": None if seed is None else draw_rows(found, seed),
    }
    certificate = certify_positions(found.order, positions, wrong, mode=mode, **options)
    if mode == "estimate_only":
        certificate = with_classes(
            certificate,
            found.space,
            found.machine,
            found.people,
            found.audit,
            positions,
            found.order,
        )
    notes = [_ALL_ALIKE] if found.orders_nothing else []
    if found.drawn is not None and len(positions) < found.drawn:
        certificate = _half_filled(certificate, len(positions), found.drawn)
        notes.append(f"{len(positions):,} of the {found.drawn:,} rows that were drawn are labelled")
    if mode == "pool_error" and not certificate.holds:
        notes.append(_what_to_do(found, len(positions), max_error, alpha, seed))
    as_it_is = None
    if mode == "pool_error" and len(certificate.to_people) and len(positions):
        as_it_is = largest_promise(found.order, positions, wrong, **options)
    return _certified(found, certificate, as_it_is, notes)


def draw_audit(
    data: Any,
    *,
    label: str,
    score: str,
    items: int | Literal["auto"] = "auto",
    people: str | None = None,
    max_error: float = 0.05,
    confidence: float = 0.95,
    seed: int = 0,
    labels: Labels | None = None,
    kind: TaskKind = "single",
    reading: Reading = DETECTED,
) -> DrawnRows:
    """Draw the rows that people have to label, so that `llmal.certify` can promise something.

    They come in order of draw, with the number of the draw (`draw`), their place in the data
    (`row`, from 1), the seed, an empty column `audit` for what people say, and their own columns
    but for the machine's label and its score, which would sway people. Labels and scores must not
    change afterwards.

    Args:
        data: A file, a pandas frame, a `datasets.Dataset` or rows.
        label: Column with the machine's labels.
        score: Column that says how much each is trusted: larger is surer.
        items: How many rows. "auto" takes the score for the probability that the label is right
            where all scores are between 0 and 1, and draws as many as pay best; else a tenth of the
            rows, and no fewer than twice as many as can certify anything.
        people: Column with labels that people gave already: these rows are not audited.
        max_error: The share of wrong labels that is to be allowed.
        confidence: With what probability the promise is to hold.
        seed: Same seed, same rows; `llmal.certify` takes it too.
        labels: All labels of the task; by default those that occur.
        kind: What an answer is.
        reading: Of a file.

    Raises:
        ConfigError: An option is not usable.
        DataError: The data are not usable, or there are fewer rows.
    """
    alpha = _alpha(max_error, confidence)
    found = read_audited_labels(data, label, score, None, people, labels, kind, reading, seed)
    allowed = allowed_wrong(max_error, len(found.machine))
    count = _best_size(found, allowed, alpha) if items == "auto" else items
    if items != "auto" and not 0 < items <= len(found.order):
        raise ConfigError(
            f"{items} rows are to be audited, and {len(found.order)} have a label that no person "
            "gave",
            fix="audit fewer",
        )
    drawn = draw_rows(found, seed)[:count]
    needed = fewest_audited(len(found.order), allowed, alpha)
    notes = [_ALL_ALIKE] if found.orders_nothing else []
    if len(drawn) < needed:
        notes.append(
            f"{counted(len(drawn), 'row')} can certify nothing: {_wanted(max_error, alpha)} takes "
            f"{needed:,} of these {len(found.order):,} at least"
        )
    names = {name: free_name(name, found.table.names) for name in ("draw", "row", "seed", "audit")}
    own = [column for column in found.table.columns if column.name not in (label, score)]
    added = [Column(names[name], "whole") for name in ("draw", "row", "seed")]
    rows = dict(enumerate(row for _, row in found.table.read()))
    return DrawnRows(
        [
            {
                **{column.name: rows[int(place)].get(column.name) for column in own},
                names["draw"]: number,
                names["row"]: int(place) + 1,
                names["seed"]: seed,
                names["audit"]: None,
            }
            for number, place in enumerate(drawn, start=1)
        ],
        [*added, *own, Column(names["audit"])],
        found.table.text,
        names,
        Usage(),
        title="rows to audit",
        needed=needed,
        notes=notes,
    )


def _wanted(max_error: float, alpha: float) -> str:
    return f"at most {percent(max_error)} wrong with a probability of {percent(1 - alpha)}"


def _half_filled(certificate: Certificate, labelled: int, drawn: int) -> Certificate:
    """A certificate that says how many were drawn, where people have not labelled all."""
    told = (
        f"{drawn:,} were drawn; it rests on the first {labelled:,} of them in order of draw, and "
        "that people stopped there had nothing to do with what they found."
    )
    return replace(
        certificate,
        meaning=f"{certificate.meaning} {told}".lstrip(),
        rests_on=(*certificate.rests_on, told),
        details={**certificate.details, "drawn": drawn},
    )


def _what_to_do(
    found: AuditedLabels, audited: int, max_error: float, alpha: float, seed: int | None
) -> str:
    """How to come to a promise where the audit was too small for one."""
    rest = len(found.order)
    needed = fewest_audited(rest, allowed_wrong(max_error, len(found.machine)), alpha)
    if found.drawn is not None and found.drawn >= needed:
        return f"to go on: have people label the rest of the {found.drawn:,} rows that were drawn"
    more = f"to go on: have people label {needed - audited:,} more at least"
    if seed is None:
        return f"{more}, drawn at random like the others"
    return f"{more}; an audit of {needed:,} rows or more with seed {seed} begins with the same rows"


def _alpha(max_error: float, confidence: float) -> float:
    if not 0.5 <= confidence < 1:
        raise ConfigError(
            f"the confidence is {confidence}", fix="give at least 0.5 and less than 1, such as 0.95"
        )
    if not 0 <= max_error < 1:
        raise ConfigError(
            f"the largest error is {max_error}",
            fix="give the share of labels that may be wrong, at least 0 and below 1, such as 0.05",
        )
    alpha = round(1 - confidence, 12)
    check_rates(max_error, alpha)
    return alpha


def _in_order_of_draw(
    found: AuditedLabels, audited: NDArray[np.bool_], seed: int | None
) -> NDArray[np.int64]:
    """The audited rows, as they were drawn; where that is not known, as they stand in the data."""
    if seed is None:
        return np.flatnonzero(audited)
    drawn = draw_rows(found, seed)
    count = int(audited.sum())
    missing = drawn[:count][~audited[drawn[:count]]]
    if len(missing):
        raise DataError(
            "labels, scores or seed are not those that the audit was drawn for, or some of its "
            f"rows were left out: row {missing[0] + 1} was drawn for the audit with seed {seed} "
            f"before others that have been labelled ({len(missing)} such)",
            where=found.table.name,
            fix="label the drawn rows in their order and leave none out, name what stands where a "
            "person could not say, and certify the labels and scores that the audit was drawn for",
        )
    return drawn[:count]


def _best_size(found: AuditedLabels, allowed: int, alpha: float) -> int:
    rest = len(found.order)
    scores = found.score[found.order]
    least = min(rest, 2 * fewest_audited(rest, allowed, alpha))
    if not rest or scores.min() < 0 or scores.max() > 1:
        return max(least, rest // 10)
    return max(least, BestShare().audit(1 - scores, allowed).audited)


def _certified(
    found: AuditedLabels,
    certificate: Certificate,
    as_it_is: LargestPromise | None,
    notes: Sequence[str],
) -> Certified:
    names = {name: free_name(name, found.table.names) for name in ("label", "by", "action")}
    stays = np.zeros(len(found.machine), dtype=np.bool_)
    stays[certificate.accepted] = True

    def rows() -> Iterator[Row]:
        for row, (_, own) in enumerate(found.table.read()):
            by_people = found.people[row] if found.people[row] is not None else found.audit[row]
            added: tuple[Answer | None, str | None, str] = (None, None, "to people")
            if by_people is not None:
                added = (by_people, "people", "stays")
            elif stays[row]:
                added = (found.machine[row], "machine", "stays")
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
        notes=notes,
    )
