"""Which of several prompts suits a task, by the answers that they get."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.divergences import entropy, mutual_information
from llmal.calibration.protocol import Calibrator
from llmal.core.records import Item, Usage, one_label
from llmal.errors import ConfigError, DataError
from llmal.few_shot.preparation import prepare
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.templates import PromptTemplate, Style
from llmal.task.spaces import refuse_unless

log = logging.getLogger("llmal.few_shot")


@dataclass(frozen=True)
class RankedPrompt:
    """What a prompt's answers are like. Entropies are in nats.

    Attributes:
        template: The prompt.
        style: Its form.
        mutual_information: Of input and label under the calibrated probabilities: how much the
            answers differ between texts, and how sure each is.
        global_entropy: Entropy of the predicted labels' shares (GlobalE of Lu et al. 2022): low
            where nearly all texts get one label.
        local_entropy: Mean entropy of the calibrated probabilities of a text (their LocalE).
        raw_mutual_information: The same without calibration.
        accuracy: Share of held-out items that get their label, calibrated; None without any.
        macro_f1: Mean F1 over all labels of the task, calibrated.
        raw_accuracy: Accuracy without calibration.
        perplexity: Mean perplexity of the prompts with the items in them (Gonen et al. 2023), if
            it was asked for and the prompt is one text.
        items: Unlabelled items that the entropies are of.
        held_out: Labelled items that the accuracy is of.
        cost: What asking took, answers from the response cache counted like others.
    """

    template: PromptTemplate
    style: Style
    mutual_information: float
    global_entropy: float
    local_entropy: float
    raw_mutual_information: float
    accuracy: float | None = None
    macro_f1: float | None = None
    raw_accuracy: float | None = None
    perplexity: float | None = None
    items: int = 0
    held_out: int = 0
    cost: Usage = field(default_factory=Usage)

    def as_dict(self) -> dict[str, Any]:
        """The figures by name, and the prompt by name, version and hash."""
        named = {one.name: getattr(self, one.name) for one in fields(self)}
        del named["template"]
        return {"prompt": self.template.key, **named, "cost": self.cost.as_dict()}


def rank_prompts(
    scorers: Sequence[PromptScorer],
    items: Sequence[Item],
    *,
    labelled: Sequence[Item] = (),
    demonstrations: Sequence[Item] = (),
    calibrator: str | Calibrator | None = "batch",
    perplexity: bool = False,
    rng: np.random.Generator,
) -> list[RankedPrompt]:
    """Rank prompts, best first: by held-out accuracy where there are labels, ties and all else by
    mutual information.

    The mutual information of input and label, H(mean p) - mean H(p) (Sorensen et al. 2022), on
    calibrated probabilities as Yang et al. (2024) found best. Prompts that come out alike stay in
    the order in which they were given. Every prompt is asked about the same items, each once.

    Args:
        scorers: One for each prompt, of tasks with the same labels.
        items: Texts of the pool; their labels, if there are any, are not looked at.
        labelled: Held-out items, with the label in `gold`; demonstrations among them are left out.
            They may be among `items` too.
        demonstrations: In every prompt, most useful first.
        calibrator: A name from `llmal.calibration`, or a calibrator that is not fitted; a copy is
            fitted for each prompt. None leaves the probabilities as they are.
        perplexity: Measure the perplexity of the prompts too: a pass of the model for each item.
        rng: For calibrators that draw; every prompt gets the same draw.

    Raises:
        ConfigError: There are fewer than two prompts, one is there twice, their labels differ, or
            the calibrator is fitted, or is to be fitted on labels.
        DataError: There are no items, or a held-out item has no label of the task.
        LanguageModelError: The model failed; what it answered before is in its cache.
    """
    _check_prompts(scorers)
    shown = {one.id for one in demonstrations}
    distinct = {one.id: one for one in items}
    if not distinct:
        raise DataError("there are no items to rank prompts by", fix="give texts of the pool")
    held_out = {one.id: one for one in labelled if one.id not in shown}
    if labelled and not held_out:
        raise DataError(
            "all labelled items are demonstrations, so none is held out",
            fix="label others, or rank without labels",
        )
    for item in held_out.values():
        if item.gold not in scorers[0].labels:
            raise DataError(
                f"the held-out item {item.id!r} has "
                + (f"the label {item.gold!r}, which the task lacks" if item.gold else "no label"),
                fix=f"the labels are {', '.join(scorers[0].labels)}",
            )
    fresh = _unfitted(calibrator)
    seed = int(rng.integers(2**63))
    ranked = [
        _one(
            scorer,
            list(distinct.values()),
            list(held_out.values()),
            demonstrations,
            deepcopy(fresh),
            perplexity,
            np.random.default_rng(seed),
        )
        for scorer in scorers
    ]
    # Rounded, so that prompts that come out alike are told by no rounding error.
    return sorted(
        ranked, key=lambda one: (-(one.accuracy or 0.0), -round(one.mutual_information, 9))
    )


def _check_prompts(scorers: Sequence[PromptScorer]) -> None:
    for one in scorers:
        refuse_unless(one.prompts.task, ("single",), "ranking prompts")
    if len(scorers) < 2:
        raise ConfigError(
            f"there {'is one prompt' if scorers else 'are no prompts'} to rank",
            fix="give two or more",
        )
    seen = set()
    for scorer in scorers:
        prompts = scorer.prompts
        template = prompts.template
        # What is asked, whatever its file is called: an equal copy is no second prompt.
        said = {key: v for key, v in template.as_dict().items() if key not in ("name", "version")}
        key = (repr(said), prompts.style, scorer.normalise, prompts.lm.fingerprint)
        if key in seen:
            raise ConfigError(
                f"the {prompts.style} form of the prompt {template.name!r} is there twice",
                where=template.source or None,
                fix="remove one of them",
            )
        seen.add(key)
        if scorer.labels != scorers[0].labels:
            raise ConfigError(
                f"the prompt {template.name!r} is for the labels {', '.join(scorer.labels)}, and "
                f"the first one for {', '.join(scorers[0].labels)}",
                fix="rank prompts of one task",
            )


def _unfitted(calibrator: str | Calibrator | None) -> Calibrator | None:
    if isinstance(calibrator, str):
        from llmal.calibration import make

        calibrator = make(calibrator)

    if calibrator is None:
        return None
    name = type(calibrator).__name__
    if calibrator.fitted:
        raise ConfigError(
            f"the calibrator {name} is fitted already, and each prompt needs one of its own",
            fix="give its name",
        )
    if calibrator.fits_on == "labels":
        raise ConfigError(
            f"the calibrator {name} is fitted on labels, which would judge what they made",
            fix="use one that needs none, such as batch",
        )
    return calibrator


def _one(
    scorer: PromptScorer,
    items: list[Item],
    held_out: list[Item],
    demonstrations: Sequence[Item],
    calibrator: Calibrator | None,
    with_perplexity: bool,
    rng: np.random.Generator,
) -> RankedPrompt:
    before = scorer.spent
    rows = {item.id: row for row, item in enumerate(items)}
    asked = items + [item for item in held_out if item.id not in rows]
    rows |= {item.id: row for row, item in enumerate(asked)}
    scored = scorer.score(asked, demonstrations)
    raw = scored.probabilities
    calibrated = _calibrated(scorer, scored.scores, items, demonstrations, calibrator, rng)
    of_items = calibrated[: len(items)]
    predicted = np.bincount(of_items.argmax(axis=1), minlength=of_items.shape[1])
    figures: dict[str, Any] = {}
    if held_out:
        figures = _figures(scorer, held_out, [rows[item.id] for item in held_out], raw, calibrated)
    cost = scorer.spent - before
    if with_perplexity and scorer.prompts.style == "completion":
        texts = [str(one.prompt) for one in scored.prompts[: len(items)]]
        figures["perplexity"] = float(np.exp(-scorer.lm.log_likelihood(texts)).mean())
        read = int(scorer.lm.count_tokens(texts).sum())
        cost += Usage(len(texts), read, money=scorer.lm.price.of(read, 0))
    return RankedPrompt(
        template=scorer.prompts.template,
        style=scorer.prompts.style,
        mutual_information=mutual_information(of_items),
        global_entropy=float(entropy(predicted / len(items))),
        local_entropy=float(entropy(of_items).mean()),
        raw_mutual_information=mutual_information(raw[: len(items)]),
        items=len(items),
        held_out=len(held_out),
        cost=cost,
        **figures,
    )


def _calibrated(
    scorer: PromptScorer,
    scores: NDArray[np.float64],
    items: list[Item],
    demonstrations: Sequence[Item],
    calibrator: Calibrator | None,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    from scipy.special import softmax

    if calibrator is None:
        return np.asarray(softmax(scores, axis=1))
    if calibrator.fits_on == "pool":
        # What was asked already is what it is fitted on.
        return calibrator.fit(scores[: len(items)]).transform(scores)
    from llmal.demonstrations import Fixed

    made = prepare(
        scorer,
        demonstrations,
        shots=len(demonstrations),
        selector=Fixed(demonstrations) if demonstrations else None,
        calibrators=[calibrator],
        unlabelled=items,
        rng=rng,
    )
    assert made.calibrator is not None
    return made.calibrator.transform(scores)


def _figures(
    scorer: PromptScorer,
    held_out: list[Item],
    rows: list[int],
    raw: NDArray[np.float64],
    calibrated: NDArray[np.float64],
) -> dict[str, Any]:
    from llmal.calibration import accuracy, macro_f1

    truth = [scorer.prompts.task.index(one_label(item.gold)) for item in held_out]
    given = calibrated[rows].argmax(axis=1)
    return {
        "accuracy": accuracy(given, truth),
        "macro_f1": macro_f1(given, truth, range(len(scorer.labels))),
        "raw_accuracy": accuracy(raw[rows].argmax(axis=1), truth),
    }
