"""The Hugging Face hub: whether it can be reached, and quiet use of its libraries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

HUB_SECONDS = 5.0


def why_not_on_hub(name: str) -> str | None:
    """Why a model cannot be had from the hub now; None if it can. Asks once, for a short time."""
    import httpx
    from huggingface_hub import constants, get_token

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE forbids asking the model hub"
    token = get_token()
    try:
        answer = httpx.head(
            f"{constants.ENDPOINT}/{name}/resolve/main/config.json",
            timeout=HUB_SECONDS,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
    except (httpx.HTTPError, httpx.InvalidURL):
        return "the model hub cannot be reached"
    if answer.status_code in (401, 403, 404):
        return (
            "the model hub does not know it, or does not let you read it "
            f"(HTTP {answer.status_code}; check the name and your access token)"
        )
    if answer.status_code >= 400:
        return f"the model hub answers HTTP {answer.status_code}"
    return None


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
