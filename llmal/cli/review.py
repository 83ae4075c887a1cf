"""`llmal review`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast, get_args

from llmal.cli.models import language_model_of
from llmal.cli.telling import give
from llmal.config import HumanAnnotatorConfig, load_config
from llmal.errors import ConfigError
from llmal.factory.kept_config import FILE, KeptConfig
from llmal.factory.orchestrator import build
from llmal.integrations.http_serving import LOOPBACK
from llmal.progress import ProgressDisplay, say
from llmal.web.desk import Suggestions
from llmal.web.review import serve_page


def review(
    place: Path,
    *,
    host: str,
    port: int,
    name: str | None,
    suggestions: str,
    browser: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Serve the labelling page of a run."""
    if suggestions not in get_args(Suggestions):
        raise ConfigError(
            f"--suggestions is {suggestions!r}", fix=f"use {', '.join(get_args(Suggestions))}"
        )
    file = place / FILE if place.is_dir() else place
    if place.is_dir() and not file.is_file():
        raise ConfigError(
            f"there is no {FILE}, so this is no run directory",
            where=str(place),
            fix="give the directory of a run, or the YAML file of one that is to begin",
        )
    config = load_config(file)
    people = [one for one in config.annotator if isinstance(one, HumanAnnotatorConfig)]
    if not people:
        raise ConfigError(
            "nobody who labels in this run is a person",
            where=str(file),
            fix="add the annotator {name: human, via: queue}",
        )
    if any(one.via == "gold" for one in people):
        raise ConfigError(
            "the people of this run are played by the gold column",
            where=str(file),
            fix="say via: queue for a run that people label",
        )

    def tell(address: str) -> None:
        give({"url": address}, f"label at {address} (Ctrl-C stops it)", as_json=as_json)
        sys.stdout.flush()
        if host not in LOOPBACK:
            say("warning: whoever has a link can come in from the network, over plain HTTP")

    with (
        ProgressDisplay(quiet=quiet) as progress,
        language_model_of(config, quiet=quiet, progress=progress) as lm,
    ):
        serve_page(
            lambda: build(config, lm=lm, callbacks=[KeptConfig.of(config)]),
            host=host,
            port=port,
            name=name,
            suggestions=cast(Suggestions, suggestions),
            browser=browser,
            on_ready=tell,
        )
