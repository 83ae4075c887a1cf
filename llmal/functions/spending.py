"""What a function may spend before it begins."""

from __future__ import annotations

from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import Context
from llmal.core.records import Usage
from llmal.errors import BudgetError
from llmal.run.budget import Budget


def most_of_preparing(annotator: LLMAnnotator, context: Context) -> Usage:
    """The most that choosing demonstrations and calibrating cost, and finding the form of the
    prompt. Asks nobody.
    """
    return annotator.setup_cost() + annotator.preparation_cost(context)


def affordable_context(
    annotator: LLMAnnotator, context: Context, budget: Budget, spent: Usage = Usage()
) -> Context:
    """The context to prepare a prompt in: one in which it costs less, where the budget does not
    reach for the other.

    Raises:
        BudgetError: It does not reach even for that.
    """
    cost = most_of_preparing(annotator, context)
    less = annotator.with_less(context)
    if less is not None and budget.exceeded_by(spent, cost) is not None:
        context, cost = less, most_of_preparing(annotator, less)
    check_reach(budget, cost, "demonstrations and calibration alone", spent)
    return context


def check_reach(budget: Budget, cost: Usage, what: str, spent: Usage = Usage()) -> None:
    """Refuse work that could cost more than is left.

    Args:
        budget: The limits.
        cost: The most that it can cost.
        what: What the work is.
        spent: What was spent before.

    Raises:
        BudgetError: A limit does not reach.
    """
    limit = budget.exceeded_by(spent, cost)
    if limit is not None:
        raise BudgetError(
            f"{limit} does not reach for {what}, which can take up to {cost.tokens:,} tokens and "
            f"{cost.money:.2f} money",
            fix="raise it, or ask for less",
        )
