"""Limits on what a command spends, and the answer of a dry run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmal.cli.telling import give
from llmal.progress import cost_in_words
from llmal.run.budget import Budget

if TYPE_CHECKING:
    from llmal.config import RunConfig
    from llmal.core.records import Usage


@dataclass(frozen=True)
class Spending:
    """The options that limit what a command spends.

    Attributes:
        tokens: In place of the configuration's.
        money: Likewise.
        dry_run: Only say what it can cost.
    """

    tokens: int | None = None
    money: float | None = None
    dry_run: bool = False

    def budget(self, config: RunConfig | None) -> Budget | None:
        """The limits of the options, else those of the configuration; None where there are none."""
        tokens, money = self.tokens, self.money
        if config is not None:
            tokens = config.budget.tokens if tokens is None else tokens
            money = config.budget.money if money is None else money
        return None if tokens is None and money is None else Budget(tokens=tokens, money=money)


def give_most(most: Usage, words: str, *, as_json: bool, **data: Any) -> None:
    """Say what a dry run has counted.

    Args:
        most: The most that the work can cost.
        words: What costs it, as the beginning of the sentence; or nothing.
        as_json: One JSON object.
        **data: What else belongs into it.
    """
    cost = cost_in_words(most.as_dict()) or "nothing"
    sentence = f"{words} at most {cost}; nothing was asked".lstrip()
    usage = {**most.as_dict(), "tokens": most.tokens}
    give({**data, "usage": usage, "dry_run": True}, sentence, as_json=as_json)
