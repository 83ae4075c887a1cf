"""Language models for the time of a command."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from llmal.progress import ProgressDisplay, say

if TYPE_CHECKING:
    from llmal.config import RunConfig
    from llmal.lm.protocol import LanguageModel


@contextlib.contextmanager
def language_model_of(
    config: RunConfig,
    *,
    log_directory: Path | None = None,
    quiet: bool = False,
    progress: ProgressDisplay | None = None,
) -> Iterator[LanguageModel | None]:
    """The language model of a configuration, closed at the end whatever happens; None if none.

    Args:
        config: The configuration.
        log_directory: Where the log of a server that is started goes.
        quiet: Do not say that it is being started.
        progress: Shows how far a model is that must be fetched first; by default one of its own.
    """
    if config.lm is None:
        yield None
        return
    from llmal.factory.language_models import language_model

    fetch_known_model(config, quiet=quiet, progress=progress)
    begun = time.monotonic()
    if not quiet:
        what = (
            "asking" if config.lm.url else "starting" if config.lm.backend == "vllm" else "loading"
        )
        where = ", ".join(config.lm.url) or config.lm.learner or config.lm.model
        say(f"{what} the language model {where} ({config.lm.backend})")
    lm = language_model(config.lm, directory=log_directory)
    try:
        waited = round(time.monotonic() - begun)
        if waited and not quiet:
            say(f"it is ready after {waited} s")
        yield lm
    finally:
        lm.close()
        if lm.cache is not None:
            lm.cache.close()


def fetch_known_model(
    config: RunConfig, *, quiet: bool = False, progress: ProgressDisplay | None = None
) -> None:
    """Fetch the model of a configuration, if it is one that llmal knows by a short name."""
    if config.lm is None or config.lm.url or config.lm.model is None:
        return
    from llmal.loading import known_model, obtain

    model = known_model(config.lm.model)
    if model is None:
        return
    with contextlib.ExitStack() as stack:
        shown = progress or stack.enter_context(ProgressDisplay(quiet=quiet))
        obtain(model, on_progress=shown.step)


@contextlib.contextmanager
def planning_model_of(
    config: RunConfig, *, progress: ProgressDisplay | None = None
) -> Iterator[LanguageModel | None]:
    """What stands in for the language model where prompts are only counted; None without one."""
    if config.lm is None:
        yield None
        return
    from llmal.factory.language_models import planning_model

    fetch_known_model(config, progress=progress)
    lm = planning_model(config.lm)
    try:
        yield lm
    finally:
        lm.close()
