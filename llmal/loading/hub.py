"""The Hugging Face hub: whether it can be reached, and quiet use of its libraries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llmal.errors import LanguageModelError

HUB_SECONDS = 5.0


def check_on_hub(name: str, fix: str) -> None:
    """Ask the hub once, with a short time-out, whether it has a model.

    Raises:
        LanguageModelError: It cannot be reached or must not be asked, or has no such model.
    """
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
