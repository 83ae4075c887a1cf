"""Language models in this process, through Hugging Face transformers."""

from __future__ import annotations

import copy
import inspect
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Price, Usage
from llmal.errors import ConfigError, LanguageModelError
from llmal.lm import scoring
from llmal.lm.beginnings import groups_of, runs_of
from llmal.lm.cache import ResponseCache
from llmal.lm.encoder import Encoder, load_pretrained, model_identity
from llmal.lm.formats import as_term
from llmal.lm.likelihood import Means
from llmal.lm.protocol import Completion, Sampling
from llmal.lm.row_sampler import RowSampler
from llmal.lm.tokenized import Tokenized
from llmal.lm.trie import Trie
from llmal.loading import local_directory

_LEAST_BUCKET = 16
_LEAST_SAVED_ON_CPU = 256
"""Tokens that reading a further beginning once must save to be worth passes of its own."""
_MEMORY = 8
_TOKENS = 4096
_TOKENS_READ_ON_CPU = 512


class TransformersLM(Tokenized):
    """A causal language model in this process.

    Scoring takes one pass over the prompt, and where labels have more than one token a second,
    short one over their tails, on the keys and values of the first. What the prompts of a call
    begin with in common, such as instruction and demonstrations, is read once.

    Args:
        model: Folder, name of a known model (`llmal models`) or hub name.
        device: "cpu", "cuda", "mps", …; by default the best there is.
        dtype: "float32", "bfloat16", …; by default float32 on a CPU, else the model's own.
        batch_tokens: Most tokens, padding included, in one forward pass; prompts that share a
            beginning may hold eight times as many in memory. By default 4,096; on a CPU 512 where
            prompts are only read, for their activations then stay in its caches.
        price: What its tokens cost.
        cache: Where answers are kept.

    Raises:
        LanguageModelError: There is no such model, or it cannot be loaded.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        device: str | None = None,
        dtype: str | None = None,
        batch_tokens: int | None = None,
        price: Price = Price(),
        cache: ResponseCache | None = None,
    ) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        self.name = str(model)
        source = local_directory(self.name) or model
        super().__init__(Encoder.load(source), in_process_work, price, cache)
        self._device = torch.device(device or _best_device())
        on_cpu = self._device.type == "cpu"
        self._batch_tokens = _TOKENS if batch_tokens is None else batch_tokens
        self._tokens_read = (
            _TOKENS_READ_ON_CPU if batch_tokens is None and on_cpu else self._batch_tokens
        )
        if dtype is None:
            kind: Any = torch.float32 if on_cpu else "auto"
        else:
            kind = getattr(torch, dtype, None)
            if not isinstance(kind, torch.dtype):
                raise ConfigError(f"{dtype!r} is no dtype", fix="use float32, bfloat16 or float16")
        self._model = load_pretrained(AutoModelForCausalLM, source, "model", dtype=kind)
        self._model.to(self._device).eval()
        accepted = inspect.signature(self._model.forward).parameters
        self._takes = {
            name
            for name in ("position_ids", "logits_to_keep", "use_cache", "past_key_values")
            if name in accepted
        }
        self._identity = model_identity(source)
        self._outlines: Any = None
        self._usage = Usage()

    @property
    def fingerprint(self) -> str:
        """Model, which weights, hash of its folder, dtype and the version of transformers."""
        import transformers

        dtype = str(self._model.dtype).removeprefix("torch.")
        return f"transformers-{transformers.__version__}/{self._identity}/{dtype}"

    @property
    def usage(self) -> Usage:
        """What this object has cost so far."""
        return self._usage

    @property
    def context_length(self) -> int | None:
        """Most tokens of prompt and answer together."""
        length = getattr(self._model.config, "max_position_embeddings", None)
        return None if length is None else int(length)

    def _ask(self, ids: list[list[int]], trie: Trie, needed: list[scoring.Nodes]) -> scoring.Rows:
        import torch

        tails = {nodes: _tails(trie, nodes) for nodes in set(needed)}
        slots = {nodes: trie.slots_of(nodes) for nodes in set(needed)}
        most = max(len(tail) for tail in tails.values())
        for members, shared, memory in self._beginnings(torch, ids):
            for part in self._batches(
                [ids[i] for i in members], self._tokens_read, extra=max(1, most), shared=shared
            ):
                part = [members[i] for i in part]
                start = time.perf_counter()
                with torch.inference_mode():
                    rows = self._step(
                        torch,
                        [ids[i][shared:] for i in part],
                        trie,
                        [(tails[needed[i]], slots[needed[i]]) for i in part],
                        shared,
                        memory,
                    )
                if not np.isfinite(rows[np.array([slots[needed[i]] for i in part])]).all():
                    raise LanguageModelError(
                        f"the model {self.name!r} gave log-probabilities that are not finite",
                        fix="check the model and its dtype",
                    )
                own = [tails[needed[i]] for i in part]
                read = sum(len(ids[i]) for i in part) + sum(len(t) for one in own for t in one)
                passes = sum(2 if one else 1 for one in own)
                seconds = time.perf_counter() - start
                self._count(passes, read, 0, seconds, cached=shared * len(part))
                yield part, rows

    @property
    def _shares(self) -> bool:
        """Whether the model can go on from keys and values that were computed before."""
        return {"position_ids", "use_cache", "past_key_values"} <= self._takes

    def _beginnings(
        self, torch: Any, ids: Sequence[list[int]]
    ) -> Iterator[tuple[list[int], int, Any]]:
        """Positions in groups, the number of first tokens that are the same in a group, and their
        keys and values. What groups in turn have in common is read once for all of them.
        """
        if not self._shares:
            yield list(range(len(ids))), 0, None
            return
        # Small batches leave a GPU idle, so that little is worth passes of its own there.
        least = _LEAST_SAVED_ON_CPU if self._device.type == "cpu" else self._batch_tokens
        for members, shared in groups_of(ids):
            start = time.perf_counter()
            outer = self._read(torch, ids[members[0]][:shared]) if shared else None
            for run, further in runs_of(ids, (members, shared), least):
                memory = outer
                if further > shared:
                    memory = self._read(torch, ids[run[0]][shared:further], outer, shared)
                self._count(0, 0, 0, time.perf_counter() - start)
                yield run, further, memory
                start = time.perf_counter()

    def _read(
        self, torch: Any, beginning: Sequence[int], before: Any = None, place: int = 0
    ) -> Any:
        """Keys and values of what several prompts begin with, after `place` tokens `before` it."""
        tokens = torch.tensor([list(beginning)], device=self._device)
        more = {} if before is None else {"past_key_values": copy.deepcopy(before)}
        end = place + tokens.shape[1]
        with torch.inference_mode():
            return self._forward(
                input_ids=tokens,
                attention_mask=torch.ones((1, end), dtype=torch.long, device=self._device),
                position_ids=torch.arange(place, end, device=self._device)[None],
                logits_to_keep=1,
                use_cache=True,
                **more,
            ).past_key_values

    def _batches(
        self, ids: Sequence[Sequence[int]], tokens: int, extra: int = 1, shared: int = 0
    ) -> Iterator[list[int]]:
        """Positions in batches of near lengths, the longest first so that memory runs out early."""
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        start = 0
        while start < len(order):
            whole = max(len(ids[order[start]]), _LEAST_BUCKET)
            own = max(whole - shared, _LEAST_BUCKET)
            most = min(tokens // own, _MEMORY * self._batch_tokens // whole)
            size = max(1, (most if shared else tokens // whole) // extra)
            yield order[start : start + size]
            start += size

    def _forward(self, **arguments: Any) -> Any:
        for name in ("position_ids", "logits_to_keep", "use_cache"):
            if name not in self._takes:
                arguments.pop(name, None)
        return self._model(**arguments)

    def _step(
        self,
        torch: Any,
        ids: list[list[int]],
        trie: Trie,
        wanted: list[tuple[list[tuple[int, ...]], NDArray[np.bool_]]],
        shared: int,
        beginning: Any,
    ) -> NDArray[np.float64]:
        """Step log-probabilities after prompts that go on from a beginning that was read before.

        `wanted` gives for each prompt the tails to go on with, and the numbers that are asked for.
        """
        pairs = [(row, tail) for row, (tails, _) in enumerate(wanted) for tail in tails]
        tokens, mask = self._left_padded(ids)
        more: dict[str, Any] = {}
        if shared:
            more["past_key_values"] = copy.deepcopy(beginning)
            more["past_key_values"].batch_repeat_interleave(len(ids))
            mask = torch.cat([mask.new_ones((len(ids), shared)), mask], dim=-1)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, shared:]
        out = self._forward(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            logits_to_keep=1,
            use_cache=bool(pairs) or bool(shared),
            **more,
        )
        rows = np.full((len(ids), trie.width), np.nan)
        last = out.logits[:, -1].float().log_softmax(-1)
        rows[:, trie.slot(0)] = last[:, list(trie.nodes[0].children)].cpu().double().numpy()
        if not pairs:
            return rows
        # Each tail goes on from the keys and values of its prompt; shorter ones are padded behind,
        # where nothing that is read can see the padding.
        deepest = max(len(tail) for _, tail in pairs)
        pad = pairs[0][1][0]
        block = torch.tensor(
            [[*tail, *[pad] * (deepest - len(tail))] for _, tail in pairs], device=self._device
        )
        of = torch.tensor([row for row, _ in pairs], device=self._device)
        memory = out.past_key_values
        memory.batch_select_indices(of)
        lengths = mask.sum(-1, keepdim=True)[of]
        steps = torch.arange(deepest, device=self._device)[None]
        out = self._forward(
            input_ids=block,
            attention_mask=torch.cat([mask[of], torch.ones_like(block)], dim=-1),
            position_ids=lengths + steps,
            past_key_values=memory,
            use_cache=True,
        )
        logs = out.logits.float().log_softmax(-1)
        # For each node and prompt the first tail that passes through it.
        through: dict[tuple[int, ...], dict[int, int]] = {}
        for place, (row, tail) in enumerate(pairs):
            for depth in range(1, len(tail) + 1):
                through.setdefault(tail[:depth], {}).setdefault(row, place)
        for number, node in enumerate(trie.nodes[1:], start=1):
            found = through.get(node.prefix, {})
            if found:
                places = torch.tensor(list(found.values()), device=self._device)
                children = torch.tensor(node.children, device=self._device)
                picked = logs[places[:, None], len(node.prefix) - 1, children[None]]
                rows[list(found), trie.slot(number)] = picked.cpu().double().numpy()
        for row, (_, inside) in enumerate(wanted):
            rows[row, ~inside] = np.nan
        return rows

    def _left_padded(self, ids: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        from llmal.lm.padding import padded

        return padded(ids, self._device, left=True)

    def _count(
        self, requests: int, read: int, written: int, seconds: float, cached: int = 0
    ) -> None:
        self._usage += Usage(
            requests=requests,
            prompt_tokens=read,
            completion_tokens=written,
            cached_tokens=cached,
            seconds=seconds,
            money=self._price.of(read, written),
        )

    def _generate(
        self, ids: list[list[int]], format: Any | None, n: int, sampling: Sampling
    ) -> Iterator[tuple[int, list[Completion]]]:
        import torch

        processor = self._processor(format) if format is not None else None
        end = self._encoder.end
        ends = self._ends()
        for part in self._batches(ids, self._batch_tokens, extra=n):
            start = time.perf_counter()
            tokens, mask = self._left_padded([ids[i] for i in part])
            room = self.context_length
            limit = sampling.max_tokens
            if room is not None:
                limit = min(limit, room - tokens.shape[1])
            drawn = sampling.temperature > 0
            if processor is not None:
                processor.reset()
            processors: list[Any] = [] if processor is None else [processor]
            if drawn:
                numbers = [
                    _numbers(ids[i], sampling.seed + j, limit) for i in part for j in range(n)
                ]
                processors.append(
                    RowSampler(np.stack(numbers), sampling.temperature, sampling.top_p)
                )
            with torch.inference_mode():
                out = self._model.generate(
                    tokens.repeat_interleave(n, 0),
                    attention_mask=mask.repeat_interleave(n, 0),
                    max_new_tokens=limit,
                    do_sample=False,
                    repetition_penalty=1.0,
                    pad_token_id=end if end is not None else 0,
                    logits_processor=processors or None,
                    stop_strings=list(sampling.stop) or None,
                    tokenizer=self._encoder.tokenizer if sampling.stop else None,
                )
            written = out[:, tokens.shape[1] :].tolist()
            total = 0
            for place, i in enumerate(part):
                answers = []
                for answer in written[place * n : (place + 1) * n]:
                    stop_at = next((k for k, token in enumerate(answer) if token in ends), None)
                    finished = stop_at is not None
                    kept = answer[:stop_at]
                    text = self._encoder.tokenizer.decode(kept, skip_special_tokens=True)
                    for stop in sampling.stop:
                        if stop in text:
                            text, finished = text[: text.index(stop)], True
                    total += len(kept)
                    answers.append(Completion(text, finished, len(ids[i]), len(kept)))
                yield i, answers
            read = sum(len(ids[i]) for i in part)
            self._count(len(part), read, total, time.perf_counter() - start)

    def _ends(self) -> set[int]:
        """Tokens that end an answer; chat models often have one besides the tokenizer's."""
        told = getattr(self._model.generation_config, "eos_token_id", None)
        more = told if isinstance(told, list) else [told]
        return {int(token) for token in (self._encoder.end, *more) if token is not None}

    def _processor(self, format: Any) -> Any:
        import outlines
        from outlines.backends import get_json_schema_logits_processor, get_regex_logits_processor
        from outlines.types import JsonSchema
        from outlines.types.dsl import to_regex

        if self._outlines is None:
            self._outlines = outlines.from_transformers(self._model, self._encoder.tokenizer)
        term = as_term(format)
        if isinstance(term, JsonSchema):
            return get_json_schema_logits_processor(None, self._outlines, term.schema)
        return get_regex_logits_processor(None, self._outlines, to_regex(term))

    def _likelihoods(self, ids: list[list[int]]) -> Means:
        import torch

        for part in self._batches(ids, self._tokens_read):
            start = time.perf_counter()
            tokens, mask = self._left_padded([ids[i] for i in part])
            with torch.inference_mode():
                out = self._forward(
                    input_ids=tokens,
                    attention_mask=mask,
                    position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
                    use_cache=False,
                )
                logs = out.logits[:, :-1].float().log_softmax(-1)
                steps = logs.gather(-1, tokens[:, 1:, None])[..., 0]
                valid = mask[:, :-1].bool()
                sums = (steps * valid).sum(-1) / valid.sum(-1).clamp(min=1)
            self._count(len(part), int(mask.sum()), 0, time.perf_counter() - start)
            yield list(part), sums.cpu().double().numpy()

    def close(self) -> None:
        """Let go of the model."""
        self._model = None
        self._outlines = None


def _tails(trie: Trie, nodes: scoring.Nodes = None) -> list[tuple[int, ...]]:
    """The longest prefixes at which candidates go on; every inner node, or each of these, lies on
    one of them.
    """
    inner = range(1, len(trie.nodes)) if nodes is None else sorted(nodes - {0})
    prefixes = [trie.nodes[number].prefix for number in inner]
    return [
        prefix
        for prefix in prefixes
        if not any(
            other[: len(prefix)] == prefix and len(other) > len(prefix) for other in prefixes
        )
    ]


def in_process_work(trie: Trie, nodes: scoring.Nodes = None) -> scoring.Work:
    """What scoring takes in process: one pass over the prompt, and one over the labels' tails."""
    tails = _tails(trie, nodes)
    extra = sum(len(tail) for tail in tails)
    return scoring.Work(passes=2 if tails else 1, reads=1, extra=extra, written=0)


def _numbers(ids: Sequence[int], seed: int, steps: int) -> NDArray[np.float64]:
    """The random numbers that an answer is drawn with, shape (steps,), from prompt and seed."""
    raw = np.asarray(ids, dtype=np.uint32).tobytes()
    return np.random.default_rng([seed, zlib.crc32(raw)]).random(steps)


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
