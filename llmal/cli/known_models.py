"""`llmal models`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmal.cli.telling import give, results_only_on_stdout
from llmal.loading import KnownModel, Manifest, obtain, read_manifest
from llmal.loading.fetching import find_kept
from llmal.loading.hub import why_not_on_hub
from llmal.loading.kept import state_of
from llmal.loading.known_models import REGISTRY, get_model
from llmal.loading.sources import find_installed_file, hub_snapshot
from llmal.progress import ProgressDisplay


@dataclass(frozen=True)
class Whereabouts:
    """Where a model is, or would be fetched from.

    Attributes:
        folder: Where it is kept; None if it is not here.
        manifest: What is there.
        source: Where it would come from, or has come from.
    """

    folder: str | None
    manifest: Manifest | None
    source: str


def list_models(*, as_json: bool) -> None:
    """List the models that are known by a short name."""
    with results_only_on_stdout(as_json):
        models = [get_model(name) for name in REGISTRY.names()]
        places = [whereabouts(model) for model in models]
    rows = list(zip(models, places, strict=True))
    result = {"models": [_as_data(model, place) for model, place in rows]}
    text = "\n".join(_as_text(model, place) for model, place in rows)
    give(result, text, as_json=as_json)


def fetch_model(name: str, *, as_json: bool, quiet: bool) -> None:
    """Fetch a model, or check one that is here."""
    model = get_model(name)
    with results_only_on_stdout(as_json), ProgressDisplay(quiet=quiet) as progress:
        kept = find_kept(model)
        was_here = kept is not None and state_of(kept, hashes=True) == "whole"
        folder = obtain(model, on_progress=progress.step, check_hashes=True)
    place = whereabouts(model)
    done = "is here, and every byte is as it was written" if was_here else "is here now"
    weights = "" if place.manifest is None else f" ({place.manifest.weights})"
    give(
        {**_as_data(model, place), "was_here": was_here},
        f"{model.name}{weights} {done}: {folder}\nuse it by its name: --model {model.name}",
        as_json=as_json,
    )


def whereabouts(model: KnownModel) -> Whereabouts:
    """Where a model is, or would be fetched from now: the hub is asked for a moment."""
    folder = find_kept(model)
    manifest = None if folder is None else read_manifest(folder)
    if manifest is not None:
        return Whereabouts(str(folder), manifest, manifest.source)
    return Whereabouts(None, None, _next_source(model))


def _next_source(model: KnownModel) -> str:
    if hub_snapshot(model) is not None:
        return f"the hub's cache on this machine ({model.hub})"
    reason = why_not_on_hub(model.hub)
    if reason is None:
        return f"the Hugging Face hub ({model.hub}, {model.megabytes} MB)"
    if model.packaged is None:
        return f"nowhere now: {reason}"
    if find_installed_file(model.packaged) is not None:
        return f"the installed package {model.packaged.requirement}"
    return f"the package index ({model.packaged.requirement}, {model.packaged.megabytes} MB)"


def _as_data(model: KnownModel, place: Whereabouts) -> dict[str, Any]:
    return {
        "name": model.name,
        "summary": model.summary,
        "parameters": model.parameters,
        "licence": model.licence,
        "megabytes": model.megabytes,
        "here": place.folder,
        "weights": None if place.manifest is None else place.manifest.weights,
        "source": place.source,
    }


def _as_text(model: KnownModel, place: Whereabouts) -> str:
    lines = [
        f"{model.name}: {model.summary}",
        f"  {model.parameters} parameters, {model.megabytes} MB on disk, licence {model.licence}",
    ]
    if place.manifest is not None:
        lines.append(f"  here: {place.folder} ({place.manifest.weights}, from {place.source})")
    else:
        lines.append(
            f"  not here yet; would come from {place.source}: llmal models get {model.name}"
        )
    return "\n".join(lines)
