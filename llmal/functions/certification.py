"""`llmal.certify`: a promise about labels of any system, by an audit that people labelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import fingerprint
from llmal.core.records import Answer, Usage
from llmal.core.tables import Column, free_name
from llmal.errors import ConfigError, DataError
from llmal.functions.class_estimates import with_classes
from llmal.functions.columns import Cells, columns_of, task_of_cells
from llmal.functions.results import Results
from llmal.functions.rows import InputRows, Row, open_table
from llmal.functions.tasks import Labels
from llmal.guarantee.audit import allowed_wrong, check_rates
from llmal.guarantee.audit_plan import BestShare
from llmal.guarantee.certificate import Certificate, Mode
from llmal.guarantee.certify import certify as certify_positions
from llmal.guarantee.certify import largest_promise
from llmal.guarantee.groups import draw_audit as draw_positions
from llmal.guarantee.largest_promise import LargestPromise
from llmal.guarantee.nested_looks import fewest_audited
from llmal.guarantee.ordering import rank_by_score
from llmal.pool.readers import DETECTED, Reading
from llmal.task import TaskKind
from llmal.task.spaces import Space


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
        self, *args: Any, certificate: Certificate, as_it_is: LargestPromise | None, **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self.certificate = certificate
        self.as_it_is = as_it_is

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
        return found


@dataclass(frozen=True, eq=False)
class _Labelled:
    """Rows with the labels of a machine, and which of them no person has labelled."""

    table: InputRows
    machine: list[Answer | None]
    people: list[Answer | None]
    audit: list[Answer | None]
    skipped: NDArray[np.bool_]
    score: NDArray[np.float64]
    order: NDArray[np.int64]
    space: Space


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
    found = _labelled(data, label, score, answers, people, labels, kind, reading, seed or 0)
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
        "planned": None if seed is None else _drawn(found, seed),
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
    as_it_is = None
    if mode == "pool_error" and len(certificate.to_people) and len(positions):
        as_it_is = largest_promise(found.order, positions, wrong, **options)
    return _certified(found, certificate, as_it_is)


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
) -> Results:
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
    found = _labelled(data, label, score, None, people, labels, kind, reading, seed)
    allowed = allowed_wrong(max_error, len(found.machine))
    count = _best_size(found, allowed, alpha) if items == "auto" else items
    if items != "auto" and not 0 < items <= len(found.order):
        raise ConfigError(
            f"{items} rows are to be audited, and {len(found.order)} have a label that no person "
            "gave",
            fix="audit fewer",
        )
    drawn = _drawn(found, seed)[:count]
    names = {name: free_name(name, found.table.names) for name in ("draw", "row", "seed", "audit")}
    own = [column for column in found.table.columns if column.name not in (label, score)]
    added = [Column(names[name], "whole") for name in ("draw", "row", "seed")]
    rows = dict(enumerate(row for _, row in found.table.read()))
    return Results(
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
    )


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


def _labelled(
    data: Any,
    label: str,
    score: str,
    answers: tuple[str, str | None, Any] | None,
    people: str | None,
    labels: Labels | None,
    kind: TaskKind,
    reading: Reading,
    seed: int,
) -> _Labelled:
    table = open_table(data, reading=reading)
    wanted = [("label", label), ("score", score)]
    audit, skipped, audited = answers or (None, None, None)
    wanted += [("audit", audit)] if audit is not None and audited is None else []
    wanted += [("people's", people)] if people is not None else []
    cells = columns_of(table, wanted)
    known = [cells[one] for one in (label, people) if one is not None]
    task = task_of_cells(known, labels, kind, "certify")
    machine = cells[label].answers(task)
    count = len(machine)
    by_people: list[Answer | None] = (
        [None] * count if people is None else cells[people].answers(task)
    )
    said: list[Answer | None] = [None] * count
    passed = np.zeros(count, dtype=np.bool_)
    if audit is not None:
        if audited is not None:
            cells[audit] = _audited_rows(audited, audit, count, reading)
        said, passed = _audit_of(cells[audit], task, skipped)
    rest = np.array(
        [row for row in range(count) if machine[row] is not None and by_people[row] is None],
        dtype=np.int64,
    )
    scores = _scores(cells[score], rest)
    # A row that the machine has not labelled has nothing to audit: a label there is a person's.
    for row in range(count):
        if machine[row] is None and by_people[row] is None:
            by_people[row], said[row], passed[row] = said[row], None, False
        elif by_people[row] is not None and said[row] is not None:
            raise DataError(
                "the row is in the audit, and people had labelled it before",
                where=cells[audit or label].where(row),
                fix="audit rows that no person had labelled, and empty one of the two cells",
            )
    order = rank_by_score(scores, seed=seed, positions=rest)
    return _Labelled(table, machine, by_people, said, passed, scores, order, task.space)


def _audited_rows(audited: Any, audit: str, count: int, reading: Reading) -> Cells:
    """The column of a table that `draw_audit` gave, each cell at its row of the data."""
    table = open_table(audited, reading=reading, what="audited")
    row = "llmal_row" if "llmal_row" in table.names else "row"
    cells = columns_of(table, [("row", row), ("audit", audit)])
    values: list[Any] = [None] * count
    lines = [0] * count
    for place, (number, value) in enumerate(
        zip(cells[row].numbers(), cells[audit].values, strict=True)
    ):
        where = cells[row].where(place)
        if number is None or not number.is_integer() or not 1 <= number <= count:
            raise DataError(
                f"the data has no row {'' if number is None else f'{number:g}'}".rstrip(),
                where=where,
                fix=f"keep the numbers as llmal wrote them, 1 to {count}",
            )
        at = int(number) - 1
        if lines[at]:
            raise DataError(f"row {number:g} is there twice", where=where, fix="keep one of them")
        values[at], lines[at] = value, cells[audit].lines[place]
    return Cells(audit, tuple(values), tuple(lines), table.name, table.unit)


def _audit_of(
    cells: Cells, task: Any, skipped: str | None
) -> tuple[list[Answer | None], NDArray[np.bool_]]:
    passed = np.zeros(len(cells.values), dtype=np.bool_)
    if skipped is not None:
        passed[:] = [name == skipped for name in cells.names()]
    kept = tuple(None if skip else value for value, skip in zip(cells.values, passed, strict=True))
    return Cells(cells.name, kept, cells.lines, cells.source, cells.unit).answers(task), passed


def _scores(cells: Cells, rest: NDArray[np.int64]) -> NDArray[np.float64]:
    found = np.full(len(cells.values), np.nan)
    needed = set(rest.tolist())
    for row, value in enumerate(cells.numbers()):
        if value is not None:
            found[row] = value
        elif row in needed:
            raise DataError(
                "the row has a label of the machine and no score",
                where=cells.where(row),
                fix="give every label that no person gave a score",
            )
    return found


def _in_order_of_draw(
    found: _Labelled, audited: NDArray[np.bool_], seed: int | None
) -> NDArray[np.int64]:
    """The audited rows, as they were drawn; where that is not known, as they stand in the data."""
    if seed is None:
        return np.flatnonzero(audited)
    drawn = _drawn(found, seed)
    count = int(audited.sum())
    missing = drawn[:count][~audited[drawn[:count]]]
    if len(missing):
        raise DataError(
            f"row {missing[0] + 1} was drawn for the audit with seed {seed} before others that "
            f"have been labelled ({len(missing)} such)",
            where=found.table.name,
            fix="label the drawn rows in their order and leave none out, name what stands where a "
            "person could not say, and certify the labels and scores that the audit was drawn for",
        )
    return drawn[:count]


def _drawn(found: _Labelled, seed: int) -> NDArray[np.int64]:
    """All rows that can be audited, in order of draw.

    It follows from the labels and their order too, so that another draw tells that one of them has
    changed since.
    """
    labels = [found.machine[row] for row in found.order]
    frozen = fingerprint("frozen labels", {"order": found.order.tolist(), "labels": labels})
    key = int.from_bytes(frozen.encode(), "big")
    return draw_positions(found.order, len(found.order), seed=(key << 32) + seed)


def _best_size(found: _Labelled, allowed: int, alpha: float) -> int:
    rest = len(found.order)
    scores = found.score[found.order]
    least = min(rest, 2 * fewest_audited(rest, allowed, alpha))
    if not rest or scores.min() < 0 or scores.max() > 1:
        return max(least, rest // 10)
    return max(least, BestShare().audit(1 - scores, allowed).audited)


def _certified(
    found: _Labelled, certificate: Certificate, as_it_is: LargestPromise | None
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
    )
