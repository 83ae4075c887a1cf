"""The sections `annotator` and `generator`: who gives labels, and who writes items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from llmal.config.plug_ins import PLUG_IN, PlugIn, tag_of
from llmal.config.references import LocalPath, PromptName, existing_or_name
from llmal.config.section import (
    Amount,
    Count,
    Named,
    Positive,
    Section,
    Share,
    Text,
    as_tuple,
    named,
    named_tuple,
    problems,
)
from llmal.config.synthetic_sections import GeneratorBudgetConfig, PolicyConfig
from llmal.core.workers import check_workers
from llmal.errors import ConfigError


class DemonstrationsConfig(Named):
    """How demonstrations are chosen; further keys are the selector's parameters."""


class CalibratorConfig(Named):
    """What makes probabilities of scores; further keys are the calibrator's parameters."""


def _calibrators(value: Any) -> Any:
    """One or several; none for "none" and for an empty key."""
    return () if value in (None, "none", ["none"]) else as_tuple(value)


Calibrators = Annotated[tuple[CalibratorConfig, ...], BeforeValidator(_calibrators)]


def _shortlist(value: Any) -> Any:
    """0 for what YAML makes of "off"."""
    return 0 if value in (None, False, "off", "none") else value


class StageSection(BaseModel):
    """What a router is told of an annotator."""

    @property
    def smallest_accepted(self) -> float:
        """The probability from which on an answer stands."""
        return 0.0

    @property
    def several(self) -> tuple[int, float]:
        """How many answers an item gets, and which share of the items gets so many."""
        return 1, 1.0


class LLMAnnotatorConfig(StageSection, Section):
    """The language model gives labels.

    Attributes:
        ledger_name: Who is written into the ledger (`as` in the file).
        shots: Demonstrations in each prompt.
        threshold: Smallest probability at which a label stands; below it the next annotator is
            asked. Without one behind it every label stands.
        normalise: How the log-probabilities of a label's tokens become its score.
        demonstrations: How they are chosen.
        order: How they are arranged in the prompt.
        calibrate: What makes probabilities of scores, one after another; "auto" leaves it to
            llmal, and "none" leaves the scores as they are.
        rationale: Whether the model also writes down why.
        shortlist: How many labels are scored for each item; "off" or 0 for all, "auto" for as many
            as reach the recall, in sets of more than 20.
        recall: Share of items whose label is to be among those that are scored.
        codes: Whether labels are shown as codes of one token each.
        thresholds: Where an item takes several labels, the probability above which one is given:
            a number, numbers by label, "f1", chosen on what people labelled, or "auto", chosen on
            texts of the pool.
        prompt: Path of a prompt file, or name of one of llmal's. Default: the one for the kind of
            the task.
        prompt_values: Values for the prompt's defaults, such as {noun: question}.
        batch_size: Items to hand over at once.
    """

    name: Literal["llm"]
    ledger_name: Text = Field(default="llm", alias="as")
    shots: Count = 0
    threshold: Share = 0.9
    normalise: Literal["sum", "mean", "first"] = "sum"
    demonstrations: DemonstrationsConfig = DemonstrationsConfig(name="balanced")
    order: Text = "as-chosen"
    calibrate: Calibrators = (CalibratorConfig(name="auto"),)
    rationale: bool = False
    shortlist: Annotated[Count | Literal["auto"], BeforeValidator(_shortlist)] = "auto"
    recall: Annotated[float, Field(gt=0, lt=1)] = 0.95
    codes: bool = False
    thresholds: Share | Literal["f1", "auto"] | dict[str, Share] = "auto"
    prompt: PromptName | None = None
    prompt_values: dict[str, str] = Field(default_factory=dict)
    batch_size: Positive = 512

    @property
    def smallest_accepted(self) -> float:
        """The threshold."""
        return self.threshold


class HumanAnnotatorConfig(StageSection, Section):
    """People give labels, or are simulated.

    Attributes:
        ledger_name: Who is written into the ledger (`as` in the file).
        via: "gold" simulates a person by the gold column; "queue" waits for people.
        noise: Share of the simulated answers that are wrong.
        confusion: For a true label, the probability of each answer of the simulated person.
        cost: Money for each label.
        answers: How many different people are to answer an item; one, if nothing is said.
        share: Of the items, the share that gets so many answers; the others get one.
        workers: People who have a file each, by name: anna's is to_label.anna.csv.
        file: Where people find what they are to label: the name of a .csv, .xlsx (Excel) or .jsonl
            file in the run directory. Default: to_label.csv.
        context: Columns that people see beside the texts. Default: all that others have not
            answered in.
    """

    name: Literal["human"]
    ledger_name: Text = Field(default="human", alias="as")
    via: Literal["gold", "queue"]
    noise: Share = 0.0
    confusion: dict[str, dict[str, Share]] | None = None
    cost: Amount = 0.0
    answers: Positive | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    workers: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] | None = None
    file: Text | None = None
    context: Annotated[tuple[Text, ...], BeforeValidator(as_tuple)] | None = None

    @property
    def several(self) -> tuple[int, float]:
        """As many as are named, of the share that is named."""
        return self.answers or 1, self.share or 1.0

    @model_validator(mode="after")
    def _several_answers(self) -> Self:
        answers, workers = self.answers or 1, self.workers or ()
        if self.share is not None and answers == 1:
            what = "a share of the items gets several answers, and one answer is wanted"
            raise problems((("share",), what, "say how many with answers:, or remove it"))
        if self.workers is not None:
            try:
                check_workers(workers)
            except ConfigError as error:
                raise problems((("workers",), error.what, error.fix or "")) from None
        if self.via == "queue" and answers > max(1, len(workers)):
            what = f"{answers} people are to answer, and {len(workers)} of them are named"
            raise problems((("answers",), what, "name as many under workers:, or more"))
        return self

    @model_validator(mode="after")
    def _only_people_see_a_file(self) -> Self:
        for key in ("file", "context", "workers"):
            if self.via == "gold" and getattr(self, key) is not None:
                why = "has no effect with via 'gold', where nobody is asked"
                raise problems(((key,), why, "remove it"))
        if self.file is not None and not self.file.endswith((".csv", ".xlsx", ".jsonl")):
            what = f"{self.file!r} is no file that people can label in"
            raise problems((("file",), what, "end it in .csv, .xlsx or .jsonl"))
        return self

    @model_validator(mode="after")
    def _only_a_simulation_errs(self) -> Self:
        unused = {"noise": self.noise, "confusion": self.confusion}
        why = "has no effect with via 'queue', where people answer themselves"
        if self.via == "queue" and any(unused.values()):
            raise problems(*(((key,), why, "remove it") for key, value in unused.items() if value))
        if self.noise and self.confusion:
            raise problems((("noise",), "'confusion' says already what is wrong", "remove one"))
        for label, row in (self.confusion or {}).items():
            if abs(sum(row.values()) - 1) > 1e-6:
                raise problems(
                    (
                        ("confusion", label),
                        f"the probabilities sum to {sum(row.values()):g}",
                        "make them sum to 1",
                    )
                )
        return self


class SimilarityAnnotatorConfig(StageSection, Section):
    """Labels by the cosine of a text and the label descriptions in embedding space.

    Attributes:
        ledger_name: Who is written into the ledger (`as` in the file).
        threshold: Smallest probability at which a label stands.
        temperature: What the cosines are divided by before they become probabilities; None
            leaves it to the annotator.
    """

    name: Literal["similarity"]
    ledger_name: Text = Field(default="similarity", alias="as")
    threshold: Share = 0.9
    temperature: Annotated[float, Field(gt=0)] | None = None

    @property
    def smallest_accepted(self) -> float:
        """The threshold."""
        return self.threshold


class LearnedAnnotatorConfig(StageSection, Section):
    """Labels by a small model that is fitted to what people have labelled.

    Attributes:
        ledger_name: Who is written into the ledger (`as` in the file).
        threshold: Smallest probability at which a label stands.
        strength: The inverse of the penalty of the fit.
        fewest: Labels by people from which on it answers.
    """

    name: Literal["learned"]
    ledger_name: Text = Field(default="learned", alias="as")
    threshold: Share = 0.9
    strength: Annotated[float, Field(gt=0)] = 1.0
    fewest: Annotated[int, Field(ge=2)] = 20

    @property
    def smallest_accepted(self) -> float:
        """The threshold."""
        return self.threshold


class ProgramsAnnotatorConfig(StageSection, Section):
    """Labels by functions that a language model or a person wrote once.

    Attributes:
        ledger_name: Who is written into the ledger (`as` in the file).
        programs: Files of programs: JSON that llmal wrote, or Python.
        threshold: Smallest probability at which a label stands.
        seconds: Most seconds that a program may take for the texts of a batch.
        memory: Most MB of its process.
    """

    name: Literal["labelling_programs"]
    ledger_name: Text = Field(default="labelling_programs", alias="as")
    programs: Annotated[tuple[LocalPath, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    threshold: Share = 0.9
    seconds: Positive = 10
    memory: Annotated[int, Field(ge=128)] = 512

    @property
    def smallest_accepted(self) -> float:
        """The threshold."""
        return self.threshold


class RecordedAnnotatorConfig(StageSection, Section):
    """Labels that were obtained elsewhere and stand in a column of the pool.

    Attributes:
        ledger_name: Who is written into the ledger (`as` in the file).
        column: The column with the labels.
        confidence: The column with their probabilities, if there is one.
        threshold: Smallest probability at which a label stands. Default: 0.9 with `confidence`;
            without it every label stands.
    """

    name: Literal["recorded"]
    ledger_name: Text = Field(default="recorded", alias="as")
    column: Text
    confidence: Text | None = None
    threshold: Share | None = None

    @property
    def smallest_accepted(self) -> float:
        """The threshold that holds."""
        if self.threshold is not None:
            return self.threshold
        return 0.9 if self.confidence is not None else 0.0


class PlugInAnnotatorConfig(StageSection, PlugIn):
    """An annotator that another package adds; further keys are its parameters.

    Attributes:
        ledger_name: Who is written into the ledger (`as` in the file); by default the name.
        threshold: Smallest probability at which a label stands.
    """

    ledger_name: Text = Field(alias="as")
    threshold: Share = 0.9

    @property
    def smallest_accepted(self) -> float:
        """The threshold."""
        return self.threshold

    @model_validator(mode="before")
    @classmethod
    def _as_named(cls, value: Any) -> Any:
        return {"as": value.get("name"), **value} if isinstance(value, Mapping) else value


_OWN = ("llm", "human", "similarity", "learned", "labelling_programs", "recorded")
AnnotatorConfig = Annotated[
    Annotated[LLMAnnotatorConfig, Tag("llm")]
    | Annotated[HumanAnnotatorConfig, Tag("human")]
    | Annotated[SimilarityAnnotatorConfig, Tag("similarity")]
    | Annotated[LearnedAnnotatorConfig, Tag("learned")]
    | Annotated[ProgramsAnnotatorConfig, Tag("labelling_programs")]
    | Annotated[RecordedAnnotatorConfig, Tag("recorded")]
    | Annotated[PlugInAnnotatorConfig, Tag(PLUG_IN)],
    Discriminator(tag_of("annotator", _OWN)),
]


class FilterConfig(Named):
    """What refuses synthetic items; further keys are the filter's parameters."""


class _Filtered(BaseModel):
    """What holds for every generator: how often it writes, and what its texts must pass.

    Attributes:
        per_class: Items to ask for, of each label.
        every: Rounds from one time to the next.
        when: Policies that say when, in place of that.
        budget: What may be spent on it of the run's budget.
        shots: Demonstrations in each prompt.
        min_words: Shorter texts are refused; None sets no limit.
        max_words: Longer texts are refused; None sets no limit.
        similarity: Cosine from which two texts count as near duplicates.
        agreement: Smallest probability of the intended label, by the language model.
        calibrate: What makes these probabilities of its scores, one after another; "auto" leaves it
            to llmal, and "none" leaves the scores as they are.
        filters: What refuses texts, in turn; "default" stands for format_length, near_duplicates
            and label_agreement. None: these, and leakage.
    """

    per_class: Positive = 10
    every: Positive = 1
    when: Annotated[tuple[PolicyConfig, ...], BeforeValidator(named_tuple)] | None = None
    budget: GeneratorBudgetConfig = GeneratorBudgetConfig()
    shots: Count = 3
    min_words: Positive | None = None
    max_words: Positive | None = None
    similarity: Annotated[float, Field(gt=0, le=1)] = 0.95
    agreement: Share = 0.5
    calibrate: Calibrators = (CalibratorConfig(name="auto"),)
    filters: Annotated[tuple[FilterConfig, ...], BeforeValidator(named_tuple)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.when is not None and self.every != 1:
            fix = "keep one of them; the policy 'rounds' takes 'every' too"
            raise problems((("every",), "there is 'when' too, which takes its place", fix))
        return self

    @model_validator(mode="after")
    def _words(self) -> Self:
        if self.min_words and self.max_words and self.min_words > self.max_words:
            raise problems(
                (
                    ("min_words",),
                    f"{self.min_words} is more than max_words {self.max_words}",
                    "swap them",
                )
            )
        return self


class PlugInGeneratorConfig(_Filtered, PlugIn):
    """A generator whose further keys are its parameters: all but `class_conditional`, those that
    other packages add included.

    Attributes:
        prompt: Path of a prompt file, or name of one of llmal's.
    """

    prompt: PromptName | None = None

    @model_validator(mode="before")
    @classmethod
    def _paths_of_models(cls, value: Any, info: ValidationInfo) -> Any:
        """Translation models are found beside the configuration, as other models are."""
        if not isinstance(value, Mapping) or value.get("name") != "back_translation":
            return value
        models = {key: value[key] for key in ("forward", "backward") if key in value}
        found = {}
        for key, one in models.items():
            try:
                found[key] = existing_or_name(one, info) if isinstance(one, str) and one else one
            except PydanticCustomError as error:
                context = error.context or {}
                raise problems(((key,), context["what"], context["fix"])) from None
        return {**value, **found}


class GeneratorConfig(_Filtered, Section):
    """The language model writes new items.

    Attributes:
        name: The generator.
        temperature: Of the sampling.
        structure: "json" has the model write an object, "line" a line of text, which small and
            base models do better.
        prompt: Path of a prompt file, or name of one of llmal's.
        prompt_values: Values for the prompt's defaults, such as {noun: question}.
        attributes: What texts shall differ in, and the values: {topic: [sport, music]}.
        others: Demonstrations of other labels in each prompt.
        per_prompt: Texts to one prompt; None for 16, or 1 where attributes differ from one to the
            next.
    """

    name: Literal["class_conditional"]
    temperature: Amount = 1.0
    structure: Literal["json", "line"] = "json"
    prompt: PromptName | None = None
    prompt_values: dict[str, str] = Field(default_factory=dict)
    attributes: dict[str, Any] = Field(default_factory=dict)
    others: Count = 0
    per_prompt: Positive | None = None


GENERATORS = (
    "from_demonstrations",
    "paraphrase",
    "back_translation",
    "style_transfer",
    "counterfactual",
    "boundary",
    "student_guided",
    "cold_start",
    "weakness_targeted",
    "minority",
)
"""Generators of llmal besides `class_conditional`."""

AnyGeneratorConfig = Annotated[
    Annotated[GeneratorConfig, Tag("class_conditional")]
    | Annotated[PlugInGeneratorConfig, Tag(PLUG_IN)],
    Discriminator(tag_of("generator", ("class_conditional",), GENERATORS)),
    BeforeValidator(named),
]
