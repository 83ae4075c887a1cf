"""Small translation models."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


def _module() -> ModuleType:
    # Test folders are no packages (--import-mode=importlib), so it is loaded by its path.
    path = Path(__file__).with_name("word_for_word.py")
    spec = importlib.util.spec_from_file_location("word_for_word", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Models so small are only slowed down by more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def word_for_word() -> ModuleType:
    """The module `word_for_word`."""
    return _module()


@pytest.fixture(scope="session")
def translators(
    word_for_word: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Folders of a model there and one back."""
    return word_for_word.build(tmp_path_factory.mktemp("translators"), steps=350)
