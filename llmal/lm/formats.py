"""What a generated answer may look like, through the output types of outlines."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from llmal.errors import UnsupportedError


@dataclass(frozen=True)
class DistinctIds:
    """A list of `count` different whole numbers from `low` to `high`, separated by commas.

    A grammar can hold the count and the range, not that the numbers differ: `parse` drops
    repetitions, and the caller fills in what is missing.
    """

    count: int
    low: int
    high: int

    def __post_init__(self) -> None:
        if not 1 <= self.count <= self.high - self.low + 1:
            raise UnsupportedError(
                f"{self.count} different ids cannot be drawn from {self.low} to {self.high}",
                fix="ask for fewer",
            )

    @property
    def pattern(self) -> str:
        """The regular expression of such a list."""
        one = "(" + "|".join(str(i) for i in range(self.low, self.high + 1)) + ")"
        return one if self.count == 1 else f"{one}(, {one}){{{self.count - 1}}}"

    def parse(self, text: str) -> list[int]:
        """The different ids in range, in the order in which they were written; `count` at most."""
        found = (int(match) for match in re.findall(r"\d+", text))
        return list(dict.fromkeys(i for i in found if self.low <= i <= self.high))[: self.count]


def as_term(format: Any) -> Any:
    """A format as a term of outlines.

    Raises:
        UnsupportedError: Outlines does not know such a type.
    """
    from outlines.types import Regex
    from outlines.types.dsl import python_types_to_terms

    if isinstance(format, DistinctIds):
        return Regex(format.pattern)
    try:
        return python_types_to_terms(format)
    except (TypeError, ValueError, RecursionError, NotImplementedError) as error:
        raise UnsupportedError(
            f"{format!r} is no format that an answer can be held to ({error})",
            fix="use Literal, a pydantic model, or a type of outlines.types",
        ) from error


def server_field(format: Any) -> dict[str, Any]:
    """The field of a request to vLLM that holds an answer to a format."""
    from outlines.models.vllm import VLLMTypeAdapter

    body: dict[str, Any] = VLLMTypeAdapter().format_output_type(as_term(format))
    return body


def format_key(format: Any | None) -> str:
    """A format as a string, for the response cache."""
    return "" if format is None else json.dumps(server_field(format), sort_keys=True)
