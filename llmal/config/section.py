"""What every section of a configuration shares: strictness, types and how mistakes are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from llmal.config.yaml_lines import KeyPath

Problem = tuple[KeyPath, str, str]
"""Where a mistake is, what is wrong, and what to do."""


def problem(what: str, fix: str = "") -> PydanticCustomError:
    """A mistake in the value that a validator looks at, in the two halves of an `LlmalError`."""
    return PydanticCustomError("llmal", "{what}", {"what": what, "fix": fix})


def problems(*found: Problem) -> ValidationError:
    """Mistakes at places below the one that a validator looks at."""
    return ValidationError.from_exception_data(
        "configuration",
        [
            InitErrorDetails(type=problem(what, fix), loc=path, input=None)
            for path, what, fix in found
        ],
    )


def as_tuple(value: Any) -> Any:
    """One text or mapping where several may stand, and a list, as a tuple."""
    if isinstance(value, (str, Mapping)):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(as_tuple), Field(min_length=1)]


class Section(BaseModel):
    """A part of the configuration. Unknown keys are refused, and types are not coerced."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )


class OpenSection(Section):
    """A section whose further keys are parameters of the class that its name stands for."""

    model_config = ConfigDict(extra="allow")

    @property
    def options(self) -> dict[str, Any]:
        """The parameters, to be checked by whoever builds the object."""
        return dict(self.model_extra or {})
