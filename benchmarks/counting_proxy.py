"""A proxy in front of a model server that counts which prompts were asked and which answered."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


class CountingProxy:
    """Passes everything on to `upstream` (without /v1), and keeps count of completions' prompts.

    Attributes:
        asked: How often each prompt arrived.
        answered: The prompts whose answers the client has read. Writing to a socket succeeds even
            when nobody reads it any more; but a client that is killed with an answer unread resets
            the connection, and one that has read all closes it or asks on. So an answer counts when
            one of the latter is seen.
        asked_again: How often a prompt arrived after it had been answered.
    """

    def __init__(self, upstream: str) -> None:
        self.asked: Counter[str] = Counter()
        self.answered: set[str] = set()
        self.asked_again: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._client = httpx.Client(base_url=upstream, timeout=300)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            unread: tuple[str, ...] = ()

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionResetError:
                    return
                proxy._read(self.unread)

            def do_GET(self) -> None:
                self._pass_on("GET", None, [])

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                proxy._read(self.unread)
                self.unread = ()
                prompts = proxy._arrived(self.path, body)
                self._pass_on("POST", body, prompts)

            def _pass_on(self, method: str, body: bytes | None, prompts: list[str]) -> None:
                answer = proxy._client.request(
                    method, self.path, content=body, headers={"Content-Type": "application/json"}
                )
                try:
                    self.send_response(answer.status_code)
                    self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
                    self.send_header("Content-Length", str(len(answer.content)))
                    self.end_headers()
                    self.wfile.write(answer.content)
                    self.wfile.flush()
                except OSError:
                    self.close_connection = True
                else:
                    self.unread = tuple(prompts)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _arrived(self, path: str, body: bytes) -> list[str]:
        if not path.endswith("/completions"):
            return []
        request = json.loads(body)
        rest = json.dumps({k: v for k, v in request.items() if k != "prompt"}, sort_keys=True)
        keys = [
            hashlib.sha256(f"{rest}{prompt}".encode()).hexdigest() for prompt in request["prompt"]
        ]
        with self._lock:
            for key in keys:
                if key in self.answered:
                    self.asked_again[key] += 1
            self.asked.update(keys)
        return keys

    def _read(self, prompts: tuple[str, ...]) -> None:
        with self._lock:
            self.answered.update(prompts)

    def reset(self) -> None:
        """Forget all counts."""
        with self._lock:
            self.asked.clear()
            self.answered.clear()
            self.asked_again.clear()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._client.close()
