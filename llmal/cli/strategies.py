"""`llmal strategies`."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import io
import re
import shutil
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from llmal.cli.telling import give, results_only_on_stdout
from llmal.core.registry import parts_of
from llmal.errors import ConfigError
from llmal.selectors import REGISTRY, SIGNALS, Signal, make

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

Group = Literal["no labels", "learner", "language model", "wrapper"]

TITLES: dict[Group, str] = {
    "no labels": "Without a label",
    "learner": "With what has been learnt from labels",
    "language model": "With a language model",
    "wrapper": "Around other strategies",
}
_INNER = ("random", "margin")
"""Wrappers are looked at around one of these: some want a strategy that gives utilities."""

_PIPED_WIDTH = 120
_NARROWEST = 60
_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Note|Notes):$", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.!?])(?<!\bal\.)(?<!e\.g\.)(?<!i\.e\.) ")
_ARGUMENT = re.compile(r"^ {4}(\w+)(?: \([^)]*\))?: (.*(?:\n(?: {8}.*|\s*$))*)", re.MULTILINE)


@dataclass(frozen=True)
class Option:
    """An option of a strategy.

    Attributes:
        name: Its name.
        required: Whether it must be given.
        default: What it is otherwise.
        says: What it is for.
    """

    name: str
    required: bool
    default: Any
    says: str

    @classmethod
    def of(cls, parameter: inspect.Parameter, made: Any, says: str) -> Option:
        """The option that a parameter of a class is."""
        required = parameter.default is inspect.Parameter.empty
        default = None if required else parameter.default
        if dataclasses.is_dataclass(made):
            for field in dataclasses.fields(made):
                if field.name == parameter.name and callable(field.default_factory):
                    default = field.default_factory()
        return cls(parameter.name, required, default, says)

    @property
    def written(self) -> str:
        """The default, as it is written on the command line."""
        if self.required:
            return "must be given"
        if isinstance(self.default, (list, tuple)):
            return f"[{', '.join(map(str, self.default))}]"
        words = {None: "null", True: "true", False: "false"}
        return next((word for one, word in words.items() if self.default is one), str(self.default))


@dataclass(frozen=True)
class Strategy:
    """What is known of a strategy before it is used.

    Attributes:
        name: Its name.
        group: What it works with.
        summary: The first sentence of its description.
        description: The whole of it, without the options.
        needs: Signals that it reads with its default options, without those of strategies that it
            wraps; None where they depend on options that have no default.
        wraps: Options that hold other strategies.
        options: All options.
    """

    name: str
    group: Group
    summary: str
    description: str
    needs: tuple[Signal, ...] | None
    wraps: tuple[str, ...]
    options: tuple[Option, ...]

    @classmethod
    def of(cls, name: str) -> Strategy:
        """The strategy of a name.

        Raises:
            ConfigError: There is none, or its plug-in cannot be loaded.
        """
        made = REGISTRY.get(name)
        text = inspect.getdoc(made) or ""
        description = _SECTION.split(text, maxsplit=1)[0].strip()
        parts = parts_of(made)
        needs = _needs(name, made, parts)
        said = _descriptions_of_options(made)
        options = tuple(
            Option.of(parameter, made, said.get(parameter.name, ""))
            for parameter in inspect.signature(made).parameters.values()
        )
        first = _SENTENCE.split(" ".join(description.split("\n\n")[0].split()), maxsplit=1)[0]
        return cls(name, _group(needs, parts), first, description, needs, parts, options)

    @property
    def asks(self) -> bool:
        """Whether it asks a language model by itself."""
        return any(SIGNALS[one].asks for one in self.needs or ())

    def needed(self, *, short: bool) -> str:
        """What it needs, in words."""
        if self.needs is None:
            meanings = ["depends on its options"]
        else:
            meanings = [SIGNALS[need].meaning for need in self.needs]
        if short:
            meanings = [meaning.partition(" (")[0] for meaning in meanings]
        if self.wraps:
            meanings.append("what the strategy inside needs")
        return "; ".join(meanings) or "nothing"

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name,
            "group": self.group,
            "summary": self.summary,
            "needs": None if self.needs is None else list(self.needs),
            "asks": self.asks,
            "wraps": list(self.wraps),
            "options": [asdict(option) for option in self.options],
        }


def strategies(name: str | None, *, as_json: bool) -> None:
    """List the strategies, or tell all about one."""
    with results_only_on_stdout(as_json):
        if name is not None:
            one = Strategy.of(name)
            result = {**one.as_dict(), "description": one.description}
            text = _describe(one)
        else:
            found, broken = _all()
            result = {"strategies": [each.as_dict() for each in found], "broken": broken}
            text = _all_in_words(found, broken)
    give(result, text, as_json=as_json)


def _all() -> tuple[list[Strategy], dict[str, str]]:
    """All strategies, and what is wrong with those plug-ins that cannot be loaded."""
    found: list[Strategy] = []
    broken: dict[str, str] = {}
    for name in REGISTRY.names():
        try:
            found.append(Strategy.of(name))
        except ConfigError as error:
            broken[name] = str(error)
    return found, broken


def _needs(name: str, made: Any, parts: Sequence[str]) -> tuple[Signal, ...] | None:
    for inner in _INNER:
        given: dict[str, Any] = {}
        for part in parts:
            parameter = inspect.signature(made).parameters[part]
            if parameter.default is inspect.Parameter.empty:
                several = re.search(r"tuple|Sequence|list", str(parameter.annotation))
                given[part] = [inner] if several else inner
        with contextlib.suppress(ConfigError):
            selector: Any = make(name, **given)
            own = selector.reads if parts and hasattr(selector, "reads") else selector.requires
            return tuple(sorted(own, key=list(SIGNALS).index))
    return None


def _group(needs: tuple[Signal, ...] | None, parts: Sequence[str]) -> Group:
    if parts:
        return "wrapper"
    if any(SIGNALS[one].asks for one in needs or ()):
        return "language model"
    if needs is None or any(SIGNALS[need].learnt for need in needs):
        return "learner"
    return "no labels"


def _descriptions_of_options(made: Any) -> dict[str, str]:
    """What docstrings say of each argument; a class inherits what it does not say itself."""
    said: dict[str, str] = {}
    for one in reversed(inspect.getmro(made) if inspect.isclass(made) else (made,)):
        text = inspect.cleandoc(one.__doc__ or "")
        found = re.search(r"^Args:\n((?: {4}.*\n?|\s*\n)+)", text, re.MULTILINE)
        if found:
            for name, words in _ARGUMENT.findall(found[1]):
                said[name] = " ".join(words.split())
    return said


def _all_in_words(found: Sequence[Strategy], broken: dict[str, str]) -> str:
    from rich.table import Table

    width = _width()
    names = max(len(one.name) for one in found)
    rest = width - names - 3 - 3 * 2
    blocks: list[RenderableType] = []
    for group, title in TITLES.items():
        chosen = [one for one in found if one.group == group]
        if not chosen:
            continue
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title=title)
        table.title_justify, table.title_style, table.header_style = "left", "bold", "dim"
        table.add_column("strategy", width=names)
        table.add_column("what it picks", width=rest - 2 * rest // 5)
        table.add_column("what it needs", width=2 * rest // 5)
        table.add_column("LM", width=3)
        for one in chosen:
            table.add_row(one.name, one.summary, one.needed(short=True), "yes" if one.asks else "")
        blocks += [table, ""]
    blocks += [f"{name}: {what}" for name, what in broken.items()]
    blocks.append("LM: asks a language model. All about one: llmal strategies NAME")
    return _printed(blocks, width)


def _describe(one: Strategy) -> str:
    from rich.table import Table

    blocks: list[RenderableType] = [one.name, "", one.description, ""]
    blocks.append(f"Needs: {one.needed(short=False)}.")
    if one.asks:
        blocks.append("Asks a language model.")
    blocks.append("")
    if not one.options:
        blocks.append("It has no options.")
        return _printed(blocks, _width())
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("option", "default", "what it is"):
        table.add_column(heading, no_wrap=heading != "what it is")
    for option in one.options:
        table.add_row(option.name, option.written, option.says)
    return _printed([*blocks, table], _width())


def _width() -> int:
    if not sys.stdout.isatty():
        return _PIPED_WIDTH
    return max(_NARROWEST, shutil.get_terminal_size().columns)


def _printed(blocks: Sequence[RenderableType], width: int) -> str:
    """The blocks as text; styles are kept for a terminal alone."""
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=sys.stdout.isatty(),
        markup=False,
        highlight=False,
        emoji=False,
    )
    for block in blocks:
        console.print(block)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    return "\n".join(line.rstrip() for line in lines).rstrip()
