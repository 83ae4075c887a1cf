"""How a language model is asked, by what an answer is."""

from __future__ import annotations

from llmal.lm.protocol import LanguageModel
from llmal.prompting.labelling import LabellingPrompts
from llmal.prompting.templates import PromptTemplate, load_prompt
from llmal.prompting.yes_no import YesNoPrompts
from llmal.task import Task
from llmal.task.spaces import SpaceKind

_FORMS: dict[SpaceKind, tuple[type[LabellingPrompts], str]] = {
    "single": (LabellingPrompts, "label"),
    "multi": (YesNoPrompts, "label_each"),
}
"""What builds the prompts of a kind of task, and the prompt of llmal that it uses."""


def make_prompts(
    task: Task, template: PromptTemplate, lm: LanguageModel, style: str = "auto"
) -> LabellingPrompts:
    """The labelling prompts of a task for a model.

    Raises:
        ConfigError: The template does not ask what a task of this kind needs.
    """
    return _FORMS[task.space.kind][0](task, template, lm, style)


def default_prompt(task: Task) -> PromptTemplate:
    """The prompt that is used where nobody names one."""
    return load_prompt(_FORMS[task.space.kind][1])


def check_prompt(task: Task, template: PromptTemplate) -> None:
    """Refuse a prompt that cannot ask what a task of this kind needs.

    Raises:
        ConfigError: It cannot.
    """
    _FORMS[task.space.kind][0].check(task, template)
