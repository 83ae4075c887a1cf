"""The configuration of a run as a whole, and how its sections fit together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from llmal.config.annotator_sections import (
    AnnotatorConfig,
    AnyGeneratorConfig,
    HumanAnnotatorConfig,
    LLMAnnotatorConfig,
    RecordedAnnotatorConfig,
    SimilarityAnnotatorConfig,
)
from llmal.config.data_sections import DataConfig, TaskConfig
from llmal.config.model_sections import AnyEmbedderConfig, EmbedderConfig, LMConfig
from llmal.config.references import LedgerURL, LocalPath, existing_or_name, kind_of
from llmal.config.section import (
    Count,
    Named,
    OpenSection,
    Positive,
    Problem,
    Section,
    Text,
    Texts,
    named_tuple,
    problem,
    problems,
)
from llmal.config.stop_sections import BudgetConfig, StopConfig
from llmal.config.synthetic_sections import SyntheticConfig
from llmal.config.yaml_lines import KeyPath, Places, write
from llmal.errors import DataError
from llmal.task import Task


class SelectorConfig(Named):
    """How items are picked in each round; further keys are the selector's parameters.

    A selector inside another is a name, or a mapping of its name and parameters.
    """


def _name_or_section(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, Mapping):
        return SelectorConfig.model_validate(value, context=info.context)
    if isinstance(value, (str, SelectorConfig)) and value:
        return value
    raise problem(
        f"expected the name of a selector, got {value!r}",
        "or a mapping of its name and parameters",
    )


class StartConfig(OpenSection):
    """How the first items are picked, before there is a learner.

    Attributes:
        selector: Name of the selector; further keys are its parameters. Or a mapping of its name
            and parameters, as a selector of the rounds is written.
        items: How many to pick.
    """

    selector: Annotated[str | SelectorConfig, BeforeValidator(_name_or_section)] = "typiclust"
    items: Positive = 20

    @model_validator(mode="after")
    def _one_place_for_parameters(self) -> Self:
        if isinstance(self.selector, SelectorConfig) and self.options:
            stray = next(iter(self.options))
            raise problems(
                ((stray,), f"{stray!r} stands beside the selector", "move it into the selector")
            )
        return self


class LearnerConfig(Named):
    """What is trained; further keys are the learner's parameters, `model` a path or a name."""

    @model_validator(mode="before")
    @classmethod
    def _model(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, Mapping) and isinstance(value.get("model"), str):
            try:
                return {**value, "model": existing_or_name(value["model"], info)}
            except PydanticCustomError as error:
                details = InitErrorDetails(type=error, loc=("model",), input=None)
                raise ValidationError.from_exception_data("configuration", [details]) from None
        return value


class PhaseConfig(Named):
    """A part of the campaign; further keys are the phase's parameters.

    A selector of its own is a name, or a mapping of its name and parameters.
    """


class ExportConfig(Named):
    """A file that a run writes when it ends or waits; further keys are the exporter's parameters.

    Attributes:
        name: The exporter: jsonl, csv, xlsx, parquet, hf, or one that another package adds.
        what: The table, as for `llmal export --what`.
        out: The file or directory. Default: called like the table, in the run directory.
        all: Of labels, also items without one.
    """

    what: Text = "labels"
    out: LocalPath | None = None
    all: bool = False


class AuditConfig(Section):
    """A uniform sample that people answer to tell how good the labels are.

    Attributes:
        items: How many items.
        when: Before everything else, or when all else is over.
        of: Drawn from all items that no person has labelled, or from those with a machine's label.
            Default: all for a first audit, machines for a last one.
    """

    items: Positive
    when: Literal["first", "last"] = "first"
    of: Literal["all", "machines"] | None = None

    @model_validator(mode="after")
    def _labels_come_later(self) -> Self:
        if self.when == "first" and self.of == "machines":
            what = "an audit that comes first finds no label of a machine"
            raise problems((("of",), what, "use when: last, or of: all"))
        return self


def _audit(value: Any) -> Any:
    """A number of items as the mapping that it is short for."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return {"items": value} if is_number else value


class GuaranteeConfig(OpenSection):
    """The promise about the labels that the run works for; further keys are parts of the procedure.

    Attributes:
        max_error: How many of the delivered labels may be wrong, as a share of all.
        confidence: With what probability the promise holds at least.
        policy: "certify" asks people until the promise can be given; "threshold" promises nothing,
            and people review what the machines are not sure of.
    """

    max_error: Annotated[float, Field(ge=0, lt=1)] = 0.05
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    policy: Literal["certify", "threshold"] = "certify"


def _guarantee(value: Any) -> Any:
    """The word "off", which YAML reads as no, and "on" as the mappings that they are short for."""
    if value is False or value == "off":
        return {"policy": "threshold"}
    return {} if value is True or value == "on" else value


class AggregationConfig(Named):
    """What makes one label of several people's answers; further keys are its parameters."""


class RoutingConfig(Named):
    """What says which machine is asked next; further keys are its parameters."""


class RecipeConfig(Section):
    """What a file that others extend says about itself. It is not taken over.

    Attributes:
        title: What it carries out.
        paper: Where that is published.
        faithful: What is as it is there.
        ours: What is not, or is not said there.
    """

    title: Text
    paper: Text
    faithful: Texts = ()
    ours: Texts = ()


class RunConfig(Section):
    """The configuration of a run. Every path in it is absolute.

    Attributes:
        objective: "model" spends the budget on the best learner, "labels" on finishing the pool.
        phases: What the campaign does, part after part, in place of what the objective stands for.
        lm: None where there is no language model.
        embedder: None where there are no embeddings.
        annotator: Asked in this order. Default: the language model, or `similarity` without one.
        routing: Says which of several annotators is asked about an item, and whose answer stands.
            Default: each in turn, until an answer reaches the threshold of its annotator.
        aggregation: Makes one label of several people's answers to an item. Default: the majority.
        audit: Items that people answer to tell how good the labels are: how many, or a mapping.
        guarantee: The promise that a run of the objective "labels" works for, where people and
            machines label; "off" for none. Default: 5 % of wrong labels at most, with a confidence
            of 95 %, unless there is an audit or a list of phases.
        committee: Members of the committee that selectors such as `bald` listen to.
        synthetic: What becomes of what the generator writes.
        stop: Rules beside the budget, any of which ends the run.
        exports: Files that are written whenever the run ends or waits.
        directory: Default: runs/<name of the task> beside the configuration file.
        ledger: URL of a database. Default: SQLite in the directory.
        seed: Of everything that is random in the run.
        recipe: What the file says about itself, where it is there to be extended.
    """

    task: TaskConfig
    data: DataConfig
    objective: Literal["model", "labels"] = "model"
    phases: (
        Annotated[tuple[PhaseConfig, ...], BeforeValidator(named_tuple), Field(min_length=1)] | None
    ) = None
    lm: LMConfig | None = None
    embedder: AnyEmbedderConfig | None = EmbedderConfig()
    start: StartConfig = StartConfig()
    selector: SelectorConfig = SelectorConfig(name="margin")
    annotator: Annotated[
        tuple[AnnotatorConfig, ...], BeforeValidator(named_tuple), Field(min_length=1)
    ] = Field(default=None, validate_default=True)
    learner: LearnerConfig = LearnerConfig(name="linear")
    routing: RoutingConfig | None = None
    aggregation: AggregationConfig | None = None
    audit: Annotated[AuditConfig, BeforeValidator(_audit)] | None = None
    guarantee: Annotated[GuaranteeConfig, BeforeValidator(_guarantee)] | None = None
    committee: Positive = 10
    generator: AnyGeneratorConfig | None = None
    synthetic: SyntheticConfig = SyntheticConfig()
    budget: BudgetConfig = BudgetConfig()
    stop: Annotated[tuple[StopConfig, ...], BeforeValidator(named_tuple)] = ()
    exports: Annotated[tuple[ExportConfig, ...], BeforeValidator(named_tuple)] = ()
    directory: LocalPath = Field(default=None, validate_default=True)
    ledger: LedgerURL | None = None
    seed: Count = 0
    recipe: RecipeConfig | None = None

    _places: Places = PrivateAttr(default_factory=Places)

    @field_validator("annotator", mode="before")
    @classmethod
    def _default_annotator(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None:
            return value
        return ({"name": "llm" if info.data.get("lm") else "similarity"},)

    @field_validator("directory", mode="before")
    @classmethod
    def _default_directory(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None:
            return value
        task = info.data.get("task")
        name = re.sub(r"[^\w.-]+", "-", task.name).strip(".-") if task else ""
        return f"runs/{name or 'task'}"

    @field_validator("directory")
    @classmethod
    def _no_file(cls, directory: Path) -> Path:
        if kind_of(directory) == "file":
            raise problem(f"{str(directory)!r} is a file", "name a directory for the run")
        return directory

    @model_validator(mode="after")
    def _sections_fit(self) -> Self:
        found = [*self._annotator_problems(), *self._budget_problems()]
        if self.phases is not None and "objective" in self.model_fields_set:
            found.append(
                (("objective",), "there are phases too, which take its place", "keep one of them")
            )
        if self.synthetic != SyntheticConfig() and not self.generator:
            at = ("synthetic",)
            found.append((at, "nothing writes synthetic items", "add the section 'generator'"))
        if self.generator and not self.lm:
            found.append(
                (
                    ("generator",),
                    "there is no language model to write items",
                    "add the section 'lm'",
                )
            )
        found += self._guarantee_problems()
        if found:
            raise problems(*found)
        return self

    def _guarantee_problems(self) -> list[Problem]:
        if self.guarantee is None or self.guarantee.policy == "threshold":
            return []
        at: KeyPath = ("guarantee",)
        one = "leave one of them out"
        if self.phases is not None:
            return [(at, "it has phases of its own, and there are phases too", one)]
        if self.audit is not None:
            return [(at, "it draws an audit of its own, and there is an audit too", one)]
        if self.objective != "labels":
            return [(at, "it is about the labels of a pool", "add objective: labels, or remove it")]
        return []

    def _annotator_problems(self) -> list[Problem]:
        found: list[Problem] = []
        first: dict[str, int] = {}
        for position, one in enumerate(self.annotator):
            at: KeyPath = ("annotator", position)
            if one.ledger_name in first:
                found.append(
                    (
                        at,
                        f"annotators {first[one.ledger_name] + 1} and {position + 1} are both "
                        f"recorded as {one.ledger_name!r}",
                        "give one of them another name with 'as'",
                    )
                )
            first.setdefault(one.ledger_name, position)
            if isinstance(one, LLMAnnotatorConfig) and not self.lm:
                found.append(
                    ((*at, "name"), "there is no language model to ask", "add the section 'lm'")
                )
            if isinstance(one, SimilarityAnnotatorConfig) and not self.embedder:
                written = "annotator" in self.model_fields_set
                found.append(
                    (
                        (*at, "name") if written else ("embedder",),
                        "the annotator 'similarity' has no embedder to compare texts with",
                        "remove 'embedder: null', or name another annotator",
                    )
                )
            if isinstance(one, HumanAnnotatorConfig):
                if one.via == "gold" and not self.data.gold:
                    fix = "name the column in data.gold, or use via: queue to ask people"
                    found.append(((*at, "via"), "there is no gold column to take labels from", fix))
                found.extend(self._confusion_problems(one, at))
            # The labels of the last one stand whatever their probability.
            if isinstance(one, RecordedAnnotatorConfig) and one is not self.annotator[-1]:
                found.extend(self._recorded_problems(one, at))
        return found

    def _recorded_problems(self, one: RecordedAnnotatorConfig, at: KeyPath) -> list[Problem]:
        if one.confidence is not None or not one.threshold:
            return []
        what = "no label would reach it, there is no column with confidences"
        fix = "name it in 'confidence', or remove the threshold to take every label"
        return [((*at, "threshold"), what, fix)]

    def _confusion_problems(self, one: HumanAnnotatorConfig, at: KeyPath) -> list[Problem]:
        task = self.task_object()
        paths = [
            path
            for label, row in (one.confusion or {}).items()
            for path in ((label,), *((label, answer) for answer in row))
        ]
        found: list[Problem] = []
        for path in paths:
            try:
                task.match_label(path[-1])
            except DataError as error:
                found.append(((*at, "confusion", *path), error.what, error.fix or ""))
        return found

    def _budget_problems(self) -> list[Problem]:
        labels = self.budget.human_labels
        people = any(isinstance(one, HumanAnnotatorConfig) for one in self.annotator)
        if labels is None or (labels == 0 and not people):
            return []
        found: list[Problem] = []
        if labels < self.budget.batch:
            found.append(
                (
                    ("budget", "human_labels"),
                    f"{labels} is smaller than budget.batch, {self.budget.batch}",
                    "raise human_labels or lower batch",
                )
            )
        if people and labels < self.start.items:
            written = "items" in self.start.model_fields_set
            found.append(
                (
                    ("start", "items"),
                    f"{self.start.items} is more than budget.human_labels, {labels}",
                    "lower start.items or raise human_labels",
                )
                if written
                else (
                    ("budget", "human_labels"),
                    f"{labels} is smaller than start.items, {self.start.items} by default",
                    "raise human_labels, or set start.items",
                )
            )
        return found

    def task_object(self) -> Task:
        """The task, as the rest of llmal knows it."""
        return self.task.task_object()

    def to_yaml(self) -> str:
        """The whole configuration, defaults included, as YAML that reads back as the same."""
        return write(self.model_dump(mode="json", by_alias=True))

    @model_serializer(mode="wrap")
    def _without_what_is_replaced(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Phases take the place of the objective; of what is not there nothing is said."""
        content: dict[str, Any] = serialise(self)
        content.pop("phases" if self.phases is None else "objective", None)
        if self.recipe is None:
            content.pop("recipe", None)
        return content

    def where(self, *path: str | int) -> str:
        """Where a value was written, for the errors of those who build objects from it.

        `config.where("selector", "name")` is "trec.yaml, line 7, selector.name".
        """
        written = self._places.written(path)
        if written[-1:] == ("name",) and written not in self._places.lines:
            written = written[:-1]  # a bare name
        return self._places.where(written)

    def placed(self, places: Places) -> Self:
        """This configuration, knowing where its values were written."""
        self._places = places
        return self


_AS_WRITTEN: tuple[tuple[str, ...], ...] = (
    ("task", "name"),
    ("task", "guidelines"),
    ("task", "text"),
    ("task", "text", "*"),
    ("task", "labels", "*"),
    ("task", "labels", "*", "description"),
    ("task", "labels", "*", "words"),
    ("task", "labels", "*", "words", "*"),
    ("task", "labels", "*", "was"),
    ("task", "labels", "*", "was", "*"),
    ("data", "*"),
    ("data", "labels", "column"),
    ("data", "labels", "by"),
    ("data", "labels", "by_column"),
    ("annotator", "as"),
    ("annotator", "workers"),
    ("annotator", "workers", "*"),
    ("annotator", "*", "workers"),
    ("annotator", "*", "workers", "*"),
    ("annotator", "column"),
    ("annotator", "confidence"),
    ("annotator", "context"),
    ("annotator", "context", "*"),
    ("annotator", "*", "context"),
    ("annotator", "*", "context", "*"),
    ("annotator", "*", "as"),
    ("annotator", "*", "column"),
    ("annotator", "*", "confidence"),
)


def is_text(path: KeyPath) -> bool:
    """Whether a value is a text even where YAML reads a number, a date or a truth value."""
    return any(
        len(pattern) == len(path)
        and all(want in ("*", step) for want, step in zip(pattern, path, strict=True))
        for pattern in _AS_WRITTEN
    )
