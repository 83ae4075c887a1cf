"""Chat or completion: which form of a prompt a model answers with one of the labels."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import cast, get_args

import numpy as np

from llmal.core.plans import Plan, free
from llmal.core.records import Item, Usage
from llmal.errors import ConfigError
from llmal.lm.protocol import LanguageModel, Normalise, Prompt
from llmal.prompting.asking import make_prompts
from llmal.prompting.labelling import LabellingPrompts
from llmal.prompting.shortlist import WIDE
from llmal.prompting.templates import PromptTemplate, Style
from llmal.task import Task

log = logging.getLogger("llmal.few_shot")

_FEW = 0.05
_PROBES = 16
_WIDE_PROBES = 4


class StyleTrial:
    """The labelling prompts in a form that was given, or with "auto" in the one that suits, which
    the model is asked once.

    Args:
        task: The task.
        template: The prompt.
        lm: The model.
        style: "chat", "completion" or "auto".

    Raises:
        ConfigError: There is no such form.
    """

    def __init__(self, task: Task, template: PromptTemplate, lm: LanguageModel, style: str) -> None:
        check_style(style)
        self.task, self._template, self._lm, self._style = task, template, lm, style
        self._found: LabellingPrompts | None = None

    def plan(self) -> Plan[LabellingPrompts]:
        """Plan to find the form; nothing is asked if it was given or found."""
        if self._found is not None or self._style != "auto":
            return Plan(self._find)
        choice = plan_style(self.task, self._template, self._lm)
        return Plan(
            lambda: self._find(choice),
            highest=lambda: choice.highest,
            prompts=lambda: choice.prompts,
        )

    def _find(self, choice: Plan[Style] | None = None) -> LabellingPrompts:
        if self._found is None:
            style = self._style if choice is None else choice.execute()
            self._found = make_prompts(self.task, self._template, self._lm, style)
        return self._found

    @property
    def prompts(self) -> LabellingPrompts:
        """The prompts; the first time the model may be asked for the form."""
        return self._found or self.plan().execute()

    @cached_property
    def _all(self) -> list[LabellingPrompts]:
        styles: list[str] = [self._style]
        if self._style == "auto":
            styles = list(_tried(self._template, self._lm))
        return [make_prompts(self.task, self._template, self._lm, style) for style in styles]

    @property
    def possible(self) -> list[LabellingPrompts]:
        """The prompts in every form that may come of it. Asks nobody."""
        return [self._found] if self._found is not None else self._all

    @property
    def known(self) -> bool:
        """Whether the form is known."""
        return len(self.possible) == 1


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
    return plan_style(task, template, lm).execute()


def plan_style(task: Task, template: PromptTemplate, lm: LanguageModel) -> Plan[Style]:
    """Plan `choose_style`."""
    styles = _tried(template, lm)
    if not lm.exact and styles == ["chat"]:
        return free("chat")
    probes = {style: _probes(task, template, lm, style) for style in styles}

    def choose() -> Style:
        mass: dict[Style, float] = {}
        for style, (asked, candidates) in probes.items():
            scores = lm.score(asked, candidates)
            mass[style] = float(np.exp(scores.log_probs).sum(axis=1).mean())
        best = max(styles, key=lambda style: mass[style])
        said = ", ".join(f"{s} {m:.3f}" for s, m in mass.items())
        log.info("prompt %s: %s", template.name, said)
        if mass[best] < _FEW:
            log.warning(
                "after the prompt %r the model puts only %.2g of its probability on the labels of "
                "task %r; its scores compare answers that it would hardly give. Another prompt, or "
                "other words for the labels, may suit it better",
                template.name,
                mass[best],
                task.name,
            )
        return best

    return Plan(
        choose,
        highest=lambda: sum((lm.score_cost(*one) for one in probes.values()), Usage()),
        prompts=lambda: [prompt for asked, _ in probes.values() for prompt in asked],
    )


def _tried(template: PromptTemplate, lm: LanguageModel) -> list[Style]:
    """The forms that are tried: a model without exact scores gets the chat form."""
    styles = _possible(template, lm)
    return ["chat"] if not lm.exact and "chat" in styles else styles


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
