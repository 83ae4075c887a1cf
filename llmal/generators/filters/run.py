"""One pass of synthetic items through a chain of filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Protocol, runtime_checkable

from llmal.core.records import SyntheticItem, Usage
from llmal.errors import ConfigError
from llmal.generators.protocol import Filter


@runtime_checkable
class Metered(Protocol):
    """A filter that costs something."""

    @property
    def usage(self) -> Usage:
        """What this object has cost so far."""
        ...

    def estimate(self, k: int, tokens: int) -> Usage:
        """The most that checking k texts of so many tokens would cost. Asks nobody."""
        ...


@runtime_checkable
class Preparing(Protocol):
    """A filter that asks the model something once, before the first text; its first check does so
    if nobody has before.
    """

    def preparation_cost(self, *, less: bool = False) -> Usage:
        """The most that it costs. Asks nobody.

        Args:
            less: In the way that costs less, for a budget that does not reach for the other.
        """
        ...

    def prepare(self, *, less: bool = False) -> Usage:
        """Do it, if it is not done, and give what it has cost."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A filter that must know what was accepted before."""

    def remember(self, items: Sequence[SyntheticItem]) -> None:
        """Take note of items that passed every filter, or come from an earlier run."""
        ...


def run_filters(items: Sequence[SyntheticItem], filters: Sequence[Filter]) -> list[SyntheticItem]:
    """Show items to filters, in order; put the cheap ones first.

    An item that is refused, here or before, is not shown to later filters. What a filter spent is
    shared out among the items that it looked at. Items that pass all are told to the filters that
    remember, so a chain is used for one run of a generator.

    Returns:
        All items in the same order, the refused ones with `refused_by` and `reason`.

    Raises:
        ConfigError: A filter did not answer for each item.
    """
    result = list(items)
    for one in filters:
        rows = [row for row, item in enumerate(result) if item.accepted]
        if not rows:
            break
        before = one.usage if isinstance(one, Metered) else Usage()
        reasons = one.check([result[row] for row in rows])
        if len(reasons) != len(rows):
            raise ConfigError(
                f"the filter {one.name!r} gave {len(reasons)} answers for {len(rows)} items",
                fix="a filter answers once for each item, with a reason or None",
            )
        spent = (one.usage if isinstance(one, Metered) else Usage()) - before
        shares = _share_out(spent, len(rows))
        for row, reason, share in zip(rows, reasons, shares, strict=True):
            item = replace(result[row], usage=result[row].usage + share)
            if reason is not None:
                item = replace(item, accepted=False, refused_by=one.name, reason=reason)
            result[row] = item
    accepted = [item for item in result if item.accepted]
    for one in filters:
        if isinstance(one, Remembering):
            one.remember(accepted)
    return result


def filters_cost(filters: Sequence[Filter], k: int, tokens: int) -> Usage:
    """The most that `run_filters` would cost for k texts of at most so many tokens. Asks nobody."""
    costly = (one for one in filters if isinstance(one, Metered))
    return sum((one.estimate(k, tokens) for one in costly), Usage())


def _share_out(usage: Usage, count: int) -> list[Usage]:
    """Equal parts that add up to the whole; counts stay whole numbers."""
    columns = []
    for field in fields(Usage):
        value = getattr(usage, field.name)
        if isinstance(value, int):
            least, left = divmod(value, count)
            columns.append([least + (place < left) for place in range(count)])
        else:
            columns.append([value / count] * count)
    return [Usage(*row) for row in zip(*columns, strict=True)]
