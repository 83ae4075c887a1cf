"""Sentences for the mistakes that pydantic finds in a configuration."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from llmal.config.extending import EXTENDS
from llmal.config.plug_ins import PLUG_IN, plug_in_names
from llmal.config.schema import RunConfig
from llmal.config.section import Section, named
from llmal.config.yaml_lines import KeyPath, Places
from llmal.errors import ConfigError

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a text",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "is_instance_of": "a path",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "greater_than": "a number greater than {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number less than {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "string_too_short": "a text",
    "too_short": "at least one entry",
}


_TAGGED = {
    "annotator": "annotator",
    "stop": "stopping rule",
    "generator": "generator",
    "embedder": "embedder",
}
"""Sections whose entries are told apart by their name."""


def explain(error: ValidationError, data: Mapping[str, Any], places: Places) -> ConfigError:
    """All mistakes in the order of the file, one sentence and one line each."""
    found = [_one(details, data, places) for details in error.errors(include_url=False)]
    found.sort(key=lambda one: one[0])
    if len(found) == 1:
        return found[0][1]
    return ConfigError("\n".join(str(sentence) for _, sentence in found))


def _one(
    details: ErrorDetails, data: Mapping[str, Any], places: Places
) -> tuple[tuple[str, int], ConfigError]:
    path = _written_path(details["loc"], places)
    line = places.order(path)
    if details["type"] == "extra_forbidden":
        *section, key = path
        return line, ConfigError(
            f"unknown key {key!r}",
            where=places.where(tuple(section), str(key)),
            fix=_nearest(str(key), _known_keys(tuple(section), data)),
        )
    if details["type"] == "missing":
        *section, key = path
        where = places.where(tuple(section))
        values = _values(_annotation(tuple(section), str(key), data))
        fix = f"write {' or '.join(f'{key}: {one}' for one in values)}" if values else "add it"
        return line, ConfigError(f"the key {key!r} is missing", where=where, fix=fix)
    if details["type"] == "union_tag_invalid" and (*path, "name") in places.lines:
        path = (*path, "name")
    what, fix = _sentence(details, path, data)
    return line, ConfigError(what, where=places.where(path), fix=fix or None)


def _sentence(details: ErrorDetails, path: KeyPath, data: Mapping[str, Any]) -> tuple[str, str]:
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    if kind == "llmal":
        return context["what"], context["fix"]
    if kind == "union_tag_not_found":
        return "the key 'name' is missing", "add it"
    if kind == "union_tag_invalid":
        what = f"there is no {_TAGGED[str(path[0])]} named {context['tag']!r}"
        known = [one for one in _quoted(context["expected_tags"]) if one != PLUG_IN]
        return what, _nearest(context["tag"], [*known, *plug_in_names(str(path[0]))])
    if kind == "literal_error":
        what = f"expected {context['expected']}, got {_shown(value)}"
        near = difflib.get_close_matches(str(value), _quoted(context["expected"]), n=1)
        return what, f"did you mean {near[0]!r}?" if near else ""
    if kind in _EXPECTED:
        named = kind.startswith("model_") and "name" in _known_keys(path, data)
        fix = f"write {{name: {value}}}" if named and isinstance(value, str) else ""
        return f"expected {_EXPECTED[kind].format(**context)}, got {_shown(value)}", fix
    return f"{details['msg'][0].lower()}{details['msg'][1:]}", ""


def _written_path(location: tuple[int | str, ...], places: Places) -> KeyPath:
    """The path of a mistake in the file.

    Pydantic puts the name of the annotator or of the rule in after its position, and a position
    even where one stands without a list around it.
    """
    if len(location) > 2 and location[0] in _TAGGED and location[2] in _TAGS:
        location = (*location[:2], *location[3:])
    elif len(location) > 1 and location[0] in _TAGGED and location[1] in _TAGS:
        location = (location[0], *location[2:])
    return places.written(location)


def _sections(annotation: Any) -> tuple[type[Section], ...]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return (annotation,)
    return tuple(one for part in get_args(annotation) for one in _sections(part))


def _fields(sections: Iterable[type[Section]]) -> dict[str, Any]:
    return {
        field.alias or name: field.annotation
        for section in sections
        for name, field in section.model_fields.items()
    }


def _known_keys(path: KeyPath, data: Any) -> list[str]:
    """The keys that the section at a path may have."""
    known = list(_fields(_sections_at(path, data)))
    return known if path else [*known, EXTENDS]


def _annotation(path: KeyPath, key: str, data: Any) -> Any:
    """The type of a key of the section at a path."""
    return _fields(_sections_at(path, data)).get(key)


def _values(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _sections_at(path: KeyPath, data: Any) -> tuple[type[Section], ...]:
    """The section at a path, or those that it may be."""
    sections: tuple[type[Section], ...] = (RunConfig,)
    among_names = False  # what comes next is a label, say, and not a key of ours
    for step in path:
        fields = _fields(sections)
        if step in fields and not among_names:
            annotation = fields[str(step)]
            sections = _sections(annotation)
            among_names = get_origin(annotation) is dict
        else:
            among_names = False
        data = named(data[step])
        if isinstance(data, Mapping) and len(sections) > 1:
            name = data.get("name", _name_by_default(sections))
            sections = tuple(one for one in sections if _tag(one) == name)
    return sections


def _name_by_default(sections: tuple[type[Section], ...]) -> str | None:
    """The name that is meant where none is written, if one is."""
    fields = (one.model_fields.get("name") for one in sections)
    return next((one.default for one in fields if one and not one.is_required()), None)


def _tag(section: type[Section]) -> str | None:
    field = section.model_fields.get("name")
    values = get_args(field.annotation) if field else ()
    return values[0] if values else None


_TAGS = {
    _tag(section)
    for name in _TAGGED
    for section in _sections(RunConfig.model_fields[name].annotation)
} | {PLUG_IN}


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"


def _quoted(text: str) -> list[str]:
    return re.findall(r"'([^']*)'", text)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]} ..."
