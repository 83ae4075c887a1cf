"""From prompts and candidates to token ids, alike for every backend that has a tokenizer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llmal.core.fingerprint import GrowingFingerprint
from llmal.errors import LanguageModelError
from llmal.lm.protocol import Message, Prompt
from llmal.loading import (
    hub_name_fix,
    load_offline_first,
    local_directory,
    quiet_loading,
    read_manifest,
)

log = logging.getLogger("llmal.lm")


class Encoder:
    """A Hugging Face tokenizer and what llmal does with it.

    Args:
        tokenizer: A `PreTrainedTokenizerBase`.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._said: set[tuple[str, tuple[str, ...]]] = set()

    @classmethod
    def load(cls, model: str | Path) -> Encoder:
        """The tokenizer of a model, from a folder or the hub.

        Raises:
            LanguageModelError: It is not there, or the hub cannot be reached.
        """
        from transformers import AutoTokenizer

        return cls(load_pretrained(AutoTokenizer, model, "tokenizer"))

    @property
    def end(self) -> int | None:
        """The end token."""
        token = self.tokenizer.eos_token_id
        return None if token is None else int(token)

    @property
    def chat(self) -> bool:
        """Whether there is a chat template."""
        return getattr(self.tokenizer, "chat_template", None) is not None

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """Strings that the tokenizer turns into control tokens wherever they stand."""
        added = getattr(self.tokenizer, "added_tokens_decoder", {})
        return tuple(sorted({str(token) for token in added.values() if token.special}))

    def text(self, prompt: Prompt) -> tuple[str, bool]:
        """The prompt as one string, and whether special tokens are to be added to it."""
        if isinstance(prompt, str):
            return prompt, True
        if not self.chat:
            raise LanguageModelError(
                "the model has no chat template, so it cannot take messages",
                fix="use a completion prompt (a string), or a model tuned for chat",
            )
        messages: list[Message] = [dict(message) for message in prompt]
        rendered = self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return str(rendered), False

    def encode(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Token ids of each prompt."""
        rendered = [self.text(prompt) for prompt in prompts]
        ids: list[list[int]] = [[] for _ in prompts]
        for special in (True, False):
            chosen = [i for i, (_, add) in enumerate(rendered) if add is special]
            if chosen:
                made = self.tokenizer(
                    [rendered[i][0] for i in chosen],
                    add_special_tokens=special,
                    return_attention_mask=False,
                ).input_ids
                for i, one in zip(chosen, made, strict=True):
                    ids[i] = one
        return ids

    def candidates(self, candidates: Sequence[str]) -> list[list[int]]:
        """Token ids of each candidate, on its own and without special tokens."""
        return [
            self.tokenizer(text, add_special_tokens=False).input_ids if text else []
            for text in candidates
        ]

    def with_begin(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of whole texts, the begin token before them where the model has one."""
        begin = self.tokenizer.bos_token_id
        plain = self.candidates(texts)
        return [ids if begin is None else [int(begin), *ids] for ids in plain]

    def warn_of_seam(self, prompt: Prompt, ids: Sequence[int], candidates: Sequence[str]) -> None:
        """Say once if tokenising prompt and candidate together would give other tokens."""
        if not self._not_said("seam", candidates):
            return
        text, special = self.text(prompt)
        paths = self.candidates(candidates)
        differing = [
            candidate
            for candidate, path in zip(candidates, paths, strict=True)
            if self.tokenizer(text + candidate, add_special_tokens=special).input_ids
            != [*ids, *path]
        ]
        if differing:
            log.warning(
                "%d of %d candidates (first: %r) would be tokenised otherwise together with the "
                "prompt than after it; the scores are of the candidate's own tokens. A prompt "
                "that ends in a space is the usual cause",
                len(differing),
                len(candidates),
                differing[0],
            )

    def warn_of_shared_first(self, candidates: Sequence[str]) -> None:
        """Say once if first tokens alone cannot tell all candidates apart."""
        if not self._not_said("first", candidates):
            return
        first: dict[int, str] = {}
        for candidate, path in zip(candidates, self.candidates(candidates), strict=True):
            if path[0] in first:
                log.warning(
                    "the candidates %r and %r begin with the same token, so their first tokens "
                    "cannot tell them apart; score whole labels, or give one another word",
                    first[path[0]],
                    candidate,
                )
                return
            first[path[0]] = candidate

    def _not_said(self, what: str, candidates: Sequence[str]) -> bool:
        key = (what, tuple(candidates))
        new = key not in self._said
        self._said.add(key)
        return new


def load_pretrained(factory: Any, model: str | Path, what: str, **options: Any) -> Any:
    """Load a tokenizer or model of transformers from a folder, a known model or the hub.

    Raises:
        LanguageModelError: It is not there, or the hub cannot be reached.
    """
    from safetensors import SafetensorError

    name = str(model)
    directory = local_directory(name)
    source = name if directory is None else str(directory)

    def load(local: bool) -> Any:
        with quiet_loading():
            return factory.from_pretrained(source, local_files_only=local, **options)

    try:
        if directory is None:
            return load_offline_first(name, load, fix=hub_name_fix(name))
        return load(True)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        where = "of" if directory is None else "in"
        raise LanguageModelError(
            f"the {what} {where} {name!r} cannot be loaded ({reason})",
            fix="check that the model is complete, and of a kind that transformers knows",
        ) from error


def model_identity(source: str | Path) -> str:
    """Name of a model and a hash of its folder; of a known model also which weights it has.

    Args:
        source: A folder, or the name of what is in none on this machine.
    """
    manifest = read_manifest(Path(source).expanduser())
    return manifest.identity if manifest is not None else f"{source}@{model_hash(source)}"


def model_hash(model: str | Path) -> str:
    """A hash of a model folder by its small files and by size and time of its weights.

    Empty for what is no folder on this machine.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return ""
    growing = GrowingFingerprint("model folder")
    for path in sorted(folder.iterdir()):
        if not path.is_file():
            continue
        stat = path.stat()
        growing.add(f"{path.name}:{stat.st_size}".encode())
        if path.suffix in {".json", ".jinja", ".txt"} and stat.st_size < 50_000_000:
            growing.add(path.read_bytes())
        else:
            growing.add(str(stat.st_mtime_ns).encode())
    return growing.value
