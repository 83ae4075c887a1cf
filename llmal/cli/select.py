"""`llmal select`."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from llmal.cli.label_file import LabelFile
from llmal.cli.models import language_model_of
from llmal.cli.source import Source
from llmal.cli.telling import give, results_only_on_stdout
from llmal.cli.wording import Wording, key_values
from llmal.embed import SentenceEmbedder
from llmal.errors import ConfigError, SelectionError
from llmal.icl.scorer import PromptScorer
from llmal.icl.style import labelling_prompts, style_cost
from llmal.lm.cache import ResponseCache
from llmal.pool import Pool
from llmal.pool.readers import DETECTED, Reading
from llmal.progress import ProgressDisplay, cost_in_words
from llmal.records import Usage
from llmal.round_signals import RoundSignals
from llmal.selectors import KINDS, RoundState, make
from llmal.selectors.checks import check_count
from llmal.selectors.wrapper import needed
from llmal.tables import Column, check_output, text_columns, write_table
from llmal.task import Task
from llmal.training import Trainer

if TYPE_CHECKING:
    from llmal.config import RunConfig
    from llmal.selectors import Selection, Selector

COMMITTEE = 10
"""Members of a committee."""

_CHUNK = 8192
_TAKEN = ("rank", "id", "score", "why")


@dataclass(frozen=True)
class Request:
    """What to choose from, and with what.

    Attributes:
        data: The file to choose from.
        strategy: Name of the selector.
        options: "key=value" for its options.
        k: How many items.
        labels: File with the columns `id` and `label`.
        text: Text columns; by default those of the task, or "text".
        id: Column with the ids.
        embedder: Path or name of sentence-transformers.
        source: The task and the language model, if there is a task.
        wording: How the language model is asked.
        seed: Of all that is drawn.
        reading: How the files are read.
    """

    data: Path
    strategy: str
    options: Sequence[str]
    k: int
    labels: Path | None
    text: tuple[str, ...]
    id: str | None
    embedder: str | None
    source: Source | None
    wording: Wording
    seed: int
    reading: Reading = DETECTED

    @functools.cached_property
    def config(self) -> RunConfig | None:
        """What the task file says, with the model of the command line."""
        return None if self.source is None else self.source.read()

    def selector(self) -> Selector:
        """The selector with its options.

        Raises:
            ConfigError: There is no such selector or option, or an option is not usable.
        """
        return make(self.strategy, **key_values(self.options, "--option"))

    def pool(self) -> Pool:
        """The items.

        Raises:
            ConfigError: The task reads other text columns than those that were given.
        """
        named = ("text",) if self.config is None else self.config.task.text
        if self.text and self.config is not None and self.text != named:
            raise ConfigError(
                f"--text names {', '.join(self.text)}, and the task reads {', '.join(named)}",
                fix="leave out --text, or change the task",
            )
        reading = asdict(self.reading)
        return Pool.from_file(self.data, text=list(self.text or named), id=self.id, **reading)

    def task(self, labels: LabelFile) -> Task:
        """The task of the task file; without it, the labels that were seen, sorted."""
        if self.config is not None:
            return self.config.task_object()
        seen = sorted(set(labels.labels))
        # A task has two labels or more. Where fewer are known, nothing is learnt from them.
        return Task("labels", [*seen, *(f"unseen {n}" for n in range(len(seen), 2))])


def select(request: Request, *, out: Path, force: bool, as_json: bool, quiet: bool) -> None:
    """Choose items of a file, outside a run."""
    format = check_output(out, force=force)
    selector = request.selector()
    with results_only_on_stdout(as_json), contextlib.ExitStack() as stack:
        progress = stack.enter_context(ProgressDisplay(quiet=quiet))
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="llmal-select-"))
        pool = request.pool()
        known = None if request.config is None else request.config.task_object()
        labels = LabelFile.read(request.labels, pool, known, request.reading)
        check_count(request.k, len(pool) - len(labels))
        asking = _Asking(request, out, stack, progress, quiet=quiet)
        signals, state = _round(request, selector, pool, labels, asking, scratch, progress)
        _check_signals(request, selector, state, labels)
        picks = selector.select(state, request.k, np.random.default_rng(request.seed))
        called = text_columns(pool.text_columns, _TAKEN)
        table = [
            Column("rank", "whole"),
            Column("id"),
            *(Column(one) for one in called.values()),
            Column("score", "number"),
            Column("why"),
        ]
        write_table(out, format, table, _rows(pool, picks, called))
        usage = picks.usage + signals.take_usage() + asking.setup
    result: dict[str, Any] = {
        "out": str(out),
        "strategy": request.strategy,
        "seed": request.seed,
        "items": len(picks),
        "pool": len(pool),
        "labelled": len(labels),
        "ids": pool.ids(picks.indices),
    }
    text = f"{len(picks):,} of {len(pool):,} items are picked: {out}"
    if asking.asked:
        result["usage"] = {**usage.as_dict(), "tokens": usage.tokens}
        text += f"\ncost: {cost_in_words(usage.as_dict()) or 'nothing'}"
    give(result, text, as_json=as_json)


class _Asking:
    """The language model, started when it is first needed and closed at the end of `stack`."""

    def __init__(
        self,
        request: Request,
        out: Path,
        stack: contextlib.ExitStack,
        progress: ProgressDisplay,
        *,
        quiet: bool,
    ) -> None:
        self._request, self._stack = request, stack
        self._progress, self._quiet = progress, quiet
        self._cache = out.with_name(f"{out.name}.cache.sqlite")
        self.asked = False
        self.setup = Usage()
        """What it took to find the form of the prompt."""

    def scorer(self) -> PromptScorer:
        """Scores items against the labels of the task."""
        config = self._request.config
        assert config is not None
        template = self._request.wording.template()
        lm = self._stack.enter_context(
            language_model_of(config, quiet=self._quiet, progress=self._progress)
        )
        assert lm is not None
        assert config.lm is not None
        lm.cache = ResponseCache(self._cache)
        self.asked = True
        task, style = config.task_object(), config.lm.prompt_style
        if style == "auto":
            self.setup = style_cost(task, template, lm)
        prompts = labelling_prompts(task, template, lm, style)
        return PromptScorer(prompts, self._request.wording.normalise)


def _round(
    request: Request,
    selector: Selector,
    pool: Pool,
    labels: LabelFile,
    asking: _Asking,
    scratch: str,
    progress: ProgressDisplay,
) -> tuple[RoundSignals, RoundState]:
    """The signals that what was given suffices for, and the state that has them."""
    from llmal.learners import LinearHead

    embedder = SentenceEmbedder(*([] if request.embedder is None else [request.embedder]))
    task = request.task(labels)
    trainer = Trainer(
        task,
        pool,
        LinearHead(random_state=request.seed),
        embedder=embedder,
        test=None,
        matrix_file=Path(scratch) / "embeddings.npy",
        seed=request.seed,
        on_progress=progress.step,
    )
    has_model = request.config is not None and request.config.lm is not None
    signals = RoundSignals(
        pool,
        trainer,
        embeddings=True,
        scorer=asking.scorer if has_model else None,
        price=0.0,
        members=COMMITTEE,
        on_progress=progress.step,
    )
    columns = labels.columns(task)
    learnt = len(set(labels.labels)) > 1
    if learnt and _learns(selector):
        trainer.fit(labels.positions, columns)
    nothing = np.zeros(0, dtype=np.int64)
    return signals, signals.state(labels.positions, columns, nothing, learnt=learnt)


def _learns(selector: Selector) -> bool:
    return any(KINDS[one].learnt and one != "labels" for one in selector.requires)


def _check_signals(
    request: Request, selector: Selector, state: RoundState, labels: LabelFile
) -> None:
    """See that a selector has what it needs, before anything is computed for it.

    Raises:
        SelectionError: Something is missing; the message says which option gives it.
    """
    missing = needed(selector, state) - state.signals
    name = request.strategy
    if "costs" in missing:
        raise SelectionError(
            f"{name} weighs what labels cost, and a file says nothing of that",
            fix="tell the cost from the text: --option price_per_word=0.01",
        )
    if any(KINDS[one].learnt for one in missing):
        if not len(labels):
            raise SelectionError(f"{name} learns from labels", fix="give --labels")
        raise SelectionError(
            f"{name} learns from labels, and all {len(labels):,} are {labels.labels[0]!r}",
            where=labels.name,
            fix="give --labels with two labels or more, or use random, kmeans or typiclust",
        )
    if any(KINDS[one].asks for one in missing):
        if request.source is None:
            raise SelectionError(
                f"{name} asks a language model", fix="give --task, and --model or --url"
            )
        raise SelectionError(
            f"{name} asks a language model",
            fix=f"give --model or --url, or add the section 'lm' to {request.source.task}",
        )


def _rows(pool: Pool, picks: Selection, called: dict[str, str]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(picks), _CHUNK):
        items = pool.items(picks.indices[start : start + _CHUNK])
        for rank, item in enumerate(items, start):
            yield {
                "rank": rank + 1,
                "id": item.id,
                **{called[name]: text for name, text in item.fields.items()},
                "score": float(picks.scores[rank]),
                "why": picks.why[rank],
            }
