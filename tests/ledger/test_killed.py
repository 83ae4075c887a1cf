"""A process that is killed while it appends loses nothing that it was told is recorded."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from llmal.ledger import Ledger

_SIZE = 40

_APPEND = """
import sys
from llmal.ledger import Ledger
from llmal.core.records import Annotation
place, first, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
import llmal.ledger.ledger
print("ready", flush=True)
with Ledger.open(place) as ledger:
    for number in range(first, first + 1_000_000):
        ledger.append([
            Annotation(f"{number}-{i}", "yes", "lm", "llm", {"yes": 1 / 3, "no": 2 / 3}, round=0)
            for i in range(size)
        ])
        print(number, flush=True)
"""


def _run_until_killed(place: str, first: int, seconds: float) -> list[int]:
    """The numbers of the batches that the process said were recorded before it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _APPEND, place, str(first), str(_SIZE)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
    finally:
        process.kill()
        said, _ = process.communicate()
    return [int(line) for line in said.splitlines(keepends=True) if line.endswith("\n")]


def _batches(place: str) -> Counter[int]:
    with Ledger.open(place) as ledger:
        return Counter(int(one.item_id.split("-")[0]) for one in ledger.annotations())


def _kill_again_and_again(place: str, pauses: Iterable[float]) -> int:
    """Kill a writer after each pause, check the ledger each time; how many batches were told."""
    said: set[int] = set()
    first = 0
    for seconds in pauses:
        said.update(_run_until_killed(place, first, seconds))
        found = _batches(place)
        assert said <= set(found)
        assert set(found.values()) <= {_SIZE}
        first = max(found, default=-1) + 1
    return len(said)


@pytest.mark.parametrize("ledgers", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_again_and_again_every_batch_is_there_entirely_or_not_at_all(
    tmp_path: Path, ledgers: int
) -> None:
    rng = random.Random(0)
    # Each ledger is killed while it is made or first written, and twice when it is gone on with;
    # the last pause is long enough for something to be recorded.
    pauses = [[rng.uniform(0, 0.15) for _ in range(3)] for _ in range(ledgers)]
    pauses[-1][-1] = 2.0
    told = [
        _kill_again_and_again(str(tmp_path / f"{number}.sqlite"), some)
        for number, some in enumerate(pauses)
    ]
    assert sum(told) > 0


def test_killed_on_any_database(place: str) -> None:
    rng = random.Random(1)
    # The last pause is long enough for something to be recorded.
    assert _kill_again_and_again(place, [*(rng.uniform(0, 0.5) for _ in range(3)), 2.0]) > 0
