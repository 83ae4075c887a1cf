"""Names and parameters that the version before offered are there, or warn where they are now."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

NAMES = (Path(__file__).parent / "support" / "public_names_0_1.txt").read_text("utf-8").split("\n")
"""What `__all__` of llmal and its packages held, one a line, with the parameters of what people
call (none of the record `Scored`, which llmal alone makes). `llmal.ledger.QueueCounts` is out,
as what it counted is no more: leases in the queue itself.
"""


@pytest.mark.parametrize("line", [one for one in NAMES if one])
def test_a_public_name_is_kept(line: str) -> None:
    dotted, _, rest = line.partition("(")
    home, _, name = dotted.rpartition(".")
    with warnings.catch_warnings():
        # A name that goes in the next version says so, and works until then.
        warnings.simplefilter("ignore", DeprecationWarning)
        thing = getattr(importlib.import_module(home), name)
        parameters = [one for one in rest.removesuffix(")").split(", ") if one]
        if parameters:
            known = inspect.signature(thing).parameters
            assert [one for one in parameters if one not in known] == []


def test_packages_are_attributes_of_the_package() -> None:
    code = "import llmal\n" + "".join(
        f"llmal.{name}\n"
        for name in sorted({line.split(".")[1] for line in NAMES if line.count(".") > 1})
        if name not in {"config", "functions", "ledger", "pool"}  # these never were
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_name_of_the_package_is_there() -> None:
    import llmal

    assert {"forecast", "guarantee", "trial"} <= set(llmal.__all__)
    assert [name for name in llmal.__all__ if getattr(llmal, name, None) is None] == []
    assert callable(llmal.trial)
    assert inspect.ismodule(llmal.guarantee)
