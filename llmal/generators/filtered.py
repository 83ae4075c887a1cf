"""Asking a generator again until enough of what it wrote has passed the filters."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from llmal.core.fingerprint import digest
from llmal.core.plans import BatchPlan
from llmal.core.records import SyntheticItem, Usage
from llmal.errors import ConfigError
from llmal.generators.filters.run import Count, count_items, plan_filtered
from llmal.generators.protocol import Filter, Generator, Needing, Request

log = logging.getLogger("llmal.generators")


@dataclass(frozen=True)
class SynthesisResult:
    """What came of a run of a generator.

    Attributes:
        items: Every text that was written, in order, those refused included.
        wanted: Accepted items that were asked for, by label.
        calls: How often the generator was asked, by label.
    """

    items: tuple[SyntheticItem, ...]
    wanted: Mapping[str, int]
    calls: Mapping[str, int]

    @property
    def accepted(self) -> list[SyntheticItem]:
        """The items that passed every filter."""
        return [item for item in self.items if item.accepted]

    @property
    def tried(self) -> dict[str, int]:
        """Texts written, by label."""
        written = Counter(item.label for item in self.items)
        return {label: written[label] for label in self.wanted}

    @property
    def missing(self) -> dict[str, int]:
        """Accepted items that are wanting, by label; only labels that lack some."""
        kept = Counter(item.label for item in self.accepted)
        return {
            label: count - kept[label]
            for label, count in self.wanted.items()
            if count > kept[label]
        }

    @property
    def refusals(self) -> dict[str, int]:
        """Texts refused, by who refused them, most first."""
        return dict(
            Counter(item.refused_by or "" for item in self.items if not item.accepted).most_common()
        )

    @property
    def counts(self) -> list[Count]:
        """Texts accepted and refused by generator, label and filter."""
        return count_items(self.items)

    @property
    def usage(self) -> Usage:
        """What it cost: writing, and the filters."""
        return sum((item.usage for item in self.items), Usage())


def lack(generator: Generator, request: Request) -> str | None:
    """Why a generator can write nothing for a request, in a sentence; None where it can."""
    return generator.lacks(request) if isinstance(generator, Needing) else None


def generate_filtered(
    generator: Generator,
    filters: Sequence[Filter],
    requests: Sequence[Request],
    k: int | Mapping[str, int],
    *,
    attempts: int = 4,
    on_items: Callable[[Sequence[SyntheticItem]], None] | None = None,
    admit: Callable[[str, BatchPlan[list[SyntheticItem]], int], int] | None = None,
) -> SynthesisResult:
    """Write until each request has its accepted items, or was tried often enough.

    The first call asks for all k of a label; later ones for as many as are likely to yield what is
    missing, so that a few more than k may be accepted in the end. No more than `attempts` times k
    texts of a label are written. What is missing then is a warning and in the result, not an error:
    a model that cannot write a label should not end a run. So is a label of which there is nothing
    that the generator goes by.

    A synthetic item is a `SyntheticItem` for ever, not an `Item`: it cannot get into a pool, a test
    set or an audit by mistake.

    Args:
        generator: Writes.
        filters: Refuse, in order. A chain belongs to one run: it remembers what it accepted.
        requests: One for each label.
        k: Accepted items for each request, or for each by its label. A label with 0, or that is not
            named, is not asked for.
        attempts: Most texts to write for each one that is wanted.
        on_items: Given what was written and filtered after each call of the generator, so that it
            can be recorded before more is paid for.
        admit: Says how many of the texts of a label that are planned may be written, before each
            call of the generator; with none, no more of that label are.

    Raises:
        ConfigError: k or `attempts` is below one, k of a label below zero, or two requests have the
            same label.
    """
    if attempts < 1:
        raise ConfigError(f"attempts is {attempts}", fix="it must be at least 1")
    wanted = wanted_of(k, [one.label for one in requests])
    repeated = [label for label, n in Counter(one.label for one in requests).items() if n > 1]
    if repeated:
        raise ConfigError(
            f"there are several requests for the label {repeated[0]!r}",
            fix="make one request for each label",
        )
    items: list[SyntheticItem] = []
    ids: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for request in requests:
        accepted = written = 0
        most = wanted[request.label]
        if not most:
            continue
        if (why := lack(generator, request)) is not None:
            log.warning("no items of %r are written: %s", request.label, why)
            continue
        while accepted < most and written < attempts * most:
            # As many as it takes at the rate so far; while that is zero, as many as before again.
            rest = most - accepted
            count = math.ceil(rest * written / accepted) if accepted else written or most
            count = min(count, attempts * most - written)
            seeded = replace(request, seed=_seed_of(request.seed, asked[request.label]))
            plan = plan_filtered(
                generator, filters, seeded, count, lambda made: with_new_ids(made, ids)
            )
            if admit is not None:
                whole, count = count, admit(request.label, plan, count)
                if not count:
                    break
                plan = plan if count == whole else plan.first(count)
            asked[request.label] += 1
            checked = plan.execute()
            written += count
            accepted += sum(item.accepted for item in checked)
            items += checked
            if on_items is not None:
                on_items(checked)
        if accepted < most:
            log.warning(
                "of %d items of %r that were wanted, %d are missing after %d texts; most were "
                "refused by %s",
                most,
                request.label,
                most - accepted,
                written,
                _most_refused(items, request.label),
            )
    return SynthesisResult(tuple(items), wanted, dict(asked))


def wanted_of(k: int | Mapping[str, int], labels: Sequence[str]) -> dict[str, int]:
    """How many items of each label are asked for.

    Raises:
        ConfigError: k is below one, or below zero for a label.
    """
    if not isinstance(k, Mapping):
        if k < 1:
            raise ConfigError(f"k is {k}", fix="it must be at least 1")
        return dict.fromkeys(labels, k)
    for label, count in k.items():
        if count < 0:
            raise ConfigError(f"k of {label!r} is {count}", fix="it must be at least 0")
    return {label: k.get(label, 0) for label in labels}


def _seed_of(seed: int, call: int) -> int:
    """The request's own seed first, so that the first call is what `generate` alone gives."""
    if call == 0:
        return seed
    return int.from_bytes(digest(f"{seed}\0{call}", 4), "big")


def with_new_ids(made: Sequence[SyntheticItem], ids: Counter[str]) -> list[SyntheticItem]:
    """The items; a text that was written before gets an id of its own.

    Args:
        made: The items.
        ids: How often each id was there before; these are added.
    """
    result: list[SyntheticItem] = []
    for item in made:
        id = item.id
        while ids[id]:
            ids[item.id] += 1
            id = f"{item.id}-{ids[item.id]}"
        ids[id] += 1
        result.append(item if id == item.id else replace(item, id=id))
    return result


def _most_refused(items: Sequence[SyntheticItem], label: str) -> str:
    of_label = Counter(
        item.refused_by or "" for item in items if item.label == label and not item.accepted
    )
    if not of_label:
        return "nobody"
    name, count = of_label.most_common(1)[0]
    return f"{name} ({count})"
