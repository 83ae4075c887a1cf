"""How many labels a campaign's promise will take of people, by its ledger."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmal.guarantee.confidence_score import machine_doubt
from llmal.guarantee.forecast import (
    EPSILONS,
    Forecast,
    Rates,
    forecast,
    forecast_audit,
    forecast_pool,
    settled,
)
from llmal.ledger import Ledger
from llmal.pool import Pool
from llmal.run.audited import Audited, last_frozen
from llmal.run.promise import Promise

_FORECAST = 0xF0CA


def forecast_promise(
    promise: Promise,
    ledger: Ledger,
    pool: Pool,
    *,
    epsilons: Sequence[float] = EPSILONS,
    rates: Rates | None = None,
    most_items: int | None = None,
) -> Forecast | None:
    """What is to be expected now.

    Before people have labelled anything it is a guess from the machine's confidence. While they
    label what is doubtful it rests on the seed; once labels are frozen on the audit, and it is for
    the promise of the campaign alone; once the certificate is there it is what that sends to
    people.

    Args:
        promise: What is worked for.
        ledger: Of the campaign.
        pool: Its pool.
        epsilons: Other promises that are told of too, while they still can be.
        rates: What a label takes.
        most_items: Nothing is said before the audit of a pool of more, as the error score takes its
            time there.

    Returns:
        None where nothing can be said yet: no machine has answered, or none says how sure it is and
        no person has labelled anything.
    """
    frozen = last_frozen(ledger, pool)
    if frozen is not None:
        audited = Audited(ledger, promise.task, frozen)
        if not audited.frozen.items:
            return None  # People could answer about no item.
        certificate = audited.certificate()
        if certificate is None:
            return forecast_audit(audited.frozen, audited.wrong, rates=rates)
        items = audited.frozen.items
        before = items - len(audited.frozen.order) + certificate.audited
        return settled(
            certificate.epsilon,
            certificate.alpha,
            items=items,
            labelled=before,
            people=before + len(certificate.to_people),
            audited=certificate.audited,
            rates=rates,
        )
    if most_items is not None and len(pool) > most_items:
        return None
    number = len(ledger.rounds())
    evidence = promise.evidence(ledger, number)
    own = promise.procedure.epsilon
    wanted = sorted({*epsilons, own})
    if evidence.by_people.all() or not evidence.by_machine.any():
        return None
    if evidence.by_people.any():
        scored = promise.procedure.score(evidence, promise.rng(number, _FORECAST))
        return forecast_pool(
            evidence, scored, epsilons=wanted, alpha=promise.procedure.alpha, rates=rates
        )
    doubt = machine_doubt(evidence)
    if np.isnan(doubt).all():
        return None
    # Of items that it has not answered yet, what it says of the others.
    return forecast(
        np.where(np.isnan(doubt), np.nanmean(doubt), doubt),
        epsilons=wanted,
        alpha=promise.procedure.alpha,
        rates=rates,
    )
