"""The fixed parts of a labelling prompt, found by filling marks into its places.

Jinja can do anything with a text. LangChain's templates can only put it somewhere. So a prompt is
filled with marks in the place of texts and labels; where the marks come out whole, once for each
demonstration, and all else stays the same, what stands between them are the fixed parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmal.core.records import Answer, Item
from llmal.errors import ConfigError
from llmal.few_shot.chosen import ChosenPrompt
from llmal.lm.protocol import Message, Prompt
from llmal.prompting.templates import without_special_tokens

_MARK = re.compile(r"zq(i|\d+)x(\d+|w|g)qz")
LABEL = "label"
"""The variable of an example that holds what is shown for its label."""


@dataclass(frozen=True)
class Pieces:
    """A completion prompt in LangChain's f-strings."""

    prefix: str
    example: str
    separator: str
    suffix: str


@dataclass(frozen=True)
class Turn:
    """A message in LangChain's f-strings; of every demonstration if `repeated`."""

    role: str
    content: str
    repeated: bool = False


@dataclass(frozen=True)
class Wording:
    """Fills the places of a chosen prompt.

    Attributes:
        chosen: The prompt.
        special_tokens: Control tokens of the model, which are broken in texts.
    """

    chosen: ChosenPrompt
    special_tokens: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The text columns: LangChain's variables."""
        return self.chosen.task.text

    @property
    def words(self) -> dict[str, str]:
        """What is shown for each label."""
        return {label.name: label.verbalizers[0] for label in self.chosen.task.labels}

    def item(self, texts: Sequence[str], name: str = "", gold: Answer | None = None) -> Item:
        """An item with these texts."""
        return Item(name, "\n".join(texts), dict(zip(self.columns, texts, strict=True)), gold)

    def render(self, item: Item, demonstrations: Sequence[tuple[Item, str]] = ()) -> Prompt:
        """The prompt for an item with demonstrations, each with what is shown for its label."""
        task = self.chosen.task
        return self.chosen.template.render(
            self.chosen.style,
            task=task,
            labels=list(self.words.values()),
            item=self._clean(item),
            demonstrations=[
                {"item": self._clean(one), "word": word} for one, word in demonstrations
            ],
        )

    def _clean(self, item: Item) -> Item:
        fields = {
            key: without_special_tokens(text, self.special_tokens)
            for key, text in item.fields.items()
        }
        return replace(
            item, text=without_special_tokens(item.text, self.special_tokens), fields=fields
        )

    def marked(self, shots: int) -> Prompt:
        """The prompt with marks for all texts and labels."""
        return self.render(self._marks("i"), [self._marked_shot(n) for n in range(shots)])

    def _marks(self, which: int | str) -> Item:
        same = all(name == word for name, word in self.words.items())
        return self.item(
            [f"zq{which}x{place}qz" for place in range(len(self.columns))],
            gold=f"zq{which}x{'w' if same else 'g'}qz",
        )

    def _marked_shot(self, which: int) -> tuple[Item, str]:
        return self._marks(which), f"zq{which}xwqz"

    def filtered(self, values: Mapping[str, Any], *, shown: bool) -> dict[str, Any]:
        """Variables with the texts as the prompt has them: on one line, with tags broken, cut.

        Args:
            values: LangChain's variables; others than texts stay as they are.
            shown: Whether they are of a demonstration.

        Raises:
            ConfigError: The prompt does more with the text than to put it somewhere.
        """
        result = dict(values)
        for place, column in enumerate(self.columns):
            text = values.get(column)
            if isinstance(text, str):
                result[column] = self._filtered(place, text, shown)
        return result

    def _filtered(self, place: int, text: str, shown: bool) -> str:
        marks = self._marks(0 if shown else "i")
        mark = marks.fields[self.columns[place]]
        texts = list(marks.fields.values())
        texts[place] = text
        given = self.item(texts, gold=marks.gold)
        query = self._marks("i")

        def filled(one: Item) -> str:
            prompt = self.render(query, [(one, "zq0xwqz")]) if shown else self.render(one)
            return prompt if isinstance(prompt, str) else "\n".join(m["content"] for m in prompt)

        parts = filled(marks).split(mark)
        times = len(parts) - 1
        if not times:
            return text
        whole = filled(given)
        length, rest = divmod(len(whole) - sum(map(len, parts)), times)
        value = whole[len(parts[0]) : len(parts[0]) + length]
        if rest or length < 0 or value.join(parts) != whole:
            raise self.not_fixed(f"the text {text[:40]!r} changes what stands around it")
        return value

    def not_fixed(self, why: str) -> ConfigError:
        """What is said of a prompt that LangChain's templates cannot express."""
        return ConfigError(
            f"the {self.chosen.style} form of the prompt {self.chosen.template.name!r} cannot be "
            f"written as a few-shot template of LangChain: {why}",
            where=self.chosen.template.source or None,
            fix="use a prompt that puts each text and label of a demonstration in a fixed place",
        )

    # ---------------------------------------------------------------------------------------------

    def pieces(self) -> Pieces:
        """The fixed parts of the completion form.

        Raises:
            ConfigError: It has none.
        """
        if not self.chosen.shots:
            prompt = self.marked(0)
            assert isinstance(prompt, str)
            return Pieces("", f"{{{LABEL}}}", "", self._text(self._tokens(prompt)))
        prompt = self.marked(2)
        assert isinstance(prompt, str)
        tokens = self._tokens(prompt)
        first = self._span(tokens, "0")
        second = self._span(tokens, "1")
        if first is None or second is None:
            raise self.not_fixed("it does not show every demonstration")
        if first[1] > second[0]:
            raise self.not_fixed("demonstrations do not follow each other")
        example = self._text(tokens[first[0] : first[1]], "0")
        if self._text(tokens[second[0] : second[1]], "1") != example:
            raise self.not_fixed("its demonstrations are not alike")
        before = self._text(tokens[: first[0]])
        between = self._text(tokens[first[1] : second[0]], "no")
        after = self._text(tokens[second[1] :])
        return self._joined(before, example, between, after)

    def _joined(self, before: str, example: str, between: str, after: str) -> Pieces:
        lead = between.lstrip("\n")
        breaks = between[: len(between) - len(lead)]
        if breaks and after.startswith(breaks) and after != breaks:
            # LangChain leaves out an empty prefix together with the separator after it.
            if before == lead:
                return Pieces("", lead + example, breaks, after[len(breaks) :])
            if before.endswith(between) and before != between:
                prefix = before[: len(before) - len(between)]
                return Pieces(prefix, lead + example, breaks, after[len(breaks) :])
        if after.startswith(between):
            return Pieces(before, example + between, "", after[len(between) :])
        if before.endswith(between):
            return Pieces(before[: len(before) - len(between)], between + example, "", after)
        raise self.not_fixed("what stands before its first demonstration or after its last differs")

    def turns(self) -> list[Turn]:
        """The messages of the chat form; those of a demonstration once.

        Raises:
            ConfigError: Its demonstrations are not messages of their own.
        """
        prompt = self.marked(2 if self.chosen.shots else 0)
        assert not isinstance(prompt, str)
        if not self.chosen.shots:
            return [Turn(m["role"], self._text(self._tokens(m["content"]))) for m in prompt]
        owners = [self._owner(message) for message in prompt]
        for number in ("0", "1"):
            if number not in owners:
                raise self.not_fixed("it does not show every demonstration in messages of its own")
        first, second = owners.index("0"), owners.index("1")
        width = second - first
        if owners[first : first + 2 * width] != ["0"] * width + ["1"] * width or {
            "0",
            "1",
        } & set(owners[first + 2 * width :]):
            raise self.not_fixed("demonstrations do not follow each other")
        turns: list[Turn] = []
        for place, message in enumerate(prompt):
            if second <= place < second + width:
                continue
            number = owners[place]
            content = self._text(self._tokens(message["content"]), number)
            if number == "0":
                twin = prompt[place + width]
                if twin["role"] != message["role"] or content != self._text(
                    self._tokens(twin["content"]), "1"
                ):
                    raise self.not_fixed("its demonstrations are not alike")
            turns.append(Turn(message["role"], content, number == "0"))
        return turns

    def _owner(self, message: Message) -> str:
        """The number of the demonstration that a message is of; "i" for no demonstration."""
        owners = {one.group(1) for one in _MARK.finditer(message["content"])}
        shown = owners - {"i"}
        if shown and len(owners) > 1:
            raise self.not_fixed("a message holds more than one demonstration, or the query too")
        return shown.pop() if shown else "i"

    def _tokens(self, text: str) -> list[str | tuple[str, str]]:
        """Fixed texts and marks, in turn."""
        tokens: list[str | tuple[str, str]] = []
        end = 0
        for one in _MARK.finditer(text):
            tokens += [text[end : one.start()], (one.group(1), one.group(2))]
            end = one.end()
        return [token for token in (*tokens, text[end:]) if token]

    def _span(self, tokens: Sequence[str | tuple[str, str]], who: str) -> tuple[int, int] | None:
        places = [i for i, one in enumerate(tokens) if isinstance(one, tuple) and one[0] == who]
        return (places[0], places[-1] + 1) if places else None

    def _text(self, tokens: Sequence[str | tuple[str, str]], who: str = "i") -> str:
        """Tokens as an f-string, in which there may be marks of one owner."""
        result = ""
        for token in tokens:
            if isinstance(token, str):
                result += brace(token)
                continue
            owner, what = token
            if owner != who:
                raise self.not_fixed("a demonstration holds the query or another demonstration")
            if what == "g":
                raise self.not_fixed("it shows the name of a label beside its word")
            if what == "w" and owner == "i":
                raise self.not_fixed("it shows the label of the item that it asks about")
            result += "{" + (LABEL if what == "w" else self.columns[int(what)]) + "}"
        return result


def brace(text: str) -> str:
    """A text whose braces are no places in an f-string."""
    return text.replace("{", "{{").replace("}", "}}")
