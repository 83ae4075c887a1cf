"""Where a network runs, in which precision, and with random numbers of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from llmal.errors import ConfigError


def pick_device(device: str) -> torch.device:
    """The named device, or for "auto" the best there is.

    Raises:
        ConfigError: torch knows no such device.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise ConfigError(
            f"there is no device {device!r}", fix='use "auto", "cpu", "cuda", "cuda:1" or "mps"'
        ) from error


def mixed_precision(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 for what bears it, on a GPU that has it; elsewhere everything as it is."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


@contextmanager
def in_use(module: torch.nn.Module) -> Iterator[None]:
    """Without dropout inside the block, and as it was after it."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch inside the block, and give the caller's random state back after it."""
    # torch.manual_seed would reseed every accelerator, also those that are not restored here.
    accelerator = device.type if device.type in ("cuda", "mps") else None
    devices = [device.index or 0] if accelerator else []
    with torch.random.fork_rng(devices=devices, device_type=accelerator or "cuda"):
        torch.default_generator.manual_seed(seed)
        if accelerator == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif accelerator == "mps":
            torch.mps.manual_seed(seed)
        yield
