"""The language model as a ranker: grades of usefulness, and lists put in order."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import BatchPlan, Plan, free
from llmal.core.records import Item, Usage, total
from llmal.errors import ConfigError, ContextLengthError
from llmal.lm.formats import DistinctIds
from llmal.lm.protocol import LanguageModel, Prompt, Sampling
from llmal.lm.requests import Written, plan_writing
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.templates import load_prompt
from llmal.selectors.highest import plan_seen
from llmal.selectors.language_model.grading import (
    CANDIDATES,
    POINTS,
    check_candidates,
    draw_candidates,
    expected_points,
    flagged,
    grader,
    plan_probabilities,
    say_cut,
    utilities_of,
)
from llmal.selectors.language_model.windows import id_format, lines_of, listing, longest_lines
from llmal.selectors.options import check_least
from llmal.selectors.picking import highest
from llmal.selectors.protocol import Utilities, drawn
from llmal.selectors.ranking import AskingRanking
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState

_log = logging.getLogger("llmal.selectors")

_SLACK = 16
"""Tokens for the seams between what was counted apart."""


@dataclass(frozen=True)
class LLMRank(AskingRanking):
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

    def plan_utilities(self, state: RoundState, rng: np.random.Generator | None) -> Plan[Utilities]:
        """Plan to ask for grades, and above them to rank."""
        graded = self.mode == "points" or self.start == "points"
        if graded:
            scorer = grader(state.scorer, self.points_prompt, POINTS)
            rows, asked = plan_probabilities(scorer, state, self.candidates, self.name, rng)
            points = asked.map(lambda p: (expected_points(p), scorer.spent))
        else:
            rows = np.zeros(0, dtype=np.int64)
            if rng is not None:
                rows = draw_candidates(state, self.ranked, self.name, rng)
            points = free((np.zeros(len(rows)), Usage()))
        if self.mode == "points":
            return points.map(lambda found: self._ranked(state, rows, *found, drawn(rng)))
        sliding = _Sliding(self, state.scorer)

        def rank(found: tuple[NDArray[np.float64], Usage]) -> Plan[Utilities]:
            return Plan(lambda: self._ranked(state, rows, *found, drawn(rng), sliding))

        return points.then(rank, at_most=plan_seen(lambda: sliding.highest(state)))

    def _ranked(
        self,
        state: RoundState,
        rows: NDArray[np.int64],
        values: NDArray[np.float64],
        usage: Usage,
        rng: np.random.Generator,
        sliding: _Sliding | None = None,
    ) -> Utilities:
        items = state.items(state.unlabelled[rows])
        graded = self.mode == "points" or self.start == "points"
        grades = values.copy()
        place: dict[int, int] = {}
        if sliding is not None:
            order = highest(values, min(self.ranked, len(rows)), rng)
            order, spent = sliding.order(items, order)
            usage += spent
            values[order] = len(POINTS) + np.arange(len(order), 0, -1)
            place = {one: turn for turn, one in enumerate(order.tolist(), 1)}

        def why(row: int) -> str:
            said = [f"usefulness {grades[row]:.2f} of {len(POINTS)}"] if graded else []
            if row in place:
                said.insert(0, f"number {place[row]} of {len(place)} that were ranked")
            return flagged(", ".join(said), items[row])

        return utilities_of(state, rows, values, why, usage, others=0.0)


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
            (written,) = self._plan([lines[i] for i in part], ids).execute()
            (answer,) = written.answers
            usage += written.usage
            text = answer.text if answer.finished else answer.text.rpartition(",")[0]
            found = [number - 1 for number in ids.parse(text)]
            missing += len(part) - len(found)
            asked += len(part)
            found += [i for i in range(len(part)) if i not in set(found)]
            order[start : start + size] = [part[i] for i in found]
        if missing:
            _log.warning(
                "%s: %d of %d ids were missing from the model's lists and kept the order that they "
                "had",
                self._options.name, missing, asked,
            )  # fmt: skip
        return places[order], usage

    def _plan(self, lines: list[str], ids: DistinctIds) -> BatchPlan[list[Written]]:
        return plan_writing(
            self._lm,
            [self._prompt(lines)],
            format=id_format(self._lm, ids),
            sampling=Sampling(max_tokens=self._answer(len(lines))),
        )

    def highest(self, state: RoundState) -> Usage:
        """The most that ranking can cost: the longest texts in every window."""
        count = min(self._options.ranked, len(state.unlabelled))
        if count < 2:
            return Usage()
        size = min(self._options.window, count)
        lines = longest_lines(self._lm, state, size, self._line(size))
        once = self._plan(lines, DistinctIds(size, 1, size)).highest
        return total([once] * (len(self._starts(count, size)) * self._options.passes))

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
