"""YAML as plain data that remembers on which line each key was written."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.reader import ReaderError

from llmal.errors import ConfigError

KeyPath = tuple[str | int, ...]
"""Keys and list positions, from the root of a document to a value."""

_NULL = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"
_FLOAT = "tag:yaml.org,2002:float"
# Nothing in a configuration is a date, or YAML's "=", but a name may look like one.
_LOOK_ODD = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
_SCALARS = (
    *_LOOK_ODD,
    *(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str")),
)
_SECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")


@dataclass(frozen=True)
class Places:
    """Where the keys of a document were written.

    Two of them are always equal: where a thing was written does not make it different.

    Attributes:
        source: Name of the document, as error messages give it.
        lines: Line of each key and of each list entry, counted from 1.
        extended: Name of the document of what was written in one that this extends.
    """

    source: str = field(default="<config>", compare=False)
    lines: Mapping[KeyPath, int] = field(default_factory=dict, compare=False)
    extended: Mapping[KeyPath, str] = field(default_factory=dict, compare=False)

    def order(self, path: KeyPath) -> tuple[str, int]:
        """Sorts places by document, this one first, and by line."""
        found = self._nearest(path)
        return self.extended.get(found, ""), self.lines.get(found, 0)

    def over(self, below: Places) -> Places:
        """The places of this document and, where it says nothing, of one that it extends."""
        extended = {path: below.extended.get(path, below.source) for path in below.lines}
        return Places(
            self.source,
            {**below.lines, **self.lines},
            {path: name for path, name in extended.items() if path not in self.lines},
        )

    def without(self, paths: Collection[KeyPath]) -> Places:
        """The same places but for what stands at some paths and below them."""
        gone = set(paths)
        kept = {
            path: line
            for path, line in self.lines.items()
            if not any(path[:end] in gone for end in range(1, len(path) + 1))
        }
        return Places(self.source, kept, {p: n for p, n in self.extended.items() if p in kept})

    def _nearest(self, path: KeyPath) -> KeyPath:
        """The path of a value, or of the nearest section around it that was written."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                return path[:end]
        return ()

    def written(self, path: KeyPath) -> KeyPath:
        """The path of a value as it was written: without a position where there is no list."""
        found: KeyPath = ()
        for step in path:
            here = (*found, step)
            if here in self.lines or not (isinstance(step, int) and found in self.lines):
                found = here
        return found

    def where(self, path: KeyPath, key: str | None = None) -> str:
        """A place in words: "trec.yaml, line 7, selector.name".

        Args:
            path: The place.
            key: A key of the section at that place; it decides the line and is not named.
        """
        found = self._nearest(path if key is None else (*path, key))
        line = self.lines.get(found)
        source = self.extended.get(found, self.source)
        parts = [source, f"line {line}" if line else "", _dotted(path)]
        return ", ".join(part for part in parts if part)


def _dotted(path: KeyPath) -> str:
    """A path as people write it: "annotator[1].via"."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


class _Loader(yaml.SafeLoader):
    """The safe loader; it refuses a key that is written twice, of which PyYAML keeps the last."""

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        # Here rather than in `_data`: this sees each mapping once, before merge keys are resolved.
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            where = f"{self.name}, line {line}"
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(
                    "a list or a mapping stands where a key is expected",
                    where=where,
                    fix="put a text that begins with a bracket in quotes",
                )
            if key.value in lines and key.tag != _MERGE:
                raise ConfigError(
                    f"the key {key.value!r} is written twice, "
                    + _both_lines(lines[key.value], line),
                    where=where,
                    fix="keep one of them",
                )
            lines[key.value] = line
        return node


def _both_lines(first: int, second: int) -> str:
    return "both on this line" if first == second else f"on lines {first} and {second}"


class _Dumper(yaml.SafeDumper):
    """The safe dumper, without aliases: a value that occurs twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _kind in (_Loader, _Dumper):
    # PyYAML follows YAML 1.1, in which 1e-3 is text and only 1.0e-3 is a number.
    _kind.add_implicit_resolver(_FLOAT, _EXPONENT, list("-+0123456789"))


def read(
    text: str, source: str, as_written: Callable[[KeyPath], bool]
) -> tuple[dict[str, Any], Places]:
    """Read one YAML document whose root is a mapping.

    Keys stay as they are written: `No: ""` has the key "No", of which PyYAML makes False.

    Args:
        text: The document.
        source: Its name, for error messages.
        as_written: Whether the value at a path is text whatever it looks like, so that a label
            written as Yes or as 10 stays that.

    Raises:
        ConfigError: The text is not YAML, is empty, is not a mapping, repeats a key, or has an
            alias that stands inside of what it stands for.
    """
    try:
        loader = _Loader(text.removeprefix("\ufeff"))
        loader.name = source
        root = loader.get_single_node()
        if root is None or root.tag == _NULL:
            raise ConfigError(
                "there is nothing in it",
                where=source,
                fix="a configuration needs at least 'task' and 'data'",
            )
        if not isinstance(root, yaml.MappingNode):
            what = "a list" if isinstance(root, yaml.SequenceNode) else "a single value"
            raise ConfigError(
                f"expected keys with values, got {what}",
                where=f"{source}, line {root.start_mark.line + 1}",
                fix="a configuration starts with a key, such as 'task:'",
            )
        lines: dict[KeyPath, int] = {}
        data: dict[str, Any] = _data(loader, root, (), (), lines, as_written)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"the character {chr(error.character)!r} is not allowed in YAML",
            where=f"{source}, line {line}",
            fix="remove it",
        ) from None
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, source) from None
    return data, Places(source, lines)


def write(data: Mapping[str, Any]) -> str:
    """Plain data as YAML that `read` reads back."""
    return yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _not_yaml(error: yaml.MarkedYAMLError, source: str) -> ConfigError:
    problem = str(error.problem)
    if "'\\t'" in problem:
        fix = "indent with spaces, not with tabs"
    elif "mapping values are not allowed" in problem:
        fix = "put a text that contains ': ' in quotes, and check the indentation"
    else:
        fix = "check the quotes, brackets and indentation around it"
    mark = error.problem_mark
    where = f"{source}, line {mark.line + 1}, column {mark.column + 1}" if mark else source
    return ConfigError(f"this is not valid YAML ({problem})", where=where, fix=fix)


def _data(
    loader: _Loader,
    node: yaml.Node,
    path: KeyPath,
    around: tuple[int, ...],
    lines: dict[KeyPath, int],
    as_written: Callable[[KeyPath], bool],
) -> Any:
    line = node.start_mark.line + 1
    if id(node) in around:
        raise ConfigError(
            "an alias stands inside of what it stands for",
            where=f"{loader.name}, line {line}",
            fix="write the value out",
        )
    known = _SCALARS if isinstance(node, yaml.ScalarNode) else _SECTIONS
    if node.tag not in known:
        raise ConfigError(
            f"the tag {node.tag!r} is not known here",
            where=f"{loader.name}, line {line}",
            fix="remove it",
        )
    if isinstance(node, yaml.ScalarNode):
        if as_written(path) and not (node.tag == _NULL and isinstance(path[-1], str)):
            return node.value
        if node.tag in _LOOK_ODD:
            return node.value
        try:
            return loader.construct_object(node)
        except (ValueError, LookupError):
            raise ConfigError(
                f"{node.value!r} cannot be read as its tag says",
                where=f"{loader.name}, line {line}",
                fix="remove the tag in front of it",
            ) from None
    around = (*around, id(node))
    if isinstance(node, yaml.SequenceNode):
        entries = []
        for position, entry in enumerate(node.value):
            lines[*path, position] = entry.start_mark.line + 1
            entries.append(_data(loader, entry, (*path, position), around, lines, as_written))
        return entries
    assert isinstance(node, yaml.MappingNode)
    loader.flatten_mapping(node)
    values: dict[str, Any] = {}
    for key, value in node.value:
        lines[*path, key.value] = key.start_mark.line + 1
        values[key.value] = _data(loader, value, (*path, key.value), around, lines, as_written)
    return values


def scalar(text: str) -> Any:
    """A value on a command line, read as it would be in a file: number, truth, null or text.

    Raises:
        ConfigError: It is not YAML.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{text!r} is not a value", fix="put it in quotes") from error
