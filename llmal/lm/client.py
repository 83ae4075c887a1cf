"""Requests to model servers: concurrent, retried, spread over several URLs."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import httpx

from llmal.errors import ContextLengthError, LanguageModelError, ServerError

log = logging.getLogger("llmal.lm")

_RETRIED = {408, 409, 425, 429, 500, 502, 503, 504}
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""Failures after which no server can have computed an answer."""
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 10.0


class Client:
    """Sends JSON to one or several equal servers.

    Args:
        urls: Base URLs, ending in /v1.
        concurrency: Requests under way at once at each URL.
        timeout: Seconds that one request may take.
        patience: Seconds for which a request is tried again before giving up.
        api_key: Sent as a bearer token.
        alive: Called before each new try; raises if trying again is pointless.
        lost: Called with the body of a request whose answer a server may have computed, and that
            did not arrive, before it is sent again; raises if it may not be.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        concurrency: int = 4,
        timeout: float = 600,
        patience: float = 300,
        api_key: str | None = None,
        alive: Callable[[], None] | None = None,
        lost: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        if not urls:
            raise LanguageModelError("no server URL was given", fix="give at least one")
        self.urls = [url.rstrip("/") for url in urls]
        self.workers = concurrency * len(self.urls)
        self._patience = patience
        self._alive = alive
        self._lost = lost
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        limits = httpx.Limits(max_connections=self.workers + 4)
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=10),
            headers=headers,
            limits=limits,
            # A proxy of the environment has no way to this machine's own servers.
            mounts={"all://127.0.0.1": None, "all://localhost": None},
        )
        self._lock = threading.Lock()
        self._busy = dict.fromkeys(self.urls, 0)
        self._rest_until = dict.fromkeys(self.urls, 0.0)
        self._pause = dict.fromkeys(self.urls, _FIRST_PAUSE)
        self._ill: set[str] = set()

    def get(self, path: str, *, root: bool = False) -> httpx.Response:
        """One GET from the first server that answers; `root` leaves out the /v1."""
        problem = ""
        for url in self.urls:
            base = url.removesuffix("/v1") if root else url
            try:
                return self._http.get(f"{base}{path}", timeout=10)
            except (httpx.RequestError, httpx.InvalidURL) as error:
                problem = str(error) or type(error).__name__
                if self._alive is not None:
                    self._alive()
                if len(self.urls) > 1:
                    self._failed(url, f"cannot be reached ({problem})")
        raise ServerError(
            f"no model server answers at {', '.join(self.urls)} ({problem})",
            fix="start it, or check the url",
        )

    def post_all(
        self, path: str, bodies: Iterable[dict[str, Any]]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Send all bodies and give each answer as it arrives, with the position of its body.

        Raises:
            ServerError: A server kept failing for longer than `patience`.
            LanguageModelError: A server refused a request.
        """
        feed = enumerate(bodies)
        given_up = threading.Event()
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="llmal-request")
        under_way: dict[Future[dict[str, Any]], int] = {}
        failure: LanguageModelError | None = None
        try:
            # Two for each worker: the next body is ready when an answer comes.
            for number, body in itertools.islice(feed, 2 * self.workers):
                under_way[pool.submit(self.post, path, body, given_up)] = number
            while under_way:
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    number = under_way.pop(future)
                    if future.cancelled():
                        continue
                    try:
                        answer = future.result()
                    except LanguageModelError as error:
                        # What else is under way has been paid for: take it before giving up.
                        failure = failure or error
                        given_up.set()
                        for waiting in under_way:
                            waiting.cancel()
                        continue
                    if failure is None:
                        for following, body in itertools.islice(feed, 1):
                            under_way[pool.submit(self.post, path, body, given_up)] = following
                    yield number, answer
            if failure is not None:
                raise failure
        finally:
            given_up.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def post(
        self, path: str, body: dict[str, Any], given_up: threading.Event | None = None
    ) -> dict[str, Any]:
        """One request, tried again with growing pauses on overload and lost connections.

        Args:
            path: Below the base URL.
            body: Sent as JSON.
            given_up: Ends the tries when it is set.
        """
        given_up = given_up or threading.Event()
        start = time.monotonic()
        while True:
            url = self._take(given_up)
            response: httpx.Response | None = None
            arrived = False
            try:
                response = self._http.post(f"{url}{path}", json=body)
                arrived = response.is_success
                problem = f"answered {response.status_code}: {response.text[:300].strip()}"
            except httpx.RequestError as error:
                arrived = not isinstance(error, _NOT_SENT)
                problem = f"lost the connection ({error or type(error).__name__})"
            finally:
                with self._lock:
                    self._busy[url] -= 1
            if response is not None and response.is_success:
                answer = _mapping(response)
                if answer is not None:
                    self._recovered(url)
                    return answer
                problem = f"sent no JSON object: {response.text[:300].strip()}"
            elif response is not None and response.status_code not in _RETRIED:
                raise _refused(url, response)
            if self._alive is not None:
                self._alive()
            if arrived and self._lost is not None:
                self._lost(body)
            waited = time.monotonic() - start
            if waited > self._patience:
                raise ServerError(
                    f"the model server at {url} {problem}; it was tried for {waited:.0f} s",
                    fix="see what is wrong with the server and run again: all answers so far "
                    "are kept",
                )
            self._failed(url, problem, _retry_after(response))

    def _take(self, given_up: threading.Event) -> str:
        """The least busy URL, those that failed just now last and not before they have rested."""
        with self._lock:
            now = time.monotonic()
            url = min(self.urls, key=lambda u: (max(0.0, self._rest_until[u] - now), self._busy[u]))
            resting = self._rest_until[url] - now
            self._busy[url] += 1
        if given_up.wait(max(0.0, resting)):
            with self._lock:
                self._busy[url] -= 1
            raise ServerError("the request was given up because another one failed")
        return url

    def _failed(self, url: str, problem: str, pause: float = 0.0) -> None:
        """Let a URL rest, longer with each failure in a row; say so at the first."""
        with self._lock:
            now = time.monotonic()
            # Requests that were under way together fail together: that is one failure.
            if self._rest_until[url] <= now:
                self._rest_until[url] = now + max(self._pause[url], pause)
                self._pause[url] = min(2 * self._pause[url], _LONGEST_PAUSE)
            new = url not in self._ill
            self._ill.add(url)
        if new:
            log.warning("the model server at %s %s; trying again", url, problem)

    def _recovered(self, url: str) -> None:
        with self._lock:
            self._pause[url] = _FIRST_PAUSE
            was_ill = url in self._ill
            self._ill.discard(url)
        if was_ill:
            log.info("the model server at %s answers again", url)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()


def _mapping(response: httpx.Response) -> dict[str, Any] | None:
    try:
        answer = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _retry_after(response: httpx.Response | None) -> float:
    said = "" if response is None else response.headers.get("retry-after", "")
    return min(float(said), 60.0) if said.isdigit() else 0.0


def _refused(url: str, response: httpx.Response) -> LanguageModelError:
    try:
        body = response.json()
        message = (body.get("error") or {}).get("message") or body.get("message") or str(body)
    except (ValueError, AttributeError):
        message = response.text
    message = " ".join(str(message).split())[:400]
    if response.status_code == 404:
        return LanguageModelError(
            f"the model server at {url} does not know this model or route ({message})",
            fix="check the model's name and that the url ends in /v1",
        )
    if response.status_code in {401, 403}:
        return LanguageModelError(
            f"the model server at {url} refused the access ({message})", fix="check the API key"
        )
    if "context length" in message or "max_model_len" in message:
        return ContextLengthError(
            f"the model server at {url} refused a prompt ({message})",
            fix="shorten the text or use fewer demonstrations",
        )
    return LanguageModelError(f"the model server at {url} refused a request ({message})")
