"""`llmal select`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmal.cli.models import language_model_of, planning_model_of
from llmal.cli.source import Source
from llmal.cli.spending import Spending, give_most
from llmal.cli.telling import give, results_only_on_stdout
from llmal.cli.wording import Wording, key_values
from llmal.core.tables import check_output, write_table
from llmal.embed import SentenceEmbedder
from llmal.errors import ConfigError
from llmal.functions.rows import open_rows
from llmal.functions.selecting import Asking, Hints, Known, Picking
from llmal.functions.selection import picked
from llmal.lm.cache import ResponseCache
from llmal.lm.protocol import LanguageModel
from llmal.pool import Pool
from llmal.pool.label_file import LabelFile
from llmal.pool.readers import DETECTED, Reading
from llmal.progress import ProgressDisplay, cost_in_words
from llmal.selectors import make
from llmal.task import Task

if TYPE_CHECKING:
    from llmal.config import RunConfig
    from llmal.selectors import Selector


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
        calibrate: What makes probabilities of the language model's scores.
        spending: What it may cost.
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
    calibrate: tuple[str, ...]
    spending: Spending
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

    def task(self) -> Task | None:
        """The task of the task file, if there is one."""
        return None if self.config is None else self.config.task_object()

    def hints(self) -> Hints:
        """How what a strategy lacks is given on the command line."""
        task = "" if self.source is None else f", or add the section 'lm' to {self.source.task}"
        return Hints(
            labels="give --labels",
            costs="--option price_per_word=0.01",
            task="give --task, and --model or --url",
            model=f"give --model or --url{task}",
        )

    def asking(self, out: Path, progress: ProgressDisplay, *, quiet: bool) -> Asking | None:
        """The language model of the task, with its answers kept beside the output."""
        config = self.config
        if config is None or config.lm is None:
            return None
        return Asking(
            functools.partial(_planned, config)
            if self.spending.dry_run
            else functools.partial(_model, config, out, progress, quiet),
            config.task_object(),
            self.wording.template(),
            config.lm.prompt_style,
            self.wording.normalise,
            self.calibrate,
        )


def select(request: Request, *, out: Path, force: bool, as_json: bool, quiet: bool) -> None:
    """Choose items of a file, outside a run."""
    format = check_output(out, force=force)
    selector = request.selector()
    with results_only_on_stdout(as_json), ProgressDisplay(quiet=quiet) as progress:
        pool = request.pool()
        task = request.task()
        labels = LabelFile.read(request.labels, pool, task, request.reading)
        asking = request.asking(out, progress, quiet=quiet)
        picking = Picking(
            pool,
            selector,
            request.k,
            request.strategy,
            task,
            Known(labels.positions, labels.labels, labels.name),
            SentenceEmbedder(*([] if request.embedder is None else [request.embedder])),
            asking=asking,
            seed=request.seed,
            budget=request.spending.budget(request.config),
            hints=request.hints(),
            on_progress=progress.step,
        )
        most = picking.most() if request.spending.dry_run else None
        if most is None:
            picks, usage = picking.pick()
            chosen = picked(open_rows(pool), picks, picks.indices, usage)
            write_table(out, format, chosen.table, chosen.rows)
    if most is not None:
        give_most(most, "picking costs", as_json=as_json)
        return
    result: dict[str, Any] = {
        "out": str(out),
        "strategy": request.strategy,
        "seed": request.seed,
        "items": len(chosen),
        "pool": len(pool),
        "labelled": len(labels),
        "ids": pool.ids(picks.indices),
    }
    text = f"{len(chosen):,} of {len(pool):,} items are picked: {out}"
    if asking is not None and asking.asked:
        result["usage"] = {**usage.as_dict(), "tokens": usage.tokens}
        text += f"\ncost: {cost_in_words(usage.as_dict()) or 'nothing'}"
    give(result, text, as_json=as_json)


@contextlib.contextmanager
def _model(
    config: RunConfig, out: Path, progress: ProgressDisplay, quiet: bool
) -> Iterator[LanguageModel]:
    with language_model_of(config, quiet=quiet, progress=progress) as lm:
        assert lm is not None
        lm.cache = ResponseCache(out.with_name(f"{out.name}.cache.sqlite"))
        yield lm


@contextlib.contextmanager
def _planned(config: RunConfig) -> Iterator[LanguageModel]:
    with planning_model_of(config) as lm:
        assert lm is not None
        yield lm
