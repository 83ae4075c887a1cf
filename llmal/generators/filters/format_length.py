"""Refuses texts that are too short or too long, or that carry more than a text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmal.core.records import SyntheticItem
from llmal.errors import ConfigError
from llmal.task import Task

_FIELDS = r"(?:label|class|category|answer(?: type)?|question type|topic|sentiment|emotion)"
_FIELD_LINE = re.compile(rf"^\W*({_FIELDS})\W*[:=]", re.IGNORECASE | re.MULTILINE)
_CONTROL = re.compile(r"<\|[^|<>\n]{1,40}\|>|\[/?INST\]|</?s>|<</?SYS>>|</?text>", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")


class FormatAndLength:
    """Refuses by form alone, without a model.

    A text is refused if it has too few or too many words, holds control tokens of a chat format
    or characters that cannot be printed, or gives its label away ("Label: Person"), which a learner
    would read in place of the text. Answers that were cut off or could not be parsed are refused
    by the generator already.

    Words are what white space separates. For scripts that do not separate words, set `min_words`
    to 1 and bound the length by the generator's `max_tokens`.

    Args:
        min_words: Shorter texts are refused.
        max_words: Longer texts are refused.
        task: Where it is given, "<field>: <label of the task>" is found inside a line too, and a
            text that is nothing but the name of a label is refused.
        special_tokens: Control tokens of the model, beside the usual ones (`lm.special_tokens`).

    Raises:
        ConfigError: The limits are below one, or crossed.
    """

    name = "format_length"

    def __init__(
        self,
        min_words: int = 3,
        max_words: int = 60,
        *,
        task: Task | None = None,
        special_tokens: Sequence[str] = (),
    ) -> None:
        if not 1 <= min_words <= max_words:
            raise ConfigError(
                f"min_words is {min_words} and max_words is {max_words}",
                fix="they must be at least 1, and min_words no more than max_words",
            )
        self.min_words = min_words
        self.max_words = max_words
        self._special = tuple(special_tokens)
        self._labels: set[str] = set()
        self._giveaway: re.Pattern[str] | None = None
        if task is not None:
            self._labels = {
                word.strip().casefold()
                for label in task.labels
                for word in (label.name, *label.verbalizers)
            }
            words = "|".join(re.escape(word) for word in sorted(self._labels))
            self._giveaway = re.compile(
                rf"\b({_FIELDS}\s*(?:[:=]|is)\s*[\"'(]?(?:{words}))(?!\w)", re.IGNORECASE
            )

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """For each item the first thing that is wrong with its text."""
        return [self._reason(item.text) for item in items]

    def _reason(self, text: str) -> str | None:
        token = next((one for one in self._special if one in text), None)
        control = _CONTROL.search(text)
        if token is not None or control is not None:
            return f"it holds the control token {token or (control and control.group())!r}"
        unprintable = _UNPRINTABLE.search(text)
        if unprintable is not None:
            return f"it holds the unprintable character U+{ord(unprintable.group()):04X}"
        if text.strip(" \t\n.,:;!?\"'").casefold() in self._labels:
            return f"it is nothing but the label {text.strip()!r}"
        field = _FIELD_LINE.search(text) or (self._giveaway and self._giveaway.search(text))
        if field is not None:
            return f"it gives its label away: {field.group(1)!r}"
        words = len(text.split())
        if words < self.min_words:
            return f"{words} word(s), at least {self.min_words} are wanted"
        if words > self.max_words:
            return f"{words} words, at most {self.max_words} are wanted"
        return None
