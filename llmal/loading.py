"""Finding a model: a directory, an installed package, the local hub cache, or the hub itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from llmal.errors import LanguageModelError

T = TypeVar("T")
HUB_SECONDS = 5.0
OFFLINE_FIX = "give the path of a local directory"


def is_path(model: str) -> bool:
    """Whether a model is given as a path rather than by its hub name."""
    return model.startswith((".", "/", "~", "\\")) or model.count("/") > 1 or "\\" in model


def local_directory(model: str) -> Path | None:
    """The directory that a model is given by; None for a hub name.

    Raises:
        LanguageModelError: It is a path, and nothing is there.
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
    return None


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
        _require_on_hub(name, fix)
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
    try:
        return load()
    except (OSError, ValueError, KeyError) as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise LanguageModelError(
            f"no usable model could be read ({first[0]})",
            where=str(path),
            fix="it must be a Hugging Face model directory: config.json, tokenizer and weights",
        ) from error


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Keep transformers from drawing a bar and a table for each model that it loads."""
    from transformers.utils import logging as hf_logging

    shown, verbosity = hf_logging.is_progress_bar_enabled(), hf_logging.get_verbosity()
    hf_logging.disable_progress_bar()
    hf_logging.set_verbosity_error()
    try:
        yield
    finally:
        hf_logging.set_verbosity(verbosity)
        if shown:
            hf_logging.enable_progress_bar()


def _require_on_hub(name: str, fix: str) -> None:
    import httpx
    from huggingface_hub import constants, get_token

    if constants.HF_HUB_OFFLINE:
        raise LanguageModelError(
            f"the model {name!r} is not on this machine and HF_HUB_OFFLINE forbids asking the hub",
            fix=fix,
        )
    token = get_token()
    try:
        answer = httpx.head(
            f"{constants.ENDPOINT}/{name}/resolve/main/config.json",
            timeout=HUB_SECONDS,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise LanguageModelError(
            f"the model {name!r} is not on this machine and the model hub cannot be reached",
            fix=fix,
        ) from error
    if answer.status_code in (401, 403, 404):
        raise LanguageModelError(
            f"the model hub does not know {name!r}, or does not let you read it "
            f"(HTTP {answer.status_code})",
            fix="check the name and your access token, or " + fix,
        )
    if answer.status_code >= 400:
        raise LanguageModelError(
            f"the model hub answers HTTP {answer.status_code} for {name!r}",
            fix="try again later, or " + fix,
        )
