"""What every section of a configuration shares: strictness, types and how mistakes are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
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


def named(value: Any) -> Any:
    """A bare name as the mapping that it is short for."""
    return {"name": value} if isinstance(value, str) else value


def named_tuple(value: Any) -> Any:
    """One or several names or mappings as a tuple of mappings."""
    several = as_tuple(value)
    return tuple(map(named, several)) if isinstance(several, tuple) else several


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


class Named(OpenSection):
    """A name, or a mapping with the name and the parameters of what it stands for."""

    name: Text

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return named(value)
