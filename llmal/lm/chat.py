"""Any LangChain chat model: hosted or local, without token probabilities."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, Literal, get_origin

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Price, Usage
from llmal.errors import LanguageModelError, UnsupportedError
from llmal.lm.cache import ResponseCache, cache_key
from llmal.lm.formats import format_key
from llmal.lm.progress import Progress
from llmal.lm.protocol import Completion, LabelScores, Message, Prompt, Sampling

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

log = logging.getLogger("llmal.lm")

_UNFINISHED = {"LengthFinishReasonError", "ContentFilterFinishReasonError"}
"""What the openai package raises for a structured answer that broke off; others return it."""


class ChatLM:
    """A `langchain_core` chat model. Its label scores are estimates, marked as inexact.

    A hosted chat model gives no probability of a label, so each prompt is answered several times
    in a structured form and the answers are counted, with a small pseudo-count for each label
    (`(count + a) / (samples + a·C)`) so that no label gets probability zero.

    Args:
        model: The chat model, with its temperature set; at 0 all answers are alike.
        samples: Answers drawn for each prompt.
        pseudo_count: `a` above.
        concurrency: Prompts under way at once.
        price: What its tokens cost.
        cache: Where answers are kept.
        name: Recorded in fingerprints; by default what the model says of itself.
    """

    exact = False
    special_tokens: tuple[str, ...] = ()
    context_length: int | None = None
    chat = True

    def __init__(
        self,
        model: BaseChatModel,
        *,
        samples: int = 5,
        pseudo_count: float = 0.1,
        concurrency: int = 8,
        price: Price = Price(),
        cache: ResponseCache | None = None,
        name: str | None = None,
    ) -> None:
        self.model = model
        self.samples = samples
        self.cache = cache
        self.on_progress: Progress | None = None
        self._pseudo_count = pseudo_count
        self._concurrency = concurrency
        self._price = price
        self._usage = Usage()
        self._name = name or str(
            getattr(model, "model_name", None) or getattr(model, "model", type(model).__name__)
        )

    @property
    def fingerprint(self) -> str:
        """Class, name and sampling parameters of the chat model."""
        parameters = {
            key: value
            for key, value in self.model._identifying_params.items()
            if isinstance(value, str | int | float | bool)
        }
        said = json.dumps(parameters, sort_keys=True)
        return f"chat-{type(self.model).__name__}/{self._name}/{said}"

    @property
    def usage(self) -> Usage:
        """What this object has cost so far, as far as the model says."""
        return self._usage

    @property
    def price(self) -> Price:
        """What its tokens cost."""
        return self._price

    def count_tokens(self, prompts: Sequence[Prompt]) -> NDArray[np.int64]:
        """An estimate at four characters a token, shape (n,): there is no tokenizer."""
        return np.array(
            [sum(len(m["content"]) for m in _messages(p)) // 4 + 8 for p in prompts], np.int64
        )

    def score_cost(
        self,
        prompts: Sequence[Prompt],
        candidates: Sequence[str],
        *,
        first_token_only: bool = False,
    ) -> Usage:
        """An estimate: `samples` answers to each prompt."""
        read = int(self.count_tokens(prompts).sum()) * self.samples
        requests = len(prompts) * self.samples
        written = 64 * requests
        return Usage(
            requests=requests,
            prompt_tokens=read,
            completion_tokens=written,
            money=self._price.of(read, written),
        )

    def score(
        self,
        prompts: Sequence[Prompt],
        candidates: Sequence[str],
        *,
        first_token_only: bool = False,
    ) -> LabelScores:
        """Estimated log-probabilities, from `samples` structured answers to each prompt.

        Raises:
            UnsupportedError: First tokens were asked for.
            LanguageModelError: Two candidates are alike, or one is empty.
        """
        if first_token_only:
            raise UnsupportedError(
                "a chat model shows no tokens, so it cannot score first tokens",
                fix="score whole labels, or use a vLLM or transformers backend",
            )
        if not candidates:
            raise LanguageModelError("there is no candidate to score", fix="give at least one")
        names = [candidate.strip() for candidate in candidates]
        if len(set(names)) < len(names) or not all(names):
            raise LanguageModelError(
                f"the candidates {', '.join(map(repr, candidates))} are not all different words",
                fix="give each label another word",
            )
        answers = self.generate(
            prompts,
            format=Literal[tuple(names)],
            n=self.samples,
            sampling=Sampling(temperature=1.0, max_tokens=64),
        )
        counts = np.full((len(prompts), len(names)), self._pseudo_count)
        unread = 0
        for row, drawn in enumerate(answers):
            for text, times in Counter(one.text for one in drawn).items():
                if text in names:
                    counts[row, names.index(text)] += times
                else:
                    unread += times
        if unread:
            log.warning(
                "%d of %d answers of %s were not one of the labels and were left out of the "
                "estimates",
                unread,
                len(prompts) * self.samples,
                self._name,
            )
        estimates = np.log(counts / counts.sum(axis=1, keepdims=True))
        return LabelScores(
            log_probs=estimates,
            first=estimates,
            lengths=np.ones(len(names), dtype=np.int64),
            candidates=tuple(candidates),
            exact=False,
            passes=self.samples,
            requests=np.full(len(prompts), self.samples),
            prompt_tokens=np.array(
                [sum(one.prompt_tokens for one in drawn) for drawn in answers], dtype=np.int64
            ),
            completion_tokens=np.array(
                [sum(one.completion_tokens for one in drawn) for drawn in answers], dtype=np.int64
            ),
        )

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        format: Any | None = None,
        n: int = 1,
        sampling: Sampling = Sampling(),
    ) -> list[list[Completion]]:
        """Answers; formats go through the model's structured output.

        The temperature and length are those that the chat model was made with. An answer that does
        not keep its format, because it broke off, is empty.

        Raises:
            UnsupportedError: The format is neither a `Literal` nor a pydantic model.
            LanguageModelError: The model failed; answers so far are in the cache.
        """
        runnable, field = self._runnable(format)
        parameters = json.dumps([format_key(format), sampling.seed])
        jobs = [(i, j) for i in range(len(prompts)) for j in range(n)]
        keys = {
            (i, j): cache_key(
                self.fingerprint, "chat", parameters, json.dumps(_messages(prompts[i])), str(j)
            )
            for i, j in jobs
        }
        found = self.cache.get(keys.values()) if self.cache is not None else {}
        result: dict[tuple[int, int], Completion] = {
            job: Completion(**json.loads(found[key])) for job, key in keys.items() if key in found
        }
        todo = [job for job in jobs if job not in result]
        start = time.perf_counter()
        for job, completion in self._answers(runnable, field, prompts, todo):
            result[job] = completion
            now = time.perf_counter()
            self._usage += Usage(
                requests=1,
                prompt_tokens=completion.prompt_tokens,
                completion_tokens=completion.completion_tokens,
                seconds=now - start,
                money=self._price.of(completion.prompt_tokens, completion.completion_tokens),
            )
            start = now
            if self.cache is not None:
                self.cache.put({keys[job]: json.dumps(vars(completion)).encode()})
            if self.on_progress is not None:
                self.on_progress(len(result), len(jobs))
        return [[result[i, j] for j in range(n)] for i in range(len(prompts))]

    def _answers(
        self,
        runnable: Any,
        field: str | None,
        prompts: Sequence[Prompt],
        jobs: list[tuple[int, int]],
    ) -> Iterator[tuple[tuple[int, int], Completion]]:
        """Each answer as it arrives; after a failure those that were under way, then the error."""
        failure: BaseException | None = None
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="llmal-chat") as pool:
            under_way = {
                pool.submit(runnable.invoke, _messages(prompts[job[0]])): job for job in jobs
            }
            try:
                for future in as_completed(under_way):
                    if future.cancelled():
                        continue
                    # Read, not raised: providers have exception classes of their own.
                    error = future.exception()
                    if error is None:
                        yield under_way[future], _completion(future.result(), field)
                    elif type(error).__name__ in _UNFINISHED:
                        yield under_way[future], _unfinished(error)
                    elif failure is None:
                        failure = error
                        pool.shutdown(wait=False, cancel_futures=True)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        if failure is not None:
            said = " ".join(str(failure).split())[:300]
            raise LanguageModelError(
                f"the chat model {self._name} failed ({type(failure).__name__}: {said})",
                fix="check its endpoint and key, and run again: answers so far are kept",
            ) from failure

    def _runnable(self, format: Any | None) -> tuple[Any, str | None]:
        """The model, held to a format, and the field that holds the answer if it was wrapped."""
        from pydantic import BaseModel, create_model

        if format is None:
            return self.model, None
        if isinstance(format, type) and issubclass(format, BaseModel):
            return self.model.with_structured_output(format, include_raw=True), None
        if get_origin(format) is not Literal:
            raise UnsupportedError(
                f"a chat model cannot be held to {format!r}",
                fix="use Literal or a pydantic model, or a vLLM or transformers backend",
            )
        wrapped = create_model("Answer", answer=(format, ...))
        return self.model.with_structured_output(wrapped, include_raw=True), "answer"

    def log_likelihood(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Always raises: a chat model gives no likelihoods.

        Raises:
            UnsupportedError: Always.
        """
        raise UnsupportedError(
            "a chat model does not give the likelihood of texts",
            fix="use a vLLM or transformers backend",
        )

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


def _messages(prompt: Prompt) -> list[Message]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return [dict(message) for message in prompt]


def _unfinished(error: BaseException) -> Completion:
    told = getattr(getattr(error, "completion", None), "usage", None)
    return Completion(
        text="",
        finished=False,
        prompt_tokens=int(getattr(told, "prompt_tokens", 0)),
        completion_tokens=int(getattr(told, "completion_tokens", 0)),
    )


def _completion(answer: Any, field: str | None) -> Completion:
    raw = answer["raw"] if isinstance(answer, dict) and "raw" in answer else answer
    told = getattr(raw, "usage_metadata", None) or {}
    if isinstance(answer, dict) and "parsed" in answer:
        parsed = answer["parsed"]
        if parsed is None:
            text = ""
        elif field is not None:
            text = str(getattr(parsed, field))
        else:
            text = str(parsed.model_dump_json())
    else:
        text = str(raw.content)
    return Completion(
        text=text,
        finished=True,
        prompt_tokens=int(told.get("input_tokens", 0)),
        completion_tokens=int(told.get("output_tokens", 0)),
    )
