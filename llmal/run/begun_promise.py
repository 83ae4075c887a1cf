"""Whether the promise that is worked for is still the one that a campaign was begun with."""

from __future__ import annotations

from llmal.errors import ConfigError
from llmal.guarantee.frozen import Frozen
from llmal.guarantee.procedure import Procedure
from llmal.guarantee.promises import percent
from llmal.ledger import Ledger
from llmal.pool import Pool
from llmal.run.audited import last_frozen

_KIND = "guarantee"
"""The events that say which promise is worked for."""


def check_begun(ledger: Ledger, pool: Pool, procedure: Procedure, *, where: str) -> str | None:
    """See that the promise may be worked for in a ledger, and record which one it is.

    Until labels are frozen for an audit it may be another than before; after that, not any more.

    Args:
        ledger: Of the campaign.
        pool: Its pool, as it is now.
        procedure: Leads to the promise.
        where: The run directory, for messages.

    Returns:
        What has changed, in words; None if nothing has.

    Raises:
        ConfigError: An audit has begun for another share or another confidence.
    """
    epsilon, alpha = procedure.epsilon, procedure.alpha
    kept = last_frozen(ledger, pool)
    if kept is not None:
        frozen = Frozen.from_dict(kept.labels)
        if (frozen.epsilon, frozen.alpha) != (epsilon, alpha):
            done = any(one.frozen == kept.fingerprint for one in ledger.certificates())
            raise ConfigError(
                f"the audit here {'is done' if done else 'has begun'} for "
                f"{_in_words(frozen.epsilon, frozen.alpha)}, which stands, and what is asked for "
                f"now is {_in_words(epsilon, alpha)}: figures that are chosen once an audit has "
                "begun promise nothing",
                where=where,
                fix=f"keep max_error {frozen.epsilon:g} and confidence {1 - frozen.alpha:g}, or "
                "take another directory",
            )
    before = [one.data for one in ledger.events() if one.kind == _KIND]
    now = {"epsilon": epsilon, "alpha": alpha}
    if before and before[-1] == now:
        return None
    words = _in_words(epsilon, alpha)
    if before:
        words = f"the promise: {_in_words(**before[-1])} before, {words} from now on"
    ledger.event(_KIND, words, now)
    return words if before else None


def _in_words(epsilon: float, alpha: float) -> str:
    return f"at most {percent(epsilon)} wrong labels with a confidence of {percent(1 - alpha)}"
