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

from llmal.config.references import DataSource, LocalPath, Surroundings
from llmal.config.section import (
    Count,
    Named,
    Section,
    Share,
    Text,
    Texts,
    as_tuple,
    problem,
    problems,
)
from llmal.core.options import OptionError
from llmal.errors import ConfigError
from llmal.task import Label, Task, TaskKind
from llmal.task.spaces import check_kind


def _text_or_mapping(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return {"description": value or ""}
    return value


if TYPE_CHECKING:
    Gold = str | tuple[str, ...]
else:
    Gold = Annotated[Texts, AfterValidator(lambda names: names if len(names) > 1 else names[0])]


class LabelConfig(Section):
    """What is said of one label; see `llmal.task.Label`.

    Attributes:
        description: What belongs under it.
        words: What a language model is scored on in its place.
        was: Labels of earlier versions of the task that are this one now, or part of it.
    """

    description: str = ""
    words: Annotated[tuple[Text, ...], BeforeValidator(as_tuple)] = ()
    was: Annotated[tuple[Text, ...], BeforeValidator(as_tuple)] = ()


class KindConfig(Named):
    """What an answer is; further keys are parameters of the kind."""


def _kind(value: Any) -> Any:
    if isinstance(value, Mapping):
        value = KindConfig.model_validate(value)
    if not isinstance(value, (str, KindConfig)) or not value:
        raise problem(f"expected the name of a kind of answer, got {value!r}")
    name = value if isinstance(value, str) else value.name
    if name == "classification":
        return value
    try:
        check_kind(name if isinstance(value, str) else {"name": name, **value.options})
    except OptionError as error:
        raise problems(((error.option or "name",), error.what, error.fix or "")) from None
    except ConfigError as error:
        raise problem(error.what, error.fix or "") from None
    return value


class TaskConfig(Section):
    """What is to be labelled; see `llmal.task.Task`.

    Attributes:
        name: Default: the name of the configuration file without its ending.
        kind: "single", one label an item, "multi", any number of labels, or a kind that another
            package adds, as its name or as a mapping of its name and parameters.
        text: The text columns, in the order of the prompt.
        labels: By name, in the order of the columns of every probability matrix.
        guidelines: What an annotator must know.
        when_changed: What becomes of machines' answers when the task has changed since a run was
            last gone on with: "keep" or "ask_again".
    """

    name: str = Field(default="", validate_default=True)
    kind: Annotated[str | KindConfig, BeforeValidator(_kind)] = "single"
    text: Texts = ("text",)
    labels: dict[str, Annotated[LabelConfig, BeforeValidator(_text_or_mapping)]]
    guidelines: str = ""
    when_changed: Literal["keep", "ask_again"] = "keep"

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
            name: _plain_label(one) if one.words or one.was else one.description
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
        labels = [
            Label(name, one.description, one.words, one.was) for name, one in self.labels.items()
        ]
        kind: TaskKind = (
            self.kind
            if isinstance(self.kind, str)
            else {"name": self.kind.name, **self.kind.options}
        )
        return Task(self.name, labels, self.guidelines, self.text, kind)


def _plain_label(one: LabelConfig) -> dict[str, Any]:
    lists = {"words": list(one.words), "was": list(one.was)}
    return {"description": one.description} | {name: some for name, some in lists.items() if some}


class KnownLabelsConfig(Section):
    """Labels that there are already; see `llmal.KnownLabels`.

    Attributes:
        column: A column of the pool.
        file: A file with the columns `id` and `label`.
        by: Who gave them.
        by_column: Column with who gave each.
        check: So many, drawn at random, are asked of people again before the others are trusted.
        trust_from: The least share of those that people have to agree with.
    """

    column: Text | None = None
    file: LocalPath | None = None
    by: Text = "known"
    by_column: Text | None = None
    check: Count = 0
    trust_from: Share = 0.8

    @model_validator(mode="before")
    @classmethod
    def _from_column(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.column is None) == (self.file is None):
            raise problem("known labels need one source", "name a column of the pool, or a file")
        return self


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
        labels: Labels that there are already: a column of the pool, or a mapping.
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
    labels: KnownLabelsConfig | None = None

    @field_serializer("gold")
    def _plain_gold(self, gold: str | tuple[str, ...] | None) -> str | list[str] | None:
        return list(gold) if isinstance(gold, tuple) else gold
