"""`llmal.certify`: a promise about labels of any system, by an audit that people labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.words import counted
from llmal.errors import DataError
from llmal.functions.audit_drawing import ALL_ALIKE
from llmal.functions.audited_labels import (
    AUDIT,
    REVIEW,
    AuditedLabels,
    LabelColumns,
    PeopleAnswers,
    draw_rows,
    read_audited_labels,
)
from llmal.functions.certified import Certified, as_it_stands, certified_rows
from llmal.functions.class_estimates import with_classes
from llmal.functions.promise_part import PromisePart, alpha_of, check_part, part_of
from llmal.functions.tasks import Labels
from llmal.guarantee.certificate import Certificate, Mode
from llmal.guarantee.certify import certify as certify_positions
from llmal.guarantee.certify import largest_promise
from llmal.guarantee.largest_promise import LargestPromise
from llmal.pool.readers import DETECTED, Reading
from llmal.task import TaskKind

Positions = NDArray[np.int64]


def certify(
    data: Any,
    *,
    label: str,
    score: str,
    audit: str = AUDIT,
    audited: Any = None,
    people: str | None = None,
    review: str | None = None,
    reviewed: Any = None,
    max_error: float = 0.05,
    confidence: float = 0.95,
    mode: Mode = "pool_error",
    of: str | None = None,
    group: str | None = None,
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
    the score. The rows of `draw_audit` say how they were drawn, and must be the ones that it draws
    from the same labels and scores; so must those of an audit whose seed is given. Of any other
    audit it is taken on trust that it was drawn uniformly, and the promise says so.

        result = llmal.certify("labelled.csv", label="gpt", score="p", audited="audit.csv")
        print(result.certificate.promise)
        result.for_people.save("review.csv")  # they fill in its column review
        final = llmal.certify("labelled.csv", label="gpt", score="p", audited="audit.csv",
                              reviewed="review.csv")

    Args:
        data: A file, a pandas frame, a `datasets.Dataset` or rows.
        label: Column with the machine's labels; rows without one go to people.
        score: Column that says how much each is trusted: larger is surer.
        audit: Column with what people said of the audited rows; empty for all others.
        audited: The rows that `draw_audit` gave, with that column filled in, where they are not in
            the data itself: a file, a frame or rows.
        people: Column with labels that people gave before the audit was drawn: they are right by
            definition, and no part of the audit.
        review: Column with what people have said since of the rows that the audit sends to them;
            by default "review" of `reviewed`.
        reviewed: The rows of `for_people`, with that column filled in: a file, a frame or rows.
        max_error: The share of wrong labels that is allowed; for recall of missed items.
        confidence: With what probability the promise holds.
        mode: What is promised; see `llmal.guarantee.certify`.
        of: A class that the promise is about: with "recall" few items of it are missed, with
            "pool_error" few that were given it are wrong. The audit is one of all rows.
        group: Column that says which rows are near-duplicates; the audit has whole groups.
        looks: How many rows have been audited at each planned look.
        seed: The seed that the audit was drawn with; by default that which `audited` says. It
            breaks ties of the score too.
        skipped: What stands in the audit column where a person could not say; it counts as wrong.
            By default "?", where that is no label.
        labels: All labels of the task; by default those of the machine and of people.
        kind: What an answer is.
        reading: Of a file.

    Raises:
        ConfigError: An option is not usable.
        DataError: The data are not usable, or the audit can't carry a promise.
    """
    alpha = alpha_of(max_error, confidence)
    check_part(mode, of=of, group=group, looks=looks)
    found = read_audited_labels(
        data,
        LabelColumns(label, score, people, group, labels, kind, reading),
        seed,
        PeopleAnswers(audit, audited, skipped),
        PeopleAnswers(review or (None if reviewed is None else REVIEW), reviewed, skipped),
    )
    seed = found.seed
    part = part_of(found, mode, of)
    drawn = None if seed is None else draw_rows(found, seed)
    answered = np.array([one is not None for one in found.audit], dtype=bool) | found.skipped
    every = _in_order_of_draw(found, answered, drawn, seed)
    _check_audit_there(found, every, audit)
    rest = np.zeros(len(answered), dtype=np.bool_)
    rest[part.order] = True
    positions = every[rest[every]]
    options: dict[str, Any] = {
        "epsilon": max_error,
        "alpha": alpha,
        "looks": looks,
        "skipped": found.skipped[positions],
        "planned": None if drawn is None else drawn[rest[drawn]],
        **part.options(),
    }
    wrong = part.wrong(positions)
    certificate = certify_positions(
        part.order, positions, wrong, mode=mode, groups=found.groups, **options
    )
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
    notes = [ALL_ALIKE] if found.orders_nothing else []
    if found.drawn is not None and len(every) < found.drawn:
        certificate = _half_filled(certificate, len(every), found.drawn)
        again = (
            "; who looks again when more are labelled plans looks, or takes anytime"
            if looks is None and mode in ("pool_error", "recall")
            else ""
        )
        notes.append(
            f"{len(every):,} of the {found.drawn:,} rows that were drawn are labelled{again}"
        )
    if seed is None and mode != "estimate_only":
        certificate = _on_trust(certificate)
    certificate = as_it_stands(found, certificate, part.about)
    if not certificate.holds and not len(certificate.to_people) and mode != "estimate_only":
        certificate = _all_by_people(certificate)
    if mode in ("pool_error", "looks", "recall") and not certificate.holds:
        notes.append(_what_to_do(found, certificate, part, len(every), seed))
    as_it_is = None
    if _may_be_told_as_it_is(mode, of, group, certificate) and len(positions):
        as_it_is = _as_it_is(found, part.order, positions, wrong, options)
    return certified_rows(found, certificate, as_it_is, part.about, notes)


def _may_be_told_as_it_is(
    mode: Mode, of: str | None, group: str | None, certificate: Certificate
) -> bool:
    return (
        mode == "pool_error" and of is None and group is None and bool(len(certificate.to_people))
    )


def _as_it_is(
    found: AuditedLabels,
    order: Positions,
    positions: Positions,
    wrong: NDArray[np.bool_],
    options: dict[str, Any],
) -> LargestPromise | None:
    """What may be promised if people label no more; None where a row has no label at all."""
    rows = range(len(found.machine))
    if any(found.machine[row] is None and found.by_people(row) is None for row in rows):
        return None
    audited = {*positions.tolist()}
    corrected = sum(
        found.review[row] is not None and found.review[row] != found.machine[row]
        for row in order.tolist()
        if row not in audited
    )
    # Where people have not labelled all that was drawn, this is a look that nobody planned.
    anytime = found.drawn is not None and len(positions) < found.drawn and not options["looks"]
    return largest_promise(
        order, positions, wrong, reviewed_wrong=corrected, anytime=anytime, **options
    )


def _all_by_people(certificate: Certificate) -> Certificate:
    """What is certain once people have labelled every row that it is about."""
    return replace(
        certificate,
        holds=True,
        claim=f"Of the {counted(certificate.items, 'label')} delivered none is wrong",
        condition="",
        meaning="This is certain: people have given all of them, and labels by people are right by "
        "definition.",
    )


def _check_audit_there(found: AuditedLabels, audited: Positions, column: str) -> None:
    """See that people have labelled something of the audit.

    Raises:
        DataError: The column is empty, and there is something to audit.
    """
    if len(audited) or not len(found.order):
        return
    raise DataError(
        f"no row of the audit is labelled: the column {column!r} is empty",
        where=found.table.name,
        fix="have people fill in the rows that were drawn (--audit-plan, or llmal.draw_audit)",
    )


def _half_filled(certificate: Certificate, labelled: int, drawn: int) -> Certificate:
    """A certificate that says how many were drawn, where people have not labelled all."""
    told = (
        f"{drawn:,} were drawn; it rests on the first {labelled:,} of them in order of draw, and "
        "that people stopped there had nothing to do with what they found."
    )
    told_too = _resting_on(certificate, told)
    return replace(told_too, details={**certificate.details, "drawn": drawn})


def _on_trust(certificate: Certificate) -> Certificate:
    """A certificate of an audit that does not say how it was drawn."""
    return _resting_on(
        certificate,
        "That the audited rows were drawn at random, after labels and scores were fixed, and that "
        "all that were drawn are there, is the word of whoever had them audited: no seed is known "
        "by which it could be checked.",
    )


def _resting_on(certificate: Certificate, told: str) -> Certificate:
    """A certificate that says a sentence more of what it rests on."""
    return replace(
        certificate,
        meaning=f"{certificate.meaning} {told}".lstrip(),
        rests_on=(*certificate.rests_on, told),
    )


def _what_to_do(
    found: AuditedLabels,
    certificate: Certificate,
    part: PromisePart,
    audited: int,
    seed: int | None,
) -> str:
    """How to come to a promise where the audit was too small for one."""
    needed = int(certificate.details["needed"])
    unit = "row" if found.groups is None else "group"
    if part.of is not None:
        given = "not given it" if certificate.mode == "recall" else "given it"
        return (
            f"to go on: have people label more rows drawn at random, of which those count that "
            f"the machine has {given}, {part.of!r}: {certificate.audited:,} so far "
            f"of the {needed:,} that it takes at least"
        )
    if found.drawn is not None and found.drawn >= needed and found.groups is None:
        return f"to go on: have people label the rest of the {found.drawn:,} rows that were drawn"
    missing = needed - certificate.audited
    groups = "" if unit == "row" else "groups "
    more = f"to go on: have people label {missing:,} {groups}more at least"
    if seed is None:
        return f"{more}, drawn at random like the others"
    plan = f"an audit of {counted(needed, unit)} or more"
    return f"{more}; {plan} with seed {seed} begins with the same rows"


def _in_order_of_draw(
    found: AuditedLabels, audited: NDArray[np.bool_], drawn: Positions | None, seed: int | None
) -> Positions:
    """The audited rows, as they were drawn; where that is not known, as they stand in the data."""
    if drawn is None:
        positions = np.flatnonzero(audited)
    else:
        positions = drawn[: int(audited.sum())]
        missing = positions[~audited[positions]]
        if len(missing):
            raise DataError(
                "labels, scores, groups or seed are not those that the audit was drawn for, or "
                f"some of its rows were left out: row {missing[0] + 1} was drawn for the audit "
                f"with seed {seed} before others that have been labelled ({len(missing)} such)",
                where=found.table.name,
                fix="label the drawn rows in their order and leave none out, name what stands "
                "where a person could not say, and certify the labels and scores that the audit "
                "was drawn for, with its groups if it had any; what people have labelled since is "
                "no part of it (--reviewed, --review)",
            )
    if found.groups is not None:
        _check_groups(found, found.groups, positions)
    return positions


def _check_groups(found: AuditedLabels, groups: NDArray[np.int64], audited: Positions) -> None:
    """See that the audit has whole groups.

    Raises:
        DataError: A row of a group is in it and another is not.
    """
    inside = np.zeros(len(groups), dtype=np.bool_)
    inside[audited] = True
    halves = found.order[~inside[found.order] & np.isin(groups[found.order], groups[audited])]
    if len(halves):
        row = int(halves.min())
        other = int(audited[groups[audited] == groups[row]][0])
        raise DataError(
            f"row {other + 1} is labelled in the audit, and row {row + 1} of the same group is not",
            where=found.table.name,
            fix="label all rows of a group that was drawn, or write ? where a person could not say",
        )
