"""Options of the command line that choose a prompt, and options written as key=value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmal.config.yaml_lines import scalar
from llmal.errors import ConfigError
from llmal.lm.protocol import Normalise

if TYPE_CHECKING:
    from llmal.prompting.templates import PromptTemplate


@dataclass(frozen=True)
class Wording:
    """The prompt and how its answers are read.

    Attributes:
        prompt: Name or path of the prompt.
        values: "key=value" for its defaults.
        normalise: How labels of several tokens are compared.
    """

    prompt: str = "label"
    values: Sequence[str] = ()
    normalise: Normalise = "sum"

    def template(self) -> PromptTemplate:
        """The prompt with its values."""
        from llmal.prompting.templates import load_prompt

        values = {key: str(value) for key, value in key_values(self.values, "--set").items()}
        return load_prompt(self.prompt).with_values(values)


def key_values(words: Sequence[str], option: str) -> dict[str, Any]:
    """Words of the form key=value, the values read as YAML reads them."""
    found: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key.strip():
            raise ConfigError(f"{option} {word!r} is not key=value", fix="such as copies=8")
        found[key.strip()] = scalar(value)
    return found
