"""What a function may spend before it begins."""

from __future__ import annotations

from llmal.annotators.protocol import Context, Prepares
from llmal.core.plans import Plan
from llmal.core.records import Usage
from llmal.errors import BudgetError
from llmal.few_shot.prompt import FewShotPrompt
from llmal.prompting.protocol import Probing
from llmal.run.budget import Budget


def plan_ready(annotator: Prepares, context: Context) -> Plan[tuple[FewShotPrompt, Usage]]:
    """Plan to find the form of a prompt, to choose its demonstrations and to calibrate; the plan
    brings the prompt, and what all of that has cost.
    """
    setup = annotator.plan_setup() if isinstance(annotator, Probing) else Plan(lambda: None)
    preparation = annotator.plan_preparation(context)

    def prepare() -> tuple[FewShotPrompt, Usage]:
        cost = setup.highest
        setup.execute()
        prompt = preparation.execute()
        return prompt, cost + prompt.usage

    return Plan(
        prepare,
        highest=lambda: setup.highest + preparation.highest,
        prompts=lambda: [*setup.prompts, *preparation.prompts],
    )


def affordable_context(
    annotator: Prepares, context: Context, budget: Budget, spent: Usage = Usage()
) -> Context:
    """The context to prepare a prompt in: one in which it costs less, where the budget does not
    reach for the other.

    Raises:
        BudgetError: It does not reach even for that.
    """
    cost = plan_ready(annotator, context).highest
    less = annotator.with_less(context)
    if less is not None and budget.exceeded_by(spent, cost) is not None:
        context, cost = less, plan_ready(annotator, less).highest
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
