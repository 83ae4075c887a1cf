"""One pass of synthetic items through a chain of filters."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, runtime_checkable

from llmal.core.plans import BatchPlan, Plan
from llmal.core.records import Item, SyntheticItem, Usage, total
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


@runtime_checkable
class Protecting(Protocol):
    """A filter that keeps away from items that no learner may know."""

    def protect(self, items: Sequence[Item]) -> None:
        """Keep away from the items of an audit too: these, in place of those told before."""
        ...


@runtime_checkable
class Measuring(Protocol):
    """A filter that measures what is worth keeping of an item, refused or not."""

    @property
    def measured(self) -> Sequence[Mapping[str, Any]]:
        """For each item of the last check what was measured, by name; it goes into provenance."""
        ...


@dataclass(frozen=True)
class Verdict:
    """What a filter says of an item.

    Attributes:
        filter: Its name; of a text that the generator itself refuses, the generator's.
        reason: Why it refuses the item; None where it does not.
    """

    filter: str
    reason: str | None

    def as_dict(self) -> dict[str, str | None]:
        """As plain data."""
        return {"filter": self.filter, "reason": self.reason}


@dataclass(frozen=True)
class Judged:
    """A synthetic item and what every filter says of it.

    Attributes:
        item: The item, refused by the first filter that does, as in a run.
        verdicts: Of the filters in order.
    """

    item: SyntheticItem
    verdicts: tuple[Verdict, ...]


def run_filters(items: Sequence[SyntheticItem], filters: Sequence[Filter]) -> list[SyntheticItem]:
    """Show items to filters, in order; put the cheap ones first.

    An item that is refused, here or before, is not shown to later filters. What a filter spent is
    shared out among the items that it looked at, and what it measured is in their provenance. Items
    that pass all are told to the filters that remember, so a chain is used for one run of a
    generator.

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
        for row, (item, reason) in zip(
            rows, _checked([result[row] for row in rows], one), strict=True
        ):
            result[row] = item if reason is None else _refused(item, one.name, reason)
    accepted = [item for item in result if item.accepted]
    for one in filters:
        if isinstance(one, Remembering):
            one.remember(accepted)
    return result


def judge_items(items: Sequence[SyntheticItem], filters: Sequence[Filter]) -> list[Judged]:
    """Have every filter judge every item, also those that another one refuses, and remember none:
    the filters are as they were.

    A text that the generator refuses itself is shown to no filter.

    Returns:
        The items in the same order.

    Raises:
        ConfigError: A filter did not answer for each item.
    """
    result = list(items)
    verdicts: list[list[Verdict]] = [
        [] if item.accepted else [Verdict(item.refused_by or item.generator, item.reason)]
        for item in result
    ]
    rows = [row for row, item in enumerate(result) if item.accepted]
    for one in filters if rows else ():
        asked = [replace(result[row], accepted=True) for row in rows]
        for row, (item, reason) in zip(rows, _checked(asked, one), strict=True):
            verdicts[row].append(Verdict(one.name, reason))
            item = replace(item, accepted=result[row].accepted)
            first = reason is not None and item.accepted
            result[row] = _refused(item, one.name, reason or "") if first else item
    return [Judged(item, tuple(said)) for item, said in zip(result, verdicts, strict=True)]


def _checked(items: Sequence[SyntheticItem], one: Filter) -> list[tuple[SyntheticItem, str | None]]:
    """What a filter says of items, which have what they cost and what was measured."""
    before = one.usage if isinstance(one, Metered) else Usage()
    reasons = one.check(items)
    if len(reasons) != len(items):
        raise ConfigError(
            f"the filter {one.name!r} gave {len(reasons)} answers for {len(items)} items",
            fix="a filter answers once for each item, with a reason or None",
        )
    spent = (one.usage if isinstance(one, Metered) else Usage()) - before
    measured = one.measured if isinstance(one, Measuring) else [{}] * len(items)
    return [
        (
            replace(item, usage=item.usage + share, provenance={**item.provenance, **figures}),
            reason,
        )
        for item, reason, share, figures in zip(
            items, reasons, _share_out(spent, len(items)), measured, strict=True
        )
    ]


def _refused(item: SyntheticItem, by: str, reason: str) -> SyntheticItem:
    return replace(item, accepted=False, refused_by=by, reason=reason)


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
