"""A place for a ledger on each of the two databases, so that one test speaks for both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from places import KINDS, ledger_place

from llmal.ledger import Ledger


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a ledger can be opened: a path, or a URL with an empty schema of its own."""
    with ledger_place(request.param, tmp_path) as place:
        yield place


@pytest.fixture
def ledger(place: str) -> Iterator[Ledger]:
    with Ledger.open(place) as opened:
        yield opened
