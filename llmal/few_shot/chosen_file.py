"""The file of a chosen prompt: YAML that people can read, and that gives back what was written."""

from __future__ import annotations

import difflib
import json
import logging
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import yaml

from llmal.config import yaml_lines
from llmal.config.yaml_lines import KeyPath, Places
from llmal.core.files import write_whole
from llmal.core.fingerprint import fingerprint
from llmal.core.records import Item, Usage
from llmal.errors import ConfigError, DataError
from llmal.few_shot.chosen import ChosenPrompt, check_demonstration
from llmal.lm.protocol import Normalise
from llmal.prompting.templates import PromptTemplate, Style, parse_prompt
from llmal.task import Label, Task

log = logging.getLogger("llmal.few_shot")

VERSION = 1
_MARK = "llmal_prompt"
_NONE = object()

_KEYS = (
    _MARK, "strategy", "shots", "seed", "order", "style", "normalise", "model", "cost", "task",
    "prompt", "demonstrations", "candidates", "calibration",
)  # fmt: skip
_TEMPLATE_KEYS = (
    "name", "version", "source", "digest", "hash", "inputs", "defaults", "completion", "chat",
    "candidate", "stop",
)  # fmt: skip
_KINDS: dict[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a mapping",
}


# What is written ---------------------------------------------------------------------------------


def as_data(chosen: ChosenPrompt) -> dict[str, Any]:
    """A chosen prompt as plain data, in the order of its file."""
    data = {
        _MARK: VERSION,
        "strategy": {"name": chosen.strategy, "options": dict(chosen.options)},
        "shots": chosen.shots,
        "seed": chosen.seed,
        "order": chosen.order,
        "style": chosen.style,
        "normalise": chosen.normalise,
        "model": chosen.model,
        "cost": {key: value for key, value in chosen.cost.as_dict().items() if value},
        "task": _task_data(chosen.task),
        "prompt": _template_data(chosen.template),
        "demonstrations": [_item_data(one) for one in chosen.demonstrations],
        "candidates": [_item_data(one) for one in chosen.candidates],
        "calibration": None if chosen.calibration is None else dict(chosen.calibration),
    }
    if not chosen.strategy:
        del data["strategy"]
    elif not chosen.options:
        data["strategy"] = chosen.strategy
    return {key: value for key, value in data.items() if value not in (None, [], {}, "")}


def _task_data(task: Task) -> dict[str, Any]:
    labels = {
        one.name: {"description": one.description, "words": list(one.words)}
        if one.words
        else one.description
        for one in task.labels
    }
    said = {"name": task.name, "text": list(task.text), "labels": labels}
    return {**said, "guidelines": task.guidelines} if task.guidelines else said


def _template_data(template: PromptTemplate) -> dict[str, Any]:
    said = template.as_dict()
    head = {key: said.pop(key) for key in ("name", "version")}
    return {
        **head,
        "source": template.source,
        "digest": template.digest,
        "hash": _content_hash(template),
        **said,
    }


def _content_hash(template: PromptTemplate) -> str:
    # YAML has dates, which JSON has not.
    raw = json.dumps(template.as_dict(), sort_keys=True, default=str)
    return fingerprint("words of a prompt", raw)


def _item_data(item: Item) -> dict[str, Any]:
    data: dict[str, Any] = {"id": item.id, "label": item.gold}
    if not item.fields or "\n".join(item.fields.values()) != item.text:
        data["text"] = item.text
    if item.fields:
        data["fields"] = dict(item.fields)
    if item.extra:
        data["extra"] = dict(item.extra)
    return data


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, lists of numbers in one line, and nothing as an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    # YAML folds all of these into one kind of line break, unless they are escaped in quotes.
    if any(mark in text for mark in "\r\x85\u2028\u2029\ufeff"):
        style = '"'
    elif "\n" in text:
        # A block that begins or ends in blank lines is not given back by every reader.
        style = '"' if text != text.strip("\n ") + "\n" * text.endswith("\n") else "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _list_node(dumper: yaml.SafeDumper, values: list[Any]) -> yaml.SequenceNode:
    short = all(
        isinstance(one, (int, float)) or (isinstance(one, str) and len(one) < 30) for one in values
    )
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=short)


_Dumper.add_representer(str, _text_node)
_Dumper.add_representer(list, _list_node)
# What our reader takes for a number, and PyYAML for a text, must stand in quotes.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def write(chosen: ChosenPrompt, path: Path) -> None:
    """Write a file.

    Raises:
        ConfigError: It cannot be written.
    """
    text = yaml.dump(
        as_data(chosen), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    try:
        write_whole(path, text)
    except OSError as error:
        raise ConfigError(
            f"the file cannot be written ({error.strerror})", where=str(path)
        ) from None


# What is read ------------------------------------------------------------------------------------


def read(path: Path) -> ChosenPrompt:
    """Read a file.

    Raises:
        ConfigError: It cannot be read, is none of ours, or something in it is not usable.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"the file cannot be read ({error.strerror})", where=str(path)) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"the byte 0x{error.object[error.start]:02x} is not UTF-8",
            where=f"{path}, line {line}",
            fix="save the file as UTF-8",
        ) from None
    if not re.search(rf"^{_MARK}\s*:", text, re.MULTILINE):
        what = "this is not a chosen prompt of llmal"
        if re.search(r"^(completion|chat)\s*:", text, re.MULTILINE):
            what = "this is a prompt template, not a chosen prompt"
        raise ConfigError(what, where=str(path), fix="make one with: llmal icl choose")
    data, places = yaml_lines.read(text, str(path), _as_written)
    if _MARK not in data:
        raise ConfigError(
            f"the key {_MARK!r} is missing", where=str(path), fix="make one with: llmal icl choose"
        )
    return _chosen(_Part(data, places, (), _KEYS))


def _as_written(path: KeyPath) -> bool:
    """Texts stay texts where people write them by hand: a label named No, a text that is 10."""
    match path:
        case ("strategy" | "order" | "style" | "normalise" | "model",):
            return True
        case ("strategy", "name") | ("prompt", "digest" | "hash" | "name" | "source"):
            return True
        case ("task", "labels", *_) | ("task", "name" | "guidelines"):
            return True
        case ("task", "text", *_) | ("prompt", "completion" | "chat" | "candidate", *_):
            return True
        case ("demonstrations" | "candidates", _, key, *_) if key != "extra":
            return True
    return False


class _Part:
    """A mapping of the file, and where it stands."""

    def __init__(
        self, data: Any, places: Places, path: KeyPath, known: tuple[str, ...] = ()
    ) -> None:
        self.places, self.path = places, path
        if not isinstance(data, dict):
            raise self.problem(f"expected a mapping, got {_shown(data)}")
        self.data = data
        for key in data:
            if known and key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                raise ConfigError(
                    f"unknown key {key!r}",
                    where=places.where(path, key),
                    fix=f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}",
                )

    def problem(self, what: str, *steps: str | int, fix: str | None = None) -> ConfigError:
        return ConfigError(what, where=self.places.where((*self.path, *steps)), fix=fix)

    def get(self, key: str, kind: type, default: Any = _NONE) -> Any:
        value = self.data.get(key)
        if value is None:
            if default is not _NONE:
                return default
            if key in self.data:
                raise self.problem(f"expected {_KINDS[kind]}, got nothing", key)
            raise self.problem(f"the key {key!r} is missing", fix="add it")
        return self._typed(value, kind, key)

    def _typed(self, value: Any, kind: type, *steps: str | int) -> Any:
        fits = isinstance(value, (int, float) if kind is float else kind)
        if not fits or (isinstance(value, bool) and kind in (int, float)):
            raise self.problem(f"expected {_KINDS[kind]}, got {_shown(value)}", *steps)
        return value

    def texts(self, key: str) -> dict[str, str]:
        """A mapping of texts."""
        return {name: self._typed(one, str, key, name) for name, one in
                self.get(key, dict, {}).items()}  # fmt: skip

    def part(self, *steps: str | int, known: tuple[str, ...] = ()) -> _Part:
        value: Any = self.data
        for step in steps:
            value = value[step]
        return _Part(value, self.places, (*self.path, *steps), known)


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]} ..."


def _one_of(root: _Part, key: str, known: tuple[Any, ...], default: Any) -> Any:
    value = root.get(key, str, default)
    if value not in known:
        names = [repr(one) for one in known]
        raise root.problem(
            f"expected {', '.join(names[:-1])} or {names[-1]}, got {_shown(value)}", key
        )
    return value


def _chosen(root: _Part) -> ChosenPrompt:
    version = root.get(_MARK, int)
    if version != VERSION:
        raise root.problem(
            f"version {version} of the file is not known",
            _MARK,
            fix=f"this llmal reads version {VERSION}; choose again, or use the llmal that wrote it",
        )
    for key in ("task", "prompt"):
        root.get(key, dict)
    task = _task(root.part("task", known=("name", "text", "labels", "guidelines")))
    strategy, options = root.data.get("strategy"), {}
    if isinstance(strategy, dict):
        part = root.part("strategy", known=("name", "options"))
        strategy, options = part.get("name", str), part.get("options", dict, {})
    else:
        strategy = root.get("strategy", str, "")
    demonstrations = _items(root, "demonstrations", task)
    candidates = _items(root, "candidates", task)
    calibration = root.get("calibration", dict, None)
    cost = root.part("cost", known=tuple(one.name for one in fields(Usage))) if root.data.get(
        "cost"
    ) else None  # fmt: skip
    try:
        chosen = ChosenPrompt(
            task=task,
            template=_template(root.part("prompt", known=_TEMPLATE_KEYS)),
            style=_one_of(root, "style", get_args(Style), _NONE),
            normalise=_one_of(root, "normalise", get_args(Normalise), "sum"),
            strategy=strategy,
            options=options,
            shots=root.get("shots", int, len(demonstrations)),
            seed=root.get("seed", int, 0),
            model=root.get("model", str, ""),
            demonstrations=demonstrations,
            candidates=candidates,
            order=root.get("order", str, "as-chosen"),
            calibration=calibration,
            cost=Usage(**{key: cost.get(key, float) for key in cost.data}) if cost else Usage(),
        )
    except ConfigError as error:
        if error.where:
            raise
        raise ConfigError(error.what, where=root.places.source, fix=error.fix) from None
    try:
        chosen.calibrator()
    except (ConfigError, DataError) as error:
        raise root.problem(error.what, "calibration", fix=error.fix) from None
    return chosen


def _task(part: _Part) -> Task:
    columns = part.get("text", list, ["text"])
    labels = []
    for name, said in part.get("labels", dict).items():
        if isinstance(said, dict):
            label = part.part("labels", name, known=("description", "words"))
            words = label.get("words", list, [])
            labels.append(Label(name, label.get("description", str, ""), tuple(words)))
        elif said is None or isinstance(said, str):
            labels.append(Label(name, said or ""))
        else:
            raise part.problem(f"expected a text, got {_shown(said)}", "labels", name)
    for place, column in enumerate(columns):
        if not isinstance(column, str):
            raise part.problem(f"expected a text, got {_shown(column)}", "text", place)
    try:
        return Task(part.get("name", str), labels, part.get("guidelines", str, ""), columns)
    except ConfigError as error:
        raise part.problem(error.what, "labels", fix=error.fix) from None


def _template(part: _Part) -> PromptTemplate:
    content = {k: v for k, v in part.data.items() if k not in ("source", "digest", "hash")}
    digest = part.get("digest", str, "")
    template = parse_prompt(content, part.places.where(part.path), digest)
    now = _content_hash(template)
    if part.get("hash", str, now) != now or not digest:
        log.info("%s: the wording was changed by hand", part.places.where(part.path))
        template = replace(template, digest=now)
    return replace(template, source=part.get("source", str, part.places.source))


def _items(root: _Part, key: str, task: Task) -> tuple[Item, ...]:
    items: dict[str, Item] = {}
    for place in range(len(root.get(key, list, []))):
        part = root.part(key, place, known=("id", "label", "text", "fields", "extra"))
        texts = part.texts("fields")
        name = part.get("id", str)
        try:
            label = task.match(part.get("label", str))
        except DataError as error:
            raise part.problem(error.what, "label", fix=error.fix) from None
        item = Item(
            id=name,
            text=part.get("text", str, "\n".join(texts.values()) if texts else _NONE),
            fields=texts,
            gold=label,
            extra=part.get("extra", dict, {}),
        )
        if name in items:
            raise part.problem(
                f"the demonstration {name!r} occurs twice", "id", fix="keep one of them"
            )
        try:
            check_demonstration(item, task)
        except DataError as error:
            raise part.problem(error.what, "label", fix=error.fix) from None
        items[name] = item
    return tuple(items.values())
