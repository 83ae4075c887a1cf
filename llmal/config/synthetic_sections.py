"""The section `synthetic`, and when a generator writes: synthetic items in a run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmal.config.section import Amount, Count, Named, Positive, Section


class PolicyConfig(Named):
    """When a generator writes; further keys are the policy's parameters."""


class GeneratorBudgetConfig(Section):
    """What a generator and its filters may spend of the budget; None sets no limit.

    Attributes:
        money: In the currency of the prices.
        tokens: Read and written by the language model.
    """

    money: Amount | None = None
    tokens: Positive | None = None


class SyntheticConfig(Section):
    """How synthetic items are judged by labels that people gave, and what becomes of them.

    Attributes:
        weight: What one weighs in training beside an item of the pool; "auto" leaves it to these
            labels.
        folds: Parts of people's labels, each held out in turn.
        least_labels: Labels by people from which on there is a judgement.
        harm: A batch is withdrawn if it does harm, by a test at this level; 0 withdraws none.
        patience: Times in a row that what was written may bring nothing; None for ever.
        check: Items of each batch that people are asked about in a file.
        least_right: Smallest share of them that people must give the label that was asked for.
    """

    weight: Annotated[float, Field(gt=0, le=1)] | Literal["auto"] = "auto"
    folds: Annotated[int, Field(ge=2)] = 5
    least_labels: Annotated[int, Field(ge=4)] = 10
    harm: Annotated[float, Field(ge=0, lt=1)] = 0.05
    patience: Positive | None = 3
    check: Count = 0
    least_right: Annotated[float, Field(ge=0, lt=1)] = 0.5
