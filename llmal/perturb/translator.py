"""Translation by a sequence-to-sequence model, drawn for each text by itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llmal.errors import ConfigError, LanguageModelError
from llmal.lm.encoder import model_hash
from llmal.lm.row_sampler import RowSampler
from llmal.loading import (
    load_local,
    load_offline_first,
    local_directory,
    quiet_loading,
)
from llmal.perturb.draws import Bits, steps, uniforms

_LEAST_BUCKET = 16


class Translator:
    """One direction of a translation. Nothing is loaded before the first text.

    Args:
        model: A directory, or a hub name.
        device: "cpu", "cuda", "mps" …; the best there is if None.
        batch_size: Texts in one pass.
        max_length: Most tokens of a text, and of its translation; less where the model has less.
        prefix: What stands before each text, for models that want to be told (T5).
        languages: Codes of source and target, for models of many languages (NLLB, M2M100, mBART).
    """

    def __init__(
        self,
        model: str | Path,
        *,
        device: str | None,
        batch_size: int,
        max_length: int,
        prefix: str = "",
        languages: tuple[str, str] | None = None,
    ) -> None:
        self.model = str(model)
        self.prefix = prefix
        self.languages = languages
        self._device = device
        self._batch_size = batch_size
        self._max_length = max_length
        self._loaded: tuple[Any, Any] | None = None
        self._target: int | None = None
        self._fingerprint: str | None = None

    @property
    def fingerprint(self) -> str:
        """Name and hash or commit of the model, with prefix and languages."""
        if self._fingerprint is None:
            directory = local_directory(self.model)
            found = (
                f"{self.model}@{self._commit()}"
                if directory is None
                else f"{directory.name}@{model_hash(directory)}"
            )
            told = "".join(f",{one}" for one in (self.prefix, *(self.languages or ())) if one)
            self._fingerprint = found + told
        return self._fingerprint

    @property
    def longest(self) -> int:
        """Most tokens of a text and of a translation."""
        model, tokenizer = self._load()
        told = getattr(model.config, "max_position_embeddings", None)
        # Tokenizers without a limit say a number of thirty digits.
        return int(min(self._max_length, told or self._max_length, tokenizer.model_max_length))

    def sampled(
        self, texts: Sequence[str], begins: Bits, temperature: float, top_p: float
    ) -> list[str | None]:
        """A translation of each text, drawn by its own stream of random numbers.

        Args:
            texts: n texts.
            begins: Shape (n,): where the stream of each begins; see `draws`.
            temperature: Of the sampling.
            top_p: Nucleus size.

        Returns:
            None for a text that is too long, or whose translation did not end.
        """
        made: list[str | None] = [None] * len(texts)
        for rows, batch, limit in self._batches(texts):
            numbers = uniforms(begins[rows][:, None] + steps(np.arange(limit)))
            picker = RowSampler(numbers, temperature, top_p)
            for row, text in zip(rows, self._generated(batch, limit, picker, 1, 1), strict=True):
                made[row] = text
        return made

    def best(self, texts: Sequence[str], beams: int, wanted: int) -> list[list[str | None]]:
        """The `wanted` best translations of each text by beam search, the best first.

        None stands where a text is too long, or a translation did not end.
        """
        made: list[list[str | None]] = [[None] * wanted for _ in texts]
        for rows, batch, limit in self._batches(texts):
            found = self._generated(batch, limit, None, beams, wanted)
            for place, row in enumerate(rows):
                made[row] = found[place * wanted : (place + 1) * wanted]
        return made

    def _batches(self, texts: Sequence[str]) -> list[tuple[list[int], list[list[int]], int]]:
        """Positions of texts of near lengths, their token ids, and most tokens of an answer.

        The room for the answer is a matter of the text's own length, whatever is beside it.
        """
        if not texts:
            return []
        _, tokenizer = self._load()
        if self.languages is not None:
            tokenizer.src_lang = self.languages[0]
        # Not by the tokenizer's own cutting: half a text has another meaning.
        with quiet_loading():
            ids = tokenizer([self.prefix + text for text in texts], truncation=False).input_ids
        longest = self.longest
        buckets: dict[int, list[int]] = {}
        for position, one in enumerate(ids):
            if len(one) <= longest:
                bucket = max(_LEAST_BUCKET, 1 << (len(one) - 1).bit_length())
                buckets.setdefault(bucket, []).append(position)
        batches = []
        for bucket, positions in sorted(buckets.items(), reverse=True):
            positions.sort(key=lambda position: -len(ids[position]))
            for start in range(0, len(positions), self._batch_size):
                rows = positions[start : start + self._batch_size]
                batches.append((rows, [ids[row] for row in rows], min(2 * bucket, longest)))
        return batches

    def _generated(
        self, ids: list[list[int]], limit: int, picker: RowSampler | None, beams: int, wanted: int
    ) -> list[str | None]:
        import torch
        from transformers import LogitsProcessorList

        model, tokenizer = self._load()
        padded = tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(model.device)
        forced = {} if self._target is None else {"forced_bos_token_id": self._target}
        with torch.inference_mode(), quiet_loading():
            out = model.generate(
                input_ids=padded["input_ids"],
                attention_mask=padded["attention_mask"],
                max_new_tokens=limit,
                do_sample=False,
                num_beams=beams,
                num_return_sequences=wanted,
                logits_processor=None if picker is None else LogitsProcessorList([picker]),
                **forced,
            )[:, 1:]
        ends = torch.tensor(model.generation_config.eos_token_id, device=out.device)
        # An end in the very last place may have been forced.
        ended = torch.isin(out[:, : limit - 1], ends).any(-1).tolist()
        texts = tokenizer.batch_decode(out, skip_special_tokens=True)
        return [text.strip() if done else None for text, done in zip(texts, ended, strict=True)]

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            import torch
            from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

            directory = local_directory(self.model)

            def load(local: bool) -> tuple[Any, Any]:
                source = self.model if directory is None else str(directory)
                return (
                    AutoModelForSeq2SeqLM.from_pretrained(source, local_files_only=local),
                    AutoTokenizer.from_pretrained(source, local_files_only=local),
                )

            try:
                with quiet_loading():
                    model, tokenizer = (
                        load_offline_first(self.model, load)
                        if directory is None
                        else load_local(directory, lambda: load(True))
                    )
            except ImportError as error:
                first = str(error).strip().splitlines() or [type(error).__name__]
                raise LanguageModelError(
                    f"the model {self.model!r} needs a package that is not installed ({first[0]})",
                    fix="install it; Marian models want sentencepiece and sacremoses",
                ) from error
            device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
            self._loaded = (model.to(device).eval(), tokenizer)
            if self.languages is not None:
                self._target = self._language(tokenizer, self.languages[1])
        return self._loaded

    def _language(self, tokenizer: Any, code: str) -> int:
        for token in (code, f"__{code}__"):
            known = tokenizer.get_vocab().get(token)
            if known is not None:
                return int(known)
        raise ConfigError(
            f"the model {self.model!r} knows no language {code!r}",
            fix="give the codes that its tokenizer uses, e.g. deu_Latn for NLLB, de for M2M100",
        )

    def _commit(self) -> str:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError

        try:
            config = try_to_load_from_cache(self.model, "config.json")
            if not isinstance(config, str):
                self._load()
                config = try_to_load_from_cache(self.model, "config.json")
        except HFValidationError as error:
            raise LanguageModelError(
                f"{self.model!r} is neither a directory nor a hub name",
                fix="a hub name is owner/name",
            ) from error
        return Path(config).parent.name if isinstance(config, str) else "unknown"
