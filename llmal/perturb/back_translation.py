"""Into another language and back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from llmal.core.cache_folder import cache_folder
from llmal.errors import ConfigError
from llmal.lm.cache import ResponseCache, cache_key
from llmal.perturb.checks import check_copies, check_texts, valid_unicode
from llmal.perturb.draws import streams, text_hashes
from llmal.perturb.translator import Translator

log = logging.getLogger("llmal.perturb")

_BATCHES_PER_BLOCK = 8
_Job = tuple[str, int]
"""A text and the number of a copy."""


def default_path() -> Path:
    """Where translations are kept: under LLMAL_CACHE, or under ~/.cache/llmal."""
    return cache_folder() / "back-translations.sqlite"


class BackTranslation:
    """Translates a text by one sequence-to-sequence model and back by another.

    Copies differ by sampling, in both directions; or, with `beams`, copy j is the best translation
    back of the j-th best translation there, whatever the seed. Random numbers belong to a text, a
    copy and a seed, so a copy does not depend on the texts beside it, up to the rounding of
    batched matrix products. Nothing is loaded before the first text that the cache does not hold.

    The copy is the text itself, and the log says how often, where the text is too long for a
    model, or a translation comes back empty or did not end.

    Args:
        forward: Into the other language: a directory or a hub name of transformers.
        backward: Back from it.
        device: "cpu", "cuda", "mps" …; the best there is if None.
        batch_size: Texts in one pass.
        max_length: Most tokens of a text, and of its translation.
        temperature: Of the sampling.
        top_p: Nucleus size.
        beams: Search instead of sampling, with so many beams; at least the number of copies.
        prefixes: What stands before a text, there and back, for models that want to be told.
        languages: The text's own language and the other, for models of many languages.
        cache: Where translations are kept: a cache, its file, None for `default_path`, False for
            none.

    Raises:
        ConfigError: A parameter is out of range.

    Source: Sennrich et al. 2016; as a perturbation UDA (Xie et al. 2020) and ALLSH.
    """

    name = "back-translation"

    def __init__(
        self,
        forward: str | Path,
        backward: str | Path,
        *,
        device: str | None = None,
        batch_size: int = 32,
        max_length: int = 512,
        temperature: float = 0.8,
        top_p: float = 1.0,
        beams: int | None = None,
        prefixes: tuple[str, str] = ("", ""),
        languages: tuple[str, str] | None = None,
        cache: ResponseCache | str | Path | Literal[False] | None = None,
    ) -> None:
        for what, value in (("batch_size", batch_size), ("max_length", max_length)):
            if value < 1:
                raise ConfigError(f"{what} is {value}", fix="it must be at least 1")
        if beams is not None and beams < 1:
            raise ConfigError(f"beams is {beams}", fix="it must be at least 1")
        if temperature <= 0:
            raise ConfigError(
                f"temperature is {temperature}", fix="it must be above 0; or give beams"
            )
        if not 0 < top_p <= 1:
            raise ConfigError(f"top_p is {top_p}", fix="it must be above 0 and at most 1")
        self.temperature = temperature
        self.top_p = top_p
        self.beams = beams
        self.max_length = max_length
        self._block = batch_size * _BATCHES_PER_BLOCK
        self._there, self._back = (
            Translator(
                model,
                device=device,
                batch_size=batch_size,
                max_length=max_length,
                prefix=prefix,
                languages=pair,
            )
            for model, prefix, pair in (
                (forward, prefixes[0], languages),
                (backward, prefixes[1], None if languages is None else languages[::-1]),
            )
        )
        self._cache = cache
        self._opened: ResponseCache | None = None

    @property
    def fingerprint(self) -> str:
        """Both models and how translations are found."""
        how = (
            f"temperature={self.temperature:g}, top_p={self.top_p:g}"
            if self.beams is None
            else f"beams={self.beams}"
        )
        return (
            f"{self.name}({how}, max_length={self.max_length})"
            f"#{self._there.fingerprint}#{self._back.fingerprint}"
        )

    @property
    def cache(self) -> ResponseCache | None:
        """Where translations are kept."""
        if self._cache is False:
            return None
        if isinstance(self._cache, ResponseCache):
            return self._cache
        if self._opened is None:
            self._opened = ResponseCache(self._cache or default_path())
        return self._opened

    def fit(self, texts: Sequence[str]) -> BackTranslation:
        """Nothing to learn; returns itself."""
        return self

    def perturb(self, texts: Sequence[str], copies: int, seed: int) -> list[list[str]]:
        """`copies` translations there and back of each text; equal texts are translated once.

        Raises:
            ConfigError: More copies than beams are asked for.
            DataError: `copies` is below one, or something among the texts is not a string.
            LanguageModelError: A model cannot be found or loaded.
        """
        check_copies(copies)
        check_texts(texts)
        if self.beams is not None and copies > self.beams:
            raise ConfigError(
                f"{copies} copies were asked for, and there are {self.beams} beams",
                fix=f"set beams to {copies} or more",
            )
        jobs = [
            (text, copy) for text in dict.fromkeys(texts) if text.strip() for copy in range(copies)
        ]
        made = self._made(jobs, seed)
        return [[made.get((text, copy), text) for copy in range(copies)] for text in texts]

    def _made(self, jobs: Sequence[_Job], seed: int) -> dict[_Job, str]:
        cache = self.cache
        parts = () if self.beams is not None else (str(seed),)
        keys = {
            job: cache_key(
                self.fingerprint, self.name, job[0].encode("utf-8", "surrogatepass"),
                str(job[1]), *parts,
            )
            for job in jobs
        }  # fmt: skip
        kept = cache.get(keys.values()) if cache is not None else {}
        made = {
            job: kept[key].decode("utf-8", "surrogatepass")
            for job, key in keys.items()
            if key in kept
        }
        missing = [job for job in jobs if job not in made]
        # Texts of like length share a block, so that little is spent on padding.
        missing.sort(key=lambda job: -len(job[0]))
        unchanged = 0
        for start in range(0, len(missing), self._block):
            block = missing[start : start + self._block]
            fresh = self._sampled(block, seed) if self.beams is None else self._searched(block)
            # A translation that was lost on the way is the text itself from now on.
            done = {job: text or job[0] for job, text in zip(block, fresh, strict=True)}
            unchanged += sum(not text for text in fresh)
            if cache is not None:
                cache.put(
                    {keys[job]: text.encode("utf-8", "surrogatepass") for job, text in done.items()}
                )
            made.update(done)
        if unchanged:
            log.warning(
                "%d of %d translations were too long, empty or did not end: the text itself stands "
                "for them",
                unchanged,
                len(missing),
            )
        return made

    def _sampled(self, jobs: Sequence[_Job], seed: int) -> list[str | None]:
        hashes = text_hashes([text.encode("utf-8", "surrogatepass") for text, _ in jobs])
        numbers = np.array([copy for _, copy in jobs])

        def begins(purpose: str) -> np.ndarray:
            found = np.empty_like(hashes)
            for copy in set(numbers.tolist()):
                found[numbers == copy] = streams(hashes[numbers == copy], seed, copy, purpose)
            return found

        there = self._there.sampled(
            [valid_unicode(text) for text, _ in jobs], begins("there"), self.temperature, self.top_p
        )
        on = [i for i, text in enumerate(there) if text]
        back: list[str | None] = [None] * len(jobs)
        fresh = self._back.sampled(
            [there[i] or "" for i in on], begins("back")[on], self.temperature, self.top_p
        )
        for i, text in zip(on, fresh, strict=True):
            back[i] = text
        return back

    def _searched(self, jobs: Sequence[_Job]) -> list[str | None]:
        assert self.beams is not None
        texts = list(dict.fromkeys(text for text, _ in jobs))
        wanted = max(copy for _, copy in jobs) + 1
        found = self._there.best([valid_unicode(text) for text in texts], self.beams, wanted)
        best = dict(zip(texts, found, strict=True))
        there = [best[text][copy] for text, copy in jobs]
        pivots = list(dict.fromkeys(text for text in there if text))
        back = dict(
            zip(pivots, (one[0] for one in self._back.best(pivots, self.beams, 1)), strict=True)
        )
        return [back[text] if text else None for text in there]
