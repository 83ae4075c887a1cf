"""One pass of synthetic items through a chain of filters."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, runtime_checkable

from llmal.core.plans import BatchPlan, Plan
from llmal.core.records import SyntheticItem, Usage, total
from llmal.errors import ConfigError
from llmal.generators.protocol import Filter, Generator, Request


@runtime_checkable
class Metered(Protocol):
    """A filter that costs something."""

    @property
    def usage(self) -> Usage:
        """What this object has cost so far."""
        ...

    def highest(self, tokens: int) -> Usage:
        """The most that checking a text of so many tokens can cost. Asks nobody."""
        ...


@runtime_checkable
class Preparing(Protocol):
    """A filter that asks the model something once, before the first text; its first check does so
    if nobody has before.
    """

    def plan_preparation(self, *, less: bool = False) -> Plan[Usage]:
        """Plan to do it, if it is not done; the plan brings what it has cost. Asks nobody.

        Args:
            less: In the way that costs less, for a budget that does not reach for the other.
        """
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


def plan_filtered(
    generator: Generator,
    filters: Sequence[Filter],
    request: Request,
    k: int,
    rename: Callable[[Sequence[SyntheticItem]], Sequence[SyntheticItem]] = list,
) -> BatchPlan[list[SyntheticItem]]:
    """Plan to have k texts written and shown to the filters (`run_filters`). What will be written
    is not known: the filters' part is that of texts as long as they can be.

    Args:
        generator: Writes.
        filters: Refuse, in order.
        request: What is written.
        k: Texts.
        rename: Gives the texts other ids before the filters see them.
    """
    writing = generator.plan(request, k)

    def each() -> list[Usage]:
        tokens = generator.max_tokens
        check = total(one.highest(tokens) for one in filters if isinstance(one, Metered))
        return [cost + check for cost in writing.each]

    return BatchPlan(
        lambda: run_filters(rename(writing.execute()), filters),
        each=each,
        first=lambda count: plan_filtered(generator, filters, request, count, rename),
        prompts=lambda: writing.prompts,
        once=lambda: writing.once,
    )


def filters_cost(filters: Sequence[Filter], k: int, tokens: int) -> Usage:
    """The most that checking k texts of so many tokens costs; it goes in the next version."""
    warnings.warn(
        "filters_cost is now llmal.generators.plan_filtered; it goes in the next version",
        DeprecationWarning,
        stacklevel=2,
    )
    return total([one.highest(tokens) for one in filters if isinstance(one, Metered)] * k)


@dataclass(frozen=True)
class Count:
    """How many texts of a generator and a label there were.

    Attributes:
        generator: Its name.
        label: That was asked for.
        accepted: That passed every filter.
        refused: By name of the filter that refused them, most first.
    """

    generator: str
    label: str
    accepted: int
    refused: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {**vars(self), "refused": dict(self.refused)}


def count_items(items: Iterable[SyntheticItem]) -> list[Count]:
    """Accepted and refused texts by generator, label and filter, in order of appearance."""
    accepted: Counter[tuple[str, str]] = Counter()
    refused: dict[tuple[str, str], Counter[str]] = {}
    for item in items:
        key = item.generator, item.label
        own = refused.setdefault(key, Counter())
        if item.accepted:
            accepted[key] += 1
        else:
            own[item.refused_by or ""] += 1
    return [
        Count(generator, label, accepted[generator, label], dict(own.most_common()))
        for (generator, label), own in refused.items()
    ]


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
