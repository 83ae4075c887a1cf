"""What an audit has shown: which labels may stay, which go to people, and what is promised."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.errors import DataError
from llmal.guarantee.promises import condition_on_people
from llmal.guarantee.statement import Statement

Mode = Literal[
    "pool_error", "accepted_precision", "recall", "anytime", "looks", "fdr", "estimate_only"
]
"""What is promised, and how; `llmal.guarantee.certify` tells of each."""

_POSITIONS = ("accepted", "to_people")


@dataclass(frozen=True, eq=False, repr=False)
class Certificate:
    """The outcome of an audit.

    Attributes:
        mode: What is promised.
        accepted: Positions of the labels that may stay, shape (a,). All that were audited are among
            them, but for skipped ones: of these the person's label counts.
        to_people: Positions of the items that people have to label, so that the promise holds,
            shape (b,).
        holds: Whether anything is promised of the labels that stay. Where it is False all that was
            not audited goes to people.
        epsilon: The share that is promised: of wrong labels at most, or what the mode says.
        alpha: With what probability the promise may fail.
        items: How many labels the promise is about, those by people included.
        audited: How many audited items it rests on.
        wrong: How many of those were wrong.
        claim: What is promised, or why nothing is, without a full stop.
        condition: What has to be done first, that it is so; "" where it waits for nothing.
        meaning: What its words mean, what is random and what voids it, in sentences.
        rests_on: What has to be true for it, one sentence each.
        voided_by: What has happened since that makes it void, in words; None while it stands.
        details: Figures of the mode: critical counts, at which look it stopped, bounds.
    """

    mode: Mode
    accepted: NDArray[np.int64]
    to_people: NDArray[np.int64]
    holds: bool
    epsilon: float
    alpha: float
    items: int
    audited: int
    wrong: int
    claim: str
    condition: str = ""
    meaning: str = ""
    rests_on: tuple[str, ...] = ()
    voided_by: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """The figures; positions and details are left out, as they may be a million."""
        void = "" if self.voided_by is None else f", voided_by={self.voided_by!r}"
        return (
            f"<Certificate {self.mode}: holds={self.holds}, epsilon={self.epsilon:g}, "
            f"alpha={self.alpha:g}, items={self.items:,}, audited={self.audited:,}, "
            f"wrong={self.wrong:,}, accepted={len(self.accepted):,}, "
            f"to_people={len(self.to_people):,}{void}>"
        )

    @property
    def statement(self) -> Statement:
        """What is promised, in its parts."""
        return Statement(self.claim, self.condition, meaning=self.meaning)

    @property
    def promise(self) -> str:
        """What is promised, in one paragraph: claim, condition and meaning."""
        return str(self.statement)

    def __str__(self) -> str:
        """What is promised, or why nothing is any more."""
        return self.promise if self.voided_by is None else f"VOID: {self.voided_by}"

    def void(self, reason: str) -> Certificate:
        """The same certificate, void for a reason; one that is void already stays as it is."""
        return self if self.voided_by is not None else replace(self, voided_by=reason)

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain JSON has them, and `promise`, which is put together from them."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        found |= {name: found[name].tolist() for name in _POSITIONS}
        more = {"rests_on": list(self.rests_on), "details": dict(self.details)}
        return {**found, **more, "promise": self.promise}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Certificate:
        """The certificate that `as_dict` wrote, in this version or in one that kept the promise as
        a paragraph alone.

        Raises:
            DataError: Something is missing, or is none of its fields.
        """
        values = {**values}
        promise = values.pop("promise", None)
        if "claim" not in values and isinstance(promise, str) and "to_people" in values:
            values |= _parts_of(promise, len(values["to_people"]))
        names = {one.name for one in fields(cls)}
        odd = sorted(names.symmetric_difference(values))
        if odd:
            raise DataError(
                f"this is no certificate: {', '.join(odd)} is missing or unknown",
                fix="use what Certificate.to_json wrote",
            )
        positions = {name: np.asarray(values[name], dtype=np.int64) for name in _POSITIONS}
        return cls(**{**values, **positions, "rests_on": tuple(values["rests_on"])})

    def to_json(self) -> str:
        """One line of JSON; `from_json` reads it back."""
        return json.dumps(self.as_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """The certificate that `to_json` wrote.

        Raises:
            DataError: It is none.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise DataError(f"this is no certificate: {error}") from None
        if not isinstance(values, dict):
            raise DataError("this is no certificate: it is not a mapping")
        return cls.from_dict(values)


def _parts_of(promise: str, to_people: int) -> dict[str, str]:
    """Claim, condition and meaning of a promise that was kept as one paragraph."""
    condition = condition_on_people(to_people)
    claim, found, meaning = promise.partition(f", {condition}") if condition else (promise, "", "")
    if not found:
        condition = ""
        # A claim has no full stop in it but between digits.
        claim, *others = re.split(r"\.(?: |$)", promise, maxsplit=1)
        meaning = "".join(others)
    meaning = meaning.lstrip(".: ")
    return {
        "claim": claim,
        "condition": condition,
        "meaning": meaning[:1].upper() + meaning[1:],
    }
