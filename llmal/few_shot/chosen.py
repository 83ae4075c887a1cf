"""A prompt that was chosen: demonstrations, order, wording and calibration, in one file."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmal.core.fingerprint import fingerprint
from llmal.core.records import Item, Usage
from llmal.errors import ConfigError, DataError
from llmal.few_shot.prompt import FewShotPrompt
from llmal.lm.protocol import LanguageModel, Normalise
from llmal.prompting.labelling import LabellingPrompts
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.style import check_normalise
from llmal.prompting.templates import PromptTemplate, Style
from llmal.task import Task
from llmal.task.spaces import refuse_unless

if TYPE_CHECKING:
    from llmal.calibration.protocol import Calibrator
    from llmal.demonstrations.protocol import DemonstrationSelector

log = logging.getLogger("llmal.few_shot")


@dataclass(frozen=True)
class ChosenPrompt:
    """All that is needed to ask a model about the items of a task again in the same way.

    What belongs to an item but not to its prompt (`Item.extra`) is left out, unless the wording
    uses it.

    Attributes:
        task: What is labelled.
        template: The wording, with the values that were set in it.
        style: Its form.
        normalise: How labels of several tokens are compared.
        strategy: Name of the demonstration selector; "" where nothing chose them.
        options: Its options, as plain data.
        shots: Demonstrations for each prompt.
        seed: For ties between demonstrations of a query.
        model: Fingerprint of the model that they were chosen and calibrated for; "" for none.
        demonstrations: The fixed set, most useful first, with the label in `gold`.
        candidates: What a strategy chooses from for each query, in place of a fixed set.
        order: How demonstrations are arranged in the prompt.
        calibration: A fitted calibrator, as its `to_dict` gives it; None for none.
        cost: What choosing and calibrating took.

    Raises:
        ConfigError: The style or the number of shots is not usable, or an option is not plain data.
        DataError: A demonstration has no label or one that the task lacks, lacks a text, or occurs
            twice.
    """

    task: Task
    template: PromptTemplate
    style: Style
    normalise: Normalise = "sum"
    strategy: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    shots: int = 0
    seed: int = 0
    model: str = ""
    demonstrations: tuple[Item, ...] = ()
    candidates: tuple[Item, ...] = ()
    order: str = "as-chosen"
    calibration: Mapping[str, Any] | None = None
    cost: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        uses_extra = "extra" in json.dumps(self.template.as_dict(), default=str)
        for name in ("demonstrations", "candidates"):
            items = tuple(getattr(self, name))
            if not uses_extra:
                items = tuple(replace(one, extra={}) if one.extra else one for one in items)
            for one in items:
                _plain(one.extra, f"{name}[{one.id}].extra")
            object.__setattr__(self, name, items)
        object.__setattr__(self, "options", _plain(self.options, "options"))
        if self.calibration is not None:
            object.__setattr__(self, "calibration", _plain(self.calibration, "calibration"))
        _plain(self.template.as_dict(), "the template")
        self._check()

    def _check(self) -> None:
        refuse_unless(self.task, ("single",), "a chosen prompt", "use the annotator llm with shots")
        if self.style not in self.template.styles:
            raise ConfigError(
                f"the prompt {self.template.name!r} has no {self.style} form",
                fix=f"use {' or '.join(self.template.styles)}",
            )
        check_normalise(self.normalise)
        if self.demonstrations and self.candidates:
            raise ConfigError(
                "there are a fixed set of demonstrations and candidates to choose from",
                fix="keep one of them",
            )
        if self.shots < len(self.demonstrations):
            raise ConfigError(
                f"shots is {self.shots} with {len(self.demonstrations)} demonstrations",
                fix="make shots their number",
            )
        if self.candidates and not self.strategy:
            raise ConfigError(
                "there are candidates, and no strategy that chooses from them", fix="name one"
            )
        twice = [one for one, n in Counter(i.id for i in self.items).items() if n > 1]
        if twice:
            raise DataError(f"the demonstration {twice[0]!r} occurs twice", fix="keep one of them")
        for item in self.items:
            check_demonstration(item, self.task)

    @property
    def items(self) -> tuple[Item, ...]:
        """The demonstrations, or the candidates where they are chosen for each query."""
        return self.candidates or self.demonstrations

    @property
    def per_query(self) -> bool:
        """Whether demonstrations are chosen for each query."""
        return bool(self.candidates)

    @classmethod
    def of(
        cls,
        prepared: FewShotPrompt,
        *,
        strategy: str = "",
        options: Mapping[str, Any] | None = None,
        order: str = "as-chosen",
        cost: Usage | None = None,
    ) -> ChosenPrompt:
        """What was prepared for use, with the names of what prepared it.

        Args:
            prepared: Demonstrations and calibration for a task and a model.
            strategy: Name of the demonstration selector.
            options: Its options; plain data.
            order: Name of the arrangement that the scorer was made with.
            cost: What it took in all; by default what `prepared` counted.
        """
        prompts = prepared.scorer.prompts
        each = prepared.selector is not None
        calibrator = prepared.calibrator
        return cls(
            task=prompts.task,
            template=prompts.template,
            style=prompts.style,
            normalise=prepared.scorer.normalise,
            strategy=strategy,
            options=dict(options or {}),
            shots=prepared.shots,
            seed=prepared.seed,
            model=prompts.lm.fingerprint,
            demonstrations=() if each else prepared.candidates,
            candidates=prepared.candidates if each else (),
            order=order,
            calibration=None if calibrator is None else calibrator.to_dict(),
            cost=prepared.usage if cost is None else cost,
        )

    def prompts(self, lm: LanguageModel) -> LabellingPrompts:
        """The labelling prompts for a model, in the form that was chosen.

        Raises:
            ConfigError: The form is chat, and the model has no chat template.
        """
        if self.style == "chat" and not lm.chat:
            raise ConfigError(
                "the prompt was chosen in its chat form, and the model has no chat template",
                fix="use the model that it was chosen for, or choose again",
            )
        if self.model and lm.fingerprint != self.model:
            log.warning(
                "the prompt was chosen%s for the model %s and is used with %s; choose again for "
                "figures that hold",
                " and calibrated" if self.calibration else "",
                self.model,
                lm.fingerprint,
            )
        return LabellingPrompts(self.task, self.template, lm, self.style)

    def calibrator(self) -> Calibrator | None:
        """The fitted calibrator, made anew; None if there is none.

        Raises:
            ConfigError: What is written of it is not a calibrator.
        """
        if self.calibration is None:
            return None
        from llmal.calibration import from_dict

        made: Calibrator = from_dict(dict(self.calibration))
        return made

    def prepared(
        self, scorer: PromptScorer, selector: DemonstrationSelector | None = None
    ) -> FewShotPrompt:
        """Ready for use.

        Args:
            scorer: Made from `prompts`, with the same `normalise` and the arrangement `order`.
            selector: What `strategy` and `options` name; needed where it chooses for each query.

        Raises:
            ConfigError: There is no selector, and demonstrations are chosen for each query.
        """
        if self.per_query and selector is None:
            raise ConfigError(
                f"the strategy {self.strategy!r} chooses for each query, and it was not made",
                fix="make it with llmal.demonstrations.make_selector",
            )
        return FewShotPrompt(
            scorer,
            shots=self.shots,
            selector=selector if self.per_query else None,
            candidates=self.items,
            calibrator=self.calibrator(),
            usage=self.cost,
            seed=self.seed,
        )

    def check_task(self, task: Task) -> None:
        """Refuse to be used for another task.

        Raises:
            ConfigError: Labels, their words, their order or the text columns differ.
        """
        for what, mine, other in (
            ("labels", self.task.names, task.names),
            ("words of labels", _words(self.task), _words(task)),
            ("text columns", self.task.text, task.text),
        ):
            if mine != other:
                raise ConfigError(
                    f"the prompt was chosen for other {what} ({', '.join(mine)}) than those of "
                    f"task {task.name!r} ({', '.join(other)})",
                    fix="use the task that it was chosen for, or choose again",
                )
        if self.task.as_dict() != {**task.as_dict(), "name": self.task.name}:
            log.warning(
                "the prompt was chosen with other guidelines or descriptions of labels than those "
                "of task %r, and asks with its own",
                task.name,
            )

    def as_dict(self) -> dict[str, Any]:
        """What its file says, as plain data."""
        from llmal.few_shot.chosen_file import as_data

        return as_data(self)

    @property
    def fingerprint(self) -> str:
        """A hash of all that shapes the answers: not of what choosing it cost."""
        data = {key: value for key, value in self.as_dict().items() if key != "cost"}
        return fingerprint("chosen prompt", data)

    def save(self, path: str | Path) -> None:
        """Write it as YAML that people can read and change.

        Raises:
            ConfigError: The file cannot be written.
        """
        from llmal.few_shot.chosen_file import write

        write(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> ChosenPrompt:
        """Read what `save` wrote.

        Raises:
            ConfigError: The file cannot be read, is none of ours, or something in it is not usable.
        """
        from llmal.few_shot.chosen_file import read

        return read(Path(path))


def check_demonstration(item: Item, task: Task) -> None:
    """Refuse an item that cannot be a demonstration of a task.

    Raises:
        DataError: It has no label or one that the task lacks, or lacks a text column.
    """
    if item.gold is None:
        raise DataError(f"the demonstration {item.id!r} has no label", fix="give it one")
    if item.gold not in task.names:
        raise DataError(
            f"the demonstration {item.id!r} has the label {item.gold!r}, which task "
            f"{task.name!r} lacks",
            fix=f"its labels are {', '.join(task.names)}",
        )
    if item.fields or len(task.text) > 1:
        missing = [column for column in task.text if column not in item.fields]
        if missing:
            raise DataError(
                f"the demonstration {item.id!r} has no text column {missing[0]!r}",
                fix=f"task {task.name!r} has {', '.join(task.text)}",
            )


def _words(task: Task) -> tuple[str, ...]:
    return tuple(word for label in task.labels for word in label.verbalizers)


def _plain(value: Any, what: str) -> Any:
    """Lists for tuples, and nothing that a file would not give back."""
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(one, f"{what}.{key}") for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one, f"{what}[{place}]") for place, one in enumerate(value)]
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise ConfigError(
        f"{what} of a chosen prompt is of type {type(value).__name__}",
        fix="only texts, numbers, lists and mappings with texts as keys can be kept",
    )
