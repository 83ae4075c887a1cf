"""A stand-in for a model server that fails in chosen ways: faults cannot be had from a real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[[BaseHTTPRequestHandler, dict[str, Any]], bool]
"""Answers a request wrongly and returns True, or returns False to have it answered rightly."""


class FaultyServer:
    """Scores every token at -2.5, unless `fault` takes the request."""

    def __init__(self, fault: Fault | None = None, models: tuple[str, ...] = ("tiny-lm",)) -> None:
        self.fault = fault
        self.models = models
        self.posts = 0
        self.answered: list[list[int]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _handler(owner) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/v1/models":
                    cards = [{"id": name, "max_model_len": 1024} for name in owner.models]
                    send(self, 200, {"data": cards})
                elif self.path == "/version":
                    send(self, 200, {"version": "0.0.test"})
                else:
                    send(self, 404, {"error": {"message": "no such route"}})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with owner._lock:
                    owner.posts += 1
                if owner.fault is not None and owner.fault(self, body):
                    return
                with owner._lock:
                    owner.answered += body["prompt"]
                send(self, 200, scored(body))

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def scored(body: dict[str, Any], value: float = -2.5) -> dict[str, Any]:
    tops = {f"token_id:{token}": value for token in body["logprob_token_ids"]}
    choices = [
        {"index": i, "text": "", "finish_reason": "length", "logprobs": {"top_logprobs": [tops]}}
        for i in range(len(body["prompt"]))
    ]
    usage = {"prompt_tokens": 1, "completion_tokens": len(choices)}
    return {"choices": choices, "usage": usage}


def send(handler: BaseHTTPRequestHandler, status: int, content: Any, **headers: str) -> bool:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)
    return True


@contextmanager
def faulty_server(
    fault: Fault | None = None, models: tuple[str, ...] = ("tiny-lm",)
) -> Iterator[FaultyServer]:
    server = FaultyServer(fault, models)
    try:
        yield server
    finally:
        server.close()
