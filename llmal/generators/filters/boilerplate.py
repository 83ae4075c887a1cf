"""Refuses what language models write around or in the place of a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from llmal.core.records import SyntheticItem
from llmal.errors import ConfigError
from llmal.generators.filters.texts import Texts, text_chunks
from llmal.pool.minhash import words_of
from llmal.task import Task

_WRITTEN = r"(?:text|example|sentence|question|review|article|headline|tweet|message|version|item)"
_OPENINGS = re.compile(
    r"^\W*(?:"
    r"(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|great)\s*[,!.:]\s*"
    r"(?:here|below|i(?:'| a)m|i can|i(?:'| wi)ll|let me|this is|the following)"
    r"|(?:sure|certainly|of course|absolutely)\s*!"
    rf"|here(?:'s| is| are)\s+(?:an?|the|your|my|some|one|two|three|\d+)\b[^.?!\n]{{0,60}}?"
    rf"(?:{_WRITTEN}s?\b|:)"
    rf"|below (?:is|are) [^.?!\n]{{0,60}}?(?:{_WRITTEN}s?\b|:)"
    rf"|(?:the following|this) (?:is|are) (?:an? |the )?[^.?!\n]{{0,40}}?{_WRITTEN}s?\b"
    rf"[^.?!\n]{{0,40}}:"
    r")",
    re.IGNORECASE,
)
_ANYWHERE = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|\bi(?:'m| am) (?:just )?an? (?:ai|(?:large )?language model)\b"
    r"|\bi(?:'m| am) sorry,? but i (?:can(?:no|')t|am unable|am not able)"
    r"|\bi (?:can(?:no|')t|am unable to|am not able to) (?:assist|help|fulfill|generate|provide)\b"
    r"|\b(?:i )?hope (?:this|that|it) helps\b"
    r"|\blet me know if (?:you|there|this)\b"
    r"|\bfeel free to (?:ask|adjust|modify|let)\b"
    r"|\[(?:insert|your|name|topic|company)[^\]\n]{0,30}\]",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(
    r"^\s{0,3}#{1,6}\s+\S|```|\*\*[^*\n]+\*\*|__[^_\n]+__|^\s*[-*\u2022]\s+\S|^\s*\d{1,2}[.)]\s+\S"
    r"|^\s*>\s|\[[^\]\n]+\]\(\w+:[^)\n]+\)|^\s*\|.*\|\s*$",
    re.MULTILINE,
)
_RUN = 4
"""Words in a phrase."""


class Boilerplate:
    """Refuses phrases of assistants, markdown, labels in front, and the generator's own clichés.

    The first three go by rules (English). The last is learned: a phrase of four words that stands
    in several of the texts written and accepted so far, and in a far larger share of them than of
    the pool, has a further text with it refused.

    Args:
        task: Its labels are not to stand in front of a text ("Person: who …").
        pool: Phrases are counted here; without it there are no learned ones.
        least: Accepted texts that must have a phrase.
        lift: So many times the share in the pool their share must be.

    Raises:
        ConfigError: `least` is below two or `lift` not above one.
    """

    name = "boilerplate"

    def __init__(
        self,
        task: Task | None = None,
        pool: Texts | None = None,
        *,
        least: int = 5,
        lift: float = 20.0,
    ) -> None:
        if least < 2:
            raise ConfigError(f"least is {least}", fix="it must be at least 2")
        if lift <= 1:
            raise ConfigError(f"lift is {lift}", fix="it must be above 1")
        self.least = least
        self.lift = lift
        self._pool = pool
        self._known: Counter[tuple[str, ...]] | None = None
        self._written: Counter[tuple[str, ...]] = Counter()
        self._count = 0
        self._labelled: re.Pattern[str] | None = None
        if task is not None:
            names = {word.strip() for one in task.labels for word in (one.name, *one.verbalizers)}
            either = "|".join(re.escape(name) for name in sorted(names) if name)
            self._labelled = re.compile(
                rf"^\W*({either})\s*[\])*\"']*\s*(?::|[-\u2013\u2014]\s)", re.IGNORECASE
            )

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """For each item the phrase that it is refused for."""
        if self._known is None:
            self._known = Counter(
                phrase
                for chunk in ([] if self._pool is None else text_chunks(self._pool))
                for text in chunk
                for phrase in _phrases(text)
            )
        batch: Counter[tuple[str, ...]] = Counter()
        count = self._count
        reasons: list[str | None] = []
        for item in items:
            phrases = _phrases(item.text)
            reason = self._by_rule(item.text) or self._by_count(phrases, batch, count)
            if reason is None:
                batch.update(phrases)
                count += 1
            reasons.append(reason)
        return reasons

    def remember(self, items: Sequence[SyntheticItem]) -> None:
        """Count the phrases of these too: accepted by every filter, or from an earlier run."""
        for item in items:
            self._written.update(_phrases(item.text))
            self._count += 1

    def _by_rule(self, text: str) -> str | None:
        opening = _OPENINGS.search(text)
        if opening is not None:
            return f"it begins as an answer to somebody: {opening.group().strip()!r}"
        phrase = _ANYWHERE.search(text)
        if phrase is not None:
            return f"it holds a phrase of assistants: {phrase.group()!r}"
        label = self._labelled.search(text) if self._labelled is not None else None
        if label is not None:
            return f"it has a label in front: {label.group().strip()!r}"
        markdown = _MARKDOWN.search(text)
        if markdown is not None:
            return f"it holds markdown: {markdown.group().strip()!r}"
        return None

    def _by_count(
        self, phrases: set[tuple[str, ...]], batch: Counter[tuple[str, ...]], count: int
    ) -> str | None:
        if self._pool is None or self._known is None or not phrases:
            return None
        phrase = max(sorted(phrases), key=lambda one: self._written[one] + batch[one])
        often = self._written[phrase] + batch[phrase]
        share = (1 + self._known[phrase]) / (1 + len(self._pool))
        if often < self.least or often / count < self.lift * share:
            return None
        return (
            f"{' '.join(phrase)!r} stands in {often} of the {count} texts before, and in "
            f"{self._known[phrase]} of the {len(self._pool)} of the pool"
        )


def _phrases(text: str) -> set[tuple[str, ...]]:
    words = words_of(text).split()
    return {tuple(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1)}
