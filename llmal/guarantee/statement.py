"""What is said of labels, in parts that whoever shows it puts together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """A claim about labels, on what it waits, what it leaves out, and what it means.

    Attributes:
        claim: What is so, without a full stop.
        condition: What has to be done first, as in "once people have labelled the rest"; "" where
            the claim waits for nothing.
        beside: What it is not about, a clause each.
        meaning: What its words mean, what is random and what makes it void, in sentences.
    """

    claim: str
    condition: str = ""
    beside: tuple[str, ...] = ()
    meaning: str = ""

    @property
    def brief(self) -> str:
        """The claim with its condition and what it is not about, in one sentence."""
        claim = f"{self.claim}, {self.condition}" if self.condition else self.claim
        return "; ".join((claim, *self.beside))

    def __str__(self) -> str:
        """All of it, in one paragraph."""
        return f"{self.brief}. {self.meaning}" if self.meaning else f"{self.brief}."
