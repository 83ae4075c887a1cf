"""A few-shot prompt: demonstrations chosen from candidates, and scores calibrated through them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.chain import Chain, scores_for
from llmal.calibration.comparison import Judged
from llmal.calibration.default import (
    FEWEST_TEXTS,
    MOST_TEXTS,
    WITHOUT_TEXTS,
    Stage,
    default_for,
    default_for_each_label,
)
from llmal.calibration.per_label import PerLabel
from llmal.calibration.protocol import Calibrator, LabelNaming, Settling
from llmal.calibration.scores import probabilities_of
from llmal.core.fingerprint import fingerprint
from llmal.core.records import Answer, Item, Usage, one_label
from llmal.demonstrations import Fixed, choose_for
from llmal.demonstrations.protocol import DemonstrationSelector, scorer_of
from llmal.errors import ConfigError, DataError
from llmal.prompting.scorer import PromptScorer, Scored, prompt_key
from llmal.task.spaces import Space
from llmal.task.spaces.thresholds import (
    Chosen,
    decide,
    expected_f1_threshold,
    f1_thresholds,
)

log = logging.getLogger("llmal.few_shot")

LEAST_LABELLED = 10
"""Fewest labelled items, besides the demonstrations, that a map is fitted on."""

_SETS = 8

_UNSEEN = 5
"""Items that shares of labels are smoothed by."""

_DIGITS = 4
"""Of thresholds: what scores of other batches differ in is beyond them."""


@dataclass(frozen=True)
class Calibrated:
    """Scores of n items, and what calibration makes of them.

    Attributes:
        scored: What the model gave.
        probabilities: Shape (n, C): calibrated, as the space of the task has them.
    """

    scored: Scored
    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class FewShotPrompt:
    """Demonstrations and calibration, ready for use.

    Attributes:
        scorer: Asks the model.
        shots: Demonstrations for each prompt.
        selector: Chooses the demonstrations of each query; None where one set serves all.
        candidates: What it chooses from; or the fixed set, most useful first.
        calibrator: Applied to the scores; fitted. None leaves them as they are.
        usage: What choosing and calibrating took, answers from the response cache counted like
            others.
        left_out: Ids of chosen demonstrations that do not fit into the model's context.
        seed: For ties between demonstrations of a query.
        paid: Keys of the prompts about texts of the pool that are in `usage`: whoever asks them
            again through this prompt is not charged again.
        trail: Hash of all that was asked: what has the same one costs nothing more.
        thresholds: Shape (C,): probabilities above which a label is given, where an item takes
            several; None for one half.
        judged: Labelled items among the texts that it was calibrated on, which it can be judged by;
            None where there are none, or where the calibrator has learnt from labels.
    """

    scorer: PromptScorer
    shots: int = 0
    selector: DemonstrationSelector | None = None
    candidates: tuple[Item, ...] = ()
    calibrator: Calibrator | None = None
    usage: Usage = field(default_factory=Usage)
    left_out: tuple[str, ...] = ()
    seed: int = 0
    paid: Set[bytes] = frozenset()
    trail: int = 0
    judged: Judged | None = None
    thresholds: NDArray[np.float64] | None = None

    def decide(self, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
        """The answers that probabilities, shape (n, C), speak for, as targets of the space."""
        return decide(self.scorer.prompts.task.space, probabilities, self.thresholds)

    def demonstrations(self, items: Sequence[Item]) -> list[Sequence[Item]]:
        """The demonstrations of each item, most useful first."""
        if self.selector is None:
            return [self.candidates] * len(items)
        rng = np.random.default_rng(self.seed)
        return list(choose_for(self.selector, self.candidates, self.shots, rng, items))

    def score(self, items: Sequence[Item]) -> Calibrated:
        """Score items and calibrate the scores.

        Raises:
            LanguageModelError: The model failed; what it answered before is in its cache.
        """
        scored = self.scorer.score_each(items, self.demonstrations(items), paid=self.paid)
        if self.calibrator is None or not items:
            return Calibrated(scored, scored.probabilities)
        calibrated = self.calibrator.transform(scored.scores_asked)
        return Calibrated(scored, self.scorer.spread(calibrated, scored.inside))


def parts_of(calibrator: Calibrator) -> tuple[Calibrator, ...]:
    """The calibrators that one consists of, in turn."""
    return calibrator.calibrators if isinstance(calibrator, Chain) else (calibrator,)


def in_short(calibrator: Calibrator) -> str:
    """Names of what a calibrator consists of, and a hash of its fitted state, for provenance."""
    stages = parts_of(calibrator)
    state = fingerprint("calibrator", calibrator.to_dict())
    return f"{'+'.join(type(one).__name__ for one in stages)}#{state}"


def _composed(calibrators: Sequence[Calibrator]) -> Calibrator | None:
    """Fitted calibrators as one."""
    if len(calibrators) > 1:
        return Chain(*calibrators)
    return calibrators[0] if calibrators else None


def _scores(calibrator: Calibrator, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a calibrator is fitted on of the probabilities that came before it; finite."""
    limits = np.finfo(np.float64)
    least = limits.tiny if not isinstance(calibrator, PerLabel) else limits.eps
    most = np.inf if not isinstance(calibrator, PerLabel) else 1 - limits.eps
    return scores_for(calibrator, np.clip(probabilities, least, most))


def prepare(
    scorer: PromptScorer,
    candidates: Sequence[Item],
    *,
    shots: int,
    selector: DemonstrationSelector | None,
    calibrators: Sequence[Stage] = (),
    unlabelled: Sequence[Item] = (),
    rng: np.random.Generator,
    thresholds: NDArray[np.float64] | Chosen | None = None,
) -> FewShotPrompt:
    """Choose demonstrations, and fit calibrators through the same demonstrations.

    Where demonstrations are chosen for each query, inputs without content have none of their own:
    they are scored with the demonstrations of some of the unlabelled items, and the calibrator is
    fitted on all those scores.

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

    Raises:
        ConfigError: `shots` is negative, or there are shots and no selector.
        DataError: A calibrator has nothing to be fitted on.
    """
    if shots < 0:
        raise ConfigError(f"shots is {shots}", fix="it must be 0 or more")
    if shots and selector is None:
        raise ConfigError(f"{shots} shots are wanted and nothing chooses them", fix="name a way")
    own = scorer_of(selector)
    scorers = [scorer] if own is None or own is scorer else [scorer, own]
    before = sum((one.spent for one in scorers), Usage())
    trail = sum(one.trail for one in scorers)
    space = scorer.prompts.task.space
    labelled = tuple(item for item in candidates if space.holds(item.gold))
    seed = int(rng.integers(2**63))
    made = FewShotPrompt(scorer, shots, seed=seed)
    if shots and selector is not None and (labelled or isinstance(selector, Fixed)):
        if selector.per_query:
            made = replace(made, selector=selector, candidates=labelled)
        else:
            made = replace(made, candidates=tuple(selector.choose(labelled, shots, rng)))
            made = replace(made, left_out=_left_out(made))
            if not scorer.counting:
                _warn_of_lacking(space, made.candidates, labelled)
    shown = {one.id for one in made.candidates} if made.selector is None else set()
    texts = [one for one in unlabelled if one.id not in shown]
    fitted: list[Calibrator] = []
    asked = _Asked([], [])
    for stage in calibrators:
        sample: Sequence[Item] = texts or unlabelled
        if stage == "auto":
            sample = _drawn(texts)
            default = _default(sample, made)
            if default is None:
                continue
            stage = default
        one: Calibrator = stage
        if not space.rows_sum_to_one and not isinstance(one, PerLabel):
            one = PerLabel(one, _label_shares(space, labelled))
        if not one.fitted:
            ready = _fit(one, fitted, made, labelled, sample, asked, rng)
            if ready is None:
                continue
            one = ready
        fitted.append(one)
    made = replace(made, calibrator=_composed(fitted), paid=asked.keys)
    if thresholds is not None:
        if isinstance(thresholds, str):
            thresholds = (
                _best_thresholds(made, labelled, asked)
                if thresholds == "f1"
                else _expected_thresholds(made, asked)
            )
        made = replace(made, thresholds=thresholds)
    return replace(
        made,
        usage=sum((one.spent for one in scorers), Usage()) - before,
        trail=(sum(one.trail for one in scorers) - trail) % 2**128,
        judged=_judged(made, asked, {one.id: one.gold for one in labelled}),
    )


def _label_shares(space: Space, labelled: Sequence[Item]) -> list[float]:
    """C shares of the labelled items, those that have each label, as if `_UNSEEN` more had
    been labelled that have one label each.
    """
    golds = [one.gold for one in labelled if one.gold is not None]
    labels = len(space.labels)
    counts = space.targets(golds).sum(axis=0) if golds else np.zeros(labels)
    shares = (counts + _UNSEEN / max(labels, 2)) / (len(golds) + _UNSEEN)
    return [float(share) for share in shares]


def _expected_thresholds(made: FewShotPrompt, asked: _Asked) -> NDArray[np.float64] | None:
    """The threshold of the best expected F1 on texts of the pool; None where none were asked
    about.
    """
    if made.calibrator is None or not asked.scored or made.scorer.counting:
        return None
    scores = np.concatenate([part.scores for part in asked.scored])
    threshold = expected_f1_threshold(made.calibrator.transform(scores))
    return np.full(scores.shape[1], np.round(threshold, _DIGITS))


def _best_thresholds(
    made: FewShotPrompt, labelled: Sequence[Item], asked: _Asked
) -> NDArray[np.float64] | None:
    """The thresholds of the best F1 on labelled items that are not shown; None for too few."""
    items = _not_shown(made, labelled)
    if len(items) < LEAST_LABELLED:
        if not made.scorer.counting:
            log.warning(
                "thresholds for F1 wait for %d labelled items besides the demonstrations; until "
                "then they are one half",
                LEAST_LABELLED,
            )
        return None
    scored = asked.labelled
    if scored is None:
        scored = made.scorer.score_each(
            items, made.demonstrations(items), paid=asked.keys, whole=True
        )
    if made.scorer.counting:
        return None
    probabilities = (
        scored.probabilities
        if made.calibrator is None
        else made.calibrator.transform(scored.scores)
    )
    golds = [one.gold for one in items if one.gold is not None]
    found = f1_thresholds(probabilities, made.scorer.prompts.task.space.targets(golds))
    return np.asarray(np.round(found, _DIGITS))


def _not_shown(made: FewShotPrompt, labelled: Sequence[Item]) -> list[Item]:
    """Labelled items that do not stand in every prompt."""
    shown = {one.id for one in made.candidates} if made.selector is None else set()
    return [one for one in labelled if one.id not in shown]


@dataclass
class _Asked:
    """What calibration has asked about, and the answers: texts of the pool, and labelled items."""

    items: list[Item]
    scored: list[Scored]
    labelled: Scored | None = None

    @property
    def keys(self) -> frozenset[bytes]:
        return frozenset(prompt_key(one.prompt) for part in self.scored for one in part.prompts)


def _drawn(texts: Sequence[Item]) -> list[Item]:
    """At most `MOST_TEXTS` of them at random, the same ones in every round."""
    rows = np.random.default_rng(len(texts)).permutation(len(texts))[:MOST_TEXTS]
    return [texts[row] for row in np.sort(rows)]


def _default(texts: Sequence[Item], made: FewShotPrompt) -> Calibrator | None:
    if not made.scorer.prompts.task.space.rows_sum_to_one:
        return default_for_each_label(len(texts))
    if made.scorer.shortlist is not None:
        # All labels of each text would cost many times what the items themselves do.
        return default_for(0)
    chosen = default_for(len(texts))
    if chosen.fits_on != "pool" and not made.scorer.counting:
        log.warning(
            "%s to calibrate on (%d or more would do): %s calibration stands in, which asks "
            "about inputs without content",
            _too_few(len(texts)),
            FEWEST_TEXTS,
            WITHOUT_TEXTS,
        )
    return chosen


def _too_few(texts: int) -> str:
    if not texts:
        return "no texts of the pool"
    if texts == 1:
        return "1 text of the pool is too few"
    return f"{texts} texts of the pool are too few"


def _judged(
    made: FewShotPrompt, asked: _Asked, labels: Mapping[str, Answer | None]
) -> Judged | None:
    """What was asked about and has a label, before and after calibration."""
    if not made.scorer.prompts.task.space.rows_sum_to_one:
        return None
    learnt = made.calibrator is None or any(
        one.fits_on == "labels" for one in parts_of(made.calibrator)
    )
    if learnt or not asked.items or made.calibrator is None or made.scorer.counting:
        return None
    first = {one.id: row for row, one in reversed(list(enumerate(asked.items)))}
    ids = sorted(one for one in first if one in labels)
    if not ids:
        return None
    scores = np.concatenate([part.scores for part in asked.scored])[[first[one] for one in ids]]
    truth = [made.scorer.prompts.task.index(one_label(labels[one])) for one in ids]
    return Judged(
        tuple(ids),
        probabilities_of(scores),
        made.calibrator.transform(scores),
        np.asarray(truth, dtype=np.int64),
    )


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
    if out and not made.scorer.counting:
        length = made.scorer.lm.context_length
        log.warning(
            "%d of %d demonstrations do not fit into the context of %s tokens and are left out: %s",
            len(out),
            len(made.candidates),
            length,
            ", ".join(repr(one) for one in out),
        )
    return out


def _fit(
    calibrator: Calibrator,
    before: Sequence[Calibrator],
    made: FewShotPrompt,
    labelled: Sequence[Item],
    unlabelled: Sequence[Item],
    asked: _Asked,
    rng: np.random.Generator,
) -> Calibrator | None:
    """The calibrator, fitted; None if there are not labels enough yet, which is warned of."""
    name = type(calibrator).__name__
    if isinstance(calibrator, LabelNaming):
        calibrator.name_labels(made.scorer.labels)
    labels: NDArray[np.int64] | None = None
    items: Sequence[Item]
    if calibrator.fits_on == "labels":
        items = _not_shown(made, labelled)
        golds = [one.gold for one in items if one.gold is not None]
        if len(items) < LEAST_LABELLED or len(set(golds)) < 2:
            log.warning(
                "%s waits for %d labelled items of two labels besides the demonstrations; until "
                "then scores are not calibrated by it",
                name,
                LEAST_LABELLED,
            )
            return None
        labels = made.scorer.prompts.task.space.targets(golds)
        scored = made.scorer.score_each(items, made.demonstrations(items), whole=True)
        asked.labelled = scored
    elif calibrator.fits_on == "pool":
        if not unlabelled:
            raise DataError(
                f"{name} is fitted on texts of the pool, and there are none",
                fix="give unlabelled texts, or use a calibrator that needs none (contextual)",
            )
        scored = made.scorer.score_each(
            unlabelled, made.demonstrations(unlabelled), paid=asked.keys, whole=True
        )
        asked.items.extend(unlabelled)
        asked.scored.append(scored)
    else:
        scored = _score_inputs(calibrator, made, unlabelled, rng)
    scores = scored.scores
    if made.scorer.counting:
        return None
    earlier = _composed(before)
    if earlier is not None:
        scores = _scores(calibrator, earlier.transform(scores))
    calibrator.fit(scores, labels)
    if isinstance(calibrator, Settling):
        # A run that was killed scores some inputs in other batches, and must come to the same.
        calibrator.settle()
    return calibrator


def _score_inputs(
    calibrator: Any, made: FewShotPrompt, unlabelled: Sequence[Item], rng: np.random.Generator
) -> Scored:
    if calibrator.fits_on == "random-words":
        if not unlabelled:
            raise DataError(
                f"{type(calibrator).__name__} draws words from texts of the pool, and there are "
                "none",
                fix="give unlabelled texts, or use a calibrator that needs none (contextual)",
            )
        texts = calibrator.inputs([item.text for item in unlabelled], rng)
    else:
        texts = calibrator.inputs
    fields = made.scorer.prompts.task.text
    items = [
        Item(f"input-{number}", "\n".join([text] * len(fields)), dict.fromkeys(fields, text))
        for number, text in enumerate(texts)
    ]
    if made.selector is None:
        return made.scorer.score_each(items, [made.candidates] * len(items), whole=True)
    queries = list(unlabelled[:_SETS]) or list(made.candidates[:_SETS])
    sets = made.demonstrations(queries)
    return made.scorer.score_each(
        [item for item in items for _ in sets],
        [shown for _ in items for shown in sets],
        whole=True,
    )
