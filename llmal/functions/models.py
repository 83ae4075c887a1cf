"""What the functions take as a language model, for the time of a call."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llmal.embed import Embedder, SentenceEmbedder
from llmal.errors import ConfigError
from llmal.lm.cache import ResponseCache
from llmal.lm.protocol import LanguageModel

CacheChoice = bool | str | os.PathLike[str]

SIMILARITY = "similarity"
"""In the place of a language model: label by the likeness of texts and label descriptions."""

GIVE_A_MODEL = (
    "give lm= the path or name of a model (a small one is 'smollm2-135m-instruct'), the folder of "
    "a learner, the URL of a server (http://localhost:8000/v1), or a model of llmal.lm"
)


@contextlib.contextmanager
def opened_model(lm: Any, *, cache: CacheChoice = True) -> Iterator[LanguageModel]:
    """A language model from an object, a path, a name or a URL.

    What was loaded or connected here is closed here; an object of the caller's stays open.

    Args:
        lm: As `annotate` takes it.
        cache: As `annotate` takes it. A model that has a cache keeps its own.

    Raises:
        ConfigError: It is nothing of the kind.
        LanguageModelError: The model cannot be had.
    """
    model, own = _model(lm)
    kept: ResponseCache | None = None
    try:
        if model.cache is None and cache is not False:
            kept = model.cache = ResponseCache(_cache_path(cache))
        yield model
    finally:
        if kept is not None:
            model.cache = None
            kept.close()
        if own:
            model.close()


def _model(lm: Any) -> tuple[LanguageModel, bool]:
    """The model, and whether it was made here."""
    if lm is None:
        raise ConfigError("there is no language model", fix=GIVE_A_MODEL)
    if isinstance(lm, (str, os.PathLike)):
        name = os.fspath(lm)
        if name.startswith(("http://", "https://")):
            from llmal.lm.vllm import VLLM

            return VLLM(name), True
        from llmal.learners.saved import is_learner

        if is_learner(name):
            from llmal.learners.serving.opening import lm_class

            return lm_class(name).start(name), True
        from llmal.lm.transformers import TransformersLM

        return TransformersLM(name), True
    if isinstance(lm, LanguageModel):
        return lm, False
    langchain = sys.modules.get("langchain_core.language_models")
    if langchain is not None and isinstance(lm, langchain.BaseChatModel):
        from llmal.lm.chat import ChatLM

        return ChatLM(lm), True
    raise ConfigError(f"lm is of type {type(lm).__name__}", fix=GIVE_A_MODEL)


@contextlib.contextmanager
def counting_model(lm: Any) -> Iterator[LanguageModel]:
    """What can say how much a model would be asked, without loading it.

    Raises:
        ConfigError: There is no such thing.
        LanguageModelError: Its tokenizer cannot be had.
    """
    name = os.fspath(lm) if isinstance(lm, (str, os.PathLike)) else None
    if name is None or name.startswith(("http:", "https:")):
        with opened_model(lm, cache=False) as model:
            yield model
        return
    from llmal.learners.saved import is_learner
    from llmal.lm.counting import CountingLM
    from llmal.lm.transformers import in_process_work

    if is_learner(name):
        from llmal.learners.serving.opening import counting_learner

        yield counting_learner(name)
        return
    yield CountingLM(name, work=in_process_work)


def _cache_path(cache: CacheChoice) -> Path:
    if isinstance(cache, (str, os.PathLike)):
        return Path(cache).expanduser()
    folder = os.environ.get("LLMAL_CACHE") or "~/.cache/llmal"
    return Path(folder).expanduser() / "answers.sqlite"


def embedder_of(embedder: Embedder | str | os.PathLike[str] | None) -> Embedder:
    """An embedder from an object, a path or a name; the default one for None.

    It loads its model when it is first asked.
    """
    if embedder is None:
        return SentenceEmbedder()
    if isinstance(embedder, (str, os.PathLike)):
        return SentenceEmbedder(os.fspath(embedder))
    return embedder
