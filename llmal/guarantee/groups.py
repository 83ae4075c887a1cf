"""Near-duplicates: an audit that draws whole groups of them, and rules that count in groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import DataError
from llmal.guarantee.audit import Audit


@dataclass(frozen=True, eq=False)
class GroupAudit(Audit):
    """An audit whose units are groups: positions in it are numbers of groups.

    Attributes:
        members: Positions of the items, in the order of their groups, and in each group from most
            to least trusted.
        ends: Where each group of the order ends in `members`, shape (groups,).
        skipped_items: Positions that a person skipped.
    """

    members: NDArray[np.int64]
    ends: NDArray[np.int64]
    skipped_items: NDArray[np.int64]

    def split(self, prefix: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What may stay and what people have to label, in items."""
        stays = np.arange(len(self.order)) < prefix
        stays[self.places] = True
        kept = np.repeat(stays, np.diff(self.ends, prepend=0))
        kept &= ~np.isin(self.members, self.skipped_items)
        return self.members[kept], self.members[~kept]

    @property
    def labelled(self) -> int:
        """How many items people have labelled in it."""
        sizes = np.diff(self.ends, prepend=0)
        return int(sizes[self.places].sum()) - len(self.skipped_items)

    @property
    def unit(self) -> str:
        """What was drawn."""
        return "groups of near-duplicates"

    def allowed(self, wrong: int) -> int:
        """How many groups may be wrong, so that their items are no more than `wrong`."""
        return groups_allowed(np.diff(self.ends, prepend=0), wrong)


def groups_allowed(sizes: NDArray[np.int64], wrong: int) -> int:
    """How many groups may be wrong as a whole, so that no more than `wrong` items ever are: as many
    as the largest that fit.

    Args:
        sizes: How many items each group has.
        wrong: How many items may be wrong.
    """
    return int(np.searchsorted(np.cumsum(np.sort(sizes)[::-1]), wrong, side="right"))


def group_audit(audit: Audit, groups: ArrayLike) -> GroupAudit:
    """The same audit with groups of near-duplicates as its units.

    A group stands where its least trusted item does, and is wrong if one of its items is.

    Args:
        audit: The audit of items.
        groups: The group of each position, shape (n,), n larger than any position.

    Raises:
        DataError: A group is in the audit with some of its items only.
    """
    by_position = np.asarray(groups)
    if by_position.ndim != 1 or len(by_position) <= int(audit.order.max(initial=-1)):
        raise DataError(
            f"groups has shape {by_position.shape}, and positions go up to {audit.order.max()}",
            fix="give the group of each position",
        )
    _, group_of = np.unique(by_position[audit.order], return_inverse=True)
    count = int(group_of.max(initial=-1)) + 1
    last = np.zeros(count, dtype=np.int64)
    np.maximum.at(last, group_of, np.arange(len(audit.order)))
    order = np.argsort(last)
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    of_item = rank[group_of]
    sorted_items = np.argsort(of_item, kind="stable")
    sizes = np.bincount(of_item, minlength=count)
    of_audited = of_item[audit.places]
    drawn, first = np.unique(of_audited, return_index=True)
    half = drawn[np.bincount(of_audited, minlength=count)[drawn] != sizes[drawn]]
    if len(half):
        _refuse_split(audit, of_item, int(half[0]))
    units = drawn[np.argsort(first)]
    wrong = np.zeros(count, dtype=np.bool_)
    wrong[of_audited[audit.wrong]] = True
    return GroupAudit(
        items=audit.items,
        order=np.arange(count),
        audited=units,
        wrong=wrong[units],
        skipped=np.zeros(len(units), dtype=np.bool_),
        places=units,
        members=audit.order[sorted_items],
        ends=np.cumsum(sizes),
        skipped_items=audit.audited[audit.skipped],
    )


def _refuse_split(audit: Audit, of_item: NDArray[np.int64], group: int) -> None:
    members = audit.order[of_item == group]
    inside = np.isin(members, audit.audited)
    raise DataError(
        f"position {members[inside][0]} is in the audit and its near-duplicate "
        f"{members[~inside][0]} is not",
        fix="draw whole groups: llmal.guarantee.draw_audit(..., groups=groups)",
    )


def draw_audit(
    order: ArrayLike, count: int, *, seed: int, groups: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Draw the items of an audit, uniformly without replacement, in order of draw.

    Args:
        order: Positions of the items that no person has labelled.
        count: How many; with groups, how many groups.
        seed: Same seed, same audit.
        groups: The group of each position: near-duplicates are drawn together.

    Raises:
        DataError: There are not as many.
    """
    positions = np.asarray(order, dtype=np.int64)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0xA0D17]))
    if groups is None:
        _enough(count, len(positions), "items")
        return np.asarray(rng.permutation(positions)[:count], dtype=np.int64)
    names, group_of = np.unique(np.asarray(groups)[positions], return_inverse=True)
    _enough(count, len(names), "groups")
    drawn = rng.permutation(len(names))[:count]
    by_group = np.argsort(group_of, kind="stable")
    starts = np.searchsorted(group_of[by_group], np.arange(len(names) + 1))
    parts = [positions[by_group[starts[one] : starts[one + 1]]] for one in drawn]
    return np.concatenate(parts) if parts else positions[:0]


def _enough(count: int, there: int, what: str) -> None:
    if not 0 <= count <= there:
        raise DataError(f"{count} {what} are to be audited, and there are {there}", fix="fewer")
