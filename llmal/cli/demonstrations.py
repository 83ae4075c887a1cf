"""Labels that people gave in a run, as demonstrations for commands outside one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmal.annotators.protocol import MOST_LABELLED
from llmal.cli.run_directory import check_ledger, has_ledger, ledger_place
from llmal.ledger import Ledger

if TYPE_CHECKING:
    from llmal.config import RunConfig
    from llmal.pool import Pool
    from llmal.records import Item


def labelled_by_people(config: RunConfig, pool: Pool) -> tuple[Item, ...]:
    """Items that people labelled in the run of a configuration; the label is in `gold`.

    Gold labels of the pool are never taken: nobody has paid for them.

    Raises:
        LlmalError: The ledger is of another task or pool.
    """
    if not has_ledger(config):
        return ()
    with Ledger.open(ledger_place(config)) as ledger:
        if not ledger.identity:
            return ()
        check_ledger(ledger, config, pool)
        labels = {i: one.label for i, one in ledger.labels().items() if one.kind == "human"}
    ids = sorted(labels)[:MOST_LABELLED]
    return tuple(replace(one, gold=labels[one.id]) for one in pool.items(pool.positions(ids)))
