"""Scores of labels for items, through a prompt with demonstrations in it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import digest
from llmal.core.records import Item, Usage
from llmal.errors import UnsupportedError
from llmal.lm.protocol import (
    LabelScores,
    LanguageModel,
    Normalise,
    Prompt,
    SubsetScoring,
    only_counts,
)
from llmal.prompting.labelling import LabellingPrompt, LabellingPrompts
from llmal.task.spaces import Space

if TYPE_CHECKING:
    from llmal.calibration.protocol import Calibrator
    from llmal.lm.paid import PaidQuestions
    from llmal.prompting.order import Order
    from llmal.prompting.shortlist import Shortlist

_TRAIL = 2**128


@dataclass(frozen=True)
class Scored:
    """What a model gave to n items.

    Attributes:
        scores: Shape (n, C): scores of the task's space. Of one label an item the
            log-probability of each label, in natural log, summed over its words; not normalised
            over the labels, unless the scorer calibrates. Of several the log-odds of each.
        prompts: What was asked, with what was left out of each prompt.
        usage: Shape (n,): what each item cost, counted alike whether the answer came from the model
            or from the response cache.
        exact: False if the numbers are estimates by sampling.
        inside: Shape (n, C): which labels were scored; the others share what the shortlist leaves
            out. None where all were.
        space: What an answer is.
    """

    scores: NDArray[np.float64]
    prompts: tuple[LabellingPrompt, ...]
    usage: tuple[Usage, ...]
    exact: bool
    inside: NDArray[np.bool_] | None = None
    space: Space = field(kw_only=True)

    @property
    def log_probs(self) -> NDArray[np.float64]:
        """The former name of `scores`; it goes in the next version."""
        warnings.warn(
            "Scored.log_probs is now Scored.scores; it goes in the next version",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.scores

    @property
    def scores_asked(self) -> NDArray[np.float64]:
        """Shape (n, C): `scores`, and minus infinity for labels that were not scored."""
        if self.inside is None:
            return self.scores
        return np.where(self.inside, self.scores, -np.inf)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Shape (n, C): as the space has them."""
        return self.space.probabilities_of(self.scores)


class ScoreCalibration(Protocol):
    """Calibrates scores that are asked for without demonstrations, each prompt by itself."""

    def fitted(self, scorer: PromptScorer) -> tuple[Calibrator | None, Set[bytes]]:
        """Ask what it takes to calibrate the scores of a scorer that has no calibration yet.

        Returns:
            The fitted calibrator, if there is any, and the keys (`prompt_key`) of the prompts that
            were paid for by fitting it.
        """
        ...

    def foreseen(self, scorer: PromptScorer) -> tuple[Usage, Set[bytes]]:
        """The most that `fitted` would cost, and the same keys. Asks nobody."""
        ...


class PromptScorer:
    """Scores the labels of items.

    Args:
        prompts: The prompts of a task for a model.
        normalise: How labels of several tokens are compared.
        order: How demonstrations are arranged in the prompt; without it the most useful stands
            first.
        counting: Count what would be asked and ask nobody; every label is then as good.
        calibration: Gives the calibrator that all scores go through, when the first items are
            scored.
        shortlist: Chooses the labels that are scored for each item; None scores all.
        questions: What is paid for already and costs nothing here; what is asked is added to it.
    """

    def __init__(
        self,
        prompts: LabellingPrompts,
        normalise: Normalise = "sum",
        order: Order | None = None,
        *,
        counting: bool = False,
        calibration: ScoreCalibration | None = None,
        shortlist: Shortlist | None = None,
        questions: PaidQuestions | None = None,
    ) -> None:
        self.prompts = prompts
        self.normalise: Normalise = normalise
        self.order = order
        self.counting = counting or only_counts(prompts.lm)
        self.spent = Usage()
        """What all calls so far have cost, answers from the response cache counted like others."""
        self.trail = 0
        """Changes with every prompt that is asked: two stretches of work in which it changes by as
        much have asked the same prompts."""
        self.shortlist = shortlist
        self.calibration = calibration
        self.questions = questions
        self._calibrated = calibration is None
        self._calibrator: Calibrator | None = None
        self._paid: Set[bytes] = frozenset()

    @property
    def lm(self) -> LanguageModel:
        """The model."""
        return self.prompts.lm

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the columns."""
        return tuple(self.prompts.task.names)

    def build(
        self, items: Sequence[Item], demonstrations: Sequence[Sequence[Item]]
    ) -> tuple[LabellingPrompt, ...]:
        """The prompts for items, each with demonstrations of its own, as they are scored."""
        arranged = (
            demonstrations if self.order is None else self.order.arrange_each(demonstrations, items)
        )
        return tuple(
            self.prompts.build(item, shown, placed)
            for item, shown, placed in zip(items, demonstrations, arranged, strict=True)
        )

    def score(self, items: Sequence[Item], demonstrations: Sequence[Item] = ()) -> Scored:
        """Score items with the same demonstrations, most useful first, in every prompt.

        Raises:
            LanguageModelError: The model failed; what it answered before is in its cache.
        """
        return self.score_each(items, [demonstrations] * len(items))

    def score_each(
        self,
        items: Sequence[Item],
        demonstrations: Sequence[Sequence[Item]],
        *,
        paid: Set[bytes] = frozenset(),
        whole: bool = False,
    ) -> Scored:
        """Score items, each with demonstrations of its own.

        Args:
            items: n items.
            demonstrations: Of each, the most useful first.
            paid: Keys of prompts (`prompt_key`) that are paid for already, with all their labels,
                and cost nothing here.
            whole: Score all labels, whatever the shortlist.
        """
        columns, space = len(self.labels), self.prompts.task.space
        if not items:
            return Scored(np.zeros((0, columns)), (), (), self.lm.exact, space=space)
        built = self.build(items, demonstrations)
        asked = [question for one in built for question in one.questions]
        keys = [prompt_key(one.prompt) for one in built]
        self.trail = sum((int.from_bytes(key) for key in keys), self.trail) % _TRAIL
        self._calibrate()
        whole_paid = [key in self._paid or key in paid for key in keys]
        inside = self._inside(items, whole_paid) if not whole else None
        free = self._charged(keys, inside, whole_paid)
        if self.counting:
            rows = [row for row, one in enumerate(free) if not one]
            part = None if inside is None else inside[rows]
            unpaid = [question for row in rows for question in built[row].questions]
            cost = self._cost(unpaid, part) if rows else Usage()
            self.spent += cost
            rest = (Usage(),) * (len(items) - 1)
            zeros = np.zeros((len(items), columns))
            return Scored(zeros, built, (cost, *rest), self.lm.exact, inside, space=space)
        answers = self._scores(asked, inside)
        price = self.lm.price
        # All questions about an item stand together, and there are as many of each.
        passes, read, written = (
            counts.reshape(len(items), -1).sum(axis=1).tolist()
            for counts in (answers.requests, answers.prompt_tokens, answers.completion_tokens)
        )
        usage = tuple(
            Usage()
            if own
            else Usage(
                requests=passes[row],
                prompt_tokens=read[row],
                completion_tokens=written[row],
                money=price.of(read[row], written[row]),
            )
            for row, own in enumerate(free)
        )
        self.spent = sum(usage, self.spent)
        scores = self.prompts.label_scores(answers.normalised(self.normalise))
        if self._calibrator is None and inside is None:
            return Scored(scores, built, usage, answers.exact, space=space)
        probabilities = (
            space.probabilities_of(scores)
            if self._calibrator is None
            else self._calibrator.transform(scores)
        )
        spread = space.scores_of(self.spread(probabilities, inside))
        return Scored(spread, built, usage, answers.exact, inside, space=space)

    def cost(self, items: Sequence[Item], built: Sequence[LabellingPrompt]) -> Usage:
        """The most that it costs to score items with these prompts. Asks nobody."""
        if not items:
            return Usage()
        inside = None if self.shortlist is None else self.shortlist.inside(items)
        return self._cost([question for one in built for question in one.questions], inside)

    def counted(self) -> PromptScorer:
        """The same for an estimate: it asks nobody, and counts what is not paid for."""
        questions = self.questions
        if questions is not None and not self.counting:
            questions = questions.trial()
        return self._counting(questions)

    def at_full_price(self) -> PromptScorer:
        """The same for an estimate over items that stand for others, of which nobody knows whether
        they are paid for.
        """
        return self._counting(None)

    def _counting(self, questions: PaidQuestions | None) -> PromptScorer:
        made = PromptScorer(
            self.prompts,
            self.normalise,
            self.order,
            counting=True,
            calibration=self.calibration,
            shortlist=self.shortlist,
            questions=questions,
        )
        made._calibrated = self._calibrated
        made._paid = self._paid if questions is not None else frozenset()
        return made

    def unpaid(self, prompts: Sequence[Prompt]) -> NDArray[np.bool_]:
        """Which prompts have to be paid for, with all their labels, shape (n,)."""
        keys = [prompt_key(prompt) for prompt in prompts]
        free = [key in self._paid for key in keys]
        if self.questions is not None:
            asked = self._questions(keys, None)
            known = self.questions.among(asked)
            free = [own or one in known for own, one in zip(free, asked, strict=True)]
        return ~np.array(free, dtype=np.bool_)

    def count(self, prompts: Sequence[Prompt]) -> Usage:
        """The most that prompts cost, with all their labels, whatever is paid for; that counts as
        paid for then. Asks nobody.
        """
        if self.questions is not None:
            self.questions.add(self._questions([prompt_key(prompt) for prompt in prompts], None))
        return self._cost(prompts, None) if prompts else Usage()

    def not_read_before(self, texts: Sequence[str]) -> list[str]:
        """The texts whose likelihood has to be paid for; it counts as paid for then."""
        if self.questions is None:
            return list(texts)
        start = repr((self.lm.fingerprint, "likelihood"))
        asked = {digest(start + text): text for text in texts}
        known = self.questions.among(asked)
        self.questions.add(asked)
        return [one for key, one in asked.items() if key not in known]

    def calibration_cost(self) -> Usage:
        """The most that calibrating costs, if it is still to be paid for. Asks nobody."""
        before = self.spent
        self._calibrate()
        return self.spent - before

    def _calibrate(self) -> None:
        """Have the calibrator fitted, or count what that costs."""
        if self._calibrated or self.calibration is None:
            return
        self._calibrated = True
        bare = PromptScorer(
            self.prompts, self.normalise, counting=self.counting, shortlist=self.shortlist
        )
        if self.counting:
            cost, self._paid = self.calibration.foreseen(bare)
            self.spent += cost
        else:
            self._calibrator, self._paid = self.calibration.fitted(bare)

    def _charged(
        self,
        keys: Sequence[bytes],
        inside: NDArray[np.bool_] | None,
        paid: Sequence[bool],
    ) -> list[bool]:
        """Which of the prompts cost nothing. All are paid for from now on."""
        if self.questions is None:
            return list(paid)
        asked = self._questions(keys, inside)
        known = self.questions.among(asked)
        self.questions.add(asked)
        free = []
        for own, one in zip(paid, asked, strict=True):
            free.append(own or one in known)
            known.add(one)
        return free

    def _questions(self, keys: Sequence[bytes], inside: NDArray[np.bool_] | None) -> list[bytes]:
        """What tells each question to the model from all others."""
        shared = (self.lm.fingerprint, *self.prompts.candidates, self.normalise == "first")
        start = repr(shared).encode()
        if inside is None:
            return [digest(start + key) for key in keys]
        labels = (b"" if row.all() else np.packbits(row).tobytes() for row in inside)
        return [digest(start + key + asked) for key, asked in zip(keys, labels, strict=True)]

    def spread(
        self, probabilities: NDArray[np.float64], inside: NDArray[np.bool_] | None
    ) -> NDArray[np.float64]:
        """Probabilities of labels that were scored, made such of all labels."""
        if inside is None or self.shortlist is None:
            return probabilities
        return self.shortlist.spread(probabilities, inside)

    def _inside(self, items: Sequence[Item], free: Sequence[bool]) -> NDArray[np.bool_] | None:
        """Which labels are scored; what is paid for was scored with all."""
        if self.shortlist is None:
            return None
        inside = self.shortlist.inside(items).copy()
        inside[np.asarray(free, dtype=np.bool_)] = True
        return inside

    def _scores(self, asked: Sequence[Prompt], inside: NDArray[np.bool_] | None) -> LabelScores:
        candidates = self.prompts.candidates
        if inside is None:
            return self.lm.score(asked, candidates, first_token_only=self.normalise == "first")
        return self._subsets_of(self.lm).score_subsets(asked, candidates, self._words(inside))

    def _cost(self, asked: Sequence[Prompt], inside: NDArray[np.bool_] | None) -> Usage:
        candidates = self.prompts.candidates
        if inside is None:
            return self.lm.score_cost(asked, candidates, first_token_only=self.normalise == "first")
        return self._subsets_of(self.lm).subsets_cost(asked, candidates, self._words(inside))

    def _words(self, inside: NDArray[np.bool_]) -> list[list[int]]:
        """Columns of the words of the labels that are scored, for each item."""
        words = inside[:, self.prompts.word_columns]
        return [np.flatnonzero(row).tolist() for row in words]

    @staticmethod
    def _subsets_of(lm: LanguageModel) -> SubsetScoring:
        if not isinstance(lm, SubsetScoring):
            raise UnsupportedError(
                "this language model cannot score a part of the labels",
                fix="switch the shortlist off",
            )
        return lm


def prompt_key(prompt: Prompt) -> bytes:
    """A hash of a prompt."""
    said = prompt if isinstance(prompt, str) else [tuple(sorted(one.items())) for one in prompt]
    return digest(repr(said))
