"""Hidden states of a language model as embeddings, of one of its layers or of all."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import fingerprint
from llmal.embed.cache import EmbeddingCache, cache_of
from llmal.embed.once import CachedEmbedder
from llmal.embed.sentence import hash_of_directory
from llmal.errors import ConfigError, UnsupportedError
from llmal.loading import load_local, load_offline_first, local_directory, quiet_loading

Pooling = Literal["mean", "last"]


class HiddenStateEmbedder(CachedEmbedder):
    """Embeds texts by the states of a pretrained model, in this process, and none of them twice.

    Any encoder or decoder-only model will do. States of a text's tokens are pooled, and the pooled
    state of each layer is brought to length one, as states grow from layer to layer.

    Args:
        model: A directory, a known name or a hub name.
        layer: Which states: 0 is the input embeddings, 1 the first layer, -1 the last; "all" puts
            those of all layers beside each other, so that a cosine is the mean of the layers'.
        pooling: "mean" of all tokens, or the "last" token, which in a decoder has read them all.
        max_length: Most tokens kept of a text.
        device: "cpu", "cuda", "mps" …; the best there is if None.
        batch_size: Texts in one forward pass.
        cache: Where vectors are kept: a cache, its directory, None for the default directory,
            False for none.

    Raises:
        ConfigError: A parameter is not usable.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        layer: int | Literal["all"] = -1,
        pooling: Pooling = "mean",
        max_length: int = 256,
        device: str | None = None,
        batch_size: int = 32,
        cache: EmbeddingCache | str | Path | Literal[False] | None = None,
    ) -> None:
        for name, value in (("batch_size", batch_size), ("max_length", max_length)):
            if value < 1:
                raise ConfigError(f"{name} is {value}", fix="it must be at least 1")
        if pooling not in get_args(Pooling):
            raise ConfigError(f"pooling is {pooling!r}", fix='use "mean" or "last"')
        if layer != "all" and not isinstance(layer, int):
            raise ConfigError(f"layer is {layer!r}", fix='give a number, or "all"')
        self.model = str(model)
        self.layer = layer
        self.pooling = pooling
        self.max_length = max_length
        self.device = device
        self.batch_size = batch_size
        self.cache = cache_of(cache)
        self._config: Any = None
        self._loaded: tuple[Any, Any] | None = None
        self._fingerprint: str | None = None

    @property
    def fingerprint(self) -> str:
        """Of the model's files or its commit, and of what is taken from it."""
        if self._fingerprint is None:
            directory = local_directory(self.model)
            if directory is not None:
                base = hash_of_directory(directory)
            else:
                commit = getattr(self._settings(), "_commit_hash", None)
                base = f"{self.model}@{commit or 'unknown'}"
            self._fingerprint = fingerprint(
                "hidden states", [base, self._place(), self.pooling, self.max_length]
            )
        return self._fingerprint

    @property
    def configuration(self) -> dict[str, Any]:
        """What it is made of, without where and how fast it runs."""
        options = {"layer": self.layer, "pooling": self.pooling, "max_length": self.max_length}
        return {"name": "hidden_states", "model": self.model, **options}

    @property
    def layers(self) -> int:
        """L: the layers of the model and its input embeddings."""
        return int(self._settings().get_text_config().num_hidden_layers) + 1

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        width = int(self._settings().get_text_config().hidden_size)
        return width * (self.layers if self.layer == "all" else 1)

    def _place(self) -> str:
        """The layer by its number from below, so that -1 and the last number are one."""
        if self.layer == "all":
            return "all"
        if not -self.layers <= self.layer < self.layers:
            raise ConfigError(
                f"layer is {self.layer}, and {self.model!r} has {self.layers - 1}",
                fix=f"give a number from 0 to {self.layers - 1}, or from -{self.layers} to -1",
            )
        return str(self.layer % self.layers)

    def _compute(self, texts: list[str]) -> NDArray[np.float32]:
        import torch

        tokenizer, model = self._load()
        place = self._place()
        wanted = range(self.layers) if place == "all" else [int(place)]
        marks = (tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id)
        empty = [next((one for one in marks if one is not None), 0)]
        encoded = tokenizer(texts, truncation=True, max_length=self.max_length)["input_ids"]
        parts = []
        for start in range(0, len(texts), self.batch_size):
            # An empty text may have no token, and a model cannot read none.
            ids = [one or empty for one in encoded[start : start + self.batch_size]]
            longest = max(map(len, ids))
            # What pads is not read: a mask hides it, and decoders look back alone.
            tokens = torch.tensor([[*one, *empty * (longest - len(one))] for one in ids])
            lengths = torch.tensor([len(one) for one in ids])
            mask = (torch.arange(longest) < lengths[:, None]).long()
            with torch.inference_mode():
                states = model(
                    input_ids=tokens.to(model.device),
                    attention_mask=mask.to(model.device),
                    output_hidden_states=True,
                ).hidden_states
            layers = [
                torch.nn.functional.normalize(self._pool(states[one].float().cpu(), lengths), dim=1)
                for one in wanted
            ]
            parts.append(torch.cat(layers, dim=1) / len(layers) ** 0.5)
        return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)

    def _pool(self, states: Any, lengths: Any) -> Any:
        import torch

        if self.pooling == "last":
            return states[torch.arange(len(states)), lengths - 1]
        mask = torch.arange(states.shape[1]) < lengths[:, None]
        return (states * mask[..., None]).sum(dim=1) / lengths[:, None]

    def _settings(self) -> Any:
        """The configuration of the model, which is read without its weights."""
        if self._config is None:
            from transformers import AutoConfig

            config = self._read(AutoConfig)
            if config.is_encoder_decoder:
                raise UnsupportedError(
                    f"{self.model!r} is an encoder-decoder, whose states are not taken here",
                    fix="use an encoder or a decoder-only model",
                )
            self._config = config
        return self._config

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            self._loaded = self._load_model()
        return self._loaded

    def _read(self, factory: Any, **options: Any) -> Any:
        """What a factory of transformers makes of the model's files."""
        directory = local_directory(self.model)
        name = self.model if directory is None else str(directory)

        def load(local: bool) -> Any:
            return factory.from_pretrained(name, local_files_only=local, **options)

        with quiet_loading():
            if directory is not None:
                return load_local(directory, lambda: load(True))
            return load_offline_first(name, load)

    def _load_model(self) -> tuple[Any, Any]:
        import torch
        from transformers import AutoModel, AutoTokenizer

        self._settings()
        tokenizer, model = self._read(AutoTokenizer), self._read(AutoModel, dtype=torch.float32)
        best = "cuda" if torch.cuda.is_available() else "cpu"
        return tokenizer, model.to(self.device or best).eval()
