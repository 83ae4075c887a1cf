"""Servers that fail, and clients of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from llmal.lm import VLLM


def _module() -> ModuleType:
    # Test folders are no packages (--import-mode=importlib), so it is loaded by its path.
    path = Path(__file__).with_name("faulty_server.py")
    spec = importlib.util.spec_from_file_location("faulty_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def faults() -> ModuleType:
    """The module `faulty_server`."""
    return _module()


@pytest.fixture
def serve(faults: ModuleType) -> Iterator[Callable[..., Any]]:
    """Start a faulty server that ends with the test."""
    with ExitStack() as stack:
        yield lambda *given, **options: stack.enter_context(faults.faulty_server(*given, **options))


@pytest.fixture
def client(tiny_lm_path: Path) -> Iterator[Callable[..., VLLM]]:
    """Make a client of given URLs, closed after the test."""
    with ExitStack() as stack:
        yield lambda urls, **options: stack.enter_context(
            VLLM(urls, tokenizer=tiny_lm_path, **options)
        )
