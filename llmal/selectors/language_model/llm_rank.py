"""The language model as a ranker: grades of usefulness, and lists put in order."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Item, Usage
from llmal.errors import ConfigError, ContextLengthError
from llmal.lm.formats import DistinctIds
from llmal.lm.protocol import LanguageModel, Prompt, Sampling
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.templates import load_prompt
from llmal.selectors.language_model.grading import (
    CANDIDATES,
    POINTS,
    check_candidates,
    cost_of_asking,
    draw_candidates,
    expected_points,
    flagged,
    grader,
    longest_prompts,
    say_cut,
    utilities_of,
)
from llmal.selectors.language_model.windows import id_format, lines_of, listing
from llmal.selectors.options import check_least
from llmal.selectors.picking import highest
from llmal.selectors.protocol import Utilities
from llmal.selectors.ranking import Ranking
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState

_log = logging.getLogger("llmal.selectors")

_SLACK = 16
"""Tokens for the seams between what was counted apart."""


@dataclass(frozen=True)
class LLMRank(Ranking):
    """The items that the language model finds most useful to label.

    With `mode="points"` each item gets a grade of usefulness from 1 to 5, and its utility is the
    expected grade, sum g p(g|x), under the exact probabilities of the grades: no grade is written,
    so items of the same best grade are told apart.

    With `mode="list"` the `ranked` best of these (`start="points"`) or as many at random
    (`start="random"`, no grades asked for) are put in order by the sliding window of RankGPT (Sun
    et al., 2023): the model orders the last `window` items, then the `window` that end `step`
    further to the front, and so on, `passes` times. One pass brings the best `window` - `step` to
    the front in order; further back the order is rough. A grammar holds the count of ids and
    their range; repeated ids are dropped, and those that are missing follow in the order that they
    had, which the log says. The utility of a ranked item is above all grades: 6 for the last, one
    more for each place to the front. The others keep their grade, or get 0.

    Items that were not asked about get 0.

    Args:
        mode: Grades of single items, or lists.
        candidates: Items that are graded, drawn at random; None for all.
        ranked: Items that are put in order.
        start: Which ones, and in what order the first pass finds them.
        window: Items in a prompt; a text is cut to its even share of the context.
        step: How far a window goes to the front.
        passes: Times from the end to the front.
        points_prompt: Name or path of the prompt of the grades.
        list_prompt: Name or path of the prompt of the lists.

    Raises:
        ConfigError: An option is out of range.
    """

    name = "llm_rank"
    requires = frozenset[Signal]({"texts", "scorer"})

    mode: Literal["points", "list"] = "points"
    candidates: int | None = CANDIDATES
    ranked: int = 100
    start: Literal["points", "random"] = "points"
    window: int = 20
    step: int = 10
    passes: int = 1
    points_prompt: str = "usefulness"
    list_prompt: str = "rank"

    def __post_init__(self) -> None:
        check_candidates(self.candidates, self.name)
        for option, known in {"mode": ("points", "list"), "start": ("points", "random")}.items():
            if getattr(self, option) not in known:
                raise ConfigError(
                    f"{self.name}: {option} is {getattr(self, option)!r}",
                    fix=f"use {' or '.join(known)}",
                )
        check_least(self, ranked=1, window=2, step=1, passes=1)
        if self.step >= self.window:
            raise ConfigError(
                f"{self.name}: windows of {self.window} that go on by {self.step} share no item",
                fix="make step smaller than window",
            )

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """Expected grades, and above them the places of what was ranked."""
        usage = Usage()
        graded = self.mode == "points" or self.start == "points"
        rows = draw_candidates(state, self.candidates if graded else self.ranked, self.name, rng)
        items = state.items(state.unlabelled[rows])
        values = np.zeros(len(rows))
        if graded:
            scorer = grader(state.scorer, self.points_prompt, POINTS)
            values = expected_points(scorer, items, self.name)
            usage += scorer.spent
        grades = values.copy()
        place: dict[int, int] = {}
        if self.mode == "list":
            order = highest(values, min(self.ranked, len(rows)), rng)
            order, spent = _Sliding(self, state.scorer).order(items, order)
            usage += spent
            values[order] = len(POINTS) + np.arange(len(order), 0, -1)
            place = {one: turn for turn, one in enumerate(order.tolist(), 1)}

        def why(row: int) -> str:
            said = [f"usefulness {grades[row]:.2f} of {len(POINTS)}"] if graded else []
            if row in place:
                said.insert(0, f"number {place[row]} of {len(place)} that were ranked")
            return flagged(", ".join(said), items[row])

        return utilities_of(state, rows, values, why, usage, others=0.0)

    def estimate(self, state: RoundState, k: int) -> Usage:
        """The most that it can cost, whatever k."""
        usage = Usage()
        if self.mode == "points" or self.start == "points":
            counting = grader(state.scorer.counted(), self.points_prompt, POINTS)
            usage += cost_of_asking(counting, state, self.candidates)
        if self.mode == "list":
            usage += _Sliding(self, state.scorer).cost(state)
        return usage


class _Sliding:
    """List-wise ranking by windows that go from the end to the front."""

    def __init__(self, options: LLMRank, scorer: PromptScorer) -> None:
        self._options = options
        self._lm: LanguageModel = scorer.lm
        self._task = scorer.prompts.task
        self._style = scorer.prompts.style
        self._template = load_prompt(options.list_prompt)

    def order(
        self, items: list[Item], places: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], Usage]:
        """The places, best first, and what that cost.

        Args:
            items: All items.
            places: Of those that are ranked, in the order that they have so far.
        """
        count = len(places)
        if count < 2:
            return places, Usage()
        size = min(self._options.window, count)
        lines, _, cut = lines_of([items[i] for i in places.tolist()], self._lm, self._line(size))
        say_cut(self._options.name, cut, count)
        order = list(range(count))
        usage, missing, asked = Usage(), 0, 0
        for start in self._starts(count, size) * self._options.passes:
            part = order[start : start + size]
            ids = DistinctIds(len(part), 1, len(part))
            begun = time.perf_counter()
            answer = self._lm.generate(
                [self._prompt([lines[i] for i in part])],
                format=id_format(self._lm, ids),
                sampling=Sampling(max_tokens=self._answer(len(part))),
            )[0][0]
            text = answer.text if answer.finished else answer.text.rpartition(",")[0]
            found = [number - 1 for number in ids.parse(text)]
            missing += len(part) - len(found)
            asked += len(part)
            found += [i for i in range(len(part)) if i not in set(found)]
            order[start : start + size] = [part[i] for i in found]
            usage += Usage(
                requests=1,
                prompt_tokens=answer.prompt_tokens,
                completion_tokens=answer.completion_tokens,
                seconds=time.perf_counter() - begun,
                money=self._lm.price.of(answer.prompt_tokens, answer.completion_tokens),
            )
        if missing:
            _log.warning(
                "%s: %d of %d ids were missing from the model's lists and kept the order that they "
                "had",
                self._options.name, missing, asked,
            )  # fmt: skip
        return places[order], usage

    def cost(self, state: RoundState) -> Usage:
        """The most that ranking can cost: the longest texts in every window."""
        count = min(self._options.ranked, len(state.unlabelled))
        if count < 2:
            return Usage()
        size = min(self._options.window, count)
        most = self._line(size)
        lines, _ = longest_prompts(
            self._lm, lambda items: list(lines_of(items, self._lm, most)[0]), state, size
        )
        shown = ([str(one) for one in lines] * size)[:size]
        calls = len(self._starts(count, size)) * self._options.passes
        read = calls * int(self._lm.count_tokens([self._prompt(shown)])[0])
        written = calls * self._answer(size)
        return Usage(calls, read, written, money=self._lm.price.of(read, written))

    def _starts(self, count: int, size: int) -> list[int]:
        """Where the windows of a pass begin, from the end to the front."""
        steps = math.ceil((count - size) / self._options.step)
        return [max(0, count - size - n * self._options.step) for n in range(steps + 1)]

    def _line(self, size: int) -> int | None:
        """Tokens that each line of a window can have."""
        room = self._lm.context_length
        if room is None:
            return None
        frame = int(self._lm.count_tokens([self._prompt([])])[0]) + self._answer(size) + _SLACK
        if room - frame < size:
            raise ContextLengthError(
                f"{self._options.name}: without any text the prompt and the list of {size} ids "
                f"take {frame} of the model's {room} tokens",
                fix="lower window, shorten the guidelines, or use another model",
            )
        return (room - frame) // size

    def _answer(self, size: int) -> int:
        """Tokens that the list takes at most: no token is shorter than a character."""
        return size * (len(str(size)) + 2) + 1 + 16 * (not self._lm.exact)

    def _prompt(self, lines: list[str]) -> Prompt:
        told: dict[str, Any] = {"task": self._task, "k": len(lines), "listing": listing(lines)}
        return self._template.render(self._style, **told)
