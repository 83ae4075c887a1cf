"""What several contracts are tried with."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def translators(tmp_path_factory):
    """Two small models that translate word for word, there and back."""
    path = Path(__file__).parent.parent / "perturb" / "word_for_word.py"
    spec = importlib.util.spec_from_file_location("word_for_word", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build(tmp_path_factory.mktemp("translators"), steps=80)
