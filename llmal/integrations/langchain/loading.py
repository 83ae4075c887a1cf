"""LangChain's few-shot templates as chosen prompts."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from string import Formatter
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.prompts import (
    AIMessagePromptTemplate,
    ChatPromptTemplate,
    FewShotChatMessagePromptTemplate,
    FewShotPromptTemplate,
    HumanMessagePromptTemplate,
    PromptTemplate,
    SystemMessagePromptTemplate,
)

from llmal.core.fingerprint import fingerprint
from llmal.core.records import Item, Usage
from llmal.demonstrations import REGISTRY, Fixed
from llmal.errors import ConfigError, DataError
from llmal.few_shot.chosen import ChosenPrompt
from llmal.integrations.langchain.example_selector import ExampleSelector
from llmal.integrations.langchain.pieces import LABEL, Wording
from llmal.integrations.langchain.templates import (
    DemonstrationPromptTemplate,
    WordedFewShotPromptTemplate,
    WordedPromptTemplate,
    as_prompt,
    example_of,
)
from llmal.lm.protocol import Normalise
from llmal.prompting.order import make_order
from llmal.prompting.templates import PromptTemplate as Wordings
from llmal.prompting.templates import parse_prompt
from llmal.task import Task

log = logging.getLogger("llmal.few_shot")

_ROLES = {
    SystemMessagePromptTemplate: "system",
    HumanMessagePromptTemplate: "user",
    AIMessagePromptTemplate: "assistant",
}


def from_langchain(
    template: FewShotPromptTemplate | ChatPromptTemplate,
    task: Task,
    *,
    input_key: str | Sequence[str] | None = None,
    output_key: str = LABEL,
    normalise: Normalise = "sum",
) -> ChosenPrompt:
    """A few-shot template of LangChain as a prompt of llmal.

    One that was made by `few_shot_template` or `few_shot_chat_template` gives back what it was made
    from; if its examples were changed since, with the new ones in their order, and without the
    calibration, which was fitted through the old ones. Of any other the wording becomes a prompt
    of llmal. It reads the same, but in its completion form texts are put on one line, so that none
    can imitate the form of the prompt.

    Args:
        template: In the format "f-string"; a chat template with a
            `FewShotChatMessagePromptTemplate` in it.
        task: What is labelled. What an example shows as its label may be the label's name or its
            first word.
        input_key: The variable that holds the text, or one for each text column of the task;
            by default the names of the columns.
        output_key: The variable of an example that holds the label.
        normalise: How labels of several tokens are to be compared.

    Raises:
        ConfigError: The template does more than llmal's prompts can, or names a variable that is
            neither a text nor the label.
        DataError: An example has a label that the task lacks, or lacks a text.
    """
    keys = (
        task.text
        if input_key is None
        else (input_key,) if isinstance(input_key, str) else tuple(input_key)
    )  # fmt: skip
    if len(keys) != len(task.text):
        raise ConfigError(
            f"{len(keys)} input keys are given for the {len(task.text)} text columns of task "
            f"{task.name!r}",
            fix="give one for each",
        )
    few = _few_shot_part(template)
    wording = _wording(template)
    if wording is not None:
        if wording.chosen.task != task:
            wording.chosen.check_task(task)
        return _again(wording, few)
    names = dict(zip(keys, task.text, strict=True))
    reader = _Reader(names, output_key)
    prompt = reader.prompt(template)
    given = few.example_selector
    if isinstance(given, ExampleSelector) and given.selector.per_query:
        strategy, options = _named(given.selector)
        return ChosenPrompt(
            task,
            prompt,
            prompt.styles[0],
            normalise,
            strategy=strategy,
            options=options,
            shots=given.k,
            seed=given.seed,
            candidates=tuple(_in_columns(candidate, names) for candidate in given.candidates),
        )
    items = _read(_examples(few), task, keys, output_key)
    return ChosenPrompt(
        task, prompt, prompt.styles[0], normalise, shots=len(items), demonstrations=items
    )


def _few_shot_part(template: Any) -> Any:
    if isinstance(template, (FewShotPromptTemplate, FewShotChatMessagePromptTemplate)):
        return template
    parts = [
        one
        for one in getattr(template, "messages", ())
        if isinstance(one, FewShotChatMessagePromptTemplate)
    ]
    if not parts and isinstance(template, ChatPromptTemplate):
        return FewShotChatMessagePromptTemplate(examples=[], example_prompt=template)
    if len(parts) != 1:
        raise ConfigError(
            f"a {type(template).__name__} with {len(parts)} few-shot parts is no few-shot prompt",
            fix="give a FewShotPromptTemplate, or a chat template with one "
            "FewShotChatMessagePromptTemplate",
        )
    return parts[0]


def _wording(template: Any) -> Wording | None:
    """The prompt of llmal that a template was made from."""
    if isinstance(template, WordedFewShotPromptTemplate):
        return template.wording
    for message in getattr(template, "messages", ()):
        prompt = getattr(message, "prompt", None)
        if isinstance(prompt, WordedPromptTemplate):
            return prompt.wording
    return None


def _again(wording: Wording, few: Any) -> ChosenPrompt:
    chosen = wording.chosen
    given = few.example_selector
    if isinstance(given, ExampleSelector) and not isinstance(given.selector, Fixed):
        if given.candidates == chosen.candidates:
            return chosen
        changed = replace(chosen, candidates=given.candidates)
    elif isinstance(given, ExampleSelector):
        return chosen  # A fixed set that is arranged for each query.
    else:
        examples = _examples(few)
        order = make_order(chosen.order)
        mine = [example_of(wording, one) for one in order.arrange(chosen.demonstrations)]
        if examples == mine:
            return chosen
        known = {demonstration.id: demonstration for demonstration in chosen.demonstrations}
        items = tuple(
            known[one.id] if one.id in known and _same(known[one.id], one) else one
            for one in _read(examples, chosen.task, chosen.task.text, LABEL)
        )
        changed = replace(
            chosen,
            demonstrations=items,
            shots=len(items),
            order="as-chosen",
            strategy="",
            options={},
        )
    if chosen.calibration is not None:
        log.warning(
            "the examples were changed since the prompt was chosen: its calibration, which was "
            "fitted through the old ones, is left out"
        )
    return replace(changed, calibration=None, cost=Usage())


def _same(one: Item, other: Item) -> bool:
    return (one.text, one.gold) == (other.text, other.gold)


def _examples(few: Any) -> list[dict[str, Any]]:
    if few.examples is not None:
        return list(few.examples)
    given = few.example_selector
    if isinstance(given, ExampleSelector):
        if given.order is not None and given.order.requires:
            raise ConfigError(
                "the order of the demonstrations depends on the query",
                fix="make the example selector without an order, and set it afterwards",
            )
        # A fixed set does not look at what is asked.
        return given.select_examples({})
    raise ConfigError(
        f"the examples are chosen by a {type(given).__name__}, which llmal does not know",
        fix="give the examples themselves, or an ExampleSelector of llmal",
    )


def _read(
    examples: Sequence[Mapping[str, Any]], task: Task, keys: Sequence[str], output_key: str
) -> tuple[Item, ...]:
    labels = {label.verbalizers[0]: label.name for label in task.labels}
    labels |= {name: name for name in task.names}
    items: dict[str, Item] = {}
    for number, example in enumerate(examples, 1):
        for key in (*keys, output_key):
            if not isinstance(example.get(key), str):
                raise DataError(
                    f"example {number} has no {key!r}",
                    fix=f"it has {', '.join(example)}; name the keys with input_key and output_key",
                )
        label = example[output_key]
        if label not in labels:
            raise DataError(
                f"example {number} has the label {label!r}, which task {task.name!r} lacks",
                fix=f"its labels are {', '.join(task.names)}",
            )
        texts = [example[key] for key in keys]
        name = example.get("id") or fingerprint("example", [texts, label])
        if str(name) in items:
            raise DataError(f"example {number} is there twice", fix="keep one of them")
        fields = dict(zip(task.text, texts, strict=True))
        items[str(name)] = Item(str(name), "\n".join(texts), fields, labels[label])
    return tuple(items.values())


def _in_columns(item: Item, names: Mapping[str, str]) -> Item:
    """An item whose fields have the names of the task's columns."""
    return replace(item, fields={names.get(key, key): text for key, text in item.fields.items()})


def _named(selector: Any) -> tuple[str, dict[str, Any]]:
    """Name and options of a selector."""
    needs = selector.requires
    for name in REGISTRY.names():
        if REGISTRY.get(name) is type(selector) and dataclasses.is_dataclass(selector):
            return name, {
                field.name: getattr(selector, field.name)
                for field in dataclasses.fields(selector)
                if field.name not in needs and getattr(selector, field.name) != field.default
            }
    raise ConfigError(
        f"the selector {type(selector).__name__} has no name among the demonstrations",
        fix="use one that has, or give the examples themselves",
    )


class _Reader:
    """Turns LangChain's f-strings into Jinja."""

    def __init__(self, names: Mapping[str, str], output_key: str) -> None:
        self.names = names
        self.output_key = output_key

    def prompt(self, template: Any) -> Wordings:
        """The wording as a prompt of llmal."""
        content: dict[str, Any] = {
            "name": "langchain",
            "version": 1,
            "inputs": ["item", "demonstrations"],
        }
        if isinstance(template, FewShotPromptTemplate):
            content["completion"] = self._completion(template)
        elif isinstance(template, FewShotChatMessagePromptTemplate):
            raise ConfigError(
                "the few-shot part of a chat template does not say how the query is asked",
                fix="give the ChatPromptTemplate that it is in",
            )
        else:
            content["chat"] = [
                turn for message in template.messages for turn in self._turns(message, template)
            ]
        # Not as plain data, for the order of its keys has always counted here.
        digest = fingerprint("prompt", json.dumps(content))
        return parse_prompt(content, f"<{type(template).__name__}>", digest)

    def _completion(self, template: Any) -> str:
        self._needs_f_string(template)
        self._needs_f_string(template.example_prompt)
        example = self._example(template)
        prefix, separator, suffix = (
            self._jinja(text, template.partial_variables, shown=False, line=True)
            for text in (template.prefix, template.example_separator, template.suffix)
        )
        if not re.search(r"\{\{ item\.", prefix + suffix):
            raise ConfigError(
                "the template has no place for the text that is asked about",
                fix=f"put {{{next(iter(self.names))}}} into its suffix",
            )
        # LangChain leaves out what is empty, together with its separator.
        if suffix:
            return prefix + separator * bool(prefix) + self._loop(example + separator) + suffix
        return prefix + self._loop(separator + example)

    def _example(self, template: Any) -> str:
        inner = template.example_prompt
        if isinstance(inner, DemonstrationPromptTemplate):
            return self._jinja(inner.template, inner.partial_variables, shown=True, line=True)
        # LangChain fills an example in, and then the whole with that in it once more.
        return self._jinja(
            inner.template,
            inner.partial_variables,
            shown=True,
            line=True,
            literal=lambda text: self._jinja(
                text, template.partial_variables, shown=False, line=True
            ),
        )

    def _loop(self, text: str) -> str:
        # Jinja takes away a line break after a block, and without "+" the spaces before it.
        return f"{{%+ for each in demonstrations %}}\n{text}{{%+ endfor %}}\n"

    def _turns(self, message: Any, template: Any) -> list[dict[str, str]]:
        if isinstance(message, FewShotChatMessagePromptTemplate):
            inner = message.example_prompt
            return [
                {**turn, "each": "demonstrations"}
                for one in getattr(inner, "messages", [inner])
                for turn in self._turn(one, template, shown=True)
            ]
        return self._turn(message, template, shown=False)

    def _turn(self, message: Any, template: Any, *, shown: bool) -> list[dict[str, str]]:
        if isinstance(message, BaseMessage):
            said = as_prompt([message])[0]
            return [{"role": said["role"], "content": self._literal(said["content"])}]
        role = _ROLES.get(type(message))
        prompt = getattr(message, "prompt", None)
        if role is None or not isinstance(prompt, PromptTemplate):
            raise ConfigError(
                f"a {type(message).__name__} in the chat template is nothing that a prompt of "
                "llmal can hold",
                fix="use system, human and AI messages with text",
            )
        self._needs_f_string(prompt)
        partial = {**template.partial_variables, **prompt.partial_variables}
        content = self._jinja(prompt.template, partial, shown=shown, line=False)
        return [{"role": role, "content": content}]

    def _needs_f_string(self, template: Any) -> None:
        if template.template_format != "f-string":
            raise ConfigError(
                f"the template is in the format {template.template_format!r}",
                fix="only the format 'f-string' can be read",
            )

    def _jinja(
        self,
        text: str,
        partial: Mapping[str, Any],
        *,
        shown: bool,
        line: bool,
        literal: Callable[[str], str] | None = None,
    ) -> str:
        literal = literal or self._literal
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise ConfigError(
                f"{text!r} has a brace that is not a place of an f-string ({error})",
                fix="write {{ or }} for a brace",
            ) from None
        result = fixed = ""
        for before, name, spec, conversion in parts:
            fixed += before  # A brace that was written twice ends a part without a place.
            if name is None:
                continue
            if spec or conversion:
                raise ConfigError(
                    f"the variable {name!r} is formatted ({spec or conversion})",
                    fix="leave the format out",
                )
            result += literal(fixed) + self._place(name, partial, shown, line)
            fixed = ""
        return result + literal(fixed)

    def _place(self, name: str, partial: Mapping[str, Any], shown: bool, line: bool) -> str:
        if name in self.names:
            owner = "each.item" if shown else "item"
            column = self.names[name]
            text = "text" if len(self.names) == 1 else f"fields[{json.dumps(column)}]"
            return f"{{{{ {owner}.{text}{' | line' if line else ''} }}}}"
        if shown and name == self.output_key:
            return "{{ each.word }}"
        if name in partial:
            value = partial[name]
            return self._literal(str(value() if callable(value) else value))
        raise ConfigError(
            f"the template has a variable {name!r}, which is neither a text nor the label",
            fix=f"the texts are {', '.join(self.names)} and the label of an example is "
            f"{self.output_key}; name them with input_key and output_key, or fill it in with "
            "partial",
        )

    def _literal(self, text: str) -> str:
        return text.replace("{", "{{ '{' }}")
