"""The room can be imported without the database library, which is slow to load."""

from __future__ import annotations

import subprocess
import sys

import pytest

import llmal.ledger


def test_importing_the_room_does_not_import_sqlalchemy() -> None:
    code = "import sys, llmal.ledger; print('sqlalchemy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_every_public_name_can_be_had() -> None:
    assert all(getattr(llmal.ledger, name) for name in llmal.ledger.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = llmal.ledger.Nothing
