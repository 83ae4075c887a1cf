"""The server that llmal starts: how it fails, is lost, and ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from llmal.errors import LanguageModelError, ServerError
from llmal.lm import VLLM, ResponseCache
from llmal.lm.server import Server, installed_vllm

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(installed_vllm() is None, reason="vLLM is not installed"),
]

CANDIDATES = [" Person", " Number"]


def _gone(pids: list[int], patience: float = 30) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        alive = [pid for pid in pids if psutil.pid_exists(pid)]
        if all(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE for pid in alive):
            return True
        time.sleep(0.2)
    return False


def test_a_model_that_is_not_there_is_said_before_a_server_is_started(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with pytest.raises(LanguageModelError, match="there is no model at"):
        VLLM.start(tmp_path / "nothing", log_file=log)
    assert not log.exists()


@pytest.mark.slow
def test_a_broken_model_is_said_with_the_end_of_the_log(tiny_lm_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for path in tiny_lm_path.iterdir():
        if path.suffix != ".safetensors":
            (folder / path.name).write_bytes(path.read_bytes())
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps({**settings, "architectures": ["NoSuchModel"], "model_type": "llama"})
    )
    log = tmp_path / "server.log"
    with pytest.raises(ServerError, match=r"ended with status \d+; its log ends") as caught:
        VLLM.start(folder, log_file=log)
    assert str(log) in str(caught.value)
    assert "Error" in str(caught.value)


@pytest.mark.slow
def test_an_argument_that_vllm_does_not_know_is_said(tiny_lm_path: Path, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="--no-such-argument"):
        VLLM.start(tiny_lm_path, arguments=["--no-such-argument"], log_file=tmp_path / "log")


def test_a_server_that_does_not_come_up_in_time_is_ended(
    tiny_lm_path: Path, tmp_path: Path
) -> None:
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    with pytest.raises(ServerError, match="did not come up within 1 s"):
        VLLM.start(tiny_lm_path, startup_timeout=1, log_file=tmp_path / "log")
    after = {one.pid for one in psutil.Process().children(recursive=True)}
    assert after <= before


def test_a_server_that_dies_at_work_is_said_and_what_it_answered_is_kept(
    tiny_lm_path: Path, tmp_path: Path
) -> None:
    cache = ResponseCache(tmp_path / "cache.sqlite")
    log = tmp_path / "server.log"
    lm = VLLM.start(tiny_lm_path, max_model_len=1024, log_file=log, cache=cache, concurrency=1)
    assert lm.server is not None
    processes = psutil.Process(lm.server.pid)
    pids = [processes.pid, *(one.pid for one in processes.children(recursive=True))]
    prompts = [f"Question: {'what ' * 200} {n} ?\nAnswer Type:" for n in range(4000)]

    def kill_when_at_work() -> None:
        while len(cache) == 0:
            time.sleep(0.01)
        os.killpg(pids[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_when_at_work, daemon=True)
    killer.start()
    with pytest.raises(ServerError, match="the vLLM server ended with status") as caught:
        lm.score(prompts, CANDIDATES)
    killer.join()
    assert str(log) in str(caught.value)
    assert "all answers so far are kept" in str(caught.value)
    assert 0 < len(cache) < len(prompts)
    assert lm.usage.requests == len(cache)
    lm.close()
    lm.close()
    assert _gone(pids)


@pytest.mark.slow
def test_a_server_ends_with_a_parent_that_is_killed(tiny_lm_path: Path, tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from llmal.lm import VLLM\n"
        f"lm = VLLM.start({str(tiny_lm_path)!r}, log_file={str(tmp_path / 'log')!r},"
        " max_model_len=1024)\n"
        "print('up', lm.server.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline().split()[1])
    pids = [pid, *(one.pid for one in psutil.Process(pid).children(recursive=True))]
    assert len(pids) > 1
    parent.kill()
    parent.wait()
    assert _gone(pids)


def test_a_server_ends_with_a_parent_that_is_killed_before_it_is_up(
    tiny_lm_path: Path, tmp_path: Path
) -> None:
    program = (
        "from llmal.lm.server import Server\n"
        f"Server({str(tiny_lm_path)!r}, name='x', log={str(tmp_path / 'log')!r})\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    children: list[psutil.Process] = []
    while len(children) < 2:
        time.sleep(0.05)
        children = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()
    assert _gone([one.pid for one in children])


def test_a_beginning_that_was_read_before_is_counted_as_cached(vllm: VLLM) -> None:
    """The server of the session, which is seen to leave no process when it is closed."""
    assert "/float32" in vllm.fingerprint
    usage = []
    for label in CANDIDATES:
        before = vllm.usage
        vllm.score(["window " * 200 + "Answer Type:"], [label])
        usage.append(vllm.usage - before)
    assert usage[0].cached_tokens < 32
    assert 128 <= usage[1].cached_tokens < usage[1].prompt_tokens


@pytest.mark.slow
def test_close_leaves_no_process(tiny_lm_path: Path, tmp_path: Path) -> None:
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    with VLLM.start(tiny_lm_path, max_model_len=1024, log_file=tmp_path / "log") as lm:
        assert lm.server is not None
        assert lm.server.running
        started = {one.pid for one in psutil.Process().children(recursive=True)} - before
        assert lm.server.pid in started
        assert lm.usage.cached_tokens == 0
        lm.score(["Answer Type:"], CANDIDATES)
    assert {one.pid for one in psutil.Process().children(recursive=True)} <= before
    lm.close()


def test_the_end_of_the_log_shows_the_cause_and_not_the_noise(tmp_path: Path) -> None:
    log = tmp_path / "log"
    server = Server.__new__(Server)
    server.log = log
    noise = [f" - leaked function number {n}" for n in range(300)]
    log.write_text(
        "\n".join(
            [
                "INFO starting",
                "(Worker) ERROR RuntimeError: the cause",
                *[f"INFO line {n}" for n in range(40)],
                *noise,
                "the last line",
            ]
        )
    )
    tail = server.tail(lines=5).splitlines()
    assert tail[0] == "RuntimeError: the cause"
    assert tail[-1] == "the last line"
    assert len(tail) == 6
