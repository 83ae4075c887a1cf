"""What the run of a configuration knows, for commands outside it: labels, and what is audited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.cli.run_directory import check_ledger, has_ledger, ledger_place
from llmal.factory.aggregation import combine_as
from llmal.factory.pools import open_pool
from llmal.ledger import Ledger
from llmal.run.items import RunItems
from llmal.run.phases import Audit, Looks
from llmal.run.purposes import set_aside

if TYPE_CHECKING:
    from llmal.config import RunConfig
    from llmal.core.records import Item
    from llmal.pool import Pool


def labelled_by_people(config: RunConfig, pool: Pool) -> tuple[Item, ...]:
    """Items that people labelled in the run of a configuration; the label is in `gold`.

    Gold labels of the pool are never taken: nobody has paid for them. Items of the test set are not
    either.

    Raises:
        LlmalError: The ledger is of another task or pool.
    """
    if not has_ledger(config):
        return ()
    with Ledger.open(ledger_place(config)) as ledger:
        if not ledger.identity:
            return ()
        check_ledger(ledger, config, pool)
        combine_as(config, ledger)
        labels = ledger.labels()
    test = None if config.data.test is None else open_pool(config, config.data.test)
    items = RunItems(pool, test, duplicates=config.data.duplicates, overlap=config.data.overlap)
    return items.demonstrations(labels, config.seed)


def audited_items(config: RunConfig, pool: Pool) -> list[Item]:
    """Items of the audits of the run of a configuration, answered or not: nothing may be written
    that gives one away.

    Raises:
        LlmalError: The ledger is of another task or pool.
    """
    if not has_ledger(config):
        return []
    with Ledger.open(ledger_place(config)) as ledger:
        if not ledger.identity:
            return []
        check_ledger(ledger, config, pool)
        ids = set_aside(ledger, {*Audit.names, *Looks.names})
    return pool.items(pool.positions(pool.held(sorted(ids))))
