"""What an audit can still promise when people's budget ends before the wanted promise is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmal.core.words import counted
from llmal.errors import DataError
from llmal.guarantee.anytime import certify_anytime
from llmal.guarantee.audit import Audit, allowed_wrong
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.hypergeometric import cdf, log_pmf
from llmal.guarantee.pool_error import certify_pool_error
from llmal.guarantee.promises import chance, percent
from llmal.guarantee.statement import Statement


@dataclass(frozen=True, eq=False)
class LargestPromise:
    """What may be promised of labels that people did not get to.

    Each of the two may be said with probability 1 − alpha, and it must be said which; both at once
    hold with probability 1 − 2·alpha.

    Attributes:
        epsilon: The smallest share of wrong labels in all that is delivered as it is now.
        wrong_at_most: The same as a count.
        claim: That in words, without a full stop.
        meaning: What the words mean, and what is random, in sentences.
        part: The wanted share, and the labels of which it holds: the rest waits for people.
    """

    epsilon: float
    wrong_at_most: int
    claim: str
    meaning: str
    part: Certificate

    @property
    def statement(self) -> Statement:
        """It in its parts."""
        return Statement(self.claim, meaning=self.meaning)

    @property
    def promise(self) -> str:
        """It in one paragraph."""
        return str(self.statement)


def find_largest_promise(
    audit: Audit,
    *,
    epsilon: float,
    alpha: float,
    looks: Sequence[int] | None = None,
    reviewed_wrong: int = 0,
    anytime: bool = False,
) -> LargestPromise:
    """Say what an audit certifies of the whole as it is, and of which part the wanted share.

    The number of wrong labels among the items that no person had labelled is one fixed number D.
    The exact upper bound U(d), the largest D with which d or fewer wrong ones in the audit have a
    probability of more than α, is below it in at most α of all audits. That is a statement about D
    and not about a share that was chosen: so every share that follows from it may be quoted after
    the audit, the smallest one too. From U are taken off the wrong labels that people have put
    right, in the audit and since: D counts them. Where several looks were planned, the one at which
    the audit was stopped depends on what was seen, and each has α over the number of looks.

    Where the audit is looked at when nobody planned it, such as whenever a budget ends or somebody
    asks, that bound breaks its word too often. `anytime` gives one that may be told after any
    number of labels and as often as one likes: see
    `most_wrong_at_any_time`. All figures that are told in
    the course of an audit hold together with probability 1 − α.

    It is not valid to run the rule for the longest beginning with many shares and to quote the one
    that comes out best. `part` is that rule with the share that was fixed before the audit.

    Args:
        audit: The audit.
        epsilon: The share that was wanted, fixed before the audit.
        alpha: With what probability each promise may fail.
        looks: The planned looks.
        reviewed_wrong: How many labels outside the audit people have since found wrong and put
            right.
        anytime: Whether it may be told at any time of the audit; `looks` is not taken then.

    Raises:
        DataError: More was put right than there can be.
    """
    rest = len(audit.order)
    if anytime:
        bound = most_wrong_at_any_time(int(audit.wrong.sum()), rest, len(audit), alpha)
    else:
        bound = _most_wrong_at_looks(audit, looks, alpha)
    corrected = int((audit.wrong & ~audit.skipped).sum()) + reviewed_wrong
    known = int(audit.wrong.sum()) + reviewed_wrong
    if reviewed_wrong < 0 or known > rest:
        raise DataError(
            f"{known} labels are said to be wrong, of {rest} that people had not labelled before",
            fix="count labels that people have put right since the audit, each once",
        )
    left = max(bound, known) - corrected
    share = left / audit.items if audit.items else 0.0
    if anytime:
        part = certify_anytime(audit, epsilon=epsilon, alpha=alpha)
    else:
        part = certify_pool_error(audit, epsilon=epsilon, alpha=alpha, looks=looks)
    claim = (
        f"As they are now, at most {left:,} of the {audit.items:,} labels ({percent(share)}) are "
        "wrong, those that no person has reviewed included"
    )
    meaning = (
        "A label is wrong if it is not the one "
        f"that the people of record would give. {chance(audit, alpha)} The share was not fixed "
        "before: it is an upper confidence bound on the one number of wrong labels, so it holds "
        f"whatever share was wanted ({percent(epsilon)}, "
        f"{counted(allowed_wrong(epsilon, audit.items), 'label')}, "
        f"was){' and however often it is asked for while the audit goes on' if anytime else ''}."
    )
    return LargestPromise(share, left, claim, meaning, part)


def _most_wrong_at_looks(audit: Audit, looks: Sequence[int] | None, alpha: float) -> int:
    """The bound on all wrong items at the last planned look that has been made."""
    planned = tuple(looks) if looks else (len(audit),)
    made = [size for size in planned if size <= len(audit)] or [len(audit)]
    drawn = made[-1]
    errors = int(audit.wrong[:drawn].sum())
    return _most_wrong(errors, len(audit.order), drawn, alpha / len(planned))


def most_wrong_at_any_time(errors: int, rest: int, drawn: int, alpha: float) -> int:
    """The largest number of wrong items D that the audit so far has not refuted.

    The evidence against D is the mean of P(errors | D') over all D' < D, over P(errors | D). If D
    are wrong it is a martingale in the number drawn that starts at 1, so that it ever reaches 1/α
    with a probability of at most α (Ville): all bounds in the course of an audit hold together.

    Args:
        errors: In the audit so far.
        rest: How many items it is drawn from.
        drawn: How many were.
        alpha: With what probability a bound may be too small at any time of the audit.
    """
    numbers = np.arange(rest + 1)
    chances = log_pmf(errors, rest, numbers, drawn)
    likelihood = np.exp(chances - chances.max())
    below = np.cumsum(likelihood) - likelihood
    stands = np.flatnonzero(below * alpha < numbers * likelihood)
    return max(errors, int(stands[-1])) if len(stands) else errors


def _most_wrong(errors: int, rest: int, drawn: int, alpha: float) -> int:
    """The largest number of wrong items with which so few errors are not too unlikely."""
    low, high = errors, rest - (drawn - errors)
    while low < high:
        middle = (low + high + 1) // 2
        likely = cdf(errors, rest, middle, drawn) > alpha
        low, high = (middle, high) if likely else (low, middle - 1)
    return low
