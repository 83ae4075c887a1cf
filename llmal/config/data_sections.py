"""The sections `task` and `data`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from llmal.config.references import DataSource, Surroundings
from llmal.config.section import Section, Text, Texts, as_tuple, problem, problems
from llmal.errors import ConfigError
from llmal.task import Label, Task, TaskKind


def _text_or_mapping(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return {"description": value or ""}
    return value


if TYPE_CHECKING:
    Gold = str | tuple[str, ...]
else:
    Gold = Annotated[Texts, AfterValidator(lambda names: names if len(names) > 1 else names[0])]


class LabelConfig(Section):
    """What is said of one label; see `llmal.task.Label`."""

    description: str = ""
    words: Annotated[tuple[Text, ...], BeforeValidator(as_tuple)] = ()


class TaskConfig(Section):
    """What is to be labelled; see `llmal.task.Task`.

    Attributes:
        name: Default: the name of the configuration file without its ending.
        kind: "single", one label an item, or "multi", any number of labels.
        text: The text columns, in the order of the prompt.
        labels: By name, in the order of the columns of every probability matrix.
        guidelines: What an annotator must know.
    """

    name: str = Field(default="", validate_default=True)
    kind: TaskKind = "single"
    text: Texts = ("text",)
    labels: dict[str, Annotated[LabelConfig, BeforeValidator(_text_or_mapping)]]
    guidelines: str = ""

    @field_validator("name")
    @classmethod
    def _name(cls, name: str, info: ValidationInfo) -> str:
        return name or Surroundings.of(info).stem

    @field_validator("labels", mode="before")
    @classmethod
    def _labels(cls, value: Any) -> Any:
        if not isinstance(value, list):
            if isinstance(value, Mapping):
                return value
            raise problem("expected a list of labels, or a mapping of labels to descriptions")
        for name in value:
            if not isinstance(name, str):
                raise problem(
                    "a list of labels may only hold names",
                    "write a mapping of names to descriptions instead",
                )
        for name, times in Counter(value).items():
            if times > 1:
                raise problem(f"the label {name!r} is listed {times} times", "keep one of them")
        return dict.fromkeys(value, "")

    @field_serializer("labels")
    def _plain_labels(self, labels: dict[str, LabelConfig]) -> dict[str, Any]:
        return {
            name: {"description": one.description, "words": list(one.words)}
            if one.words
            else one.description
            for name, one in labels.items()
        }

    @model_validator(mode="after")
    def _is_a_task(self) -> Self:
        try:
            self.task_object()
        except ConfigError as error:
            raise problems((("labels",), error.what, error.fix or "")) from None
        return self

    def task_object(self) -> Task:
        """The task, as the rest of llmal knows it."""
        labels = [Label(name, one.description, one.words) for name, one in self.labels.items()]
        return Task(self.name, labels, self.guidelines, self.text, self.kind)


class DataConfig(Section):
    """Where the items are.

    Attributes:
        pool: A file (CSV, JSONL, JSON, Parquet, each gzipped too, or Excel), or a data set of the
            hub.
        test: The same, for the items that the learner is tested on.
        gold: Column with the true label, if there is one; or several columns, each called like a
            label, with 1 where it holds.
        id: Column with a name for each item. Default: made from the content.
        encoding: Of pool and test, where they are text files. Default: what their byte-order mark
            says, else UTF-8.
        delimiter: Of them, where they are CSV files. Default: that of their first line.
        sheet: Of them, where they are Excel workbooks. Default: the only one with rows.
        duplicates: Items with the same text: "together" asks about one and gives the label to all,
            "apart" asks about each.
        overlap: Items of the pool that are in the test set too: "exclude" neither picks, shows nor
            trains on them, "keep" only tells of them.
    """

    pool: DataSource
    test: DataSource | None = None
    gold: Gold | None = None
    id: Text | None = None
    encoding: Text | None = None
    delimiter: Text | None = None
    sheet: Text | None = None
    duplicates: Literal["together", "apart"] = "together"
    overlap: Literal["exclude", "keep"] = "exclude"

    @field_serializer("gold")
    def _plain_gold(self, gold: str | tuple[str, ...] | None) -> str | list[str] | None:
        return list(gold) if isinstance(gold, tuple) else gold
