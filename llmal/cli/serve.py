"""`llmal serve`."""

from __future__ import annotations

import sys
from pathlib import Path

from llmal.cli.telling import give
from llmal.integrations.http_serving import LOOPBACK
from llmal.integrations.learner_server import serve as run
from llmal.learners.saved import load_learner
from llmal.progress import say


def serve(learner: Path, *, host: str, port: int, embedder: str | None, as_json: bool) -> None:
    """Serve a trained learner."""
    classifier = load_learner(learner, embedder=embedder)
    # A first answer loads what answers need, so that a mistake shows before anybody asks.
    classifier.predict_proba(["."])
    kind = type(classifier.learner).__name__
    address = f"http://{host}:{port}"

    def tell() -> None:
        give({"url": address, "model_class": kind, "labels": list(classifier.labels)},
             f"{kind} answers at {address} (Ctrl-C stops it)", as_json=as_json)  # fmt: skip
        sys.stdout.flush()
        if host not in LOOPBACK:
            say("warning: everyone who reaches this address can ask it; there is no password")

    run(classifier, host, port, tell)
