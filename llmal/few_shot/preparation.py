"""Demonstrations chosen from candidates, and calibrators fitted through them, as a plan."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace

import numpy as np

from llmal.calibration.default import Stage
from llmal.core.plans import Plan, Prompt
from llmal.core.records import Item, Usage, one_label, total
from llmal.demonstrations import Fixed
from llmal.demonstrations.protocol import AskingSelector, DemonstrationSelector
from llmal.errors import ConfigError
from llmal.few_shot.calibrating import SETS, CalibrationSteps, Thresholds
from llmal.few_shot.prompt import FewShotPrompt
from llmal.prompting.scorer import PromptScorer
from llmal.task.spaces import Space

log = logging.getLogger("llmal.few_shot")


class PreparationPlan(Plan[FewShotPrompt]):
    """A plan to choose demonstrations and to calibrate through them.

    Args:
        execute: Does it.
        highest: The most that it can cost.
        prompts: Gives what is asked, as far as it is known.
        trail: The `FewShotPrompt.trail` that it will leave; another one, like no other, where it is
            not known yet what will be chosen.
        at_most: A prompt that costs no less to ask with than the one that comes of it.
    """

    def __init__(
        self,
        execute: Callable[[], FewShotPrompt],
        *,
        highest: Callable[[], Usage] | Usage,
        prompts: Callable[[], Sequence[Prompt]],
        trail: int,
        at_most: FewShotPrompt,
    ) -> None:
        super().__init__(execute, highest=highest, prompts=prompts)
        self.trail = trail
        self.at_most = at_most


def prepare(
    scorer: PromptScorer,
    candidates: Sequence[Item],
    *,
    shots: int,
    selector: DemonstrationSelector | None,
    calibrators: Sequence[Stage] = (),
    unlabelled: Sequence[Item] = (),
    rng: np.random.Generator,
    thresholds: Thresholds = None,
) -> FewShotPrompt:
    """Do what `plan_preparation` plans.

    Raises:
        ConfigError: As there.
        DataError: As there.
        LanguageModelError: The model failed; what it answered before is in its cache.
    """
    return plan_preparation(
        scorer,
        candidates,
        shots=shots,
        selector=selector,
        calibrators=calibrators,
        unlabelled=unlabelled,
        rng=rng,
        thresholds=thresholds,
    ).execute()


def plan_preparation(
    scorer: PromptScorer,
    candidates: Sequence[Item],
    *,
    shots: int,
    selector: DemonstrationSelector | None,
    calibrators: Sequence[Stage] = (),
    unlabelled: Sequence[Item] = (),
    rng: np.random.Generator,
    thresholds: Thresholds = None,
    standing_in: bool = False,
) -> PreparationPlan:
    """Plan to choose demonstrations, and to fit calibrators through the same demonstrations.

    Where demonstrations are chosen for each query, inputs without content have none of their own:
    they are scored with the demonstrations of some of the unlabelled items, and the calibrator is
    fitted on all those scores.

    What no language model has a say in is settled when the plan is made, so that the plan holds the
    very prompts that are asked. Where it chooses the demonstrations, what comes after is counted
    with the longest that it can choose.

    Args:
        scorer: Asks the model.
        candidates: Labelled items; the label is in `gold`. Those with a label that the task lacks
            are left out.
        shots: Demonstrations for each prompt; 0 for none.
        selector: How they are chosen; may be None for no shots.
        calibrators: Fitted one after another, each on what comes out of those before; one that is
            fitted already is taken as it is. In the place of "auto" comes the default for the texts
            at hand.
        unlabelled: Texts of the pool, for calibrators that need no labels. Those that are shown in
            every prompt are left out.
        rng: Draws for all of it.
        thresholds: Where an item takes several labels, the probabilities above which one is given,
            shape (C,); "f1" chooses them on the labelled items, "auto" on texts of the pool that
            calibration has asked about; None is one half.
        standing_in: The candidates stand for others that are no longer: the plan is to be looked
            at, and counts the longest that there can be.

    Raises:
        ConfigError: `shots` is negative, there are shots and no selector, or the selector asks a
            language model and cannot say before what that costs.
        DataError: A calibrator has nothing to be fitted on.
    """
    if shots < 0:
        raise ConfigError(f"shots is {shots}", fix="it must be 0 or more")
    if shots and selector is None:
        raise ConfigError(f"{shots} shots are wanted and nothing chooses them", fix="name a way")
    check_says_its_cost(selector)
    space = scorer.prompts.task.space
    labelled = tuple(item for item in candidates if space.holds(item.gold))
    seed = int(rng.integers(2**63))
    made = FewShotPrompt(scorer, shots, seed=seed)
    choosing = selector if shots and (labelled or isinstance(selector, Fixed)) else None
    asking = choosing if isinstance(choosing, AskingSelector) else None
    scorers = [scorer] if asking is None or asking.scorer is scorer else [scorer, asking.scorer]

    def calibration(of: FewShotPrompt, at_most: bool = False) -> CalibrationSteps:
        return CalibrationSteps(
            of,
            labelled,
            unlabelled,
            # Its own, so that it draws the same whatever was drawn to choose.
            rng=np.random.default_rng([seed, 1]),
            stages=deepcopy(list(calibrators)),
            thresholds=thresholds,
            sets=SETS if at_most and choosing is not None and choosing.per_query else 1,
        )

    def counted(work: Callable[[], FewShotPrompt]) -> FewShotPrompt:
        before = total(one.spent for one in scorers)
        trail = sum(one.trail for one in scorers)
        prompt = work()
        return replace(
            prompt,
            usage=total(one.spent for one in scorers) - before,
            trail=(sum(one.trail for one in scorers) - trail) % 2**128,
        )

    if asking is None and not (standing_in and choosing and not isinstance(choosing, Fixed)):
        if choosing is not None and choosing.per_query:
            made = replace(made, selector=choosing, candidates=labelled)
        elif choosing is not None:
            made = replace(made, candidates=tuple(choosing.choose(labelled, shots, rng)))
        exact = calibration(made, at_most=standing_in)
        return PreparationPlan(
            lambda: counted(lambda: exact.execute(_looked_at(made, labelled))),
            highest=lambda: exact.highest,
            prompts=lambda: exact.prompts,
            trail=exact.trail,
            at_most=replace(made, paid=exact.paid),
        )
    longest = scorer.prompts.longest_shown(labelled, shots)
    at_most = replace(made, candidates=tuple(longest), standing_in=True)
    bound = calibration(at_most, at_most=True)
    choice = None if asking is None else asking.plan_choice(labelled, shots, rng)

    def choose() -> FewShotPrompt:
        if choice is None:
            raise ConfigError("a plan whose items stand for others is not there to be executed")
        chosen = replace(made, candidates=tuple(choice.execute()))
        return calibration(chosen).execute(_looked_at(chosen, labelled))

    return PreparationPlan(
        lambda: counted(choose),
        highest=lambda: bound.highest if choice is None else choice.highest + bound.highest,
        prompts=lambda: bound.prompts if choice is None else [*choice.prompts, *bound.prompts],
        # Which demonstrations there will be is not known: nobody may take it for the same.
        trail=(bound.trail + seed) % 2**128,
        at_most=replace(at_most, paid=bound.paid) if standing_in else at_most,
    )


def check_says_its_cost(selector: DemonstrationSelector | None) -> None:
    """Refuse a selector that asks a language model and does not say before what that costs.

    Raises:
        ConfigError: It is one.
    """
    if selector is None or "scorer" not in selector.requires:
        return
    if not isinstance(selector, AskingSelector):
        raise ConfigError(
            f"the demonstrations {type(selector).__name__} ask a language model and do not say "
            "before what that costs",
            fix="give the class a plan_choice (llmal.demonstrations.protocol.AskingSelector), or "
            "put llmal.demonstrations.covering(...) around a selector in the place of Covering",
        )


def _looked_at(made: FewShotPrompt, labelled: Sequence[Item]) -> FewShotPrompt:
    """A prompt with what its demonstrations lack told of."""
    if made.selector is not None or not made.candidates:
        return made
    _warn_of_lacking(made.scorer.prompts.task.space, made.candidates, labelled)
    return replace(made, left_out=_left_out(made))


def _warn_of_lacking(space: Space, chosen: Sequence[Item], labelled: Sequence[Item]) -> None:
    """Say which labels are not shown, where as many demonstrations could show more of them."""
    if not space.rows_sum_to_one:
        return
    shown = {one_label(one.gold) for one in chosen}
    known = {one_label(one.gold) for one in labelled} | shown
    if len(shown) < min(len(chosen), len(known)):
        log.warning(
            "the %d demonstrations leave out the label%s %s, which the model may then hardly "
            "give; 'cover_labels: true' beside their name has every label shown",
            len(chosen),
            "s" if len(known - shown) > 1 else "",
            ", ".join(repr(one) for one in sorted(known - shown)),
        )


def _left_out(made: FewShotPrompt) -> tuple[str, ...]:
    """Demonstrations that no prompt can hold; which ones and why is warned of."""
    empty = Item("", "", dict.fromkeys(made.scorer.prompts.task.text, ""))
    (built,) = made.scorer.build([empty], [made.candidates])
    out = tuple(one.id for one in made.candidates if one.id not in built.demonstrations)
    if out:
        length = made.scorer.lm.context_length
        log.warning(
            "%d of %d demonstrations do not fit into the context of %s tokens and are left out: %s",
            len(out),
            len(made.candidates),
            length,
            ", ".join(repr(one) for one in out),
        )
    return out
