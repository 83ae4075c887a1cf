"""The prompt of a task of several labels that asks for all of them: which is named first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.lm.protocol import Prompt
from llmal.prompting.labelling import LabellingPrompts
from llmal.prompting.templates import PromptTemplate
from llmal.task import Task
from llmal.task.spaces import SpaceKind

_SHORT_OF_CERTAIN = -1e-12


class NamedFirstPrompts(LabellingPrompts):
    """Builds one prompt an item, which asks for the labels that apply.

    The score of a label is the log-odds of being named first: ln p / (1 - p), with p its exact
    probability among those of all labels and of the word for none. That costs as much as one label
    an item does, where a question about each label costs as many prompts as there are labels, and
    small models tell labels apart better so. Labels that hold together share their probability,
    which thresholds make up for.

    Args:
        task: The task; several labels an item.
        template: Must take `task`, `labels`, `item` and `demonstrations`, and have the value
            `none_word`. A demonstration has `word`, the labels that hold.
        lm: The model, for its context and its control tokens.
        style: "chat", "completion" or "auto": chat where both model and prompt can.

    Raises:
        ConfigError: The task is of another kind, the prompt does not ask for several labels, or a
            label is called as none of them is.
    """

    kind: ClassVar[SpaceKind] = "multi"

    @classmethod
    def check(cls, task: Task, template: PromptTemplate) -> None:
        """Refuse a prompt that cannot ask what the task needs.

        Raises:
            ConfigError: As for the class.
        """
        super().check(task, template)
        if "none_word" not in template.defaults:
            raise ConfigError(
                f"the prompt {template.name!r} asks for one label, and task {task.name!r} takes "
                f"{task.space.takes}",
                fix="use label_names or label_each, or a prompt with the default none_word",
            )
        none = str(template.defaults["none_word"])
        taken = [label.name for label in task.labels if none in label.verbalizers]
        if taken:
            raise ConfigError(
                f"the prompt {template.name!r} says {none!r} where no label applies, and so is a "
                f"label of task {task.name!r} called",
                fix="give the prompt another none_word (prompt_values), or the label other words",
            )

    def _answers(self) -> tuple[list[str], list[int]]:
        """The words of all labels, and in a column after theirs the one for none."""
        words, columns = super()._answers()
        none = str(self.template.defaults["none_word"])
        return [*words, none], [*columns, len(self.task.labels)]

    def label_scores(self, words: NDArray[np.float64]) -> NDArray[np.float64]:
        """From log-probabilities of words, one row an item, to log-odds, shape (n, C)."""
        from scipy.special import log_softmax

        logs = np.minimum(log_softmax(self._summed(words), axis=1), _SHORT_OF_CERTAIN)
        odds = logs - np.log(-np.expm1(logs))
        return np.asarray(odds[:, : len(self.task.labels)], dtype=np.float64)

    def _render(self, item: Item, demonstrations: Sequence[Item]) -> Prompt:
        words = {label.name: label.verbalizers[0] for label in self.task.labels}
        space, none = self.task.space, str(self.template.defaults["none_word"])
        held = [space.names_in(demonstration.gold or ()) for demonstration in demonstrations]
        return self.template.render(
            self.style,
            task=self.task,
            labels=list(words.values()),
            item=item,
            demonstrations=[
                {"item": self._clean(one), "word": ", ".join(words[name] for name in names) or none}
                for one, names in zip(demonstrations, held, strict=True)
            ],
        )
