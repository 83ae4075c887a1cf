"""A trained soft prompt as a language model, served by vLLM through prompt embeddings."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from llmal.core.fingerprint import digest
from llmal.errors import DataError, LanguageModelError, ServerError, UnsupportedError
from llmal.learners.dynamic_soft_prompt import DynamicSoftPrompt
from llmal.learners.networks.causal_prompt import CausalPrompt
from llmal.learners.networks.dynamic_prompt import TRAINED
from llmal.learners.storage import kind_and_parameters, read_tensors
from llmal.lm import scoring
from llmal.lm.protocol import Completion, Sampling
from llmal.lm.questions import questions_work
from llmal.lm.trie import Trie
from llmal.lm.vllm import VLLM

FLAG = "--enable-prompt-embeds"
_AT_ONCE = 256


class Embedded(str):
    """A prompt's embeddings as a request holds them, and how many tokens they stand for."""

    tokens: int


class SoftPromptLM(VLLM):
    """A causal language model behind a trained soft prompt, on one or several vLLM servers.

    llmal makes the soft prompt of each prompt and puts it where the learner had it in training;
    the server reads the whole prompt as embeddings and does everything else. Scores are exact over
    whole labels, as those of `VLLM`. The whole prompt goes as embeddings, never a mixture with
    token ids, as the server's prefix cache could take one mixture for another (vllm issue 56655).

    Args:
        url: As for `VLLM`; the server must serve the model that the soft prompt was trained over,
            with `--enable-prompt-embeds`.
        learner: A fitted `DynamicSoftPrompt` over a causal model, or the folder of a saved one.
        options: As for `VLLM`.

    Raises:
        ServerError: No server answers.
        UnsupportedError: The server takes no embeddings.
        DataError: The learner is not fitted, or not one over a causal model.
    """

    def __init__(
        self, url: str | Sequence[str], learner: DynamicSoftPrompt | str | Path, **options: Any
    ) -> None:
        self._network = _network_of(learner)
        weights = sorted(self._network.trained_weights().items())
        self._own = digest(
            b"".join(name.encode() + value.numpy().tobytes() for name, value in weights), 8
        ).hex()
        super().__init__(url, **options)
        self._work = soft_work(self._network.shape.length)
        self._check()

    @classmethod
    def start(  # type: ignore[override]
        cls, learner: DynamicSoftPrompt | str | Path, **options: Any
    ) -> Self:
        """Start a server of the learner's own model and use it; `close` stops it.

        Args:
            learner: As for `SoftPromptLM`.
            options: As for `VLLM.start`.

        Raises:
            LanguageModelError: vLLM is not installed, or the model is gone.
            ServerError: The server died or did not come up.
            DataError: The learner is not one over a causal model.
        """
        known = _learner_of(learner)
        arguments = [*options.pop("arguments", ()), FLAG]
        return super().start(known.model, arguments=arguments, learner=known, **options)

    @property
    def chat(self) -> bool:
        """No: learners are trained with prompts for completion, whatever the model knows."""
        return False

    @property
    def fingerprint(self) -> str:
        """That of the served model, and a hash of the soft prompt."""
        return f"{super().fingerprint}/soft-prompt-{self._own}"

    @property
    def context_length(self) -> int | None:
        """Most tokens of prompt and answer together, beside the soft prompt."""
        length = super().context_length
        return None if length is None else length - self._network.shape.length

    def _ask(self, ids: list[list[int]], trie: Trie, needed: list[scoring.Nodes]) -> scoring.Rows:
        # Embeddings take memory: those of a part of the prompts at a time.
        for start in range(0, len(ids), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            for positions, rows in super()._ask(ids[part], trie, needed[part]):
                yield [start + position for position in positions], rows

    def _generate(
        self, ids: list[list[int]], format: Any | None, n: int, sampling: Sampling
    ) -> Iterator[tuple[int, list[Completion]]]:
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            for position, answers in super()._generate(part, format, n, sampling):
                yield start + position, answers

    def _likelihoods(self, ids: list[list[int]]) -> Any:
        raise UnsupportedError(
            "the likelihood of a text cannot be had behind a soft prompt: the server gives no "
            "log-probabilities of what was read as embeddings",
            fix="use the language model without the soft prompt for it",
        )

    def _prompt_field(
        self, prompts: Sequence[tuple[Sequence[int], Sequence[int]]]
    ) -> dict[str, Any]:
        # What goes on behind a prompt, such as the first tokens of a label, has no say in its soft
        # prompt, which is made once for all that goes on behind it.
        distinct = list(dict.fromkeys(tuple(ids) for ids, _ in prompts))
        made = dict(zip(distinct, self.embeddings(distinct), strict=True))
        return {
            "prompt_embeds": [
                _encoded(torch.cat([made[tuple(ids)], self._words(behind)]))
                for ids, behind in prompts
            ]
        }

    def _lengths(self, body: Mapping[str, Any]) -> list[int]:
        return [one.tokens for one in body["prompt_embeds"]]

    def embeddings(self, prompts: Sequence[tuple[int, ...]]) -> list[Tensor]:
        """What a server reads in place of prompts: the embeddings of each with its soft prompt in
        place, shape (tokens, d), float32, on the CPU.

        Args:
            prompts: Token ids.
        """
        network = self._network
        decode = network.backbone.encoder.tokenizer.batch_decode
        texts = decode([list(one) for one in prompts], skip_special_tokens=True)
        with torch.inference_mode():
            readings = network.read_ids(prompts, [network.template.text_in(one) for one in texts])
            soft = network.prompts(readings).float().cpu()
        made = []
        for one, vectors in zip(prompts, soft, strict=True):
            start = network.start_of(one)
            made.append(torch.cat([self._words(one[:start]), vectors, self._words(one[start:])]))
        return made

    def _words(self, ids: Sequence[int]) -> Tensor:
        network = self._network
        with torch.inference_mode():
            words = torch.tensor(list(ids), dtype=torch.long, device=network.device)
            return network.backbone.embed(words).cpu()

    def _check(self) -> None:
        """Refuse a server that takes no embeddings, or whose model is not the learner's."""
        width = self._network.backbone.width
        vectors = torch.zeros((2, width))
        body = {"model": self.model, "prompt_embeds": [_encoded(vectors)], "max_tokens": 1}
        try:
            self._client.post("/completions", body)
        except (ServerError, LanguageModelError) as error:
            raise UnsupportedError(
                f"the server at {self.urls[0]} takes no embeddings of width {width} as a prompt "
                f"({error})",
                fix=f"start it with {FLAG}, and with the model that the soft prompt was trained "
                "over",
            ) from error


def soft_work(length: int) -> scoring.CountWork:
    """What scoring takes where so many vectors stand in every prompt."""

    def work(trie: Trie, nodes: scoring.Nodes = None) -> scoring.Work:
        plain = questions_work(trie, nodes)
        more = plain.passes * length
        return scoring.Work(plain.passes, plain.reads, plain.extra + more, plain.written)

    return work


def soft_length(folder: Path) -> int:
    """How many vectors a saved soft prompt has.

    Args:
        folder: That of a saved `DynamicSoftPrompt`.

    Raises:
        DataError: It is missing or damaged.
    """
    _, parameters = kind_and_parameters(folder)
    vectors = read_tensors(folder / TRAINED, ("task",))["task"]
    fixed = parameters.get("fusion") == "sample"
    return int(parameters["n"]) if fixed else len(vectors)


def _encoded(vectors: Tensor) -> Embedded:
    buffer = io.BytesIO()
    torch.save(vectors.contiguous().clone(), buffer)
    made = Embedded(base64.b64encode(buffer.getvalue()).decode())
    made.tokens = len(vectors)
    return made


def _learner_of(learner: DynamicSoftPrompt | str | Path) -> DynamicSoftPrompt:
    if isinstance(learner, DynamicSoftPrompt):
        return learner
    from llmal.learners.saved import load_learner

    loaded = load_learner(learner).learner
    if not isinstance(loaded, DynamicSoftPrompt):
        raise DataError(
            f"a {type(loaded).__name__} is no soft prompt that depends on the text",
            where=str(learner),
            fix="give the folder of a DynamicSoftPrompt over a causal model",
        )
    return loaded


def _network_of(learner: DynamicSoftPrompt | str | Path) -> CausalPrompt:
    known = _learner_of(learner)
    network = getattr(known, "network_", None)
    if network is None:
        raise DataError("the learner is not fitted", fix="call fit first")
    if not isinstance(network, CausalPrompt):
        raise DataError(
            f"the soft prompt was trained over a {network.backbone.kind} model, which no vLLM "
            "server goes on writing with",
            fix="train one over a causal language model",
        )
    if not network.backbone.frozen:
        raise DataError(
            "the model behind the soft prompt was trained too, and the server has it as it was",
            fix="train with freeze_backbone=True",
        )
    return network
