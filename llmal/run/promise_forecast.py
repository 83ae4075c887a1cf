"""How many labels a campaign's promise will take of people, by its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.certificate import Certificate
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
from llmal.guarantee.frozen import Frozen
from llmal.guarantee.judging import MoreLooks
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
        done = audited.until_a_look()
        step = promise.procedure.judge(audited.frozen, audited.wrong[:done], audited.skipped[:done])
        # A budget that ended within the audit left a certificate of the looks so far; it may be
        # raised, and the audit goes on.
        if certificate is None or isinstance(step, MoreLooks):
            return _in_texts(
                forecast_audit(audited.frozen, audited.wrong, rates=rates), audited.frozen
            )
        return _settled(certificate, audited, rates)
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


def _settled(certificate: Certificate, audited: Audited, rates: Rates | None) -> Forecast:
    """What people have labelled and will label, texts that several items have once."""
    frozen = audited.frozen
    drawn = frozen.drawn()[: certificate.audited]
    texts = int(frozen.texts.max(initial=-1)) + 1
    before = texts - _distinct(frozen, frozen.order)
    # What people have labelled besides, such as in an earlier audit, they gave all the same.
    besides = len(audited.by_people().difference(audited.kept.item_ids))
    people = before + _distinct(frozen, np.concatenate([drawn, certificate.to_people])) + besides
    return settled(
        certificate.epsilon,
        certificate.alpha,
        items=texts + besides,
        labelled=people - len({audited.asked[one] for one in audited.waiting(certificate)}),
        people=people,
        audited=_distinct(frozen, drawn),
        rates=rates,
    )


def _in_texts(found: Forecast, frozen: Frozen) -> Forecast:
    """A forecast of an audit of items as one of the texts that people label."""
    if frozen.copies is None:
        return found
    rest, texts = len(frozen.order), len(frozen.copies)
    of_rest = _distinct(frozen, frozen.order)

    def labels(items: int) -> int:
        more = items - (frozen.items - rest)
        return texts - of_rest + round(more * of_rest / rest)

    needed = [
        replace(
            one,
            people=labels(one.people),
            low=labels(one.low),
            high=labels(one.high),
            audited=round(one.audited * of_rest / rest),
            saved=1 - labels(one.people) / texts,
        )
        for one in (found.needed if rest else ())
    ]
    return replace(
        found, items=texts, labelled=labels(found.labelled) if rest else texts,
        needed=tuple(needed) or found.needed,
    )  # fmt: skip


def _distinct(frozen: Frozen, positions: NDArray[np.int64]) -> int:
    return len(np.unique(frozen.texts[positions]))
