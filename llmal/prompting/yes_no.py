"""The prompts of a task of several labels: about each label one question, answered yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
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

_YES, _NO = 0, 1


class YesNoPrompts(LabellingPrompts):
    """Builds C prompts an item, one for each label; they are alike up to the label's name.

    The score of a label is the log-odds of yes against no, both exact: ln p(yes) - ln p(no). A
    label is called by its first word.

    Args:
        task: The task; several labels an item.
        template: Must take `task`, `labels`, `item`, `demonstrations` and `label`, and have the
            values `yes_word` and `no_word`. A demonstration has `word`, the labels that hold, and
            `holds`, which is yes or no for the label that is asked about.
        lm: The model, for its context and its control tokens.
        style: "chat", "completion" or "auto": chat where both model and prompt can.

    Raises:
        ConfigError: The task is of another kind, or the prompt does not ask about one label.
    """

    kind: ClassVar[SpaceKind] = "multi"

    @classmethod
    def check(cls, task: Task, template: PromptTemplate) -> None:
        """Refuse a prompt that cannot ask what the task needs.

        Raises:
            ConfigError: The task is of another kind, or the prompt does not ask about one label.
        """
        super().check(task, template)
        if "label" not in template.inputs or not {"yes_word", "no_word"} <= set(template.defaults):
            raise ConfigError(
                f"the prompt {template.name!r} does not ask about one label, yes or no, as a task "
                "of several labels an item needs",
                fix="use label_each, or a prompt with the input label and the defaults yes_word "
                "and no_word",
            )

    def _answers(self) -> tuple[list[str], list[int]]:
        defaults = self.template.defaults
        return [str(defaults["yes_word"]), str(defaults["no_word"])], [_YES, _NO]

    def label_scores(self, words: NDArray[np.float64]) -> NDArray[np.float64]:
        """From log-probabilities of yes and no, C rows an item, to log-odds, shape (n, C)."""
        answers = self._summed(words)
        return np.asarray(answers[:, _YES] - answers[:, _NO]).reshape(-1, len(self.task.labels))

    def probe(self, item: Item, column: int) -> Prompt:
        """The question whether a label applies to an item."""
        return self.build(item).questions[column]

    def candidates_of(self, columns: Sequence[int]) -> list[str]:
        """Yes and no."""
        return list(self.candidates)

    def _questions(self, item: Item, demonstrations: Sequence[Item]) -> tuple[Prompt, ...]:
        return tuple(
            self._ask(column, item, demonstrations) for column in range(len(self.task.labels))
        )

    def _render(self, item: Item, demonstrations: Sequence[Item]) -> Prompt:
        return self._ask(self._longest, item, demonstrations)

    @cached_property
    def _longest(self) -> int:
        """The column of the label that takes the most tokens to ask about."""
        empty = Item("", "", dict.fromkeys(self.task.text, ""))
        lengths = self.lm.count_tokens(list(self._questions(empty, ())))
        return int(np.argmax(lengths))

    def _ask(self, column: int, item: Item, demonstrations: Sequence[Item]) -> Prompt:
        words = {label.name: label.verbalizers[0] for label in self.task.labels}
        name, space = self.task.names[column], self.task.space
        held = [space.names_in(demonstration.gold or ()) for demonstration in demonstrations]
        return self.template.render(
            self.style,
            task=self.task,
            labels=list(words.values()),
            label=words[name],
            item=item,
            demonstrations=[
                {
                    "item": self._clean(one),
                    "word": ", ".join(words[each] for each in names) or "none",
                    "holds": self.words[_YES if name in names else _NO],
                }
                for one, names in zip(demonstrations, held, strict=True)
            ],
        )
