"""The language model as an annotator: exact probabilities over the labels of each item."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.protocol import Context
from llmal.errors import ConfigError, ContextLengthError
from llmal.icl.demonstrations import REGISTRY as DEMONSTRATIONS
from llmal.icl.demonstrations import DemonstrationSelector
from llmal.icl.labelling import CUT, LabellingPrompt, LabellingPrompts, longest_that_fits
from llmal.icl.prompts import PromptTemplate, load_prompt, without_special_tokens
from llmal.icl.style import check_style, labelling_prompts, style_cost
from llmal.lm.protocol import LanguageModel, Normalise, Prompt, Sampling
from llmal.records import Annotation, AnnotatorKind, Item, Usage
from llmal.task import Task

log = logging.getLogger("llmal.annotators")

_REASON_TOKENS = 80


class LLMAnnotator:
    """Labels items by the probability that a language model gives to each label.

    The answer is never parsed from text: the labels are scored (`LanguageModel.score`), their
    probabilities normalised over the labels, and the most probable one is given.

    Args:
        task: The task.
        lm: The model.
        shots: Demonstrations in the prompt, from the items that people labelled before the round.
            The set is the same for all items of a round, so that their prompts share a prefix.
        demonstrations: How they are chosen: a name ("random", "balanced") or a
            `DemonstrationSelector`.
        prompt: Name of a prompt of llmal, path of a YAML file, or a `PromptTemplate`.
        style: "chat", "completion", or "auto" (see `llmal.icl.style.choose_style`).
        normalise: How labels of several tokens are compared: by the sum of their tokens'
            log-probabilities, their mean, or the first token alone (one forward pass).
        rationale: Have the model write why, after the label is decided.
        name: Who is recorded in the ledger.
        batch_size: Items between two writes to the ledger in a run.

    Raises:
        ConfigError: `shots` is negative, or the prompt cannot be used.
    """

    kind: AnnotatorKind = "llm"

    def __init__(
        self,
        task: Task,
        lm: LanguageModel,
        *,
        shots: int = 0,
        demonstrations: str | DemonstrationSelector = "balanced",
        prompt: str | Path | PromptTemplate = "label",
        style: str = "auto",
        normalise: Normalise = "sum",
        rationale: bool = False,
        name: str = "llm",
        batch_size: int = 512,
    ) -> None:
        if shots < 0:
            raise ConfigError(f"shots is {shots}", fix="it must be 0 or more")
        check_style(style)
        self.task = task
        self.lm = lm
        self.shots = shots
        self.name = name
        self.batch_size = batch_size
        self.template = prompt if isinstance(prompt, PromptTemplate) else load_prompt(prompt)
        self._style = style
        self._normalise: Normalise = normalise
        self._rationale = rationale
        self._reason_template = load_prompt("rationale")
        self._choice: DemonstrationSelector = (
            DEMONSTRATIONS.get(demonstrations)()
            if isinstance(demonstrations, str)
            else demonstrations
        )
        self._prompts: LabellingPrompts | None = None

    @property
    def prompts(self) -> LabellingPrompts:
        """The prompts in the form that is used; the first call may ask the model which suits."""
        if self._prompts is None:
            self._prompts = labelling_prompts(self.task, self.template, self.lm, self._style)
        return self._prompts

    def setup_cost(self) -> Usage:
        """What finding the form of the prompt costs, once in a run; nothing if it was given."""
        if self._style != "auto":
            return Usage()
        return style_cost(self.task, self.template, self.lm)

    def demonstrations(self, context: Context) -> list[Item]:
        """The demonstrations of a round: the same whichever items are asked about."""
        if not self.shots:
            return []
        known = set(self.task.names)
        candidates = [item for item in context.demonstrations if item.gold in known]
        return self._choice.choose(candidates, self.shots, context.rng(self.name, "shots"))

    def build(self, items: Sequence[Item], context: Context = Context()) -> list[LabellingPrompt]:
        """The prompts for items, as they are scored."""
        shown = self.demonstrations(context)
        return [self.prompts.build(item, shown) for item in items]

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """Score the labels of every item.

        Raises:
            LanguageModelError: The model failed. What it answered before is in its cache.
        """
        if not items:
            return []
        start = time.perf_counter()
        built = self.build(items, context)
        scores = self.lm.score(
            [one.prompt for one in built],
            self.prompts.candidates,
            first_token_only=self._normalise == "first",
        )
        probabilities = self.prompts.over_labels(scores.probabilities(self._normalise))
        best = probabilities.argmax(axis=1)
        reasons: Sequence[str | None] = [None] * len(items)
        reason_usage: Sequence[Usage] = [Usage()] * len(items)
        if self._rationale:
            reasons, reason_usage = self._reasons(items, best)
        seconds = (time.perf_counter() - start) / len(items)
        names = self.task.names
        price = self.lm.price
        shared = {
            "model": self.lm.fingerprint,
            "prompt": self.template.key,
            "style": self.prompts.style,
            "normalise": self._normalise,
        }
        cut = sum(CUT in one.flags for one in built)
        if cut:
            log.warning("%d of %d texts were cut to the model's context", cut, len(items))
        return [
            Annotation(
                item_id=item.id,
                label=names[best[row]],
                annotator=self.name,
                kind="llm",
                probabilities=dict(zip(names, probabilities[row].tolist(), strict=True)),
                exact=scores.exact,
                rationale=reasons[row],
                usage=Usage(
                    requests=scores.passes,
                    prompt_tokens=int(scores.prompt_tokens[row]),
                    completion_tokens=int(scores.completion_tokens[row]),
                    seconds=seconds,
                    money=price.of(
                        int(scores.prompt_tokens[row]), int(scores.completion_tokens[row])
                    ),
                )
                + reason_usage[row],
                provenance={**shared, "demonstrations": list(built[row].demonstrations)},
                flags=built[row].flags,
                round=context.round,
            )
            for row, item in enumerate(items)
        ]

    def _reasons(
        self, items: Sequence[Item], best: NDArray[np.int64]
    ) -> tuple[list[str | None], list[Usage]]:
        words = [self.task.labels[column].verbalizers[0] for column in best]
        answers = self.lm.generate(
            [self._why(item, word) for item, word in zip(items, words, strict=True)],
            sampling=Sampling(max_tokens=_REASON_TOKENS, stop=tuple(self._reason_template.stop)),
        )
        price = self.lm.price
        return (
            [drawn[0].text.strip() or None for drawn in answers],
            [
                Usage(
                    requests=1,
                    prompt_tokens=drawn[0].prompt_tokens,
                    completion_tokens=drawn[0].completion_tokens,
                    money=price.of(drawn[0].prompt_tokens, drawn[0].completion_tokens),
                )
                for drawn in answers
            ],
        )

    def _why(self, item: Item, word: str) -> Prompt:
        """The prompt that asks for the reason; a text that is too long for it is cut."""
        room = self.lm.context_length

        def render(cut: Item) -> Prompt:
            return self._reason_template.render(
                self.prompts.style, task=self.task, item=cut, word=word
            )

        def fits(prompt: Prompt) -> bool:
            return room is None or int(self.lm.count_tokens([prompt])[0]) + _REASON_TOKENS <= room

        clean = Item(item.id, without_special_tokens(item.text, self.lm.special_tokens))
        whole = render(clean)
        if fits(whole):
            return whole
        prompt = longest_that_fits(clean, render, fits)
        if prompt is None:
            raise ContextLengthError(
                f"the prompt for reasons does not fit into the model's context of {room} tokens "
                f"even without the text of item {item.id!r}",
                fix="shorten the guidelines, or leave rationales out",
            )
        return prompt

    def estimate(self, items: Sequence[Item], context: Context = Context()) -> Usage:
        """The most that these items would cost, from the prompts' true token counts."""
        if not items:
            return Usage()
        built = self.build(items, context)
        total = self.lm.score_cost([one.prompt for one in built], self.prompts.candidates)
        if self._rationale:
            # Which label is given is not known yet: the longest word is the most that it can be.
            word = max(self.prompts.words, key=lambda w: int(self.lm.count_tokens([w])[0]))
            read = int(self.lm.count_tokens([self._why(item, word) for item in items]).sum())
            read += len(items)  # Where word and prompt meet, a token may be split.
            written = _REASON_TOKENS * len(items)
            total += Usage(
                requests=len(items),
                prompt_tokens=read,
                completion_tokens=written,
                money=self.lm.price.of(read, written),
            )
        return total
