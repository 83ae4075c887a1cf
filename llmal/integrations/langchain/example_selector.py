"""A demonstration selector as LangChain's example selector."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from langchain_core.example_selectors import BaseExampleSelector

from llmal.core.fingerprint import fingerprint
from llmal.core.records import Item, one_label
from llmal.demonstrations.protocol import DemonstrationSelector
from llmal.errors import ConfigError, DataError
from llmal.prompting.order import Order


class ExampleSelector(BaseExampleSelector):  # type: ignore[misc]
    """Gives the demonstrations that a selector chooses as LangChain's examples.

    A fixed set is chosen at the first use and kept until an example is added. Where demonstrations
    are chosen for each query, the same query always gets the same ones, and a query whose text is
    that of a candidate is taken for it: it is never its own demonstration.

    A `FewShotPromptTemplate` fills its examples in twice, so a text with a brace in it breaks it,
    unless its `example_prompt` is a `DemonstrationPromptTemplate`. A
    `FewShotChatMessagePromptTemplate` has no such fault, but passes the query on only if its
    `input_variables` name it.

    Args:
        selector: Chooses.
        candidates: Labelled items, or examples as `add_example` takes them.
        k: Shots.
        seed: The same choice for the same seed.
        input_key: The variable that holds the text; several for a task with several text columns.
        output_key: The variable that holds the label.
        order: How demonstrations are arranged; without it the most useful stands first.
        words: What is shown for each label; without it its name.

    Raises:
        ConfigError: `k` is negative, or a key is used twice.
        DataError: A candidate has no label, or two have the same id.
    """

    def __init__(
        self,
        selector: DemonstrationSelector,
        candidates: Sequence[Item | Mapping[str, Any]],
        k: int,
        *,
        seed: int = 0,
        input_key: str | Sequence[str] = "text",
        output_key: str = "label",
        order: Order | None = None,
        words: Mapping[str, str] | None = None,
    ) -> None:
        if k < 0:
            raise ConfigError(f"k is {k}", fix="it must be 0 or more")
        self.selector = selector
        self.k = k
        self.seed = seed
        self.input_keys = (input_key,) if isinstance(input_key, str) else tuple(input_key)
        self.output_key = output_key
        self.order = order
        keys = (*self.input_keys, output_key)
        if len(set(keys)) < len(keys) or not self.input_keys:
            raise ConfigError(
                f"the keys of an example are {', '.join(keys)}",
                fix="give each text and the label a key of its own",
            )
        self._words = dict(words or {})
        self._labels = {word: label for label, word in self._words.items()}
        self._candidates: dict[str, Item] = {}
        self._by_text: dict[tuple[str, ...], str] = {}
        self._fixed: list[Item] | None = None
        self._lock = threading.Lock()
        for candidate in candidates:
            item = candidate if isinstance(candidate, Item) else self.item(candidate)
            if item.gold is None:
                raise DataError(f"the candidate {item.id!r} has no label", fix="label it")
            if isinstance(candidate, Item) and item.id in self._candidates:
                raise DataError(
                    f"two candidates have the id {item.id!r}", fix="ids must be distinct"
                )
            self._add(item)

    @property
    def candidates(self) -> tuple[Item, ...]:
        """What is chosen from."""
        with self._lock:
            return tuple(self._candidates.values())

    def add_example(self, example: dict[str, str]) -> str:
        """Add a candidate; a fixed set is then chosen anew at the next use.

        Args:
            example: Its texts and its label, by their keys, and perhaps its "id".

        Returns:
            Its id. An example that is there already stays as it is.

        Raises:
            DataError: A text or the label is missing, or the id is that of another example.
        """
        item = self.item(example)
        with self._lock:
            self._add(item)
            self._fixed = None
        return item.id

    def select_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """The demonstrations for a query, in the order of the prompt.

        Raises:
            DataError: They depend on the query, and a text of it is not given.
        """
        if not self.k:
            return []
        chosen = self.demonstrations(input_variables)
        if self.order is not None:
            query = self._query(input_variables) if self.order.requires else None
            chosen = self.order.arrange(chosen, query)
        return [self.example(item) for item in chosen]

    def demonstrations(self, input_variables: Mapping[str, str] | None = None) -> list[Item]:
        """The demonstrations themselves, most useful first.

        Raises:
            DataError: They depend on the query, and a text of it is not given.
        """
        rng = np.random.default_rng(self.seed)
        if self.selector.per_query:
            return self.selector.choose(
                self.candidates, self.k, rng, self._query(input_variables or {})
            )
        with self._lock:
            if self._fixed is None:
                everyone = tuple(self._candidates.values())
                self._fixed = self.selector.choose(everyone, self.k, rng)
            return list(self._fixed)

    def example(self, item: Item) -> dict[str, Any]:
        """An item as an example."""
        texts = [item.text] if len(self.input_keys) == 1 else self._columns(item)
        label = one_label(item.gold)
        shown = dict(zip(self.input_keys, texts, strict=True))
        return {**shown, self.output_key: self._words.get(label, label)}

    def item(self, example: Mapping[str, Any]) -> Item:
        """An example as an item.

        Raises:
            DataError: A text or the label is missing, or is not a text.
        """
        label = self._text(example, self.output_key, "the example")
        item = self._asked(example, "the example", self._labels.get(label, label))
        given = example.get("id")
        if given is not None and not isinstance(given, str):
            raise DataError(f"the id of an example is {given!r}", fix="give a text")
        return item if given is None else Item(given, item.text, item.fields, item.gold)

    def _asked(self, values: Mapping[str, Any], what: str, label: str | None = None) -> Item:
        texts = [self._text(values, key, what) for key in self.input_keys]
        return Item(
            id=fingerprint("example", [texts, label]),
            text="\n".join(texts),
            fields=dict(zip(self.input_keys, texts, strict=True)) if len(texts) > 1 else {},
            gold=label,
        )

    def _query(self, values: Mapping[str, Any]) -> Item:
        item = self._asked(values, "what is asked")
        own = self._by_text.get(self._key(item))
        return item if own is None else Item(own, item.text, item.fields)

    def _text(self, values: Mapping[str, Any], key: str, what: str) -> str:
        value = values.get(key)
        if not isinstance(value, str):
            given = ", ".join(values) or "nothing"
            raise DataError(
                f"{what} has no {key!r}" if value is None else f"{key!r} of {what} is no text",
                fix=f"it has {given}; name the keys with input_key and output_key, and the query's "
                "in the input_variables of a FewShotChatMessagePromptTemplate",
            )
        return value

    def _columns(self, item: Item) -> list[str]:
        missing = [key for key in self.input_keys if key not in item.fields]
        if missing:
            raise DataError(
                f"the candidate {item.id!r} has no text column {missing[0]!r}",
                fix=f"it has {', '.join(item.fields) or 'none'}; name them with input_key",
            )
        return [item.fields[key] for key in self.input_keys]

    def _key(self, item: Item) -> tuple[str, ...]:
        return (item.text,) if len(self.input_keys) == 1 else tuple(self._columns(item))

    def _add(self, item: Item) -> None:
        there = self._candidates.get(item.id)
        if there is not None and (there.text, there.gold) != (item.text, item.gold):
            raise DataError(
                f"there is another example with the id {item.id!r}", fix="ids must be distinct"
            )
        if there is None:
            key = self._key(item)  # Refuses an item that lacks a column before it is kept.
            self._candidates[item.id] = item
            self._by_text.setdefault(key, item.id)
