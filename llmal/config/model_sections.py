"""The sections `lm` and `embedder`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from llmal.config.plug_ins import PLUG_IN, PlugIn, tag_of
from llmal.config.references import DirectoryName, ModelName, existing_or_name
from llmal.config.section import (
    Amount,
    Positive,
    Problem,
    Section,
    Text,
    as_tuple,
    named,
    problem,
    problems,
)


class PriceConfig(Section):
    """Price of a language model, in money per million tokens; see `llmal.core.records.Price`."""

    prompt: Amount = 0.0
    completion: Amount = 0.0


class LMConfig(Section):
    """The language model.

    Attributes:
        backend: "vllm" starts a server, or uses those at `url`; "transformers" runs in process.
        url: Base address of one server or several, such as http://localhost:8000/v1.
        model: Path, name of a known model (`llmal models`) or hub name; with `url` the name under
            which the model is served.
        learner: The folder of a trained learner that is a language model, a dynamic soft prompt or
            low-rank updates that answer with words, or the directory of the run that trained it.
            Without `url` a server of its base model is started; with it, `model` is the name of
            that there.
        dtype: Type of the weights, as the backend calls it.
        max_model_len: Longest context, in tokens.
        price: Default: free.
        api_key_env: Name of the environment variable that holds the key of the server.
        args: Further arguments of the server that llmal starts.
        prompt_style: "auto" uses chat prompts where the model has a chat template.
    """

    backend: Literal["vllm", "transformers"] = "vllm"
    url: Annotated[tuple[Text, ...], BeforeValidator(as_tuple)] = ()
    model: Text | None = None
    learner: DirectoryName | None = None
    dtype: Text | None = None
    max_model_len: Positive | None = None
    price: PriceConfig = PriceConfig()
    api_key_env: Text | None = None
    args: dict[str, Any] = Field(default_factory=dict)
    prompt_style: Literal["auto", "chat", "completion"] = "auto"

    @field_validator("url")
    @classmethod
    def _addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not re.match(r"https?://[^/\s]+", url):
                raise problem(
                    f"expected an address, got {url!r}", "such as http://localhost:8000/v1"
                )
        return urls

    @field_validator("model")
    @classmethod
    def _path_or_name(cls, model: str | None, info: ValidationInfo) -> str | None:
        # With a URL it is the name under which the server offers the model, often a path there.
        if model is None or info.data.get("url", True):
            return model
        return existing_or_name(model, info)

    @field_validator("api_key_env")
    @classmethod
    def _is_no_key(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            # The value may be the key, so it is not repeated.
            raise problem(
                "expected the name of an environment variable",
                "put the key into a variable, and the name of the variable here",
            )
        return name

    @model_validator(mode="after")
    def _one_sensible_combination(self) -> Self:
        if self.backend == "transformers":
            unused: dict[str, Any] = {
                "url": self.url,
                "learner": self.learner,
                "args": self.args,
                "api_key_env": self.api_key_env,
            }
            why = "has no effect with the backend 'transformers'"
            fix = "remove it, or use the backend 'vllm'"
        elif self.url:
            unused = {"dtype": self.dtype, "max_model_len": self.max_model_len, "args": self.args}
            why = "has no effect with lm.url: the server at that address runs already"
            fix = "remove it, or remove lm.url to have llmal start a server"
        else:
            unused = {"api_key_env": self.api_key_env}
            why = "has no effect without lm.url"
            fix = "remove it"
        found: list[Problem] = [((key,), why, fix) for key, value in unused.items() if value]
        if self.learner and self.model and not self.url:
            why = "has no effect with lm.learner: the model is the one that it was trained over"
            found.append((("model",), why, "remove it"))
        if not self.model and not self.url and not self.learner:
            needed = (
                "'model' is" if self.backend == "transformers" else "'model' and 'url' are both"
            )
            found.append(((), f"{needed} missing", "name the model to use"))
        if found:
            raise problems(*found)
        return self


class EmbedderConfig(Section):
    """The model of text embeddings: a path or a name of sentence-transformers."""

    name: Literal["sentence"] = "sentence"
    model: ModelName = "all-MiniLM-L6-v2"


def _sentence_unless_named(value: Any) -> Any:
    """A section without a name is of llmal's own embedder."""
    return {"name": "sentence", **value} if isinstance(value, Mapping) else named(value)


AnyEmbedderConfig = Annotated[
    Annotated[EmbedderConfig, Tag("sentence")] | Annotated[PlugIn, Tag(PLUG_IN)],
    Discriminator(tag_of("embedder", ("sentence",))),
    BeforeValidator(_sentence_unless_named),
]
