"""Where a text and an answer stand in what a language model reads, and the words of the classes."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.learners.networks.backbone import Backbone
from llmal.learners.networks.context import LongTexts, context_of
from llmal.prompting.templates import load_prompt, to_one_line
from llmal.task import Task

_MASKED = "{text} It was {mask}."
_PLACE = "\x00"


@dataclass(frozen=True)
class Template:
    """What a language model reads of a text.

    Attributes:
        before: Fixed words in front, such as an instruction.
        around: With `{text}`, and for a masked language model `{mask}`.
    """

    before: str
    around: str

    def fill(self, text: str, mask: str = "") -> str:
        """The words for one text."""
        return self.before + self.around.replace("{mask}", mask).replace("{text}", text)

    def text_in(self, filled: str) -> str:
        """The text inside a filled template; all of it, where it is filled otherwise."""
        head, _, tail = self.around.partition("{text}")
        start, end = filled.rfind(head) + len(head), len(filled.rstrip()) - len(tail.rstrip())
        if head not in filled or not filled.rstrip().endswith(tail.rstrip()) or start > end:
            return filled
        return filled[start:end]


def make_template(
    given: str | None, instruction: str, words: Sequence[str], backbone: Backbone
) -> Template:
    """A template for a model, checked; llmal's own labelling prompt where none is given.

    Args:
        given: With `{text}` and, for a masked language model, `{mask}`.
        instruction: Guidelines of the task.
        words: The classes' words.
        backbone: The model.

    Raises:
        ConfigError: A field is missing, or is none that there is.
    """
    masked = backbone.kind == "masked"
    if given is None:
        if backbone.kind == "causal":
            return _labelling_prompt(instruction, words)
        given = _MASKED if masked else "{text}"
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(given) if name is not None]
    except ValueError as error:
        raise ConfigError(f"the template {given!r} cannot be read ({error})") from error
    wanted = ["text", "mask"] if masked else ["text"]
    for name in wanted:
        if fields.count(name) != 1:
            raise ConfigError(
                f"the template {given!r} has {{{name}}} {fields.count(name)} times",
                fix=f"put {{{name}}} into it once",
            )
    unknown = [name for name in fields if name not in wanted]
    if unknown:
        raise ConfigError(
            f"the template {given!r} has a field {{{unknown[0]}}}",
            fix=f"a {backbone.kind} model fills in {' and '.join(f'{{{one}}}' for one in wanted)}",
        )
    before = f"{instruction.strip()}\n\n" if instruction.strip() else ""
    return Template(before, given)


def _labelling_prompt(instruction: str, words: Sequence[str]) -> Template:
    if len(words) < 2:  # nothing is to be told apart
        return Template("", "{text}\n")
    task = Task("label", list(words), instruction, text="text")
    rendered = load_prompt("label").render(
        "completion", task=task, labels=list(words), item=Item("", _PLACE),
        demonstrations=[],
    )  # fmt: skip
    assert isinstance(rendered, str)
    head, _, tail = rendered.partition(_PLACE)
    start = head.rfind("\n") + 1
    return Template(head[:start], head[start:] + "{text}" + tail)


def words_of(classes: Sequence[Any], verbalizers: Mapping[Any, str] | None) -> list[str]:
    """The word of each class: what is given, else its name.

    Raises:
        ConfigError: A class has no word, or two have the same.
    """
    known = {str(name): word for name, word in (verbalizers or {}).items()}
    words = []
    for one in classes:
        word = known.get(str(one), one if isinstance(one, str) else None)
        if not isinstance(word, str) or not word.strip():
            raise ConfigError(
                f"the class {one!r} has no word for the language model to say",
                fix="give verbalizers: a word for each class",
            )
        words.append(word.strip())
    twice = next((word for word in words if words.count(word) > 1), None)
    if twice is not None:
        raise ConfigError(f"two classes have the word {twice!r}", fix="give each one of its own")
    return words


def single_tokens(words: Sequence[str], backbone: Backbone) -> list[int]:
    """The one token of each word in the middle of a sentence.

    Raises:
        ConfigError: A word has more tokens than one, or is not in the vocabulary.
    """
    tokenizer = backbone.encoder.tokenizer
    tokens = []
    for word in words:
        ids = tokenizer(f" {word}", add_special_tokens=False).input_ids
        if len(ids) != 1:
            parts = ", ".join(repr(one) for one in tokenizer.convert_ids_to_tokens(ids))
            raise ConfigError(
                f"the word {word!r} has {len(ids)} tokens in this model ({parts}), and a masked "
                "language model fills in one",
                fix="give the class another word with verbalizers",
            )
        if ids[0] == tokenizer.unk_token_id:
            raise ConfigError(
                f"the word {word!r} is not in the model's vocabulary",
                fix="give the class another word with verbalizers",
            )
        tokens.append(int(ids[0]))
    if len(set(tokens)) < len(tokens):
        raise ConfigError("two classes have the same token", fix="give one of them another word")
    return tokens


def fill_in(
    texts: Sequence[str], template: Template, backbone: Backbone, long: LongTexts
) -> tuple[list[str], list[tuple[int, ...]]]:
    """Texts in their templates, as a model reads them.

    Args:
        texts: n texts.
        template: Where they go.
        backbone: The model.
        long: How much is kept of a text, and who says so.

    Returns:
        What is kept of each text, and the token ids of its filled template.
    """
    tokenizer = backbone.encoder.tokenizer
    kept, shortened = cut(texts, tokenizer, long.most, one_line=backbone.kind == "causal")
    long.tell(shortened, len(texts))
    mask = tokenizer.mask_token if backbone.kind == "masked" else ""
    filled = [template.fill(text, mask) for text in kept]
    encoded = backbone.encoder.encode(filled) if filled else []
    return kept, [tuple(one) for one in encoded]


def room_in(
    template: Template, backbone: Backbone, taken: int, max_length: int, *, what: str, fix: str
) -> int:
    """Most tokens of a text, at most `max_length`, beside its template and what else takes some.

    Args:
        template: Where texts go.
        backbone: The model.
        taken: Places that a soft prompt and the answer take.
        max_length: Most tokens that are wanted.
        what: What takes them, for messages.
        fix: What to do where there is no room, for messages.

    Raises:
        ConfigError: There is no room for a text.
    """
    context = context_of(backbone.model)
    if context is None:
        return max_length
    mask = backbone.encoder.tokenizer.mask_token or ""
    empty = backbone.encoder.encode([template.fill("", mask)])[0]
    taken += len(empty) + 2
    if context - taken < 1:
        raise ConfigError(
            f"{what} take {taken} tokens and leave no room for a text in a context of {context}",
            fix=fix,
        )
    return min(max_length, context - taken)


def cut(
    texts: Sequence[str], tokenizer: Any, most: int, *, one_line: bool
) -> tuple[list[str], int]:
    """Texts cut at the end to so many tokens, on one line each where that is wanted; and how many
    were longer.
    """
    lines = [to_one_line(text) if one_line else text for text in texts]
    if not lines:
        return [], 0
    encoded = tokenizer(lines, add_special_tokens=False, return_offsets_mapping=True)
    ends = [
        len(line) if len(offsets) <= most else offsets[most - 1][1]
        for line, offsets in zip(lines, encoded["offset_mapping"], strict=True)
    ]
    cut_short = sum(len(offsets) > most for offsets in encoded["offset_mapping"])
    return [line[:end] for line, end in zip(lines, ends, strict=True)], cut_short
