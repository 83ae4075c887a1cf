"""Paraphrases by a language model."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError
from llmal.lm.protocol import LanguageModel, Prompt, Sampling
from llmal.perturb.checks import check_copies, check_texts, valid_unicode
from llmal.perturb.draws import seed_of
from llmal.prompting.templates import PromptTemplate, Style, load_prompt, without_special_tokens

log = logging.getLogger("llmal.perturb")

_LEAST_ANSWER = 32


class Paraphrase:
    """Asks a language model to say a text in other words.

    Each copy of a text is a prompt of its own, drawn with a seed of its own, so copies that were
    paid for are found in the model's cache whatever else is asked for. As far as the model draws
    each prompt by itself, a copy does not depend on the others in the call: a vLLM server does;
    `TransformersLM` draws a batch together, so only `batch_tokens=1` makes it so there.

    The copy is the text itself, and the log says how often, where the answer is empty or was cut
    off, and where prompt and answer do not fit into the model's context.

    Args:
        lm: The model.
        prompt: Name of a prompt of llmal, path of a YAML file, or a `PromptTemplate`; takes `text`.
        style: "chat", "completion", or "auto": chat where both model and prompt can.
        temperature: Of the sampling; at 0 all copies of a text are alike.
        top_p: Nucleus size.
        max_tokens: Most tokens of an answer; None for about twice those of the text.

    Raises:
        ConfigError: A parameter is out of range, or the prompt lacks the form.
    """

    name = "paraphrase"

    def __init__(
        self,
        lm: LanguageModel,
        prompt: str | Path | PromptTemplate = "paraphrase",
        *,
        style: str = "auto",
        temperature: float = 0.7,
        top_p: float = 0.95,
        max_tokens: int | None = None,
    ) -> None:
        if temperature < 0:
            raise ConfigError(f"temperature is {temperature}", fix="it must be at least 0")
        if not 0 < top_p <= 1:
            raise ConfigError(f"top_p is {top_p}", fix="it must be above 0 and at most 1")
        if max_tokens is not None and max_tokens < 1:
            raise ConfigError(f"max_tokens is {max_tokens}", fix="it must be at least 1")
        self.lm = lm
        self.prompt = load_prompt(prompt)
        self.style: Style = _style(style, self.prompt, lm)
        self.temperature = temperature
        self.top_p = top_p
        self.max_tokens = max_tokens

    @property
    def fingerprint(self) -> str:
        """Prompt, sampling and model."""
        return (
            f"{self.name}({self.prompt.key}, {self.style}, temperature={self.temperature:g}, "
            f"top_p={self.top_p:g}, max_tokens={self.max_tokens})#{self.lm.fingerprint}"
        )

    def fit(self, texts: Sequence[str]) -> Paraphrase:
        """Nothing to learn; returns itself."""
        return self

    def perturb(self, texts: Sequence[str], copies: int, seed: int) -> list[list[str]]:
        """`copies` paraphrases of each text; equal texts are asked about once.

        Raises:
            DataError: `copies` is below one, or something among the texts is not a string.
            LanguageModelError: The model failed; what it answered before is in its cache.
        """
        check_copies(copies)
        check_texts(texts)
        asked = [text for text in dict.fromkeys(texts) if text.strip()]
        made = {text: [text] * copies for text in texts}
        prompts = [self._prompt(text) for text in asked]
        room = self._room(asked)
        fits = self._fitting(prompts, room)
        kept = 0
        for limit in sorted(set(room[fits].tolist())):
            chosen = np.flatnonzero(fits & (room == limit)).tolist()
            for copy in range(copies):
                answers = self.lm.generate(
                    [prompts[i] for i in chosen], sampling=self._sampling(limit, seed, copy)
                )
                for i, (answer,) in zip(chosen, answers, strict=True):
                    if answer.finished and answer.text.strip():
                        made[asked[i]][copy] = answer.text.strip()
                    else:
                        kept += 1
        if kept:
            log.warning(
                "%d of %d paraphrases were empty or cut off: the text itself stands for them",
                kept,
                int(fits.sum()) * copies,
            )
        return [list(made[text]) for text in texts]

    def _prompt(self, text: str) -> Prompt:
        clean = without_special_tokens(valid_unicode(text), self.lm.special_tokens)
        return self.prompt.render(self.style, text=clean)

    def _room(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Most tokens of the answer about each text, shape (n,).

        Few different figures, as a call of the model has one.
        """
        if self.max_tokens is not None or not texts:
            return np.full(len(texts), self.max_tokens or 0, dtype=np.int64)
        lengths = self.lm.count_tokens([valid_unicode(text) for text in texts])
        powers = 2 ** np.ceil(np.log2(np.maximum(lengths, 1) * 1.5)).astype(np.int64)
        return np.asarray(np.maximum(powers, _LEAST_ANSWER))

    def _fitting(self, prompts: Sequence[Prompt], room: NDArray[np.int64]) -> NDArray[np.bool_]:
        context = self.lm.context_length
        if context is None or not prompts:
            return np.ones(len(prompts), dtype=bool)
        fits = np.asarray(self.lm.count_tokens(prompts) + room <= context)
        if not fits.all():
            log.warning(
                "%d of %d texts are too long to be paraphrased in a context of %d tokens: their "
                "copies are the texts themselves",
                int((~fits).sum()),
                len(fits),
                context,
            )
        return fits

    def _sampling(self, limit: int, seed: int, copy: int) -> Sampling:
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=limit,
            stop=self.prompt.stop if self.style == "completion" else (),
            seed=seed_of(self.name, seed, copy),
        )


def _style(style: str, prompt: PromptTemplate, lm: LanguageModel) -> Style:
    if style == "auto":
        return "chat" if lm.chat and "chat" in prompt.styles else "completion"
    if style not in prompt.styles:
        raise ConfigError(
            f"the prompt {prompt.key} has no form {style!r}",
            fix=f"use auto or {' or '.join(prompt.styles)}",
        )
    return "chat" if style == "chat" else "completion"
