"""A model server on loopback that keeps the bill: what it read and wrote, and fails as it is told.

It speaks what `llmal.lm.VLLM` speaks. Its numbers are hashes of what it is asked, so that the same
question gets the same answer whatever came before it.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

Fault = Literal["busy", "broken", "cut", "garbled"]
"""429; 500; the connection is closed when the answer is computed; the answer is no JSON."""


@dataclass
class Bill:
    """What a server has read and written, for answers that arrived and for those that did not.

    Attributes:
        requests: Prompts.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        lost: Tokens of both kinds in answers that never arrived.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    lost: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class BillingServer:
    """A server of one model.

    Args:
        context: Most tokens of prompt and answer.
        fault: Takes the hash of a request and how often it has come before; says how it fails, if
            it does.
    """

    def __init__(
        self,
        context: int = 1024,
        fault: Callable[[int, int], Fault | None] = lambda content, before: None,
    ) -> None:
        self.context = context
        self.fault = fault
        self.bill = Bill()
        self._seen: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def reset(self) -> None:
        """Begin a new bill."""
        with self._lock:
            self.bill, self._seen = Bill(), Counter()

    def _handler(owner) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path == "/v1/models":
                    self._send(200, {"data": [{"id": "m", "max_model_len": owner.context}]})
                elif self.path == "/version":
                    self._send(200, {"version": "0.0.test"})
                else:
                    self._send(404, {"error": {"message": "no such route"}})

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                body = json.loads(raw)
                if any(len(one) >= owner.context for one in body["prompt"]):
                    self._send(400, {"error": {"message": "longer than the context length"}})
                    return
                content = _hash(raw)
                with owner._lock:
                    before = owner._seen[content]
                    owner._seen[content] += 1
                fault = owner.fault(content, before)
                if fault in ("busy", "broken"):
                    self._send(429 if fault == "busy" else 500, {"error": {"message": fault}})
                    return
                answer = answer_to(body)
                owner._charge(answer, len(body["prompt"]), lost=fault is not None)
                if fault == "cut":
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                elif fault == "garbled":
                    self._send(200, None, raw=json.dumps(answer).encode()[:-9])
                else:
                    self._send(200, answer)

            def _send(self, status: int, content: Any, raw: bytes | None = None) -> None:
                sent = json.dumps(content).encode() if raw is None else raw
                self.send_response(status)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def handle(self) -> None:
                try:
                    super().handle()
                except (ConnectionError, ValueError, OSError):
                    return  # Closed by a fault, or by a client that has what it wants.

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _charge(self, answer: dict[str, Any], requests: int, *, lost: bool) -> None:
        told = answer["usage"]
        with self._lock:
            self.bill.requests += requests
            self.bill.prompt_tokens += told["prompt_tokens"]
            self.bill.completion_tokens += told["completion_tokens"]
            if lost:
                self.bill.lost += told["prompt_tokens"] + told["completion_tokens"]


def answer_to(body: dict[str, Any]) -> dict[str, Any]:
    """What a server of vLLM answers: scores of tokens, the likelihood of prompts, or texts."""
    prompts: list[list[int]] = body["prompt"]
    choices: list[dict[str, Any]] = []
    written = 0
    for prompt in prompts:
        for draw in range(body.get("n", 1)):
            choice, count = _choice(body, prompt, draw)
            choices.append({"index": len(choices), **choice})
            written += count
    usage = {"prompt_tokens": sum(map(len, prompts)), "completion_tokens": written}
    return {"choices": choices, "usage": usage}


def _choice(body: dict[str, Any], prompt: list[int], draw: int) -> tuple[dict[str, Any], int]:
    if "logprob_token_ids" in body:
        tops = {f"token_id:{one}": _value(prompt, one) for one in body["logprob_token_ids"]}
        return {"text": "", "finish_reason": "length", "logprobs": {"top_logprobs": [tops]}}, 1
    if "prompt_logprobs" in body:
        steps = [None, *({str(one): {"logprob": _value(prompt[:1], one)}} for one in prompt[1:])]
        return {"text": "", "finish_reason": "length", "prompt_logprobs": steps}, 1
    seed = _hash(repr((prompt, body["seed"], draw)).encode())
    text = _text(body.get("structured_outputs") or {}, seed)
    # A sampled answer may be spelt by bytes, however few tokens it could be written in.
    tokens = text.encode()
    most = body["max_tokens"]
    cut = tokens[:most].decode(errors="ignore")
    finished = len(tokens) < most
    return {"text": cut, "finish_reason": "stop" if finished else "length"}, min(
        len(tokens) + 1, most
    )


_WORDS = (
    *("the", "a", "red", "old", "small", "river", "house", "apple"),
    *("music", "night", "stone", "green", "bread", "game", "city"),
)


def _text(form: dict[str, Any], seed: int) -> str:
    words = " ".join(_WORDS[(seed >> 4 * n) % len(_WORDS)] for n in range(2 + seed % 7))
    if "json" in form:
        return json.dumps(dict.fromkeys(form["json"]["properties"], words))
    pattern = form.get("regex", "")
    listed = re.fullmatch(r"\(?\(([\d|]+)\)(?:\(, .*\)\{(\d+)\}\))?\)?", pattern)
    if listed:
        ids, count = listed[1].split("|"), int(listed[2] or 0) + 1
        return ", ".join(ids[(seed >> 5 * n) % len(ids)] for n in range(count))
    if re.fullmatch(r"\([^()\[\]]*\|[^()\[\]]*\)", pattern):
        options = pattern[1:-1].split("|")
        return options[seed % len(options)].replace("\\", "")
    return words


def _value(prompt: list[int], token: int) -> float:
    """A log-probability between -6 and -0.1."""
    return -0.1 - (_hash(repr((prompt, token)).encode()) % 5900) / 1000


def _hash(raw: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest())
