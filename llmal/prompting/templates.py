"""Prompts: one YAML file each, with Jinja in it, and what becomes of an item's text inside."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from llmal.core.fingerprint import fingerprint
from llmal.errors import ConfigError
from llmal.lm.protocol import Message, Prompt

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

Style = Literal["chat", "completion"]

_FORMER_NAMES = {"generate": "generate/class_conditional"}

_KEYS = {"name", "version", "inputs", "defaults", "completion", "chat", "candidate", "stop"}


@dataclass(frozen=True)
class PromptTemplate:
    """A prompt with places to fill.

    Attributes:
        name: What it is called.
        version: Raised with every change of its words.
        inputs: Names that `render` must be given.
        defaults: Values of further names, which a caller may override.
        completion: Jinja text of the completion form, if it has one.
        chat: Messages of the chat form, if it has one. A message with `each: NAME` is repeated
            for every element of that input, which its text sees as `each`; neighbours
            that repeat over the same input do so together.
        candidate: Jinja text of a candidate (from `word`), for each form.
        stop: Strings that end a generated answer.
        source: The file it was read from.
        digest: Hash of the file.
    """

    name: str
    version: int
    inputs: tuple[str, ...]
    defaults: Mapping[str, Any]
    completion: str | None
    chat: tuple[Mapping[str, str], ...] | None
    candidate: Mapping[str, str]
    stop: tuple[str, ...] = ()
    source: str = ""
    digest: str = ""
    _compiled: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        # What Jinja compiled can neither be copied nor pickled.
        kept = {key: value for key, value in self.__dict__.items() if key != "_environment"}
        return {**kept, "_compiled": {}}

    @property
    def key(self) -> str:
        """Name, version and hash, for provenance."""
        return f"{self.name}@{self.version}#{self.digest}"

    def with_values(self, values: Mapping[str, Any]) -> PromptTemplate:
        """The same prompt with other values for some of its defaults.

        Raises:
            ConfigError: It has no such default.
        """
        unknown = sorted(set(values) - set(self.defaults))
        if unknown:
            raise ConfigError(
                f"the prompt {self.name!r} has no value {unknown[0]!r} to set",
                where=self.source,
                fix=f"it has {', '.join(self.defaults) or 'none'}",
            )
        if not values:
            return self
        return replace(
            self,
            defaults={**self.defaults, **values},
            digest=fingerprint("prompt with values", repr((self.digest, sorted(values.items())))),
        )

    def as_dict(self) -> dict[str, Any]:
        """What its file says, as plain data."""
        said = {
            "name": self.name,
            "version": self.version,
            "inputs": list(self.inputs),
            "defaults": dict(self.defaults),
            "completion": self.completion,
            "chat": None if self.chat is None else [dict(message) for message in self.chat],
            "candidate": dict(self.candidate),
            "stop": list(self.stop),
        }
        return {key: value for key, value in said.items() if value not in (None, [], {})}

    @property
    def styles(self) -> tuple[Style, ...]:
        """The forms that it has."""
        forms: list[Style] = []
        if self.chat is not None:
            forms.append("chat")
        if self.completion is not None:
            forms.append("completion")
        return tuple(forms)

    @cached_property
    def _environment(self) -> SandboxedEnvironment:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        made = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        made.filters["line"] = to_one_line
        made.filters["fenced"] = fence
        return made

    def render(self, style: Style, **values: Any) -> Prompt:
        """Fill the places of the prompt with values.

        Raises:
            ConfigError: The prompt lacks this form, names something that it is not given, or does
                something that prompts may not do.
        """
        given = {**self.defaults, **values}
        missing = [name for name in self.inputs if name not in given]
        if missing:
            raise self._unusable(f"nothing is given for its input {missing[0]!r}")
        if style == "completion":
            if self.completion is None:
                raise self._lacks(style)
            return self._fill(self.completion, given).rstrip("\n ")
        if self.chat is None:
            raise self._lacks(style)
        messages: list[Message] = []
        for each, group in groupby(self.chat, key=lambda message: message.get("each")):
            turn_messages = list(group)
            for turn in (None,) if each is None else self._turns(each, given):
                messages += [
                    {
                        "role": message["role"],
                        "content": self._fill(message["content"], {**given, "each": turn}).strip(),
                    }
                    for message in turn_messages
                ]
        return messages

    def _turns(self, each: str, given: Mapping[str, Any]) -> Sequence[Any]:
        if each not in given:
            raise self._unusable(f"a message repeats over {each!r}, which it is not given")
        turns = given[each]
        if isinstance(turns, str) or not isinstance(turns, Sequence):
            raise self._unusable(f"a message repeats over {each!r}, which is not a list")
        return turns

    def candidates(self, style: Style, words: Sequence[str]) -> list[str]:
        """What is scored for each word."""
        form = self.candidate.get(style, "{{ word }}" if style == "chat" else " {{ word }}")
        return [self._fill(form, {**self.defaults, "word": word}) for word in words]

    def _fill(self, text: str, values: Mapping[str, Any]) -> str:
        from jinja2 import TemplateError

        try:
            if text not in self._compiled:
                self._compiled[text] = self._environment.from_string(text)
            return str(self._compiled[text].render(values))
        # What a user's expression can come to besides Jinja's own errors: 1/0, [][5], "a" + 1.
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise self._unusable(str(error)) from error

    def check(self) -> None:
        """Parse all texts of the prompt, so that a mistake is found before it is used.

        Raises:
            ConfigError: One is not valid Jinja; the message names the line within that text.
        """
        from jinja2 import TemplateSyntaxError

        texts = [("completion", self.completion)] if self.completion is not None else []
        texts += [(f"message {n}", one["content"]) for n, one in enumerate(self.chat or (), 1)]
        texts += [(f"candidate {style}", text) for style, text in self.candidate.items()]
        for what, text in texts:
            try:
                self._environment.parse(text)
            except TemplateSyntaxError as error:
                raise ConfigError(
                    f"the prompt {self.name!r} is not valid Jinja: {error.message}",
                    where=f"{self.source}, {what}, line {error.lineno}",
                    fix="mend the text",
                ) from error

    def _unusable(self, why: str) -> ConfigError:
        return ConfigError(
            f"the prompt {self.name!r} cannot be filled ({why.rstrip('.')})",
            where=self.source,
            fix=f"its inputs are {', '.join((*self.inputs, *self.defaults)) or 'not named'}",
        )

    def _lacks(self, style: Style) -> ConfigError:
        return ConfigError(
            f"the prompt {self.name!r} has no {style} form",
            where=self.source,
            fix=f"add one, or use its {' or '.join(self.styles)} form",
        )


def load_prompt(name_or_path: str | Path | PromptTemplate) -> PromptTemplate:
    """A prompt of llmal by its name, or one of the user's by its path; one as it is, as it is.

    Raises:
        ConfigError: There is no such prompt, or the file is not a prompt.
    """
    if isinstance(name_or_path, PromptTemplate):
        return name_or_path
    import yaml

    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        name = str(name_or_path)
        path = prompt_folder() / f"{_FORMER_NAMES.get(name, name)}.yaml"
        if not path.is_file():
            raise ConfigError(
                f"there is no prompt {name!r}",
                fix=f"known are {', '.join(prompt_names())}; or give the path of a YAML file",
            )
    try:
        raw = path.read_bytes()
        content = yaml.safe_load(raw)
    except OSError as error:
        raise ConfigError(
            f"the prompt file cannot be read ({error.strerror})", where=str(path)
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise ConfigError(f"not valid YAML: {problem}", where=f"{path}{line}") from error
    return parse_prompt(content, str(path), fingerprint("prompt", raw))


def parse_prompt(content: Any, source: str, digest: str) -> PromptTemplate:
    """A prompt from what a file says.

    Args:
        content: The file as plain data.
        source: Its name, for error messages.
        digest: Its hash.

    Raises:
        ConfigError: It is not a prompt.
    """
    if not isinstance(content, dict):
        raise ConfigError("a prompt file must be a mapping of keys", where=source)
    unknown = sorted(str(key) for key in content if key not in _KEYS)
    if unknown:
        raise ConfigError(
            f"unknown key {unknown[0]!r} in a prompt",
            where=source,
            fix=f"known are {', '.join(sorted(_KEYS))}",
        )
    version = content.get("version")
    if not content.get("name") or not isinstance(version, int) or isinstance(version, bool):
        raise ConfigError("a prompt needs a name and a version (a whole number)", where=source)
    completion, chat = content.get("completion"), content.get("chat")
    if completion is None and chat is None:
        raise ConfigError("a prompt needs a completion or a chat form", where=source)
    if completion is not None and not isinstance(completion, str):
        raise ConfigError("the completion form of a prompt must be a text", where=source)
    if chat is not None and not (
        isinstance(chat, list) and chat and all(_is_message(message) for message in chat)
    ):
        raise ConfigError(
            "the chat form of a prompt is a list of messages, each with role (system, user or "
            "assistant) and content, and perhaps each",
            where=source,
        )
    inputs, stop = _names(content, "inputs", source), _names(content, "stop", source)
    defaults, candidate = content.get("defaults") or {}, content.get("candidate") or {}
    if not isinstance(defaults, dict):
        raise ConfigError("the defaults of a prompt map names to values", where=source)
    if (
        not isinstance(candidate, dict)
        or not set(candidate) <= {"chat", "completion"}
        or not all(isinstance(text, str) for text in candidate.values())
    ):
        raise ConfigError(
            "the candidate of a prompt maps chat and completion to texts", where=source
        )
    template = PromptTemplate(
        name=str(content["name"]),
        version=version,
        inputs=inputs,
        defaults=dict(defaults),
        completion=completion,
        chat=None if chat is None else tuple(chat),
        candidate=dict(candidate),
        stop=stop,
        source=source,
        digest=digest,
    )
    template.check()
    return template


def _is_message(message: Any) -> bool:
    return (
        isinstance(message, dict)
        and {"role", "content"} <= set(message) <= {"role", "content", "each"}
        and message["role"] in ("system", "user", "assistant")
        and all(isinstance(value, str) for value in message.values())
    )


def _names(content: Mapping[str, Any], key: str, source: str) -> tuple[str, ...]:
    values = content.get(key) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ConfigError(f"the key {key!r} of a prompt must be a list of strings", where=source)
    return tuple(values)


def prompt_folder() -> Path:
    """Where llmal's own prompts are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "prompts"
    return inside if inside.is_dir() else package.parent / "prompts"


def prompt_names() -> list[str]:
    """The names of llmal's own prompts; one in a folder has both, as in generate/boundary."""
    folder = prompt_folder()
    return sorted(
        one.relative_to(folder).with_suffix("").as_posix() for one in folder.rglob("*.yaml")
    )


def to_one_line(text: str) -> str:
    """A text without line breaks, so that it cannot begin another field of a completion prompt."""
    return " ".join(text.split())


_CLOSING = re.compile(r"<(?=\s*/?\s*text\b)", re.IGNORECASE)


def fence(text: str) -> str:
    """A text between <text> tags; tags inside it are broken, so that it cannot close its own."""
    return f"<text>\n{_CLOSING.sub('< ', text)}\n</text>"


def without_special_tokens(text: str, special: Sequence[str]) -> str:
    """A text whose control tokens are broken by a space, so that they are read as plain text."""
    for token in special:
        if token and token in text:
            # A single character cannot be broken.
            text = text.replace(token, f"{token[0]} {token[1:]}" if len(token) > 1 else " ")
    return text


_INSTRUCTION = re.compile(
    r"\b(ignore|disregard|forget)\b.{0,30}\b(above|previous|prior|earlier|instruction|prompt|rule)"
    r"|\b(answer|respond|reply|label|classify)\b.{0,20}\b(with|as|only|this)\b.{0,30}[\"':]"
    r"|\byou are (now|an? (ai|assistant|language model|annotator))\b"
    r"|\bsystem prompt\b|\bnew instructions?\b",
    re.IGNORECASE | re.DOTALL,
)


def looks_like_instruction(text: str) -> bool:
    """Whether a text seems to address the model instead of being material to label."""
    return _INSTRUCTION.search(text) is not None


def looks_like_prompt(text: str, words: Sequence[str]) -> bool:
    """Whether a text has what only a prompt should: a tag of the fence, or a line such as
    "Answer: Person" that gives one of the words.
    """
    if _CLOSING.search(text):
        return True
    given = "|".join(re.escape(word.strip()) for word in words)
    return re.search(rf"^.{{0,40}}:\s*(?:{given})\s*$", text, re.IGNORECASE | re.M) is not None
