"""How good labels are and how frequent each class is, by a uniform audit; nothing is promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.errors import DataError
from llmal.guarantee.evidence import differ, has_label
from llmal.guarantee.intervals import (
    Interval,
    Method,
    check_level,
    clopper_pearson,
    hits_in_pool,
    ppi_mean,
    ppi_pool,
    rogan_gladen,
    share_in_pool,
)

About = Literal["pool", "future"]
"""What a share is of: the items of this pool, or all that items like these could be drawn from."""

FEW_AUDITED = 50
FEW_ERRORS = 10


@dataclass(frozen=True)
class ClassShare:
    """How frequent a class is.

    Attributes:
        label: The class.
        said: The share of items that the machine put into it.
        mistaken: Audited items that it put in wrongly, or left out wrongly.
        share: The share of items that are of it: the interval to report.
        others: The same by the other methods.
        why: Why this interval.
    """

    label: str
    said: float
    mistaken: int
    share: Interval
    others: tuple[Interval, ...]
    why: str


@dataclass(frozen=True)
class Estimates:
    """What an audit says of labels, in intervals; none of it is a promise.

    Attributes:
        level: The confidence of each interval by itself.
        about: What the shares are of.
        items: How many labels the machine gave.
        audited: How many of them were audited.
        wrong: How many of those were wrong, skipped ones among them.
        skipped: How many audited items people passed over.
        accuracy: The share of its labels that are right.
        corrected: The same once the audited ones are corrected; None where it is about the future.
        classes: How frequent each class is; empty where the labels themselves were not given.
        notes: What to know before they are used, one sentence each.
    """

    level: float
    about: About
    items: int
    audited: int
    wrong: int
    skipped: int
    accuracy: Interval
    corrected: Interval | None
    classes: tuple[ClassShare, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain JSON has them."""
        return {
            **asdict(self),
            "classes": [
                {**asdict(one), "others": [other.as_dict() for other in one.others]}
                for one in self.classes
            ],
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """What people read."""
        lines = [
            f"right: {_words(self.accuracy)} of the machine's {self.items:,} labels "
            f"({self.wrong:,} of {self.audited:,} audited were wrong)"
        ]
        if self.corrected is not None:
            lines.append(f"with the audited ones corrected: {_words(self.corrected)}")
        if self.classes:
            width = max(len(one.label) for one in self.classes)
            lines += ["", f"{'class':<{width}}  machine says  {self.level:.0%} interval"]
            lines += [
                f"{one.label:<{width}}  {one.said:>12.1%}  {_words(one.share)}"
                for one in self.classes
            ]
        return "\n".join([*lines, *(f"note: {one}" for one in self.notes)])


def estimate(
    items: int,
    wrong: NDArray[np.bool_],
    *,
    machine: NDArray[np.int64] | None = None,
    audited: NDArray[np.int64] | None = None,
    people: NDArray[np.int64] | None = None,
    labels: Sequence[str] = (),
    probabilities: NDArray[np.float64] | None = None,
    known: NDArray[np.int64] | None = None,
    level: float = 0.95,
    about: About = "pool",
) -> Estimates:
    """Intervals for the machine's accuracy and for how frequent each class is.

    The intervals to report are exact where an audit is small (below 50 items), or where it holds
    few items of the class, few others, or few mistakes about it (below 10): there the others, whose
    coverage is asymptotic, may be far too narrow.

    Args:
        items: N, how many labels the machine gave.
        wrong: Which audited ones are wrong, shape (m,); one that a person skipped is.
        machine: Its labels as targets, shape (N,) or (N, C); needed for classes.
        audited: Positions of the audit, a uniform draw without replacement, shape (m,).
        people: What people said of the audited items, as targets; -1 where they skipped one.
        labels: The C labels.
        probabilities: The machine's for each label, shape (N, C); PPI++ uses them.
        known: Targets of further items of the pool that people have labelled and the machine's
            labels are not asked for; they are counted as they are.
        level: The confidence of each interval.
        about: "pool": of these items; "future": of what items like them are drawn from. Further
            items that were not drawn uniformly, such as doubtful ones, say nothing of the future.

    Raises:
        ConfigError: The level is none.
        DataError: There is no audit, or the arrays do not fit.
    """
    check_level(level)
    drawn, bad = len(wrong), int(np.asarray(wrong).sum())
    if not drawn:
        raise DataError("nothing was audited", fix="have people label items drawn at random")
    if drawn > items:
        raise DataError(f"{drawn:,} of {items:,} items were audited", fix="check the audit")
    right = drawn - bad
    accuracy = (
        share_in_pool(right, drawn, items, level)
        if about == "pool"
        else clopper_pearson(right, drawn, level)
    )
    corrected = _corrected(bad, drawn, items, level) if about == "pool" else None
    notes = [
        f"each interval holds with {level:.0%} by itself, not all of them together",
        *_small(drawn, bad),
    ]
    classes: list[ClassShare] = []
    skipped = 0
    if machine is not None and audited is not None and people is not None:
        _check(items, drawn, machine, audited, people, wrong)
        skipped = int((~has_label(people)).sum())
        if skipped:
            notes.append(
                f"{skipped:,} audited items were skipped: wrong for the accuracy, of any class for "
                "the classes, which are by exact intervals alone"
            )
        audit = _Audit(machine, audited, people, probabilities, known, level, about)
        classes = [_class(audit, column, label) for column, label in enumerate(labels)]
    return Estimates(
        level, about, items, drawn, bad, skipped, accuracy, corrected, tuple(classes), tuple(notes)
    )


def _corrected(bad: int, drawn: int, items: int, level: float) -> Interval:
    tail = (1 - level) / 2
    low, high = hits_in_pool(bad, drawn, items, (tail, tail))
    left = bad / drawn * (items - drawn)
    method: Method = "hypergeometric"
    return Interval(1 - left / items, 1 - (high - bad) / items, 1 - (low - bad) / items, method,
                    True)  # fmt: skip


def _check(
    items: int,
    drawn: int,
    machine: NDArray[np.int64],
    audited: NDArray[np.int64],
    people: NDArray[np.int64],
    wrong: NDArray[np.bool_],
) -> None:
    if len(machine) != items or len(audited) != drawn or len(people) != drawn:
        raise DataError(
            f"{len(machine):,} labels of {items:,} items, {len(audited):,} positions and "
            f"{len(people):,} answers for {drawn:,} audited ones",
            fix="give one of each for each",
        )
    if len(set(audited.tolist())) < drawn:
        raise DataError("an item was audited twice", fix="give each audited item once")
    known = has_label(people)
    if (differ(machine[audited], people)[known] != np.asarray(wrong)[known]).any():
        raise DataError(
            "what is wrong is not where machine and people differ", fix="give the labels alone"
        )


@dataclass(frozen=True)
class _Audit:
    machine: NDArray[np.int64]
    audited: NDArray[np.int64]
    people: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None
    known: NDArray[np.int64] | None
    level: float
    about: About


def _class(audit: _Audit, column: int, label: str) -> ClassShare:
    said = _of(audit.machine, column)
    answered = has_label(audit.people)
    has = _of(audit.people, column) & answered
    mistaken = int((said[audit.audited] != has)[answered].sum())
    exact = _exact(audit, has, ~answered)
    others = _asymptotic(audit, said, has, column) if answered.all() else []
    counted = _add_known(audit, column)
    every = [counted(one) for one in (exact, *others)]
    by_ppi = next((one for one in every if one.method == "PPI++"), None)
    why = _why(has, mistaken, by_ppi is not None)
    share = every[0] if why or by_ppi is None else by_ppi
    return ClassShare(
        label,
        float(said.mean()),
        mistaken,
        share,
        tuple(one for one in every if one is not share),
        why or "the audit is large enough for PPI++",
    )


def _of(targets: NDArray[np.int64], column: int) -> NDArray[np.bool_]:
    return np.asarray(targets == column if targets.ndim == 1 else targets[:, column] == 1)


def _exact(audit: _Audit, has: NDArray[np.bool_], also: NDArray[np.bool_]) -> Interval:
    drawn = len(has)
    found, high = (
        clopper_pearson(hits, drawn, audit.level)
        if audit.about == "future"
        else share_in_pool(hits, drawn, len(audit.machine), audit.level)
        for hits in (int(has.sum()), int((has | also).sum()))
    )
    return Interval(found.estimate, found.low, high.high, found.method, True)


def _asymptotic(
    audit: _Audit, said: NDArray[np.bool_], has: NDArray[np.bool_], column: int
) -> list[Interval]:
    mine = said[audit.audited]
    predictions = (
        said.astype(np.float64) if audit.probabilities is None else audit.probabilities[:, column]
    )
    future = audit.about == "future"
    found = [
        rogan_gladen(
            float(said.mean()),
            (int((mine & has).sum()), int(has.sum())),
            (int((~mine & ~has).sum()), int((~has).sum())),
            audit.level,
            len(said) if future else None,
        )
    ]
    if future:
        rest = np.ones(len(said), dtype=bool)
        rest[audit.audited] = False
        if rest.any():
            middle, low, high = ppi_mean(
                has, predictions[audit.audited], predictions[rest], audit.level
            )
            found.append(Interval(middle, max(low, 0.0), min(high, 1.0), "PPI++", False))
    else:
        found.append(ppi_pool(has, audit.audited, predictions, audit.level))
    return [one for one in found if one is not None]


def _add_known(audit: _Audit, column: int) -> Any:
    """Puts an interval of the pool together with items whose labels are known."""
    if audit.known is None or not len(audit.known) or audit.about == "future":
        return lambda one: one
    items, others = len(audit.machine), len(audit.known)
    hits = int(_of(audit.known, column).sum())

    def counted(one: Interval) -> Interval:
        def whole(share: float) -> float:
            return (share * items + hits) / (items + others)

        middle = None if one.estimate is None else whole(one.estimate)
        return Interval(middle, whole(one.low), whole(one.high), one.method, one.exact)

    return counted


def _why(has: NDArray[np.bool_], mistaken: int, possible: bool) -> str:
    """Why the exact interval is the one to report; empty where it need not be."""
    if not possible:
        return "the others say nothing here"
    if len(has) < FEW_AUDITED:
        return f"exact, as fewer than {FEW_AUDITED} items were audited"
    fewest = min(int(has.sum()), int((~has).sum()))
    if fewest < FEW_ERRORS:
        side = "of this class" if has.sum() == fewest else "not of this class"
        return f"exact, as {fewest} audited items are {side}, fewer than {FEW_ERRORS}"
    if mistaken < FEW_ERRORS:
        return (
            f"exact, as the audit shows {mistaken} mistakes about this class, fewer than "
            f"{FEW_ERRORS}"
        )
    return ""


def _small(drawn: int, bad: int) -> list[str]:
    found = []
    if drawn < FEW_AUDITED or bad < FEW_ERRORS:
        found.append(
            f"{drawn:,} audited items with {bad:,} wrong ones are too few for normal "
            "approximations (50 and 10 are the least), so the intervals are exact; a standard "
            "error, or an error of 0 where none was seen, would promise too much"
        )
    return found


def _words(one: Interval) -> str:
    middle = "" if one.estimate is None else f"{one.estimate:.1%}, "
    return f"{middle}{one.low:.1%} to {one.high:.1%} ({one.method})"


def by_method(share: ClassShare) -> Mapping[str, Interval]:
    """All intervals of a class, by method."""
    return {one.method: one for one in (share.share, *share.others)}
