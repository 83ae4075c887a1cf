"""Chat or completion: which form of a prompt a model answers with one of the labels."""

from __future__ import annotations

import logging
from typing import cast, get_args

import numpy as np

from llmal.core.records import Item, Usage
from llmal.errors import ConfigError
from llmal.lm.protocol import LanguageModel, Normalise, Prompt, only_counts
from llmal.prompting.asking import make_prompts
from llmal.prompting.labelling import LabellingPrompts
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.shortlist import WIDE
from llmal.prompting.templates import PromptTemplate, Style
from llmal.task import Task

log = logging.getLogger("llmal.few_shot")

_FEW = 0.05
_PROBES = 16
_WIDE_PROBES = 4


def labelling_prompts(
    task: Task, template: PromptTemplate, lm: LanguageModel, style: str
) -> LabellingPrompts:
    """The labelling prompts in a form that was given, or with "auto" in the one that suits."""
    if style == "auto":
        style = choose_style(task, template, lm)
    return make_prompts(task, template, lm, style)


def foreseen_prompts(
    task: Task,
    template: PromptTemplate,
    lm: LanguageModel,
    style: str,
    scorer: PromptScorer | None = None,
) -> LabellingPrompts:
    """The labelling prompts as they are used by a scorer, or, while their form is still open, in
    the form that takes the most tokens. Asks nobody.
    """
    if scorer is not None:
        return scorer.prompts
    if style == "auto":
        style = _longest_style(task, template, lm)
    return make_prompts(task, template, lm, style)


def check_style(style: str) -> None:
    """Refuse what is no form of a prompt.

    Raises:
        ConfigError: It is neither "auto", "chat" nor "completion".
    """
    if style not in {"auto", "chat", "completion"}:
        raise ConfigError(f"there is no prompt style {style!r}", fix="use auto, chat or completion")


def check_normalise(how: str) -> Normalise:
    """The way to compare labels of several tokens, refused if there is none of that name.

    Raises:
        ConfigError: It is neither "sum", "mean" nor "first".
    """
    if how not in get_args(Normalise):
        raise ConfigError(
            f"there is no way {how!r} to compare labels", fix="use sum, mean or first"
        )
    return cast("Normalise", how)


def choose_style(task: Task, template: PromptTemplate, lm: LanguageModel) -> Style:
    """The form in which the model puts more of its probability on the labels.

    A chat template says that a model can be given messages, not that it answers them well: base
    models carry one too. So both forms are tried, with the labels' own names and descriptions in
    the place of texts (so that the choice depends on task, prompt and model alone), and the
    exact probabilities of all candidates are added up. Of a wide set four labels stand for all,
    as texts and as candidates. A model without exact scores gets the chat form.
    """
    styles = _possible(template, lm)
    if not lm.exact and "chat" in styles:
        return "chat"
    if only_counts(lm):
        return _longest_style(task, template, lm)
    mass: dict[Style, float] = {}
    for style in styles:
        probes, candidates = _probes(task, template, lm, style)
        scores = lm.score(probes, candidates)
        mass[style] = float(np.exp(scores.log_probs).sum(axis=1).mean())
    best = max(styles, key=lambda style: mass[style])
    log.info("prompt %s: %s", template.name, ", ".join(f"{s} {m:.3f}" for s, m in mass.items()))
    if mass[best] < _FEW:
        log.warning(
            "after the prompt %r the model puts only %.2g of its probability on the labels of task "
            "%r; its scores compare answers that it would hardly give. Another prompt, or other "
            "words for the labels, may suit it better",
            template.name,
            mass[best],
            task.name,
        )
    return best


def style_cost(task: Task, template: PromptTemplate, lm: LanguageModel) -> Usage:
    """What `choose_style` costs if nothing is in the cache. Asks nobody."""
    if not lm.exact:
        return Usage()
    styles = _possible(template, lm)
    return sum((_try_styles(task, template, lm, style) for style in styles), Usage())


def _longest_style(task: Task, template: PromptTemplate, lm: LanguageModel) -> Style:
    styles = _possible(template, lm)
    if not lm.exact and "chat" in styles:
        return "chat"
    return max(styles, key=lambda style: _try_styles(task, template, lm, style).prompt_tokens)


def _possible(template: PromptTemplate, lm: LanguageModel) -> list[Style]:
    return [style for style in template.styles if style == "completion" or lm.chat]


def _probes(
    task: Task, template: PromptTemplate, lm: LanguageModel, style: Style
) -> tuple[list[Prompt], list[str]]:
    """What is asked, and what is scored after it."""
    prompts = make_prompts(task, template, lm, style)
    columns = list(range(len(task.labels)))[:_PROBES]
    candidates = list(prompts.candidates)
    if len(task.labels) > WIDE:
        columns = np.linspace(0, len(task.labels) - 1, _WIDE_PROBES).astype(int).tolist()
        candidates = prompts.candidates_of(columns)
    probes: list[Prompt] = []
    for column in columns:
        label = task.labels[column]
        text = label.description or label.name
        texts = dict.fromkeys(task.text, text)
        item = Item(f"probe-{label.name}", "\n".join([text] * len(task.text)), texts)
        probes.append(prompts.probe(item, column))
    return probes, candidates


def _try_styles(task: Task, template: PromptTemplate, lm: LanguageModel, style: Style) -> Usage:
    probes, candidates = _probes(task, template, lm, style)
    return lm.score_cost(probes, candidates)
