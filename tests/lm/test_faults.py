"""A server that fails: what is tried again, what is kept, and what is said."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from llmal.errors import LanguageModelError, ServerError, UnsupportedError
from llmal.lm import VLLM, ResponseCache

PROMPTS = [f"Question: What is {number} ?\nAnswer Type:" for number in range(200)]
CANDIDATES = [" Person", " Number"]
Serve = Callable[..., Any]
Client = Callable[..., VLLM]


def _first(count: int, fault: Callable[[Any], bool]) -> Callable[[Any, Any], bool]:
    """A fault for the first `count` requests."""
    seen = iter(range(count))
    lock = threading.Lock()

    def answer(handler: Any, body: Any) -> bool:
        with lock:
            hit = next(seen, None) is not None
        return hit and fault(handler)

    return answer


def _free_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_overloaded_server_is_tried_again_and_nothing_is_lost(
    status: int, serve: Serve, client: Client, faults: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(_first(5, lambda handler: faults.send(handler, status, {"error": "busy"})))
    lm = client(server.url)
    with caplog.at_level(logging.WARNING, logger="llmal.lm"):
        scores = lm.score(PROMPTS, CANDIDATES)
    assert (scores.log_probs == -2.5).all()
    assert server.posts == 5 + 4
    assert len({tuple(prompt) for prompt in server.answered}) == len(server.answered) == 200
    assert lm.usage.requests == 200
    said = [one.message for one in caplog.records]
    # Four requests fail together, then one more: an outage is one warning, whatever it hits.
    assert 1 <= len(said) <= 2
    assert all(f"answered {status}" in one for one in said)


def test_a_lost_connection_is_tried_again(serve: Serve, client: Client) -> None:
    def drop(handler: Any) -> bool:
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True
        return True

    server = serve(_first(3, drop))
    assert (client(server.url).score(PROMPTS, CANDIDATES).log_probs == -2.5).all()
    assert len(server.answered) == 200


@pytest.mark.parametrize("content", [b"<html>gateway</html>", b"[1, 2]", b'{"choices": [{"ind'])
def test_an_answer_that_is_no_object_is_tried_again(
    content: bytes, serve: Serve, client: Client, faults: ModuleType
) -> None:
    server = serve(_first(1, lambda handler: faults.send(handler, 200, content)))
    assert (client(server.url).score(PROMPTS, CANDIDATES).log_probs == -2.5).all()


def test_a_server_that_keeps_failing_is_given_up_and_answers_so_far_are_kept(
    serve: Serve, client: Client, faults: ModuleType, tmp_path: Path
) -> None:
    answers = iter(range(2))

    def mostly(handler: Any, body: Any) -> bool:
        if next(answers, None) is not None:
            return False
        return bool(faults.send(handler, 500, {"error": {"message": "out of order"}}))

    server = serve(mostly)
    lm = client(server.url, patience=0.5, concurrency=1, cache=ResponseCache(tmp_path / "c.sqlite"))
    with pytest.raises(ServerError, match=r"answered 500: .*out of order.*tried for \d+ s"):
        lm.score(PROMPTS, CANDIDATES)
    assert lm.cache is not None
    assert len(lm.cache) == len(server.answered) == 128
    server.fault = None
    lm.score(PROMPTS, CANDIDATES)
    assert len(server.answered) == 200, "what was answered before is not asked again"


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_numbers_that_are_not_finite_are_refused(
    number: bytes, serve: Serve, client: Client, faults: ModuleType, tmp_path: Path
) -> None:
    import json

    def answer(handler: Any, body: Any) -> bool:
        raw = json.dumps(faults.scored(body)).encode().replace(b"-2.5", number)
        return bool(faults.send(handler, 200, raw))

    cache = ResponseCache(tmp_path / "c.sqlite")
    with pytest.raises(ServerError, match="not finite"):
        client(serve(answer).url, cache=cache).score(PROMPTS, CANDIDATES)
    assert len(cache) == 0


def test_a_server_that_ignores_the_wanted_tokens_is_told_apart(
    serve: Serve, client: Client, faults: ModuleType
) -> None:
    def answer(handler: Any, body: Any) -> bool:
        return bool(faults.send(handler, 200, faults.scored({**body, "logprob_token_ids": [1, 2]})))

    def none(handler: Any, body: Any) -> bool:
        content = faults.scored(body)
        for choice in content["choices"]:
            choice["logprobs"] = None
        return bool(faults.send(handler, 200, content))

    for fault in (answer, none):
        with pytest.raises(UnsupportedError, match=r"version 0\.0\.test.*use vLLM 0\.32"):
            client(serve(fault).url).score(PROMPTS, CANDIDATES)


@pytest.mark.parametrize("content", [{}, {"choices": None}, {"choices": [{"text": "x"}]}])
def test_an_object_that_is_no_completion_is_said(
    content: dict[str, Any], serve: Serve, client: Client, faults: ModuleType
) -> None:
    server = serve(lambda handler, body: faults.send(handler, 200, content))
    with pytest.raises(ServerError, match="not that of a completion"):
        client(server.url).score(PROMPTS[:3], CANDIDATES)


def test_too_few_answers_are_said(serve: Serve, client: Client, faults: ModuleType) -> None:
    def short(handler: Any, body: Any) -> bool:
        content = faults.scored(body)
        content["choices"].pop()
        return bool(faults.send(handler, 200, content))

    with pytest.raises(ServerError, match="sent 2 answers where 3 were asked for"):
        client(serve(short).url).score(PROMPTS[:3], CANDIDATES)


def test_answers_in_another_order_go_to_their_prompts(
    serve: Serve, client: Client, faults: ModuleType
) -> None:
    def backwards(handler: Any, body: Any) -> bool:
        content = faults.scored(body)
        for prompt, choice in zip(body["prompt"], content["choices"], strict=True):
            tops = choice["logprobs"]["top_logprobs"][0]
            choice["logprobs"] = {"top_logprobs": [dict.fromkeys(tops, -float(len(prompt)))]}
        content["choices"].reverse()
        return bool(faults.send(handler, 200, content))

    lm = client(serve(backwards).url)
    prompts = ["a b c", "a b c d e f", "a"]
    assert lm.score(prompts, CANDIDATES).log_probs[:, 0].tolist() == [
        -float(n) for n in lm.count_tokens(prompts)
    ]


def test_work_goes_on_through_the_server_that_lives(
    serve: Serve, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    server, dead = serve(), _free_url()
    for urls in ([server.url, dead], [dead, server.url]):
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="llmal.lm"):
            lm = client(urls, patience=20)
            assert (lm.score(PROMPTS, CANDIDATES).log_probs == -2.5).all()
        assert [one.message for one in caplog.records if dead in one.message]


def test_two_servers_share_the_work(serve: Serve, client: Client) -> None:
    one, other = serve(), serve()
    client([one.url, other.url]).score(PROMPTS, CANDIDATES)
    assert one.posts > 0
    assert other.posts > 0
    assert len(one.answered) + len(other.answered) == 200


def test_two_dead_servers_are_given_up(client: Client) -> None:
    with pytest.raises(ServerError, match="no model server answers at http") as caught:
        client([_free_url(), _free_url()])
    assert "start it, or check the url" in str(caught.value)


def test_a_refused_connection_is_said(client: Client) -> None:
    with pytest.raises(ServerError, match=r"no model server answers at .*refused"):
        client(_free_url())


def test_a_url_that_is_none_is_said(client: Client) -> None:
    with pytest.raises(ServerError, match="no model server answers at localhost"):
        client("localhost:8000/v1")


def test_a_url_without_its_path_is_said(serve: Serve, client: Client) -> None:
    with pytest.raises(ServerError, match=r"\(404\) is no OpenAI-compatible model server.*/v1"):
        client(serve().url.removesuffix("/v1"))


def test_a_model_that_is_not_served_is_said(serve: Serve, client: Client) -> None:
    with pytest.raises(LanguageModelError, match="does not serve 'other', only tiny-lm"):
        client(serve().url, model="other")


def test_several_models_and_none_named_is_said(serve: Serve, client: Client) -> None:
    server = serve(models=("one", "two"))
    with pytest.raises(LanguageModelError, match=r"serves 2 models \(one, two\)"):
        client(server.url)
    assert client(server.url, model="two").model == "two"


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (404, "The model `x` does not exist.", "does not know this model or route"),
        (401, "Unauthorized", "check the API key"),
        (400, "This model's maximum context length is 8 tokens", "shorten the text"),
        (400, "nonsense", r"refused a request \(nonsense\)"),
    ],
)
def test_a_refused_request_is_not_tried_again(
    status: int, message: str, said: str, serve: Serve, client: Client, faults: ModuleType
) -> None:
    server = serve(
        lambda handler, body: faults.send(handler, status, {"error": {"message": message}})
    )
    with pytest.raises(LanguageModelError, match=said):
        client(server.url, concurrency=1).score(PROMPTS[:3], CANDIDATES)
    assert server.posts == 1
