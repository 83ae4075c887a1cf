"""The labelling prompts of each kind of task."""

from __future__ import annotations

from llmal.core.registry import Registry
from llmal.lm.protocol import LanguageModel
from llmal.prompting.labelling import LabellingPrompts
from llmal.prompting.templates import PromptTemplate, load_prompt
from llmal.task import Task

FORMS = Registry(
    "prompt_forms",
    {
        "choice": "llmal.prompting.labelling:LabellingPrompts",
        "named_first": "llmal.prompting.named_first:NamedFirstPrompts",
        "yes_no": "llmal.prompting.yes_no:YesNoPrompts",
    },
)
"""What builds prompts and reads their scores, by the word that a space has for it (`asked`)."""


def _form(task: Task, template: PromptTemplate) -> type[LabellingPrompts]:
    asked = task.space.asked
    if asked == "named_first" and "label" in template.inputs:
        # A prompt about one label of several.
        asked = "yes_no"
    form: type[LabellingPrompts] = FORMS.get(asked)
    return form


def make_prompts(
    task: Task, template: PromptTemplate, lm: LanguageModel, style: str = "auto"
) -> LabellingPrompts:
    """The labelling prompts of a task for a model.

    Raises:
        ConfigError: The template does not ask what a task of this kind needs.
    """
    return _form(task, template)(task, template, lm, style)


def default_prompt(task: Task) -> PromptTemplate:
    """The prompt that is used where nobody names one."""
    return load_prompt(task.space.prompt)


def check_prompt(task: Task, template: PromptTemplate) -> None:
    """Refuse a prompt that cannot ask what a task of this kind needs.

    Raises:
        ConfigError: It cannot.
    """
    _form(task, template).check(task, template)
