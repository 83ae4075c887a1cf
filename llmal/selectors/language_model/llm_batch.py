"""ActiveLLM: the language model reads many texts at once and says which to label."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import BatchPlan, Plan
from llmal.core.records import Item, Usage, total
from llmal.errors import ConfigError, ContextLengthError
from llmal.lm.formats import DistinctIds
from llmal.lm.protocol import Completion, LanguageModel, Prompt, Sampling
from llmal.lm.requests import Written, plan_writing
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.templates import (
    PromptTemplate,
    load_prompt,
    to_one_line,
    without_special_tokens,
)
from llmal.selectors.language_model.grading import flagged
from llmal.selectors.language_model.windows import (
    even_windows,
    id_format,
    lines_of,
    listing,
    longest_lines,
)
from llmal.selectors.options import check_least
from llmal.selectors.picking import check_request
from llmal.selectors.protocol import Selection, drawn
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState

_log = logging.getLogger("llmal.selectors")

_LEAST_TEXTS = 20
"""Texts that a window can hold in any case: longer ones are cut to this share of the room."""

_MOST_PICKS = 32
"""Picks from a window of 200, as many as the authors have in a round."""

_MEMORY_SHARE = 4
"""The labelled texts take at most this part of the context."""

_SLACK = 16
"""Tokens for the seams between what was counted apart."""

_REASON = re.compile(r"^\W*(\d+)\s*[:.)\-]\s*(\S.*)$", re.MULTILINE)


@dataclass
class _Window:
    """Texts that are shown together.

    Attributes:
        places: Among the texts that are shown at all.
        quota: How many are to be chosen.
        chosen: Those that the model chose, as places, in its order.
        at: Which time it was asked when it chose each.
        notes: What it wrote before it chose.
        reasons: What the notes say of single texts, by place.
    """

    places: list[int]
    quota: int
    chosen: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    notes: str = ""
    reasons: dict[int, str] = field(default_factory=dict)

    @property
    def left(self) -> list[int]:
        taken = set(self.chosen)
        return [place for place in self.places if place not in taken]

    @property
    def missing(self) -> int:
        return self.quota - len(self.chosen)


@dataclass(frozen=True)
class LLMBatch:
    """One prompt shows a window of numbered texts, and the model lists those worth a label.

    The texts of a window are drawn at random. There are as many windows as it takes for
    `per_window` picks from each, and k is spread over them by size. Where the model's context is
    too short, the same texts are put into more windows, of which no more than k are asked about,
    and texts that take more than a twentieth of the room are cut; the log says so. Numbers in a
    prompt go from 1 up and say nothing of the pool.

    The list is held by a grammar to the right count of ids in range. It cannot hold them apart: a
    repeated id is dropped, and the model is asked again, up to `repairs` times, for those that are
    missing, with the chosen ones taken out. What is missing even then is drawn at random. The log
    and `why` say what was repaired. There are always k distinct picks.

    The score is minus the place in the window's list (0 is first); picks drawn at random come last.

    Source: ActiveLLM (Bayer and Reuter, 2024) and the authors' code: its modes are `advice`,
    `explain`, `guidelines`, `memory`, and its window of 50, 100 or 200 instances (200 was best). It
    shows one window a round, asks for ids in free text, and has instances over several lines with
    marks between them; here a text is one line, which no text can forge. Reasons are a call of
    their own, so that the list can be held to its grammar.

    Args:
        window: Texts in a prompt.
        per_window: Most picks from one window; by default 32, or a sixth of a smaller window.
        advice: Say what makes a text worth a label.
        explain: Have the model reason "first", or give a reason for "each" pick, which `why` then
            has; "none" asks for the list alone.
        guidelines: Show the guidelines of the task.
        memory: Show the texts of labelled items ("texts"), or have them in the numbered list, where
            they cannot be picked ("indices"), or neither ("none").
        memory_items: Labelled items that are shown: the last ones, as far as a quarter of the
            context goes.
        repairs: Times that the model is asked again.
        reason_tokens: Most tokens of its reasons for a window.
        temperature: At 0, the same window gives the same list.
        prompt: Name or path of the prompt.

    Raises:
        ConfigError: An option is out of range.
    """

    name = "llm_batch"
    requires = frozenset[Signal]({"texts", "scorer"})

    window: int = 200
    per_window: int | None = None
    advice: bool = True
    explain: Literal["none", "first", "each"] = "none"
    guidelines: bool = True
    memory: Literal["none", "texts", "indices"] = "none"
    memory_items: int = 20
    repairs: int = 2
    reason_tokens: int = 256
    temperature: float = 0.0
    prompt: str = "select"

    def __post_init__(self) -> None:
        check_least(
            self, window=2, per_window=1, memory_items=1, repairs=0, reason_tokens=1, temperature=0
        )
        if self.per_window is not None and self.per_window >= self.window:
            raise ConfigError(
                f"{self.name}: {self.per_window} picks of {self.window} texts are no choice",
                fix="lower per_window or raise window",
            )
        choices = {"explain": ("none", "first", "each"), "memory": ("none", "texts", "indices")}
        for option, known in choices.items():
            if getattr(self, option) not in known:
                raise ConfigError(
                    f"{self.name}: {option} is {getattr(self, option)!r}",
                    fix=f"use {', '.join(known)}",
                )

    @property
    def _most_picks(self) -> int:
        return self.per_window or max(1, min(_MOST_PICKS, self.window // 6))

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Have the model choose k items, window by window."""
        k = check_request(state, k, self.name, self.requires)
        rows = rng.choice(len(state.unlabelled), self._shown(state, k), replace=False)
        items = state.items(state.unlabelled[rows])
        book = _Book(self, state, k, len(rows))
        lines, tokens, cut = lines_of(items, book.lm, book.longest_line)
        cuts = book.windows(lines, tokens)
        if cut:
            _log.warning(
                "%s: %d of %d texts were cut to %d tokens, for want of context",
                self.name, cut, len(lines), book.longest_line,
            )  # fmt: skip
        if len(cuts) > book.wanted_windows:
            _log.warning(
                "%s: %d windows of %d texts in the place of %d, for want of context",
                self.name, len(cuts), math.ceil(len(lines) / len(cuts)), book.wanted_windows,
            )  # fmt: skip
        quotas = _quotas([one.stop - one.start for one in cuts], k, rng)
        windows = [
            _Window(list(range(one.start, one.stop)), quota)
            for one, quota in zip(cuts, quotas, strict=True)
        ]
        seed = int(rng.integers(2**31 - 1)) if self.temperature else 0
        book.ask(windows, lines, seed)
        return self._picked(state, windows, rows, items, book, rng)

    def plan(self, state: RoundState, k: int, rng: np.random.Generator | None) -> Plan[Selection]:
        """Plan to have the model choose k items. The plan counts the longest texts, and every list
        to be repaired every time.
        """
        return Plan(
            lambda: self.select(state, k, drawn(rng)), highest=lambda: self._highest(state, k)
        )

    def _highest(self, state: RoundState, k: int) -> Usage:
        shown = self._shown(state, k)
        book = _Book(self, state, k, shown)
        if shown == k:
            return Usage()
        return book.highest(longest_lines(book.lm, state, shown, book.longest_line))

    def _shown(self, state: RoundState, k: int) -> int:
        return min(len(state.unlabelled), self.window * math.ceil(k / self._most_picks))

    def _picked(
        self,
        state: RoundState,
        windows: Sequence[_Window],
        rows: NDArray[np.int64],
        items: Sequence[Item],
        book: _Book,
        rng: np.random.Generator,
    ) -> Selection:
        k = sum(one.quota for one in windows)
        found: list[tuple[int, int, str]] = []
        again = at_random = 0
        for window in windows:
            size = len(window.places)
            for turn, (place, time_) in enumerate(zip(window.chosen, window.at, strict=True)):
                why = f"choice {turn + 1} of {window.quota} from a window of {size} texts"
                if time_ < 0:
                    why = f"all {size} texts of its window are picked"
                elif time_:
                    again += 1
                    why += ", when asked again for ids that were missing"
                if place in window.reasons:
                    why += f": {window.reasons[place]}"
                found.append((turn, place, why))
            if window.missing:
                at_random += window.missing
                for place in rng.choice(window.left, window.missing, replace=False).tolist():
                    why = f"drawn at random from a window of {size} texts: the model repeated ids"
                    found.append((k, place, why))
        if again or at_random:
            _log.warning(
                "%s: the model gave %d of %d distinct ids; %d came when it was asked again, %d "
                "were drawn at random",
                self.name, k - again - at_random, k, again, at_random,
            )  # fmt: skip
        luck = rng.random(len(found))
        order = sorted(range(len(found)), key=lambda i: (found[i][0], luck[i]))
        picked = [found[i] for i in order]
        places = [place for _, place, _ in picked]
        return Selection(
            state.unlabelled[rows[places]],
            np.array([-turn for turn, _, _ in picked], dtype=np.float64),
            [flagged(why, items[place]) for _, place, why in picked],
            book.spent,
        )


class _Book:
    """The prompts of a round: made, fitted into the context, asked and counted."""

    def __init__(self, options: LLMBatch, state: RoundState, k: int, shown: int) -> None:
        scorer: PromptScorer = state.scorer
        self.options = options
        self.lm: LanguageModel = scorer.lm
        self.spent = Usage()
        self._task = scorer.prompts.task
        self._style = scorer.prompts.style
        self._template: PromptTemplate = load_prompt(options.prompt)
        self._share = k / shown
        self.wanted_windows = math.ceil(shown / options.window)
        self._memory: list[str] = []
        self._reasons = options.reason_tokens if options.explain != "none" else 0
        room = self.lm.context_length
        if options.memory != "none" and (len(state.labelled) or state.forecasts):
            part = None if room is None else room // _MEMORY_SHARE
            if state.forecasts:
                # Which items will be labelled is not known.
                count = min(options.memory_items, len(state.unlabelled))
                last = [Item("", one) for one in longest_lines(self.lm, state, count, part)]
            else:
                last = state.items(state.labelled[-options.memory_items :])[::-1]
            lines, tokens, _ = lines_of(last, self.lm, part)
            kept = len(lines) if part is None else int((np.cumsum(tokens) <= part).sum())
            self._memory = lines[:kept][::-1]
            if kept < len(lines):
                _log.warning(
                    "%s: %d of %d labelled texts are shown, for want of context",
                    options.name, kept, len(lines),
                )  # fmt: skip
        self._room: int | None = None
        self.longest_line: int | None = None
        if room is not None:
            empty = [self._prompt([], 1, step) for step in self._steps]
            frame = int(self.lm.count_tokens(empty).max()) + _SLACK
            self._room = room - frame - self._reasons
            self.longest_line = max(self._room // _LEAST_TEXTS, 1)
            if self._room < _LEAST_TEXTS:
                raise ContextLengthError(
                    f"{options.name}: without any text the prompt takes {frame} of the model's "
                    f"{room} tokens, and reasons {self._reasons}",
                    fix="shorten the guidelines, lower reason_tokens or memory_items, or use "
                    "another model",
                )

    @property
    def _first(self) -> int:
        """The number of the first text that can be chosen."""
        return 1 + (len(self._memory) if self.options.memory == "indices" else 0)

    @property
    def _steps(self) -> tuple[str, ...]:
        return ("ids", self.options.explain) if self._reasons else ("ids",)

    def windows(self, lines: Sequence[str], tokens: NDArray[np.int64]) -> list[slice]:
        """The windows of the texts, as few as fit."""

        def room(size: int) -> int | None:
            return None if self._room is None else self._room - self._answer(size, self._most(size))

        def fits(windows: list[slice]) -> bool:
            limit = self.lm.context_length
            if limit is None:
                return True
            sizes = np.array([one.stop - one.start for one in windows])
            answers = np.array([self._answer(n, self._most(n)) for n in sizes.tolist()])
            written = answers + self._reasons + (_SLACK if self._reasons else 0)
            return all(
                bool(
                    (
                        self.lm.count_tokens(self._prompts(lines, windows, step)) + written <= limit
                    ).all()
                )
                for step in self._steps
            )

        return even_windows(tokens, self.wanted_windows, room, fits)

    def highest(self, lines: Sequence[str]) -> Usage:
        """The most that asking about these texts can cost."""
        tokens = lines_of([Item("", line) for line in lines], self.lm, None)[1]
        windows = self.windows(lines, tokens)
        costs: list[Usage] = []
        for window in windows:
            size = window.stop - window.start
            shown, most = lines[window], self._most(size)
            asked = self._plan([self._prompt(shown, most, "ids")], None, self._answer(size, most))
            costs += [*asked.each] * (1 + self.options.repairs)
            if self._reasons:
                step = self.options.explain
                reasoned = self._plan([self._prompt(shown, most, step)], None, self._reasons)
                costs += reasoned.each
                # They are read again before the list.
                again = self._reasons + _SLACK
                costs.append(Usage(prompt_tokens=again, money=self.lm.price.of(again, 0)))
        return total(costs)

    def ask(self, windows: Sequence[_Window], lines: Sequence[str], seed: int) -> None:
        """Have the model choose from every window, and again what is missing."""
        for window in windows:
            if window.quota == len(window.places):
                window.chosen, window.at = list(window.places), [-1] * window.quota
        if self._reasons:
            self._explain([one for one in windows if one.missing], lines, seed)
        for time_ in range(1 + self.options.repairs):
            unfinished = [one for one in windows if one.missing]
            for (count, left), group in _alike(unfinished):
                high = self._first + left - 1
                ids = DistinctIds(count, self._first, high)
                prompts = [
                    self._prompt(
                        [lines[place] for place in one.left], count, "ids",
                        notes="" if time_ else one.notes,
                    )
                    for one in group
                ]  # fmt: skip
                answers = self._generate(
                    prompts, id_format(self.lm, ids), self._answer(left, count), seed + time_
                )
                for window, answer in zip(group, answers, strict=True):
                    # The last number of a list that broke off may lack digits.
                    text = answer.text if answer.finished else answer.text.rpartition(",")[0]
                    rest = window.left
                    found = [rest[number - self._first] for number in ids.parse(text)]
                    window.chosen += found
                    window.at += [time_] * len(found)

    def _explain(self, windows: Sequence[_Window], lines: Sequence[str], seed: int) -> None:
        prompts = [
            self._prompt([lines[place] for place in one.places], one.quota, self.options.explain)
            for one in windows
        ]
        answers = self._generate(prompts, None, self._reasons, seed)
        for window, answer in zip(windows, answers, strict=True):
            window.notes = without_special_tokens(answer.text.strip(), self.lm.special_tokens)
            if self.options.explain == "each":
                for number, reason in _REASON.findall(window.notes):
                    place = int(number) - self._first
                    if 0 <= place < len(window.places):
                        window.reasons.setdefault(window.places[place], to_one_line(reason))

    def _plan(
        self, prompts: list[Prompt], format: Any, most: int, seed: int = 0
    ) -> BatchPlan[list[Written]]:
        sampling = Sampling(self.options.temperature, max_tokens=most, seed=seed)
        return plan_writing(self.lm, prompts, format=format, sampling=sampling)

    def _generate(
        self, prompts: list[Prompt], format: Any, most: int, seed: int
    ) -> list[Completion]:
        written = self._plan(prompts, format, most, seed).execute()
        self.spent += total(one.usage for one in written)
        return [one.answers[0] for one in written]

    def _prompts(self, lines: Sequence[str], windows: Sequence[slice], step: str) -> list[Prompt]:
        return [self._prompt(lines[one], self._most(one.stop - one.start), step) for one in windows]

    def _prompt(self, lines: Sequence[str], k: int, step: str, notes: str = "") -> Prompt:
        indices = self.options.memory == "indices"
        numbered = [*self._memory, *lines] if indices else list(lines)
        return self._template.render(
            self._style,
            task=self._task,
            k=k,
            listing=listing(numbered),
            first=self._first,
            last=len(numbered),
            labelled=len(self._memory) if indices else 0,
            before="\n".join(self._memory) if self.options.memory == "texts" else "",
            step=step,
            notes=notes,
            advice=self.options.advice,
            guidelines=self.options.guidelines,
        )

    def _most(self, size: int) -> int:
        """Picks from a window of so many texts, at most."""
        return min(size, math.ceil(self._share * size))

    def _answer(self, size: int, count: int) -> int:
        """Tokens that a list of so many ids takes at most: no token is shorter than a character."""
        return count * (len(str(self._first + size)) + 2) + 1 + 16 * (not self.lm.exact)


def _alike(windows: Iterable[_Window]) -> Iterable[tuple[tuple[int, int], list[_Window]]]:
    """Windows that the same grammar holds, together."""

    def key(one: _Window) -> tuple[int, int]:
        return one.missing, len(one.places) - len(one.chosen)

    return [(kind, list(group)) for kind, group in groupby(sorted(windows, key=key), key)]


def _quotas(sizes: Sequence[int], k: int, rng: np.random.Generator) -> list[int]:
    """K spread over windows by their sizes, rounded by the largest remainders."""
    total = sum(sizes)
    quotas, rest = np.divmod(k * np.array(sizes, dtype=np.int64), total)
    more = np.lexsort((rng.random(len(sizes)), -rest))[: k - int(quotas.sum())]
    quotas[more] += 1
    found: list[int] = quotas.tolist()
    return found
