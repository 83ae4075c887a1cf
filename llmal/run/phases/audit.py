"""A round in which people answer a uniform sample, to tell how good the labels are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from llmal.core.records import Purpose
from llmal.errors import ConfigError
from llmal.ledger import Round
from llmal.run.phases.protocol import Asked, DrawnFrom, NextRound, Standing
from llmal.selectors.protocol import Selector

When = Literal["first", "last"]


@dataclass(frozen=True)
class Audit:
    """One round of items drawn uniformly and without replacement, of a planned size, by the seed.

    People answer them for the purpose `audit`, so that nothing learns from the answers, and they
    are picked by no other phase. Drawn first, before anything is known of any item, the sample is
    of the whole pool; what machines say of it in a sweep tells how often they err. Drawn last, when
    all other phases are over, it is of what the run delivers.

    Attributes:
        items: How many items; all, if there are fewer.
        when: "first", before all other phases, or "last", after them. People's labels for a last
            audit are put by: the other phases do not get them.
        of: "all" items that no person has labelled, or those whose label that stands is of
            "machines". By default all for a first audit, and those of machines for a last one.

    Raises:
        ConfigError: No items, or an audit of machines' labels before there are any.
    """

    names: ClassVar[tuple[str, ...]] = ("audit",)
    purpose: ClassVar[Purpose] = "audit"
    asks: ClassVar[Asked] = "people"
    stays_open: ClassVar[bool] = False
    selectors: ClassVar[Sequence[Selector]] = ()

    items: int
    when: When = "first"
    of: DrawnFrom | None = None

    def __post_init__(self) -> None:
        if self.items < 1:
            raise ConfigError(f"an audit of {self.items} items tells nothing", fix="use 1 or more")
        if self.when not in ("first", "last"):
            raise ConfigError(f"an audit comes {self.when!r}", fix="use first or last")
        if self.of not in (None, "all", "machines"):
            raise ConfigError(f"an audit is of {self.of!r}", fix="use all or machines")
        if self.when == "first" and self.of == "machines":
            raise ConfigError(
                "an audit that comes first is of machines' labels, and there are none yet",
                fix="use when: last, or of: all",
            )

    @property
    def closes(self) -> bool:
        """Whether it comes when all other phases are over."""
        return self.when == "last"

    def next(self, standing: Standing) -> NextRound | None:
        """Its one round, if that has not been yet and people may still give labels."""
        if standing.count(self.names) or standing.human_labels_left == 0:
            return None
        drawn_from: DrawnFrom = self.of or ("machines" if self.closes else "all")
        return NextRound(size=self.items, drawn_from=drawn_from)

    def reserved(self, rounds: Sequence[Round]) -> int:
        """How many items people are still to answer, once all other phases are over."""
        begun = any(one.phase in self.names for one in rounds)
        return 0 if begun or not self.closes else self.items
