"""A small run that people label on the page, without any model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from word_bayes import WordBayes

from llmal import Budget, Orchestrator, Pool, Task
from llmal.annotators import Outside
from llmal.selectors import make
from llmal.web.desk import Desk

LABELS = {"animal": "a living being", "food": "something to eat"}


@pytest.fixture
def texts() -> list[str]:
    """Sixty texts."""
    words = ("cat", "soup", "cow", "bread", "hen", "tea")
    return [f"{words[n % 6]} number {n}" for n in range(60)]


@pytest.fixture
def make_run(tmp_path: Path, texts: list[str]) -> Callable[..., Orchestrator]:
    """Makes the run, as often as it is called; in the same directory it goes on."""

    def made(**options: Any) -> Orchestrator:
        given: dict[str, Any] = {
            "directory": tmp_path / "run",
            "annotator": Outside("human"),
            "start": make("random"),
            "selector": make("random"),
            "learner": WordBayes(),
            "budget": Budget(batch=20),
            **options,
        }
        pool = Pool.from_texts(texts, ids=[f"i{n}" for n in range(60)], cache=tmp_path / "cache")
        return Orchestrator(Task("beings", LABELS, guidelines="Say what it is."), pool, **given)

    return made


@pytest.fixture
def desk(make_run: Callable[..., Orchestrator]) -> Iterator[Desk]:
    """A desk at which work goes on."""
    found = Desk(make_run)
    found.start()
    yield found
    found.close()
